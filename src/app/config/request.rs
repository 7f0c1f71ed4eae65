//! One loop from the flags of `loopdash run`, over what is configured: [`for_run`].

use super::diagnostics::{Place, Problem, Problems, Source};
use super::file::{Gate, Loop, NO_CRITIC, Words, default_gate_timeout};
use super::layers::{Loaded, read_text};
use super::origin::{Layer, Origin, child, element};
use super::resolve::{LARGEST_OBJECTIVE, Resolver};
use super::validate::validate_loop;
use crate::loops::agent::{SpawnError, resolve as find};
use crate::loops::core::gate::{CommandLine, VERIFY_GATE};
use crate::loops::core::spec::{Isolation, LoopSpec};
use crate::loops::mask::Mask;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file that `loopdash run` reads when it is told nothing else.
pub const PROMPT_FILE: &str = "prompt.md";

/// What the flags of `loopdash run` ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// A file that holds the objective; `-` is standard input.
    pub prompt_file: Option<PathBuf>,
    /// The objective itself.
    pub prompt: Option<String>,
    /// A configured loop to start from.
    pub name: Option<String>,
    /// A preset, instead of the configured loop's own.
    pub preset: Option<String>,
    /// A configured agent, or a command line.
    pub actor: Option<String>,
    /// A configured agent, a command line, or `none`.
    pub critic: Option<String>,
    /// Gates beside the configured ones, run by `sh -c`.
    pub gates: Vec<String>,
    /// A `test-state.json`.
    pub tests: Option<PathBuf>,
    /// 0 to 9.
    pub priority: Option<u8>,
    /// Iterations after which the run is exhausted.
    pub max_iterations: Option<u32>,
    /// Whether to work in the checkout itself.
    pub in_place: bool,
}

/// Where a request is made.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The repository's root.
    pub repo: &'a Path,
    /// What relative paths of flags are relative to.
    pub cwd: &'a Path,
    /// `$PATH`, for agents given as a command line.
    pub path: &'a str,
}

/// The loop that the flags describe, ready to run.
///
/// # Errors
/// No or two objectives, unknown loops and agents, and what [`super::resolve::resolve`] refuses.
pub fn for_run(loaded: &Loaded, standing: Standing<'_>, request: &RunRequest) -> Result<LoopSpec, Problems> {
    let mut loaded = loaded.clone();
    let (mut definition, path) = start(&mut loaded, request)?;
    if let Some(text) = objective(&standing, request)? {
        if request.name.is_none() {
            definition.name = name_from(&Mask::of_process().text(&text));
        }
        definition.objective = Some(text);
        definition.objective_file = None;
    }
    if let Some(file) = &request.tests {
        definition.tests = Some(inside(&standing, file)?);
    }
    definition.actor = match (&request.actor, definition.actor.take()) {
        (Some(actor), _) => Some(agent(&mut loaded, &standing, "actor", actor)?),
        (None, Some(actor)) => Some(actor),
        (None, None) => Some(only_agent(&loaded)?),
    };
    match request.critic.as_deref() {
        Some(NO_CRITIC) => definition.critic = Some(NO_CRITIC.to_owned()),
        Some(critic) => definition.critic = Some(agent(&mut loaded, &standing, "critic", critic)?),
        None => {}
    }
    for command in &request.gates {
        definition.gates.push(gate(&definition, command)?);
    }
    definition.priority = request.priority.unwrap_or(definition.priority);
    definition.max_iterations = request.max_iterations.unwrap_or(definition.max_iterations);
    if request.in_place {
        definition.isolation = Isolation::None;
    }
    if request.preset.is_some() {
        // What is configured was looked at with its own preset, and this one not yet.
        validate_loop(&loaded.config, &loaded.origins, &path, &definition)?;
    }
    let mut resolver = Resolver::new(&loaded, standing.repo);
    let spec = resolver.definition(&definition, &path);
    match (resolver.problems.or(()), spec) {
        (Ok(()), Some(spec)) => Ok(spec),
        (Err(problems), _) => Err(problems),
        (Ok(()), None) => Err(Problem::new("the loop's agent is not configured").into()),
    }
}

/// The configured loop to start from, or an empty one, and its path in the configuration.
fn start(loaded: &mut Loaded, request: &RunRequest) -> Result<(Loop, String), Problems> {
    const NEW: &str = "run";
    let loops = &loaded.config.loops;
    let index = match &request.name {
        None => None,
        Some(name) => Some(loops.iter().position(|definition| definition.name == *name).ok_or_else(|| {
            let known = loops.iter().map(|definition| definition.name.as_str());
            Problem::new(format!("no loop is called `{name}`")).nearest(name, known, "loops")
        })?),
    };
    let path = index.map_or_else(|| NEW.to_owned(), |index| element("loop", index));
    let definition = match (&request.preset, index) {
        (Some(preset), _) => {
            let new = || toml::Table::from_iter([("name".to_owned(), NEW.into())]);
            let written = index.and_then(|index| loaded.written.get(index).cloned()).unwrap_or_else(new);
            loaded.through(preset, &path, written)?
        }
        (None, Some(index)) => loops[index].clone(),
        (None, None) => Loop::named(NEW),
    };
    Ok((definition, path))
}

impl Loaded {
    /// The loop that was written at `path`, through the preset that `--preset` names.
    fn through(&mut self, preset: &str, path: &str, mut written: toml::Table) -> Result<Loop, Problems> {
        let source = Arc::new(Source { name: "--preset".to_owned(), text: preset.to_owned() });
        let place = Place { source, span: 0..preset.len() };
        let found = self.shelf.find(preset, Some(place.clone()))?;
        self.origins.forget(path, Layer::Preset);
        written.insert("preset".to_owned(), preset.into());
        found.below(path, &mut written, &mut self.origins);
        let origin = Origin { layer: Layer::Flag, key: place.clone(), value: place };
        self.origins.set(&child(path, "preset"), origin);
        let definition = written.try_into::<Loop>();
        definition.map_err(|error| Problem::new(format!("the preset does not fit: {}", error.message())).into())
    }
}

/// The objective that the flags give; `None` leaves it to the configured loop.
fn objective(standing: &Standing<'_>, request: &RunRequest) -> Result<Option<String>, Problems> {
    let (text, from) = match (&request.prompt, &request.prompt_file) {
        (Some(_), Some(_)) => {
            let problem = Problem::new("both a prompt file and `-p` are given");
            return Err(problem.help("keep one of the two").into());
        }
        (Some(text), None) => (text.clone(), "the prompt".to_owned()),
        (None, Some(file)) if file == Path::new("-") => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(LARGEST_OBJECTIVE + 1).read_to_string(&mut text);
            match read {
                Ok(bytes) if bytes as u64 <= LARGEST_OBJECTIVE => (text, "standard input".to_owned()),
                Ok(_) => return Err(Problem::new("the prompt on standard input is larger than 1 MiB").into()),
                Err(error) => return Err(Problem::new(format!("cannot read standard input: {error}")).into()),
            }
        }
        (None, Some(file)) => (read(&standing.cwd.join(file), file)?, file.display().to_string()),
        (None, None) if request.name.is_some() => return Ok(None),
        (None, None) => {
            let places = [standing.cwd.join(PROMPT_FILE), standing.repo.join(PROMPT_FILE)];
            let Some(file) = places.into_iter().find(|file| file.exists()) else {
                let help = format!("write {PROMPT_FILE}, name a file, or use `-p TEXT` or `--loop NAME`");
                return Err(Problem::new("there is nothing to work on").help(help).into());
            };
            (read(&file, Path::new(PROMPT_FILE))?, PROMPT_FILE.to_owned())
        }
    };
    if text.trim().is_empty() {
        return Err(Problem::new(format!("{from} is empty")).help("say what is to be reached").into());
    }
    Ok(Some(text))
}

fn read(file: &Path, shown: &Path) -> Result<String, Problem> {
    read_text(file, LARGEST_OBJECTIVE)
        .map_err(|error| Problem::new(format!("cannot read {}: {error}", shown.display())))
}

/// A file given relative to where the user stands, relative to the repository's root.
fn inside(standing: &Standing<'_>, file: &Path) -> Result<String, Problem> {
    let shown = file.display();
    let found = standing.cwd.join(file).canonicalize();
    let found = found.map_err(|error| Problem::new(format!("cannot read {shown}: {error}")))?;
    let root = standing.repo.canonicalize().unwrap_or_else(|_| standing.repo.to_path_buf());
    let inner = found.strip_prefix(&root).ok().and_then(Path::to_str);
    inner.map(str::to_owned).ok_or_else(|| {
        Problem::new(format!("{shown} is not inside the repository"))
            .help(format!("it must lie below {}", root.display()))
    })
}

/// The agent that acts when none is named.
fn only_agent(loaded: &Loaded) -> Result<String, Problem> {
    let mut names = loaded.config.agents.keys();
    let problem = Problem::new("no actor is named");
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => {
            Err(problem
                .help("give one with `--actor claude` or `--actor \"program arguments\"`, or write `[agents.NAME]` in loopdash.toml"))
        }
        _ => {
            let known = loaded.config.agents.keys().map(String::as_str);
            Err(problem.nearest("", known, "choose one with --actor; agents"))
        }
    }
}

/// The name of a configured agent, or of one made from a command line whose program exists.
fn agent(loaded: &mut Loaded, standing: &Standing<'_>, flag: &str, given: &str) -> Result<String, Problem> {
    if loaded.config.agent(given).is_some() {
        return Ok(given.to_owned());
    }
    let refused = |loaded: &Loaded, why: &str| {
        let known = loaded.config.agent_names();
        Problem::new(format!("`--{flag} {given}`: {why}")).nearest(given, known, "agents")
    };
    let Some(mut command) = shlex::split(given) else {
        return Err(refused(loaded, "a quote is not closed"));
    };
    let program = command.first().cloned().unwrap_or_default();
    let file = find(program.as_ref(), Some(standing.path.as_ref()), standing.cwd).map_err(|error| match error {
        // A program of a similar name is no better guess than an agent of one.
        SpawnError::NotFound { .. } => refused(loaded, "neither a configured agent nor a program on PATH"),
        error => refused(loaded, &error.to_string()),
    })?;
    if program.contains('/') {
        command[0] = file.display().to_string();
    }
    let stem = file.file_name().map_or_else(|| program.clone(), |name| name.to_string_lossy().into_owned());
    let command = Some(Words::List(command));
    // The same command for both roles is one agent; another one of the same program is told apart by its role.
    let taken = loaded.config.agents.get(&stem).is_some_and(|other| other.command != command);
    let name = if taken || stem == NO_CRITIC { format!("{stem} ({flag})") } else { stem };
    loaded.config.agents.entry(name.clone()).or_default().command = command;
    Ok(name)
}

/// A gate from a flag, named after its program.
fn gate(definition: &Loop, command: &str) -> Result<Gate, Problem> {
    if command.trim().is_empty() {
        return Err(Problem::new("`--gate` is empty").help("give a command, such as `--gate 'cargo test'`"));
    }
    let first = command.split_whitespace().next().unwrap_or_default();
    let stem: String = first
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_.".contains(*c))
        .take(32)
        .collect();
    let stem = if stem.is_empty() { "gate".to_owned() } else { stem };
    let taken = |name: &str| name == VERIFY_GATE || definition.gates.iter().any(|gate| gate.name == name);
    let mut name = stem.clone();
    let mut number = 2;
    while taken(&name) {
        name = format!("{stem}-{number}");
        number += 1;
    }
    Ok(Gate {
        name,
        kind: None,
        command: CommandLine::Shell(command.to_owned()),
        timeout: default_gate_timeout(),
        required: true,
        junit: None,
        coverage_floor: None,
        coverage_report: None,
        rerun: true,
        // What is named beside an objective is what has to be reached.
        baseline: Some(false),
        lock: None,
    })
}

/// A short name from the first words of an objective.
fn name_from(objective: &str) -> String {
    const LONGEST: usize = 28;
    let line = objective.lines().find(|line| line.chars().any(char::is_alphanumeric)).unwrap_or_default();
    let mut name = String::new();
    for word in line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let length = name.chars().count() + word.chars().count() + 1;
        if length > LONGEST && !name.is_empty() {
            break;
        }
        if !name.is_empty() {
            name.push('-');
        }
        name.extend(word.to_lowercase().chars().take(LONGEST));
    }
    if name.is_empty() { "run".to_owned() } else { name }
}
