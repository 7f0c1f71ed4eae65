//! A small fleet for tests, made by folding the records of seven lives.
//!
//! Times are fixed, so that a screen drawn from it is always the same.

use crate::loops::core::activity::{Failure, FailureClass};
use crate::loops::core::event::*;
use crate::loops::core::fleet::{Fleet, FleetRun, Ownership};
use crate::loops::core::gate::{CommandLine, GateKind, GateResult, GateSpec};
use crate::loops::core::hold::Hold;
use crate::loops::core::ids::{Millis, RunId, StepId, Who};
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::spec::*;
use crate::loops::core::state::RunState;
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, StepKind, Usage};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::core::verdict::{Decision, Finding, Severity, Verdict};
use uuid::Uuid;

/// The moment at which screens are drawn: 14:03 UTC.
pub const NOW: Millis = Millis(1_795_269_780_000);

/// The runs of [`busy`], by the second part of their ids.
pub const NAMES: [&str; 9] = [
    "auth-refactor",
    "fix-ci",
    "docs-site",
    "perf-index",
    "search-facets",
    "rate-limiter",
    "css-grid",
    "sql-migrate",
    "e2e-flakes",
];

pub fn id(name: &str) -> RunId {
    let index = NAMES.iter().position(|other| *other == name).unwrap_or(40);
    RunId::new(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + index as u128))
}

/// Writes a run's records in order.
pub struct Life {
    run: RunId,
    at: u64,
    step: u32,
    iteration: u32,
    pub records: Vec<Record>,
}

fn agent(name: &str) -> AgentSpec {
    AgentSpec::new(name, vec![name.to_owned()])
}

pub fn test(id: &str, title: &str, needs: &[&str]) -> TestSpec {
    TestSpec {
        id: id.to_owned(),
        title: title.to_owned(),
        criteria: vec![format!("{title}, seen from outside."), "The suite covers it.".to_owned()],
        verify: None,
        priority: 0,
        depends_on: needs.iter().map(|need| (*need).to_owned()).collect(),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    }
}

pub fn spec(name: &str, tests: Vec<TestSpec>) -> LoopSpec {
    let gate = |name: &str, command: &str| GateSpec::new(name, CommandLine::Shell(command.to_owned()), 600_000);
    let lint = GateSpec { kind: Some(GateKind::Lint), ..gate("lint", "cargo clippy -- -D warnings") };
    LoopSpec {
        name: name.to_owned(),
        repo: "/home/ada/shop".to_owned(),
        objective: format!("Finish {name} so that the suite is green"),
        tests,
        tests_file: None,
        actor: agent("claude"),
        critic: Some(agent("codex")),
        stronger: None,
        critic_when: CriticWhen::Always,
        isolation: Isolation::Worktree,
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 20,
            max_attempts: 3,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: vec![gate("tests", "cargo test -p auth"), lint],
        stuck: crate::loops::core::watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}

impl Life {
    pub fn new(name: &str, minutes_ago: u64, tests: Vec<TestSpec>) -> Self {
        let spec = spec(name, tests);
        let at = NOW.0 - minutes_ago * 60_000;
        let mut life = Self { run: id(name), at, step: 0, iteration: 0, records: Vec::new() };
        let base = Some("a41f9c2d1be0".repeat(3));
        let submitted = Submitted {
            label: name.to_owned(),
            spec: Box::new(spec),
            trigger: Trigger::Tui,
            base,
            version: "0.1.0".to_owned(),
            order: 0,
        };
        life.put(submitted);
        life
    }

    pub fn put(&mut self, event: impl Into<Event>) -> &mut Self {
        let seq = self.records.len() as u64 + 1;
        self.records.push(Record { seq, at: Millis(self.at), run: self.run, event: event.into() });
        self
    }

    pub fn after(&mut self, ms: u64) -> &mut Self {
        self.at += ms;
        self
    }

    pub fn admit(&mut self, slot: u32) -> &mut Self {
        self.put(Admitted { slot });
        self.step(StepKind::Worktree, None, 200, 0, end(None));
        self.put(WorkspaceReady {
            path: "/home/ada/shop.loops/auth".to_owned(),
            branch: Some("run/auth".to_owned()),
            base: "a41f9c2d1be0".repeat(3),
            git_dir: "/home/ada/shop/.git/worktrees/auth".to_owned(),
            common_dir: "/home/ada/shop/.git".to_owned(),
            in_place: false,
            fresh: true,
            included: vec![".env".to_owned()],
        })
    }

    pub fn begin(&mut self, kind: StepKind, agent: Option<&str>) -> &mut Self {
        self.step += 1;
        let step = StepId(self.step);
        self.put(StepStarted {
            step,
            kind,
            iteration: self.iteration,
            agent: agent.map(str::to_owned),
            argv: agent.map(|agent| vec![agent.to_owned(), "-p".to_owned(), "it's".to_owned()]).unwrap_or_default(),
            cwd: agent.map(|_| "/home/ada/shop.loops/auth".to_owned()).unwrap_or_default(),
            prompt: None,
            guidance: Vec::new(),
        });
        self.put(Spawned { step, pid: 4_000 + self.step, start: 77 })
    }

    pub fn step(&mut self, kind: StepKind, agent: Option<&str>, ms: u64, lines: u64, end: StepEnd) -> &mut Self {
        self.begin(kind, agent).after(ms);
        let step = StepId(self.step);
        self.put(StepFinished { step, end: StepEnd { lines, duration_ms: ms, ..end } })
    }

    pub fn iterate(&mut self, test: &str, attempt: u32) -> &mut Self {
        self.iteration += 1;
        self.put(TestStarted { test: test.to_owned(), attempt });
        self.put(IterationStarted { iteration: self.iteration, test: test.to_owned() })
    }

    pub fn act(&mut self, lines: u64) -> &mut Self {
        let usage = Usage { input: Some(41_000), cached: None, output: Some(2_000), micro_usd: Some(140_000) };
        let done = StepEnd { usage: Some(usage), claim: true, ..end(Some(Exit::Code(0))) };
        self.step(StepKind::Actor, Some("claude"), 161_000, lines, done);
        self.step(StepKind::Snapshot, None, 100, 0, end(None));
        let step = StepId(self.step);
        let commit = format!("{:08x}{}", 0xbeef_0000_u32 + self.step, "0".repeat(32));
        self.put(SnapshotTaken {
            step,
            tree: commit.clone(),
            commit,
            empty: false,
            parent: None,
            files: 3,
            insertions: 23,
            deletions: 17,
            skipped: Vec::new(),
            head: None,
            undone: Vec::new(),
            touched: Vec::new(),
        })
    }

    pub fn gate(&mut self, name: &str, code: i32, lines: u64) -> &mut Self {
        let exit = Exit::Code(code);
        self.step(StepKind::Gate(name.to_owned()), None, 14_000, lines, end(Some(exit)));
        let outcome = if code == 0 { GateResult::Passed } else { GateResult::Failed { exit } };
        let step = StepId(self.step);
        self.put(GateFinished::new(step, name.to_owned(), true, outcome, 14_000))
    }

    /// A gate in which these tests failed.
    pub fn tested(&mut self, name: &str, new: &[&str], known: &[&str]) -> &mut Self {
        let exit = Exit::Code(101);
        self.step(StepKind::Gate(name.to_owned()), None, 21_000, 6, end(Some(exit)));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (new, known) = (names(new), names(known));
        let failed = u32::try_from(new.len() + known.len()).unwrap_or_default();
        let tests = Some(Box::new(TestsSeen { passed: Some(409), failed, new, known, ..TestsSeen::default() }));
        let (step, outcome) = (StepId(self.step), GateResult::Failed { exit });
        self.put(GateFinished { tests, ..GateFinished::new(step, name.to_owned(), true, outcome, 21_000) })
    }

    pub fn verdict(&mut self, decision: Decision, summary: &str, findings: Vec<Finding>) -> &mut Self {
        // It tells no dollars, and has no price.
        let usage = Some(Usage { input: Some(3_000), output: Some(400), ..Usage::default() });
        let done = StepEnd { usage, ..end(Some(Exit::Code(0))) };
        self.step(StepKind::Critic, Some("codex"), 41_000, 12, done);
        let step = StepId(self.step);
        let verdict = Verdict { decision, confidence: Some(0.8), summary: summary.to_owned(), findings };
        self.put(VerdictReached { step, verdict })
    }

    pub fn fail(&mut self, test: &str, attempt: u32, why: &str) -> &mut Self {
        self.put(TestFailed { test: test.to_owned(), attempt, why: why.to_owned() })
    }

    pub fn state(&self) -> RunState {
        RunState::replay(self.run, &self.records)
    }
}

pub fn end(exit: Option<Exit>) -> StepEnd {
    StepEnd { exit, ..StepEnd::new(Cause::Natural) }
}

pub fn finding(id: &str, severity: Severity, line: u32, text: &str) -> Finding {
    let file = Some("src/auth/session.rs".to_owned());
    Finding { id: id.to_owned(), severity, file, line: Some(line), text: text.to_owned() }
}

fn auth() -> Life {
    let tests = vec![
        test("CP-001", "sessions are created", &[]),
        test("CP-002", "sessions are refreshed", &["CP-001"]),
        test("CP-005", "session tokens expire", &["CP-002"]),
        test("CP-008", "admin can revoke", &["CP-005"]),
    ];
    let mut life = Life::new("auth-refactor", 38, tests);
    life.after(2_000).admit(0);
    life.iterate("CP-001", 1).act(22).gate("tests", 0, 6).gate("lint", 0, 2);
    life.verdict(Decision::Done, "Sessions are created as asked.", Vec::new());
    life.put(TestPassed { test: "CP-001".to_owned(), evidence: "verdict done, gates passed".to_owned() });
    life.iterate("CP-002", 1).act(18).gate("tests", 101, 9).fail("CP-002", 1, "gate tests: exit 101");
    life.iterate("CP-002", 2).act(20).gate("tests", 0, 6).gate("lint", 0, 2);
    life.verdict(Decision::Done, "Refresh works for both callers.", Vec::new());
    life.put(TestPassed { test: "CP-002".to_owned(), evidence: "verdict done, gates passed".to_owned() });
    life.iterate("CP-005", 1).act(31).gate("tests", 0, 6).gate("lint", 0, 2);
    let boundary = finding(
        "f1",
        Severity::Blocking,
        63,
        "A token whose expiry is exactly now must be refused; `<=` lets it live on.",
    );
    let import = finding("f2", Severity::Nit, 3, "The import of `chrono::Utc` is left over.");
    life.verdict(Decision::Continue, "Close, but the boundary is off by one.", vec![boundary.clone(), import]);
    life.fail("CP-005", 1, "1 blocking finding");
    life.put(Guidance {
        id: 1,
        text: "the clock is injected in tests/clock.rs".to_owned(),
        when: When::Next,
        who: Who::Operator,
    });
    life.iterate("CP-005", 2).act(27).gate("tests", 0, 6).gate("lint", 0, 2);
    let clocks = finding("f3", Severity::Nit, 40, "Two clocks are read in one request; pass one `now` down.");
    life.verdict(Decision::Continue, "The import is gone; the boundary still is not.", vec![boundary, clocks]);
    life.fail("CP-005", 2, "1 blocking finding");
    life.iterate("CP-005", 3);
    life.begin(StepKind::Actor, Some("claude"));
    life
}

fn docs() -> Life {
    let mut life = Life::new("docs-site", 41, Vec::new());
    life.after(1_000).admit(1).iterate("objective", 1);
    let question = "Keep the old /v1 anchors as redirects, or drop them?";
    let asked = StepEnd { question: Some(question.to_owned()), ..end(Some(Exit::Code(0))) };
    life.step(StepKind::Actor, Some("claude"), 90_000, 14, asked);
    life.after(60_000)
        .put(Parked { reason: ParkReason::NeedsHuman { question: question.to_owned(), from: Who::Actor } });
    life
}

fn perf() -> Life {
    let mut life = Life::new(
        "perf-index",
        90,
        vec![test("bench", "bench_smoke is fast", &[]), test("rebuild", "index_rebuild", &["bench"])],
    );
    life.after(1_000).admit(2);
    for attempt in 1..=3 {
        life.iterate("bench", attempt).act(11).gate("tests", 1, 5).fail("bench", attempt, "gate tests: exit 1");
    }
    life.put(TestBlocked { test: "bench".to_owned(), why: "3 attempts did not do".to_owned() });
    life.put(Parked { reason: ParkReason::Blocked { tests: vec!["bench".to_owned()] } });
    life
}

fn ci() -> Life {
    let mut life = Life::new("fix-ci", 12, Vec::new());
    // On the base first, where two tests fail already.
    life.after(1_000).admit(1).tested("tests", &[], &["cart::rounds", "cart::totals"]).gate("lint", 0, 2);
    life.iterate("objective", 1).act(9).tested("tests", &["till::opens"], &["cart::rounds", "cart::totals"]);
    life.begin(StepKind::Gate("lint".to_owned()), None);
    life
}

fn ended(name: &str, minutes: u64, outcome: Outcome, reason: &str) -> Life {
    let mut life = Life::new(name, minutes, Vec::new());
    life.after(1_000).admit(0).iterate("objective", 1).act(12).gate("tests", 0, 4).gate("lint", 0, 1);
    if outcome == Outcome::Done {
        life.verdict(Decision::Done, "All there.", Vec::new());
        life.put(TestPassed { test: "objective".to_owned(), evidence: "verdict done, gates passed".to_owned() });
    } else {
        life.put(StopRequested { who: Who::Operator });
    }
    life.put(Finished { outcome, reason: reason.to_owned() });
    life
}

fn lives() -> Vec<Life> {
    vec![
        auth(),
        ci(),
        docs(),
        perf(),
        Life::new("search-facets", 4, Vec::new()),
        ended("rate-limiter", 55, Outcome::Done, "every test is met"),
        ended("css-grid", 65, Outcome::Stopped, "stopped by the operator"),
    ]
}

/// The records of one run with nearly every type.
pub fn records() -> Vec<Record> {
    lives().into_iter().flat_map(|life| life.records).collect()
}

/// One run of the fleet.
pub fn run(name: &str) -> RunState {
    busy().runs.remove(&id(name)).map(|run| run.state).unwrap_or_else(|| RunState::new(id(name)))
}

/// Seven loops in six states; all mine, as if this loopdash had run them.
pub fn busy() -> Fleet {
    let mut fleet = Fleet::new(3, 2);
    for life in lives() {
        let state = life.state();
        assert_eq!(state.refused, 0, "{} is no legal life", state.label);
        fleet.runs.insert(state.id, FleetRun { state, ownership: Ownership::Mine, problem: None });
    }
    fleet
}

/// The same fleet, with one of its providers out of patience: a run waits for a time, another in the queue behind it,
/// and a third for its login.
pub fn limited() -> Fleet {
    let mut fleet = busy();
    let (until, class) = (Some(Millis(NOW.0 + 29 * 60_000)), FailureClass::Rate);
    let (provider, detail) = ("claude".to_owned(), "you have used up this window".to_owned());
    fleet.holds.hear(&provider, NOW, Some(Hold { class, detail: detail.clone(), until }));
    let limit = ParkReason::Limit { until, provider, class, detail };
    let detail = "token expired; log in again with `codex login`, then R".to_owned();
    let login = ParkReason::Account { provider: "codex".to_owned(), class: FailureClass::Auth, detail };
    for (name, reason) in [("fix-ci", limit), ("auth-refactor", login)] {
        let mut life = Life::new(name, 12, Vec::new());
        life.after(1_000).admit(1).iterate("objective", 1);
        let class = if name == "fix-ci" { FailureClass::Rate } else { FailureClass::Auth };
        let failure = Failure::new(class, "try again later");
        let agent = Some(Box::new(AgentEnd { failure: Some(failure), ..AgentEnd::default() }));
        let refused = StepEnd { agent, ..end(Some(Exit::Code(1))) };
        life.step(StepKind::Actor, Some("claude"), 9_000, 3, refused).put(Parked { reason });
        let state = life.state();
        assert_eq!(state.refused, 0, "{} is no legal life", state.label);
        fleet.runs.insert(state.id, FleetRun { state, ownership: Ownership::Mine, problem: None });
    }
    fleet
}

/// The same fleet as a loopdash finds it that starts after another has crashed.
pub fn left_behind() -> Fleet {
    let mut fleet = busy();
    for run in fleet.runs.values_mut() {
        run.ownership = Ownership::Nobody;
    }
    fleet
}

const SAID: [&str; 9] = [
    "I will move expiry into Session::is_live so that both callers share the clock.",
    "",
    "● Read   src/auth/session.rs   214 lines",
    "● Edit   src/auth/session.rs   +18 −7",
    "warning: unused import: `chrono::Utc` --> src/auth/session.rs:3:5, which nothing has used since the clock was injected and both callers were given one",
    "● Bash   cargo test -p auth expiry   exit 101",
    "test session::expiry_is_inclusive ... FAILED",
    "  left: 3600, right: 3599",
    "Off by one: a token must die at its expiry, not after it.",
];

/// What was read for a screen that shows this run, all of it.
pub fn loaded(state: &RunState) -> crate::app::view::loaded::Loaded {
    use crate::app::view::doc::{Doc, DocLine};
    use crate::app::view::loaded::{Journal, LiveFacts, Loaded};
    use crate::app::view::page::Page;
    use crate::widgets::theme::{Ink, Paint};
    use crate::widgets::transcript::{Stream, StyledLine};
    let live = state.active.map(|step| LiveFacts { run: state.id, step, lines: 40, story: None, lively: true });
    let doc = Doc::of(state, live, false);
    let line = |number: u64| match doc.at(number)? {
        DocLine::Rule(_) => None,
        DocLine::Text(_, line) => {
            let text = SAID[line as usize % SAID.len()].to_owned();
            let stream = if line % 9 == 4 { Stream::Err } else { Stream::Out };
            let ink = Ink { fg: (line % 9 == 6).then_some(Paint::Indexed(1)), ..Ink::default() };
            Some((number, StyledLine { spans: vec![(text, ink)], stream }))
        }
    };
    let lines = (0..doc.total()).filter_map(line).collect();
    let records = lives().into_iter().filter(|life| life.run == state.id).flat_map(|life| life.records);
    let records = records.filter(crate::app::view::timeline::is_told);
    Loaded {
        page: Page { run: Some(state.id), range: 0..doc.total(), doc, lines, error: None },
        live,
        journal: Journal { run: Some(state.id), records: records.map(std::sync::Arc::new).collect(), error: None },
        ..Loaded::default()
    }
}

/// A look at a running actor.
pub fn xray() -> crate::app::view::xray::Xray {
    use crate::app::view::xray::{Member, Xray};
    use crate::loops::agent::launched::{Launched, Sent};
    use crate::loops::agent::tree::Load;
    let mut launched = Launched { prompt: Some(PromptRoute::Stdin), ..Launched::default() };
    launched.add("LOOPDASH_SLOT".to_owned(), "1".to_owned());
    launched.add("ANTHROPIC_API_KEY".to_owned(), "hush".to_owned());
    launched.dropped.push("CLAUDECODE".to_owned());
    launched.version = Some("2.1.197".to_owned());
    launched.stdin = Some(Sent { bytes: 4_120, blob: "5f2a".repeat(10) });
    let member = |depth, pid, command: &str, cpu_ms| {
        let load = Some(Load { cpu_ms, resident: 180_000_000 });
        Member { depth, pid, state: 'S', command: command.to_owned(), load }
    };
    let processes = vec![member(0, 4_011, "claude -p it's", 12_400), member(1, 4_050, "/bin/bash -c cargo test", 300)];
    Xray { dir: "/state/runs/1/steps/11-actor".into(), launched: Ok(launched), processes }
}

/// The agents that need no table.
pub fn agents() -> crate::app::agents::Agents {
    let bundled = crate::loops::agent::profile::BUNDLED.iter();
    let profiles = bundled.map(|(name, text)| ((*name).to_owned(), toml::from_str(text).unwrap_or_default()));
    let config = crate::app::config::Config { profiles: profiles.collect(), ..Default::default() };
    crate::app::agents::Agents::new(config, "/home/ada/shop".into(), None)
}
