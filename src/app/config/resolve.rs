//! From configuration to runnable loops: files read, agents looked up, paths absolute. Gives [`LoopSpec`]s.
//!
//! The rest of loopdash sees nothing of the configuration but these and [`super::file::Engine`].

use super::diagnostics::{Place, Problem, Problems, Source};
use super::file::{Gate, Loop, NO_CRITIC};
use super::layers::{Loaded, read_text};
use super::origin::{child, element};
use super::validate::check_inside;
use crate::loops::core::agent::Role;
use crate::loops::core::coverage::CoverageSpec;
use crate::loops::core::gate::GateSpec;
use crate::loops::core::spec::{AgentSpec, Limits, LoopSpec, Stronger};
use crate::loops::core::test_state::{TestFile, TestSpec};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest objective that is read from a file, in bytes.
pub(super) const LARGEST_OBJECTIVE: u64 = 1 << 20;
/// The largest `test-state.json` that is read, in bytes.
const LARGEST_TESTS: u64 = 16 << 20;

/// All configured loops, ready to run in the repository whose root is `repo`.
///
/// # Errors
/// Files that cannot be read, that lead out of the repository or that are wrong inside.
pub fn resolve(loaded: &Loaded, repo: &Path) -> Result<Vec<LoopSpec>, Problems> {
    let mut resolver = Resolver::new(loaded, repo);
    let specs = loaded
        .config
        .loops
        .iter()
        .enumerate()
        .filter_map(|(index, definition)| resolver.definition(definition, &element("loop", index)))
        .collect();
    resolver.problems.or(specs)
}

/// Resolves one loop after the other and collects what is wrong.
pub(super) struct Resolver<'a> {
    loaded: &'a Loaded,
    repo: PathBuf,
    pub(super) problems: Problems,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(loaded: &'a Loaded, repo: &Path) -> Self {
        let repo = repo.canonicalize().unwrap_or_else(|_| repo.to_path_buf());
        Self { loaded, repo, problems: Problems::default() }
    }

    fn refuse(&mut self, path: &str, problem: Problem) {
        self.problems.0.push(problem.at(self.loaded.origins.value(path)));
    }

    /// The spec of a loop that stands at `path` in the configuration; `None` when something was wrong with it.
    pub(super) fn definition(&mut self, definition: &Loop, path: &str) -> Option<LoopSpec> {
        let before = self.problems.0.len();
        let objective = match (&definition.objective, &definition.objective_file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => self.objective(file, &child(path, "objective_file"))?,
            (None, None) => String::new(),
        };
        let tests = match &definition.tests {
            Some(file) => Some(self.tests(file, &child(path, "tests"))?),
            None => None,
        };
        for (index, file) in definition.context_files.iter().enumerate() {
            // It may appear only while the loop works; what is there now must not lead out.
            if self.repo.join(file).symlink_metadata().is_ok() {
                self.inside(file, &element(&child(path, "context_files"), index));
            }
        }
        let actor = self.agent(definition.actor.as_deref(), Role::Actor)?;
        let critic = match definition.critic.as_deref() {
            Some(NO_CRITIC) => None,
            name => Some(self.agent(name.or(definition.actor.as_deref()), Role::Critic)?),
        };
        let stronger = match definition.stronger.as_deref() {
            Some(name) => {
                let agent = self.agent(Some(name), Role::Actor)?;
                Some(Box::new(Stronger { agent, after: definition.stronger_after }))
            }
            None => None,
        };
        if self.problems.0.len() > before {
            return None;
        }
        let (tests_file, tests) = tests.map_or((None, Vec::new()), |(file, tests)| (Some(file), tests));
        Some(LoopSpec {
            name: definition.name.clone(),
            repo: self.repo.display().to_string(),
            objective,
            tests,
            tests_file,
            actor,
            critic,
            stronger,
            critic_when: definition.critic_when,
            isolation: definition.isolation,
            base: definition.base.clone(),
            branch: definition.branch.clone(),
            worktree_path: Some(self.loaded.config.engine.worktree_path.clone()),
            priority: definition.priority,
            limits: Limits {
                max_iterations: definition.max_iterations,
                max_attempts: definition.attempts(),
                wall_clock_ms: definition.limits.wall_clock.map(|span| span.millis()),
                tokens: definition.limits.tokens,
                micro_usd: definition.limits.dollars.map(super::agent::Dollars::micro),
                iterations: definition.limits.iterations,
            },
            context_files: definition.context_files.clone(),
            setup: definition.setup.clone(),
            gates: definition.gates.iter().map(|gate| gate_spec(definition, gate)).collect(),
            tests_policy: definition.tests_policy,
            stuck: definition.stuck.policy(&self.loaded.config.stuck),
            hooks: self.loaded.config.hooks.commands(&self.repo),
            preset: definition.preset.clone(),
        })
    }

    /// The agent of this name, or the only one that is configured, in a role.
    fn agent(&self, name: Option<&str>, role: Role) -> Option<AgentSpec> {
        let config = &self.loaded.config;
        let only = || config.agents.keys().next().filter(|_| config.agents.len() == 1).map(String::as_str);
        config.agent_spec(name.or_else(only)?, role, &self.repo)
    }

    /// The canonical path of a file that must lie inside the repository, links followed.
    fn inside(&mut self, file: &str, path: &str) -> Option<PathBuf> {
        let found = match check_inside(file) {
            Ok(()) => self.repo.join(file).canonicalize().map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => "no such file".to_owned(),
                _ => error.to_string(),
            }),
            Err(error) => Err(error.to_owned()),
        };
        let found = found.and_then(|found| match found.strip_prefix(&self.repo) {
            Ok(inner) if inner.components().next().is_none_or(|first| first.as_os_str() != ".git") => Ok(found),
            _ => Err("a link leads out of the repository, or into git's own files".to_owned()),
        });
        found.map_err(|error| self.unreadable(file, path, error)).ok()
    }

    fn unreadable(&mut self, file: &str, path: &str, error: String) {
        let help = format!("looked in {}", self.repo.display());
        self.refuse(path, Problem::new(format!("cannot read `{file}`")).label(error).help(help));
    }

    fn objective(&mut self, file: &str, path: &str) -> Option<String> {
        let found = self.inside(file, path)?;
        match read_text(&found, LARGEST_OBJECTIVE) {
            Ok(text) if text.trim().is_empty() => {
                self.refuse(path, Problem::new(format!("`{file}` is empty")).label("it must hold the objective"));
                None
            }
            Ok(text) => Some(text),
            Err(error) => {
                self.unreadable(file, path, error);
                None
            }
        }
    }

    fn tests(&mut self, file: &str, path: &str) -> Option<(String, Vec<TestSpec>)> {
        let found = self.inside(file, path)?;
        let text = match read_text(&found, LARGEST_TESTS) {
            Ok(text) => text,
            Err(error) => {
                self.unreadable(file, path, error);
                return None;
            }
        };
        match TestFile::parse(&text) {
            Ok(parsed) => Some((found.display().to_string(), parsed.tests)),
            Err(errors) => {
                let source = Arc::new(Source { name: file.to_owned(), text });
                self.problems.0.extend(errors.0.iter().map(|error| {
                    let span = byte_at(&source.text, error.line, error.column);
                    let title = match error.pointer.as_str() {
                        "" => error.message.clone(),
                        pointer => format!("{pointer}: {}", error.message),
                    };
                    Problem::new(title).at(Some(Place { source: Arc::clone(&source), span }))
                }));
                None
            }
        }
    }
}

fn gate_spec(definition: &Loop, gate: &Gate) -> GateSpec {
    GateSpec {
        name: gate.name.clone(),
        kind: gate.kind,
        command: gate.command.clone(),
        timeout_ms: gate.timeout.millis(),
        required: gate.required,
        junit: gate.junit.clone(),
        coverage: gate.coverage_floor.map(|floor| CoverageSpec { floor, report: gate.coverage_report.clone() }),
        rerun: gate.rerun,
        baseline: gate.baseline.unwrap_or(definition.baseline),
        lock: gate.lock.clone(),
    }
}

/// The bytes of the character at a line and column, both from 1; the end of the text if it has no such place.
fn byte_at(text: &str, line: usize, column: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let (at, c) = rest.char_indices().nth(column.saturating_sub(1)).unwrap_or((rest.len(), ' '));
    start + at..start + at + c.len_utf8()
}
