//! Live runs of one repository that change the same files: both are told, and the target is looked at, too.

use crate::ground::{Ground, LOOPDASH, Ran};
use crate::screen::{leave, open};
use loopdash::loops::core::event::{Event, ParkReason, Parked};
use loopdash::loops::core::ids::Who;

/// Two loops whose gates wait until a note of each run says that they collide.
fn fleet(ground: &Ground, writes: [(&str, &str); 2]) -> String {
    let mut text = "[engine]\ncap = 2\ngate_cap = 2\n".to_owned();
    let journals = ground.path("state/runs").display().to_string();
    // With brackets, because the command stands in the journals, too.
    let gate = format!(
        "until [ $(cat {journals}/*/journal.jsonl | grep -c 'does not [m]erge with') -ge 2 ]; do sleep 0.05; done"
    );
    for (number, (file, words)) in writes.into_iter().enumerate() {
        let command = serde_json::to_string(&[LOOPDASH, "__agent", "write", file, words, "claim"]).unwrap();
        let gate = serde_json::to_string(&gate).unwrap();
        text.push_str(&format!(
            "[agents.a{number}]\ncommand = {command}\n[[loop]]\nname = \"p{number}\"\nobjective = \"write\"\n\
             actor = \"a{number}\"\ncritic = \"none\"\nbaseline = false\n[[loop.gate]]\nname = \"meet\"\ncommand = {gate}\ntimeout = \"60s\"\n"
        ));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_runs_are_told_that_their_work_does_not_merge() {
    let ground = Ground::new();
    ground.write("shared.txt", "one\n");
    ground.commit("shared");
    ground.write("loopdash.toml", &fleet(&ground, [("shared.txt", "two\n"), ("shared.txt", "three\n")]));
    let mut term = open(&ground, &["--start-all"]);
    term.see("✓ 2 done").await;
    leave(&mut term).await;
    let runs = ground.runs();
    assert_eq!(runs.len(), 2);
    for ran in &runs {
        let notes = ran.events(|event| match event {
            Event::Noted(noted) if noted.text.contains("merge") => Some(noted.text.clone()),
            _ => None,
        });
        let other = if ran.state.label == "p0" { "p1" } else { "p0" };
        assert_eq!(notes, [format!("its work does not merge with {other}: 1 place in shared.txt")]);
    }
    assert_eq!(ground.git(&["status", "--porcelain"]), "?? loopdash.toml", "the checkout is as it was");
    assert_eq!(ground.git(&["show", "HEAD:shared.txt"]), "one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_and_the_diff_show_it_while_the_runs_live() {
    let ground = Ground::new();
    ground.write("shared.txt", "one\n");
    ground.commit("shared");
    let text = fleet(&ground, [("shared.txt", "two\n"), ("shared.txt", "three\n")]);
    let hold = ground.path("go").display().to_string();
    // They stay until the screen was seen.
    let waiting = format!("; until [ -e {hold} ]; do sleep 0.05; done");
    ground.write("loopdash.toml", &text.replace("sleep 0.05; done", &format!("sleep 0.05; done{waiting}")));
    let mut term = open(&ground, &["--start-all"]);
    term.until("both collide", |screen| screen.matches("collides").count() == 2).await;
    term.keys("2").await;
    term.see("⇄ does not merge with p").await;
    term.see("1 place in shared.txt 1  B waits for it").await;
    std::fs::write(&hold, "").unwrap();
    term.see("✓ 2 done").await;
    term.until("what is over meets nothing", |screen| !screen.contains("collides") && !screen.contains('⇄')).await;
    leave(&mut term).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_held_behind_another_goes_on_when_the_work_of_that_has_landed() {
    let ground = Ground::new();
    ground.write("shared.txt", "one\n");
    ground.commit("shared");
    let hold = ground.path("go").display().to_string();
    let waiting = format!("sleep 0.05; done; until [ -e {hold} ]; do sleep 0.05; done");
    let text =
        fleet(&ground, [("shared.txt", "two\n"), ("shared.txt", "three\n")]).replace("sleep 0.05; done", &waiting);
    // A second gate, which waits until one of the runs waits for the other.
    let journals = ground.path("state/runs").display().to_string();
    let waited = format!("until cat {journals}/*/journal.jsonl | grep -q '\"why\":\"behind\"'; do sleep 0.05; done");
    let waited = serde_json::to_string(&waited).unwrap();
    let timeout = "timeout = \"60s\"\n";
    let second = format!("{timeout}[[loop.gate]]\nname = \"second\"\ncommand = {waited}\n{timeout}");
    ground.write("loopdash.toml", &text.replace(timeout, &second));
    let mut term = open(&ground, &["--start-all"]);
    term.until("both collide", |screen| screen.matches("collides").count() == 2).await;
    term.keys("B").await;
    term.see(" waits until p").await;
    std::fs::write(&hold, "").unwrap();
    // The other has ended; that alone is not what it waits for.
    term.see("✓ 1 done").await;
    term.keys("0").await;
    term.see("its work is not in main yet").await;
    term.see("go on without").await;
    term.keys("0").await;
    let done = ground.runs().into_iter().find(|ran| ran.state.is_finished()).unwrap();
    ground.write("shared.txt", if done.state.label == "p0" { "two\n" } else { "three\n" });
    ground.git(&["add", "shared.txt"]);
    ground.commit("landed by hand");
    let landed = ground.git(&["log", "-1", "--format=%ct"]).trim().parse::<u64>().unwrap() * 1000;
    term.see("✓ 2 done").await;
    leave(&mut term).await;
    let runs = ground.runs();
    let parked = |ran: &Ran| {
        ran.records.iter().find_map(|record| match &record.event {
            Event::Parked(Parked { reason: ParkReason::Behind { run, .. } }) => Some((*run, record.at)),
            _ => None,
        })
    };
    let ended = |ran: &Ran| ran.records.iter().find(|record| matches!(record.event, Event::Finished(_))).unwrap().at;
    let held: Vec<&Ran> = runs.iter().filter(|ran| parked(ran).is_some()).collect();
    let [held] = held[..] else { panic!("one of them waited") };
    let other = runs.iter().find(|ran| ran.state.id != held.state.id).unwrap();
    assert_eq!(parked(held).unwrap().0, other.state.id);
    assert!(ended(held) >= ended(other), "it ended before the one that it was to wait for");
    assert!(ended(held).0 >= landed, "it ended before the work of that was in the target");
    let released = held.events(|event| match event {
        Event::HeldBehind(e) => Some((e.behind.is_some(), e.who)),
        _ => None,
    });
    assert_eq!(released, [(true, Who::Operator), (false, Who::Harness)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_moves_later_is_seen_without_another_snapshot() {
    let ground = Ground::new();
    ground.write("shared.txt", "one\n");
    ground.commit("shared");
    let hold = ground.path("go").display().to_string();
    let command = serde_json::to_string(&[LOOPDASH, "__agent", "write", "shared.txt", "two\n", "claim"]).unwrap();
    let gate = serde_json::to_string(&format!("until [ -e {hold} ]; do sleep 0.05; done")).unwrap();
    ground.write(
        "loopdash.toml",
        &format!(
            "[agents.a]\ncommand = {command}\n[[loop]]\nname = \"mover\"\nobjective = \"write\"\nactor = \"a\"\n\
             critic = \"none\"\nbaseline = false\n[[loop.gate]]\nname = \"hold\"\ncommand = {gate}\ntimeout = \"60s\"\n"
        ),
    );
    ground.commit("configure");
    let mut term = open(&ground, &["--start-all"]);
    term.keys("2").await;
    term.see("shared.txt").await;
    ground.write("shared.txt", "three\n");
    ground.commit("meanwhile");
    term.see("⇄ does not merge into main: 1 place in shared.txt 1").await;
    // Somebody packs the refs, and takes it back.
    ground.git(&["pack-refs", "--all"]);
    ground.write("shared.txt", "one\n");
    ground.commit("taken back");
    term.until("it merges again", |screen| !screen.contains('⇄')).await;
    std::fs::write(&hold, "").unwrap();
    leave(&mut term).await;
    let ran = ground.ran();
    let snapshots = ran.events(|event| matches!(event, Event::SnapshotTaken(_)).then_some(()));
    let notes = ran.events(|event| match event {
        Event::Noted(noted) if noted.text.contains("merge") => Some(noted.text.clone()),
        _ => None,
    });
    assert_eq!(snapshots.len(), 1);
    let stops = "its work does not merge with branch main: 1 place in shared.txt";
    assert_eq!(notes, [stops, "its work merges with branch main again"]);
}
