//! The settings in a file that holds other things, too, each with its name and value.
//!
//! A file that does not read as what it should be is one setting without a name.

use std::collections::{BTreeMap, BTreeSet};

/// Tables of `pyproject.toml` that say how checks run.
pub(super) const PYTHON_TOOLS: [&str; 13] = [
    "tool.pytest",
    "tool.coverage",
    "tool.mypy",
    "tool.ruff",
    "tool.pyright",
    "tool.basedpyright",
    "tool.pylint",
    "tool.flake8",
    "tool.bandit",
    "tool.tox",
    "tool.poe",
    "tool.hatch.envs",
    "tool.pdm.scripts",
];

/// Settings by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    values: BTreeMap<String, String>,
    /// Those whose being new takes nothing away.
    welcome: BTreeSet<String>,
}

impl Parts {
    pub(super) fn put(&mut self, name: &str, value: String) {
        self.values.entry(name.to_owned()).or_default().push_str(&value);
    }

    fn put_welcome(&mut self, name: &str, value: String) {
        self.put(name, value);
        self.welcome.insert(name.to_owned());
    }

    /// A file that cannot be read as what it is.
    fn unread(text: &str) -> Self {
        let mut parts = Self::default();
        parts.put("", text.to_owned());
        parts
    }

    /// The names of what has another value after, is gone, or is new.
    pub(super) fn differ(&self, after: &Self) -> Vec<String> {
        let changed = self.values.iter().filter(|(name, value)| after.values.get(*name) != Some(value));
        let new =
            after.values.iter().filter(|(name, _)| !self.values.contains_key(*name) && !after.welcome.contains(*name));
        changed.chain(new).map(|(name, _)| name.clone()).collect()
    }
}

/// Puts all that a table holds, down to single values.
fn flatten(parts: &mut Parts, name: &str, value: &toml::Value) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| flatten(parts, &format!("{name}.{key}"), value))
        }
        other => parts.put(name, other.to_string()),
    }
}

fn at<'a>(table: &'a toml::Table, name: &str) -> Option<&'a toml::Value> {
    let mut names = name.split('.');
    let first = table.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// What a TOML file holds under these names.
pub(super) fn toml_of(text: &str, names: &[&str]) -> Parts {
    let Ok(table) = text.parse::<toml::Table>() else { return Parts::unread(text) };
    let mut parts = Parts::default();
    for name in names {
        if let Some(value) = at(&table, name) {
            flatten(&mut parts, name, value);
        }
    }
    parts
}

/// What `Cargo.toml` says of tests and lints.
pub(super) fn cargo(text: &str) -> Parts {
    const NAMES: [&str; 11] = [
        "lints",
        "workspace.lints",
        "profile.test",
        "profile.dev.debug-assertions",
        "profile.dev.overflow-checks",
        "package.autotests",
        "lib.test",
        "lib.doctest",
        "lib.harness",
        "workspace.exclude",
        "workspace.default-members",
    ];
    let mut parts = toml_of(text, &NAMES);
    let Ok(table) = text.parse::<toml::Table>() else { return parts };
    for test in at(&table, "test").and_then(toml::Value::as_array).into_iter().flatten() {
        let name = test.get("name").and_then(toml::Value::as_str).unwrap_or_default();
        let off = ["test", "harness"].iter().any(|key| test.get(key).and_then(toml::Value::as_bool) == Some(false));
        let put = if off { Parts::put } else { Parts::put_welcome };
        put(&mut parts, &format!("test.{name}"), test.to_string());
    }
    for member in at(&table, "workspace.members").and_then(toml::Value::as_array).into_iter().flatten() {
        let name = member.as_str().unwrap_or_default();
        parts.put_welcome(&format!("workspace.members.{name}"), String::new());
    }
    parts
}

/// What `package.json` says of tests and lints; `commands` are those that may run its scripts.
pub(super) fn package(text: &str, commands: &[BTreeSet<&str>]) -> Parts {
    const TOOLS: [&str; 9] = ["jest", "vitest", "mocha", "nyc", "c8", "ava", "tap", "eslintConfig", "eslintIgnore"];
    const CHECKS: [&str; 7] = ["test", "lint", "check", "type", "cover", "verify", "ci"];
    let Ok(serde_json::Value::Object(package)) = serde_json::from_str(text) else { return Parts::unread(text) };
    let mut parts = Parts::default();
    for name in TOOLS {
        if let Some(value) = package.get(name) {
            flatten_json(&mut parts, name, value);
        }
    }
    let none = serde_json::Map::new();
    let scripts = package.get("scripts").and_then(serde_json::Value::as_object).unwrap_or(&none);
    let text_of = |name: &str| scripts.get(name).and_then(serde_json::Value::as_str);
    let mut open: Vec<&str> = scripts
        .keys()
        .map(String::as_str)
        .filter(|name| {
            let plain = name.strip_prefix("pre").or_else(|| name.strip_prefix("post")).unwrap_or(name);
            commands.iter().any(|words| words.contains(name) || words.contains(plain))
                || CHECKS.iter().any(|check| plain.starts_with(check))
        })
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop().filter(|_| seen.len() < scripts.len() + 1) {
        let Some(text) = text_of(name).filter(|_| seen.insert(name)) else { continue };
        let hook = name.starts_with("pre") || name.starts_with("post");
        let put = if hook { Parts::put } else { Parts::put_welcome };
        put(&mut parts, &format!("scripts.{name}"), text.to_owned());
        let words = text.split(|c: char| c.is_whitespace() || ";&|'\"".contains(c));
        open.extend(words.filter_map(|word| scripts.get_key_value(word)).map(|(name, _)| name.as_str()));
    }
    parts
}

fn flatten_json(parts: &mut Parts, name: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, value)| flatten_json(parts, &format!("{name}.{key}"), value));
        }
        other => parts.put(name, other.to_string()),
    }
}

/// The sections of an INI file whose names begin so.
pub(super) fn ini(text: &str, sections: &[&str]) -> Parts {
    let mut parts = Parts::default();
    let (mut section, mut key) = ("", "");
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']) && !line.trim().is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            (section, key) = (name, "");
            continue;
        }
        if !sections.iter().any(|known| section.starts_with(known)) {
            continue;
        }
        // Indented lines go on with the value before.
        if !line.starts_with([' ', '\t']) {
            key = line.split(['=', ':']).next().unwrap_or(line).trim();
        }
        parts.put(&format!("{section}.{key}"), line.trim().to_owned());
    }
    parts
}

/// The lines of a property of that name in source code, and of all that stands in it.
pub(super) fn block(text: &str, name: &str) -> Parts {
    let mut parts = Parts::default();
    let mut inside = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        if inside.is_some_and(|from| indent <= from) {
            inside = None;
        }
        let begins = line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'));
        if inside.is_none() && begins {
            inside = Some(indent);
        }
        if inside.is_some() {
            parts.put(name, line.trim().to_owned());
        }
    }
    parts
}
