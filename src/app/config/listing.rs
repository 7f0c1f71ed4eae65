//! Every value in force with where it came from, as `loopdash config` prints it: TOML that can be read back, the origin
//! in a comment behind each value.

use super::diagnostics::visible;
use super::file::Config;
use super::layers::Loaded;
use super::origin::{child, element, quoted};
use super::schema::{config_schema, resolve};
use serde_json::Value as Schema;
use std::fmt::Write;
use toml::{Table, Value};

/// The column in which origins start, where values are short enough.
const ORIGIN_COLUMN: usize = 44;

/// All values with their origins. `processors` is what the default of `gate_cap` is made from.
///
/// Values of agents' variables are not shown, unless they only name another variable.
pub fn listing(loaded: &Loaded, processors: usize) -> String {
    let mut text = String::new();
    for (_, path) in &loaded.files {
        let _ = writeln!(text, "# read {}", visible(&path.display().to_string()));
    }
    if loaded.files.is_empty() {
        text.push_str("# no configuration file was found; `loopdash init` writes one\n");
    }
    let root = config_schema();
    let values = Value::try_from(in_force(loaded, processors)).ok();
    let Some(Value::Table(values)) = values else { return text };
    let mut listing = Listing { loaded, root, text };
    for section in ["engine", "ui", "profiles", "agents", "prices", "stuck", "notify", "hooks", "loop"] {
        let schema = root.pointer(&format!("/properties/{section}"));
        if let (Some(schema), Some(value)) = (schema, values.get(section)) {
            listing.nested(schema, value, section, section);
        }
    }
    listing.text
}

/// The configuration with the defaults that depend on something filled in, and without the profiles of which nothing was
/// said.
fn in_force(loaded: &Loaded, processors: usize) -> Config {
    let mut config = loaded.config.clone();
    config.profiles.retain(|name, _| loaded.origins.get(&child("profiles", name)).is_some());
    config.engine.gate_cap = Some(config.gate_cap(processors));
    let only = config.agents.keys().next().filter(|_| config.agents.len() == 1).cloned();
    for definition in &mut config.loops {
        definition.max_attempts = Some(definition.attempts());
        definition.actor = definition.actor.take().or_else(|| only.clone());
        definition.critic = definition.critic.take().or_else(|| definition.actor.clone());
    }
    config
}

struct Listing<'a> {
    loaded: &'a Loaded,
    root: &'a Schema,
    text: String,
}

impl Listing<'_> {
    /// A table, a map of tables, or an array of tables; `header` is what stands in its brackets.
    fn nested(&mut self, schema: &Schema, value: &Value, path: &str, header: &str) {
        let schema = resolve(self.root, schema).0;
        match (value, schema.get("items"), schema.get("additionalProperties").filter(|others| others.is_object())) {
            (Value::Array(items), Some(inner), _) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Table(table) = item {
                        self.table(inner, table, &element(path, index), &format!("[[{header}]]"), header);
                    }
                }
            }
            (Value::Table(table), _, Some(inner)) if self.is_nested(inner) => {
                for (key, value) in table {
                    self.nested(inner, value, &child(path, key), &child(header, key));
                }
            }
            (Value::Table(table), ..) => self.table(schema, table, path, &format!("[{header}]"), header),
            _ => {}
        }
    }

    fn table(&mut self, schema: &Schema, table: &Table, path: &str, bracket: &str, header: &str) {
        let schema = resolve(self.root, schema).0;
        let properties = schema.get("properties").and_then(Schema::as_object);
        let mut keys: Vec<&str> = match properties {
            Some(properties) => properties.keys().map(String::as_str).collect(),
            None => table.keys().map(String::as_str).collect(),
        };
        if keys.is_empty() {
            return;
        }
        keys.sort_by_key(|key| *key != "name");
        let _ = writeln!(self.text, "\n{bracket}");
        let mut later = Vec::new();
        for key in keys {
            let inner = properties.and_then(|properties| properties.get(key));
            if inner.is_some_and(|inner| self.is_nested(inner)) {
                later.push((key, inner));
                continue;
            }
            self.line(table.get(key), key, &child(path, key), properties.is_none());
        }
        for (key, inner) in later {
            if let (Some(inner), Some(value)) = (inner, table.get(key)) {
                self.nested(inner, value, &child(path, key), &child(header, key));
            }
        }
    }

    /// Whether a value of this schema has brackets of its own.
    fn is_nested(&self, schema: &Schema) -> bool {
        let schema = resolve(self.root, schema).0;
        let is_table = |schema: &Schema| schema.get("type").is_some_and(|name| name == "object");
        is_table(schema) || schema.get("items").is_some_and(|inner| is_table(resolve(self.root, inner).0))
    }

    fn line(&mut self, value: Option<&Value>, key: &str, path: &str, secret: bool) {
        let key = quoted(key);
        let line = match value {
            None => {
                let _ = writeln!(self.text, "# {} is not set", visible(&key));
                return;
            }
            Some(Value::String(text)) if secret && !names_a_variable(text) => format!("{key} = \"…\""),
            // TOML reads what JSON escapes, and this stays on one line.
            Some(Value::String(text)) => format!("{key} = {}", serde_json::Value::from(text.as_str())),
            Some(value) => format!("{key} = {value}"),
        };
        let origin = self.loaded.origins.get(path).map_or_else(|| "default".to_owned(), ToString::to_string);
        let hidden = if secret && !line.contains("${") { "not shown; " } else { "" };
        let line = visible(&line).replace('\n', "\\n");
        let gap = ORIGIN_COLUMN.saturating_sub(line.chars().count()).max(2);
        let _ = writeln!(self.text, "{line}{:gap$}# {hidden}{}", "", visible(&origin));
    }
}

/// Whether a value is nothing but `${NAME}`.
fn names_a_variable(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}
