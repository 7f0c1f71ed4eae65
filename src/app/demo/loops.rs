//! The demo's seven loops: what each is asked, by whom it is done, and what it shows.
//!
//! [`seven`] gives them as ordinary [`LoopSpec`]s; [`Expected`] says how each has to end when nobody steers it.

use super::agent::{SPEED, SUBCOMMAND};
use super::expected::Expected;
use crate::loops::core::gate::{CommandLine, GateKind, GateSpec};
use crate::loops::core::spec::{AgentSpec, CriticWhen, DialectName, Isolation, Limits, LoopSpec};
use crate::loops::core::test_state::{TestSpec, TestStatus};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Runs of the demo that work at once.
pub const CAP: u32 = 3;
/// At speed 1 the scripts are played this much slower than they are written, so that a person can follow.
const PACE: f64 = 1.7;
/// How long the silent agent may be silent, at speed 1.
const SILENCE: Duration = Duration::from_secs(4);
/// Below this its second attempt, which works, could be cut off on a busy box.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);
/// Nothing else in the demo comes near this.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);

/// A loop of the demo.
#[derive(Clone, Debug)]
pub struct DemoLoop {
    /// Its definition.
    pub spec: LoopSpec,
    /// How it ends by itself.
    pub expected: Expected,
}

/// What the seven have in common.
struct Stage<'a> {
    exe: &'a Path,
    repo: &'a Path,
    speed: f64,
}

/// The seven loops on the repository `repo`, done by scripted agents of the binary `exe`; waiting is divided by `speed`.
pub fn seven(exe: &Path, repo: &Path, speed: f64) -> Vec<DemoLoop> {
    let stage = Stage { exe, repo, speed };
    vec![
        stage.reviewed_twice(),
        stage.toolbox(),
        stage.release(),
        stage.question(),
        stage.silence(),
        stage.flood(),
        stage.garbage(),
    ]
}

impl Stage<'_> {
    fn reviewed_twice(&self) -> DemoLoop {
        let objective = "Make `tally count` count words right: any number of blanks and line ends parts two words, and \
                         a user finds the command in the README.";
        DemoLoop {
            spec: LoopSpec {
                actor: self.streaming("coder", "coder/count"),
                critic: Some(self.agent("reviewer", "reviewer/count")),
                gates: vec![gate("tests", "sh tests/run.sh count"), gate("lint", "sh lint.sh")],
                ..self.spec("count-words", 7, objective, "coder/count")
            },
            expected: Expected::ContinueThenDone,
        }
    }

    fn toolbox(&self) -> DemoLoop {
        let tests = vec![
            test("CALC-1", "Add and subtract", "calc_add", &[], &["`tally calc 9 - 7 + 2` prints 4"]),
            test("CALC-2", "Multiply and divide", "calc_mul", &["CALC-1"], &["dividing by 0 is refused"]),
            test("CALC-3", "Refuse what is no number", "calc_input", &["CALC-2"], &["nothing is ever evaluated"]),
            test("TODO-1", "Add items and list them", "todo_add", &[], &["each item is listed with its number"]),
            test("TODO-2", "Finish an item", "todo_done", &["TODO-1"], &["a number that is not there is refused"]),
        ];
        let expected = Expected::AllPassed { tests: tests.len() };
        DemoLoop {
            spec: LoopSpec {
                tests,
                critic: Some(self.agent("reviewer", "reviewer/plain")),
                stronger: None,
                critic_when: CriticWhen::Claimed,
                gates: vec![gate("lint", "sh lint.sh")],
                ..self.spec("toolbox", 9, "Give tally sums and a list of things to do.", "coder/toolbox")
            },
            expected,
        }
    }

    fn release(&self) -> DemoLoop {
        let shell = |command: &str| Some(["sh", "-c", command].map(str::to_owned).to_vec());
        let tests = vec![
            TestSpec {
                verify: shell("grep -q '^## 1.0' CHANGELOG.md"),
                ..test("REL-1", "Name the version in the change log", "", &[], &["the changes stand under 1.0"])
            },
            test("REL-3", "Sign the release", "sign", &["REL-1"], &["dist/tally.sig is made with the release key"]),
            test("REL-4", "Publish the signed release", "", &["REL-3"], &["the archive is in dist/"]),
            TestSpec {
                verify: shell("test \"$(sh bin/tally --version)\" = 'tally 1.0'"),
                ..test("REL-2", "Say the version", "", &[], &["`tally --version` prints it"])
            },
        ];
        DemoLoop {
            spec: LoopSpec {
                tests,
                critic: Some(self.agent("reviewer", "reviewer/plain")),
                limits: Limits {
                    max_iterations: 12,
                    max_attempts: 2,
                    wall_clock_ms: None,
                    tokens: None,
                    micro_usd: None,
                    iterations: None,
                },
                ..self.spec("release", 8, "Prepare the release 1.0 of tally.", "coder/release")
            },
            expected: Expected::Blocked { blocked: &["REL-3"], passed: &["REL-1", "REL-2"], waiting: &["REL-4"] },
        }
    }

    fn question(&self) -> DemoLoop {
        let objective = "Let `tally count FILE` count the words of a file.";
        DemoLoop {
            spec: LoopSpec {
                critic: Some(self.agent("reviewer", "reviewer/plain")),
                gates: vec![gate("tests", "sh tests/run.sh file"), gate("lint", "sh lint.sh")],
                ..self.spec("count-files", 6, objective, "coder/rename")
            },
            expected: Expected::Question,
        }
    }

    fn silence(&self) -> DemoLoop {
        let objective = "Add `tally longest`: it prints the longest line of its input, the first of several.";
        let mut actor = self.agent("coder", "coder/files");
        actor.timeout_ms = millis(SILENCE.div_f64(self.speed).max(SHORTEST_SILENCE));
        DemoLoop {
            spec: LoopSpec {
                actor,
                critic: Some(self.agent("reviewer", "reviewer/plain")),
                gates: vec![gate("tests", "sh tests/run.sh longest"), gate("lint", "sh lint.sh")],
                ..self.spec("longest-line", 8, objective, "coder/files")
            },
            expected: Expected::TimedOutThenDone,
        }
    }

    fn flood(&self) -> DemoLoop {
        let objective = "Find out where `tally count` spends its time, and write it down in docs/profile.md.";
        DemoLoop {
            spec: LoopSpec {
                critic: Some(self.agent("reviewer", "reviewer/plain")),
                gates: vec![gate("written", "test -s docs/profile.md")],
                ..self.spec("profile", 5, objective, "coder/profile")
            },
            expected: Expected::DoneAfterOutput { bytes: 50 * 1024 * 1024 },
        }
    }

    fn garbage(&self) -> DemoLoop {
        DemoLoop {
            spec: LoopSpec {
                critic: Some(self.agent("reviewer", "reviewer/garbage")),
                gates: vec![gate("lint", "sh lint.sh")],
                ..self.spec("manual", 4, "Write a manual page for tally.", "coder/manual")
            },
            expected: Expected::UnreadableVerdict,
        }
    }

    fn spec(&self, name: &str, priority: u8, objective: &str, actor: &str) -> LoopSpec {
        LoopSpec {
            name: name.to_owned(),
            repo: self.repo.display().to_string(),
            objective: objective.to_owned(),
            tests: Vec::new(),
            tests_file: None,
            actor: self.agent("coder", actor),
            critic: None,
            stronger: None,
            critic_when: CriticWhen::Always,
            isolation: Isolation::Worktree,
            base: None,
            branch: None,
            worktree_path: Some("{{ state }}/worktrees/{{ slug }}".to_owned()),
            priority,
            limits: Limits {
                max_iterations: 12,
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
        }
    }

    /// An agent whose script prints a stream of events.
    fn streaming(&self, name: &str, script: &str) -> AgentSpec {
        AgentSpec { dialect: DialectName::Claude, ..self.agent(name, script) }
    }

    fn agent(&self, name: &str, script: &str) -> AgentSpec {
        let command =
            vec![self.exe.display().to_string(), SUBCOMMAND.to_owned(), "script".to_owned(), script.to_owned()];
        AgentSpec {
            env: BTreeMap::from([(SPEED.to_owned(), (self.speed / PACE).to_string())]),
            timeout_ms: millis(STEP_TIMEOUT),
            ..AgentSpec::new(name, command)
        }
    }
}

fn gate(name: &str, command: &str) -> GateSpec {
    let kind = match name {
        "tests" => GateKind::Tests,
        "lint" => GateKind::Lint,
        _ => GateKind::Custom,
    };
    GateSpec { kind: Some(kind), ..GateSpec::new(name, CommandLine::Shell(command.to_owned()), millis(STEP_TIMEOUT)) }
}

/// A test that `tests/run.sh SUITE` verifies; none, if the name is empty.
fn test(id: &str, title: &str, suite: &str, depends_on: &[&str], criteria: &[&str]) -> TestSpec {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    TestSpec {
        id: id.to_owned(),
        title: title.to_owned(),
        criteria: owned(criteria),
        verify: (!suite.is_empty()).then(|| owned(&["sh", "tests/run.sh", suite])),
        priority: 0,
        depends_on: owned(depends_on),
        status: TestStatus::Pending,
        attempts: 0,
        max_attempts: None,
        last_error: None,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::demo::verbs;
    use std::collections::HashSet;

    #[test]
    fn seven_names_each_with_agents_that_exist() {
        let loops = seven(Path::new("/bin/loopdash"), Path::new("/tmp/tally"), 1.0);
        let names: HashSet<&str> = loops.iter().map(|each| each.spec.name.as_str()).collect();
        assert_eq!(names.len(), 7);
        for each in &loops {
            for agent in [Some(&each.spec.actor), each.spec.critic.as_ref()].into_iter().flatten() {
                verbs::parse(agent.command.get(2..).unwrap()).unwrap();
            }
        }
    }

    #[test]
    fn a_high_speed_leaves_the_working_attempt_its_time() {
        let silent = |speed: f64| {
            let loops = seven(Path::new("x"), Path::new("y"), speed);
            loops.iter().find(|each| each.spec.name == "longest-line").unwrap().spec.actor.timeout_ms
        };
        assert_eq!((silent(1.0), silent(100.0), silent(0.5)), (4000, 2000, 8000));
    }
}
