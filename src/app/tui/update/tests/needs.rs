//! What solves each entry of the list of what needs the operator, and whom a run is to wait for.

use super::*;
use crate::loops::core::alert::AlertKind;
use crate::loops::core::attention::NeedKey;
use crate::loops::core::collision::{Clash, Collisions, Meeting};
use crate::loops::core::ids::Millis;

/// A desk with the entry of this run, or of the fleet, chosen in the list of what needs the operator.
fn at_need(fleet: impl FnOnce(&mut Fleet), key: impl Fn(NeedKey) -> bool) -> Desk {
    let mut desk = stuck();
    fleet(&mut desk.fleet);
    desk.keys("0 g");
    for _ in 0..12 {
        if matches!(desk.ui.overlays.last(), Some(Overlay::Attention(shown)) if shown.at.is_some_and(&key)) {
            return desk;
        }
        desk.keys("j");
    }
    panic!("it is not in the list");
}

#[test]
fn each_entry_of_the_list_has_a_key_that_solves_it() {
    let told = || at_need(|_| {}, |key| matches!(key, NeedKey::Told(..)));
    assert_eq!(asked(&told().keys("p")), [Ask::Pause { kind: PauseKind::AfterStep }]);
    assert_eq!(asked(&told().keys("S y")), [Ask::Stop]);
    assert_eq!(asked(&told().keys("M 9 enter")), [Ask::SetMaxIterations { max: 9 }]);
    let rate = || at_need(|_| {}, |key| key == NeedKey::Alert(AlertKind::FailureRate));
    let cap = rate().fleet.cap;
    assert_eq!(sent(&rate().keys("<")), [Command::SetCap { cap: cap - 1 }]);
    let full = |fleet: &mut Fleet| assert!(fleet.alerts.raise(AlertKind::Disk, "500 MB are left", Millis(1)));
    let copied = at_need(full, |key| key == NeedKey::Alert(AlertKind::Disk)).keys("y");
    assert!(matches!(&copied[..], [Effect::Copy(command)] if command == "loopdash clean"), "{copied:?}");
    let run = fixture::id("docs-site");
    let lost = |fleet: &mut Fleet| fleet.runs.get_mut(&run).unwrap().problem = Some("line 7 is damaged".to_owned());
    let copied = at_need(lost, |key| key == NeedKey::Waits(run)).keys("y");
    let log = format!("loopdash log {}", run.short());
    assert!(matches!(&copied[..], [Effect::Copy(command)] if *command == log), "{copied:?}");
}

#[test]
fn a_run_of_another_loopdash_is_listed_and_its_keys_say_whose_it_is() {
    let run = fixture::id("docs-site");
    let theirs = |fleet: &mut Fleet| fleet.runs.get_mut(&run).unwrap().ownership = Ownership::Other { pid: Some(4242) };
    let mut desk = at_need(theirs, |key| key == NeedKey::Waits(run));
    assert!(desk.keys("a").is_empty());
    assert!(desk.toast().contains("it belongs to another loopdash (process 4242)"), "{}", desk.toast());
}

#[test]
fn with_several_runs_that_it_meets_one_is_chosen_to_wait_for() {
    let clash = |places| Meeting::new(vec![Clash::new("a.rs".to_owned(), places)]);
    let met = |names: &[(&str, u32)]| {
        let with = names.iter().map(|(name, places)| (fixture::id(name), clash(*places))).collect();
        let mut desk = Desk::busy("auth-refactor");
        desk.fleet.collisions.insert(fixture::id("auth-refactor"), Collisions { with, ..Collisions::default() });
        desk
    };
    let behind = |name: &str| Ask::HoldBehind { run: Some(fixture::id(name)), label: name.to_owned() };
    assert_eq!(asked(&met(&[("fix-ci", 0)]).keys("B")), [behind("fix-ci")]);
    let mut desk = met(&[("fix-ci", 0), ("perf-index", 2)]);
    assert_eq!(asked(&desk.keys("B")), []);
    let Some(Overlay::Dialog(dialog)) = desk.ui.overlays.last() else { panic!("nothing is asked") };
    let labels: Vec<&str> = dialog.choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(labels, ["none of them", "perf-index: does not merge with it", "fix-ci: merges"]);
    assert_eq!(asked(&desk.keys("2")), [behind("fix-ci")]);
    let mut desk = met(&[("fix-ci", 0), ("perf-index", 2)]);
    assert_eq!(asked(&desk.keys("B enter")), [], "the first choice leaves it as it is");
    assert!(desk.ui.overlays.is_empty());
    let mut desk = met(&[]);
    assert_eq!(asked(&desk.keys("B")), []);
    assert!(desk.toast().contains("no live run has changed the same files"), "{}", desk.toast());
}
