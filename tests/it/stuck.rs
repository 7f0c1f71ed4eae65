//! Agents that get nowhere, each in its own way, through the whole program: each raises its own signal, and healthy work none.

use super::ground::{Ground, LOOPDASH};
use loopdash::loops::core::event::{Event, RemedyTaken, Sign};
use loopdash::loops::core::ids::Who;
use loopdash::loops::core::step::StepKind;
use loopdash::loops::core::watch::{Pattern, Remedy};

/// A loop whose actor is a shell script that knows its iteration as `$n`.
struct Scene {
    actor: &'static str,
    critic: &'static [&'static str],
    /// What `play critic.toml` plays.
    script: &'static str,
    gate: &'static str,
    agent: &'static str,
    stuck: &'static str,
    iterations: u32,
}

const SCENE: Scene = Scene { actor: "", critic: &[], script: "", gate: "true", agent: "", stuck: "", iterations: 5 };

impl Scene {
    /// Runs it without a screen and gives its end and the signals that were raised.
    fn play(&self) -> (Ground, Option<i32>, Vec<Pattern>) {
        let ground = Ground::new();
        let text = |words: &[&str]| toml::Value::from(words.to_vec()).to_string();
        let script = format!("n=$LOOPDASH_ITERATION; {}", self.actor);
        let critic: Vec<&str> = [LOOPDASH, "__agent"].into_iter().chain(self.critic.iter().copied()).collect();
        let judge = if self.critic.is_empty() { "none" } else { "judge" };
        let config = format!(
            "[agents.worker]\ncommand = {}\n{}\n[agents.judge]\ncommand = {}\n[stuck]\n{}\n\
             [[loop]]\nname = \"scene\"\nobjective = \"Get somewhere.\"\nactor = \"worker\"\ncritic = \"{judge}\"\n\
             max_iterations = {}\n[[loop.gate]]\nname = \"check\"\ncommand = {}\n",
            text(&["sh", "-c", &script]),
            self.agent,
            text(&critic),
            self.stuck,
            self.iterations,
            toml::Value::from(self.gate),
        );
        ground.write("loopdash.toml", &config);
        ground.write("critic.toml", self.script);
        ground.commit("configured");
        let told = ground.loopdash(&["run", "--headless", "--loop", "scene"]);
        let runs = ground.runs();
        assert_eq!(runs.len(), 1, "{}\n{}", told.out, told.err);
        let raised = runs[0].events(|event| match event {
            Event::SignalRaised(e) => Some(e.sighting.pattern),
            _ => None,
        });
        (ground, told.code, raised)
    }

    #[track_caller]
    fn raises(&self, expected: &[Pattern]) -> Ground {
        let (ground, _, raised) = self.play();
        let ran = ground.ran();
        let signals = ran.events(|event| match event {
            Event::Signal(_) | Event::SignalRaised(_) | Event::SignalCleared(_) => Some(event),
            _ => None,
        });
        assert_eq!(raised, expected, "{signals:#?}");
        ground
    }
}

#[test]
fn healthy_work_raises_nothing() {
    let commits = "echo part $n >> note; git add -A; git -c user.name=a -c user.email=a@b commit -qm part-$n; \
                   echo I wrote part $n and committed it, and there is more to do after this one; \
                   [ $n -lt 5 ] || echo LOOPDASH_DONE";
    let (_ground, code, raised) = Scene { actor: commits, ..SCENE }.play();
    assert_eq!((code, raised), (Some(0), vec![]));
    // Red for long, and for another reason each time.
    let red = "echo part $n >> note; [ $n -lt 6 ] || echo LOOPDASH_DONE";
    let gate = "l=$(wc -l < note); for i in a b c d e f; do [ $l -gt 0 ] && l=$((l-1)) || echo test_$i is still failing in the suite; done; \
                [ $(wc -l < note) -ge 6 ]";
    let (_ground, code, raised) = Scene { actor: red, gate, iterations: 8, ..SCENE }.play();
    assert_eq!((code, raised), (Some(0), vec![]));
}

#[test]
fn no_change_is_raised_and_a_commit_alone_is_a_change() {
    let once = "[ $n -gt 1 ] || echo x > note; echo nothing more to do here as far as I can see in part $(echo $n | tr 1-9 a-i)";
    let ground = Scene { actor: once, ..SCENE }.raises(&[Pattern::NoChange]);
    let raised = ground.ran();
    let sighting = raised.events(|event| match event {
        Event::SignalRaised(e) => Some(e.sighting.clone()),
        _ => None,
    });
    assert_eq!((sighting[0].first, sighting[0].iterations), (2, 3));
    let log = ground.loopdash(&["log", "scene"]).exits(0).out;
    assert!(log.contains("seems stuck, no change: nothing has changed for 3 iterations"), "{log}");
    let commits = "[ $n -gt 1 ] || echo x > note; git add -A; \
                   git -c user.name=a -c user.email=a@b commit -q --allow-empty -m part-$n";
    Scene { actor: commits, ..SCENE }.raises(&[]);
}

#[test]
fn content_and_hunks_that_go_round_are_raised() {
    Scene { actor: "echo $((n % 3)) > note", ..SCENE }.raises(&[Pattern::TreeAgain]);
    let toggles = "for i in 1 2 3 4 5 6 7 8 9 10; do [ $i -eq 5 ] && echo flag $((n % 2)) || echo line $i; done > note; echo $n >> more";
    Scene { actor: toggles, ..SCENE }.raises(&[Pattern::Undone]);
}

#[test]
fn failures_that_are_the_same_but_for_numbers_are_raised() {
    // What fails on the base already is known, and does not count.
    let gate = "[ -e note ] || exit 0; \
                echo test index_rebuild of the suite failed after 0.$$s in /tmp/run-$$/index.rs:$$, as it did before; exit 1";
    Scene { actor: "echo $n >> note", gate, ..SCENE }.raises(&[Pattern::SameFailures]);
}

#[test]
fn words_that_are_the_same_are_raised() {
    let says = "echo $n >> note; echo I have gone through everything once more, and nothing is left to do, $n of $n; \
                echo LOOPDASH_DONE";
    let critic = &["continue", "the note does not say what it is for"];
    Scene { actor: says, critic, iterations: 4, ..SCENE }.raises(&[Pattern::SameOutput]);
}

#[test]
fn a_finding_that_stays_is_raised() {
    let critic = &["continue", "the note does not say what it is for"];
    Scene { actor: "echo $n >> note; echo LOOPDASH_DONE", critic, iterations: 6, ..SCENE }
        .raises(&[Pattern::FindingsStay]);
}

#[test]
fn a_step_that_sleeps_is_raised_while_it_does_and_one_that_computes_is_not() {
    let stuck = "silence = \"2s\"";
    let agent = "watch = { first_byte = \"1s\", silence = \"1s\" }";
    let sleeps = "echo begins; sleep 6; echo x > note";
    // With limits this short, even what the end of a step takes on a busy machine is a silence of its own.
    let (_ground, _, mut raised) = Scene { actor: sleeps, agent, stuck, iterations: 1, ..SCENE }.play();
    raised.dedup();
    assert_eq!(raised, [Pattern::Silence]);
    let computes = "echo begins; end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done; echo x > note";
    Scene { actor: computes, agent, stuck, iterations: 1, ..SCENE }.raises(&[]);
}

#[test]
fn one_tool_call_again_and_again_is_raised() {
    let stream = "emit() { printf '%s\\n' \"$1\"; }; emit '{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\"}'; \
        i=0; while [ $i -lt 30 ]; do i=$((i+1)); \
        emit \"{\\\"type\\\":\\\"assistant\\\",\\\"message\\\":{\\\"content\\\":[{\\\"type\\\":\\\"tool_use\\\",\\\"id\\\":\\\"t$i\\\",\\\"name\\\":\\\"Bash\\\",\\\"input\\\":{\\\"command\\\":\\\"cargo test\\\"}}]}}\"; \
        emit \"{\\\"type\\\":\\\"user\\\",\\\"message\\\":{\\\"content\\\":[{\\\"type\\\":\\\"tool_result\\\",\\\"tool_use_id\\\":\\\"t$i\\\",\\\"content\\\":\\\"1 failed\\\"}]}}\"; \
        done; sleep 3; echo x > note; emit '{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"LOOPDASH_DONE\",\"session_id\":\"s\"}'";
    let agent = "profile = \"claude\"";
    let ground = Scene { actor: stream, agent, iterations: 1, ..SCENE }.raises(&[Pattern::SameTool]);
    let what = ground.ran().events(|event| match event {
        Event::SignalRaised(e) => Some(e.sighting.what.clone()),
        _ => None,
    });
    assert!(what[0].ends_with("times the same call with the same result: Bash cargo test"), "{what:?}");
}

#[test]
fn a_policy_heals_in_order_and_at_last_leaves_it_to_a_person() {
    let once = "[ $n -gt 1 ] || echo x > note";
    let stuck = "no_change = 2\nauto_heal = [\"restart\", { remedy = \"note\", limit = 2 }, \"park\"]";
    let (ground, code, _) = Scene { actor: once, stuck, iterations: 20, ..SCENE }.play();
    assert_eq!(code, Some(3), "it waits for a person");
    let ran = ground.ran();
    let taken = ran.events(|event| match event {
        Event::RemedyTaken(RemedyTaken { remedy, pattern, who, .. }) => Some((*remedy, *pattern, *who)),
        _ => None,
    });
    let by_policy = |remedy| (remedy, Some(Pattern::NoChange), Who::Harness);
    assert_eq!(taken, [Remedy::Note, Remedy::Note, Remedy::Park].map(by_policy));
    let told = ran.prompts(&StepKind::Actor).iter().filter(|prompt| prompt.contains("seems to be stuck")).count();
    assert_eq!(told, 2, "each note is told once");
    assert!(ran.state.needs_person());
}

/// A critic that knows by what lies there which iteration it is, and names one finding in each: file, line and text.
macro_rules! critic {
    ($($n:literal: $file:literal $line:literal $text:literal),+) => {
        concat!($(
            "[[scene]]\nwhen = { missing = [\"it-", $n, "\"] }\nsteps = [{ verdict = { verdict = \"continue\", findings = [",
            "{ id = \"f1\", file = \"", $file, "\", line = ", $line, ", text = \"", $text, "\" }] } }]\n"
        ),+)
    };
}

/// Claims completion each time, and leaves a mark for the critic.
const CLAIMS: &str = "echo $n >> note; touch it-$n; echo LOOPDASH_DONE";

#[test]
fn findings_that_return_are_raised() {
    let script = critic!(
        2: "src/a.rs" 9 "the lock is held while the file is written",
        3: "src/b.rs" 70 "an empty name is taken although the docs refuse it",
        4: "src/a.rs" 9 "the lock is held while the file is written",
        5: "src/b.rs" 70 "an empty name is taken although the docs refuse it"
    );
    let critic = &["play", "critic.toml"];
    let ground = Scene { actor: CLAIMS, critic, script, iterations: 4, ..SCENE }.raises(&[Pattern::FindingsReturn]);
    let shown = ground.loopdash(&["show", "scene"]).exits(0).out;
    let back =
        "#1 blocking src/a.rs:9 (back, lines not touched, claimed fixed i2, gone i2, raised i1): the lock is held";
    assert!(shown.contains(back), "{shown}");
}

#[test]
fn findings_that_contradict_each_other_are_raised() {
    let script = critic!(
        2: "src/a.rs" 9 "add a lock around the cache lookup",
        3: "src/a.rs" 11 "remove the lock around the cache lookup",
        4: "src/p.rs" 5 "make the parser module public",
        5: "src/p.rs" 5 "make the parser module private"
    );
    let critic = &["play", "critic.toml"];
    Scene { actor: CLAIMS, critic, script, iterations: 4, ..SCENE }.raises(&[Pattern::FindingsContradict]);
}

#[test]
fn a_gate_that_hangs_is_raised_and_one_that_computes_in_silence_is_not() {
    let stuck = "command_silence = \"2s\"";
    let actor = "echo x > note; echo LOOPDASH_DONE";
    let hangs = "[ ! -e note ] || sleep 6";
    let (ground, _, mut raised) = Scene { actor, gate: hangs, stuck, iterations: 1, ..SCENE }.play();
    raised.dedup();
    assert_eq!(raised, [Pattern::Silence]);
    let what = ground.ran().events(|event| match event {
        Event::SignalRaised(e) => Some(e.sighting.what.clone()),
        _ => None,
    });
    assert!(what[0].starts_with("the gate check has printed nothing, for ") && what[0].contains("CPU in"), "{what:?}");
    let computes = "[ ! -e note ] || { end=$(($(date +%s) + 5)); while [ $(date +%s) -lt $end ]; do i=0; \
                    while [ $i -lt 100000 ]; do i=$((i+1)); done; done; }";
    Scene { actor, gate: computes, stuck, iterations: 1, ..SCENE }.raises(&[]);
}

#[test]
fn a_silent_setup_and_a_silent_hook_are_ended_and_called_that() {
    let once = "[ -e MARK ] || { touch MARK; echo begins; sleep 600; }";
    let cases = [
        ("setup", "prints nothing any more", once.to_owned()),
        ("hook pre_run", "has printed nothing", once.replace("echo begins; ", "")),
        ("hook pre_iteration", "prints nothing any more", once.to_owned()),
    ];
    for (which, words, script) in cases {
        let ground = Ground::new();
        let script = script.replace("MARK", &ground.path("mark").display().to_string());
        let command = toml::Value::from(vec!["sh".to_owned(), "-c".to_owned(), script]);
        let (hooks, setup) = match which.strip_prefix("hook ") {
            Some(hook) => (format!("[hooks]\n{hook} = {command}\n"), String::new()),
            None => (String::new(), format!("setup = {command}\n")),
        };
        let actor = toml::Value::from([LOOPDASH, "__agent", "touch", "x", "claim"].to_vec());
        let config = format!(
            "[agents.worker]\ncommand = {actor}\n[stuck]\ncommand_silence = \"1s\"\nauto_heal = [\"restart\"]\n{hooks}\
             [[loop]]\nname = \"scene\"\nobjective = \"Get somewhere.\"\nactor = \"worker\"\ncritic = \"none\"\n{setup}"
        );
        ground.write("loopdash.toml", &config);
        ground.commit("configured");
        let told = ground.loopdash(&["run", "--headless", "--loop", "scene"]).exits(0);
        let ran = ground.ran();
        let taken = ran.events(|event| match event {
            Event::RemedyTaken(e) => Some((e.remedy, e.pattern, e.what.clone())),
            _ => None,
        });
        let [(Remedy::Restart, Some(Pattern::Silence), what)] = &taken[..] else { panic!("{which}: {taken:?}") };
        let called = format!("the {which} {words}, for ");
        assert!(what.starts_with(&called) && told.out.contains(&called), "{which}: {what:?}\n{}", told.out);
        let signs = ran.events(|event| match event {
            Event::Signal(signal) => Some(signal.sign),
            _ => None,
        });
        let silent = signs.iter().position(|sign| matches!(sign, Sign::Silent | Sign::NoOutput)).unwrap();
        // What it says when it begins may itself be late.
        let after = signs[silent..].iter().skip_while(|sign| **sign != Sign::Silent);
        assert!(after.clone().all(|sign| *sign != Sign::Resumed), "{which}: its end is no word of it: {signs:?}");
        ran.assert_gone();
    }
}

#[test]
fn a_policy_sets_the_worktree_back_to_the_best_iteration_and_the_work_goes_on_from_there() {
    let gate = "[ -e left ] || exit 0; n=$(wc -l < left); [ $n -gt 0 ] || exit 0; echo \"running $n tests\"; \
                while read t; do echo \"test $t ... FAILED\"; done < left; echo; echo failures:; sed 's/^/    /' left; echo; \
                echo \"test result: FAILED. 0 passed; $n failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0$n\"s; exit 101";
    let actor = "case $n in 1) printf 'a::x\\na::y\\na::z\\n' > left;; 2) echo a::x > left;; \
                 3|4|5|6) printf 'a::x\\na::y\\n' > left; echo $n >> more;; \
                 *) [ \"$(cat left)\" = a::x ] && [ ! -e more ] && : > left && echo LOOPDASH_DONE;; esac";
    let stuck = "auto_heal = [\"rewind\"]";
    let (ground, code, raised) = Scene { actor, gate, stuck, iterations: 9, ..SCENE }.play();
    assert_eq!((code, raised), (Some(0), vec![Pattern::SameFailures]));
    let ran = ground.ran();
    let taken = ran.events(|event| match event {
        Event::RemedyTaken(e) => Some((e.remedy, e.what.clone())),
        _ => None,
    });
    let what = "4 iterations fail in the same way: check (exit 101): a::x, a::y".to_owned();
    assert_eq!(taken, [(Remedy::Rewind, what)]);
    assert_eq!(ran.state.standing().map(|iteration| iteration.number).collect::<Vec<_>>(), [1, 2, 7]);
    let told = ran.prompts(&StepKind::Actor).pop().unwrap();
    assert!(told.contains("I set the worktree back to what it held after iteration 2"), "{told}");
    // What went is kept.
    let trash = ran.events(|event| match event {
        Event::Rewound(e) => e.trash.as_ref().map(|trash| trash.commit.clone()),
        _ => None,
    });
    assert_eq!(ground.git(&["show", &format!("{}:more", trash[0])]), "3\n4\n5\n6");
}
