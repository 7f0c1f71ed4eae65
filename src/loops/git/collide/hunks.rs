//! Where in a file two sides have worked: the lines of each side's hunks, as the file was before.
//! [`Looking`] reads only files that both have changed, and no more than a few megabytes of them.

use git2::{Blob, DiffOptions, Patch, Repository, Tree};

use super::LARGEST;
use crate::loops::core::collision::{Lines, stretches};
use crate::loops::git::paths::as_path;

/// Bytes of all files of a meeting that are looked into.
const LARGEST_ALL: usize = 8 << 20;

/// A look at files of three trees: before, and with the changes of either side.
pub(super) struct Looking<'a> {
    repo: &'a Repository,
    trees: [&'a Tree<'a>; 3],
    left: usize,
}

impl<'a> Looking<'a> {
    pub(super) const fn new(repo: &'a Repository, trees: [&'a Tree<'a>; 3]) -> Self {
        Self { repo, trees, left: LARGEST_ALL }
    }

    /// Where both sides work at the same lines of a file, or at neighbouring ones; nothing where there is no text to look at.
    pub(super) fn stretches(&mut self, path: &[u8]) -> Vec<Lines> {
        let [Some(base), Some(ours), Some(theirs)] = self.trees.map(|tree| self.text(tree, path)) else {
            return Vec::new();
        };
        let bytes = base.size() + ours.size() + theirs.size();
        let Some(left) = self.left.checked_sub(bytes) else { return Vec::new() };
        self.left = left;
        stretches(&changed(&base, &ours), &changed(&base, &theirs))
    }

    fn text(&self, tree: &Tree<'_>, path: &[u8]) -> Option<Blob<'a>> {
        let blob = self.repo.find_blob(tree.get_path(as_path(path)).ok()?.id()).ok()?;
        (!blob.is_binary() && blob.size() <= LARGEST).then_some(blob)
    }
}

/// The lines of a text that another one has changed, in order. What is only added stands at the line before it.
fn changed(old: &Blob<'_>, new: &Blob<'_>) -> Vec<Lines> {
    let mut options = DiffOptions::new();
    options.context_lines(0).interhunk_lines(0);
    let Ok(patch) = Patch::from_blobs(old, None, new, None, Some(&mut options)) else { return Vec::new() };
    let hunks = (0..patch.num_hunks()).filter_map(|at| patch.hunk(at).ok());
    let lines = hunks.map(|(hunk, _)| {
        let from = hunk.old_start().max(1);
        Lines { from, to: from + hunk.old_lines().saturating_sub(1) }
    });
    lines.collect()
}
