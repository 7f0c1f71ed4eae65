//! How a step was launched, beside what the journal says of it: `launch.json` in the step's directory.
//! It is for a person's eyes; nothing that loopdash decides depends on it.

use crate::loops::core::agent::PromptRoute;
use crate::loops::mask::{Mask, is_reference, is_secret_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The file's name.
const FILE: &str = "launch.json";

/// How a step was launched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launched {
    /// Variables added to loopdash's own environment, as they were configured: a reference `${NAME}` stays one. `None`
    /// stands for a value that may be a secret and was not written down.
    pub added: BTreeMap<String, Option<String>>,
    /// Variables of loopdash's own environment that were kept from it.
    pub dropped: Vec<String>,
    /// How the prompt reached it; `None` for what gets none.
    pub prompt: Option<PromptRoute>,
    /// What it was given on standard input.
    pub stdin: Option<Sent>,
    /// Whether it had a terminal of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
    /// The version that its program told when it was asked last; `None` where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Bytes that were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// How many.
    pub bytes: u64,
    /// Their name in git: what `git hash-object` says of the same bytes.
    pub blob: String,
}

impl Launched {
    /// Adds a variable to what was added, without its value if that may be a secret.
    pub fn add(&mut self, name: String, value: String) {
        let value = (!may_be_secret(&name, &value)).then(|| Mask::of_process().text(&value).into_owned());
        self.added.insert(name, value);
    }

    /// Writes it into a step's directory, which is made if needed, for nobody else to read. Blocks.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, dir: &Path) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(FILE))?;
        Ok(serde_json::to_writer(file, self)?)
    }

    /// Reads that of a step; `None` where there is none. Blocks.
    ///
    /// # Errors
    /// It cannot be read, or is not what it should be.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(dir.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether a variable may hold a secret: by its name, or because its value is an address with a password in it. A value
/// that only refers to another variable is none.
pub fn may_be_secret(name: &str, value: &str) -> bool {
    let address =
        value.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'));
    !is_reference(value) && (is_secret_name(name) || address)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_never_written() {
        for (name, value) in [("OPENAI_API_KEY", "sk-1"), ("NPM_AUTH", "x"), ("PROXY", "http://me:word@proxy:80/")] {
            assert!(may_be_secret(name, value), "{name}");
        }
        let plain =
            [("API_KEY", "${MY_KEY}"), ("GIT_AUTHOR_NAME", "ada"), ("PROXY", "http://proxy/a@b"), ("A", "${B}-${C}")];
        for (name, value) in plain {
            assert!(!may_be_secret(name, value), "{name}");
        }
        assert!(may_be_secret("API_KEY", "${A}plain}"), "more than a reference");
        let dir = tempfile::tempdir().unwrap();
        let mut launched = Launched::default();
        launched.add("API_KEY".to_owned(), "hush".to_owned());
        launched.add("PLAIN".to_owned(), "word".to_owned());
        launched.keep(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains("hush") && text.contains("word"), "{text}");
        assert_eq!(Launched::read(dir.path()).unwrap().unwrap(), launched);
    }

    #[test]
    fn where_none_was_kept_there_is_none_and_a_bad_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Launched::read(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Launched::read(dir.path()).is_err());
    }
}
