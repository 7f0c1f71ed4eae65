//! `fleet.jsonl`: the few facts that belong to no run, told to every loopdash of the box.
//!
//! Nothing hangs on a single line of it, so unreadable lines are passed over and counted, and it is not synced.

use super::error::JournalError;
use super::line::{Line, Lines, seal, unseal};
use super::replay::open_plain;
use super::store::{Store, private_options, require_file};
use crate::loops::core::alert::{AlertKind, Alerts};
use crate::loops::core::budget::{Raises, Resource};
use crate::loops::core::hold::{Hold, Holds};
use crate::loops::core::ids::{Millis, Who};
use crate::loops::core::record::FORMAT;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Something that holds for no run in particular.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FleetFact {
    /// The operator chose how many runs may have a slot at once.
    CapSet {
        /// How many.
        cap: u32,
    },
    /// The operator chose how many gates may run at once.
    GateCapSet {
        /// How many.
        cap: u32,
    },
    /// A provider is held: its agents are not started.
    ProviderHeld {
        /// Which.
        provider: String,
        /// Why, and until when.
        #[serde(flatten)]
        hold: Hold,
    },
    /// It is free again.
    ProviderFreed {
        /// Which.
        provider: String,
        /// Who said so.
        who: Who,
    },
    /// All runs may use more than the configured budget, for as long as that is counted over.
    BudgetRaised {
        /// Of what.
        which: Resource,
        /// How much, in the resource's unit.
        limit: u64,
        /// Who said so.
        who: Who,
    },
    /// Something about the fleet or the machine has to be known.
    AlertRaised {
        /// What about.
        alert: AlertKind,
        /// The evidence.
        what: String,
    },
    /// It is over.
    AlertCleared {
        /// Which.
        alert: AlertKind,
    },
    /// Somebody has seen it.
    AlertSeen {
        /// Which.
        alert: AlertKind,
        /// Who.
        who: Who,
    },
    /// A loopdash that owns runs began.
    Started {
        /// Its process id.
        pid: u32,
        /// Its version.
        version: String,
    },
    /// Its terminal is gone; it goes on without.
    ScreenLost {
        /// Its process id.
        pid: u32,
    },
    /// It ended in order; a start without an end is a crash, or still lives.
    Ended {
        /// Its process id.
        pid: u32,
    },
}

/// A fact and its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRecord {
    /// When it was written.
    pub at: Millis,
    /// What holds from then on.
    pub fact: FleetFact,
}

/// The whole file, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetFacts {
    /// What could be read.
    pub records: Vec<FleetRecord>,
    /// Lines that could not: torn, of a later loopdash, or edited by hand.
    pub skipped: u64,
}

impl FleetFacts {
    /// The last cap that was chosen.
    pub fn cap(&self) -> Option<u32> {
        self.last(|fact| match fact {
            FleetFact::CapSet { cap } => Some(*cap),
            _ => None,
        })
    }

    /// The last gate cap that was chosen.
    pub fn gate_cap(&self) -> Option<u32> {
        self.last(|fact| match fact {
            FleetFact::GateCapSet { cap } => Some(*cap),
            _ => None,
        })
    }

    /// The last word on each provider.
    pub fn holds(&self) -> Holds {
        let mut holds = Holds::new();
        for FleetRecord { at, fact } in &self.records {
            match fact {
                FleetFact::ProviderHeld { provider, hold } => holds.hear(provider, *at, Some(hold.clone())),
                FleetFact::ProviderFreed { provider, .. } => holds.hear(provider, *at, None),
                _ => false,
            };
        }
        holds
    }

    /// The last word on each budget of all runs.
    pub fn raises(&self) -> Raises {
        let mut raises = Raises::new();
        for FleetRecord { at, fact } in &self.records {
            if let FleetFact::BudgetRaised { which, limit, .. } = fact {
                raises.hear(*which, *at, *limit);
            }
        }
        raises
    }

    /// The alerts in force.
    pub fn alerts(&self) -> Alerts {
        let mut alerts = Alerts::default();
        for FleetRecord { at, fact } in &self.records {
            match fact {
                FleetFact::AlertRaised { alert, what } => alerts.raise(*alert, what, *at),
                FleetFact::AlertCleared { alert } => alerts.clear(*alert, *at),
                FleetFact::AlertSeen { alert, .. } => alerts.see(*alert),
                _ => false,
            };
        }
        alerts
    }

    fn last<T>(&self, pick: impl Fn(&FleetFact) -> Option<T>) -> Option<T> {
        self.records.iter().rev().find_map(|record| pick(&record.fact))
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    v: u32,
    at: Millis,
    #[serde(flatten)]
    fact: FleetFact,
}

/// Adds a fact.
///
/// # Errors
/// [`JournalError::Io`] and [`JournalError::Full`].
pub fn append(store: &Store, record: &FleetRecord) -> Result<(), JournalError> {
    let path = store.fleet_file();
    let doing = JournalError::io("append to", &path);
    let write = || -> io::Result<()> {
        let mut line = Vec::new();
        let entry = Entry { v: FORMAT, at: record.at, fact: record.fact.clone() };
        seal(&serde_json::to_string(&entry)?, &mut line);
        let mut file = private_options().read(true).append(true).create(true).open(&path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // Held for this one write: without it a line that a crash or a full disk cut short could be glued to ours
        // between the look and the write.
        file.lock()?;
        if ends_torn(&mut file)? {
            line.insert(0, b'\n');
        }
        file.write_all(&line)
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full { path: path.clone(), source },
        _ => doing(source),
    })
}

fn ends_torn(file: &mut std::fs::File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Reads all facts; a missing file is none.
///
/// # Errors
/// [`JournalError::Io`].
pub fn read(store: &Store) -> Result<FleetFacts, JournalError> {
    let path = store.fleet_file();
    let file = match open_plain(&path) {
        Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(FleetFacts::default());
        }
        opened => opened?,
    };
    require_file(&file, &path)?;
    let mut facts = FleetFacts::default();
    let mut lines = Lines::new(file);
    loop {
        match lines.next().map_err(JournalError::io("read", &path))? {
            Line::End => return Ok(facts),
            Line::Whole(line) => match unseal(line).ok().and_then(entry) {
                Some(record) => facts.records.push(record),
                None => facts.skipped += 1,
            },
            Line::Long(_) | Line::Partial(_) => facts.skipped += 1,
        }
    }
}

fn entry(json: &str) -> Option<FleetRecord> {
    let entry: Entry = serde_json::from_str(json).ok()?;
    (entry.v <= FORMAT).then_some(FleetRecord { at: entry.at, fact: entry.fact })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::activity::FailureClass;
    use crate::loops::core::budget::Budget;
    use crate::loops::journal::testing::store;

    fn hold() -> Hold {
        Hold { class: FailureClass::Auth, detail: "log in".to_owned(), until: Some(Millis(9)) }
    }

    fn all() -> Vec<FleetRecord> {
        let facts = [
            FleetFact::Started { pid: 7, version: "0.1.0".to_owned() },
            FleetFact::ScreenLost { pid: 7 },
            FleetFact::CapSet { cap: 3 },
            FleetFact::GateCapSet { cap: 1 },
            FleetFact::CapSet { cap: 5 },
            FleetFact::ProviderHeld { provider: "p".to_owned(), hold: hold() },
            FleetFact::ProviderHeld { provider: "q".to_owned(), hold: Hold { until: None, ..hold() } },
            FleetFact::ProviderFreed { provider: "p".to_owned(), who: Who::Operator },
            FleetFact::BudgetRaised { which: Resource::Tokens, limit: 9, who: Who::Operator },
            FleetFact::AlertRaised { alert: AlertKind::Disk, what: "500 MB are left".to_owned() },
            FleetFact::AlertRaised { alert: AlertKind::FailureRate, what: "4 of the last 10".to_owned() },
            FleetFact::AlertSeen { alert: AlertKind::FailureRate, who: Who::Operator },
            FleetFact::AlertCleared { alert: AlertKind::Disk },
            FleetFact::Ended { pid: 7 },
        ];
        (1..).zip(facts).map(|(at, fact)| FleetRecord { at: Millis(at), fact }).collect()
    }

    #[test]
    fn facts_are_read_back_and_the_last_cap_holds() {
        let (_root, store) = store();
        assert_eq!(read(&store).unwrap(), FleetFacts::default());
        for record in &all() {
            append(&store, record).unwrap();
        }
        let facts = read(&store).unwrap();
        assert_eq!(facts, FleetFacts { records: all(), skipped: 0 });
        assert_eq!((facts.cap(), facts.gate_cap()), (Some(5), Some(1)));
        let alerts = facts.alerts();
        let rate = alerts.get(AlertKind::FailureRate).unwrap();
        assert!(rate.seen && rate.what == "4 of the last 10" && alerts.get(AlertKind::Disk).is_none());
        let holds = facts.holds();
        let held: Vec<(&str, Option<Millis>)> =
            holds.in_force(Millis(1)).map(|(name, hold)| (name, hold.until)).collect();
        assert_eq!(held, [("q", None)]);
        let budget = facts.raises().over(Budget::of(Resource::Tokens, 1), Millis(20));
        assert_eq!(budget.tokens, Some(9));
    }

    #[test]
    fn torn_lines_never_swallow_the_next_and_strange_ones_are_counted() {
        let (_root, store) = store();
        let all = all();
        append(&store, &all[0]).unwrap();
        let whole = std::fs::read(store.fleet_file()).unwrap();
        for cut in 1..whole.len() - 1 {
            std::fs::write(store.fleet_file(), &whole[..cut]).unwrap();
            append(&store, &all[1]).unwrap();
            assert_eq!(read(&store).unwrap(), FleetFacts { records: all[1..2].to_vec(), skipped: 1 }, "cut at {cut}");
        }
        // Of a line that lacks only its newline nothing is lost.
        std::fs::write(store.fleet_file(), &whole[..whole.len() - 1]).unwrap();
        append(&store, &all[1]).unwrap();
        assert_eq!(read(&store).unwrap(), FleetFacts { records: all[..2].to_vec(), skipped: 0 });
        let mut text = Vec::new();
        seal(r#"{"v":1,"at":1,"type":"moon_phase","phase":3}"#, &mut text);
        seal(r#"{"v":2,"at":1,"type":"cap_set","cap":9}"#, &mut text);
        text.extend_from_slice(b"by hand\n{\"v\":1,\"at\":1,\"type\":\"cap_set\",\"cap\":9}\n");
        std::fs::write(store.fleet_file(), &text).unwrap();
        append(&store, &all[3]).unwrap();
        assert_eq!(read(&store).unwrap(), FleetFacts { records: all[3..4].to_vec(), skipped: 4 });
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let (_root, store) = store();
        std::thread::scope(|scope| {
            for pid in 0..8 {
                let store = &store;
                scope.spawn(move || {
                    for at in 0..50 {
                        append(store, &FleetRecord { at: Millis(at), fact: FleetFact::Ended { pid } }).unwrap();
                    }
                });
            }
        });
        let facts = read(&store).unwrap();
        assert_eq!((facts.records.len(), facts.skipped), (400, 0));
    }
}
