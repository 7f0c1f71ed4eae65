//! Calls for the operator when something begins to need one: a command, told once of each ([`watch`]), and what the
//! dashboard tells its terminal ([`terminal_call`]). Both go by the edges of the Attention list ([`Edges`]).
//!
//! The command is told of what this loopdash works on or has found, so that a box with two calls once.

use crate::app::sentence;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::agent::transcript::Transcript;
use crate::loops::agent::{Input, Ladder, Launch, Supervisor};
use crate::loops::core::attention::{Edges, Need, Why};
use crate::loops::core::event::ParkReason;
use crate::loops::core::fleet::{Fleet, Ownership};
use crate::loops::core::watch::Raised;
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

/// Folds an update.
fn fold(fleet: &mut Fleet, update: Update) {
    match update {
        Update::Record(record) => fleet.apply(&record),
        Update::Run(entry) => drop(fleet.runs.insert(entry.state.id, *entry)),
        Update::Alerts(alerts) => fleet.alerts = alerts,
        Update::Holds(holds) => fleet.holds = holds,
        _ => {}
    }
}

/// Tells `notify` of each thing that begins to need a person, until the engine has ended and the last command, too.
pub async fn watch(handle: Handle, supervisor: Arc<Supervisor>, notify: Notify) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut told = JoinSet::new();
    let mut edges = Edges::default();
    // Who was left behind starts from the fleet as it is by then; what it missed is an edge still.
    'anew: while let Ok(mut subscription) = handle.subscribe().await {
        loop {
            for about in edges.look(&subscription.fleet).iter().filter(|need| is_ours(need)).map(about) {
                let (supervisor, turns, notify) = (Arc::clone(&supervisor), Arc::clone(&turns), notify.clone());
                let number = told.len();
                told.spawn(async move {
                    let _turn = turns.acquire().await;
                    let of = about.of.clone();
                    if let Err(why) = tell(&supervisor, &notify, about, number).await {
                        tracing::warn!(of, why, "the notify command failed");
                    }
                });
            }
            match subscription.updates.recv().await {
                Ok(Update::Ended) | Err(RecvError::Closed) => break 'anew,
                Err(RecvError::Lagged(_)) => continue 'anew,
                Ok(update) => fold(&mut subscription.fleet, update),
            }
        }
    }
    told.join_all().await;
}

/// Whether it is for this loopdash to tell of it. Another one's run, and what another one found, it tells of itself.
const fn is_ours(need: &Need<'_>) -> bool {
    match (&need.why, need.run) {
        (Why::Alert(alert), _) => alert.here,
        // Whose run met it asks for it.
        (Why::Held { .. }, _) => false,
        (_, Some(run)) => !matches!(run.ownership, Ownership::Other { .. }),
        (_, None) => true,
    }
}

/// What a command is told, and where it works.
struct About {
    text: String,
    /// The run's id, or `fleet`.
    of: String,
    /// The repository, or where loopdash was started.
    cwd: PathBuf,
}

/// The object for something that needs a person.
fn about(need: &Need<'_>) -> About {
    let state = need.run.map(|run| &run.state);
    let spec = state.and_then(|state| state.spec.as_deref());
    let place = state.and_then(|state| state.workspace.as_ref());
    let said = Said::of(need);
    let object = json!({
        "v": VERSION,
        "event": "needs_person",
        "kind": said.kind,
        "run": state.map(|state| state.id.to_string()),
        "name": state.map(|state| &state.label),
        "loop": spec.map(|spec| &spec.name),
        "repo": spec.map(|spec| &spec.repo),
        "worktree": place.map(|place| &place.path),
        "branch": place.and_then(|place| place.branch.as_ref()),
        "reason": said.reason,
        "text": said.text(),
        "evidence": said.evidence,
        "since_ms": need.since.0,
    });
    About {
        text: Mask::of_process().text(&object.to_string()).into_owned(),
        of: state.map_or_else(|| "fleet".to_owned(), |state| state.id.to_string()),
        cwd: spec.map_or_else(|| std::env::current_dir().unwrap_or_default(), |spec| spec.repo.clone().into()),
    }
}

/// What is said of a need.
struct Said {
    /// A word for programs: what of the list it is.
    kind: &'static str,
    /// Words for programs: why.
    reason: String,
    /// What was seen, for people, fit for a screen and without secrets.
    evidence: Vec<String>,
}

impl Said {
    fn of(need: &Need<'_>) -> Self {
        let signal = |raised: &Raised| format!("{}: {}", raised.sighting.pattern.word(), raised.sighting.what);
        let pattern = |raised: Option<&Raised>| raised.map(|raised| name(&raised.sighting.pattern)).unwrap_or_default();
        let (kind, reason, evidence) = match &need.why {
            Why::Parked(park) => {
                let said = |park: &ParkReason| match park {
                    ParkReason::Behind { .. } => format!("waits {}", sentence::park(park)),
                    _ => sentence::park(park),
                };
                let said = park.iter().map(|park| said(park)).collect();
                ("waits", park.map(park_name).unwrap_or_default().to_owned(), said)
            }
            Why::Unreadable(problem) => ("unreadable", "journal".to_owned(), vec![(*problem).to_owned()]),
            Why::Stuck(raised) => {
                ("stuck", pattern(raised.first().copied()), raised.iter().map(|raised| signal(raised)).collect())
            }
            Why::Told(raised) => ("told", pattern(Some(raised)), vec![signal(raised)]),
            Why::Held { provider, hold } => {
                ("held", name(&hold.class), vec![format!("{provider} is held: {}: {}", hold.class.word(), hold.detail)])
            }
            Why::Alert(alert) => ("alert", name(&alert.kind), vec![format!("{}: {}", alert.kind.word(), alert.what)]),
        };
        let evidence = evidence.iter().map(|text| clean(text)).collect();
        Self { kind, reason, evidence }
    }

    /// All of it, as one line.
    fn text(&self) -> String {
        self.evidence.join("; ")
    }
}

/// A text on one line, fit for a screen and without secrets.
fn clean(text: &str) -> String {
    let text = plain_str(text).split_whitespace().collect::<Vec<_>>().join(" ");
    Mask::of_process().text(&text).into_owned()
}

/// What the journal calls it.
fn name(of: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(of).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// Why a run waits, as a word for programs.
const fn park_name(park: &ParkReason) -> &'static str {
    match park {
        ParkReason::NeedsHuman { .. } => "question",
        ParkReason::Attention { .. } => "trouble",
        ParkReason::Blocked { .. } => "blocked",
        ParkReason::Budget { .. } => "budget",
        ParkReason::Account { .. } => "account",
        ParkReason::Limit { .. } => "limit",
        ParkReason::Behind { .. } => "behind",
    }
}

/// Runs the command once, in a session of its own that ends with it.
async fn tell(supervisor: &Supervisor, notify: &Notify, about: About, number: usize) -> Result<(), String> {
    let kept = tempfile::tempdir().map_err(|error| error.to_string())?;
    let dir = kept.path().join("notify");
    let launch = Launch {
        argv: notify.argv.iter().map(Into::into).collect(),
        cwd: about.cwd,
        env: Vec::new(),
        env_remove: Vec::new(),
        stdin: Input::Bytes(about.text.into_bytes().into()),
        terminal: false,
        // Not the run's own mark: what belongs to a run ends with its steps. Nor one that another loopdash may give.
        run: format!("notify-{}-{}", std::process::id(), about.of),
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
pub fn terminal_call(calls: Calls, need: &Need<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if calls.osc9 {
        let who = need.run.map_or("", |run| run.state.label.as_str());
        let verb = match (&need.why, need.run) {
            (Why::Stuck(_), _) => " seems stuck: ",
            (Why::Told(_), _) => ": ",
            (_, Some(_)) => " needs you: ",
            (_, None) => "",
        };
        let words = plain_str(&format!("loopdash: {who}{verb}{}", Said::of(need).text()));
        let words: String = words.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        bytes.extend_from_slice(format!("\x1b]9;{words}\x1b\\").as_bytes());
    }
    if calls.bell {
        bytes.push(b'\x07');
    }
    bytes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::view::fixture::Life;
    use crate::app::view::stuck_fixture::stuck;
    use crate::loops::core::alert::AlertKind;
    use crate::loops::core::attention::needs;
    use crate::loops::core::event::Parked;
    use crate::loops::core::fleet::FleetRun;
    use crate::loops::core::ids::Who;
    use crate::loops::core::state::RunState;

    fn asking(question: &str) -> Fleet {
        let mut life = Life::new("auth", 1, Vec::new());
        life.admit(0)
            .put(Parked { reason: ParkReason::NeedsHuman { question: question.to_owned(), from: Who::Actor } });
        let state = RunState { label: "auth\x1b]0;x\x07".to_owned(), ..life.state() };
        let mut fleet = Fleet::new(1, 1);
        fleet.runs.insert(state.id, FleetRun { state, ownership: Ownership::Mine, problem: None });
        fleet
    }

    fn osc9(need: &Need<'_>) -> String {
        let bytes = terminal_call(Calls { bell: false, osc9: true }, need);
        let inner = bytes.strip_prefix(b"\x1b]9;").and_then(|rest| rest.strip_suffix(b"\x1b\\"));
        String::from_utf8_lossy(inner.unwrap_or_default()).into_owned()
    }

    #[test]
    fn nothing_that_an_agent_says_gets_out_of_the_call() {
        let fleet =
            asking(&"which?\x1b]52;c;AAAA\x07\nand \u{9b}2J sk-ant-api03-abcdefghijklmnopqrstuvwxyz ".repeat(9));
        let needs = needs(&fleet);
        let [need] = &needs[..] else { panic!("one asks") };
        let said = osc9(need);
        assert!(said.starts_with("loopdash: auth") && said.contains("question of the actor: which?"), "{said:?}");
        assert!(!said.chars().any(char::is_control) && said.chars().count() <= LONGEST, "{said:?}");
        assert!(said.contains("[masked]") && !said.contains("abcdefg"), "{said:?}");
        let both = terminal_call(Calls { bell: true, osc9: true }, need);
        assert!(both.ends_with(b"\x1b\\\x07"));
        assert_eq!(terminal_call(Calls { bell: true, osc9: false }, need), b"\x07");
        assert!(terminal_call(Calls::default(), need).is_empty());
    }

    #[test]
    fn each_kind_of_need_says_what_it_is_and_why() {
        let mut fleet = stuck();
        let mut lost = fleet.runs.values().find(|run| run.state.label == "docs-site").unwrap().clone();
        lost.problem = Some("line 7 is damaged".to_owned());
        fleet.runs.insert(lost.state.id, lost);
        let needs = needs(&fleet);
        let told = |name: &str| {
            let mut found = needs.iter().filter(|need| need.run.map_or("", |run| run.state.label.as_str()) == name);
            let need = found.next().unwrap();
            let object: serde_json::Value = serde_json::from_str(&about(need).text).unwrap();
            let words = ["kind", "reason", "text"].map(|key| object[key].as_str().unwrap().to_owned());
            (words, object["evidence"].as_array().unwrap().len(), object["since_ms"] == need.since.0, osc9(need))
        };
        let ([kind, reason, text], evidence, since, call) = told("sql-migrate");
        assert_eq!((kind.as_str(), reason.as_str(), evidence, since), ("stuck", "tree_again", 2, true));
        assert!(text.contains("same failures: 4 iterations fail in the same way"), "{text}");
        assert!(call.starts_with("loopdash: sql-migrate seems stuck: going in circles: i4"), "{call}");
        let ([kind, reason, _], _, _, call) = told("e2e-flakes");
        assert_eq!((kind.as_str(), reason.as_str()), ("told", "long_run"));
        assert_eq!(call, "loopdash: e2e-flakes: long run: at work for 2h5m");
        let ([kind, reason, _], _, _, call) = told("docs-site");
        assert_eq!((kind.as_str(), reason.as_str()), ("unreadable", "journal"));
        assert_eq!(call, "loopdash: docs-site needs you: line 7 is damaged");
        let ([kind, reason, _], _, _, call) = told("");
        assert_eq!((kind.as_str(), reason.as_str()), ("alert", "failure_rate"));
        assert!(call.starts_with("loopdash: many failures: 4 of the last 10 finished runs failed"), "{call}");
    }

    #[test]
    fn what_another_loopdash_works_on_or_found_it_tells_of_itself() {
        let mut fleet = asking("which?");
        fleet.alerts.raise(AlertKind::Disk, "1 GB", crate::loops::core::ids::Millis(1));
        let ours = |fleet: &Fleet| needs(fleet).iter().map(is_ours).collect::<Vec<_>>();
        assert_eq!(ours(&fleet), [false, true]);
        fleet.alerts.raised_here(AlertKind::Disk);
        fleet.runs.values_mut().for_each(|run| run.ownership = Ownership::Other { pid: Some(7) });
        assert_eq!(ours(&fleet), [true, false]);
    }
}
