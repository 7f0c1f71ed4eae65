//! The watch over real agents in a real engine: silence is told, lingering and running in circles end a step, and
//! nothing of an agent is left however it misbehaves.

use super::ground::{Ground, LOOPDASH};
use loopdash::loops::agent::{Supervisor, tree};
use loopdash::loops::core::activity::FailureClass;
use loopdash::loops::core::agent::{AgentSpec, DialectName, Price, Watch};
use loopdash::loops::core::command::{Ask, Command, Request};
use loopdash::loops::core::event::{Event, ParkReason, Record, Sign, Signal};
use loopdash::loops::core::ids::{RunId, Who};
use loopdash::loops::core::schedule::Caps;
use loopdash::loops::core::spec::{LoopSpec, Trigger};
use loopdash::loops::core::step::{Cause, StepEnd, StepKind};
use loopdash::loops::engine::workshop::Workshop;
use loopdash::loops::engine::{self, Startup, Update, system_clock, system_eye};
use loopdash::loops::git::Git;
use loopdash::loops::journal::Store;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything here takes on a busy machine; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(90);
const ANSWER: &str = concat!(
    r#"printf '{"type":"system","subtype":"init","session_id":"s","model":"m"}\n'; "#,
    r#"printf '{"type":"assistant","message":{"content":[{"type":"text","text":"Working."}]}}\n'; "#,
);
const ANSWER_QUIET: &str = "echo {};";
const END: &str = r#"printf '{"type":"result","subtype":"success","is_error":false,"result":"LOOPDASH_DONE","session_id":"s","usage":{"input_tokens":1000,"output_tokens":100}}\n'; "#;

fn actor(script: &str, watch: Watch) -> AgentSpec {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    AgentSpec { dialect: DialectName::Claude, watch, ..AgentSpec::new("agent", command) }
}

/// A run of one iteration, in an engine of its own.
struct Watched {
    ground: Ground,
    engine: engine::Running,
    updates: tokio::sync::broadcast::Receiver<Update>,
    run: RunId,
}

impl Watched {
    async fn start(actor: AgentSpec) -> Self {
        let ground = Ground::new();
        let store = Store::open(&ground.path("state")).unwrap();
        let supervisor = Supervisor::new(LOOPDASH.into()).unwrap();
        let workshop = Workshop::new(Arc::new(supervisor), Git::new(), ground.path("state"));
        let caps = Caps { engine: 1, repository: None, agents: std::collections::BTreeMap::new() };
        let config = engine::Config {
            store,
            caps,
            gate_cap: 1,
            budget: Default::default(),
            startup: Startup::Ignore,
            git: Git::new(),
            clock: system_clock(),
            eye: system_eye(),
        };
        let engine = engine::start(config, Arc::new(workshop));
        let spec: LoopSpec = serde_json::from_value(serde_json::json!({
            "name": "watched",
            "repo": ground.repo(),
            "objective": "Be watched.",
            "actor": actor,
            "priority": 5,
            "limits": { "max_iterations": 1, "max_attempts": 1 },
        }))
        .unwrap();
        let updates = engine.handle.subscribe().await.unwrap().updates;
        let command = Command::Submit { specs: vec![spec], trigger: Trigger::Cli };
        let run = engine.handle.send(Request { who: Who::Cli, command }).await.unwrap().runs[0];
        Self { ground, engine, updates, run }
    }

    async fn until<T>(&mut self, mut find: impl FnMut(&Record) -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Update::Record(record) = self.updates.recv().await.unwrap()
                    && let Some(found) = find(&record)
                {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("it happens")
    }

    async fn signal(&mut self) -> Signal {
        self.until(|record| match &record.event {
            Event::Signal(signal) => Some(signal.clone()),
            _ => None,
        })
        .await
    }

    /// The actor's end; nothing of it is left.
    async fn ended(&mut self) -> StepEnd {
        let mut actor = None;
        let end = self
            .until(|record| match &record.event {
                Event::StepStarted(e) if e.kind == StepKind::Actor => {
                    actor = Some(e.step);
                    None
                }
                // Updates before the call may have told of its start.
                Event::StepFinished(e) if actor.is_none_or(|step| step == e.step) && e.end.stdout_bytes > 0 => {
                    Some(e.end.clone())
                }
                _ => None,
            })
            .await;
        assert_eq!(tree::marked(&self.run.to_string()), []);
        end
    }

    async fn live(&mut self) -> Arc<loopdash::loops::agent::transcript::LiveOutput> {
        let looking = async {
            loop {
                if let Update::Live { output, .. } = self.updates.recv().await.unwrap()
                    && output.story().is_some()
                {
                    return output;
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("it starts")
    }

    async fn ask(&self, ask: Ask) {
        let command = Command::Run { run: self.run, ask };
        self.engine.handle.send(Request { who: Who::Operator, command }).await.unwrap();
    }
}

#[tokio::test]
async fn silence_is_told_with_its_evidence_and_ends_when_something_is_printed() {
    let watch = Watch { first_byte_ms: Some(300), silence_ms: Some(300), ..Watch::default() };
    let script = format!("while [ ! -e go ]; do sleep 0.05; done; {ANSWER} while [ ! -e on ]; do :; done; {END}");
    let mut watched = Watched::start(actor(&script, watch)).await;
    let first = watched.signal().await;
    assert_eq!((first.sign, first.for_ms >= 300), (Sign::NoOutput, true));
    let place = watched.ground.ran().worktree();
    std::fs::write(place.join("go"), "").unwrap();
    let mut signs = Vec::new();
    while signs.last() != Some(&Sign::Silent) {
        let signal = watched.signal().await;
        assert!(signal.sign != Sign::Silent || signal.busy == Some(true), "{signal:?}");
        signs.push(signal.sign);
    }
    signs.retain(|sign| *sign != Sign::NoOutput);
    assert_eq!(signs, [Sign::Resumed, Sign::Silent]);
    std::fs::write(place.join("on"), "").unwrap();
    let end = watched.ended().await;
    assert!(end.ok() && end.claim, "{end:?}");
}

#[tokio::test]
async fn an_agent_that_lives_on_after_its_last_word_is_stopped_and_counts() {
    let watch = Watch { linger_ms: 200, ..Watch::default() };
    let mut agent = actor(&format!("{ANSWER} {END} sleep 600"), watch);
    agent.price = Some(Price { input: 3_000_000, cached: None, output: 15_000_000 });
    let mut watched = Watched::start(agent).await;
    let end = watched.ended().await;
    assert_eq!(end.cause, Cause::Lingered);
    assert!(end.ok() && end.claim, "{end:?}");
    let usage = end.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.micro_usd), (Some(1_000), Some(100), Some(4_500)));
    assert!(end.story().unwrap() >= 2);
    assert_eq!(end.agent.unwrap().session.as_deref(), Some("s"));
}

/// Streams without a last event: what they tell last is the sign, unless they go on.
#[tokio::test]
async fn an_agent_without_a_last_word_is_stopped_when_it_has_nothing_left_to_do() {
    let part =
        |kind: &str, part: &str| format!("echo '{{\"type\":\"{kind}\",\"sessionID\":\"s\",\"part\":{{{part}}}}}'; ");
    let finish = r#""reason":"stop","tokens":{"input":1000,"output":100}"#;
    let say = |text: &str| [part("step_start", ""), part("text", &format!("\"text\":\"{text}\""))].concat();
    let opencode = format!("{}{}", say("LOOPDASH_DONE"), part("step_finish", finish));
    // It has summed up a full context, and goes on after longer than it may linger.
    let on = format!("{}{}", part("step_finish", finish), part("text", "\"synthetic\":true,\"text\":\"Go on\""));
    let summed = format!("{}{on} while [ ! -e go ]; do sleep 0.05; done; {opencode}", say("A summary."));
    let aider = "echo 'Aider v0.86.2'; echo; echo LOOPDASH_DONE; echo 'Tokens: 1.0k sent, 100 received.'; ".to_owned();
    for (dialect, script) in
        [(DialectName::Opencode, opencode), (DialectName::Opencode, summed.clone()), (DialectName::Aider, aider)]
    {
        let watch = Watch { linger_ms: 200, silence_ms: Some(400), ..Watch::default() };
        let agent = AgentSpec { dialect, ..actor(&format!("{script} sleep 600"), watch) };
        let mut watched = Watched::start(agent).await;
        if script == summed {
            // It was silent for longer than it may linger, and is still there.
            assert_eq!(watched.signal().await.sign, Sign::Silent);
            std::fs::write(watched.ground.ran().worktree().join("go"), "").unwrap();
        }
        let end = watched.ended().await;
        assert_eq!(end.cause, Cause::Lingered, "{dialect:?}");
        assert!(end.ok() && end.claim, "{end:?}");
        assert_eq!(end.usage.unwrap().tokens(), Some(if script == summed { 2_200 } else { 1_100 }));
    }
}

#[tokio::test]
async fn an_agent_that_goes_round_in_circles_is_stopped() {
    let watch = Watch { max_events: Some(20), ..Watch::default() };
    let mut watched = Watched::start(actor(&format!("while :; do {ANSWER} sleep 0.01; done"), watch)).await;
    let end = watched.ended().await;
    let failure = end.failure().unwrap();
    assert_eq!((failure.class, failure.message.as_str()), (FailureClass::Runaway, "more than 20 events in one step"));
}

#[tokio::test]
async fn an_agent_that_would_wait_for_long_is_ended_and_its_run_waits_instead() {
    let retry = |ms: u64| {
        let event = format!(
            r#"{{"type":"system","subtype":"api_retry","attempt":1,"max_retries":9,"retry_delay_ms":{ms},"error_status":429}}"#
        );
        format!("echo '{event}'; ")
    };
    let script = format!("{}{ANSWER} {} sleep 600", retry(2_000), retry(3_600_000));
    let mut watched = Watched::start(actor(&script, Watch::default())).await;
    let end = watched.ended().await;
    let failure = end.failure().unwrap();
    assert_eq!((failure.class, failure.retry_after_ms), (FailureClass::Rate, Some(3_600_000)));
    let parked = |record: &Record| match &record.event {
        Event::Parked(parked) => Some((record.at, parked.reason.clone())),
        _ => None,
    };
    let (at, reason) = watched.until(parked).await;
    let ParkReason::Limit { until: Some(until), .. } = reason else { panic!("{reason:?}") };
    assert!(until.since(at) > 3_500_000, "{until:?}");
}

#[tokio::test]
async fn a_stream_that_ends_without_its_last_word_is_cut() {
    let mut watched = Watched::start(actor(ANSWER, Watch::default())).await;
    assert_eq!(watched.ended().await.failure().map(|failure| failure.class), Some(FailureClass::Cut));
}

/// What the agents were seen to do when they are told to stop in the middle of a tool: the command sits in a session of
/// its own; a launcher ignores TERM, or dies and leaves the agent behind; an agent lives on after INT.
#[tokio::test]
async fn nothing_of_an_agent_is_left_however_it_takes_a_stop() {
    let tool = "setsid sh -c 'trap \"\" INT TERM HUP; sleep 600' & ";
    let scripts = [
        format!("{ANSWER} {tool} wait"),
        format!(
            "trap '' INT TERM HUP; sh -c \"trap '' INT TERM; setsid sleep 601 & {ANSWER_QUIET} while :; do sleep 1; done\""
        ),
        format!("sh -c \"trap '' INT TERM; {ANSWER_QUIET} while :; do sleep 1; done\" & wait"),
        format!("trap 'true' INT; {ANSWER} {tool} while :; do sleep 1; done"),
    ];
    for script in scripts {
        let mut watched = Watched::start(actor(&script, Watch::default())).await;
        let live = watched.live().await;
        let mut seen = 0;
        while live.stdout_bytes() == 0 {
            seen = live.changed(seen).await;
        }
        watched.ask(Ask::Stop).await;
        watched.until(|record| matches!(record.event, Event::Finished(_)).then_some(())).await;
        assert_eq!(tree::marked(&watched.run.to_string()), [], "{script}");
    }
}
