//! Changes too large to be read at once: keys are answered while a diff is worked out, and it stays within its bounds.

use crate::floods::answered;
use crate::ground::Ground;
use crate::invariants::Before;
use crate::number;
use crate::term::Term;

/// Lines of a file that is small enough to be read, and changes in too many of them.
const LINES: u32 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_29_keys_are_answered_while_a_huge_diff_is_worked_out() {
    let files = number("LOOPDASH_FILES", 100_000);
    let script = format!(
        "cat >/dev/null; seq {} {} >lines.txt; mkdir many; cd many; seq {files} | split -l 1 -a 5; echo LOOPDASH_DONE",
        LINES + 1,
        2 * LINES
    );
    let argv = serde_json::to_string(&["/bin/sh", "-c", &script]).unwrap();
    let ground = Ground::new();
    let config = format!(
        "[agents.big]\ncommand = {argv}\n[[loop]]\nname = \"big\"\nobjective = \"x\"\nactor = \"big\"\ncritic = \"none\"\n"
    );
    ground.write("loopdash.toml", &config);
    ground.write("lines.txt", &(1..=LINES).map(|line| format!("{line}\n")).collect::<String>());
    ground.commit("configure");
    let before = Before::of(&ground);
    ground.loopdash(&["run", "--headless", "--loop", "big"]).exits(0);
    let taken = ground.ran().state.last_snapshot().unwrap().clone();
    assert_eq!(u64::from(taken.files), files + 1);
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    let mut term = Term::start(&[], &ground.repo(), &env, (36, 120));
    term.see("1 done").await;
    let idle = answered(&mut term).await;
    term.keys("2").await;
    term.see("reading").await;
    let (mut meanwhile, mut rounds) = (Vec::new(), 0);
    while term.text().contains("reading") {
        let answers = answered(&mut term).await;
        // Those of a round that ended before the diff was there.
        meanwhile.extend(term.text().contains("reading").then_some(answers));
        rounds += 1;
        assert!(rounds < 1_000, "it is never there:\n{}", term.text());
    }
    assert!(!meanwhile.is_empty(), "no key was answered before the diff was there");
    // Not worked out beyond its bound, which is told where the pane begins.
    term.keys("g").await;
    term.see("too large to show here; `loopdash diff` prints it").await;
    let there = answered(&mut term).await;
    eprintln!("a key is answered, median and slowest: idle {idle:?}, meanwhile {meanwhile:?}, with the diff {there:?}");
    term.keys("q").await;
    term.ended().await;
    before.holds_on(&ground, &term).await;
}
