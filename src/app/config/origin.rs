//! Where each value of the merged configuration came from: [`Origins`], keyed by a path such as `loop[0].gate[1].command`.

use super::diagnostics::Place;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::diagnostics::Source;

/// What kind of source a layer is; later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The preset that a loop names; below what the loop says itself, in whatever layer that stands.
    Preset,
    /// The user's `config.toml`.
    User,
    /// The project's `loopdash.toml`, or the file given with `--config`.
    Project,
    /// A `LOOPDASH_*` variable.
    Environment,
    /// `--set` and other flags.
    Flag,
}

/// Where a value came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// From what kind of source.
    pub layer: Layer,
    /// Where its key stands; for an element of an array, where the element stands.
    pub key: Place,
    /// Where the value stands.
    pub value: Place,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.key.source.name;
        match self.layer {
            Layer::Preset | Layer::User | Layer::Project => write!(f, "{name}:{}", self.key.line()),
            Layer::Environment => write!(f, "env {name}"),
            Layer::Flag => write!(f, "flag {name}"),
        }
    }
}

/// The origin of every value that is not a default.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value at `path` came from; `None` for a default.
    pub fn get(&self, path: &str) -> Option<&Origin> {
        self.0.get(path)
    }

    /// Where the value at `path` stands, or else the nearest thing around it that was written.
    pub fn value(&self, path: &str) -> Option<Place> {
        self.nearest(path).map(|(origin, exact)| if exact { origin.value.clone() } else { origin.key.clone() })
    }

    /// Where the key at `path` stands, or else the nearest thing around it that was written.
    pub fn key(&self, path: &str) -> Option<Place> {
        self.nearest(path).map(|(origin, _)| origin.key.clone())
    }

    fn nearest(&self, path: &str) -> Option<(&Origin, bool)> {
        let mut around = path;
        loop {
            if let Some(origin) = self.0.get(around) {
                return Some((origin, around.len() == path.len()));
            }
            around = around.get(..around.rfind(['.', '['])?)?;
        }
    }

    /// Takes in the values of one more layer, as the merge does: tables are joined, everything else is replaced.
    pub(super) fn record(&mut self, layer: Layer, source: &Arc<Source>, document: &DeTable<'_>) {
        Recorder { origins: &mut self.0, layer, source }.table("", document);
    }

    /// Takes in the values of a table that was put below the one at `path`: those that are not there yet.
    pub(super) fn record_below(&mut self, path: &str, layer: Layer, source: &Arc<Source>, table: &DeTable<'_>) {
        for (key, value) in table {
            let inner = child(path, key.get_ref());
            match (self.0.contains_key(&inner), value.get_ref()) {
                (false, _) => Recorder { origins: &mut self.0, layer, source }.value(&inner, key.span(), value),
                (true, DeValue::Table(table)) => self.record_below(&inner, layer, source, table),
                (true, _) => {}
            }
        }
    }

    /// Forgets what a layer gave to the table at `path`.
    pub(super) fn forget(&mut self, path: &str, layer: Layer) {
        self.0.retain(|known, origin| origin.layer != layer || !is_inside(known, path));
    }

    /// Says where one value stands.
    pub(super) fn set(&mut self, path: &str, origin: Origin) {
        self.0.insert(path.to_owned(), origin);
    }
}

struct Recorder<'a> {
    origins: &'a mut BTreeMap<String, Origin>,
    layer: Layer,
    source: &'a Arc<Source>,
}

impl Recorder<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { source: Arc::clone(self.source), span }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.value(&child(path, key.get_ref()), key.span(), value);
        }
    }

    fn array(&mut self, path: &str, items: &DeArray<'_>) {
        for (index, item) in items.iter().enumerate() {
            self.value(&element(path, index), item.span(), item);
        }
    }

    fn value(&mut self, path: &str, key: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if !matches!(value.get_ref(), DeValue::Table(_)) {
            self.origins.retain(|known, _| !is_inside(known, path));
        }
        let origin = Origin { layer: self.layer, key: self.place(key), value: self.place(value.span()) };
        self.origins.insert(path.to_owned(), origin);
        match value.get_ref() {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(items) => self.array(path, items),
            _ => {}
        }
    }
}

/// Whether `path` names something inside `outer`.
fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The path of `key` in the table at `path`; a key that is no bare word is quoted.
pub fn child(path: &str, key: &str) -> String {
    let key = quoted(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The path of an element of the array at `path`.
pub fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// A key as TOML writes it.
pub fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_owned() } else { toml::Value::from(key).to_string() }
}
