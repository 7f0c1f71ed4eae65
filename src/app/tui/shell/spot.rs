//! The file and line that the open pane's search hit, or the top of its view, is on: what the editor opens.
//!
//! Paths are what agents and gates wrote; only what lies in the worktree is opened.

use super::Shell;
use crate::app::tui::ui::{Pane, SearchState};
use crate::app::view::diff_doc::{DiffDoc, Row};
use crate::app::view::{diff_key, verdict};
use crate::loops::core::state::{RunState, Workspace};
use std::path::{Path, PathBuf};

/// A file to edit, and the line to stand on.
pub(super) type Spot = (PathBuf, Option<u32>);

/// Longer words are no paths.
const LONGEST_PATH: usize = 1024;

impl Shell {
    /// What the cursor is on in the worktree at `place`.
    ///
    /// # Errors
    /// Why it is on no file, as a fragment.
    pub(super) fn under_cursor(&self, state: &RunState, place: &Workspace) -> Result<Spot, String> {
        let root = Path::new(&place.path);
        let hit = self.ui.search.as_ref().and_then(SearchState::line);
        match self.ui.pane {
            Pane::Diff => {
                let key = diff_key(state, self.ui.scope).ok_or("there is no diff yet")?;
                let Some(Ok(doc)) = self.loaded.diff(&key) else {
                    return Err("the diff is still being read".to_owned());
                };
                let row = hit.and_then(|row| usize::try_from(row).ok()).unwrap_or(self.ui.tops.diff);
                let (file, line) = diff_spot(doc, row).ok_or("nothing has changed yet")?;
                inside(root, &file, line)
            }
            Pane::Verdict => {
                let at = self.ui.finding.ok_or("no finding that names a file is in view")?;
                let (file, line) = verdict::place_of(state, at).ok_or("that finding names no file")?;
                inside(root, Path::new(file), line)
            }
            Pane::Tests => {
                let file = state.spec.as_ref().and_then(|spec| spec.tests_file.as_deref());
                Ok((PathBuf::from(file.ok_or("its tests come from no file")?), None))
            }
            Pane::Output => Ok(named_in(root, &self.output_lines(hit)).unwrap_or_else(|| (root.to_owned(), None))),
            Pane::Gates => {
                let shown = self.loaded.tail.as_ref().filter(|(key, _)| key.run == state.id);
                let lines: Vec<String> = shown.into_iter().flat_map(|(_, lines)| lines).map(text_of).collect();
                Ok(named_in(root, &lines).unwrap_or_else(|| (root.to_owned(), None)))
            }
            Pane::Timeline => Ok((root.to_owned(), None)),
        }
    }

    /// The lines of output that are looked through for a path: the hit, else those in view from the top on; while the end
    /// is followed, the latest first.
    fn output_lines(&self, hit: Option<u64>) -> Vec<String> {
        let (page, height) = (&self.loaded.page, u16::try_from(self.ui.page).unwrap_or(u16::MAX));
        let (from, count) = match (hit, self.ui.output.top) {
            (Some(line), _) => (line, 1),
            (None, Some((line, _))) => (line, height),
            (None, None) => (page.doc.total().saturating_sub(u64::from(height)), height),
        };
        let seen = page.seen(from, count);
        let lines = seen.iter().filter_map(|(_, _, line)| Some(text_of((*line)?)));
        if hit.is_none() && self.ui.output.top.is_none() { lines.rev().collect() } else { lines.collect() }
    }
}

fn text_of(line: &crate::widgets::transcript::StyledLine) -> String {
    line.spans.iter().map(|(text, _)| text.as_str()).collect()
}

/// A file of the worktree that an agent named; one that leads out of it is refused.
fn inside(root: &Path, file: &Path, line: Option<u32>) -> Result<Spot, String> {
    let path = root.join(file);
    let real = path.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    let real_root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    if real.starts_with(real_root) {
        Ok((path, line))
    } else {
        Err(format!("{} leads out of the worktree", file.display()))
    }
}

/// The first `path:line` in these lines that is a file of the worktree.
fn named_in(root: &Path, lines: &[String]) -> Option<Spot> {
    let words = lines.iter().flat_map(|line| line.split(|c: char| c.is_whitespace() || "()[]{}<>'\"`,;│".contains(c)));
    words.filter_map(path_and_line).find_map(|(file, line)| {
        let spot = inside(root, Path::new(file), Some(line)).ok()?;
        spot.0.is_file().then_some(spot)
    })
}

/// `src/a.rs:12`, with or without what follows: `:5`, `:in`.
fn path_and_line(word: &str) -> Option<(&str, u32)> {
    let word = Some(word).filter(|word| word.len() <= LONGEST_PATH)?;
    word.match_indices(':').find_map(|(at, _)| {
        let (file, rest) = (word.get(..at)?, word.get(at + 1..)?);
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        let line = digits.parse().ok().filter(|line| *line > 0)?;
        (!file.is_empty()).then_some((file, line))
    })
}

/// The file at a row of the diff, and its first line from there on.
fn diff_spot(doc: &DiffDoc, top: usize) -> Option<Spot> {
    use std::os::unix::ffi::OsStrExt;
    let rows = doc.rows();
    let top = top.min(rows.len().checked_sub(1)?);
    let file = doc.file_at(top)?;
    let of_file = rows.get(top..)?.iter().find_map(|row| match row {
        Row::Line(f, h, l) if *f == file => doc.line(*f, *h, *l).and_then(|(line, _)| line.new_no),
        _ => None,
    });
    let path = std::ffi::OsStr::from_bytes(&doc.diff().files.get(file)?.path_bytes);
    Some((PathBuf::from(path), of_file))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_line_is_found_in_what_compilers_and_tests_print() {
        for (word, expected) in [
            ("src/a.rs:12:5", Some(("src/a.rs", 12))),
            ("src/a.rs:12", Some(("src/a.rs", 12))),
            ("test.py:3:in", Some(("test.py", 3))),
            ("--> src/a.rs", None),
            ("http://host:80/x", Some(("http://host", 80))),
            (":7", None),
            ("a:0", None),
            ("a:99999999999", None),
        ] {
            assert_eq!(path_and_line(word), expected, "{word}");
        }
    }

    #[test]
    fn only_what_lies_in_the_worktree_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::write(root.join("src/a.rs"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link")).unwrap();
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let printed =
            lines(&["error: no", "../secret:1 link:2 src:3 gone.rs:4", "  --> (src/a.rs:12:5)", "src/a.rs:1"]);
        assert_eq!(named_in(&root, &printed), Some((root.join("src/a.rs"), Some(12))));
        assert_eq!(named_in(&root, &lines(&["../secret:1", "link:2"])), None);
        let absolute = format!("{}:9", root.join("src/a.rs").display());
        assert_eq!(named_in(&root, &[absolute]), Some((root.join("src/a.rs"), Some(9))));
    }
}
