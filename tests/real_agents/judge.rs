//! What loopdash said of a run, in a few words, and whether that is what it had to say.
//! Both are read from its JSON lines, its exit status, and what the run left.

use crate::agents::Cli;
use crate::ground::Ran;
use crate::scenarios::{Also, End, Scenario};
use crate::script::Role;
use serde_json::Value;

/// Tokens that loopdash counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Read, what came from the cache included.
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl Ran {
    fn of<'a>(&'a self, kind: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
        self.records.iter().filter(move |record| record["type"] == kind)
    }

    /// How the run ended, in loopdash's words.
    pub(crate) fn end(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ends = ["finished", "parked", "paused"];
        let last = self.records.iter().rev().find(|record| ends.iter().any(|end| record["type"] == *end));
        let Some(last) = last else {
            return self.err.lines().next().unwrap_or("nothing").to_owned();
        };
        match last["type"].as_str() {
            Some("finished") => format!("{}: {}", text(&last["outcome"]), text(&last["reason"])),
            Some("parked") => {
                let kind = last["class"].as_str().or_else(|| last["kind"].as_str()).unwrap_or_default();
                let detail = ["detail", "question", "tests"].into_iter().find(|key| !last[*key].is_null());
                let detail = detail.map_or_else(String::new, |key| {
                    last[key].as_str().map_or_else(|| last[key].to_string(), str::to_owned)
                });
                let why = format!("{} {kind}", text(&last["why"])).replace('_', " ");
                format!("parked, {}: {detail}", why.trim())
            }
            _ => "paused".to_owned(),
        }
    }

    /// How the run ended, and why if that is not in it.
    pub(crate) fn said(&self) -> String {
        // What it was parked for is what went wrong, in the same words.
        let trouble = self.trouble().filter(|_| !self.end().starts_with("parked"));
        [Some(self.end()), trouble].into_iter().flatten().collect::<Vec<_>>().join("; last failed step: ")
    }

    /// What went wrong with a step, in loopdash's words; the last such. A gate is red on the base by design.
    fn trouble(&self) -> Option<String> {
        let gates: Vec<&Value> = self.of("gate_finished").map(|record| &record["step"]).collect();
        let failed = |record: &Value| {
            let failure = &record["agent"]["failure"];
            let text = |key: &str| failure[key].as_str().unwrap_or_default();
            let error = failure.is_object().then(|| format!("{}: {}", text("class"), text("message")));
            let error = error.or_else(|| record["error"].as_str().map(str::to_owned));
            let cause =
                record["cause"].as_str().filter(|cause| *cause != "natural").map(|cause| cause.replace('_', " "));
            let exit = record["exit"].as_object().filter(|exit| exit.get("code") != Some(&0.into()));
            error.or(cause).or_else(|| Some(exit?.iter().map(|(name, value)| format!("{name} {value}")).collect()))
        };
        self.of("step_finished").filter(|record| !gates.contains(&&record["step"])).filter_map(failed).next_back()
    }

    /// What the agents' steps used in sum.
    pub(crate) fn counted(&self) -> Option<Counted> {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        self.of("step_finished").map(|record| &record["usage"]).filter(|usage| usage.is_object()).fold(
            None,
            |sum, usage| {
                let sum: Counted = sum.unwrap_or_default();
                let input = sum.input + number(&usage["input"]) + number(&usage["cached"]);
                Some(Counted { input, output: sum.output + number(&usage["output"]) })
            },
        )
    }

    fn left_behind(&self) -> Vec<String> {
        let lists = self
            .of("step_finished")
            .chain(self.of("step_interrupted"))
            .filter_map(|record| record["left_behind"].as_array());
        lists.flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
    }
}

/// Why a run is not as it should be; nothing if it is.
pub(crate) fn judge(cli: &Cli, scenario: &Scenario, ran: &Ran) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let end = ran.end();
    hold(ran.left.is_empty(), format!("left running: {}", ran.left.join("; ")));
    match scenario.end {
        End::Done => {
            hold(ran.code == Some(0) && end.starts_with("done"), "it is not done".to_owned());
            hold(
                ran.note.as_deref().is_some_and(|note| note.starts_with("hi\n")),
                format!("hello.txt: {:?}", ran.note),
            );
            hold(counts(cli, ran), format!("tokens counted: {:?}", ran.counted()));
        }
        End::Parked(word) => {
            hold(ran.code == Some(3), "it does not wait for a person".to_owned());
            hold(end.to_lowercase().contains(word), format!("{word:?} is not said"));
        }
        End::NotDone => hold(ran.code != Some(0) && !end.starts_with("done"), "it is done".to_owned()),
        End::Paused => hold(ran.code == Some(130) && end == "paused", "it is not paused".to_owned()),
    }
    for also in scenario.also {
        match also {
            Also::Verdict(word) => {
                let last = ran.of("verdict_reached").next_back().map(|record| record["verdict"].clone());
                hold(last.as_ref().is_some_and(|last| last == word), format!("the last verdict: {last:?}"));
            }
            Also::Resumed => {
                let both = ran.heard.iter().any(|heard| heard.role == Some(Role::Actor) && heard.prompts == 2);
                hold(both, "no session was resumed".to_owned());
            }
            Also::Untouched => hold(!ran.sneaked, "the critic wrote a file".to_owned()),
            Also::Class(class) => {
                let told = |record: &Value| Some(record["agent"]["failure"]["class"].as_str()?.to_owned());
                let told: Vec<String> = ran.of("step_finished").filter_map(told).collect();
                let fits = !told.is_empty() && told.iter().all(|told| told == class);
                hold(fits, format!("classes of failures: {told:?}"));
            }
            Also::Says(words) => {
                let of = |name: &str| words.iter().find(|(cli, _)| *cli == name).map(|(_, words)| *words);
                let words = of(cli.name).or_else(|| of("")).unwrap_or_default();
                let said = ran.said();
                hold(words.iter().any(|words| said.contains(words)), format!("{words:?} is not said"));
            }
            Also::Silence => hold(ran.of("signal").next().is_some(), "no watch said that it is silent".to_owned()),
            Also::LeftBehind => {
                let named = ran.left_behind();
                // These end what their model's commands leave themselves.
                let own = ["codex", "qwen"].contains(&cli.name);
                hold(own || named.iter().any(|name| name.contains("tail")), format!("named as left behind: {named:?}"));
            }
            Also::Bytes(least) => {
                let most = ran.of("step_finished").filter_map(|record| record["stdout_bytes"].as_u64()).max();
                hold(most >= Some(*least), format!("most bytes of a step: {most:?}"));
            }
            Also::Troubles(least) => {
                let troubles = ran.heard.iter().filter(|heard| heard.said != "ok").count();
                hold(troubles >= *least, format!("the model refused {troubles} times"));
            }
        }
    }
    wrong
}

/// Whether tokens were counted: exactly those that the stub wrote down, where the agent reports them one by one.
fn counts(cli: &Cli, ran: &Ran) -> bool {
    let Some(counted) = ran.counted() else { return false };
    let answers = ran.heard.iter().filter(|heard| heard.role.is_some() && heard.said == "ok").count() as u64;
    // aider rounds, and says nothing of the cache.
    let exact = Counted { input: answers * 1_000, output: answers * 50 };
    if cli.toolless { counted.input > 0 && counted.output > 0 } else { counted == exact }
}
