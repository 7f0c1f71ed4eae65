//! `report.tsv`: one row per step of a run, for spreadsheets and shell pipelines.
//!
//! Fields are tab-separated; within a field, backslash, tab, newline and other control characters are escaped.

use crate::loops::core::ids::StepId;
use crate::loops::core::state::{Iteration, RunState, StepOutcome, StepRecord};
use crate::loops::core::step::{InterruptWhy, StepKind};
use std::collections::HashMap;
use std::fmt::Write;

/// The names of the columns.
pub const COLUMNS: [&str; 13] = [
    "at",
    "iteration",
    "step",
    "kind",
    "test",
    "result",
    "duration_ms",
    "bytes",
    "lines",
    "input",
    "cached",
    "output",
    "micro_usd",
];

/// The table of a run's steps as it stands, header included.
pub fn report(state: &RunState) -> String {
    let mut text = COLUMNS.join("\t");
    text.push('\n');
    let critics = state.steps.iter().filter(|step| step.kind == StepKind::Critic);
    let last_asks: HashMap<u32, StepId> = critics.map(|step| (step.iteration, step.id)).collect();
    for step in &state.steps {
        let iteration = state.iterations.binary_search_by_key(&step.iteration, |iteration| iteration.number);
        let iteration = iteration.ok().and_then(|at| state.iterations.get(at));
        let last_ask = last_asks.get(&step.iteration) == Some(&step.id);
        row(&mut text, state, step, iteration, last_ask);
    }
    text
}

fn row(out: &mut String, state: &RunState, step: &StepRecord, iteration: Option<&Iteration>, last_ask: bool) {
    let (bytes, lines) = match &step.end {
        Some(StepOutcome::Finished(end)) => (end.stdout_bytes + end.stderr_bytes, end.lines),
        Some(StepOutcome::Interrupted { lines, .. }) => (0, *lines),
        None => (0, 0),
    };
    let kind = match &step.kind {
        StepKind::Gate(name) => format!("gate {name}"),
        other => other.word().to_owned(),
    };
    let used = step.usage().copied().unwrap_or_default();
    // What is not known is left empty.
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let fields = [
        step.started.0.to_string(),
        step.iteration.to_string(),
        step.id.to_string(),
        kind,
        iteration.map_or_else(String::new, |iteration| iteration.test.clone()),
        result(step, iteration, last_ask),
        step.duration_ms(state.updated).to_string(),
        bytes.to_string(),
        lines.to_string(),
        number(used.input),
        number(used.cached),
        number(used.output),
        number(used.micro_usd),
    ];
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push('\t');
        }
        escape(out, field);
    }
    out.push('\n');
}

/// How the step ended; for the critic step that an iteration ended with, its verdict.
fn result(step: &StepRecord, iteration: Option<&Iteration>, last_ask: bool) -> String {
    match &step.end {
        None => "running".to_owned(),
        Some(StepOutcome::Interrupted { why, .. }) => format!("interrupted: {}", word(*why)),
        Some(StepOutcome::Finished(end)) if end.ok() && last_ask => iteration
            .and_then(|iteration| iteration.verdict.as_ref())
            .map_or_else(|| end.word(), |verdict| verdict.decision.word().to_owned()),
        Some(StepOutcome::Finished(end)) => end.word(),
    }
}

const fn word(why: InterruptWhy) -> &'static str {
    match why {
        InterruptWhy::Pause => "pause",
        InterruptWhy::Stop => "stop",
        InterruptWhy::Guidance => "guidance",
        InterruptWhy::Test => "test skipped, waived or reset",
        InterruptWhy::Restart => "restart",
        InterruptWhy::Park => "park",
        InterruptWhy::Rewind => "rewind",
        InterruptWhy::RerunGates => "gates again",
        InterruptWhy::Crash => "crash",
    }
}

fn escape(out: &mut String, field: &str) {
    for c in field.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _written = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::journal::testing::{life, run};

    #[test]
    fn each_step_is_a_row_under_the_header() {
        let state = RunState::replay(run(1), &life(run(1)));
        let text = report(&state);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(rows[0], COLUMNS);
        assert_eq!(rows.len(), state.steps.len() + 1);
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
        let kinds: Vec<_> = rows[1..].iter().map(|row| (row[1], row[3], row[5])).collect();
        assert_eq!(
            kinds,
            [
                ("0", "worktree", "ok"),
                ("1", "actor", "ok"),
                ("1", "snapshot", "ok"),
                ("1", "gate unit\\ttests", "exit 101"),
                ("2", "actor", "interrupted: pause"),
                ("2", "actor", "ok"),
                ("2", "snapshot", "ok"),
                ("2", "gate unit\\ttests", "ok"),
                ("2", "critic", "done"),
            ]
        );
        assert_eq!(rows[2][4], "CP-1");
        assert_eq!((rows[2][7], rows[2][8]), ("130", "9"));
        let used: Vec<[&str; 4]> = rows[1..].iter().map(|row| [row[9], row[10], row[11], row[12]]).collect();
        let told = state.steps.iter().filter_map(|step| step.usage()).filter_map(|usage| usage.output).sum::<u64>();
        let summed = used.iter().filter_map(|[_, _, output, _]| output.parse::<u64>().ok()).sum::<u64>();
        assert!(told > 0 && summed == told, "{used:?}");
        assert_eq!(used[0], [""; 4], "a worktree uses nothing that is known");
        assert_eq!(rows[2][0].parse::<u64>().unwrap(), state.steps[1].started.0);
    }

    #[test]
    fn no_field_breaks_its_row() {
        let mut out = String::new();
        escape(&mut out, "a\tb\nc\r\\d\u{1b}[2J\u{9b}é");
        assert_eq!(out, "a\\tb\\nc\\r\\\\d\\u{1b}[2J\\u{9b}é");
    }
}
