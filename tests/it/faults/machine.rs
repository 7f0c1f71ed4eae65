//! Faults of the box: two loopdash processes, upgrades under a running one.

use super::invariants::{Before, assert_told};
use super::matrix::Row;
use crate::ground::Ground;
use crate::interrupt::{SECOND_TIME, working};
use loopdash::loops::core::event::Outcome;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 32,
        fault: "two loopdash processes",
        happens: "a run belongs to the process that holds the lock on its journal, which dies with it; others show it \
            read-only with the owner's pid. After a kill -9 the next one takes it at once",
        tests: &[
            "it::faults::machine::row_32_a_second_one_is_refused_by_name_and_takes_over_at_once_after_a_kill",
            "it::screen::a_second_loopdash_shows_the_runs_of_the_first_and_cannot_steer_them",
            "loops::journal::append::tests::another_process_holds_its_run_until_it_is_killed",
        ],
    },
    Row {
        number: 50,
        fault: "the agent's program or loopdash itself is replaced while it runs",
        happens: "agents are looked up at each start; loopdash starts them through the file it was started from, which it \
            keeps open. Replacing it has no test",
        tests: &["it::baddays::an_agent_that_vanishes_between_two_steps_says_so"],
    },
];

#[test]
fn row_32_a_second_one_is_refused_by_name_and_takes_over_at_once_after_a_kill() {
    let ground = Ground::new();
    ground.write("agent.toml", SECOND_TIME);
    ground.commit("agent");
    let before = Before::of(&ground);
    let mut first = working(&ground, &["play", "agent.toml"]);
    let id = ground.ran().dir.run().to_string();
    let resume = || ground.loopdash(&["resume", &id, "--headless"]);
    let told = assert_told(resume(), 65, &format!("with pid {}", first.child.id()));
    assert!(told.err.contains("started at tick"), "{}", told.err);
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    resume().exits(0);
    let runs = before.holds(&ground);
    assert!(matches!(runs[0].state.outcome, Some((Outcome::Done, _))));
    assert_eq!(runs[0].state.iterations.len(), 1);
}
