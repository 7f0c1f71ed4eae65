//! Proof against the real agent programs: each goes through the same runs, driven by the loopdash binary, with a model
//! stub on loopback. Off unless `LOOPDASH_REAL_AGENTS=1`; `tests/real_agents/run` installs the programs and calls it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod agents;
mod ground;
mod judge;
mod report;
mod scenarios;
mod script;
mod stub;

use agents::Cli;
use ground::Places;
use report::Row;
use scenarios::Scenario;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const USAGE: &str = "usage: real_agents --programs DIR [--scratch DIR] [--loopdash FILE] [--jobs N] [--keep] \
                     [--write FILE | [AGENT | AGENT/SCENARIO | /SCENARIO]...]";

/// What the command line asks for.
struct Asked {
    places: Places,
    jobs: usize,
    write: Option<PathBuf>,
    only: Vec<String>,
}

fn main() -> ExitCode {
    if std::env::var_os("LOOPDASH_REAL_AGENTS").is_none_or(|value| value != "1") {
        println!("real agents: off. `tests/real_agents/run` installs them and runs this with LOOPDASH_REAL_AGENTS=1.");
        return ExitCode::SUCCESS;
    }
    let Some(asked) = asked(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    std::fs::create_dir_all(&asked.places.scratch).unwrap();
    let cases: Vec<(&'static Cli, &'static Scenario)> = CLIS
        .iter()
        .flat_map(|cli| SCENARIOS.iter().map(move |scenario| (cli, scenario)))
        .filter(|(cli, scenario)| asked.wants(cli, scenario))
        .collect();
    let rows = rows(&asked, &cases);
    let wrong = rows.values().filter(|row| !row.is_right()).count();
    if let Some(file) = &asked.write {
        let mut rows = rows;
        let row = |cli: &Cli, scenario: &Scenario| rows.remove(&(cli.name, scenario.id));
        report::write(file, &tables(&asked.places, row));
    }
    println!("{} runs, {wrong} not as they should be", cases.len());
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

static CLIS: [Cli; 6] = agents::ALL;
static SCENARIOS: [Scenario; 15] = scenarios::ALL;

fn asked(mut args: impl Iterator<Item = String>) -> Option<Asked> {
    let mut programs = None;
    let mut scratch = std::env::temp_dir().join(format!("loopdash-agents-{}", std::process::id()));
    let mut loopdash = PathBuf::from(env!("CARGO_BIN_EXE_loopdash"));
    let (mut jobs, mut keep, mut write, mut only) = (3, false, None, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--programs" => programs = Some(PathBuf::from(args.next()?)),
            "--scratch" => scratch = PathBuf::from(args.next()?),
            "--loopdash" => loopdash = PathBuf::from(args.next()?),
            "--jobs" => jobs = args.next()?.parse().ok()?,
            "--keep" => keep = true,
            "--write" => write = Some(PathBuf::from(args.next()?)),
            flag if flag.starts_with('-') => return None,
            _ => only.push(arg),
        }
    }
    if write.is_some() && !only.is_empty() {
        eprintln!("the page holds every run: --write goes without AGENT and SCENARIO");
        return None;
    }
    let places = Places { loopdash, programs: programs?, scratch, keep };
    Some(Asked { places, jobs, write, only })
}

impl Asked {
    fn wants(&self, cli: &Cli, scenario: &Scenario) -> bool {
        let fits = |only: &String| {
            let (agent, id) = only.split_once('/').unwrap_or((only, ""));
            (agent.is_empty() || agent == cli.name) && (id.is_empty() || id == scenario.id)
        };
        self.only.is_empty() || self.only.iter().any(fits)
    }
}

/// Runs the cases, `jobs` at a time, and says each as it ends.
fn rows(asked: &Asked, cases: &[(&'static Cli, &'static Scenario)]) -> HashMap<(&'static str, &'static str), Row> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for _ in 0..asked.jobs.max(1) {
            scope.spawn(|| {
                while let Some((cli, scenario)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = match scenario.not_for(cli) {
                        Some(why) => Row::not_for(scenario, why),
                        None => Row::new(cli, scenario, &ground::run(&asked.places, cli, scenario)),
                    };
                    println!("{}/{}: {}", cli.name, scenario.id, row.line());
                    rows.lock().unwrap().insert((cli.name, scenario.id), row);
                }
            });
        }
    });
    rows.into_inner().unwrap()
}

fn tables(places: &Places, mut row: impl FnMut(&Cli, &Scenario) -> Option<Row>) -> Vec<(Cli, String, Vec<Row>)> {
    let tables = CLIS.iter().map(|cli| {
        let rows = SCENARIOS.iter().filter_map(|scenario| row(cli, scenario)).collect();
        (*cli, version(places, cli), rows)
    });
    tables.collect()
}

/// What `AGENT --version` says, the number alone.
fn version(places: &Places, cli: &Cli) -> String {
    let mut command = Command::new(places.programs.join(cli.name));
    let output = command.arg("--version").env("HOME", &places.scratch).stdin(Stdio::null()).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number.unwrap_or("of an unknown version").to_owned()
}
