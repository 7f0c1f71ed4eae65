//! Small facts for the watch over a run, gathered beside the steps that they are about: what a failed gate printed last,
//! which changes of the iteration before were taken back, and which findings' lines were worked on.
//!
//! Nothing here fails a step: without the evidence a signal is not raised.

use super::{Job, Workshop};
use crate::loops::agent::transcript::Transcript;
use crate::loops::core::event::UndoneHunk;
use crate::loops::core::watch::{digest_of_lines, mark_of};
use crate::loops::engine::order::{Order, Place};
use crate::loops::git::diff::{Diff, FileDiff, LineKind, between};
use crate::loops::git::{GitError, Workspace};
use std::collections::HashSet;
use std::path::PathBuf;

/// The end of a gate's output that says how it failed; long enough for all lines of most suites, whose order is another one
/// each time.
const TAIL_LINES: u64 = 2_000;
const TAIL_BYTES: usize = 128 * 1024;
/// More changed files than this are not gone through: such an iteration is nobody's small change and back.
const MOST_FILES: usize = 1_000;
/// Lines that a finding may have moved by.
const NEAR: u32 = 8;

/// What a snapshot's changes say about the iterations before.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Changes of the iteration before that were taken back.
    pub undone: Vec<UndoneHunk>,
    /// Findings whose lines were worked on, by their points.
    pub touched: Vec<u32>,
}

impl Workshop {
    /// The digest of what a gate printed last.
    pub(super) async fn gate_digest(&self, order: &Order) -> Option<String> {
        let dir = order.step_dir();
        tokio::task::spawn_blocking(move || failure_digest(&Transcript::open(&dir))).await.ok()?
    }

    /// What the snapshot `now` says, given that it changed so many files since the one before.
    pub(super) async fn evidence(&self, job: &Job, now: &str, files: usize) -> Evidence {
        let order = &job.order;
        let (Some(place), Some(last)) = (self.git_place(order), order.snapshot.clone()) else {
            return Evidence::default();
        };
        if files == 0 || files > MOST_FILES {
            return Evidence::default();
        }
        let Workspace { common_dir, base, .. } = place;
        let look = Look {
            common_dir,
            before: order.before.clone().unwrap_or(base),
            last,
            now: now.to_owned(),
            places: order.places.clone(),
        };
        let found = self.git.run(move || look.evidence()).await;
        found.inspect_err(|error| tracing::warn!(%error, "no evidence of what changed")).unwrap_or_default()
    }
}

/// The digest of the end of what a gate printed. Blocks.
pub fn failure_digest(output: &Transcript) -> Option<String> {
    let tail = output.tail(TAIL_LINES, TAIL_BYTES).ok()?;
    // A few words say which failure it is, where there are no more.
    digest_of_lines(&tail).or_else(|| (!tail.trim().is_empty()).then(|| mark_of(&[tail.trim().as_bytes()])))
}

/// Three snapshots in a row, and the places at which findings stand.
#[derive(Clone, Debug)]
pub struct Look {
    /// The git directory of the repository.
    pub common_dir: PathBuf,
    /// The commit before the last one.
    pub before: String,
    /// The last one.
    pub last: String,
    /// The new one.
    pub now: String,
    /// Where findings stand.
    pub places: Vec<Place>,
}

impl Look {
    /// What the new snapshot says about the others. Blocks.
    ///
    /// # Errors
    /// Those of [`between`].
    pub fn evidence(&self) -> Result<Evidence, GitError> {
        let since = between(&self.common_dir, &self.last, &self.now)?;
        let touched = touched(&since, &self.places);
        let earlier = between(&self.common_dir, &self.before, &self.last);
        let undone = earlier.map(|earlier| undone(&earlier, &since)).unwrap_or_default();
        Ok(Evidence { undone, touched })
    }
}

/// The findings that a text names by the critic's ids, whole and with a letter in them.
pub(super) fn named(text: &str, open: &[(u32, String)]) -> Vec<u32> {
    let of_id = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let words: HashSet<&str> = text.split(|c: char| !of_id(c)).collect();
    let telling = |id: &str| id.contains(char::is_alphabetic) && id.chars().all(of_id);
    open.iter().filter(|(_, id)| telling(id) && words.contains(id.as_str())).map(|(number, _)| *number).collect()
}

/// Lines that were replaced by others, with nothing unchanged between.
struct Block<'a> {
    path: &'a str,
    line: u32,
    removed: Vec<&'a str>,
    added: Vec<&'a str>,
}

/// The blocks of a file's change.
fn blocks(file: &FileDiff) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for hunk in &file.hunks {
        let mut open = false;
        let mut next = hunk.new_start;
        for line in &hunk.lines {
            next = line.new_no.map_or(next, |number| number + 1);
            if line.kind == LineKind::Context {
                open = false;
                continue;
            }
            if !open {
                let line = line.new_no.unwrap_or(next).max(1);
                blocks.push(Block { path: &file.path, line, removed: Vec::new(), added: Vec::new() });
                open = true;
            }
            if let Some(block) = blocks.last_mut() {
                let side = if line.kind == LineKind::Added { &mut block.added } else { &mut block.removed };
                side.push(file.line(line));
            }
        }
    }
    blocks
}

/// A side of a change as a mark.
fn side(lines: &[&str]) -> String {
    mark_of(&lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>())
}

/// Path, what was, and what is, of each change; blank lines alone are none.
fn changes(diff: &Diff) -> impl Iterator<Item = (&str, u32, String, String)> {
    diff.files.iter().flat_map(|file| {
        if file.hunks.is_empty() {
            // Contents that are not shown have their ids.
            let (was, is) = file.ids.clone();
            return vec![(file.path.as_str(), 1, was, is)];
        }
        let real = |block: &Block<'_>| block.removed.iter().chain(&block.added).any(|line| !line.trim().is_empty());
        let blocks = blocks(file).into_iter().filter(real);
        blocks.map(|block| (block.path, block.line, side(&block.removed), side(&block.added))).collect()
    })
}

/// The changes of `now` that take back one of `before`.
fn undone(before: &Diff, now: &Diff) -> Vec<UndoneHunk> {
    let made: HashSet<(&str, String, String)> = changes(before).map(|(path, _, was, is)| (path, was, is)).collect();
    let back = changes(now).filter(|(path, _, was, is)| made.contains(&(*path, is.clone(), was.clone())));
    let hunks = back.map(|(path, line, was, is)| {
        let (one, other) = if was < is { (was, is) } else { (is, was) };
        let digest = mark_of(&[path.as_bytes(), one.as_bytes(), other.as_bytes()]);
        UndoneHunk { path: path.to_owned(), line, digest }
    });
    hunks.take(UndoneHunk::MOST).collect()
}

/// The findings at whose places something changed; all of a file's where its lines are not known.
fn touched(diff: &Diff, places: &[Place]) -> Vec<u32> {
    let changed = |place: &&Place| {
        let of_file = diff
            .files
            .iter()
            .find(|file| file.path == place.file || file.old_path.as_ref().is_some_and(|old| *old == place.file));
        match (of_file, place.line) {
            (None, _) => false,
            (Some(file), Some(line)) if !file.hunks.is_empty() => file.hunks.iter().any(|hunk| {
                let changed = hunk.lines.iter().filter(|line| line.kind != LineKind::Context);
                let mut near = changed.filter_map(|line| line.old_no.or(line.new_no));
                near.any(|number| number.abs_diff(line) <= NEAR)
            }),
            (Some(_), _) => true,
        }
    };
    places.iter().filter(changed).map(|place| place.point).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::git::testing::Fixture;

    fn commit(fixture: &Fixture, text: &str) -> String {
        std::fs::write(fixture.root().join("a.rs"), text).unwrap();
        fixture.git(["add", "-A"]);
        fixture.git(["commit", "-qm", "x", "--allow-empty"]);
        fixture.git(["rev-parse", "HEAD"]).trim().to_owned()
    }

    #[test]
    fn a_claim_means_the_findings_that_it_names() {
        let open = [(4, "f1".to_owned()), (5, "f12".to_owned()), (9, "2".to_owned())];
        assert_eq!(named("I fixed f1 (see 2 tests).\nLOOPDASH_DONE", &open), [4]);
        assert_eq!(named("f12, f1: done", &open), [4, 5]);
        assert!(named("all done, af1 and f1x as well", &open).is_empty());
    }

    #[test]
    fn a_change_that_is_taken_back_is_known_either_way_round_and_wherever_it_moved() {
        let fixture = Fixture::new();
        let lines =
            |middle: &str, top: &str| format!("{top}fn a() {{}}\n\n\n\n\nlet x = {middle};\n\n\n\n\nfn b() {{}}\n");
        let commits = [
            commit(&fixture, &lines("1", "")),
            commit(&fixture, &lines("2", "")),
            commit(&fixture, &lines("1", "// more\n")),
            commit(&fixture, &lines("2", "// more\n")),
            commit(&fixture, &lines("3", "// more\n")),
        ];
        let diff = |at: usize| between(&fixture.root().join(".git"), &commits[at], &commits[at + 1]).unwrap();
        let first = undone(&diff(0), &diff(1));
        let second = undone(&diff(1), &diff(2));
        assert_eq!(first.iter().map(|hunk| (hunk.path.as_str(), hunk.line)).collect::<Vec<_>>(), [("a.rs", 7)]);
        assert_eq!(first[0].digest, second[0].digest, "made and undone is one change");
        assert!(undone(&diff(2), &diff(3)).is_empty(), "another change is none");
        let place = |point, line| Place { point, file: "a.rs".to_owned(), line };
        let places = [
            place(1, Some(5)),
            place(2, Some(400)),
            place(3, None),
            Place { file: "b.rs".to_owned(), ..place(4, None) },
        ];
        assert_eq!(touched(&diff(0), &places), [1, 3]);
    }
}
