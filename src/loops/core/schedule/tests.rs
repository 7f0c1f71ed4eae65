//! The laws of admission: caps hold, nothing idles, order is kept, nobody starves.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::loops::core::activity::FailureClass;
use proptest::prelude::*;
use uuid::Uuid;

const MINUTE: u64 = 60_000;

static FREE: Holds = Holds::new();

fn run(n: u32) -> RunId {
    RunId::new(Uuid::from_u128(u128::from(n)))
}

fn place(n: u32, priority: u8, since: u64) -> Place {
    Place { run: run(n), priority, since: Millis(since), order: n }
}

fn waiting<'a>(n: u32, priority: u8, since: u64, repo: &'a str, agents: &[&'a str]) -> Waiting<'a> {
    Waiting { place: place(n, priority, since), repo, agents: agents.to_vec(), providers: agents.to_vec() }
}

fn active<'a>(slot: u32, repo: &'a str, agents: &[&'a str]) -> Active<'a> {
    Active { slot, repo, agents: agents.to_vec() }
}

fn caps(engine: u32, repository: Option<u32>, agents: &[(&str, u32)]) -> Caps {
    Caps { engine, repository, agents: agents.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect() }
}

fn bounds(caps: &Caps, now: u64) -> Bounds<'_> {
    Bounds { caps, holds: &FREE, now: Millis(now) }
}

fn admitted(waiting: &[Waiting<'_>], active: &[Active<'_>], caps: &Caps, now: u64) -> Vec<(RunId, u32)> {
    admit(waiting, active, bounds(caps, now)).into_iter().map(|admit| (admit.run, admit.slot)).collect()
}

#[test]
fn priority_then_age_then_order() {
    let queue = [
        waiting(1, 5, 30, "r", &[]),
        waiting(2, 9, 40, "r", &[]),
        waiting(3, 5, 20, "r", &[]),
        waiting(4, 5, 20, "r", &[]),
    ];
    let all = admitted(&queue, &[], &caps(9, None, &[]), 50);
    assert_eq!(all, [(run(2), 0), (run(3), 1), (run(4), 2), (run(1), 3)]);
}

#[test]
fn waiting_adds_priority() {
    let old = waiting(1, 0, 0, "r", &[]);
    let new = |now| waiting(2, 9, now, "r", &[]);
    let first = |now: u64| admitted(&[new(now), old.clone()], &[], &caps(1, None, &[]), now).first().unwrap().0;
    assert_eq!(first(89 * MINUTE), run(2));
    assert_eq!(first(90 * MINUTE), run(1), "at the same height the older one goes");
}

#[test]
fn a_limit_delays_only_what_it_names() {
    let queue = [
        waiting(1, 9, 0, "full", &["claude"]),
        waiting(2, 8, 0, "free", &["held"]),
        waiting(3, 7, 0, "free", &["claude", "codex"]),
        waiting(4, 0, 0, "free", &["codex", "codex"]),
    ];
    let running = [active(1, "full", &["claude", "claude"])];
    let caps = caps(9, Some(1), &[("claude", 2), ("held", 0), ("codex", 1)]);
    assert_eq!(admitted(&queue, &running, &caps, 0), [(run(3), 0)]);
    let why = |running: &[Active<'_>], caps: &Caps| -> Vec<(RunId, String)> {
        explain(queue.iter().cloned(), running, bounds(caps, 0))
            .into_iter()
            .map(|(run, why)| (run, why.to_string()))
            .collect()
    };
    let held = [(run(1), "repository cap 1 reached".to_owned()), (run(2), "agent held is on hold".to_owned())];
    assert_eq!(why(&running, &caps), held);
    let full = Caps { engine: 1, ..caps };
    let full_up = why(&running, &full);
    assert!(full_up.len() == 4 && full_up.iter().all(|(_, why)| why == "cap 1 reached"), "{full_up:?}");
    let busy = [active(0, "a", &["codex"])];
    let why = why(&busy, &Caps { engine: 3, ..full });
    assert_eq!(why.last().unwrap().1, "agent codex at its cap 1");
}

#[test]
fn a_held_provider_delays_its_runs_until_its_time() {
    let queue = [waiting(1, 9, 0, "r", &["claude"]), waiting(2, 0, 0, "r", &["codex"])];
    let caps = caps(1, None, &[]);
    let hold = Hold { class: FailureClass::Rate, detail: String::new(), until: Some(Millis(50)) };
    let mut holds = Holds::new();
    holds.hear("claude", Millis(1), Some(hold));
    let at = |now| Bounds { caps: &caps, holds: &holds, now: Millis(now) };
    let first = |now| admit(&queue, &[], at(now)).first().map(|admit| admit.run);
    assert_eq!((first(49), first(50)), (Some(run(2)), Some(run(1))));
    let why = explain(queue.iter().cloned(), &[active(0, "r", &[])], at(49));
    assert_eq!(why[&run(1)].to_string(), "provider claude is held: rate limited");
}

#[test]
fn the_lowest_free_slot_is_taken_and_a_lowered_cap_drains() {
    let running = [active(0, "r", &[]), active(2, "r", &[]), active(5, "r", &[])];
    let queue: Vec<Waiting<'_>> = (0..4).map(|n| waiting(n, 5, 0, "r", &[])).collect();
    assert_eq!(admitted(&queue, &running, &caps(6, None, &[]), 0), [(run(0), 1), (run(1), 3), (run(2), 4)]);
    for cap in 0..=3 {
        assert!(admitted(&queue, &running, &caps(cap, None, &[]), 0).is_empty());
    }
}

#[test]
fn gates_go_in_the_same_order() {
    let queue = [place(1, 5, 10), place(2, 5, 0), place(3, 9, 20)];
    assert_eq!(grant_gates(&queue, 1, 3, Millis(30)), [run(3), run(2)]);
    assert!(grant_gates(&queue, 5, 3, Millis(30)).is_empty());
}

const REPOS: [&str; 3] = ["r0", "r1", "r2"];
const AGENTS: [&str; 3] = ["a0", "a1", "a2"];

fn any_agents() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(AGENTS.to_vec()), 0..3)
}

fn any_waiting() -> impl Strategy<Value = Vec<Waiting<'static>>> {
    let one = (0_u8..10, 0_u64..200 * MINUTE, prop::sample::select(REPOS.to_vec()), any_agents());
    prop::collection::vec(one, 0..12).prop_map(|runs| {
        let number = |(n, (priority, since, repo, agents)): (u32, (u8, u64, &'static str, Vec<&'static str>))| {
            Waiting { place: place(n, priority, since), repo, agents, providers: Vec::new() }
        };
        (0..).zip(runs).map(number).collect()
    })
}

fn any_active() -> impl Strategy<Value = Vec<Active<'static>>> {
    prop::collection::btree_map(0_u32..9, (prop::sample::select(REPOS.to_vec()), any_agents()), 0..6)
        .prop_map(|runs| runs.into_iter().map(|(slot, (repo, agents))| Active { slot, repo, agents }).collect())
}

fn any_caps() -> impl Strategy<Value = Caps> {
    let agents =
        prop::collection::btree_map(prop::sample::select(AGENTS.to_vec()).prop_map(str::to_owned), 0_u32..4, 0..4);
    (0_u32..8, prop::option::of(0_u32..4), agents).prop_map(|(engine, repository, agents)| Caps {
        engine,
        repository,
        agents,
    })
}

/// The fleet once `admits` have joined it.
fn joined(waiting: &[Waiting<'static>], active: &[Active<'static>], admits: &[Admit]) -> Vec<Active<'static>> {
    let mut all = active.to_vec();
    for admit in admits {
        let run = waiting.iter().find(|run| run.place.run == admit.run).unwrap();
        all.push(Active { slot: admit.slot, repo: run.repo, agents: run.agents.clone() });
    }
    all
}

fn with_agent(fleet: &[Active<'_>], name: &str) -> usize {
    fleet.iter().filter(|run| run.agents.contains(&name)).count()
}

proptest! {
    #[test]
    fn no_cap_is_exceeded(waiting in any_waiting(), active in any_active(), caps in any_caps()) {
        let admits = admit(&waiting, &active, bounds(&caps, 300 * MINUTE));
        let after = joined(&waiting, &active, &admits);
        let held = |before: usize, after: usize, cap: u32| after <= before.max(cap as usize);
        prop_assert!(held(active.len(), after.len(), caps.engine));
        for repo in REPOS {
            let count = |fleet: &[Active<'_>]| fleet.iter().filter(|run| run.repo == repo).count();
            prop_assert!(held(count(&active), count(&after), caps.repository.unwrap_or(u32::MAX)));
        }
        for (name, cap) in &caps.agents {
            prop_assert!(held(with_agent(&active, name), with_agent(&after, name), *cap));
        }
        let slots: BTreeSet<u32> = after.iter().map(|run| run.slot).collect();
        prop_assert_eq!(slots.len(), after.len(), "no slot is given twice");
        prop_assert!(admits.iter().all(|admit| admit.slot as usize <= after.len()));
    }

    #[test]
    fn nothing_that_could_start_waits(waiting in any_waiting(), active in any_active(), caps in any_caps()) {
        let admits = admit(&waiting, &active, bounds(&caps, 300 * MINUTE));
        let after = joined(&waiting, &active, &admits);
        for run in waiting.iter().filter(|run| admits.iter().all(|admit| admit.run != run.place.run)) {
            let why = explain([run.clone()].into_iter(), &after, bounds(&caps, 0));
            prop_assert!(why.contains_key(&run.place.run));
        }
        let drained = Caps { engine: 0, ..caps };
        prop_assert_eq!(admit(&waiting, &after, bounds(&drained, 0)), []);
    }

    #[test]
    fn whoever_is_passed_over_had_an_obstacle(waiting in any_waiting(), active in any_active(), caps in any_caps()) {
        let now = Millis(300 * MINUTE);
        let admits = admit(&waiting, &active, Bounds { caps: &caps, holds: &FREE, now });
        let mut before = active.clone();
        for (nth, granted) in admits.iter().enumerate() {
            let winner = waiting.iter().find(|run| run.place.run == granted.run).unwrap();
            for other in &waiting {
                let later = admits.iter().skip(nth).any(|admit| admit.run == other.place.run);
                let out = admits.iter().all(|admit| admit.run != other.place.run);
                if other.place.effective(now) > winner.place.effective(now) {
                    prop_assert!(!later, "a higher one is admitted earlier");
                    let why = explain([other.clone()].into_iter(), &before, bounds(&caps, 0));
                    prop_assert!(!out || why.contains_key(&other.place.run));
                }
            }
            before = joined(&waiting, &before, &[*granted]);
        }
    }

    #[test]
    fn the_order_of_asking_does_not_matter(
        (waiting, shuffled) in any_waiting().prop_flat_map(|queue| (Just(queue.clone()), Just(queue).prop_shuffle())),
        active in any_active(),
        caps in any_caps(),
    ) {
        let now = Millis(300 * MINUTE);
        prop_assert_eq!(admit(&waiting, &active, Bounds { caps: &caps, holds: &FREE, now }), admit(&shuffled, &active, Bounds { caps: &caps, holds: &FREE, now }));
        let gates = |queue: &[Waiting<'_>]| {
            grant_gates(&queue.iter().map(|run| run.place).collect::<Vec<_>>(), 1, caps.engine, now)
        };
        prop_assert_eq!(gates(&waiting), gates(&shuffled));
    }

    /// A run of priority 0 against an endless stream of priority 9: each minute one slot frees and `rate` newcomers
    /// with the same agent arrive, so the queue grows without end.
    #[test]
    fn nobody_starves(rate in 1_u32..4, engine in 1_u32..4, capped in any::<bool>()) {
        let caps = caps(engine, None, if capped { &[("a0", 1)] } else { &[] });
        let mut queue = vec![waiting(0, 0, 0, "r", &["a0"])];
        let mut next = 1;
        for minute in 0..400_u64 {
            let now = minute * MINUTE;
            for _ in 0..rate {
                queue.push(waiting(next, 9, now, "r", &["a0"]));
                next += 1;
            }
            let busy: Vec<Active<'_>> =
                (1..if capped { 1 } else { engine }).map(|slot| active(slot, "r", &["a0"])).collect();
            let admits = admit(&queue, &busy, bounds(&caps, now));
            prop_assert_eq!(admits.len(), 1);
            queue.retain(|run| admits.iter().all(|admit| admit.run != run.place.run));
            if admits.iter().any(|admit| admit.run == run(0)) {
                // Only those who came in the first nine age steps, and one more for rounding, can be ahead of it.
                prop_assert!(minute <= u64::from(rate) * 100);
                return Ok(());
            }
        }
        prop_assert!(false, "never admitted");
    }
}
