//! Alerts of the fleet: raised, kept, listed, seen and cleared, once each, from readings that a test gives.

use super::*;
use crate::loops::core::alert::AlertKind;
use crate::loops::core::attention::{Why, needs};
use crate::loops::journal::fleet::{FleetFact, read};

/// An engine that sees the machine as it is set.
async fn rig(cap: u32, machine: Machine, script: Arc<Script>) -> (Rig, Arc<Mutex<Machine>>) {
    let dir = TempDir::new().unwrap();
    let repo = git2::Repository::init(dir.path().join("repo")).unwrap();
    let tree = repo.treebuilder(None).unwrap().write().unwrap();
    let who = git2::Signature::now("t", "t@localhost").unwrap();
    repo.commit(Some("HEAD"), &who, &who, "m", &repo.find_tree(tree).unwrap(), &[]).unwrap();
    let machine = Arc::new(Mutex::new(machine));
    let seen = Arc::clone(&machine);
    let config = Rig::config(&dir, 1_000_000, cap, 1, Startup::Ignore);
    let config = Config { eye: Arc::new(move |_| *seen.lock().unwrap()), ..config };
    (Rig::on(dir, config, script).await, machine)
}

impl Rig {
    /// What stands in `fleet.jsonl` about alerts.
    fn alert_facts(&self) -> Vec<String> {
        let facts = read(&Store::open(&self.dir.path().join("state")).unwrap()).unwrap();
        let words = facts.records.iter().filter_map(|record| match &record.fact {
            FleetFact::AlertRaised { alert, .. } => Some(format!("raised {}", alert.word())),
            FleetFact::AlertSeen { alert, who } => Some(format!("seen {} by {}", alert.word(), who.word())),
            FleetFact::AlertCleared { alert } => Some(format!("cleared {}", alert.word())),
            _ => None,
        });
        words.collect()
    }

    /// What stands there once the writing has caught up with so many.
    async fn until_facts(&self, count: usize) -> Vec<String> {
        let facts = tokio::time::timeout(secs(100), async {
            loop {
                let facts = self.alert_facts();
                if facts.len() >= count {
                    return facts;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        facts.await.unwrap()
    }

    async fn until_alert(&mut self, kind: AlertKind, raised: bool) {
        self.until(kind.word(), |fleet| fleet.alerts.get(kind).is_some() == raised).await;
    }
}

fn listed(fleet: &Fleet) -> Vec<AlertKind> {
    let alerts = needs(fleet).into_iter().filter_map(|need| match need.why {
        Why::Alert(alert) => Some(alert.kind),
        _ => None,
    });
    alerts.collect()
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_runs_short_is_told_once_and_hovering_at_the_line_is_one_alert() {
    let low = Machine { disk: Some(500 << 20), memory: Some((1_000, 100_000)) };
    let near = Machine { disk: Some(1_100 << 20), memory: Some((5_500, 100_000)) };
    let well = Machine { disk: Some(9 << 30), memory: Some((90_000, 100_000)) };
    let (mut rig, machine) = rig(1, low, Script::new(|_| Act::Hang)).await;
    rig.submit(vec![rig.spec("a", 5)]).await;
    rig.until_alert(AlertKind::Disk, true).await;
    rig.until_alert(AlertKind::Memory, true).await;
    assert_eq!(listed(&rig.fleet), [AlertKind::Disk, AlertKind::Memory]);
    for alert in [AlertKind::Disk, AlertKind::Memory] {
        rig.send(Command::AcknowledgeAlert { alert }).await.unwrap();
    }
    rig.until("seen", |fleet| fleet.alerts.open().count() == 0).await;
    assert_eq!(listed(&rig.fleet), []);
    // Up and down about the line, for as long as the machine is looked at: nothing is told.
    for round in 0..10 {
        *machine.lock().unwrap() = if round % 2 == 0 { near } else { low };
        tokio::time::sleep(secs(61)).await;
    }
    *machine.lock().unwrap() = well;
    rig.until_alert(AlertKind::Disk, false).await;
    rig.until_alert(AlertKind::Memory, false).await;
    // Again soon after: it was seen.
    *machine.lock().unwrap() = low;
    rig.until_alert(AlertKind::Disk, true).await;
    rig.until_alert(AlertKind::Memory, true).await;
    assert_eq!(listed(&rig.fleet), []);
    let both = |word: &str, by: &str| [format!("{word} disk low{by}"), format!("{word} memory low{by}")];
    let expected = [both("raised", ""), both("seen", " by operator"), both("cleared", ""), both("raised", "")].concat();
    assert_eq!(rig.until_facts(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn many_failures_are_told_once_until_the_last_runs_do_well() {
    // One test with a single iteration: a critic that wants more exhausts it.
    let script = Script::new(|order| {
        let fails = order.spec.name.starts_with("bad");
        Act::Take(secs(1), if fails { Decision::Continue } else { Decision::Done })
    });
    let (mut rig, _machine) = rig(1, Machine::default(), script).await;
    let runs = |rig: &Rig, names: &[&str]| -> Vec<LoopSpec> {
        let spec = |name: &&str| {
            let spec = rig.spec(name, 5);
            LoopSpec { limits: Limits { max_iterations: 1, ..spec.limits }, ..spec }
        };
        names.iter().map(spec).collect()
    };
    let all_over =
        |fleet: &Fleet, count: usize| fleet.runs.values().filter(|run| run.state.is_finished()).count() == count;
    rig.submit(runs(&rig, &["bad1", "good", "good", "good"])).await;
    rig.until("four are over", |fleet| all_over(fleet, 4)).await;
    assert_eq!(rig.alert_facts(), [""; 0], "too few to tell");
    rig.submit(runs(&rig, &["bad2"])).await;
    rig.until_alert(AlertKind::FailureRate, true).await;
    assert_eq!(listed(&rig.fleet), [AlertKind::FailureRate]);
    rig.send(Command::AcknowledgeAlert { alert: AlertKind::FailureRate }).await.unwrap();
    rig.until("seen", |fleet| fleet.alerts.open().count() == 0).await;
    // 2 of 6 is over the line still, 2 of 7 and 2 of 8 are too near, 2 of 9 is well.
    rig.submit(runs(&rig, &["good"; 3])).await;
    rig.until("eight are over", |fleet| all_over(fleet, 8)).await;
    assert!(rig.fleet.alerts.get(AlertKind::FailureRate).is_some());
    rig.submit(runs(&rig, &["good"])).await;
    rig.until_alert(AlertKind::FailureRate, false).await;
    let expected = ["raised many failures", "seen many failures by operator", "cleared many failures"];
    assert_eq!(rig.until_facts(expected.len()).await, expected);
}
