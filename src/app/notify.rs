//! Calls for the operator when a run begins to need one: a command, told once for each run of this loopdash ([`watch`]),
//! and what the dashboard tells its terminal ([`terminal_call`]).
//!
//! Both go by the edge: a run that still needs a person is not called for again, nor one that was found waiting.

use crate::app::sentence;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::agent::transcript::Transcript;
use crate::loops::agent::{Input, Ladder, Launch, Supervisor};
use crate::loops::core::event::ParkReason;
use crate::loops::core::fleet::Fleet;
use crate::loops::core::ids::RunId;
use crate::loops::core::state::RunState;
use crate::loops::engine::{Handle, Update};
use crate::loops::mask::Mask;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

/// The version of the command's JSON object.
const VERSION: u32 = 1;
/// Characters of a call on the terminal: a notification, not a page.
const LONGEST: usize = 200;
/// Commands that run at once; more wait for their turn.
const AT_ONCE: usize = 4;
/// Bytes of a failed command's output that go to the log.
const TOLD: usize = 2_000;

/// The command that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Program and arguments. No shell runs.
    pub argv: Vec<String>,
    /// After this it is stopped, with all that it started.
    pub timeout: Duration,
}

/// What a dashboard tells its terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Rings its bell.
    pub bell: bool,
    /// Asks it for a notification.
    pub osc9: bool,
}

/// Whether the run begins to need a person by what happened between two states of it. One that was not known before, or
/// was found so, does not.
pub fn begins(before: Option<bool>, after: &RunState) -> bool {
    before == Some(false) && after.needs_person()
}

/// Folds an update, and says which run of this loopdash begins to need a person by it.
fn edge(fleet: &mut Fleet, update: Update) -> Option<RunId> {
    match update {
        Update::Record(record) => {
            let before = fleet.state(record.run).map(RunState::needs_person);
            fleet.apply(&record);
            fleet.state(record.run).is_some_and(|state| begins(before, state)).then_some(record.run)
        }
        // Another loopdash's run, or one that changes hands: whoever works on it tells of it.
        Update::Run(entry) => {
            fleet.runs.insert(entry.state.id, *entry);
            None
        }
        _ => None,
    }
}

/// Tells `notify` of each run that begins to need a person, until the engine has ended and the last command, too.
pub async fn watch(handle: Handle, supervisor: Arc<Supervisor>, notify: Notify) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut told = JoinSet::new();
    'anew: while let Ok(mut subscription) = handle.subscribe().await {
        loop {
            match subscription.updates.recv().await {
                Ok(Update::Ended) | Err(RecvError::Closed) => break 'anew,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "a run may have begun to need you without the notify command being told");
                    continue 'anew;
                }
                Ok(update) => {
                    let Some(run) = edge(&mut subscription.fleet, update) else { continue };
                    let Some(about) = subscription.fleet.state(run).and_then(about) else { continue };
                    let (supervisor, turns, notify) = (Arc::clone(&supervisor), Arc::clone(&turns), notify.clone());
                    let number = told.len();
                    told.spawn(async move {
                        let _turn = turns.acquire().await;
                        if let Err(why) = tell(&supervisor, &notify, about, run, number).await {
                            tracing::warn!(%run, why, "the notify command failed");
                        }
                    });
                }
            }
        }
    }
    told.join_all().await;
}

/// What a command is told, and where it works.
struct About {
    text: String,
    repo: PathBuf,
}

/// The object for a run that needs a person.
fn about(run: &RunState) -> Option<About> {
    let (kind, text) = reason(run)?;
    let spec = run.spec.as_ref()?;
    let place = run.workspace.as_ref();
    let object = json!({
        "v": VERSION,
        "event": "needs_person",
        "run": run.id.to_string(),
        "name": run.label,
        "loop": spec.name,
        "repo": spec.repo,
        "worktree": place.map(|place| &place.path),
        "branch": place.and_then(|place| place.branch.as_ref()),
        "reason": kind,
        "text": text,
        "since_ms": run.status_since.0,
    });
    let text = Mask::of_process().text(&object.to_string()).into_owned();
    Some(About { text, repo: spec.repo.clone().into() })
}

/// Why a run needs a person: a word for programs, and words for people, fit for a screen and without secrets.
fn reason(run: &RunState) -> Option<(&'static str, String)> {
    let park = run.park.as_ref()?;
    let kind = match park {
        ParkReason::NeedsHuman { .. } => "question",
        ParkReason::Attention { .. } => "trouble",
        ParkReason::Blocked { .. } => "blocked",
        ParkReason::Budget { .. } => "budget",
        ParkReason::Account { .. } => "account",
        ParkReason::Limit { .. } => "limit",
        ParkReason::Behind { .. } => "behind",
    };
    let text = plain_str(&sentence::park(park)).split_whitespace().collect::<Vec<_>>().join(" ");
    Some((kind, Mask::of_process().text(&text).into_owned()))
}

/// Runs the command once, in a session of its own that ends with it.
async fn tell(supervisor: &Supervisor, notify: &Notify, about: About, run: RunId, number: usize) -> Result<(), String> {
    let kept = tempfile::tempdir().map_err(|error| error.to_string())?;
    let dir = kept.path().join("notify");
    let launch = Launch {
        argv: notify.argv.iter().map(Into::into).collect(),
        cwd: about.repo,
        env: Vec::new(),
        env_remove: Vec::new(),
        stdin: Input::Bytes(about.text.into_bytes().into()),
        terminal: false,
        // Not the run's own mark: what belongs to a run ends with its steps. Nor one that another loopdash may give.
        run: format!("notify-{}-{run}", std::process::id()),
        step: u32::try_from(number).unwrap_or(u32::MAX),
        dir: dir.clone(),
        timeout: Some(notify.timeout),
        ladder: Ladder { int: Duration::ZERO, term: Duration::from_secs(1) },
        listen: None,
    };
    let running = supervisor.spawn(launch).await.map_err(|error| error.to_string())?;
    let ended = running.wait().await;
    let said = tokio::task::spawn_blocking(move || {
        let said = Transcript::open(&dir).tail(20, TOLD).unwrap_or_default();
        drop(kept);
        said
    });
    let said = said.await.unwrap_or_default();
    if ended.exit.ok() {
        return Ok(());
    }
    Err(format!("{:?}, {:?}: {}", ended.cause, ended.exit, plain_str(said.trim())))
}

/// The bytes that call for the operator of a terminal: OSC 9, as iTerm2 made it, and BEL. Nothing of the text is obeyed.
pub fn terminal_call(calls: Calls, run: &RunState) -> Vec<u8> {
    let mut bytes = Vec::new();
    if calls.osc9 {
        let why = reason(run).map_or_else(String::new, |(_, text)| format!(": {text}"));
        let words = plain_str(&format!("loopdash: {} needs you{why}", run.label));
        let words: String = words.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        bytes.extend_from_slice(format!("\x1b]9;{words}\x1b\\").as_bytes());
    }
    if calls.bell {
        bytes.push(b'\x07');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::fixture::Life;
    use crate::loops::core::event::Parked;
    use crate::loops::core::ids::Who;

    fn asking(question: &str) -> RunState {
        let mut life = Life::new("auth", 1, Vec::new());
        life.admit(0)
            .put(Parked { reason: ParkReason::NeedsHuman { question: question.to_owned(), from: Who::Actor } });
        RunState { label: "auth\x1b]0;x\x07".to_owned(), ..life.state() }
    }

    #[test]
    fn nothing_that_an_agent_says_gets_out_of_the_call() {
        let run = asking(&"which?\x1b]52;c;AAAA\x07\nand \u{9b}2J sk-ant-api03-abcdefghijklmnopqrstuvwxyz ".repeat(9));
        let bytes = terminal_call(Calls { bell: true, osc9: true }, &run);
        let inner = bytes.strip_prefix(b"\x1b]9;").and_then(|rest| rest.strip_suffix(b"\x1b\\\x07"));
        let inner = std::str::from_utf8(inner.unwrap_or_default()).unwrap_or_default();
        assert!(inner.starts_with("loopdash: auth") && inner.contains("question of the actor: which?"), "{inner:?}");
        assert!(!inner.chars().any(char::is_control) && inner.chars().count() <= LONGEST, "{inner:?}");
        assert!(inner.contains("[masked]") && !inner.contains("abcdefg"), "{inner:?}");
        assert_eq!(terminal_call(Calls { bell: true, osc9: false }, &run), b"\x07");
        assert!(terminal_call(Calls::default(), &run).is_empty());
    }

    #[test]
    fn only_the_beginning_is_an_edge() {
        let run = asking("which?");
        assert!(begins(Some(false), &run));
        assert!(!begins(Some(true), &run) && !begins(None, &run));
    }
}
