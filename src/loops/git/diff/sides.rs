//! Both whole contents of changed files, one file after the other: [`sides`].
//!
//! For whoever reads files rather than shows what changed: only one file is held at a time, so that a change of any size is
//! read to its end.

use super::{MOST_FILES, Status, compare_names, content, find_renames, is_binary, named};
use crate::loops::git::error::GitError;
use crate::loops::git::repo::open_objects;
use std::path::Path;

/// A file larger than this, in bytes, is not read.
pub const LARGEST_SIDE: usize = 8 << 20;

/// The content of a file before or after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// There is no file, or it is no text.
    Nothing,
    /// Its text; bytes that are no UTF-8 are replaced.
    Text(String),
    /// It is larger than [`LARGEST_SIDE`], or one of too many.
    TooLarge,
}

/// A changed file by its paths, escaped for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Its path; the new one of a renamed file.
    pub path: String,
    /// The path it had, when renamed.
    pub old: Option<String>,
    /// How it changed.
    pub status: Status,
}

/// Compares two commits or trees, given by full id, and shows `visit` both contents of each changed file that `want` asks
/// for, in path order; what `visit` answers is collected.
///
/// # Errors
/// [`GitError::BadRevision`] when an id is neither, and failures to read the repository.
pub fn sides(
    common_dir: &Path,
    (from, to): (&str, &str),
    want: &dyn Fn(&Paths) -> bool,
    visit: &mut dyn FnMut(&Paths, &Side, &Side),
) -> Result<(), GitError> {
    let repo = open_objects(common_dir)?;
    let Some(mut found) = compare_names(&repo, from, to)? else { return Ok(()) };
    let odb = repo.odb().map_err(GitError::lib("open the object database"))?;
    find_renames(&odb, &mut found)?;
    let mut read = 0;
    for delta in found.deltas() {
        let Some(file) = named(&delta).filter(|file| file.status != Status::Gitlink) else { continue };
        let paths = Paths { path: file.path, old: file.old_path, status: file.status };
        if !want(&paths) {
            continue;
        }
        read += 1;
        let side = |id: &str| -> Result<Side, GitError> {
            if read > MOST_FILES {
                return Ok(Side::TooLarge);
            }
            Ok(match content(&odb, id, LARGEST_SIDE)? {
                None => Side::TooLarge,
                Some(bytes) if bytes.is_empty() || is_binary(&bytes) => Side::Nothing,
                Some(bytes) => Side::Text(String::from_utf8_lossy(&bytes).into_owned()),
            })
        };
        visit(&paths, &side(&file.ids.0)?, &side(&file.ids.1)?);
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::git::testing::Fixture;

    #[test]
    fn every_wanted_file_is_read_whatever_comes_before_it() {
        let fixture = Fixture::new();
        fixture.write("tests/gone.rs", "a\n");
        fixture.write("tests/moved.rs", "one\ntwo\nthree\nfour\n");
        fixture.commit("before");
        let before = fixture.git(["rev-parse", "HEAD"]);
        for n in 0..40 {
            fixture.write(&format!("a{n}"), "x\n".repeat(250_000));
        }
        fixture.write("tests/large.rs", "x".repeat(LARGEST_SIDE + 1));
        fixture.write("tests/new.rs", "b\n");
        fixture.git(["mv", "tests/moved.rs", "tests/there.rs"]);
        fixture.git(["rm", "-q", "tests/gone.rs"]);
        fixture.commit("after");
        let mut seen = Vec::new();
        let to = fixture.git(["rev-parse", "HEAD"]);
        sides(
            &fixture.info().common_dir,
            (&before, &to),
            &|paths| paths.path.starts_with("tests/"),
            &mut |paths, old, new| {
                let word = |side: &Side| match side {
                    Side::Nothing => "-".to_owned(),
                    Side::Text(text) => text.len().to_string(),
                    Side::TooLarge => "large".to_owned(),
                };
                let old_path = paths.old.as_deref().unwrap_or_default();
                seen.push(format!("{old_path} {} {} {}", paths.path, word(old), word(new)));
            },
        )
        .unwrap();
        seen.sort();
        let expected = [
            " tests/gone.rs 2 -",
            " tests/large.rs - large",
            " tests/new.rs - 2",
            "tests/moved.rs tests/there.rs 19 19",
        ];
        assert_eq!(seen, expected);
    }
}
