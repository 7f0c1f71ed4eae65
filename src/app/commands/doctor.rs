//! `loopdash doctor`: whether everything is there that loopdash needs, and what to do where it is not.

use super::text::line;
use crate::app::cli::exit::{Exit, Failure};
use crate::app::config::{Loaded, Problems, resolve};
use crate::app::context::Context;
use crate::loops::agent::resolve as find;
use crate::loops::core::gate::CommandLine;
use crate::loops::git::{GitError, Head, MINIMUM_GIT, RepoInfo, discover, version};
use crate::loops::journal::Store;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Ok,
    Warn,
    Fail,
}

impl Health {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line of the report, and what to do when it is not well.
struct Check {
    health: Health,
    what: &'static str,
    found: String,
    remedy: &'static str,
}

impl Check {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { health: Health::Ok, what, found: found.into(), remedy: "" }
    }

    fn warn(what: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { health: Health::Warn, what, found: found.into(), remedy }
    }

    fn fail(what: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { health: Health::Fail, what, found: found.into(), remedy }
    }
}

/// Checks everything and prints a line for each, with what to do. The status says whether something failed.
///
/// # Errors
/// The output cannot be written.
pub fn doctor(context: &Context) -> Result<Exit, Failure> {
    let mut checks = vec![git()];
    let found = discover(&context.cwd);
    repository(&found, &mut checks);
    let root = found.ok().map(|info| info.root);
    let problems = match context.config() {
        Ok(loaded) => {
            let problems = configuration(&loaded, root.as_deref(), &mut checks);
            agents(context, &loaded, root.as_deref(), &mut checks);
            problems
        }
        Err(Failure::Problems(problems)) => Some(problems),
        Err(other) => {
            checks.push(Check::fail("configuration", other.to_string(), ""));
            None
        }
    };
    if let Some(problems) = &problems {
        let found = match problems.0.len() {
            1 => "a problem, shown below".to_owned(),
            many => format!("{many} problems, shown below"),
        };
        checks.push(Check::fail("configuration", found, "correct the lines that are shown"));
    }
    checks.push(state(context));
    checks.push(terminal());
    let mut out = std::io::stdout().lock();
    for check in &checks {
        writeln!(out, "{:<4}  {:<16} {}", check.health.word(), check.what, line(&check.found))?;
        if check.health != Health::Ok && !check.remedy.is_empty() {
            writeln!(out, "      {:<16} -> {}", "", check.remedy)?;
        }
    }
    if let Some(problems) = problems {
        write!(out, "\n{}", problems.render(context.colour_on_stdout()))?;
    }
    let failed = checks.iter().any(|check| check.health == Health::Fail);
    Ok(if failed { Exit::BadData } else { Exit::Done })
}

fn git() -> Check {
    match version() {
        Ok(version) if version < MINIMUM_GIT => {
            Check::fail("git", GitError::TooOld { found: version.to_string() }.to_string(), "")
        }
        Ok(version) => Check::ok("git", version.to_string()),
        Err(error) => Check::fail("git", error.to_string(), ""),
    }
}

/// The repository, and what about it matters to a loop.
fn repository(found: &Result<RepoInfo, GitError>, checks: &mut Vec<Check>) {
    let info = match found {
        Ok(info) => info,
        Err(error @ GitError::NotARepository { .. }) => {
            let remedy = "make one with `git init` and a first commit; `loopdash demo` needs none";
            return checks.push(Check::warn("repository", error.to_string(), remedy));
        }
        Err(error) => return checks.push(Check::fail("repository", error.to_string(), "")),
    };
    let root = info.root.display();
    checks.push(match &info.head {
        Head::Branch { name, .. } => Check::ok("repository", format!("{root}, on {name}")),
        Head::Detached { commit } => Check::ok("repository", format!("{root}, detached at {commit:.10}")),
        Head::Unborn { .. } => Check::warn(
            "repository",
            format!("{root} has no commit"),
            "worktrees start from one: `git commit --allow-empty -m start`, or use isolation = \"none\"",
        ),
    });
    for (present, fact) in [
        (info.bare, "it is bare: loops work in worktrees, isolation = \"none\" cannot be used"),
        (info.submodules, "it has submodules: new worktrees do not hold them; a `setup` command can fetch them"),
        (info.filters, "it has content filters, such as LFS: they are not run, so filtered files stay as stored"),
        (info.sparse, "it is checked out in part: new worktrees hold the same part"),
        (info.partial, "it is a partial clone: what was never fetched is missing in new worktrees"),
    ] {
        if present {
            checks.push(Check::warn("repository", fact, ""));
        }
    }
}

fn configuration(loaded: &Loaded, root: Option<&Path>, checks: &mut Vec<Check>) -> Option<Problems> {
    for (_, path) in &loaded.files {
        checks.push(Check::ok("configuration", format!("read {}", path.display())));
    }
    for (name, preset) in &loaded.presets {
        let loops = loaded.config.loops.iter().filter(|definition| definition.preset.as_ref() == Some(name));
        let loops: Vec<&str> = loops.map(|definition| definition.name.as_str()).collect();
        checks.push(Check::ok("preset", format!("{name}, {}: of {}", preset.from, loops.join(", "))));
    }
    if loaded.project_file().is_none() {
        checks.push(Check::warn("configuration", "there is no loopdash.toml here", "write one with `loopdash init`"));
    }
    let resolved = root.map(|root| resolve(loaded, root));
    match resolved {
        Some(Err(problems)) => return Some(problems),
        Some(Ok(specs)) if !specs.is_empty() => {
            let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            checks.push(Check::ok("loops", names.join(", ")));
        }
        _ => {}
    }
    None
}

/// The programs of agents, and of gates that are not shell lines.
fn agents(context: &Context, loaded: &Loaded, root: Option<&Path>, checks: &mut Vec<Check>) {
    let path = std::env::var_os("PATH");
    let base = root.unwrap_or(&context.cwd);
    let used = |name: &str| {
        let mut roles = loaded.config.loops.iter().flat_map(|def| [&def.actor, &def.critic, &def.stronger]);
        roles.any(|role| role.as_deref() == Some(name))
    };
    let mut any = false;
    for row in super::agents::rows(context, loaded) {
        let needed = row.configured || used(&row.name);
        let version = row.found.version.map(|version| format!(" {version}")).unwrap_or_default();
        match (row.found.problem, row.found.path) {
            (Some(problem), _) if needed => {
                let remedy = "or correct `command` of the agent";
                checks.push(Check::fail("agent", format!("{}: {problem}", row.name), remedy));
            }
            (None, Some(file)) => {
                checks.push(Check::ok("agent", format!("{}{version}: {}", row.name, file.display())));
            }
            _ => continue,
        }
        any = true;
    }
    if !any {
        let remedy = "add [agents.NAME] to the configuration, or use `loopdash run --actor`";
        checks.push(Check::warn("agent", "none is configured, and none that is known is here", remedy));
    }
    for gate in loaded.config.loops.iter().flat_map(|definition| &definition.gates) {
        // A path is looked up in the worktree, which does not exist yet.
        if let CommandLine::Argv(argv) = &gate.command
            && let Some(program) = argv.first().filter(|program| !program.contains('/'))
            && let Err(error) = find(program.as_ref(), path.as_deref(), base)
        {
            let found = format!("{}: {error}", gate.name);
            checks.push(Check::fail("gate", found, "or correct `command` of the gate"));
        }
    }
}

fn state(context: &Context) -> Check {
    let opened =
        context.state_root().and_then(|root| Store::open(&root).map_err(|error| Failure::Data(error.to_string())));
    match opened {
        Ok(store) => Check::ok("state directory", store.root().display().to_string()),
        Err(error) => {
            Check::fail("state directory", error.to_string(), "make it writable, or name another with --state-dir")
        }
    }
}

fn terminal() -> Check {
    let name = std::env::var("TERM").unwrap_or_default();
    let (input, output) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    if !input || !output {
        return Check::warn("terminal", "not on a terminal now", "the dashboard needs one; use --headless without");
    }
    let size =
        crossterm::terminal::size().map_or("unknown size".to_owned(), |(width, height)| format!("{width}x{height}"));
    let colours = match (std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty()), std::env::var("COLORTERM")) {
        (true, _) => "no colours (NO_COLOR)",
        (_, Ok(kind)) if kind == "truecolor" || kind == "24bit" => "all colours",
        _ if name.contains("256color") => "256 colours",
        _ => "16 colours",
    };
    if name.is_empty() || name == "dumb" {
        return Check::warn("terminal", format!("TERM={name}, {size}"), "set TERM to what your terminal is");
    }
    Check::ok("terminal", format!("{name}, {size}, {colours}"))
}
