//! Gates that tell new failures from known and flaky ones, on real repositories with real commands.

use crate::ground::{Ground, LOOPDASH, Ran};
use crate::screen::{leave, open};
use loopdash::loops::core::event::{Event, GateFinished};
use loopdash::loops::core::gate::{Excuse, GateResult};
use loopdash::loops::core::step::{Exit, StepKind};

/// A repository with one loop, whose actor runs `actor` in `sh`, changes something, and claims to be done.
fn ground(actor: &str, keys: &str, gates: &str) -> Ground {
    let ground = Ground::new();
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"sh\", {actor:?}, \"append\", \"x\", \"more\", \"claim\"]\n\
             [agents.judge]\ncommand = [{LOOPDASH:?}, \"__agent\", \"done\", \"fine\"]\n\
             [[loop]]\nname = \"shop\"\nobjective = \"x\"\nactor = \"me\"\ncritic = \"judge\"\nmax_iterations = 3\n{keys}\n{gates}"
        ),
    );
    ground
}

fn gate(name: &str, command: &str, keys: &str) -> String {
    format!("[[loop.gate]]\nname = \"{name}\"\ncommand = {command:?}\n{keys}\n")
}

/// A command that prints what libtest prints, with these tests failing.
fn failing(names: &str) -> String {
    let failed = names.split_whitespace().count();
    format!(
        "echo running 9 tests; echo failures:; printf '    %s\\n' {names}; echo; \
         echo \"test result: FAILED. 4 passed; {failed} failed; 1 ignored\"; exit 101"
    )
}

fn finished(ground: &Ground) -> Vec<Vec<GateFinished>> {
    let of = |ran: &Ran| {
        ran.events(|event| match event {
            Event::GateFinished(e) => Some(e.clone()),
            _ => None,
        })
    };
    ground.runs().iter().map(of).collect()
}

fn lists(gate: &GateFinished) -> (Vec<&str>, Vec<&str>) {
    let tests = gate.tests.as_ref().unwrap();
    (tests.new.iter().map(String::as_str).collect(), tests.known.iter().map(String::as_str).collect())
}

#[test]
fn only_what_is_new_fails_the_iteration_and_reaches_the_actor() {
    let command = format!("if test -e bad; then {}; else {}; fi", failing("old fresh"), failing("old"));
    let ground = ground("if test -e bad; then rm bad; else touch bad; fi", "", &gate("tests", &command, ""));
    let told = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    let gates = finished(&ground).remove(0);
    let expected: [(&[&str], &[&str], Option<Excuse>); 5] = [
        (&[], &["old"], None),
        (&[], &["old"], None),
        (&["fresh"], &["old"], None),
        (&["fresh"], &["old"], None),
        (&[], &["old"], Some(Excuse::Known)),
    ];
    assert_eq!(gates.len(), expected.len(), "base, again, first, again, second: {gates:#?}");
    for (gate, (new, known, excuse)) in gates.iter().zip(expected) {
        let (is_new, is_known) = lists(gate);
        assert_eq!((is_new.as_slice(), is_known.as_slice(), gate.excuse), (new, known, excuse));
    }
    let ran = ground.ran();
    let prompt = &ran.prompts(&StepKind::Actor)[1];
    assert!(prompt.contains("failed on the base, too: old; new: fresh"), "{prompt}");
    let critic = ran.prompts(&StepKind::Critic).remove(0);
    assert!(critic.contains("exit 101, known, 4 passed 1 failed (1 known) 1 skipped"), "{critic}");
    assert!(told.out.contains("verdict done, red as on the base: tests"), "{}", told.out);
    let summary = std::fs::read_to_string(ran.dir.summary()).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["gates"][0]["excuse"], "known");
    assert_eq!(summary["gates"][0]["on_base"]["result"], "failed");
    let shown = ground.loopdash(&["show", "shop"]).exits(0).out;
    assert!(
        shown.contains("Gates on the base\n    gate tests: exit 101, 4 passed 1 failed (1 known) 1 skipped"),
        "{shown}"
    );
}

#[test]
fn a_failure_that_is_gone_when_tried_again_is_flaky() {
    let ground = Ground::new();
    let count = ground.path("count");
    let fails_second = format!("echo x >>{0}; test $(wc -l <{0}) -ne 2", count.display());
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"touch\", \"x\", \"claim\"]\n\
             [[loop]]\nname = \"shop\"\nobjective = \"x\"\ncritic = \"none\"\nmax_iterations = 1\n{}",
            gate("tests", &fails_second, "")
        ),
    );
    let told = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    assert!(told.out.contains("gate tests: passed, flaky"), "{}", told.out);
    let gates = finished(&ground).remove(0);
    assert_eq!(gates.iter().map(|gate| gate.excuse).collect::<Vec<_>>(), [None, None, Some(Excuse::Flaky)]);
    assert_eq!(gates[2].outcome, GateResult::Passed);
}

#[test]
fn what_fails_on_the_base_and_not_again_is_flaky_there_for_other_runs_too() {
    let ground = Ground::new();
    let count = ground.path("count");
    let fails_first = format!("echo x >>{0}; test $(wc -l <{0}) -ne 1", count.display());
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"touch\", \"x\", \"claim\"]\n\
             [[loop]]\nname = \"shop\"\nobjective = \"x\"\ncritic = \"none\"\nmax_iterations = 1\n{}",
            gate("tests", &fails_first, "required = false")
        ),
    );
    for _ in 0..2 {
        ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    }
    let gates = finished(&ground);
    let excuses = |run: &[GateFinished]| run.iter().map(|gate| gate.excuse).collect::<Vec<_>>();
    let found = |run: &[GateFinished]| run[0].found_by.is_some();
    let (first, second) = if found(&gates[0]) { (&gates[1], &gates[0]) } else { (&gates[0], &gates[1]) };
    assert_eq!(excuses(first), [None, Some(Excuse::Flaky), None]);
    assert_eq!((excuses(second), found(second)), (vec![Some(Excuse::Flaky), None], true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_is_tried_once_for_all_runs_on_it() {
    let ground = Ground::new();
    let count = ground.path("count");
    let red = format!("pwd >>{}; exit 4", count.display());
    let loops: String = (0..4)
        .map(|n| {
            format!(
                "[[loop]]\nname = \"shop{n}\"\nobjective = \"x\"\ncritic = \"judge\"\nmax_iterations = 1\n{}",
                gate("tests", &red, "rerun = false")
            )
        })
        .collect();
    ground.write(
        "loopdash.toml",
        &format!(
            "[engine]\ncap = 4\ngate_cap = 4\n\
             [agents.me]\ncommand = [{LOOPDASH:?}, \"__agent\", \"touch\", \"x\", \"claim\"]\n\
             [agents.judge]\ncommand = [{LOOPDASH:?}, \"__agent\", \"done\", \"fine\"]\n{}",
            loops.replace("critic =", "actor = \"me\"\ncritic =")
        ),
    );
    let mut term = open(&ground, &["--start-all"]);
    term.see("4 done").await;
    leave(&mut term).await;
    let gates = finished(&ground);
    assert_eq!(gates.len(), 4);
    let found: Vec<bool> = gates.iter().map(|of_run| of_run[0].found_by.is_some()).collect();
    assert_eq!(found.iter().filter(|found| !**found).count(), 1, "one of them ran it: {found:?}");
    assert!(gates.iter().all(|of_run| of_run[1].excuse == Some(Excuse::Known)));
    let ran = std::fs::read_to_string(&count).unwrap().lines().count();
    assert_eq!(ran, 5, "once on the base, and once in each run");
}

#[test]
fn a_gate_that_is_to_turn_green_is_not_excused() {
    let gates = gate("goal", "test -e goal", "baseline = false\nrerun = false");
    let ground = ground("test -e x && touch goal; true", "", &gates);
    ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    let gates = finished(&ground).remove(0);
    assert_eq!(gates.iter().map(|gate| gate.outcome.passed()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn weakened_tests_are_told_or_fail_the_iteration() {
    let actor = "rm -f tests/till.sh; touch work";
    for (policy, code) in [("warn", 0), ("block", 1), ("allow", 0)] {
        let ground = ground(actor, &format!("tests_policy = {policy:?}"), "");
        std::fs::create_dir_all(ground.repo().join("tests")).unwrap();
        ground.write("tests/till.sh", "test -e till\n");
        ground.commit("a test");
        let told = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(code);
        let says = told.out.contains("tests weakened: deleted tests/till.sh");
        assert_eq!(says, policy != "allow", "{policy}: {}", told.out);
        let ran = ground.ran();
        let asked = !ran.steps(&StepKind::Critic).is_empty();
        assert_eq!(asked, policy != "block");
        if policy == "block" {
            assert!(ran.prompts(&StepKind::Actor)[1].contains("tests weakened: deleted tests/till.sh"));
        } else {
            let words = "verdict done, TESTS WEAKENED: deleted tests/till.sh; look at that before merging";
            assert_eq!(told.out.contains(words), policy == "warn", "{}", told.out);
            let critic = ran.prompts(&StepKind::Critic).remove(0);
            assert_eq!(
                critic.contains("the change weakens\n") && critic.contains("- `deleted tests/till.sh`"),
                policy == "warn"
            );
            let summary = std::fs::read_to_string(ran.dir.summary()).unwrap();
            let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
            assert_eq!(summary["ask_before_merge"][0] == "tests weakened: deleted tests/till.sh", policy == "warn");
            let shown = ground.loopdash(&["show", "shop"]).exits(0).out;
            assert_eq!(shown.contains("To be looked at before a merge\n  tests weakened: deleted"), policy == "warn");
        }
    }
}

/// Prints what `go test -cover` does of this percentage, which is in the file `percent`.
const COVERS: &str = r#"printf 'ok  \tshop\t0.004s\tcoverage: %s%% of statements\n' "$(cat percent)""#;

/// A repository whose base has this coverage, and whose actor brings it to `then`.
fn covered(base: &str, then: &str, keys: &str, gates: &str) -> Ground {
    let ground = ground(&format!("echo {then} >percent"), keys, gates);
    ground.write("percent", base);
    ground.commit("a base");
    ground
}

#[test]
fn a_coverage_floor_holds_or_fails_whatever_the_exit_is() {
    let tests = gate("tests", COVERS, "coverage_floor = 80");
    let held = covered("90\n", "84.2", "", &tests);
    let told = held.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    assert!(told.out.contains("gate tests: passed, coverage 84.2 % after"), "{}", told.out);
    let ran = held.ran();
    let critic = ran.prompts(&StepKind::Critic).remove(0);
    assert!(critic.contains("- `tests`: passed, coverage 84.2 %"), "{critic}");

    let broken = covered("90\n", "71.4", "", &tests);
    let told = broken.loopdash(&["run", "--headless", "--loop", "shop"]).exits(1);
    let why = "failed, coverage 71.4 % is under the floor of 80 %";
    assert!(told.out.contains(&format!("gate tests: {why} after")), "{}", told.out);
    let ran = broken.ran();
    let prompts = ran.prompts(&StepKind::Actor);
    assert!(prompts[0].contains("and at least 80 % coverage"), "{}", prompts[0]);
    assert!(prompts[1].contains(&format!("- `tests`: {why}")), "{}", prompts[1]);
    assert!(ran.steps(&StepKind::Critic).is_empty(), "it is the gate's to say");
    let gates = finished(&broken).remove(0);
    assert!(gates[1..].iter().all(|gate| gate.outcome == GateResult::Failed { exit: Exit::Code(0) }));
    assert_eq!(gates.len(), 4, "once on the base, and once in each iteration: it is not tried again");
    let shown = broken.loopdash(&["show", "shop"]).exits(0).out;
    assert!(shown.contains(&format!("gate tests: {why} after")), "{shown}");
    let summary = std::fs::read_to_string(ran.dir.summary()).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["gates"][0]["coverage"], serde_json::json!({"total": 71.4, "floor": 80}));
}

#[test]
fn a_base_under_the_floor_holds_the_loop_to_its_own_coverage() {
    let tests = gate("tests", COVERS, "coverage_floor = 80");
    let same = covered("62\n", "62.5", "", &tests);
    let told = same.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    let words = "failed, known, coverage 62.5 % is under the floor of 80 %, as on the base with 62 %";
    assert!(told.out.contains(words), "{}", told.out);
    assert!(told.out.contains("verdict done, red as on the base: tests"), "{}", told.out);
    let excuses: Vec<_> = finished(&same).remove(0).iter().map(|gate| gate.excuse).collect();
    assert_eq!(excuses, [None, Some(Excuse::Known)]);
    // Another run finds the base's result with its coverage.
    same.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    let found: Vec<_> = finished(&same).into_iter().map(|gates| gates[0].clone()).collect();
    assert_eq!(found.iter().filter(|gate| gate.found_by.is_some()).count(), 1);
    assert_eq!(found[0].coverage, found[1].coverage);

    let less = covered("62\n", "61", "", &tests);
    let told = less.loopdash(&["run", "--headless", "--loop", "shop"]).exits(1);
    assert!(told.out.contains("coverage 61 % is under the 62 % of the base"), "{}", told.out);
}

#[test]
fn coverage_that_is_told_nowhere_fails_the_gate() {
    let silent = covered("1\n", "2", "baseline = false", &gate("tests", "echo fine", "coverage_floor = 80"));
    silent.loopdash(&["run", "--headless", "--loop", "shop"]).exits(1);
    let gates = finished(&silent).remove(0);
    let words: Vec<_> = gates.iter().filter_map(|gate| Some(gate.coverage.as_ref()?.words())).collect();
    assert_eq!(words, ["no coverage total found in the output"; 3]);
}

#[test]
fn a_coverage_report_is_the_gate_s_own_and_inside_the_worktree() {
    let report = r#"mkdir -p out; printf 'SF:a\nDA:1,1\nDA:2,%s\nend_of_record\n' "$(cat percent)" >out/lcov.info"#;
    let keys = "coverage_floor = 80\ncoverage_report = \"out/lcov.info\"";
    let told = |command: &str, actor: &str| {
        let ground = ground(actor, "baseline = false", &gate("tests", command, keys));
        ground.write("percent", "1\n");
        ground.commit("a base");
        ground.loopdash(&["run", "--headless", "--loop", "shop"]);
        let gate = finished(&ground).remove(0).remove(0);
        (gate.outcome.passed(), gate.coverage.unwrap().words())
    };
    assert_eq!(told(report, "true"), (true, "coverage 100 %".to_owned()));
    assert_eq!(told(report, "echo 0 >percent"), (false, "coverage 50 % is under the floor of 80 %".to_owned()));
    let none = |why: &str| (false, format!("no coverage total found in out/lcov.info: {why}"));
    assert_eq!(told("true", "true"), none("the gate did not write it"));
    assert_eq!(told("true", report), none("the gate did not write it"), "it is the actor's");
    let outside = tempfile::tempdir().unwrap();
    let elsewhere = outside.path().join("lcov.info");
    std::fs::write(&elsewhere, "SF:a\nDA:1,1\nend_of_record\n").unwrap();
    let link = format!("mkdir -p out; ln -sfn {} out/lcov.info", elsewhere.display());
    assert_eq!(told(&link, "true"), none("it leads out of the worktree"));
}

#[test]
fn a_report_outside_the_worktree_is_refused_before_anything_runs() {
    let keys = "coverage_floor = 80\ncoverage_report = \"../lcov.info\"";
    let ground = ground("true", "", &gate("tests", "true", keys));
    let refused = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(65);
    assert!(refused.err.contains("`../lcov.info` is not a path inside the repository"), "{}", refused.err);
    assert!(ground.runs().is_empty());
}

#[test]
fn kinds_are_told_and_what_explains_others_comes_first() {
    let gates = [
        gate("unit", "echo unit; exit 1", "kind = \"tests\"\nbaseline = false"),
        gate("clippy", "true", "kind = \"lint\"\nrequired = false"),
        gate("mypy", "echo mypy; exit 1", "kind = \"types\"\nbaseline = false"),
    ];
    let ground = ground("true", "", &gates.concat());
    let told = ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(1);
    assert!(told.out.contains("gate mypy (types): exit 1"), "{}", told.out);
    let ran = ground.ran();
    let prompts = ran.prompts(&StepKind::Actor);
    assert!(prompts[0].contains("- `unit` (tests): `echo unit; exit 1`"), "{}", prompts[0]);
    let places = [
        "> gate mypy: exit 1, unit: exit 1",
        "- `mypy` (types): exit 1",
        "- `unit` (tests): exit 1",
        "- `clippy` (lint, advisory): passed",
    ];
    let places = places.map(|words| prompts[1].find(words).unwrap_or_else(|| panic!("{words}: {}", prompts[1])));
    assert!(places.is_sorted(), "{places:?}");
    let shown = ground.loopdash(&["show", "shop"]).exits(0).out;
    assert!(shown.contains("gate clippy (lint, advisory): passed"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_green_gate_in_an_iteration_that_weakened_tests_is_marked() {
    let ground = ground("rm -f tests/till.sh; touch work", "", &gate("check", "true", "kind = \"tests\""));
    std::fs::create_dir_all(ground.repo().join("tests")).unwrap();
    ground.write("tests/till.sh", "test -e till\n");
    ground.commit("a test");
    ground.loopdash(&["run", "--headless", "--loop", "shop"]).exits(0);
    let mut term = open(&ground, &[]);
    term.see("1 done").await;
    term.keys("5").await;
    term.see("check i1, TESTS WEAKENED, see Diff: passed").await;
    let screen = term.text();
    assert!(screen.contains("✓⚠ passed") && screen.contains("check tests "), "{screen}");
    leave(&mut term).await;
}
