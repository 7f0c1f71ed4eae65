//! Runs whose agents are let wait, or turned away: parked, held together, woken by time, by a key, by a success.

use super::*;
use crate::loops::core::activity::FailureClass;
use crate::loops::core::budget::{Budget, Resource};
use crate::loops::core::event::ParkReason;
use crate::loops::core::hold::Hold;
use crate::loops::journal::fleet::{self, FleetFact, FleetRecord};
use std::collections::BTreeSet;

/// Agents whose provider is out of sorts for as long as `broken` says so.
struct Weather(Mutex<BTreeSet<String>>);

/// A script in which the actors of these loops fail like that, as long as they stand in the set.
fn stormy(class: FailureClass, retry_after_ms: Option<u64>, loops: &[&str]) -> (Arc<Script>, Arc<Weather>) {
    let weather = Arc::new(Weather(Mutex::new(loops.iter().map(|name| (*name).to_owned()).collect())));
    let inside = Arc::clone(&weather);
    let script = Script::new(move |order| {
        let storm = order.kind == StepKind::Actor && inside.0.lock().unwrap().contains(&order.spec.name);
        match storm {
            true => Act::Fail(Failure { retry_after_ms, ..Failure::new(class, "try later") }),
            false => Act::Take(secs(10), Decision::Done),
        }
    });
    (script, weather)
}

impl Weather {
    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

fn of(rig: &Rig, name: &str, provider: &str) -> LoopSpec {
    let mut spec = rig.spec(name, 5);
    spec.actor.provider = Some(provider.to_owned());
    spec.critic = None;
    spec
}

fn held(state: &RunState) -> bool {
    matches!(&state.park, Some(ParkReason::Limit { .. })) && state.status == RunStatus::Parked
}

#[tokio::test(start_paused = true)]
async fn a_limit_parks_its_run_holds_its_provider_and_ends_by_itself() {
    let (script, weather) = stormy(FailureClass::Rate, Some(600_000), &["limited"]);
    let mut rig = Rig::new(1, 1, script).await;
    let specs = vec![of(&rig, "limited", "p"), of(&rig, "same", "p"), of(&rig, "other", "q")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "parked", held).await;
    assert_eq!(rig.state(runs[0]).slot, None);
    weather.clear();
    // Its slot goes to who lives on another provider, and nobody else of its own starts before the time.
    rig.until_run(runs[2], "done", RunState::is_finished).await;
    assert!(rig.script.started(runs[1]).is_empty());
    assert!(rig.fleet.held_provider(rig.state(runs[1]), Millis(5)).is_some());
    let parked = rig.state(runs[0]).status_since;
    rig.until("all done", |fleet| fleet.counts().done == 3).await;
    let first = |run: RunId| rig.state(run).first_admitted.unwrap();
    assert!(first(runs[1]).since(parked) >= 600_000 - 10, "{:?} {parked:?}", first(runs[1]));
    let state = rig.state(runs[0]);
    assert_eq!((state.iterations.len(), state.counted, state.setbacks.0), (1, 1, 0));
    let actors = state.steps.iter().filter(|step| step.kind == StepKind::Actor).count();
    assert_eq!(actors, 2);
}

#[tokio::test(start_paused = true)]
async fn retry_goes_on_at_once_and_lifts_the_hold() {
    let (script, weather) = stormy(FailureClass::Overloaded, Some(3_600_000), &["a"]);
    let mut rig = Rig::new(1, 1, script).await;
    let specs = vec![of(&rig, "a", "p"), of(&rig, "b", "p")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "parked", held).await;
    assert!(rig.ask(runs[0], Ask::Resume).await.is_err(), "a resume has to say retry");
    weather.clear();
    rig.ask(runs[0], Ask::Retry).await.unwrap();
    rig.until("both done", |fleet| fleet.counts().done == 2).await;
    assert!(rig.state(runs[1]).updated.0 < 3_600_000);
    assert!(rig.send(Command::LiftHold { provider: "p".to_owned() }).await.is_err(), "nothing is held any more");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_provider_is_paused_or_stopped_like_any_other() {
    let (script, weather) = stormy(FailureClass::Rate, Some(600_000), &["a", "b"]);
    let mut rig = Rig::new(2, 2, script).await;
    let specs = vec![of(&rig, "a", "p"), of(&rig, "b", "q")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "parked", held).await;
    rig.until_run(runs[1], "parked", held).await;
    rig.ask(runs[1], Ask::Stop).await.unwrap();
    rig.until_run(runs[1], "stopped", RunState::is_finished).await;
    let pause = Ask::Pause { kind: PauseKind::AfterStep };
    rig.ask(runs[0], pause.clone()).await.unwrap();
    rig.until_run(runs[0], "paused", |state| state.status == RunStatus::Paused && state.park.is_none()).await;
    assert!(rig.ask(runs[0], pause).await.is_err());
    weather.clear();
    tokio::time::sleep(secs(700)).await;
    assert!(rig.ask(runs[0], Ask::Resume).await.is_ok(), "its time has passed, and it was not woken");
    rig.until_run(runs[0], "done", RunState::is_finished).await;
    let actors = rig.state(runs[0]).steps.iter().filter(|step| step.kind == StepKind::Actor).map(|step| step.started.0);
    assert!(actors.collect::<Vec<_>>()[1] >= 700_000);
}

#[tokio::test(start_paused = true)]
async fn a_step_does_not_start_under_a_hold() {
    let script = Script::new(|order| match (&order.kind, order.spec.name.as_str()) {
        (StepKind::Actor, "quick") => {
            Act::Fail(Failure { retry_after_ms: Some(900_000), ..Failure::new(FailureClass::Rate, "") })
        }
        _ => Act::Take(secs(10), Decision::Done),
    });
    let mut rig = Rig::new(2, 2, script).await;
    let mut slow = of(&rig, "slow", "q");
    slow.critic = Some(AgentSpec { provider: Some("p".to_owned()), ..slow.actor.clone() });
    let quick = of(&rig, "quick", "p");
    let runs = rig.submit(vec![slow, quick]).await;
    rig.until_run(runs[0], "held before its critic", held).await;
    assert!(!rig.script.started(runs[0]).contains(&StepKind::Critic));
    assert!(rig.script.started(runs[0]).contains(&StepKind::Gate("tests".to_owned())), "gates need no provider");
    assert_eq!(rig.state(runs[0]).wakes(), rig.state(runs[1]).wakes());
    rig.until_run(runs[0], "done", RunState::is_finished).await;
    assert_eq!(rig.state(runs[0]).iterations.len(), 1, "the work was kept");
}

#[tokio::test(start_paused = true)]
async fn two_failed_logins_of_a_provider_hold_it_and_one_run_asks() {
    let (script, weather) = stormy(FailureClass::Auth, None, &["a", "b", "c"]);
    let mut rig = Rig::new(3, 3, script).await;
    let specs = ["a", "b", "c", "d"].map(|name| of(&rig, name, "p")).to_vec();
    let runs = rig.submit(specs).await;
    let parked = |fleet: &Fleet| fleet.runs.values().filter(|run| run.state.status == RunStatus::Parked).count();
    rig.until("three parked", |fleet| parked(fleet) == 3).await;
    assert_eq!(rig.fleet.counts().needs_you, 1, "one of them asks for all");
    assert!(rig.script.started(runs[3]).is_empty(), "the last one never tried");
    let facts = fleet::read(&Store::open(&rig.dir.path().join("state")).unwrap()).unwrap();
    let hold = facts.holds().get("p", Millis(u64::MAX)).cloned();
    assert!(matches!(hold, Some(Hold { until: None, class: FailureClass::Auth, .. })), "{facts:?}");
    weather.clear();
    let asks = *runs.iter().find(|run| rig.state(**run).needs_person()).unwrap();
    rig.ask(asks, Ask::Retry).await.unwrap();
    rig.until("all done", |fleet| fleet.counts().done == 4).await;
    assert!(runs.iter().all(|run| rig.state(*run).counted == 1));
}

#[tokio::test(start_paused = true)]
async fn one_failed_login_parks_only_its_run() {
    let (script, _) = stormy(FailureClass::Auth, None, &["a"]);
    let mut rig = Rig::new(1, 1, script).await;
    let specs = vec![of(&rig, "a", "p"), of(&rig, "b", "p")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[1], "done", RunState::is_finished).await;
    assert!(rig.state(runs[0]).needs_person());
}

#[tokio::test(start_paused = true)]
async fn a_success_lifts_a_hold_that_nobody_timed() {
    let script = Script::new(|order| match (&order.kind, order.spec.name.as_str(), order.step.0) {
        (StepKind::Actor, "long", _) => Act::Take(secs(5_000), Decision::Done),
        // Later, when they are tried again, all is well.
        (StepKind::Actor, _, 0..=2) => Act::Fail(Failure::new(FailureClass::Quota, "no credit")),
        _ => Act::Take(secs(1), Decision::Done),
    });
    let mut rig = Rig::new(3, 3, script).await;
    let specs = ["long", "a", "b"].map(|name| of(&rig, name, "p")).to_vec();
    rig.submit(specs).await;
    rig.until("held", |fleet| fleet.holds.in_force(Millis(1)).count() == 1).await;
    rig.until("all done", |fleet| fleet.counts().done == 3).await;
    assert_eq!(rig.fleet.holds.in_force(Millis(1)).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_loopdash_holds_and_frees_providers_too() {
    let dir = Rig::new(1, 1, done_after(secs(1))).await.crash().await;
    let store = Store::open(&dir.path().join("state")).unwrap();
    let word = |at, fact| fleet::append(&store, &FleetRecord { at: Millis(at), fact }).unwrap();
    let hold = Hold { class: FailureClass::Auth, detail: "log in".to_owned(), until: None };
    word(1, FleetFact::ProviderHeld { provider: "p".to_owned(), hold });
    let mut rig = Rig::at(dir, 1, 1, done_after(secs(1)), Startup::Recover).await;
    let specs = vec![of(&rig, "a", "p"), of(&rig, "b", "q")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[1], "done", RunState::is_finished).await;
    assert_eq!(rig.state(runs[0]).status, RunStatus::Queued);
    // Real files, real notices: time has to be real, too.
    tokio::time::resume();
    word(2, FleetFact::ProviderFreed { provider: "p".to_owned(), who: Who::Operator });
    rig.until_run(runs[0], "done", RunState::is_finished).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_passed_while_nobody_looked_ends_at_the_next_start() {
    for (startup, goes_on) in [(Startup::TakeUp, true), (Startup::Recover, false)] {
        let (script, _) = stormy(FailureClass::Rate, Some(60_000), &["a"]);
        let mut rig = Rig::new(1, 1, script).await;
        let specs = vec![of(&rig, "a", "p")];
        let runs = rig.submit(specs).await;
        rig.until_run(runs[0], "parked", held).await;
        let dir = rig.crash().await;
        let mut rig = Rig::since(10_000_000, dir, 1, 1, done_after(secs(1)), startup).await;
        let mut subscription = rig.handle().subscribe().await.unwrap();
        subscription.loaded().await;
        if goes_on {
            rig.until_run(runs[0], "done", RunState::is_finished).await;
        } else {
            tokio::time::sleep(secs(10_000)).await;
            assert!(rig.handle().subscribe().await.unwrap().fleet.state(runs[0]).is_some_and(held));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_left_behind_is_taken_up_when_its_time_comes() {
    let (script, _) = stormy(FailureClass::Rate, Some(3_600_000), &["a"]);
    let mut rig = Rig::new(1, 1, script).await;
    let specs = vec![of(&rig, "a", "p")];
    let runs = rig.submit(specs).await;
    rig.until_run(runs[0], "parked", held).await;
    let until = rig.state(runs[0]).wakes().unwrap();
    let dir = rig.crash().await;
    let mut rig = Rig::at(dir, 1, 1, done_after(secs(1)), Startup::TakeUp).await;
    rig.until_run(runs[0], "done", RunState::is_finished).await;
    let woken = rig.state(runs[0]).steps.iter().rfind(|step| step.kind == StepKind::Actor).unwrap().started;
    assert!(woken >= until, "{woken:?} {until:?}");
}

/// A script whose actors use this many tokens each.
fn hungry(tokens: u64) -> Arc<Script> {
    Script::new(move |order| match order.kind {
        StepKind::Actor => Act::Use(tokens),
        _ => Act::Take(secs(1), Decision::Done),
    })
}

/// An engine whose agents use 60 tokens each, under a budget of 100 for all runs.
async fn on_a_diet(dir: TempDir) -> Rig {
    let config = Rig::config(&dir, 1, 1, 1, Startup::Recover);
    Rig::on(dir, Config { budget: Budget::of(Resource::Tokens, 100), ..config }, hungry(60)).await
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_has_used_its_day_asks_before_the_next_agent() {
    let dir = Rig::new(1, 1, hungry(60)).await.crash().await;
    let mut rig = on_a_diet(dir).await;
    assert!(rig.send(Command::SetFleetBudget { which: Resource::Dollars, limit: 100 }).await.is_err(), "there is none");
    let specs = ["a", "b", "c"].map(|name| of(&rig, name, name)).to_vec();
    let runs = rig.submit(specs).await;
    rig.until("one asks", |fleet| fleet.counts().needs_you == 1).await;
    assert_eq!(rig.fleet.counts().done, 2);
    let used = ParkReason::Budget { which: Resource::Tokens, fleet: true, used: 120, limit: 100 };
    assert_eq!(rig.state(runs[2]).park, Some(used));
    assert!(rig.send(Command::SetFleetBudget { which: Resource::Tokens, limit: 120 }).await.is_err());
    rig.send(Command::SetFleetBudget { which: Resource::Tokens, limit: 1_000 }).await.unwrap();
    rig.until("all done", |fleet| fleet.counts().done == 3).await;
    assert_eq!(rig.fleet.used(Millis(u64::MAX / 2)).usage.tokens(), None, "a day later nothing of it counts");

    // The next start knows of it.
    let mut rig = on_a_diet(rig.crash().await).await;
    let specs = vec![of(&rig, "d", "d")];
    let run = rig.submit(specs).await[0];
    rig.until_run(run, "done", RunState::is_finished).await;
}

/// A fleet of three runs, one after the other, whose budget lets two of them end.
async fn two_of_three(budget: Budget, which: Resource) {
    let dir = Rig::new(1, 1, hungry(60)).await.crash().await;
    let config = Rig::config(&dir, 1, 1, 1, Startup::Recover);
    let script = Script::new(|order| match order.kind {
        StepKind::Actor => Act::Take(secs(600), Decision::Done),
        _ => Act::Take(secs(1), Decision::Done),
    });
    let mut rig = Rig::on(dir, Config { budget, ..config }, script).await;
    let specs = ["a", "b", "c"].map(|name| of(&rig, name, name)).to_vec();
    let runs = rig.submit(specs).await;
    rig.until("one asks", |fleet| fleet.counts().needs_you == 1).await;
    assert_eq!(rig.fleet.counts().done, 2);
    let park = rig.state(runs[2]).park.clone();
    assert!(matches!(park, Some(ParkReason::Budget { which: asked, fleet: true, .. }) if asked == which), "{park:?}");
    let limit = budget.limit(which).unwrap();
    assert!(rig.send(Command::SetFleetBudget { which, limit }).await.is_err(), "used up");
    rig.send(Command::SetFleetBudget { which, limit: limit * 10 }).await.unwrap();
    rig.until("all done", |fleet| fleet.counts().done == 3).await;
}

#[tokio::test(start_paused = true)]
async fn iterations_and_the_agents_time_have_a_budget_of_the_fleet_too() {
    two_of_three(Budget::of(Resource::Iterations, 2), Resource::Iterations).await;
    two_of_three(Budget::of(Resource::WallClock, 1_100_000), Resource::WallClock).await;
}

#[tokio::test(start_paused = true)]
async fn another_loopdash_raises_the_budget_of_all_runs_too() {
    let dir = Rig::new(1, 1, hungry(60)).await.crash().await;
    let store = Store::open(&dir.path().join("state")).unwrap();
    let mut rig = on_a_diet(dir).await;
    let specs = ["a", "b", "c"].map(|name| of(&rig, name, name)).to_vec();
    rig.submit(specs).await;
    rig.until("one asks", |fleet| fleet.counts().needs_you == 1).await;
    let raise = |limit| {
        let fact = FleetFact::BudgetRaised { which: Resource::Tokens, limit, who: Who::Operator };
        fleet::append(&store, &FleetRecord { at: Millis(limit), fact }).unwrap();
    };
    // Real files, real notices: time has to be real, too.
    tokio::time::resume();
    raise(110);
    rig.until("it is heard", |fleet| fleet.raises.over(fleet.budget, Millis(110)).tokens == Some(110)).await;
    assert_eq!(rig.fleet.counts().needs_you, 1, "that is used up, too");
    raise(1_000);
    rig.until("all done", |fleet| fleet.counts().done == 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_nobody_counts_is_refused_at_the_door() {
    let mut rig = Rig::new(1, 1, done_after(secs(1))).await;
    let mut spec = of(&rig, "a", "p");
    spec.limits.micro_usd = Some(5_000_000);
    let specs = vec![spec];
    let refused = rig.send(Command::Submit { specs, trigger: Trigger::Cli }).await.unwrap_err();
    assert!(refused.0.contains("dollar budget") && refused.0.contains("price"), "{refused}");
}
