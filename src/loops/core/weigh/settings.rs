//! Which files say what a gate runs, or how, and what of them was changed.
//!
//! A file that is there for that alone counts as a whole. Of one that holds other things, too, the settings are read and
//! compared by name, so that a new dependency is none.

mod make;
mod parts;
mod scripts;

use super::scales::{ChangedFile, Side};
use parts::Parts;
use std::collections::BTreeSet;

/// Names that are told of one file.
const NAMED: usize = 3;

/// Files that are there for tests, lints and other checks alone, by the start of their names.
const WHOLE: [&str; 43] = [
    "pytest.ini",
    "tox.ini",
    "conftest.py",
    "noxfile.py",
    ".coveragerc",
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    ".pylintrc",
    "pylintrc",
    "pyrightconfig.json",
    "nextest.toml",
    "clippy.toml",
    ".clippy.toml",
    "deny.toml",
    "tarpaulin.toml",
    ".tarpaulin.toml",
    ".golangci.",
    "eslint.config.",
    ".eslintrc",
    ".eslintignore",
    "tsconfig.",
    "biome.json",
    "jest.config.",
    "vitest.config.",
    "vitest.workspace.",
    "playwright.config.",
    "cypress.config.",
    "karma.conf.",
    ".mocharc.",
    ".nycrc",
    "phpunit.xml",
    "phpstan.neon",
    ".rspec",
    ".rubocop.yml",
    "codecov.yml",
    ".codecov.yml",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    "loopdash.toml",
    "Jenkinsfile",
];

/// The same for files that are found in one place.
const PLACES: [&str; 6] =
    [".loopdash/presets/", ".github/workflows/", ".circleci/", ".buildkite/", ".gitlab-ci.yml", "azure-pipelines.yml"];

/// What a path makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Whole,
    Cargo,
    CargoConfig,
    Package,
    Pyproject,
    SetupCfg,
    Vite,
    Make,
    Just,
    /// A gate's command names it.
    Named,
}

/// Whether a file is there for checks alone, whatever the gates of a loop run.
pub(super) fn is_whole(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let whole = |known: &&str| {
        let rest = name.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || known.ends_with('.') || rest.starts_with('.'))
    };
    (name.starts_with("tsconfig") && name.ends_with(".json"))
        || WHOLE.iter().any(whole)
        || PLACES.iter().any(|place| path.starts_with(place))
}

/// What the gates of a loop run.
#[derive(Debug)]
pub(super) struct Settings {
    /// The words of each command.
    commands: Vec<Vec<String>>,
    /// The files that each runs or takes its settings from.
    scripts: Vec<Vec<String>>,
}

impl Settings {
    pub(super) fn new(commands: &[Vec<String>]) -> Self {
        let split = |c: char| c.is_whitespace() || "'\"`();&|=<>".contains(c);
        let words = |command: &Vec<String>| {
            let words = command.iter().flat_map(|argument| argument.split(split));
            words.filter(|word| !word.is_empty()).map(|word| word.trim_start_matches("./").to_owned()).collect()
        };
        Self {
            commands: commands.iter().map(words).collect(),
            scripts: commands.iter().map(|command| scripts::of(command)).collect(),
        }
    }

    /// Whether a file may hold settings.
    pub(super) fn want(&self, path: &str) -> bool {
        self.rule(path).is_some()
    }

    /// Whether the settings in a file were changed, and which, where they have names. `plain` says that it holds no tests.
    pub(super) fn changed(&self, file: &ChangedFile<'_>, plain: bool) -> Option<Option<String>> {
        let (old, new) = (self.rule(file.old()), self.rule(file.path));
        let rule = old.or(new)?;
        match rule {
            Rule::Whole => (file.before != file.after || file.old_path.is_some()).then_some(None),
            Rule::Named => plain.then_some(None),
            // A new file of this kind takes nothing away from what was there.
            _ if file.before == Side::Nothing => None,
            _ => {
                let before = self.parts(rule, file.before.text());
                let after = if new.is_some() { self.parts(rule, file.after.text()) } else { Parts::default() };
                let names = before.differ(&after);
                let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
                (!names.is_empty()).then(|| Some(shown.join(", ")))
            }
        }
    }

    fn rule(&self, path: &str) -> Option<Rule> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(match name {
            "Cargo.toml" => Rule::Cargo,
            "package.json" => Rule::Package,
            "pyproject.toml" => Rule::Pyproject,
            "setup.cfg" => Rule::SetupCfg,
            "config.toml" if path.ends_with(".cargo/config.toml") => Rule::CargoConfig,
            "Makefile" | "GNUmakefile" | "makefile" if self.runs(&["make", "gmake"]) => Rule::Make,
            "justfile" | "Justfile" | ".justfile" if self.runs(&["just"]) => Rule::Just,
            "Taskfile.yml" | "Taskfile.yaml" if self.runs(&["task"]) => Rule::Whole,
            "Rakefile" if self.runs(&["rake"]) => Rule::Whole,
            _ if name.starts_with("vite.config.") => Rule::Vite,
            _ if is_whole(path) => Rule::Whole,
            _ if self.names(path) => Rule::Named,
            _ => return None,
        })
    }

    fn runs(&self, programs: &[&str]) -> bool {
        self.commands.iter().flatten().any(|word| programs.contains(&word.as_str()))
    }

    /// Whether a command runs a file, or takes its settings from it. One that a check only looks at is work.
    fn names(&self, path: &str) -> bool {
        self.commands.iter().zip(&self.scripts).any(|(command, scripts)| {
            // Whoever goes to another directory first names it from there.
            let moves = command.iter().any(|word| matches!(word.as_str(), "cd" | "-C" | "pushd"));
            scripts.iter().any(|word| {
                let inner = || path.strip_suffix(word.as_str()).is_some_and(|dir| dir.ends_with('/'));
                word == path || (moves && word.contains(['.', '/']) && inner())
            })
        })
    }

    fn parts(&self, rule: Rule, text: &str) -> Parts {
        let words = |programs: &[&str]| -> Vec<BTreeSet<&str>> {
            let runs = |command: &&Vec<String>| command.iter().any(|word| programs.contains(&word.as_str()));
            self.commands.iter().filter(runs).map(|command| command.iter().map(String::as_str).collect()).collect()
        };
        match rule {
            Rule::Cargo => parts::cargo(text),
            Rule::CargoConfig => parts::toml_of(text, &["alias", "build", "target", "env"]),
            Rule::Package => parts::package(text, &words(&["npm", "npx", "yarn", "pnpm", "bun", "node"])),
            Rule::Pyproject => parts::toml_of(text, &parts::PYTHON_TOOLS),
            Rule::SetupCfg => parts::ini(text, &["tool:pytest", "mypy", "flake8", "coverage", "pylint", "tox"]),
            Rule::Vite => parts::block(text, "test"),
            Rule::Make => make::makefile(text, &words(&["make", "gmake"])),
            Rule::Just => make::makefile(text, &words(&["just"])),
            Rule::Whole | Rule::Named => Parts::default(),
        }
    }
}

#[cfg(test)]
mod tests;
