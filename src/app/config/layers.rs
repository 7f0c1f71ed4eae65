//! The layers of the configuration, lowest first: user file, project file, `LOOPDASH_*` variables, flags.
//!
//! [`load`] checks each layer by itself, so that a mistake is shown where it stands, then merges them as tables.

use super::check::check;
use super::diagnostics::{Place, Problem, Problems, Source};
use super::file::Config;
use super::origin::{Layer, Origins, child, element};
use super::preset::Preset;
use super::schema::{config_schema, keys, property, resolve};
use super::shelf::Shelf;
use super::validate::validate;
use crate::loops::agent::profile;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use toml::de::DeTable;

/// The project's configuration file.
pub const PROJECT_FILE: &str = "loopdash.toml";
/// What the variables that set a configuration value start with.
const ENV_PREFIX: &str = "LOOPDASH_";
/// Sections whose keys can be set by variables: `LOOPDASH_<SECTION>_<KEY>`.
const ENV_SECTIONS: [&str; 2] = ["engine", "ui"];
/// The largest configuration file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// What [`load`] looks at; nothing else of the process is read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Where to look for the project file, upward to the repository's root.
    pub cwd: PathBuf,
    /// A file to read instead of the project file.
    pub config_file: Option<PathBuf>,
    /// `KEY=VALUE` from flags, such as `engine.cap=4`.
    pub set: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
}

impl LoadOptions {
    /// Options with this process's environment; variables that are not UTF-8 are not ours and left out.
    pub fn from_process(cwd: PathBuf, config_file: Option<PathBuf>, set: Vec<String>) -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { cwd, config_file, set, env }
    }
}

/// A configuration, checked, with where everything in it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    /// Where they came from.
    pub origins: Origins,
    /// The files that were read, lowest layer first.
    pub files: Vec<(Layer, PathBuf)>,
    /// The presets that loops name, by name.
    pub presets: BTreeMap<String, Preset>,
    /// Where presets are found.
    pub shelf: Shelf,
    /// The loops as they were written, before their presets were put below them.
    pub(super) written: Vec<toml::Table>,
}

impl Loaded {
    /// The project file, or the one given with `--config`, if there is one.
    pub fn project_file(&self) -> Option<&Path> {
        self.files.iter().find(|(layer, _)| *layer == Layer::Project).map(|(_, path)| path.as_path())
    }
}

/// The root of the repository that `cwd` is in: the nearest directory upward that holds `.git`.
pub fn repository_root(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors().find(|directory| directory.join(".git").symlink_metadata().is_ok()).map(Path::to_path_buf)
}

/// The project file for `cwd`: the nearest upward, not above the repository's root; outside a repository only in `cwd`.
pub fn project_file(cwd: &Path) -> Option<PathBuf> {
    let root = repository_root(cwd).unwrap_or_else(|| cwd.to_path_buf());
    cwd.ancestors()
        .take_while(|directory| directory.starts_with(&root))
        .map(|directory| directory.join(PROJECT_FILE))
        .find(|path| path.symlink_metadata().is_ok())
}

/// The user's configuration file, whether or not it exists: `$XDG_CONFIG_HOME/loopdash/config.toml`, else under
/// `~/.config`.
pub fn user_file(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join("loopdash").join("config.toml"))
}

/// Reads, checks and merges all layers.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn load(options: &LoadOptions) -> Result<Loaded, Problems> {
    let mut merge = Merge::default();
    let mut files = Vec::new();
    if let Some(path) = user_file(&options.env).filter(|path| path.exists()) {
        merge.file(Layer::User, &path, shown_path(&path, &options.env));
        files.push((Layer::User, path));
    }
    if let Some(path) = options.config_file.clone().or_else(|| project_file(&options.cwd)) {
        let shown = path.strip_prefix(&options.cwd).unwrap_or(&path).display().to_string();
        merge.file(Layer::Project, &path, shown);
        files.push((Layer::Project, path));
    }
    merge.environment(&options.env);
    for setting in &options.set {
        merge.setting(setting);
    }
    let shelf = Shelf::new(options);
    let written = merge.loops();
    let presets = merge.presets(&shelf);
    let (config, origins) = merge.finish()?;
    let mut problems = Problems::default();
    validate(&config, &origins, &mut problems);
    problems.or(Loaded { config, origins, files, presets, shelf, written })
}

/// A path under the home directory with `~`.
pub(super) fn shown_path(path: &Path, env: &BTreeMap<String, String>) -> String {
    let home = env.get("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// Reads a text file of bounded size.
///
/// # Errors
/// Not there, not a file, too large, not UTF-8: as a fragment.
pub(super) fn read_text(path: &Path, largest: u64) -> Result<String, String> {
    // Opening a FIFO would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| reason(&error))?;
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > largest {
        return Err(format!("larger than {} KiB", largest >> 10));
    }
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
}

/// An error of the system without its number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

struct Merge {
    table: toml::Table,
    origins: Origins,
    problems: Problems,
}

impl Default for Merge {
    /// Below all layers lie the bundled profiles.
    fn default() -> Self {
        static BUNDLED: LazyLock<toml::Table> = LazyLock::new(|| {
            let tables =
                profile::BUNDLED.iter().filter_map(|(name, text)| Some((*name, text.parse::<toml::Table>().ok()?)));
            tables.map(|(name, table)| (name.to_owned(), toml::Value::Table(table))).collect()
        });
        let table = toml::Table::from_iter([("profiles".to_owned(), toml::Value::Table(BUNDLED.clone()))]);
        Self { table, origins: Origins::default(), problems: Problems::default() }
    }
}

impl Merge {
    fn file(&mut self, layer: Layer, path: &Path, shown: String) {
        match read_text(path, LARGEST_FILE) {
            Ok(text) => self.layer(layer, Source { name: shown, text }),
            Err(error) => self.problems.0.push(Problem::new(format!("cannot read {shown}: {error}"))),
        }
    }

    /// Variables become lines of TOML, so that they are checked and shown like everything else.
    fn environment(&mut self, env: &BTreeMap<String, String>) {
        let root = config_schema();
        let mut known = BTreeMap::new();
        for section in ENV_SECTIONS {
            let Some(table) = property(root, root, section) else { continue };
            for key in keys(root, table) {
                let name = format!("{ENV_PREFIX}{}_{}", section.to_uppercase(), key.to_uppercase());
                known.insert(name, (format!("{section}.{key}"), property(root, table, key)));
            }
        }
        for (name, value) in env {
            let Some((path, schema)) = known.get(name) else {
                if ENV_SECTIONS.iter().any(|section| {
                    name.strip_prefix(ENV_PREFIX)
                        .is_some_and(|rest| rest.starts_with(&format!("{}_", section.to_uppercase())))
                }) {
                    let problem = Problem::new(format!("unknown variable {name}"));
                    self.problems.0.push(problem.nearest(name, known.keys().map(String::as_str), "known variables"));
                }
                continue;
            };
            let expected = schema.map(|schema| resolve(root, schema).0).and_then(|schema| schema.get("type")?.as_str());
            let number = expected == Some("integer") && value.trim().parse::<i64>().is_ok();
            let shown = if number { value.trim().to_owned() } else { toml::Value::from(value.as_str()).to_string() };
            self.layer(Layer::Environment, Source { name: name.clone(), text: format!("{path} = {shown}") });
        }
    }

    /// `KEY=VALUE`, the value as TOML, or as a string where it is none.
    fn setting(&mut self, setting: &str) {
        let name = "--set".to_owned();
        let Some((key, value)) = setting.split_once('=') else {
            let problem = Problem::new(format!("`--set {setting}` has no `=`"));
            return self.problems.0.push(problem.help("write it like `--set engine.cap=4`"));
        };
        let mut text = format!("{} = {}", key.trim(), value.trim());
        if DeTable::parse(&text).is_err() {
            text = format!("{} = {}", key.trim(), toml::Value::from(value.trim()));
        }
        self.layer(Layer::Flag, Source { name, text });
    }

    fn layer(&mut self, layer: Layer, source: Source) {
        let source = Arc::new(source);
        let (document, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            self.problems.0.extend(errors.iter().map(|error| syntax(error, &source)));
            return;
        }
        let before = self.problems.0.len();
        check(config_schema(), &source, &document, &mut self.problems);
        if self.problems.0.len() > before {
            return;
        }
        // The schema says less than the types do; this finds what is left, with its place.
        if let Err(error) = toml::from_str::<Config>(&source.text) {
            return self.problems.0.push(syntax(&error, &source));
        }
        match source.text.parse::<toml::Table>() {
            Ok(table) => join(&mut self.table, table),
            Err(error) => return self.problems.0.push(syntax(&error, &source)),
        }
        self.origins.record(layer, &source, document.get_ref());
    }

    /// The tables of all loops.
    fn loops(&self) -> Vec<toml::Table> {
        let loops = self.table.get("loop").and_then(toml::Value::as_array).into_iter().flatten();
        loops.filter_map(toml::Value::as_table).cloned().collect()
    }

    /// Puts below each loop the preset that it names, and gives these.
    fn presets(&mut self, shelf: &Shelf) -> BTreeMap<String, Preset> {
        // What is wrong with a preset is told once, however many loops name it.
        let mut found: BTreeMap<String, Option<Preset>> = BTreeMap::new();
        let loops = self.table.get_mut("loop").and_then(toml::Value::as_array_mut).into_iter().flatten();
        for (index, definition) in loops.filter_map(toml::Value::as_table_mut).enumerate() {
            let path = element("loop", index);
            let Some(name) = definition.get("preset").and_then(toml::Value::as_str).map(str::to_owned) else {
                continue;
            };
            let preset = found.entry(name.clone()).or_insert_with(|| {
                let found = shelf.find(&name, self.origins.value(&child(&path, "preset")));
                found.map_err(|problems| self.problems.0.extend(problems.0)).ok()
            });
            if let Some(preset) = preset {
                preset.below(&path, definition, &mut self.origins);
            }
        }
        found.into_iter().filter_map(|(name, preset)| Some((name, preset?))).collect()
    }

    fn finish(self) -> Result<(Config, Origins), Problems> {
        let table = self.problems.or(self.table)?;
        match table.try_into::<Config>() {
            Ok(config) => Ok((config, self.origins)),
            Err(error) => Err(Problem::new(format!("the layers do not fit together: {}", error.message())).into()),
        }
    }
}

/// A problem from what the parser says.
pub(super) fn syntax(error: &toml::de::Error, source: &Arc<Source>) -> Problem {
    let place = error.span().map(|span| Place { source: Arc::clone(source), span });
    Problem::new(error.message()).at(place)
}

/// Later wins: tables are joined key by key, everything else is replaced.
pub(super) fn join(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => join(inner, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
