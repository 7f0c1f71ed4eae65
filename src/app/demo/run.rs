//! `loopdash demo`: on the dashboard, where the operator steers it, or as lines, where each end is checked against what
//! its loop is there to show.

use super::loops::{CAP, DemoLoop};
use super::stage::Stage;
use crate::app::boot::Boot;
use crate::app::cli::args::{DemoArgs, LineArgs};
use crate::app::cli::exit::{Exit, Failure};
use crate::app::commands::dashboard::{self, Opening};
use crate::app::commands::run::{on_screen, style};
use crate::app::config::{LoadOptions, Loaded, OnStart, load};
use crate::app::context::Context;
use crate::app::headless::{self, Followed, Patience, Style, Work};
use crate::loops::agent::sanitize;
use crate::loops::core::budget::Budget;
use crate::loops::core::schedule::Caps;
use crate::loops::core::spec::{LoopSpec, Trigger};
use crate::loops::core::state::RunState;
use crate::loops::engine::Startup;
use crate::loops::engine::workshop::Ports;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

/// Gates of the demo that run at once; they are short.
const GATE_CAP: u32 = 2;
/// Ten times what the demo takes: past it something is stuck, and saying so is better than waiting.
const DEADLINE: Duration = Duration::from_secs(240);

/// Plays the demo, on the dashboard if there is a terminal and nobody asked for lines.
///
/// # Errors
/// It cannot be set up, or not be cleaned up.
pub fn demo(context: &Context, args: &DemoArgs) -> Result<Exit, Failure> {
    let lines = LineArgs { headless: args.headless, ..LineArgs::default() };
    if on_screen(lines) { screen(context, args) } else { headless(context, args) }
}

/// Opens the dashboard on the demo and cleans up when the operator leaves.
fn screen(context: &Context, args: &DemoArgs) -> Result<Exit, Failure> {
    let stage = set(args)?;
    // A new loop that is started on the screen belongs into the demo's repository, not into the operator's.
    let context = Context { cwd: stage.repo().to_owned(), ..context.clone() };
    let loaded = configuration(&context)?;
    let opening = Opening {
        start: specs(&stage),
        trigger: Trigger::Demo,
        place: Some("demo".to_owned()),
        on_start: Some(OnStart::Leave),
        resume: Vec::new(),
    };
    let exit = dashboard::open_on(&context, &loaded, boot(&stage), opening);
    strike(&context, stage, args.keep)?;
    exit
}

/// The user's own configuration, for colours; the defaults, if it is wrong, because the demo is no place to be told so.
fn configuration(context: &Context) -> Result<Loaded, Failure> {
    let options = context.load_options();
    let bare = LoadOptions { env: BTreeMap::new(), config_file: None, set: Vec::new(), cwd: options.cwd.clone() };
    Ok(load(&options).or_else(|_| load(&bare))?)
}

/// Plays the demo and prints lines.
fn headless(context: &Context, args: &DemoArgs) -> Result<Exit, Failure> {
    let stage = set(args)?;
    let work = Work::Submit { specs: specs(&stage), trigger: Trigger::Demo };
    let deadline = DEADLINE.div_f64(args.speed.min(1.0));
    let style = style(context, LineArgs::default());
    let followed = headless::session(boot(&stage), work, style, Patience { deadline: Some(deadline), max_wait: 0 })
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let exit = results(&mut std::io::stdout().lock(), &stage.loops, &followed, style)?;
    strike(context, stage, args.keep)?;
    Ok(exit)
}

fn set(args: &DemoArgs) -> Result<Stage, Failure> {
    Stage::set(args.speed, args.keep).map_err(|error| Failure::Failed(format!("cannot set up the demo: {error}")))
}

/// The engine that the demo runs on: its own state, nothing of the box.
fn boot(stage: &Stage) -> Boot {
    Boot {
        store: stage.store.clone(),
        caps: Caps { engine: CAP, repository: None, agents: BTreeMap::new() },
        gate_cap: GATE_CAP,
        budget: Budget::default(),
        ports: Ports::default(),
        startup: Startup::Ignore,
        notify: None,
    }
}

fn specs(stage: &Stage) -> Vec<LoopSpec> {
    stage.loops.iter().map(|each| each.spec.clone()).collect()
}

/// Removes what the demo made, or says where it is kept.
fn strike(context: &Context, stage: Stage, keep: bool) -> Result<(), Failure> {
    let root = stage.root().to_owned();
    if keep {
        context.note(&format!(
            "kept in {}: the repository tally, and the journals (`loopdash --state-dir {} list`)",
            root.display(),
            stage.store.root().display()
        ));
    }
    stage.strike().map_err(|error| Failure::Failed(format!("cannot remove {}: {error}", root.display())))
}

/// Prints how each loop ended, and whether all did as they should.
fn results(out: &mut impl Write, loops: &[DemoLoop], followed: &Followed, style: Style) -> Result<Exit, Failure> {
    let (good, bad, plain) = if style.colour { ("\x1b[32m", "\x1b[31m", "\x1b[0m") } else { ("", "", "") };
    let mut wrong = 0;
    writeln!(out)?;
    for each in loops {
        let name = &each.spec.name;
        match ended(each, &followed.runs) {
            Ok(()) => writeln!(out, "{good}✓{plain} {name:<14} {}", each.expected.shows())?,
            Err(why) => {
                wrong += 1;
                writeln!(out, "{bad}✗{plain} {name:<14} {}: {}", each.expected.shows(), sanitize::plain_str(&why))?;
            }
        }
    }
    if followed.late {
        writeln!(out, "the demo took too long and was stopped")?;
    }
    match (followed.interrupted, wrong) {
        (true, _) => Ok(Exit::Interrupted),
        (false, 0) => {
            writeln!(out, "all {} loops ended as they should", loops.len())?;
            Ok(Exit::Done)
        }
        (false, _) => {
            writeln!(out, "{wrong} of {} loops did not end as they should", loops.len())?;
            Ok(Exit::Failed)
        }
    }
}

fn ended(each: &DemoLoop, runs: &[RunState]) -> Result<(), String> {
    let run = runs.iter().find(|run| run.spec.as_ref().is_some_and(|spec| spec.name == each.spec.name));
    let run = run.ok_or_else(|| "it was never submitted".to_owned())?;
    each.expected.check(run)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::demo::loops::seven;
    use crate::loops::core::ids::RunId;
    use std::path::Path;

    #[test]
    fn a_loop_that_ends_otherwise_fails_the_demo_and_says_why() {
        let loops = seven(Path::new("x"), Path::new("y"), 1.0);
        let mut run = RunState::new(RunId::new(uuid::Uuid::nil()));
        run.spec = loops.first().map(|each| std::sync::Arc::new(each.spec.clone()));
        let followed =
            |interrupted| Followed { runs: vec![run.clone()], interrupted, late: true, lost: false, gone: None };
        let mut out = Vec::new();
        assert_eq!(results(&mut out, &loops, &followed(false), Style::default()).unwrap(), Exit::Failed);
        let text = String::from_utf8(out).unwrap();
        for part in [
            "✗ count-words    a review with findings, then done: it is queued",
            "✗ manual         a critic that never gives a verdict: it was never submitted",
            "the demo took too long",
            "7 of 7 loops did not end as they should",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let exit = results(&mut Vec::new(), &loops, &followed(true), Style::default()).unwrap();
        assert_eq!(exit, Exit::Interrupted);
    }
}
