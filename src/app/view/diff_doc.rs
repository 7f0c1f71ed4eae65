//! A diff flattened into rows, and the syntax colours and changed words of those that were looked at: [`DiffDoc`].
//!
//! Colours arrive after the rows and are never waited for.

use crate::app::tui::update::DiffMark;
use crate::loops::core::weigh::{TestChange, judges};
use crate::loops::git::diff::{Diff, FileDiff, Hunk, Line, LineKind, Status};
use crate::widgets::theme::Role;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A row of the flattened diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A group of files begins, with this one: tests and settings of gates, or everything else.
    Group(usize, bool),
    /// What was weakened in a file, or, above the group's files, in files that are not here: file, remark.
    Weak(usize, usize),
    /// A file begins.
    File(usize),
    /// A remark instead of a file's hunks.
    Note(usize),
    /// Lines between two hunks, left out: file, hunk below.
    Gap(usize, usize),
    /// A hunk begins: file, hunk.
    Hunk(usize, usize),
    /// A line: file, hunk, line.
    Line(usize, usize, usize),
}

/// How a stretch of a line looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaintedSpan {
    /// Bytes of the line.
    pub bytes: Range<usize>,
    /// Its syntax.
    pub syntax: Option<Role>,
    /// Whether it is what changed.
    pub changed: bool,
}

/// The looks of hunks that were looked at, by file and hunk, line by line.
type Painted = HashMap<(usize, usize), Vec<Vec<PaintedSpan>>>;

/// A diff ready to be scrolled through.
#[derive(Debug)]
pub struct DiffDoc {
    diff: Diff,
    rows: Vec<Row>,
    /// The texts of the rows about weakened tests.
    weak: Vec<String>,
    marks: Vec<DiffMark>,
    painted: Mutex<Painted>,
}

impl DiffDoc {
    /// Flattens a diff. Tests and settings of gates are a group of their own, which comes first where `weighed` says that
    /// some were weakened, and else last.
    pub fn new(mut diff: Diff, weighed: &[TestChange]) -> Self {
        let of = |file: &FileDiff| weighed.iter().filter(|change| change.is_of(&file.path)).collect::<Vec<_>>();
        let in_tests = |file: &FileDiff| {
            let paths = [Some(file.path.as_str()), file.old_path.as_deref()];
            paths.into_iter().flatten().any(judges) || !of(file).is_empty()
        };
        diff.files.sort_by_cached_key(|file| in_tests(file) == weighed.is_empty());
        let groups: Vec<bool> = diff.files.iter().map(in_tests).collect();
        let headed = !weighed.is_empty() || (groups.contains(&true) && groups.contains(&false));
        let (mut rows, mut weak, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let mut remark = |rows: &mut Vec<Row>, f: usize, words: String| {
            rows.push(Row::Weak(f, weak.len()));
            weak.push(words);
        };
        let elsewhere: Vec<&TestChange> =
            weighed.iter().filter(|change| !diff.files.iter().any(|file| change.is_of(&file.path))).collect();
        if groups.first() == Some(&false) && !elsewhere.is_empty() {
            rows.push(Row::Group(0, true));
            elsewhere.iter().for_each(|change| remark(&mut rows, 0, change.words()));
        }
        for (f, (file, group)) in diff.files.iter().zip(&groups).enumerate() {
            marks.push(DiffMark { row: rows.len(), file: true });
            if headed && (f == 0 || groups.get(f - 1) != Some(group)) {
                rows.push(Row::Group(f, *group));
                if *group {
                    elsewhere.iter().for_each(|change| remark(&mut rows, f, change.words()));
                }
            }
            rows.push(Row::File(f));
            of(file).iter().for_each(|change| remark(&mut rows, f, change.in_file()));
            if file.hunks.is_empty() {
                rows.push(Row::Note(f));
            }
            for (h, hunk) in file.hunks.iter().enumerate() {
                if h > 0 && gap(file, h) > 0 {
                    rows.push(Row::Gap(f, h));
                }
                if h > 0 {
                    marks.push(DiffMark { row: rows.len(), file: false });
                }
                rows.push(Row::Hunk(f, h));
                rows.extend((0..hunk.lines.len()).map(|l| Row::Line(f, h, l)));
            }
        }
        Self { diff, rows, weak, marks, painted: Mutex::default() }
    }

    /// What is told of a file in the list of files: the first way in which it was weakened.
    pub fn weakened(&self, file: usize) -> Option<&str> {
        let at = self.rows.iter().position(|row| *row == Row::File(file))?;
        match self.rows.get(at + 1) {
            Some(Row::Weak(_, n)) => self.weak.get(*n).map(String::as_str),
            _ => None,
        }
    }

    /// The diff.
    pub const fn diff(&self) -> &Diff {
        &self.diff
    }

    /// Its rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Where files and hunks begin.
    pub fn marks(&self) -> &[DiffMark] {
        &self.marks
    }

    /// The file that a row belongs to.
    pub fn file_at(&self, row: usize) -> Option<usize> {
        self.rows.get(row).map(|row| match row {
            Row::Group(f, _)
            | Row::Weak(f, _)
            | Row::File(f)
            | Row::Note(f)
            | Row::Gap(f, _)
            | Row::Hunk(f, _)
            | Row::Line(f, ..) => *f,
        })
    }

    /// A hunk of a file.
    pub fn hunk(&self, file: usize, hunk: usize) -> Option<(&FileDiff, &Hunk)> {
        let file = self.diff.files.get(file)?;
        Some((file, file.hunks.get(hunk)?))
    }

    /// A line with its text.
    pub fn line(&self, file: usize, hunk: usize, line: usize) -> Option<(&Line, &str)> {
        let (file, hunk) = self.hunk(file, hunk)?;
        let line = hunk.lines.get(line)?;
        Some((line, file.line(line)))
    }

    /// What is seen of a row and can be searched: a file's names, a hunk's head, a line.
    pub fn text(&self, row: usize) -> Cow<'_, str> {
        let file = |f: &usize| self.diff.files.get(*f);
        match self.rows.get(row) {
            Some(Row::File(f)) => file(f).map_or(Cow::Borrowed(""), |file| match &file.old_path {
                Some(from) => Cow::Owned(format!("{from}\n{}", file.path)),
                None => Cow::Borrowed(file.path.as_str()),
            }),
            Some(Row::Group(_, tests)) => Cow::Borrowed(group_word(*tests)),
            Some(Row::Weak(_, n)) => Cow::Borrowed(self.weak.get(*n).map_or("", String::as_str)),
            Some(Row::Note(f)) => file(f).map_or(Cow::Borrowed(""), |file| Cow::Owned(remark(file))),
            Some(Row::Hunk(f, h)) => Cow::Borrowed(self.hunk(*f, *h).map_or("", |(_, hunk)| hunk.header.as_str())),
            Some(Row::Line(f, h, l)) => Cow::Borrowed(self.line(*f, *h, *l).map_or("", |(_, text)| text)),
            Some(Row::Gap(..)) | None => Cow::Borrowed(""),
        }
    }

    /// How a line looks; the whole line as one span while nobody has looked closer.
    pub fn spans(&self, file: usize, hunk: usize, line: usize) -> Vec<PaintedSpan> {
        let painted = self.painted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spans) = painted.get(&(file, hunk)).and_then(|lines| lines.get(line)) {
            return spans.clone();
        }
        let len = self.line(file, hunk, line).map_or(0, |(_, text)| text.len());
        vec![PaintedSpan { bytes: 0..len, syntax: None, changed: false }]
    }

    /// The hunks among `rows` that have no colours yet.
    pub fn unpainted(&self, rows: Range<usize>) -> Vec<(usize, usize)> {
        let painted = self.painted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hunks: Vec<(usize, usize)> = Vec::new();
        for row in self.rows.get(rows.start.min(self.rows.len())..rows.end.min(self.rows.len())).unwrap_or_default() {
            if let Row::Line(f, h, _) = row
                && hunks.last() != Some(&(*f, *h))
                && !painted.contains_key(&(*f, *h))
            {
                hunks.push((*f, *h));
            }
        }
        hunks
    }

    /// Takes the looks of a hunk's lines.
    pub fn paint(&self, file: usize, hunk: usize, lines: Vec<Vec<PaintedSpan>>) {
        self.painted.lock().unwrap_or_else(PoisonError::into_inner).insert((file, hunk), lines);
    }
}

/// The heading of a group of files.
pub const fn group_word(tests: bool) -> &'static str {
    if tests { "tests and settings of gates" } else { "everything else" }
}

/// Unchanged lines between a hunk and the one before it.
pub fn gap(file: &FileDiff, hunk: usize) -> u32 {
    let end = |hunk: &Hunk| {
        let lines = hunk.lines.iter().filter(|line| line.kind != LineKind::Added).count();
        hunk.old_start.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
    };
    let before = hunk.checked_sub(1).and_then(|before| file.hunks.get(before)).map_or(1, end);
    file.hunks.get(hunk).map_or(0, |hunk| hunk.old_start.saturating_sub(before))
}

/// Why a file has no hunks to show.
pub fn remark(file: &FileDiff) -> String {
    let (before, after) = file.modes;
    if file.binary {
        "binary: no lines to show".to_owned()
    } else if file.too_large {
        "too large to show here; `loopdash diff` prints it".to_owned()
    } else if file.status == Status::Gitlink {
        let short = |id: &str| id.get(..10).unwrap_or(id).to_owned();
        format!("submodule {} → {}", short(&file.ids.0), short(&file.ids.1))
    } else if before != after && before != 0 && after != 0 {
        format!("mode {before:o} → {after:o}")
    } else if file.status == Status::Renamed {
        "moved unchanged".to_owned()
    } else {
        "empty".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::weigh::TestChangeKind;

    fn doc(paths: &[&str], weighed: &[TestChange]) -> (DiffDoc, Vec<String>) {
        let file = |path: &&str| FileDiff {
            path: (*path).to_owned(),
            path_bytes: path.as_bytes().to_vec(),
            old_path: None,
            status: Status::Modified,
            insertions: 0,
            deletions: 0,
            binary: false,
            too_large: false,
            modes: (0, 0),
            ids: (String::new(), String::new()),
            hunks: Vec::new(),
            text: String::new(),
        };
        let diff = Diff { files: paths.iter().map(file).collect(), insertions: 0, deletions: 0 };
        let doc = DiffDoc::new(diff, weighed);
        let rows = (0..doc.rows().len()).filter(|row| !matches!(doc.rows()[*row], Row::Note(_)));
        let rows = rows.map(|row| doc.text(row).into_owned()).collect();
        (doc, rows)
    }

    #[test]
    fn tests_are_a_group_of_their_own_that_comes_first_where_they_were_weakened() {
        let fewer =
            TestChange { count: Some(2), ..TestChange::new(TestChangeKind::FewerAssertions, "src/b.rs".to_owned()) };
        let gone = TestChange::new(TestChangeKind::Deleted, "tests/z.rs".to_owned());
        let paths = ["src/a.rs", "src/b.rs", "tests/a.rs"];
        assert_eq!(doc(&paths[..2], &[]).1, ["src/a.rs", "src/b.rs"]);
        let (else_, tests) = (group_word(false), group_word(true));
        assert_eq!(doc(&paths, &[]).1, [else_, "src/a.rs", "src/b.rs", tests, "tests/a.rs"]);
        let (doc_, rows) = doc(&paths, &[fewer.clone(), gone.clone()]);
        let expected = [tests, "deleted tests/z.rs", "src/b.rs", "2 fewer assertions", "tests/a.rs", else_, "src/a.rs"];
        assert_eq!(rows, expected);
        assert_eq!((doc_.weakened(0), doc_.weakened(1)), (Some("2 fewer assertions"), None));
        let marks: Vec<usize> = doc_.marks().iter().map(|mark| mark.row).collect();
        assert_eq!(marks.len(), 3, "each file can be gone to");
        assert!(matches!(doc_.rows()[marks[2]], Row::Group(2, false)), "with the heading above it");
        assert_eq!(doc(&paths[..1], &[gone]).1, [tests, "deleted tests/z.rs", else_, "src/a.rs"]);
    }
}
