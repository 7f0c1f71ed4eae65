//! Output by the gigabyte, and from as many agents as a box has.

use crate::ground::Ground;
use crate::invariants::Before;
use crate::number;
use crate::term::Term;
use crate::watched::Watched;
use loopdash::loops::core::step::StepKind;
use std::fmt::Write;
use std::time::{Duration, Instant};

#[test]
fn row_13_a_gigabyte_without_a_newline() {
    let megabytes = number("LOOPDASH_FLOOD_MB", 1024);
    let ground = Ground::new();
    let before = Before::of(&ground);
    let go = format!("while [ ! -e '{}' ]; do sleep 0.02; done", ground.path("go").display());
    let flood = megabytes.to_string();
    let words = ["no-newline", &flood, "print", "\n", "say", "printed", "sh", &go, "touch", "x", "claim"];
    let began = Instant::now();
    let mut loopdash = Watched::start(ground.run_command(&words, &["done", "fine"], &["--output"]));
    loopdash.says("printed");
    let peak = loopdash.peak_kib();
    eprintln!("{megabytes} MB in {:?}, {peak} KiB at the most", began.elapsed());
    std::fs::write(ground.path("go"), "").unwrap();
    loopdash.end().exits(0);
    let runs = before.holds(&ground);
    assert!(peak < 128 * 1024, "{peak} KiB");
    let stored = runs[0].steps(&StepKind::Actor)[0].join("stdout.log").metadata().unwrap().len();
    assert!(stored > megabytes << 20, "{stored}");
}

/// Keys whose answer is timed.
const KEYS: usize = 20;

/// How long a key waits for its answer: the median, and the slowest. Told and not asserted, as a busy machine takes its time.
pub(crate) async fn answered(term: &mut Term) -> (Duration, Duration) {
    let mut times = Vec::new();
    for _ in 0..KEYS {
        let asked = Instant::now();
        term.keys("?").await;
        term.see("Esc closes").await;
        times.push(asked.elapsed());
        term.keys("\x1b").await;
        term.gone("Esc closes").await;
        term.keys("j").await;
    }
    times.sort_unstable();
    (times[KEYS / 2], times[KEYS - 1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_thirty_two_agents_flood() {
    let agents = number("LOOPDASH_FLOODERS", 32);
    let flood = "cat >/dev/null; while :; do seq 1000; sleep 0.1; done";
    let argv = serde_json::to_string(&["/bin/sh", "-c", flood]).unwrap();
    let mut config = format!("[engine]\ncap = {agents}\n[agents.flood]\ncommand = {argv}\n");
    for nth in 0..agents {
        write!(config, "[[loop]]\nname = \"flood{nth}\"\nobjective = \"x\"\nactor = \"flood\"\ncritic = \"none\"\n")
            .unwrap();
    }
    let ground = Ground::new();
    ground.write("loopdash.toml", &config);
    ground.commit("configure");
    let before = Before::of(&ground);
    let (home, state) = (ground.path("home"), ground.path("state"));
    let env = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", state.as_path())];
    // The same keys on a screen where nothing happens, for what this machine can do just now.
    let mut idle = Term::start(&[], &ground.repo(), &env, (36, 120));
    idle.see("No loops yet").await;
    let bare = answered(&mut idle).await;
    idle.keys("q").await;
    idle.ended().await;
    let mut term = Term::start(&["--start-all"], &ground.repo(), &env, (36, 120));
    term.see(&format!("{agents} running")).await;
    let (began, written) = (Instant::now(), term.raw().len());
    let flooded = answered(&mut term).await;
    eprintln!("a key is answered, median and slowest of {KEYS}: idle {bare:?}, under {agents} floods {flooded:?}");
    tokio::time::sleep(Duration::from_secs(2).saturating_sub(began.elapsed())).await;
    let rate = (term.raw().len() - written) as u128 * 1000 / began.elapsed().as_millis();
    assert!(rate < 1_000_000, "{rate} bytes a second to the terminal");
    term.keys("q").await;
    term.see("Leave loopdash?").await;
    term.answer("p", "Leave loopdash?").await;
    term.ended().await;
    assert_eq!(before.holds_on(&ground, &term).await.len() as u64, agents);
}
