//! Roles that change hands: when another agent takes over, and what brings the stronger one.
//! Played by scripted verdicts.

use super::dice::GOOD;
use super::driver::{Driver, agent, ended, play, play_to, spec};
use crate::loops::core::activity::{Failure, FailureClass};
use crate::loops::core::agent::Role;
use crate::loops::core::command::Ask;
use crate::loops::core::event::{Event, ParkReason, Parked, StepFinished};
use crate::loops::core::ids::Who;
use crate::loops::core::plan::Wait;
use crate::loops::core::spec::{AgentSpec, Limits, LoopSpec};
use crate::loops::core::step::{AgentEnd, Cause, Exit, StepEnd, StepKind};
use crate::loops::core::verdict::Decision;

fn roles(driver: &Driver) -> (String, String) {
    let spec = driver.run.spec.clone().unwrap();
    (spec.actor.name.clone(), spec.critic.clone().unwrap().name)
}

fn give(role: Role, name: &str) -> Ask {
    Ask::SetAgent { role, agent: Box::new(agent(name)) }
}

#[test]
fn another_agent_has_its_role_from_the_next_iteration_on() {
    let mut driver = Driver::new(spec(Vec::new()));
    play_to(&mut driver, &StepKind::Actor);
    driver.ask(&give(Role::Actor, "big")).unwrap();
    driver.ask(&give(Role::Critic, "big")).unwrap();
    assert!(driver.ask(&give(Role::Actor, "big")).is_err(), "it is to have that agent already");
    let empty = Box::new(AgentSpec::new("none", Vec::new()));
    assert!(driver.ask(&Ask::SetAgent { role: Role::Critic, agent: empty }).is_err());
    driver.end(GOOD);
    play_to(&mut driver, &StepKind::Critic);
    assert_eq!(roles(&driver), ("actor".to_owned(), "critic".to_owned()), "the iteration ends as it began");
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    let big = || "big".to_owned();
    assert_eq!((roles(&driver), driver.run.iterations.len()), ((big(), big()), 2));
    assert_eq!(driver.run.next_agents, crate::loops::core::state::NextAgents::default());
    assert!(driver.ask(&give(Role::Critic, "critic")).is_err(), "it is over");
}

#[test]
fn an_agent_that_the_run_is_parked_for_is_replaced_at_once() {
    let account = || {
        let (provider, detail) = ("critic".to_owned(), "logged out".to_owned());
        Parked { reason: ParkReason::Account { provider, class: FailureClass::Auth, detail } }
    };
    // Chosen while it waits, and chosen before it came to wait.
    for before in [false, true] {
        let mut driver = Driver::new(spec(Vec::new()));
        play_to(&mut driver, &StepKind::Critic);
        if before {
            driver.ask(&give(Role::Critic, "big")).unwrap();
        }
        driver.ask(&give(Role::Actor, "big")).unwrap();
        let failure = Failure::new(FailureClass::Auth, "logged out");
        let agent = AgentEnd { failure: Some(failure), ..AgentEnd::default() };
        let end = StepEnd { agent: Some(Box::new(agent)), ..ended(Exit::Code(1), Cause::Natural) };
        driver.commit(StepFinished { step: driver.run.active.unwrap(), end }.into());
        driver.commit(account().into());
        if !before {
            driver.ask(&give(Role::Critic, "big")).unwrap();
        }
        assert_eq!(roles(&driver), ("actor".to_owned(), "big".to_owned()), "the actor's step is not to be repeated");
        driver.ask(&Ask::Retry).unwrap();
        assert_eq!(play(&mut driver, &[Decision::Done]), Wait::Nothing);
        assert_eq!(driver.run.iterations.len(), 1);
    }
}

#[test]
fn a_hard_test_gets_the_stronger_agent_once() {
    let stronger = crate::loops::core::spec::Stronger { agent: agent("big"), after: 2 };
    let limits = Limits {
        max_iterations: 9,
        max_attempts: 5,
        wall_clock_ms: None,
        tokens: None,
        micro_usd: None,
        iterations: None,
    };
    let mut driver = Driver::new(LoopSpec { stronger: Some(Box::new(stronger)), limits, ..spec(Vec::new()) });
    let verdicts = [Decision::Continue, Decision::Continue, Decision::Continue, Decision::Done];
    assert_eq!(play(&mut driver, &verdicts), Wait::Nothing);
    let at = |wanted: fn(&Event) -> bool| {
        let found = driver.journal.iter().enumerate().filter(move |(_, record)| wanted(&record.event));
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let set = at(|event| matches!(event, Event::AgentSet(set) if set.who == Who::Harness && set.agent.name == "big"));
    let begun = at(|event| matches!(event, Event::IterationStarted(_)));
    assert_eq!((set.len(), begun.len()), (1, 4));
    assert!(begun[1] < set[0] && set[0] < begun[2], "after two rejections, before the third iteration");
}

#[test]
fn what_nobody_judged_is_no_rejection_and_brings_no_stronger_agent() {
    let stronger = crate::loops::core::spec::Stronger { agent: agent("big"), after: 2 };
    let limits = Limits { max_iterations: 20, max_attempts: 20, ..spec(Vec::new()).limits };
    let mut driver = Driver::new(LoopSpec { stronger: Some(Box::new(stronger)), limits, ..spec(Vec::new()) });
    let set = |driver: &Driver| driver.run.spec.as_ref().unwrap().actor.name == "big";
    // A crash, and one whose gates fail, and a crash again: one rejection.
    for (actor, gate) in [(1, GOOD), (GOOD, 10), (1, GOOD)] {
        let iterations = driver.run.counted;
        while driver.run.counted == iterations {
            assert!(matches!(driver.settle(), Wait::Step(_)));
            match driver.run.active_step().unwrap().kind {
                StepKind::Actor => driver.end(actor),
                StepKind::Gate(_) => driver.end(gate),
                _ => driver.end(GOOD),
            }
            driver.settle();
        }
    }
    driver.settle();
    assert!(driver.run.counted == 3 && !set(&driver), "one rejection among three attempts");
    assert_eq!(play(&mut driver, &[Decision::Continue, Decision::Done]), Wait::Nothing);
    assert!(set(&driver), "the second one came from the critic");
}
