//! An operator at random, who asks for anything at any time, between steps that end in any way.
//! See [`turns`] and [`driven`].

use super::driver::{Driver, agent, spec, test};
use crate::loops::core::agent::Role;
use crate::loops::core::budget::Resource;
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Chore, PauseKind, When};
use crate::loops::core::hook::Hooks;
use crate::loops::core::ids::RunId;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::watch::{Heal, Pattern, Policy, Remedy as WayOut};
use proptest::prelude::*;

fn asks() -> impl Strategy<Value = Ask> {
    let id = || prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned()), Just("nope".to_owned())];
    prop_oneof![
        1 => prop_oneof![
            Just(PauseKind::AfterStep),
            Just(PauseKind::Now),
            Just(PauseKind::Freeze),
            Just(PauseKind::Interrupted)
        ]
        .prop_map(|kind| Ask::Pause { kind }),
        4 => Just(Ask::Resume),
        1 => Just(Ask::TakeOver),
        3 => (0u32..5).prop_map(|iteration| Ask::Chore { chore: Chore::Rewind { iteration } }),
        2 => any::<bool>().prop_map(|named| Ask::Chore { chore: Chore::Scrap { named } }),
        2 => any::<bool>().prop_map(|asked| Ask::Chore { chore: Chore::Land { asked } }),
        3 => Just(Ask::Chore { chore: Chore::Undo }),
        1 => Just(Ask::Stop),
        1 => id().prop_map(|test| Ask::SkipTest { test, why: String::new() }),
        1 => id().prop_map(|test| Ask::ResetTest { test }),
        1 => id().prop_map(|test| Ask::RetryTest { test }),
        1 => id().prop_map(|test| Ask::WaiveTest { test, why: "by hand".to_owned() }),
        1 => Just(Ask::Restart),
        2 => (0..Pattern::ALL.len(), 0..WayOut::ALL.len()).prop_map(|(pattern, remedy)| Ask::Heal {
            pattern: Pattern::ALL[pattern],
            remedy: WayOut::ALL[remedy],
            text: String::new(),
        }),
        1 => (0..Pattern::ALL.len()).prop_map(|pattern| Ask::Acknowledge { pattern: Pattern::ALL[pattern] }),
        4 => Just(Ask::Retry),
        1 => Just(Ask::RerunGates),
        1 => Just(Ask::Note { text: "mind the gap".to_owned(), when: When::Next }),
        1 => Just(Ask::Note { text: "now".to_owned(), when: When::Now }),
        4 => Just(Ask::Answer { text: "the left one".to_owned() }),
        1 => id().prop_map(|id| Ask::AddTest { test: Box::new(test(&format!("{id}x"), &["a"])) }),
        1 => (0u8..12).prop_map(|priority| Ask::SetPriority { priority }),
        1 => (prop::bool::ANY, "[xy]").prop_map(|(actor, name)| {
            let role = if actor { Role::Actor } else { Role::Critic };
            Ask::SetAgent { role, agent: Box::new(agent(&name)) }
        }),
        1 => (0u128..3).prop_map(|other| Ask::HoldBehind {
            run: (other > 0).then(|| RunId::new(uuid::Uuid::from_u128(other << 90))),
            label: "other".to_owned(),
        }),
        1 => (0u32..9).prop_map(|max| Ask::SetMaxIterations { max }),
        1 => (0u64..9).prop_map(|limit| Ask::SetBudget { which: Resource::Tokens, limit }),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum Turn {
    Settle,
    Wake,
    End(u8),
    Ask(Ask),
}

pub(super) fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => Just(Turn::Settle),
        1 => Just(Turn::Wake),
        6 => any::<u8>().prop_map(Turn::End),
        1 => asks().prop_map(Turn::Ask),
    ];
    prop::collection::vec(turn, 1..120)
}

/// Every hook there is.
pub(super) fn hooks() -> Hooks {
    let argv = || vec!["h".to_owned()];
    Hooks { pre_run: argv(), pre_iteration: argv(), post_iteration: argv(), post_run: argv(), timeout_ms: 1000 }
}

pub(super) fn driven(turns: &[Turn], tests: Vec<TestSpec>) -> Driver {
    // So that random runs meet every remedy.
    let stuck = Policy {
        no_change: Some(1),
        same_failures: Some(2),
        findings_stay: Some(2),
        heal: WayOut::ALL.map(|remedy| Heal { remedy, limit: 1 }).to_vec(),
        ..Policy::default()
    };
    let stronger = crate::loops::core::spec::Stronger { agent: agent("big"), after: 9 };
    let hooks = if turns.len().is_multiple_of(2) { hooks() } else { Hooks::default() };
    let mut spec = LoopSpec { stuck, hooks, stronger: Some(Box::new(stronger)), ..spec(tests) };
    for gate in &mut spec.gates {
        (gate.baseline, gate.rerun) = (turns.len().is_multiple_of(2), !turns.len().is_multiple_of(3));
    }
    let mut driver = Driver::new(spec);
    for turn in turns {
        match turn {
            Turn::Settle => drop(driver.settle()),
            Turn::Wake => driver.wake(),
            Turn::End(dice) => driver.end(*dice),
            Turn::Ask(ask) => drop(driver.ask(ask)),
        }
    }
    driver
}
