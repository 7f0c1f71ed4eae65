//! Where presets are found: the repository's own, the user's, and those that come with loopdash. [`Shelf`] looks in this
//! order, and what is found first is meant.

use super::diagnostics::{Place, Problem, Problems, Source};
use super::layers::{LoadOptions, read_text, repository_root, shown_path, user_file};
use super::preset::{PRESET_FILE, Preset, PresetSource, bundled_name, check_preset_name};
use crate::loops::core::gate::is_lock_name;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The repository's folder of presets, from its root.
pub const REPOSITORY_PRESETS: &str = ".loopdash/presets";
/// The presets that come with loopdash, by name, as TOML.
const BUNDLED: [(&str, &str); 4] = [
    ("careful", include_str!("../../../presets/careful/preset.toml")),
    ("overnight", include_str!("../../../presets/overnight/preset.toml")),
    ("quick", include_str!("../../../presets/quick/preset.toml")),
    ("refactor", include_str!("../../../presets/refactor/preset.toml")),
];
/// The largest preset that is read, in bytes.
const LARGEST_PRESET: u64 = 256 << 10;
/// The most entries of a folder that are looked at for names.
const MOST_NAMES: usize = 1000;

/// The folders that presets are looked for in, and what was asked for.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    folders: Vec<Folder>,
}

#[derive(Clone, Debug)]
struct Folder {
    from: PresetSource,
    path: PathBuf,
    /// How it is called to the user.
    shown: String,
    /// What nothing in it may lead out of, links followed. The links in a user's own folder are the user's.
    bounds: Option<PathBuf>,
}

/// A name that a loop may give, and what it means here.
#[derive(Debug)]
pub struct Shelved {
    /// The name.
    pub name: String,
    /// Where it was found first.
    pub from: PresetSource,
    /// Where else there is one of this name, which is not meant.
    pub hides: Vec<PresetSource>,
    /// The preset, or what is wrong with it.
    pub preset: Result<Preset, Problems>,
}

impl Shelf {
    /// The folders for where the configuration is looked for.
    pub fn new(options: &LoadOptions) -> Self {
        let root = repository_root(&options.cwd).unwrap_or_else(|| options.cwd.clone());
        let path = root.join(REPOSITORY_PRESETS);
        let shown = path
            .strip_prefix(&options.cwd)
            .map_or_else(|_| path.display().to_string(), |inner| inner.display().to_string());
        let own = Folder { from: PresetSource::Repository, path, shown, bounds: Some(root) };
        let user = user_file(&options.env).and_then(|file| Some(file.parent()?.join("presets")));
        let user = user.map(|path| {
            let shown = shown_path(&path, &options.env);
            Folder { from: PresetSource::User, path, shown, bounds: None }
        });
        Self { folders: [Some(own), user].into_iter().flatten().collect() }
    }

    /// The preset that `name` means, asked for at `place`.
    ///
    /// # Errors
    /// It is no name, there is none of it, or it is wrong inside.
    pub fn find(&self, name: &str, place: Option<Place>) -> Result<Preset, Problems> {
        if let Err(label) = check_preset_name(name) {
            return Err(Problem::new(format!("`{name}` cannot name a preset")).at(place).label(label).into());
        }
        let found = self.folders.iter().find(|folder| folder.path.join(name).symlink_metadata().is_ok());
        if let Some(folder) = found {
            return folder.preset(name, place);
        }
        if let Some(preset) = bundled(name) {
            return preset;
        }
        let names = self.names();
        let problem = Problem::new(format!("there is no preset `{name}`")).label("no preset is called so");
        Err(problem.at(place).nearest(name, names.keys().map(String::as_str), "presets").into())
    }

    /// Every preset that a loop may name, by name.
    pub fn all(&self) -> Vec<Shelved> {
        let names = self.names().into_iter();
        let shelved = names.filter_map(|(name, mut sources)| {
            let from = (!sources.is_empty()).then(|| sources.remove(0))?;
            Some(Shelved { preset: self.find(&name, None), name, from, hides: sources })
        });
        shelved.collect()
    }

    /// Where else there is a preset of this name, which is not meant.
    pub fn hidden(&self, name: &str) -> Vec<PresetSource> {
        self.names().remove(name).into_iter().flatten().skip(1).collect()
    }

    /// All names, each with where it is found, in order.
    fn names(&self) -> BTreeMap<String, Vec<PresetSource>> {
        let own = self.folders.iter().flat_map(|folder| folder.names().into_iter().map(|name| (name, folder.from)));
        let bundled = BUNDLED.iter().map(|(name, _)| ((*name).to_owned(), PresetSource::Bundled));
        let mut names: BTreeMap<String, Vec<PresetSource>> = BTreeMap::new();
        for (name, from) in own.chain(bundled) {
            names.entry(name).or_default().push(from);
        }
        names
    }
}

/// The preset of this name that comes with loopdash.
fn bundled(name: &str) -> Option<Result<Preset, Problems>> {
    let (_, text) = BUNDLED.iter().find(|(known, _)| *known == name)?;
    let source = Source { name: bundled_name(name), text: (*text).to_owned() };
    Some(Preset::read(name, PresetSource::Bundled, source))
}

impl Folder {
    fn preset(&self, name: &str, place: Option<Place>) -> Result<Preset, Problems> {
        let shown = format!("{}/{name}/{PRESET_FILE}", self.shown);
        let text = self.file(name).and_then(|file| read_text(&file, LARGEST_PRESET));
        match text {
            Ok(text) => Preset::read(name, self.from, Source { name: shown, text }),
            Err(error) => {
                Err(Problem::new(format!("cannot read {shown}: {error}")).at(place).label("named here").into())
            }
        }
    }

    /// The file of a preset, links followed as far as they may lead.
    fn file(&self, name: &str) -> Result<PathBuf, String> {
        let file = self.path.join(name).join(PRESET_FILE);
        let Some(bounds) = &self.bounds else { return Ok(file) };
        let real = |path: &Path| match path.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err("no such file".to_owned()),
            real => real.map_err(|error| error.to_string()),
        };
        let (bounds, folder, file) = (real(bounds)?, real(&self.path)?, real(&file)?);
        if !folder.starts_with(&bounds) {
            return Err(format!("{REPOSITORY_PRESETS} is a link that leads out of the repository"));
        }
        if !file.starts_with(&folder) {
            return Err(format!("a link leads out of {REPOSITORY_PRESETS}"));
        }
        Ok(file)
    }

    /// What in the folder could be a preset, by name.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten().take(MOST_NAMES);
        let names = entries.filter_map(|entry| {
            // A loose file, such as a README, is no preset.
            let folder = entry.path().is_dir() || entry.path().is_symlink();
            entry.file_name().into_string().ok().filter(|name| folder && is_lock_name(name))
        });
        names.collect()
    }
}
