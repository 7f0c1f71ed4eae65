//! A preset: a way of working that a loop takes its keys from where it says nothing itself. [`Preset`] is one, read and
//! checked against what a loop may say.

use super::check::check;
use super::diagnostics::{Place, Problem, Problems, Source, visible};
use super::file::Loop;
use super::layers::{Loaded, join, syntax};
use super::origin::{Layer, Origins};
use super::schema::schema_of;
use super::validate::validate_loop;
use crate::loops::core::gate::is_lock_name;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// The file that makes a directory a preset.
pub const PRESET_FILE: &str = "preset.toml";
/// Where a preset that no loop names stands when it is tried.
const PRESET: &str = "preset";
/// What a preset says of itself beside the keys for loops.
const DESCRIPTION: &str = "description";
/// Keys of a loop that are about one job, or about where it is done, and why each is none of a preset's.
const OWN_KEYS: [(&str, &str); 8] = [
    ("name", "a loop has a name of its own"),
    ("preset", "a preset stands alone, and is not made from another"),
    ("objective", "what is to be reached is said by the loop"),
    ("objective_file", "what is to be reached is said by the loop"),
    ("tests", "what is to be reached is said by the loop"),
    ("isolation", "whether your own checkout is worked in is said by the loop"),
    ("base", "where the work starts is said by the loop"),
    ("branch", "where the work goes is said by the loop"),
];

/// Where a preset comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PresetSource {
    /// `.loopdash/presets` of the repository.
    Repository,
    /// `presets` beside the user's `config.toml`.
    User,
    /// It comes with loopdash.
    Bundled,
}

impl fmt::Display for PresetSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repository => "repository",
            Self::User => "user",
            Self::Bundled => "bundled",
        })
    }
}

/// A preset whose every key may stand in a loop.
#[derive(Clone, Debug)]
pub struct Preset {
    /// What loops call it.
    pub name: String,
    /// Where it comes from.
    pub from: PresetSource,
    /// One line about it.
    pub description: Option<String>,
    /// Its file.
    pub source: Arc<Source>,
    /// What it sets.
    pub sets: toml::Table,
}

impl Preset {
    /// Reads the text of a preset.
    ///
    /// # Errors
    /// Everything in it that a loop could not take from it.
    pub(super) fn read(name: &str, from: PresetSource, source: Source) -> Result<Self, Problems> {
        let source = Arc::new(source);
        let (mut document, errors) = DeTable::parse_recoverable(&source.text);
        Problems(errors.iter().map(|error| syntax(error, &source)).collect()).or(())?;
        let mut problems = Problems::default();
        for (key, why) in OWN_KEYS {
            if let Some((at, _)) = document.get_mut().remove_entry(key) {
                let place = Place { source: Arc::clone(&source), span: at.span() };
                let problem = Problem::new(format!("`{key}` cannot stand in a preset")).at(Some(place));
                problems.0.push(problem.label(why).help("take it out here"));
            }
        }
        check(preset_schema(), &source, &document, &mut problems);
        problems.or(())?;
        let description = document.get_mut().remove(DESCRIPTION);
        let description = description.and_then(|text| text.get_ref().as_str().map(str::to_owned));
        typed(document).map_err(|error| syntax(&error, &source))?;
        let mut sets = source.text.parse::<toml::Table>().map_err(|error| syntax(&error, &source))?;
        sets.remove(DESCRIPTION);
        Ok(Self { name: name.to_owned(), from, description, source, sets })
    }

    /// Puts its keys below those of the loop whose table stands at `path`, as the layers are joined: tables key by key, all
    /// else as a whole.
    pub(super) fn below(&self, path: &str, definition: &mut toml::Table, origins: &mut Origins) {
        let own = std::mem::replace(definition, self.sets.clone());
        join(definition, own);
        let (mut document, _) = DeTable::parse_recoverable(&self.source.text);
        document.get_mut().remove(DESCRIPTION);
        origins.record_below(path, Layer::Preset, &self.source, document.get_ref());
    }
}

impl Loaded {
    /// Whether a loop of this configuration could work by a preset, whatever the loop itself says.
    ///
    /// # Errors
    /// What in the preset no loop here can be.
    pub fn tries(&self, preset: &Preset) -> Result<(), Problems> {
        let anyone = self.config.agent_names().first().copied().unwrap_or_default();
        // What a preset may leave to the loop is taken as given by it.
        let given = [("name", preset.name.as_str()), ("objective", "x"), ("actor", anyone), ("stronger", anyone)];
        let given = given.into_iter().filter(|(key, _)| !preset.sets.contains_key(*key));
        let mut definition: toml::Table = given.map(|(key, value)| (key.to_owned(), value.into())).collect();
        let mut origins = Origins::default();
        preset.below(PRESET, &mut definition, &mut origins);
        match definition.try_into::<Loop>() {
            Ok(definition) => validate_loop(&self.config, &origins, PRESET, &definition),
            Err(error) => Err(Problem::new(format!("the preset does not fit: {}", error.message())).into()),
        }
    }
}

/// The schema says less than a loop's type does; this finds what is left, with its place.
fn typed(mut document: Spanned<DeTable<'_>>) -> Result<(), toml::de::Error> {
    let name = Spanned::new(0..0, DeValue::String(Cow::Borrowed("preset")));
    document.get_mut().insert(Spanned::new(0..0, Cow::Borrowed("name")), name);
    Loop::deserialize(Deserializer::from(document)).map(drop)
}

/// The JSON Schema of a `preset.toml`; made once.
pub fn preset_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schema_of::<Loop>();
        schema["title"] = json!(PRESET_FILE);
        schema["description"] = json!("A way of working. A loop takes from it what it does not say itself.");
        if let Some(root) = schema.as_object_mut() {
            root.remove("required");
        }
        if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            keys.retain(|key, _| OWN_KEYS.iter().all(|(own, _)| own != key));
            // What is absent is as the loop says, and not yet a default.
            keys.values_mut().filter_map(Value::as_object_mut).for_each(|key| drop(key.remove("default")));
            let about = json!({"type": "string", "minLength": 1, "description": "One line for `loopdash presets`."});
            keys.insert(DESCRIPTION.to_owned(), about);
        }
        schema
    })
}

/// Whether a text can name a preset, which is a directory's name.
///
/// # Errors
/// Says what one is made of, as a fragment.
pub(super) fn check_preset_name(name: &str) -> Result<(), &'static str> {
    let wrong = "letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first";
    if is_lock_name(name) { Ok(()) } else { Err(wrong) }
}

/// How a bundled preset's file is called to the user.
pub(super) fn bundled_name(name: &str) -> String {
    format!("<bundled>/{}/{PRESET_FILE}", visible(name))
}
