//! The laws of the fold, by property test: a random operator and random steps drive `next` and `decide`, and every
//! prefix of what they journal must mean something. Beside them, what single runs come to, by subject.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod chores;
mod dice;
mod driver;
mod gates;
mod hooks;
mod iterations;
mod limits;
mod operator;
mod roles;

use crate::loops::core::event::Event;
use crate::loops::core::ids::StepId;
use crate::loops::core::plan::next;
use crate::loops::core::record::{Decoded, decode, encode};
use crate::loops::core::setback::Remedy;
use crate::loops::core::state::{Delivery, RunState, StepOutcome};
use crate::loops::core::transition::{RUN_TABLE, RunMove, RunStatus, TEST_TABLE, TestMove, run_after, test_after};
use driver::{Driver, test};
use operator::{driven, turns};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_of_a_journal_folds_and_has_a_next(turns in turns(), listed in any::<bool>()) {
        let tests = if listed { vec![test("a", &[]), test("b", &["a"]), test("c", &[])] } else { Vec::new() };
        let driver = driven(&turns, tests);
        prop_assert_eq!(driver.run.refused, 0, "the engine journalled something illegal");
        let mut prefix = RunState::new(driver.run.id);
        for record in &driver.journal {
            prefix.apply(record);
            let _ = next(&prefix);
            let mut resumed = Driver { run: prefix.clone(), journal: Vec::new(), clock: record.at.0 };
            resumed.settle();
            prop_assert_eq!(resumed.run.refused, 0, "after a crash at {}", record.seq);
        }
        prop_assert_eq!(prefix, driver.run);
    }

    #[test]
    fn a_record_survives_its_json(turns in turns()) {
        let driver = driven(&turns, vec![test("a", &[]), test("b", &["a"])]);
        for record in &driver.journal {
            let json = encode(record).unwrap();
            prop_assert_eq!(decode(&json).unwrap(), Decoded::Known(record.clone()), "{}", json);
        }
    }

    #[test]
    fn slots_notes_and_attempts_stay_in_bounds(turns in turns()) {
        let driver = driven(&turns, vec![test("a", &[]), test("b", &["a"]), test("c", &[])]);
        let mut run = RunState::new(driver.run.id);
        let mut started = std::collections::BTreeMap::<u32, Vec<StepId>>::new();
        for record in &driver.journal {
            run.apply(record);
            prop_assert_eq!(run.slot.is_some(), run.slot.is_some() && run.status.holds_slot());
            prop_assert!(run.active.is_none() || run.steps.last().is_some_and(|s| Some(s.id) == run.active));
            let still = matches!(run.status, RunStatus::Paused | RunStatus::Parked | RunStatus::Finished);
            prop_assert!(!still || run.active_step().is_none_or(|step| step.kind.is_chore()));
            let numbers: Vec<u32> = run.iterations.iter().map(|iteration| iteration.number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a number is used once: {:?}", numbers);
            let counted = run.iterations.iter().filter(|iteration| iteration.counted).count();
            prop_assert_eq!(counted, run.counted as usize, "what was used stays used");
            if let Event::StepStarted(e) = &record.event {
                for note in &e.guidance { started.entry(*note).or_default().push(e.step); }
            }
        }
        for note in &run.notes {
            let finished: Vec<_> = started.get(&note.id).into_iter().flatten()
                .filter(|id| matches!(run.step(**id).and_then(|s| s.end.as_ref()), Some(StepOutcome::Finished(end)) if end.failure().is_none_or(|f| f.class.remedy() == Remedy::None)))
                .collect();
            prop_assert_eq!(finished.len(), usize::from(matches!(note.delivery, Delivery::Delivered(_))));
        }
    }

    #[test]
    fn events_in_any_order_never_panic(turns in turns(), order in any::<u64>()) {
        let driver = driven(&turns, Vec::new());
        let mut run = RunState::new(driver.run.id);
        let len = driver.journal.len();
        for i in 0..len {
            let pick = (i.wrapping_mul(order as usize | 1)) % len;
            run.apply(&driver.journal[pick]);
            let _ = next(&run);
        }
    }
}

#[test]
fn the_tables_name_each_move_once() {
    for (from, step, to) in RUN_TABLE {
        assert_eq!(run_after(*from, *step).as_ref(), Ok(to));
    }
    for (from, step, to) in TEST_TABLE {
        assert_eq!(test_after(*from, *step).as_ref(), Ok(to));
    }
    let legal =
        RunStatus::ALL.iter().flat_map(|s| RunMove::ALL.map(|m| run_after(*s, m).is_ok())).filter(|ok| *ok).count();
    assert_eq!(legal, RUN_TABLE.len(), "no move stands in the table twice");
    let moves = TestMove::ALL.len();
    assert!(TEST_TABLE.len() <= moves * 5);
    assert_eq!(
        run_after(RunStatus::Finished, RunMove::AskPause).unwrap_err(),
        "a run that is finished cannot be paused"
    );
}

#[test]
fn an_unknown_type_is_data() {
    let line = r#"{"v":1,"seq":4,"at":9,"run":"01935b1e-0000-7000-8000-000000000001","type":"teleported","to":"mars"}"#;
    assert_eq!(decode(line).unwrap(), Decoded::Unknown { seq: 4, kind: "teleported".to_owned() });
    assert!(decode(&line.replace("\"v\":1", "\"v\":2")).unwrap_err().to_string().contains("newer"));
}
