//! What an order makes of an agent's arguments.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::loops::core::agent::DialectName;
use crate::loops::core::event::{Event, Record, StepFinished, StepInterrupted, StepStarted, Submitted};
use crate::loops::core::spec::{CriticWhen, Isolation, Limits, Trigger};
use crate::loops::core::step::{AgentEnd, Cause, Exit, InterruptWhy, StepEnd};
use crate::loops::journal::Store;

struct Bench {
    run: RunState,
    store: Store,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(agent: AgentSpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut bench = Self { run: RunState::new(RunId::new(uuid::Uuid::nil())), store, _dir: dir };
        let spec = LoopSpec {
            name: "a".to_owned(),
            repo: "/r".to_owned(),
            objective: "x".to_owned(),
            tests: Vec::new(),
            tests_file: None,
            critic: Some(agent.clone()),
            actor: agent,
            stronger: None,
            critic_when: CriticWhen::Always,
            isolation: Isolation::None,
            base: None,
            branch: None,
            worktree_path: None,
            priority: 5,
            limits: Limits {
                max_iterations: 9,
                max_attempts: 3,
                wall_clock_ms: None,
                tokens: None,
                micro_usd: None,
                iterations: None,
            },
            context_files: Vec::new(),
            setup: None,
            gates: Vec::new(),
            stuck: crate::loops::core::watch::Policy::default(),
            hooks: Default::default(),
            tests_policy: Default::default(),
            preset: None,
        };
        let label = "a".to_owned();
        let (trigger, version) = (Trigger::Cli, String::new());
        bench.apply(Submitted { label, spec: Box::new(spec), trigger, base: None, version, order: 0 }.into());
        bench
    }

    fn apply(&mut self, event: Event) {
        let (seq, run) = (self.run.seq + 1, self.run.id);
        self.run.apply(&Record { seq, at: Millis::default(), run, event });
    }

    fn order(&self, kind: StepKind) -> Order {
        let work = Work { kind, iteration: 1, reask: false };
        Order::new(&self.run, &work, self.store.run_dir(self.run.id), Millis::default()).unwrap()
    }

    fn argv(&self, kind: StepKind) -> String {
        self.order(kind).argv().join(" ")
    }

    fn started(&mut self, kind: StepKind) -> StepId {
        let order = self.order(kind);
        self.apply(StepStarted { ..order.announce() }.into());
        order.step
    }

    fn finished(&mut self, kind: StepKind, session: &str, code: i32) {
        let step = self.started(kind);
        let agent = AgentEnd { session: Some(session.to_owned()), ..AgentEnd::default() };
        let end =
            StepEnd { exit: Some(Exit::Code(code)), agent: Some(Box::new(agent)), ..StepEnd::new(Cause::Natural) };
        self.apply(StepFinished { step, end }.into());
    }
}

fn agent(session: SessionUse) -> AgentSpec {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    AgentSpec {
        fresh: words("--new {session}"),
        resume: words("--on {session}"),
        dialect: DialectName::Claude,
        session,
        ..AgentSpec::new("x", words("x {resume} -"))
    }
}

#[test]
fn a_new_session_gets_an_id_of_its_own_that_stays_with_the_step() {
    let bench = Bench::new(agent(SessionUse::Fresh));
    let order = bench.order(StepKind::Actor);
    let argv = order.argv();
    assert_eq!((argv.len(), argv[1].as_str(), argv[3].as_str()), (4, "--new", "-"));
    assert_eq!(uuid::Uuid::try_parse(&argv[2]).unwrap().get_version_num(), 4);
    assert_eq!(order.announce().argv, argv);
    assert_ne!(bench.order(StepKind::Actor).argv()[2], argv[2]);
}

#[test]
fn a_session_is_gone_on_with_in_its_role_until_a_step_fails() {
    let mut bench = Bench::new(agent(SessionUse::Resume));
    assert!(bench.argv(StepKind::Actor).starts_with("x --new "));
    bench.finished(StepKind::Actor, "s1", 0);
    assert_eq!(bench.argv(StepKind::Actor), "x --on s1 -");
    assert!(bench.argv(StepKind::Critic).starts_with("x --new "), "the critic judges in a session of its own");
    bench.finished(StepKind::Critic, "c1", 0);
    assert_eq!(bench.argv(StepKind::Critic), "x --on c1 -");
    assert_eq!(bench.argv(StepKind::Actor), "x --on s1 -");
    let step = bench.started(StepKind::Actor);
    let agent = AgentEnd { session: Some("s2".to_owned()), ..AgentEnd::default() };
    let interrupted = StepInterrupted::new(step, InterruptWhy::Pause);
    bench.apply(StepInterrupted { agent: Some(Box::new(agent)), ..interrupted }.into());
    assert_eq!(bench.argv(StepKind::Actor), "x --on s2 -", "a pause breaks nothing");
    bench.finished(StepKind::Actor, "s2", 1);
    assert!(bench.argv(StepKind::Actor).starts_with("x --new "));
}

#[test]
fn without_the_wish_or_the_arguments_no_session_is_gone_on_with() {
    let mut bench = Bench::new(agent(SessionUse::Fresh));
    bench.finished(StepKind::Actor, "s1", 0);
    assert!(bench.argv(StepKind::Actor).starts_with("x --new "));
    let mut bench = Bench::new(AgentSpec { resume: Vec::new(), fresh: Vec::new(), ..agent(SessionUse::Resume) });
    bench.finished(StepKind::Actor, "s1", 0);
    assert_eq!(bench.argv(StepKind::Actor), "x -");
}
