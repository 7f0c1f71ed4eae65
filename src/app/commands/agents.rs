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
use std::collections::BTreeMap;
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
    let agents = Agents::new(config.clone(), repo.clone(), context.state_root().ok());
    let in_role = |role| {
        let specs = config.agent_names().into_iter().filter_map(|name| config.agent_spec(name, role, &repo));
        specs.map(|spec| agents.with_profile(spec)).collect()
    };
    // Each may be given either role, and is told other words in it.
    let [actors, critics]: [Vec<(AgentSpec, Profile)>; 2] = [in_role(Role::Actor), in_role(Role::Critic)];
    let mut found = agents.look(&[actors.clone(), critics].concat());
    let as_critics = found.split_off(actors.len());
    let rows = actors.into_iter().zip(found.into_iter().zip(as_critics)).map(|((spec, profile), found)| Row {
        configured: config.agents.contains_key(&spec.name),
        can: profile.abilities(),
        profile: spec.profile,
        name: spec.name,
        found: either(found),
    });
    rows.collect()
}

/// What is found of an agent in both its roles.
fn either((actor, critic): (Found, Found)) -> Found {
    if actor.problem == critic.problem {
        return actor;
    }
    let told = |role: Role, problem: String| format!("as {}: {problem}", role.word());
    let problem = match (&actor.problem, critic.problem) {
        (Some(problem), _) => Some(told(Role::Actor, problem.clone())),
        (None, problem) => problem.map(|problem| told(Role::Critic, problem)),
    };
    Found { problem, ..actor }
}

/// Refuses loops with an agent that cannot work.
///
/// # Errors
/// One line for each such agent.
pub(in crate::app) fn require(context: &Context, config: &Config, specs: &[LoopSpec]) -> Result<(), Failure> {
    let mut by_repo: BTreeMap<&str, Vec<&LoopSpec>> = BTreeMap::new();
    for spec in specs {
        by_repo.entry(&spec.repo).or_default().push(spec);
    }
    let mut refused: Vec<String> = Vec::new();
    for (repo, specs) in by_repo {
        let agents = Agents::new(config.clone(), repo.into(), context.state_root().ok());
        let lines = agents.require(specs.into_iter().flat_map(LoopSpec::agents)).err();
        refused.extend(lines.filter(|lines| !refused.contains(lines)));
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Data(refused.join("\n"))) }
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
