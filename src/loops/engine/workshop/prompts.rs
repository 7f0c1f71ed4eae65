//! What the prompts need from disk and git: tails of gates, context files, the change.
//!
//! The texts themselves are made by the pure core; here is only the gathering, off the async threads. What is gathered
//! is masked: no provider is told a secret that lies in the repository or was printed.

use super::Workshop;
use crate::loops::agent::transcript::Transcript;
use crate::loops::core::gate::{GateKind, VERIFY_GATE};
use crate::loops::core::prompt::{
    self, ActorPrompt, Check, CriticPrompt, DEFAULT_BUDGET, GateTail, OperatorNote, Prompt, TestBrief,
};
use crate::loops::core::state::{GateRun, Iteration, OBJECTIVE_TEST};
use crate::loops::core::step::StepKind;
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::verdict::Decision;
use crate::loops::engine::order::Order;
use crate::loops::git::diff::to_text;
use crate::loops::journal::RunDir;
use crate::loops::mask::Mask;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The end of a gate's output that a prompt may hold.
const TAIL_LINES: u64 = 120;
const TAIL_BYTES: usize = 16 * 1024;
/// The most that is read of one context file; the budget cuts further.
const CONTEXT_BYTES: u64 = 256 * 1024;
/// The most of a diff that the critic is shown.
const DIFF_BYTES: usize = 96 * 1024;

/// Failures that a prompt names of one gate.
const MAX_NAMED: usize = 40;

/// A gate's result with the end of its output, owned.
struct Tail {
    name: String,
    kind: Option<GateKind>,
    word: String,
    passed: bool,
    required: bool,
    text: String,
}

impl Workshop {
    pub(super) async fn actor_prompt(&self, order: &Order) -> Result<String, String> {
        let order = order.clone();
        blocking(move || actor_prompt(&order).map(|prompt| prompt.text)).await
    }

    pub(super) async fn critic_prompt(&self, order: &Order, key: &str) -> Result<String, String> {
        let place = self.git_place(order).ok_or("there is no worktree")?;
        let snapshot = order.open.as_ref().and_then(|open| open.snapshot.as_ref()).ok_or("there is no snapshot")?;
        let base = place.base.clone();
        let diff = self.git.between(place.common_dir, base.clone(), snapshot.commit.clone()).await;
        let diff = diff.map_err(|error| error.to_string())?;
        let (order, key) = (order.clone(), key.to_owned());
        blocking(move || {
            let open = order.open.as_ref();
            let tails = open.map(|open| tails(&order.dir, open)).unwrap_or_default();
            let findings = order.last.as_ref().and_then(|last| last.verdict.as_ref());
            let unread = open.and_then(|open| open.verdict.as_ref()).filter(|v| v.decision == Decision::Unknown);
            let notes = notes(&order);
            prompt::critic(&CriticPrompt {
                objective: &order.spec.objective,
                test: listed(&order),
                base: Some(&base),
                diff: &Mask::of_process().text(&to_text(&diff, DIFF_BYTES)),
                gates: &as_gates(&tails),
                weakened: open.map_or(&[], |open| open.weighed.as_slice()),
                findings: findings.map_or(&[], |verdict| verdict.findings.as_slice()),
                notes: &notes,
                claimed: open.and_then(|open| open.actor.as_ref()).is_some_and(|actor| actor.claim),
                in_place: Self::in_place(&order),
                key: &key,
                remind: unread.filter(|_| order.reask).map(|verdict| verdict.summary.as_str()),
                budget: DEFAULT_BUDGET,
            })
            .map(|prompt| prompt.text)
            .map_err(|error| error.to_string())
        })
        .await
    }
}

/// The actor's prompt for an order, with the sizes of its parts. Reads files: call it where blocking is allowed.
///
/// # Errors
/// The built-in template cannot be filled in.
pub fn actor_prompt(order: &Order) -> Result<Prompt, String> {
    let tails = order.last.as_ref().map(|last| tails(&order.dir, last)).unwrap_or_default();
    let context = context_files(order);
    let checks = checks(order);
    let last = order.last.as_ref();
    let max_attempts = order.test.as_ref().and_then(|test| test.max_attempts).unwrap_or(order.spec.limits.max_attempts);
    let notes = notes(order);
    prompt::actor(&ActorPrompt {
        objective: &order.spec.objective,
        test: listed(order),
        iteration: order.iteration,
        attempt: (order.test.as_ref().map_or(1, |test| test.attempts + 1), attempts_shown(max_attempts)),
        base: order.workspace.as_ref().map(|place| place.base.as_str()),
        in_place: Workshop::in_place(order),
        critic: order.spec.critic.is_some(),
        checks: &checks,
        context: &context,
        gates: &as_gates(&tails),
        verdict: last.and_then(|last| last.verdict.as_ref()),
        failure: last.and_then(|last| last.result.as_deref()).filter(|_| last.is_some_and(|last| !last.passed)),
        notes: &notes,
        budget: DEFAULT_BUDGET,
    })
    .map_err(|error| error.to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the prompt could not be put together".to_owned()))
}

/// The test, unless it is only the objective under another name.
fn listed(order: &Order) -> Option<TestBrief<'_>> {
    let test: &TestSpec = order.test.as_ref()?;
    (test.id != OBJECTIVE_TEST || !order.spec.tests.is_empty()).then(|| TestBrief {
        id: &test.id,
        title: &test.title,
        criteria: &test.criteria,
    })
}

/// Attempts as the prompt tells them: a test that is bound by iterations alone has no number worth telling.
const fn attempts_shown(max: u32) -> u32 {
    if max > 1_000 { 1 } else { max }
}

fn checks(order: &Order) -> Vec<Check> {
    let gates = order.spec.gates.iter();
    let gates = gates.map(|gate| Check {
        name: gate.name.clone(),
        kind: gate.kind,
        command: gate.command.display(),
        floor: gate.coverage.as_ref().map(|coverage| coverage.floor),
    });
    let verify = order.test.as_ref().and_then(|test| test.verify.as_ref());
    let verify =
        verify.map(|argv| Check { name: VERIFY_GATE.to_owned(), kind: None, command: argv.join(" "), floor: None });
    gates.chain(verify).collect()
}

fn notes(order: &Order) -> Vec<OperatorNote<'_>> {
    let notes = order.notes.iter();
    notes.map(|note| OperatorNote { id: note.id, question: note.question.as_deref(), text: &note.text }).collect()
}

fn tails(dir: &RunDir, iteration: &Iteration) -> Vec<Tail> {
    let tail = |gate: &GateRun| {
        let path = dir.step_dir(gate.step, &StepKind::Gate(gate.name.clone()));
        // What a passed gate printed is rarely worth an agent's attention.
        let text = if gate.holds() { Ok(String::new()) } else { Transcript::open(&path).tail(TAIL_LINES, TAIL_BYTES) };
        Tail {
            name: gate.name.clone(),
            kind: gate.kind,
            word: told(gate),
            passed: gate.holds(),
            required: gate.required,
            text: text.unwrap_or_else(|error| format!("[its output could not be read: {error}]")),
        }
    };
    iteration.gates_to_tell().into_iter().map(tail).collect()
}

/// A gate's result as an agent is told it: what is new by name, and what it may leave alone.
fn told(gate: &GateRun) -> String {
    let mut text = gate.words();
    let Some(tests) = gate.tests.as_deref() else { return text };
    for (names, what) in [(&tests.known, "failed on the base, too"), (&tests.flaky, "flaky"), (&tests.new, "new")] {
        if !names.is_empty() {
            let _ = write!(text, "; {what}: {}", listed_names(names));
        }
    }
    text
}

fn listed_names(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMED).map(String::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn as_gates(tails: &[Tail]) -> Vec<GateTail<'_>> {
    let tails = tails.iter();
    tails
        .map(|tail| GateTail {
            name: &tail.name,
            kind: tail.kind,
            word: &tail.word,
            passed: tail.passed,
            required: tail.required,
            tail: &tail.text,
        })
        .collect()
}

/// The context files that can be read, each inside the worktree; one that cannot is said to be missing, because the
/// actor should know.
fn context_files(order: &Order) -> Vec<(String, String)> {
    let Some(place) = &order.workspace else { return Vec::new() };
    let read = |name: &String| {
        let text = read_inside(Path::new(&place.path), name).unwrap_or_else(|why| format!("[not read: {why}]"));
        (name.clone(), text)
    };
    order.spec.context_files.iter().map(read).collect()
}

fn read_inside(root: &Path, name: &str) -> Result<String, String> {
    let root = root.canonicalize().map_err(|error| error.to_string())?;
    let path = root.join(name).canonicalize().map_err(|error| error.to_string())?;
    if !path.starts_with(&root) {
        return Err("it leads out of the worktree".to_owned());
    }
    let meta = path.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(|error| error.to_string())?;
    file.take(CONTEXT_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(Mask::of_process().text(&String::from_utf8_lossy(&bytes)).into_owned())
}
