//! `loopdash agents`: which agents there are, what was found of each, and what it can do. [`require`] refuses to start with
//! one that cannot work.

use super::text::line;
use crate::app::agents::Agents;
use crate::app::cli::args::AgentsArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Config, Loaded, repository_root};
use crate::app::context::Context;
use crate::loops::agent::probe::Found;
use crate::loops::agent::profile::{Abilities, Profile};
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::spec::LoopSpec;
use serde::Serialize;
use std::io::Write;

/// An agent, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct Row {
    /// What loops call it.
    pub(super) name: String,
    profile: String,
    /// Whether the configuration has a table for it.
    pub(super) configured: bool,
    #[serde(flatten)]
    pub(super) found: Found,
    can: Abilities,
}

/// Lists all agents that a loop can use here.
///
/// # Errors
/// Wrong configuration, or output that cannot be written.
pub fn agents(context: &Context, args: &AgentsArgs) -> Result<Exit, Failure> {
    let rows = rows(context, &context.config()?);
    let mut out = std::io::stdout().lock();
    if args.json {
        for row in &rows {
            let json = serde_json::to_string(row).map_err(|error| Failure::Failed(error.to_string()))?;
            writeln!(out, "{json}")?;
        }
        return Ok(Exit::Done);
    }
    writeln!(out, "{:<14} {:<10} {:<12} {:<44} FOUND", "NAME", "PROFILE", "VERSION", "CAN")?;
    for row in &rows {
        let version = row.found.version.as_deref().unwrap_or("-");
        let found = match (&row.found.problem, &row.found.note, &row.found.path) {
            (Some(problem), ..) => problem.clone(),
            (None, Some(note), _) => note.clone(),
            (None, None, Some(path)) => path.display().to_string(),
            (None, None, None) => String::new(),
        };
        let (name, profile) = (line(&row.name), line(&row.profile));
        writeln!(out, "{name:<14} {profile:<10} {version:<12} {:<44} {}", abilities(row.can), line(&found))?;
    }
    Ok(Exit::Done)
}

/// What is found of every agent that a loop can use here.
pub(super) fn rows(context: &Context, loaded: &Loaded) -> Vec<Row> {
    let config = &loaded.config;
    let repo = repository_root(&context.cwd).unwrap_or_else(|| context.cwd.clone());
    let specs = config.agent_names().into_iter().filter_map(|name| config.agent_spec(name, Role::Critic, &repo));
    let agents = Agents::new(config.clone(), repo.clone(), context.state_root().ok());
    let looked: Vec<(AgentSpec, Profile)> = specs.map(|spec| agents.with_profile(spec)).collect();
    let found = agents.look(&looked);
    let rows = looked.into_iter().zip(found).map(|((spec, profile), found)| Row {
        configured: config.agents.contains_key(&spec.name),
        can: profile.abilities(),
        profile: spec.profile,
        name: spec.name,
        found,
    });
    rows.collect()
}

/// Refuses loops with an agent that cannot work.
///
/// # Errors
/// One line for each such agent.
pub(in crate::app) fn require(context: &Context, config: &Config, specs: &[LoopSpec]) -> Result<(), Failure> {
    let repo = specs.first().map_or_else(|| context.cwd.clone(), |spec| spec.repo.clone().into());
    let agents = Agents::new(config.clone(), repo, context.state_root().ok());
    agents.require(specs.iter().flat_map(LoopSpec::agents)).map_err(Failure::Data)
}

fn abilities(can: Abilities) -> String {
    let words = [
        (can.stream, "stream"),
        (can.tokens, "tokens"),
        (can.dollars, "dollars"),
        (can.resume, "resume"),
        (can.read_only, "read-only"),
        (can.schema, "schema"),
    ];
    words.iter().filter(|(can, _)| *can).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}
