//! `loopdash diff RUN`: what a run, or one iteration of it, changed, as kept in its snapshots.

use super::show::find;
use super::text::line;
use crate::app::cli::args::DiffArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::loops::agent::sanitize::plain_line;
use crate::loops::core::state::{Iteration, RunState};
use crate::loops::git::diff::{between, to_text};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Prints a unified diff between two snapshots, cleaned for a terminal.
///
/// # Errors
/// No run, or more than one, is called so; it has no such snapshot, or its repository cannot be read.
pub fn diff(context: &Context, args: &DiffArgs) -> Result<Exit, Failure> {
    let run = find(&context.store()?, &args.run)?;
    let sides = sides(&run.state, args)?;
    let diff = between(Path::new(&sides.common_dir), &sides.from, &sides.to)
        .map_err(|error| Failure::Data(error.to_string()))?;
    let text = to_text(&diff, usize::MAX);
    let colour = context.colour_on_stdout();
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}, {}: git diff {} {}", line(&run.state.label), sides.what, line(&sides.from), line(&sides.to))?;
    for row in text.lines() {
        let row_text = plain_line(row.as_bytes());
        match style(row).filter(|_| colour) {
            Some(style) => writeln!(out, "\u{1b}[{style}m{row_text}\u{1b}[m")?,
            None => writeln!(out, "{row_text}")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What is compared.
#[derive(Debug, PartialEq, Eq)]
struct Sides {
    what: String,
    common_dir: String,
    from: String,
    to: String,
}

fn sides(state: &RunState, args: &DiffArgs) -> Result<Sides, Failure> {
    let label = &state.label;
    let Some(workspace) = &state.workspace else {
        return Err(Failure::Data(format!("{label} has not started to work; there is nothing to compare")));
    };
    let kept: Vec<&Iteration> = state.iterations.iter().filter(|one| one.snapshot.is_some() && !one.aside).collect();
    let commit = |iteration: &Iteration| iteration.snapshot.as_ref().map(|snapshot| snapshot.commit.clone());
    let position = match args.iteration {
        Some(number) => kept.iter().position(|iteration| iteration.number == number).ok_or_else(|| {
            let known: Vec<String> = kept.iter().map(|iteration| iteration.number.to_string()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::Data(format!("iteration {number} of {label} has no snapshot; these have one: {known}"))
        })?,
        None => kept.len().checked_sub(1).ok_or_else(|| {
            Failure::Data(format!("{label} has no snapshot yet; the first follows its first actor step"))
        })?,
    };
    let single = args.last || args.iteration.is_some();
    let before = position.checked_sub(1).filter(|_| single).and_then(|before| commit(kept[before]));
    let what = if single { format!("iteration {}", kept[position].number) } else { "since its base".to_owned() };
    Ok(Sides {
        what,
        common_dir: workspace.common_dir.clone(),
        from: before.unwrap_or_else(|| workspace.base.clone()),
        to: commit(kept[position]).unwrap_or_default(),
    })
}

/// The colour of a line of a unified diff, as terminals number them.
fn style(row: &str) -> Option<&'static str> {
    match row.as_bytes().first() {
        _ if row.starts_with("+++") || row.starts_with("---") || row.starts_with("diff ") => Some("1"),
        Some(b'+') => Some("32"),
        Some(b'-') => Some("31"),
        Some(b'@') => Some("36"),
        _ => None,
    }
}
