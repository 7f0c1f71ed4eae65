//! Journals that are torn, damaged, or written by a later loopdash: told, left alone, and in nobody's way.

use crate::ground::{Ground, Ran};
use crate::screen::{a_loop, leave, open};
use loopdash::loops::core::event::Outcome;
use loopdash::loops::journal::RunDir;
use std::path::PathBuf;

/// Three finished runs; the first's journal has a flipped byte in the middle, the second's a line of a later format.
struct Damaged {
    ground: Ground,
    journals: [PathBuf; 3],
    bytes: [Vec<u8>; 3],
    ids: [String; 3],
}

fn damaged() -> Damaged {
    let ground = Ground::new();
    for _ in 0..3 {
        ground.run(&["touch", "x", "claim"], &[], &[]).exits(0);
    }
    let runs = ground.runs();
    let dirs: [&RunDir; 3] = std::array::from_fn(|at| &runs[at].dir);
    let journals = dirs.map(RunDir::journal);
    let ids = dirs.map(|dir| dir.run().to_string());
    let mut first = std::fs::read(&journals[0]).unwrap();
    let middle = first.len() / 2;
    first[middle] ^= 1;
    std::fs::write(&journals[0], first).unwrap();
    let second = std::fs::read_to_string(&journals[1]).unwrap();
    let (before, last) = second.trim_end().rsplit_once('\n').unwrap();
    let (body, _) = last.rsplit_once(",\"crc\":").unwrap();
    let body = body.replacen("{\"v\":1,", "{\"v\":99,", 1);
    let sealed = format!("{body},\"crc\":\"{:08x}\"}}", crc32c::crc32c(body.as_bytes()));
    std::fs::write(&journals[1], format!("{before}\n{sealed}\n")).unwrap();
    // As after a crash: nothing that is derived helps out.
    for dir in dirs {
        std::fs::remove_file(dir.summary()).unwrap();
    }
    let bytes = std::array::from_fn(|at| std::fs::read(&journals[at]).unwrap());
    Damaged { ground, journals, bytes, ids }
}

impl Damaged {
    #[track_caller]
    fn assert_untouched(&self) {
        for (journal, bytes) in self.journals.iter().zip(&self.bytes) {
            assert!(std::fs::read(journal).unwrap() == *bytes, "{}", journal.display());
        }
    }
}

#[test]
fn lists_and_pages_tell_what_is_wrong_and_show_the_rest() {
    let damaged = damaged();
    let ground = &damaged.ground;
    let list = ground.loopdash(&["list"]).exits(0).out;
    let row = |at: usize| {
        let short = &damaged.ids[at][damaged.ids[at].len() - 8..];
        list.lines().find(|line| line.contains(short)).unwrap_or_else(|| panic!("{short}: {list}"))
    };
    assert!(row(0).contains("unreadable") && row(1).contains("unreadable") && row(2).contains("done"), "{list}");
    assert!(list.contains("byte ") && list.contains("newer"), "both reasons are told: {list}");

    for (at, reason, code) in [(0, "byte ", 65), (1, "newer", 0)] {
        let page = ground.loopdash(&["show", &damaged.ids[at]]).exits(0).out;
        let problem = page.lines().find(|line| line.starts_with("problem ")).unwrap_or_default();
        assert!(page.contains("state       unreadable") && problem.contains(reason), "{page}");
        // What can be read is shown, and that it is not all is said.
        let log = ground.loopdash(&["log", &damaged.ids[at]]).exits(code);
        assert!(log.out.contains("submitted as") && log.err.contains(reason), "{log:?}");
    }
    assert!(ground.loopdash(&["show", &damaged.ids[2]]).exits(0).out.contains("state       done"));
    // A new run is in nobody's way, and none of them is resumed or mended.
    ground.run(&["touch", "x", "claim"], &[], &[]).exits(0);
    ground.loopdash(&["resume", "--all", "--headless"]);
    damaged.assert_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_shows_them_as_unreadable_and_runs_the_rest() {
    let damaged = damaged();
    let ground = &damaged.ground;
    ground.write("loopdash.toml", &a_loop("fresh", &["say", "at work", "touch", "y", "claim"]));
    ground.commit("configure");
    let mut term = open(ground, &["--start-all"]);
    term.see("fresh").await;
    term.until("the new run is done", |screen| screen.contains("2 done")).await;
    term.until("both are told", |screen| screen.matches("journal unr").count() == 2).await;
    leave(&mut term).await;
    assert_eq!(term.disorder().await, [""; 0]);
    damaged.assert_untouched();
    let last = ground.store().runs().unwrap().pop().unwrap();
    let ran = Ran::read(ground.store().run_dir(last));
    assert!(matches!(ran.state.outcome, Some((Outcome::Done, _))));
}
