//! What the types cannot say: names that must exist or be unique, paths that must stay inside, commands that must run
//! something.
//!
//! [`validate`] looks at the merged configuration only, never at the disk.

use super::agent::Agent;
use super::diagnostics::{Problem, Problems, visible};
use super::file::{Config, Gate, Loop, NO_CRITIC, Words};
use super::origin::{Origins, child, element};
use crate::loops::agent::profile::{Profile, Version};
use crate::loops::core::agent::{PromptRoute, SessionUse};
use crate::loops::core::gate::{CommandLine, VERIFY_GATE, is_lock_name};
use crate::loops::core::hook::Hook;
use crate::loops::core::watch::Remedy;
use crate::loops::core::worktree_path;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// The longest name of an agent, loop or gate, in characters.
const LONGEST_NAME: usize = 64;

/// Reports what is wrong in a configuration whose types are right.
pub(super) fn validate(config: &Config, origins: &Origins, problems: &mut Problems) {
    let mut checks = Checks { config, origins, problems };
    if let Err(error) = worktree_path::check(&config.engine.worktree_path) {
        checks.value("engine.worktree_path", Problem::new("`worktree_path` cannot be used").label(error.to_string()));
    }
    for (name, profile) in &config.profiles {
        checks.profile(name, profile);
    }
    for (name, agent) in &config.agents {
        checks.agent(name, agent);
    }
    if let Some(words) = &config.notify.command {
        checks.words("notify.command", words, "`notify`");
    }
    for hook in Hook::ALL {
        if let Some(words) = config.hooks.words(hook) {
            checks.words(&child("hooks", hook.key()), words, hook.word());
        }
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

/// The same for one loop that stands at `path`, whether or not it is among the configured ones.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn validate_loop(config: &Config, origins: &Origins, path: &str, definition: &Loop) -> Result<(), Problems> {
    let mut problems = Problems::default();
    Checks { config, origins, problems: &mut problems }.definition(path, definition);
    problems.or(())
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
        for (key, words) in [
            ("command", &agent.command),
            ("args", &agent.args),
            ("resume", &agent.resume),
            ("interactive", &agent.interactive),
        ] {
            if words.as_ref().is_some_and(|words| words.argv().is_none()) {
                let problem = Problem::new(format!("the {key} of agent `{name}` cannot be split into words"));
                let problem = problem.label("a quote is not closed").help("or write it as a list of words");
                self.value(&child(&path, key), problem);
            }
        }
        self.environment(&path, &agent.env, &agent.env_remove);
        let profile = agent.profile_name(name, &self.config.profiles);
        let Some(known) = self.config.profiles.get(profile) else {
            let problem = Problem::new(format!("agent `{name}` names a profile that does not exist"))
                .label(format!("there is no profile `{profile}`"))
                .nearest(profile, self.config.profiles.keys().map(String::as_str), "profiles");
            return self.value(&child(&path, "profile"), problem);
        };
        if let Some(resolved) = agent.over(known) {
            self.driven(&path, name, agent, &resolved);
        }
    }

    /// An agent that is put together: whether it can be started, and given what it is to be given.
    fn driven(&mut self, path: &str, name: &str, agent: &Agent, resolved: &Profile) {
        let command = child(path, "command");
        if agent.command.is_none() && resolved.command.is_empty() {
            let problem = Problem::new(format!("agent `{name}` has no `command`"));
            let help = "or name what it is: `profile = \"claude\"`";
            self.key(path, problem.label("add `command = [\"program\", \"argument\"]`").help(help));
            return;
        }
        self.argv(&command, &resolved.command, &format!("agent `{name}`"));
        if let Some(Some(interactive)) = agent.interactive.as_ref().map(Words::argv) {
            self.argv(&child(path, "interactive"), &interactive, &format!("agent `{name}`"));
        }
        if agent.model.is_some() && !resolved.takes_model() {
            let problem = Problem::new(format!("agent `{name}` cannot be given a `model`"));
            let help = "give it in `command` or `args`, as the program wants it";
            self.value(&child(path, "model"), problem.label("its command has no place for it").help(help));
        }
        if agent.session == SessionUse::Resume && resolved.resume.is_empty() {
            let problem = Problem::new(format!("agent `{name}` cannot go on with a session"));
            let label = "nothing is known of how it would";
            self.value(&child(path, "session"), problem.label(label).help("say how with `resume`, or use \"fresh\""));
        }
        let args = agent.args.as_ref().and_then(Words::argv).unwrap_or_default();
        let holds_prompt = |word: &String| word.contains("{prompt}");
        if resolved.prompt == PromptRoute::Argument && !resolved.command.iter().chain(&args).any(holds_prompt) {
            let problem = Problem::new(format!("agent `{name}` would never get its prompt"));
            self.value(&command, problem.label("no argument holds `{prompt}`").help("or use `prompt = \"stdin\"`"));
        }
    }

    /// A profile of the user's own, or with changes of theirs; the bundled ones are held to more by their tests.
    fn profile(&mut self, name: &str, profile: &Profile) {
        let path = child("profiles", name);
        if let Err(error) = check_name(name) {
            self.key(&path, Problem::new(format!("`{name}` cannot be the name of a profile")).label(error));
        }
        if !profile.command.is_empty() {
            self.argv(&child(&path, "command"), &profile.command, &format!("profile `{name}`"));
        }
        for (key, list) in [
            ("fresh", &profile.fresh),
            ("resume", &profile.resume),
            ("interactive_resume", &profile.interactive_resume),
        ] {
            if !list.is_empty() && !list.iter().any(|arg| arg.contains("{session}")) {
                let problem = Problem::new(format!("`{key}` of profile `{name}` names no session"));
                self.value(&child(&path, key), problem.label("no argument holds `{session}`"));
            }
        }
        if !profile.model.is_empty() && !profile.model.iter().any(|arg| arg.contains("{model}")) {
            let problem = Problem::new(format!("`model` of profile `{name}` names no model"));
            self.value(&child(&path, "model"), problem.label("no argument holds `{model}`"));
        }
        self.environment(&path, &profile.env, &profile.env_remove);
        for (key, version) in [("minimum", &profile.minimum), ("tested", &profile.tested)] {
            if version.as_deref().is_some_and(|text| Version::find(text).is_none()) {
                let problem = Problem::new(format!("`{key}` of profile `{name}` is no version"));
                self.value(&child(&path, key), problem.label("write numbers with dots, such as `1.2.0`"));
            }
        }
    }

    fn environment(&mut self, path: &str, env: &BTreeMap<String, String>, removed: &[String]) {
        for (variable, value) in env {
            let path = child(&child(path, "env"), variable);
            if variable.is_empty() || variable.contains(['=', '\0']) {
                let problem = Problem::new(format!("`{variable}` cannot be the name of a variable"));
                self.key(&path, problem.label("a name is not empty and has no `=`"));
            } else if value.contains('\0') {
                self.value(&path, Problem::new(format!("`{variable}` holds a NUL")).label("no variable can hold it"));
            }
        }
        for (index, variable) in removed.iter().enumerate() {
            let start = variable.strip_suffix('*').unwrap_or(variable);
            if start.is_empty() || start.contains(['=', '\0', '*']) {
                let problem = Problem::new(format!("`{variable}` names no variable to take away"));
                let label = "a name, or the beginning of one and `*`";
                self.value(&element(&child(path, "env_remove"), index), problem.label(label));
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

    /// A command that no shell runs.
    fn words(&mut self, path: &str, words: &Words, whose: &str) {
        match words.argv() {
            Some(argv) => self.argv(path, &argv, whose),
            None => {
                let problem = Problem::new(format!("the command of {whose} cannot be split into words"));
                self.value(path, problem.label("a quote is not closed").help("or write it as a list of words"));
            }
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
        if definition.stronger.is_some() {
            self.role(path, "stronger", definition.stronger.as_deref(), name);
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
        let heals = definition.stuck.auto_heal.iter().flatten();
        if definition.stronger.is_none() && heals.clone().any(|heal| heal.remedy() == Remedy::Stronger) {
            let problem = Problem::new(format!("loop `{name}` has no stronger agent to heal with"));
            let label = "`stronger` is among its remedies";
            let help = "name one: `stronger = \"…\"`, or leave the remedy out";
            self.value(&child(&child(path, "stuck"), "auto_heal"), problem.label(label).help(help));
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
        for (key, report) in [("junit", &gate.junit), ("coverage_report", &gate.coverage_report)] {
            if let Some(report) = report {
                self.inside(&child(path, key), report);
            }
        }
        if gate.coverage_report.is_some() && gate.coverage_floor.is_none() {
            let problem = Problem::new(format!("gate `{}` has a coverage report and no floor", gate.name));
            let problem = problem.label("nothing would be held to it").help("add `coverage_floor = 80`, or the like");
            self.value(&child(path, "coverage_report"), problem);
        }
        if let Some(lock) = gate.lock.as_ref().filter(|lock| !is_lock_name(lock)) {
            let problem = Problem::new(format!("`{lock}` cannot name a lock"));
            let problem = problem.label("letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first");
            self.value(&child(path, "lock"), problem);
        }
    }

    /// An agent that a loop names, or may leave out when there is just one.
    fn role(&mut self, path: &str, key: &str, named: Option<&str>, definition: &str) {
        let known = || self.config.agent_names().into_iter();
        match named {
            Some(agent) if self.config.agent(agent).is_none() => {
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
