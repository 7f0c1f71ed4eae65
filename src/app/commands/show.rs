//! `loopdash show RUN`: one run at a glance: where it stands, tests, iterations with gates and verdicts.

use super::list::standing;
use super::text::{columns, line, moment, now};
use crate::app::cli::args::ShowArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::{Context, read_fleet};
use crate::app::history::{told, word};
use crate::app::sentence::{count, duration, interrupt, landing, park, shown_limit, used};
use crate::loops::agent::sanitize::plain_str;
use crate::loops::core::agent::Role;
use crate::loops::core::fleet::FleetRun;
use crate::loops::core::gate::gate_marks;
use crate::loops::core::state::{GateRun, Iteration, RunState, StepOutcome, StepRecord};
use crate::loops::core::step::StepKind;
use crate::loops::core::usage::Total;
use crate::loops::core::verdict::Severity;
use crate::loops::journal::Store;
use crate::loops::mask::Mask;
use std::fmt::Write as _;
use std::io::Write;

/// Failures that are named of one gate.
const MAX_NAMED: usize = 20;

/// Prints what is known about a run.
///
/// # Errors
/// No run, or more than one, is called so; the state directory cannot be read.
pub fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let store = context.store()?;
    let run = find(&store, &args.run)?;
    std::io::stdout().lock().write_all(Mask::of_process().text(&page(&run, &store)).as_bytes())?;
    Ok(Exit::Done)
}

/// The run that `text` names.
pub(super) fn find(store: &Store, text: &str) -> Result<FleetRun, Failure> {
    let mut fleet = read_fleet(store)?;
    let id = fleet.find(text).map_err(|error| Failure::Data(error.to_string()))?;
    fleet.runs.remove(&id).ok_or_else(|| Failure::Data(format!("run {id} is gone")))
}

fn page(run: &FleetRun, store: &Store) -> String {
    let state = &run.state;
    let mut rows = vec![fact("run", &format!("{} ({})", state.label, state.id)), fact("state", &standing(run))];
    if let Some((_, reason)) = &state.outcome {
        rows.push(fact("why", reason));
    }
    if let Some(came) = &state.landing {
        rows.push(fact("landing", &landing(came)));
    }
    if let Some(reason) = &state.park {
        rows.push(fact("waits for", &park(reason)));
    }
    if let Some(problem) = &run.problem {
        rows.push(fact("problem", problem));
    }
    if let Some(spec) = &state.spec {
        rows.push(fact("repository", &spec.repo));
        if let Some(preset) = &spec.preset {
            rows.push(fact("preset", preset));
        }
        rows.push(fact("actor", &format!("{}: {}", spec.actor.name, spec.actor.command.join(" "))));
        let critic = spec
            .critic
            .as_ref()
            .map_or("none".to_owned(), |agent| format!("{}: {}", agent.name, agent.command.join(" ")));
        rows.push(fact("critic", &critic));
        for role in [Role::Actor, Role::Critic] {
            if let Some(next) = state.next_agents.get(role) {
                rows.push(fact(
                    &format!("next {}", role.word()),
                    &format!("{}: {}", next.name, next.command.join(" ")),
                ));
            }
        }
    }
    if let Some(workspace) = &state.workspace {
        let place = if workspace.in_place { " (IN PLACE, your checkout)" } else { "" };
        rows.push(fact("works in", &format!("{}{place}", workspace.path)));
        if let Some(branch) = &workspace.branch {
            rows.push(fact("branch", branch));
        }
        rows.push(fact("base", &workspace.base));
    }
    let age = duration(now().since(state.created) / 1000 * 1000);
    rows.push(fact("submitted", &format!("{}, {age} ago", moment(state.created))));
    rows.push(fact("priority", &state.priority.to_string()));
    rows.push(fact("iterations", &format!("{} of {}", state.counted, state.max_iterations)));
    if let Some(used) = used(&state.usage) {
        rows.push(fact("used", &used));
    }
    rows.push(fact("journal", &store.run_dir(state.id).journal().display().to_string()));
    let mut text = columns(&rows);
    if let Some(spec) = &state.spec {
        let _ = writeln!(text, "\nObjective\n{}", indented(&spec.objective));
    }
    if !state.tests.is_empty() {
        let _ = write!(text, "\nTests\n{}", tests(state));
    }
    if !state.base_gates.is_empty() {
        let _ = write!(text, "\nGates on the base\n{}", gates(&state.base_gates));
    }
    let ask = state.ask_before_merge();
    if !ask.is_empty() {
        text.push_str("\nTo be looked at before a merge\n");
        for words in &ask {
            let _ = writeln!(text, "  {}", line(words));
        }
    }
    if !state.iterations.is_empty() {
        text.push_str("\nIterations\n");
        for iteration in &state.iterations {
            text.push_str(&trip(state, iteration));
        }
    }
    text
}

fn fact(name: &str, value: &str) -> Vec<String> {
    vec![name.to_owned(), line(value)]
}

fn indented(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|text| format!("  {}", line_of(text)))
        .collect::<Vec<_>>()
        .join("\n")
        .trim_end()
        .to_owned()
}

/// A line with its indentation.
fn line_of(text: &str) -> String {
    plain_str(text.trim_end())
}

fn tests(state: &RunState) -> String {
    let rows: Vec<Vec<String>> = state
        .tests
        .iter()
        .map(|test| {
            let needs = if test.depends_on.is_empty() {
                String::new()
            } else {
                format!("needs {}", test.depends_on.join(", "))
            };
            let error = test.last_error.as_deref().map(line).unwrap_or_default();
            vec![
                format!("  {}", line(&test.id)),
                test.status.word().to_owned(),
                format!("{}/{}", test.tries(), shown_limit(state, test)),
                line(&test.title),
                line(&needs),
                error,
            ]
        })
        .collect();
    columns(&rows)
}

fn trip(state: &RunState, iteration: &Iteration) -> String {
    let result = iteration.result.as_deref().map_or("open".to_owned(), line);
    let aside = if iteration.aside { " (set aside)" } else { "" };
    let mut text = format!("  {} {}{aside}: {result}\n", iteration.number, line(&iteration.test));
    let actors = state.steps.iter().filter(|step| step.iteration == iteration.number && step.kind == StepKind::Actor);
    actors.for_each(|step| text.push_str(&agent(step)));
    if let Some(snapshot) = &iteration.snapshot {
        let short: String = snapshot.commit.chars().take(10).collect();
        let files = count(snapshot.files, "file");
        let _ = writeln!(text, "    snapshot {short}: {files}, +{} -{}", snapshot.insertions, snapshot.deletions);
    }
    for change in &iteration.weighed {
        let _ = writeln!(text, "    tests weakened: {}", line(&change.words()));
    }
    text.push_str(&gates(&iteration.gates));
    let critics = state.steps.iter().filter(|step| step.iteration == iteration.number && step.kind == StepKind::Critic);
    critics.for_each(|step| text.push_str(&agent(step)));
    if let Some(verdict) = &iteration.verdict {
        let _ = writeln!(text, "    verdict: {}: {}", verdict.decision.word(), line(&verdict.summary));
        for told in told(state, iteration) {
            let finding = told.finding;
            let severity = if finding.severity == Severity::Blocking { "blocking" } else { "nit" };
            let place = match (&finding.file, finding.line) {
                (Some(file), Some(number)) => format!(" {file}:{number}"),
                (Some(file), None) => format!(" {file}"),
                (None, _) => String::new(),
            };
            let number = told.number.map_or_else(|| line(&finding.id), |number| format!("#{number}"));
            let facts: String = told.facts.iter().map(|fact| format!(", {}", line(fact))).collect();
            let _ = writeln!(
                text,
                "      {number} {severity}{} ({}{facts}): {}",
                visible_place(&place),
                word(told.standing),
                line(&finding.text)
            );
        }
    }
    text
}

/// A step of an agent, and what it used: `actor claude: ok after 2m41s, 41k in, 2.0k out, $0.14`.
fn agent(step: &StepRecord) -> String {
    let name = step.agent.as_ref().map(|agent| format!(" {agent}")).unwrap_or_default();
    let (word, claims) = match &step.end {
        None => ("runs".to_owned(), false),
        Some(StepOutcome::Finished(end)) => (end.word(), end.claim),
        Some(StepOutcome::Interrupted { why, .. }) => (format!("interrupted, {}", interrupt(*why)), false),
    };
    let took = duration(step.duration_ms(now()));
    let claim = if claims { ", says that it is done" } else { "" };
    let used = step.usage().and_then(|usage| used(&Total::from(*usage))).map(|used| format!(", {used}"));
    let what = format!("{}{name}: {word} after {took}{claim}{}", step.kind.word(), used.unwrap_or_default());
    format!("    {}\n", line(&what))
}

fn gates(gates: &[GateRun]) -> String {
    let mut text = String::new();
    for gate in gates {
        let marks = gate_marks(&gate.name, gate.kind, gate.required);
        let length = duration(gate.duration_ms);
        let _ = writeln!(text, "    gate {}{marks}: {} after {length}", line(&gate.name), gate.words());
        let Some(tests) = gate.tests.as_deref().filter(|_| !gate.holds()) else { continue };
        for name in tests.new.iter().take(MAX_NAMED) {
            let _ = writeln!(text, "      new: {}", line(name));
        }
        if let more @ 1.. = tests.new.len().saturating_sub(MAX_NAMED) {
            let _ = writeln!(text, "      and {more} more");
        }
    }
    text
}

fn visible_place(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" {}", line(place)) }
}
