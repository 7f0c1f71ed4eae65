//! Finding the repository a path belongs to, and saying at once when loopdash cannot work with it.
//! [`discover`] answers a [`RepoInfo`]: plain data that can be kept and handed to every other operation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use git2::{ErrorClass, ErrorCode, Repository, RepositoryOpenFlags};

use super::cli::{self, GitVersion};
use super::error::GitError;

/// The oldest git this crate works with: it has `worktree add` without races on `HEAD` and `merge-tree --write-tree`.
pub const MINIMUM_GIT: GitVersion = GitVersion { major: 2, minor: 38, patch: 0 };

/// What a repository's `HEAD` names. Commit ids are 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch with commits.
    Branch {
        /// Its short name.
        name: String,
        /// Its tip.
        commit: String,
    },
    /// A commit, no branch.
    Detached {
        /// The commit.
        commit: String,
    },
    /// A branch without a commit yet.
    Unborn {
        /// The short name it will have.
        branch: String,
    },
}

impl Head {
    /// The commit, unless there is none yet.
    pub fn commit(&self) -> Option<&str> {
        match self {
            Self::Branch { commit, .. } | Self::Detached { commit } => Some(commit),
            Self::Unborn { .. } => None,
        }
    }

    /// The branch name, unless detached.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch { name, .. } | Self::Unborn { branch: name } => Some(name),
            Self::Detached { .. } => None,
        }
    }

    pub(crate) fn of(repo: &Repository) -> Result<Self, GitError> {
        let failed = "read HEAD";
        match repo.head() {
            Ok(head) => {
                let commit = head.peel_to_commit().map_err(GitError::lib(failed))?.id().to_string();
                if repo.head_detached().map_err(GitError::lib(failed))? {
                    return Ok(Self::Detached { commit });
                }
                Ok(Self::Branch { name: String::from_utf8_lossy(head.shorthand_bytes()).into_owned(), commit })
            }
            Err(error) if error.code() == ErrorCode::UnbornBranch => {
                let head = repo.find_reference("HEAD").map_err(GitError::lib(failed))?;
                let target = String::from_utf8_lossy(head.symbolic_target_bytes().unwrap_or_default()).into_owned();
                let branch = target.strip_prefix("refs/heads/").unwrap_or(&target).to_owned();
                Ok(Self::Unborn { branch })
            }
            Err(error) => Err(GitError::lib(failed)(error)),
        }
    }
}

/// A repository as it was found. Paths are absolute and without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoInfo {
    /// The checkout's top directory, or the repository itself when it is bare.
    pub root: PathBuf,
    /// The git directory shared by all worktrees (`.git` of the main checkout).
    pub common_dir: PathBuf,
    /// This checkout's own git directory; the same as `common_dir` in the main checkout.
    pub git_dir: PathBuf,
    /// Name of the top directory, without `.git`.
    pub name: String,
    /// Where `HEAD` was.
    pub head: Head,
    /// There is no checkout.
    pub bare: bool,
    /// The checkout is a linked worktree.
    pub linked: bool,
    /// The commit at `HEAD` has a `.gitmodules`. Submodules are not checked out in new worktrees.
    pub submodules: bool,
    /// Only a part of the tree is checked out; new worktrees get the same part.
    pub sparse: bool,
    /// History is cut off at some depth.
    pub shallow: bool,
    /// Objects may be missing and are not fetched: git calls are kept off the network.
    pub partial: bool,
    /// The configuration defines content filters (such as Git LFS). loopdash does not run them: filtered files stand
    /// in new worktrees as they are stored.
    pub filters: bool,
}

impl RepoInfo {
    /// Opens the checkout (or bare repository).
    pub(crate) fn open(&self) -> Result<Repository, GitError> {
        guard(&self.git_dir, &self.common_dir)?;
        open_exactly(&self.root)
    }

    /// Checks that snapshots and worktrees can be made in it.
    ///
    /// # Errors
    /// [`GitError::ReadOnly`] with the first directory that cannot be written.
    pub fn writable(&self) -> Result<(), GitError> {
        for name in ["", "objects", "refs", "worktrees"] {
            let path = if name.is_empty() { self.common_dir.clone() } else { self.common_dir.join(name) };
            match rustix::fs::access(&path, rustix::fs::Access::WRITE_OK) {
                // What is not there is made when it is needed.
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(errno) => return Err(GitError::ReadOnly { path, source: errno.into() }),
            }
        }
        Ok(())
    }

    /// The main checkout, when this repository has one: it may be another than [`RepoInfo::root`].
    pub(crate) fn main_checkout(&self) -> Option<&Path> {
        if self.bare || self.common_dir.file_name()? != ".git" { None } else { self.common_dir.parent() }
    }
}

/// Finds the repository that `path` is in, and checks that loopdash can work with it and that `git` is new enough.
///
/// # Errors
/// One variant of [`GitError`] for each reason, with what to do about it.
pub fn discover(path: &Path) -> Result<RepoInfo, GitError> {
    checked_version()?;
    let path = std::fs::canonicalize(path).map_err(|_| GitError::NotARepository { path: path.to_owned() })?;
    let repo = Repository::open_ext(&path, RepositoryOpenFlags::empty(), std::iter::empty::<&Path>())
        .map_err(|error| explain(error, &path))?;
    let bare = repo.is_bare();
    let root = tidy(repo.workdir().unwrap_or_else(|| repo.path()));
    let head = Head::of(&repo)?;
    let config =
        repo.config().and_then(|mut config| config.snapshot()).map_err(GitError::lib("read the configuration"))?;
    let submodules =
        repo.head().and_then(|head| head.peel_to_tree()).is_ok_and(|tree| tree.get_name(".gitmodules").is_some());
    Ok(RepoInfo {
        name: name_of(&root),
        common_dir: tidy(repo.commondir()),
        git_dir: tidy(repo.path()),
        linked: repo.is_worktree(),
        shallow: repo.is_shallow(),
        sparse: config.get_bool("core.sparsecheckout").unwrap_or(false),
        partial: any_key(&config, r"^remote\..*\.promisor$"),
        filters: any_key(&config, r"^filter\..*\.(clean|smudge|process)$"),
        root,
        head,
        bare,
        submodules,
    })
}

/// The version of `git`, once it is known to be new enough.
pub(crate) fn checked_version() -> Result<GitVersion, GitError> {
    static FOUND: OnceLock<GitVersion> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(*found);
    }
    let found = cli::version()?;
    if found < MINIMUM_GIT {
        return Err(GitError::TooOld { found: found.to_string() });
    }
    Ok(*FOUND.get_or_init(|| found))
}

/// Opens the repository at exactly this path, without looking in the directories above.
pub(crate) fn open_exactly(path: &Path) -> Result<Repository, GitError> {
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>())
        .map_err(|error| explain(error, path))
}

/// Opens the shared git directory without any worktree: what is read through it cannot depend on files an agent wrote
/// into one, such as `.gitattributes`.
pub(crate) fn open_objects(common_dir: &Path) -> Result<Repository, GitError> {
    guard(common_dir, common_dir)?;
    Repository::open_bare(common_dir).map_err(|error| explain(error, common_dir))
}

/// Refuses git directories whose bookkeeping files are FIFOs or devices. The git library opens them without looking,
/// and reading one would block a thread for ever.
pub(crate) fn guard(git_dir: &Path, common_dir: &Path) -> Result<(), GitError> {
    const PRIVATE: &[&str] = &["HEAD", "index", "config.worktree", "commondir", "gitdir"];
    const SHARED: &[&str] = &[
        "HEAD",
        "config",
        "packed-refs",
        "shallow",
        "info/exclude",
        "info/attributes",
        "info/grafts",
        "objects/info/alternates",
    ];
    let private = PRIVATE.iter().map(|name| git_dir.join(name));
    let shared = SHARED.iter().map(|name| common_dir.join(name));
    for path in private.chain(shared) {
        if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(GitError::NotAFile { path });
        }
    }
    Ok(())
}

/// Same place, written without trailing slash.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let plain: PathBuf = path.components().collect();
    std::fs::canonicalize(&plain).unwrap_or(plain)
}

fn name_of(root: &Path) -> String {
    let name = root.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
    match name.strip_suffix(".git") {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}

fn any_key(config: &git2::Config, pattern: &str) -> bool {
    config.entries(Some(pattern)).is_ok_and(|mut entries| entries.next().is_some_and(|entry| entry.is_ok()))
}

fn explain(error: git2::Error, path: &Path) -> GitError {
    let path = path.to_owned();
    let message = error.message();
    match error.code() {
        ErrorCode::NotFound => return GitError::NotARepository { path },
        ErrorCode::Owner => return GitError::Unsafe { path },
        _ => {}
    }
    if error.class() == ErrorClass::Repository {
        if let Some(extension) = message.strip_prefix("unsupported extension name extensions.") {
            let what = match extension.trim().to_ascii_lowercase().as_str() {
                "partialclone" => "a partial clone (`extensions.partialClone`)".to_owned(),
                "refstorage" => "reftable refs (`extensions.refStorage`)".to_owned(),
                other => format!("the extension `{other}`"),
            };
            return GitError::Unsupported { path, what };
        }
        if message.starts_with("unknown object format") {
            let what = format!("SHA-256 objects ({message})");
            return GitError::Unsupported { path, what };
        }
        if message.starts_with("unsupported repository version") {
            return GitError::Unsupported { path, what: message.to_owned() };
        }
    }
    GitError::Library { what: "open the repository", source: error }
}

#[cfg(test)]
mod tests;
