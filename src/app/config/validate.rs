//! What the types cannot say: names that must exist or be unique, paths that must stay inside, commands that must run
//! something.
//!
//! [`validate`] looks at the merged configuration only, never at the disk.

use super::diagnostics::{Problem, Problems, visible};
use super::file::{Agent, Config, Gate, Loop, NO_CRITIC};
use super::origin::{Origins, child, element};
use crate::loops::core::gate::{CommandLine, VERIFY_GATE};
use crate::loops::core::worktree_path;
use std::collections::BTreeSet;
use std::path::{Component, Path};

/// The longest name of an agent, loop or gate, in characters.
const LONGEST_NAME: usize = 64;

/// Reports what is wrong in a configuration whose types are right.
pub(super) fn validate(config: &Config, origins: &Origins, problems: &mut Problems) {
    let mut checks = Checks { config, origins, problems };
    if let Err(error) = worktree_path::check(&config.engine.worktree_path) {
        checks.value("engine.worktree_path", Problem::new("`worktree_path` cannot be used").label(error.to_string()));
    }
    for (name, agent) in &config.agents {
        checks.agent(name, agent);
    }
    let mut names = BTreeSet::new();
    for (index, definition) in config.loops.iter().enumerate() {
        let path = element("loop", index);
        if !names.insert(definition.name.as_str()) {
            let problem = Problem::new(format!("two loops are called `{}`", definition.name));
            checks.value(
                &child(&path, "name"),
                problem.label("taken by a loop above").help("give each loop its own name"),
            );
        }
        checks.definition(&path, definition);
    }
}

struct Checks<'a> {
    config: &'a Config,
    origins: &'a Origins,
    problems: &'a mut Problems,
}

impl Checks<'_> {
    fn value(&mut self, path: &str, problem: Problem) {
        self.problems.0.push(problem.at(self.origins.value(path)));
    }

    fn key(&mut self, path: &str, problem: Problem) {
        self.problems.0.push(problem.at(self.origins.key(path)));
    }

    fn name(&mut self, path: &str, name: &str, what: &str) {
        if let Err(error) = check_name(name) {
            self.value(path, Problem::new(format!("`{name}` cannot be the name of {what}")).label(error));
        }
    }

    fn agent(&mut self, name: &str, agent: &Agent) {
        let path = child("agents", name);
        if name == NO_CRITIC {
            let problem = Problem::new(format!("an agent cannot be called `{NO_CRITIC}`"));
            self.key(
                &path,
                problem.label("`critic = \"none\"` means that there is no critic").help("choose another name"),
            );
        } else if let Err(error) = check_name(name) {
            self.key(&path, Problem::new(format!("`{name}` cannot be the name of an agent")).label(error));
        }
        let command = child(&path, "command");
        match agent.command.as_ref().map(|words| words.argv()) {
            None => {
                let problem = Problem::new(format!("agent `{name}` has no `command`"));
                self.key(&path, problem.label("add `command = [\"program\", \"argument\"]`"));
            }
            Some(None) => {
                let problem = Problem::new(format!("the command of agent `{name}` cannot be split into words"));
                self.value(&command, problem.label("a quote is not closed").help("or write it as a list of words"));
            }
            Some(Some(argv)) => self.argv(&command, &argv, &format!("agent `{name}`")),
        }
        for (variable, value) in &agent.env {
            let path = child(&child(&path, "env"), variable);
            if variable.is_empty() || variable.contains(['=', '\0']) {
                let problem = Problem::new(format!("`{variable}` cannot be the name of a variable"));
                self.key(&path, problem.label("a name is not empty and has no `=`"));
            } else if value.contains('\0') {
                self.value(&path, Problem::new(format!("`{variable}` holds a NUL")).label("no variable can hold it"));
            }
        }
    }

    fn argv(&mut self, path: &str, argv: &[String], whose: &str) {
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            let problem = Problem::new(format!("the command of {whose} is empty"));
            self.value(path, problem.label("name a program"));
        } else if argv.iter().any(|word| word.contains('\0')) {
            let problem = Problem::new(format!("the command of {whose} holds a NUL"));
            self.value(path, problem.label("no argument can hold it"));
        }
    }

    fn command(&mut self, path: &str, command: &CommandLine, whose: &str) {
        match command {
            CommandLine::Argv(argv) => self.argv(path, argv, whose),
            CommandLine::Shell(text) => self.argv(path, std::slice::from_ref(text), whose),
        }
    }

    fn definition(&mut self, path: &str, definition: &Loop) {
        let name = &definition.name;
        self.name(&child(path, "name"), name, "a loop");
        match (&definition.objective, &definition.objective_file) {
            (None, None) => {
                let problem = Problem::new(format!("loop `{name}` has no objective"));
                self.key(path, problem.label("add `objective = \"…\"` or `objective_file = \"…\"`"));
            }
            (Some(_), Some(_)) => {
                let problem = Problem::new(format!("loop `{name}` has two objectives"));
                let label = "`objective` is given, too";
                self.key(&child(path, "objective_file"), problem.label(label).help("remove one of the two"));
            }
            (Some(text), None) if text.trim().is_empty() => {
                let problem = Problem::new(format!("the objective of loop `{name}` is empty"));
                self.value(&child(path, "objective"), problem.label("say what is to be reached"));
            }
            _ => {}
        }
        self.role(path, "actor", definition.actor.as_deref(), name);
        if definition.critic.as_deref() != Some(NO_CRITIC) && definition.critic.is_some() {
            self.role(path, "critic", definition.critic.as_deref(), name);
        }
        for (key, file) in [("objective_file", &definition.objective_file), ("tests", &definition.tests)] {
            if let Some(file) = file {
                self.inside(&child(path, key), file);
            }
        }
        for (index, file) in definition.context_files.iter().enumerate() {
            self.inside(&element(&child(path, "context_files"), index), file);
        }
        for (key, revision) in [("base", &definition.base), ("branch", &definition.branch)] {
            if let Some(Err(error)) = revision.as_deref().map(check_revision) {
                let problem = Problem::new(format!("`{key}` of loop `{name}` cannot be used")).label(error);
                self.value(&child(path, key), problem);
            }
        }
        if let Some(setup) = &definition.setup {
            self.command(&child(path, "setup"), setup, &format!("`setup` of loop `{name}`"));
        }
        let mut gates = BTreeSet::new();
        for (index, gate) in definition.gates.iter().enumerate() {
            self.gate(&element(&child(path, "gate"), index), gate, &mut gates);
        }
    }

    fn gate<'a>(&mut self, path: &str, gate: &'a Gate, names: &mut BTreeSet<&'a str>) {
        let at = child(path, "name");
        self.name(&at, &gate.name, "a gate");
        if gate.name == VERIFY_GATE {
            let problem = Problem::new(format!("a gate cannot be called `{VERIFY_GATE}`"));
            self.value(
                &at,
                problem.label("this is what a test's own `verify` command is called").help("choose another name"),
            );
        } else if !names.insert(&gate.name) {
            let problem = Problem::new(format!("two gates of one loop are called `{}`", gate.name));
            self.value(&at, problem.label("taken by a gate above").help("give each gate its own name"));
        }
        self.command(&child(path, "command"), &gate.command, &format!("gate `{}`", gate.name));
    }

    /// An agent that a loop names, or may leave out when there is just one.
    fn role(&mut self, path: &str, key: &str, named: Option<&str>, definition: &str) {
        let known = || self.config.agents.keys().map(String::as_str);
        match named {
            Some(agent) if !self.config.agents.contains_key(agent) => {
                let problem = Problem::new(format!("loop `{definition}` names an agent that is not configured"))
                    .label(format!("there is no `[agents.{}]`", super::origin::quoted(agent)))
                    .nearest(agent, known(), "agents");
                self.value(&child(path, key), problem);
            }
            None if self.config.agents.len() != 1 => {
                let problem = Problem::new(format!("loop `{definition}` has no `{key}`"))
                    .label(format!("add `{key} = \"…\"`"))
                    .nearest("", known(), "agents");
                self.key(path, problem);
            }
            _ => {}
        }
    }

    fn inside(&mut self, path: &str, file: &str) {
        if let Err(error) = check_inside(file) {
            self.value(path, Problem::new(format!("`{file}` is not a path inside the repository")).label(error));
        }
    }
}

/// Whether a text can name an agent, loop or gate.
///
/// # Errors
/// Says why not, as a fragment.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        Err("a name must not be empty".to_owned())
    } else if name.chars().count() > LONGEST_NAME {
        Err(format!("a name has at most {LONGEST_NAME} characters"))
    } else if name.trim() != name || name.contains('\n') || visible(name) != name {
        Err("a name has no control characters and no blanks around it".to_owned())
    } else {
        Ok(())
    }
}

/// Whether a path, as written, stays below the directory it is relative to.
///
/// # Errors
/// Says why not, as a fragment.
pub(super) fn check_inside(path: &str) -> Result<(), &'static str> {
    if path.trim().is_empty() {
        return Err("the path is empty");
    }
    if path.contains('\0') {
        return Err("no path can hold a NUL");
    }
    let mut depth = 0_usize;
    for component in Path::new(path).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return Err("write it relative to the repository's root"),
            Component::ParentDir if depth == 0 => return Err("it leads out of the repository"),
            Component::ParentDir => depth -= 1,
            Component::Normal(name) if name == ".git" => return Err("git's own files are out of bounds"),
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
        }
    }
    if depth == 0 { Err("this is the repository itself") } else { Ok(()) }
}

/// Whether a text may be given to git as a revision or branch without being taken for something else.
fn check_revision(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("it is empty; leave the key out for the default")
    } else if text.starts_with('-') {
        Err("git would take it for an option")
    } else if text.chars().any(char::is_control) {
        Err("it holds a control character")
    } else {
        Ok(())
    }
}
