//! What the stub model says, as data: scenes for the actor and for the critic, turn by turn.
//! A turn follows from what the request holds, so that retries and resumed sessions stay in step.

use crate::stub::{KEY, Refusal, Tokens};
use loopdash::loops::core::spec::CLAIM_TOKEN;

/// Who asks the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Actor,
    Critic,
}

/// All that the model says in one run.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) scenes: Vec<Scene>,
}

/// The turns of one role, for prompts that hold a text.
pub(crate) struct Scene {
    role: Role,
    /// What the prompt has to hold; the first scene that fits is played.
    holds: &'static str,
    pub(crate) turns: Vec<Turn>,
}

/// One answer of the model. The last of a scene is repeated.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    /// What it says; [`KEY`] becomes the key of the prompt.
    pub(crate) say: String,
    /// What it has the agent do.
    pub(crate) acts: Vec<Act>,
    pub(crate) tokens: Tokens,
    /// What goes wrong instead, and how often.
    pub(crate) trouble: Option<(Trouble, u32)>,
}

/// What an agent is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Write a file of the worktree.
    Write { path: &'static str, text: &'static str },
    /// Run a command.
    Shell(&'static str),
}

/// What goes wrong between an agent and its model.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Refuse(Refusal),
    /// The stream ends in the middle of the answer.
    Cut,
    /// No answer comes.
    Hang,
}

/// Tokens of each turn: read, of these cached, written.
pub(crate) const TOKENS: Tokens = Tokens { input: 1_000, cached: 400, output: 50 };

impl Script {
    /// Scene and turn for a prompt that has had so many tool results.
    pub(crate) fn find(&self, role: Role, prompt: &str, results: usize) -> Option<(usize, usize)> {
        let scene = self.scenes.iter().position(|scene| scene.role == role && prompt.contains(scene.holds))?;
        Some((scene, results.min(self.scenes[scene].turns.len() - 1)))
    }

    /// For an agent whose model has no tools, and does everything in one answer: each scene as one turn.
    pub(crate) fn in_one_breath(mut self) -> Self {
        for scene in &mut self.scenes {
            let acts = scene.turns.iter().flat_map(|turn| turn.acts.clone()).collect();
            let trouble = scene.turns.iter().find_map(|turn| turn.trouble);
            if let Some(last) = scene.turns.pop() {
                scene.turns = vec![Turn { acts, trouble, ..last }];
            }
        }
        self
    }

    pub(crate) fn actor(self, turns: impl Into<Vec<Turn>>) -> Self {
        self.scene(Role::Actor, "", turns)
    }

    pub(crate) fn scene(mut self, role: Role, holds: &'static str, turns: impl Into<Vec<Turn>>) -> Self {
        self.scenes.push(Scene { role, holds, turns: turns.into() });
        self
    }
}

/// Says something and has the agent do something.
pub(crate) fn act(say: &str, act: Act) -> Turn {
    Turn { acts: vec![act], ..self::say(say) }
}

/// Says something last.
pub(crate) fn say(text: &str) -> Turn {
    Turn { say: text.to_owned(), acts: Vec::new(), tokens: TOKENS, trouble: None }
}

/// Says that the work is done.
pub(crate) fn claim() -> Turn {
    say(&format!("The note is written.\n\n{CLAIM_TOKEN}"))
}

/// Answers as a critic, with a finding unless it is content.
pub(crate) fn verdict(verdict: &str, finding: Option<&str>) -> Turn {
    let findings: Vec<_> = finding
        .map(|text| serde_json::json!({"id": "f1", "severity": "blocking", "file": "hello.txt", "line": 1, "text": text}))
        .into_iter()
        .collect();
    let object = serde_json::json!({
        "key": KEY, "verdict": verdict, "confidence": 0.9, "summary": "I looked at the note.", "findings": findings,
    });
    say(&format!("I read the change.\n\n```json\n{object}\n```"))
}

impl Turn {
    /// Has this go wrong first, so often.
    pub(crate) fn after(mut self, trouble: Trouble, times: u32) -> Self {
        self.trouble = Some((trouble, times));
        self
    }
}
