//! A model on loopback that says what a script says. It speaks every agent's wire protocol and knows loopdash's prompts:
//! which role it is asked in, and the one-time key that a critic has to repeat.

mod chat;
mod gemini;
mod http;
mod messages;
mod responses;
mod wire;

pub(crate) use wire::{Refusal, Tokens, Wire};

use crate::script::{Act, Role, Script, Trouble, Turn};
use http::Request;
use loopdash::loops::core::spec::CLAIM_TOKEN;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use wire::{Answer, Entry, Talk};

/// What stands for the critic's key in a script.
pub(crate) const KEY: &str = "{KEY}";

/// The tool that claude gives a model for an answer that is held to a schema.
const SHAPED: &str = "StructuredOutput";

/// How an agent is made to do something.
pub(crate) enum Speech {
    /// By a call of one of its tools: name and arguments.
    Call(&'static str, Value),
    /// By what it is told.
    Text(String),
}

/// Puts an act into the words of one agent, if it has any for it.
pub(crate) type Tongue = Box<dyn Fn(&Act) -> Option<Speech> + Send + Sync>;

/// A request, and what was said to it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Who asked; `None` for what an agent asks on the side, such as a title.
    pub(crate) role: Option<Role>,
    /// How many of loopdash's prompts the conversation held: more than one in a session that was resumed.
    pub(crate) prompts: usize,
    /// `ok`, a status, `cut` or `hang`.
    pub(crate) said: String,
}

/// The server; it lives as long as the process.
pub(crate) struct Stub {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    mind: Arc<Mind>,
}

struct Mind {
    script: Script,
    tongue: Tongue,
    /// Whether a request without tools is meant: an agent that has none.
    toolless: bool,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    answers: u64,
    /// How often each turn's trouble was made, by scene and turn.
    troubles: std::collections::HashMap<(usize, usize), u32>,
    heard: Vec<Heard>,
}

impl Stub {
    /// Starts one on a free port.
    pub(crate) fn start(script: Script, toolless: bool, tongue: Tongue) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = if toolless { script.in_one_breath() } else { script };
        let mind = Arc::new(Mind { script, tongue, toolless, memory: Mutex::default() });
        let served = Arc::clone(&mind);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mind = Arc::clone(&served);
                // A client that goes away in the middle is part of the play.
                std::thread::spawn(move || drop(mind.serve(stream)));
            }
        });
        Self { url, mind }
    }

    /// Whether anything was asked for the loop's sake.
    pub(crate) fn was_asked(&self) -> bool {
        self.mind.memory().heard.iter().any(|heard| heard.role.is_some())
    }

    /// What was asked so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.mind.memory().heard.clone()
    }
}

impl Mind {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let Some(request) = Request::read(&mut stream)? else { return Ok(()) };
        let (path, _) = request.target.split_once('?').unwrap_or((&request.target, ""));
        match Wire::of(path).filter(|_| request.method == "POST") {
            Some(wire) => self.answer(wire, path, &request.body, &mut stream),
            None => http::reply(&mut stream, aside_status(&request.method, path), &[], &aside(path).to_string()),
        }
    }

    fn answer(&self, wire: Wire, path: &str, body: &[u8], stream: &mut TcpStream) -> std::io::Result<()> {
        let body: Value = serde_json::from_slice(body)?;
        let talk = wire.read(path, &body);
        let place = Place::of(&talk, self.toolless);
        let at = place.as_ref().and_then(|place| self.script.find(place.role, place.prompt, place.results));
        let turn = at.map(|(scene, turn)| &self.script.scenes[scene].turns[turn]);
        let trouble = at.zip(turn.and_then(|turn| turn.trouble)).and_then(|(at, (trouble, times))| {
            let mut memory = self.memory();
            let made = memory.troubles.entry(at).or_default();
            *made += 1;
            (*made <= times).then_some(trouble)
        });
        self.note(place.as_ref(), trouble);
        match trouble {
            Some(Trouble::Refuse(refusal)) => {
                let body = wire.refusal(refusal).to_string();
                http::reply(stream, refusal.status(), &refusal.headers(), &body)
            }
            Some(Trouble::Hang) => {
                http::hang(stream);
                Ok(())
            }
            Some(Trouble::Cut) | None => {
                let model = body["model"].as_str().unwrap_or("stub-model").to_owned();
                let mut answer = self.compose(model, turn, place.as_ref());
                if talk.tools.iter().any(|tool| tool == SHAPED) {
                    shape(&mut answer);
                }
                if talk.stream || trouble.is_some() {
                    http::events(stream, &wire.events(&answer), trouble.is_some())
                } else {
                    http::reply(stream, 200, &[], &wire.whole(&answer).to_string())
                }
            }
        }
    }

    fn note(&self, place: Option<&Place<'_>>, trouble: Option<Trouble>) {
        let said = match trouble {
            None => "ok".to_owned(),
            Some(Trouble::Refuse(refusal)) => refusal.status().to_string(),
            Some(Trouble::Cut) => "cut".to_owned(),
            Some(Trouble::Hang) => "hang".to_owned(),
        };
        let role = place.map(|place| place.role);
        self.memory().heard.push(Heard { role, prompts: place.map_or(0, |place| place.prompts), said });
    }

    fn compose(&self, model: String, turn: Option<&Turn>, place: Option<&Place<'_>>) -> Answer {
        let number = {
            let mut memory = self.memory();
            memory.answers += 1;
            memory.answers
        };
        let Some(turn) = turn else {
            let tokens = Tokens { input: 10, cached: 0, output: 2 };
            return Answer { number, model, text: "A note".to_owned(), call: None, tokens };
        };
        let key = place.and_then(|place| key(place.prompt)).unwrap_or("no key in the prompt");
        let mut text = turn.say.replace(KEY, key);
        let mut call = None;
        for speech in turn.acts.iter().filter_map(&self.tongue) {
            match speech {
                Speech::Call(name, arguments) => call = Some((name.to_owned(), arguments)),
                Speech::Text(more) => text = format!("{more}\n\n{text}"),
            }
        }
        Answer { number, model, text, call, tokens: turn.tokens }
    }
}

/// Gives the JSON that ends an answer to the tool that is there for it, as a model does that heeds its instructions.
fn shape(answer: &mut Answer) {
    let Some((said, json)) = answer.text.split_once("```json") else { return };
    let Ok(json) = serde_json::from_str::<Value>(json.trim_end_matches("```").trim()) else { return };
    answer.call = Some((SHAPED.to_owned(), json));
    answer.text = said.trim().to_owned();
}

/// Where in the play a request stands.
struct Place<'a> {
    role: Role,
    /// loopdash's last prompt in the conversation.
    prompt: &'a str,
    prompts: usize,
    /// Tool results since then.
    results: usize,
}

impl<'a> Place<'a> {
    /// `None` for what has nothing to do with the loop: no prompt of loopdash's, or no tools to work with.
    fn of(talk: &'a Talk, toolless: bool) -> Option<Self> {
        if talk.tools.is_empty() && !toolless {
            return None;
        }
        let mut place: Option<Self> = None;
        for entry in &talk.entries {
            match entry {
                Entry::User(text) => {
                    let critic = text.contains("\"key\":\"");
                    if critic || text.contains(CLAIM_TOKEN) {
                        let role = if critic { Role::Critic } else { Role::Actor };
                        let prompts = place.map_or(0, |place| place.prompts) + 1;
                        place = Some(Self { role, prompt: text, prompts, results: 0 });
                    }
                }
                Entry::Result => {
                    if let Some(place) = &mut place {
                        place.results += 1;
                    }
                }
            }
        }
        place
    }
}

/// The value of the last `"key"` in a prompt.
fn key(prompt: &str) -> Option<&str> {
    prompt.rsplit_once("\"key\":\"")?.1.split('"').next()
}

/// What else clients ask for: which models there are, and how many tokens a text has.
fn aside(path: &str) -> Value {
    if path.ends_with("/models") {
        json!({"object": "list", "models": [], "data": [{"id": "stub-model", "object": "model", "created": 0, "owned_by": "stub"}]})
    } else if is_count(path) {
        json!({"input_tokens": 100, "totalTokens": 100})
    } else {
        json!({"error": {"type": "not_found_error", "message": "no such path"}})
    }
}

fn is_count(path: &str) -> bool {
    path.ends_with("/count_tokens") || path.ends_with(":countTokens")
}

fn aside_status(method: &str, path: &str) -> u16 {
    if method == "HEAD" || path.ends_with("/models") || is_count(path) { 200 } else { 404 }
}
