//! `loopdash prompt`: the first prompt that would be sent, put together the way the engine does it, with nothing run.

use super::run::spec;
use crate::app::cli::args::LoopArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::context::Context;
use crate::loops::agent::sanitize;
use crate::loops::core::event::{Admitted, Event, Record, Submitted, WorkspaceReady};
use crate::loops::core::ids::{Millis, RunId};
use crate::loops::core::plan::{Next, decision};
use crate::loops::core::prompt::Prompt;
use crate::loops::core::spec::{Isolation, LoopSpec, Trigger};
use crate::loops::core::state::RunState;
use crate::loops::core::step::StepKind;
use crate::loops::engine::order::Order;
use crate::loops::engine::workshop::actor_prompt;
use crate::loops::git::discover;
use crate::loops::journal::Store;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Decisions that may come before the first actor step: an attempt and an iteration are one.
const DECISIONS: usize = 4;

/// Prints the prompt on standard output, and what it is made of on standard error.
///
/// # Errors
/// Wrong configuration or flags, a repository that cannot be worked in, or nothing left to do.
pub fn prompt(context: &Context, args: &LoopArgs) -> Result<Exit, Failure> {
    let loaded = context.config()?;
    let spec = spec(context, &loaded, args)?;
    let agent = spec.actor.clone();
    let order = first_order(spec, &context.store()?)?;
    let prompt = actor_prompt(&order).map_err(Failure::Failed)?;
    let mut out = std::io::stdout().lock();
    if std::io::stdout().is_terminal() {
        out.write_all(sanitize::plain_str(&prompt.text).as_bytes())?;
    } else {
        out.write_all(prompt.text.as_bytes())?;
    }
    out.flush()?;
    context.note(&parts(&prompt, &agent.name));
    Ok(Exit::Done)
}

/// The order that the engine would give for the first actor step. Decided by the same pure core, on a run that exists only
/// here.
fn first_order(mut spec: LoopSpec, store: &Store) -> Result<Order, Failure> {
    let repo = discover(Path::new(&spec.repo)).map_err(|error| Failure::Data(error.to_string()))?;
    let base = spec.base.clone().or_else(|| repo.head.commit().map(str::to_owned));
    let in_place = spec.isolation == Isolation::None;
    let path = repo.root.to_string_lossy().into_owned();
    // Setup, and the gates on the base, run before the first prompt and have no part in it.
    spec.setup = None;
    spec.gates.iter_mut().for_each(|gate| gate.baseline = false);
    let run = RunId::new(uuid::Uuid::nil());
    let mut state = RunState::new(run);
    let apply = |state: &mut RunState, event: Event| {
        state.apply(&Record { seq: state.seq + 1, at: Millis::default(), run, event });
    };
    let submitted = Submitted {
        label: spec.name.clone(),
        spec: Box::new(spec),
        trigger: Trigger::Cli,
        base: base.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        order: 0,
    };
    let ready = WorkspaceReady {
        path,
        branch: None,
        base: base.unwrap_or_default(),
        git_dir: String::new(),
        common_dir: String::new(),
        in_place,
        fresh: false,
        included: Vec::new(),
    };
    apply(&mut state, submitted.into());
    apply(&mut state, Admitted { slot: 0 }.into());
    apply(&mut state, ready.into());
    for _ in 0..DECISIONS {
        match decision(&state) {
            Next::Commit(events) => events.into_iter().for_each(|event| apply(&mut state, event)),
            Next::Start(work) if work.kind == StepKind::Actor => {
                let order = Order::new(&state, &work, store.run_dir(run), Millis::default());
                return order.ok_or_else(|| Failure::Failed("the loop has no definition".to_owned()));
            }
            _ => break,
        }
    }
    let why = state.outcome.map_or_else(|| "no test can start".to_owned(), |(_, reason)| reason);
    Err(Failure::Data(format!("nothing would be sent: {why}")))
}

fn parts(prompt: &Prompt, agent: &str) -> String {
    let mut text = format!("{} bytes for {agent}:", prompt.text.len());
    for part in prompt.parts.iter().filter(|part| part.bytes > 0 || part.cut_bytes > 0) {
        text.push_str(&format!("\n{:>9}  {}", part.bytes, part.name));
        if part.cut_bytes > 0 {
            text.push_str(&format!(" ({} lines, {} bytes cut)", part.cut_lines, part.cut_bytes));
        }
    }
    text
}
