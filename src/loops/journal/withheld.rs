//! Secrets that the operator wrote into a loop: the journal has words for them, and `withheld.json` beside it says for which.
//!
//! Whoever reads the journal here gets back what was written, so that a run works with it; where the file is gone, the words
//! are left. An agent's words are masked for good before they come here.

use super::atomic::replace;
use crate::loops::core::event::{Event, Record};
use crate::loops::mask::{learn_from, replace_in_record};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name.
const FILE: &str = "withheld.json";
/// What a word begins with; digits that nobody can guess and a bracket follow.
const OPENING: &str = "[masked:";
/// How long a word is.
const LENGTH: usize = OPENING.len() + 16 + 1;
/// The types of records that hold what the operator wrote, as they begin in a line.
const TYPES: [&str; 5] = ["submitted", "test_added", "guidance", "answered", "agent_set"];

/// The secrets of one run.
#[derive(Debug)]
pub(super) struct Withheld {
    path: PathBuf,
    /// By the word that stands for it; `None` until the file was read.
    secrets: Option<BTreeMap<String, String>>,
}

impl Withheld {
    /// Those that are kept beside a journal.
    pub(super) fn beside(journal: &Path) -> Self {
        Self { path: journal.with_file_name(FILE), secrets: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The record as it is to stand in the journal. The secrets taken from it are on disk by then.
    ///
    /// # Errors
    /// They cannot be kept.
    pub(super) fn withhold<'a>(&mut self, record: &'a Record) -> io::Result<Cow<'a, Record>> {
        let written = matches!(
            record.event,
            Event::Submitted(_) | Event::TestAdded(_) | Event::Guidance(_) | Event::Answered(_) | Event::AgentSet(_)
        );
        if !written {
            return Ok(Cow::Borrowed(record));
        }
        learn_from(&record.event);
        let mut secrets = self.secrets().clone();
        let before = secrets.len();
        let free = replace_in_record(record, &mut |secret| {
            let known = secrets.iter().find(|(_, known)| *known == secret).map(|(word, _)| word.clone());
            known.unwrap_or_else(|| {
                let word = new_word();
                secrets.insert(word.clone(), secret.to_owned());
                word
            })
        });
        let Some(free) = free else { return Ok(Cow::Borrowed(record)) };
        if secrets.len() > before {
            replace(&self.path, serde_json::to_string_pretty(&secrets)?.as_bytes())?;
        }
        self.secrets = Some(secrets);
        Ok(Cow::Owned(free))
    }

    /// A line of the journal with what its words stand for.
    pub(super) fn restore<'a>(&mut self, json: &'a str) -> Cow<'a, str> {
        let written = || TYPES.iter().any(|kind| json.contains(&format!("\"type\":\"{kind}\"")));
        if !json.contains(OPENING) || !written() {
            return Cow::Borrowed(json);
        }
        let (mut out, mut rest) = (String::new(), json);
        while let Some(at) = rest.find(OPENING) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let word = from.get(..LENGTH);
            match word.and_then(|word| self.secrets().get(word)) {
                Some(secret) => {
                    // As it stands in a string.
                    let quoted = serde_json::Value::from(secret.as_str()).to_string();
                    out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                    rest = from.get(LENGTH..).unwrap_or_default();
                }
                None => {
                    out.push_str(OPENING);
                    rest = from.get(OPENING.len()..).unwrap_or_default();
                }
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// What the file holds; nothing where it is gone or cannot be read.
    fn secrets(&mut self) -> &BTreeMap<String, String> {
        self.secrets.get_or_insert_with(|| {
            let read = super::replay::open_plain(&self.path).ok();
            read.and_then(|file| serde_json::from_reader(std::io::BufReader::new(file)).ok()).unwrap_or_default()
        })
    }
}

/// A word that stands nowhere else.
fn new_word() -> String {
    let digits = uuid::Uuid::new_v4().simple().to_string();
    format!("{OPENING}{}]", digits.get(..16).unwrap_or_default())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::event::{Guidance, When};
    use crate::loops::core::ids::Who;
    use crate::loops::journal::testing::{life, number, run};
    use crate::loops::journal::{JournalWriter, Store, read};
    use std::os::unix::fs::PermissionsExt;

    const TOKEN: &str = "ghp_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3";
    const HUSH: &str = "quite \"secret\"";

    fn record() -> Record {
        let mut record = life(run(7)).remove(0);
        if let Event::Submitted(e) = &mut record.event {
            e.spec.objective = format!("Log in with {TOKEN}, and again with {TOKEN} now.");
            e.spec.actor.env.insert("LIT_API_KEY".to_owned(), HUSH.to_owned());
            e.spec.actor.env.insert("PLAIN".to_owned(), "word".to_owned());
        }
        record
    }

    #[test]
    fn the_journal_has_words_for_secrets_and_gives_them_back() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Store::open(dir.path()).unwrap().run_dir(run(7));
        let mut writer = JournalWriter::create(&dir).unwrap();
        writer.append(&[record()]).unwrap();
        writer.sync().unwrap();
        drop(writer);
        let text = std::fs::read_to_string(dir.journal()).unwrap();
        assert!(!text.contains(TOKEN) && !text.contains("quite ") && text.contains("ghp_[masked:"), "{text}");
        assert_eq!(read(&dir).unwrap().records, [record()], "what was written is read");
        let file = dir.journal().with_file_name(FILE);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let kept: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(kept.len(), 2, "the same secret has one word: {kept:?}");
        std::fs::remove_file(file).unwrap();
        let left = read(&dir).unwrap().records;
        let Some(Event::Submitted(e)) = left.first().map(|record| &record.event) else { panic!("{left:?}") };
        assert!(e.spec.objective.starts_with("Log in with ghp_[masked:"), "{}", e.spec.objective);
        assert!(crate::loops::mask::is_masked(&e.spec.actor.env["LIT_API_KEY"]));
    }

    #[test]
    fn words_are_taken_back_only_where_the_operator_writes() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.jsonl");
        let mut withheld = Withheld::beside(&journal);
        let Cow::Owned(free) = withheld.withhold(&record()).unwrap() else { panic!("nothing was withheld") };
        let Event::Submitted(e) = free.event else { panic!() };
        let word = e.spec.actor.env["LIT_API_KEY"].clone();
        for line in [
            format!(r#"{{"type":"verdict_reached","summary":"{word}"}}"#),
            r#"{"type":"submitted","a":"[masked:", "b":"[masked:0123456789abcdef]"}"#.to_owned(),
        ] {
            assert_eq!(Withheld::beside(&journal).restore(&line), line.as_str(), "not ours to give");
        }
        let line = format!(r#"{{"type":"guidance","text":"{word}"}}"#);
        let given = Withheld::beside(&journal).restore(&line).into_owned();
        assert_eq!(given, r#"{"type":"guidance","text":"quite \"secret\""}"#);
        let note = Guidance { id: 1, text: "plain".to_owned(), when: When::Next, who: Who::Operator };
        let note = number(run(7), [note.into()]).remove(0);
        assert!(matches!(withheld.withhold(&note).unwrap(), Cow::Borrowed(_)));
    }
}
