//! `loopdash agents`: which agents there are, what was found of each, and what it can do. [`require`] refuses to start with
//! one that cannot work.

use super::text::line;
use crate::app::cli::args::AgentsArgs;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Config, Loaded, repository_root};
use crate::app::context::Context;
use crate::loops::agent::probe::{Found, probe};
use crate::loops::agent::profile::{Abilities, Profile};
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::spec::LoopSpec;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

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
    let agents: Vec<(AgentSpec, Profile)> = specs.map(|spec| with_profile(config, spec)).collect();
    let found = look(context, &agents, &repo);
    let rows = agents.into_iter().zip(found).map(|((spec, profile), found)| Row {
        configured: config.agents.contains_key(&spec.name),
        can: profile.abilities(),
        profile: spec.profile,
        name: spec.name,
        found,
    });
    rows.collect()
}

/// Refuses loops with an agent that is missing, cannot be run, is too old, or does not know what it would be told.
///
/// # Errors
/// One line for each such agent.
pub(in crate::app) fn require(context: &Context, config: &Config, specs: &[LoopSpec]) -> Result<(), Failure> {
    let mut agents: Vec<(AgentSpec, Profile)> = Vec::new();
    for spec in specs.iter().flat_map(|spec| [Some(&spec.actor), spec.critic.as_ref()]).flatten() {
        if !agents.iter().any(|(known, _)| known == spec) {
            agents.push(with_profile(config, spec.clone()));
        }
    }
    let found = look(context, &agents, Path::new(specs.first().map_or(".", |spec| spec.repo.as_str())));
    let refused = agents.iter().zip(found).filter_map(|((spec, _), found)| {
        found.problem.map(|problem| format!("the agent `{}` cannot work: {problem}", spec.name))
    });
    let mut refused: Vec<String> = refused.collect();
    refused.dedup();
    if refused.is_empty() { Ok(()) } else { Err(Failure::Data(refused.join("\n"))) }
}

fn with_profile(config: &Config, spec: AgentSpec) -> (AgentSpec, Profile) {
    let profile = config.profiles.get(&spec.profile).cloned();
    let own = config.agent(&spec.name).zip(profile.as_ref()).and_then(|(agent, profile)| agent.over(profile));
    let profile = own.or(profile).unwrap_or_else(|| Profile { version: Vec::new(), ..Profile::default() });
    (spec, profile)
}

fn look(context: &Context, agents: &[(AgentSpec, Profile)], base: &Path) -> Vec<Found> {
    let kept = context.state_root().ok().filter(|root| root.is_dir());
    probe(agents, std::env::var_os("PATH").as_deref(), base, kept.as_deref())
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
