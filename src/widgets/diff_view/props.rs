//! What a diff consists of on the screen: scopes, files, rows, findings.
//! Plain data, drawn by [`super::DiffView`].

use crate::widgets::theme::Role;
use crate::widgets::verdict_view::Severity;

/// What the diff may compare with, as a choice.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Such as `base` or `last iteration`.
    pub word: &'a str,
    /// True for the one that is shown.
    pub open: bool,
}

/// One file of the list.
#[derive(Debug, Clone, Copy)]
pub struct FileRow<'a> {
    /// `A` added, `M` modified, `D` deleted, `R` renamed, `T` type changed.
    pub status: char,
    /// Where it is now.
    pub path: &'a str,
    /// Where it was, if it was renamed.
    pub from: Option<&'a str>,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// True where there are no lines to show.
    pub binary: bool,
    /// The gravest finding in it, and how many there are.
    pub findings: Option<(Severity, u32)>,
    /// A warning, such as `−1 assertion`.
    pub warning: Option<&'a str>,
    /// True for the file the rows begin in.
    pub selected: bool,
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// On both sides.
    Context,
    /// Only on the new side.
    Added,
    /// Only on the old side.
    Removed,
}

/// A piece of a line.
#[derive(Debug, Clone, Copy)]
pub struct DiffSpan<'a> {
    /// The text.
    pub text: &'a str,
    /// Its syntax role, where it is known.
    pub syntax: Option<Role>,
    /// True where these words are what changed within the line.
    pub changed: bool,
}

/// A line of a hunk.
#[derive(Debug, Clone, Copy)]
pub struct DiffLine<'a> {
    /// Its number on the old side.
    pub old: Option<u32>,
    /// Its number on the new side.
    pub new: Option<u32>,
    /// On which side it is.
    pub sign: Sign,
    /// Its text.
    pub spans: &'a [DiffSpan<'a>],
    /// A finding that points here: severity and number.
    pub finding: Option<(Severity, u32)>,
}

/// A row of the diff.
#[derive(Debug, Clone, Copy)]
pub enum DiffRow<'a> {
    /// The file that begins here.
    File(FileRow<'a>),
    /// A hunk header: ranges and what it lies in.
    Hunk {
        /// Such as `-61,7 +61,9`.
        ranges: &'a str,
        /// The function or section, where it is known.
        within: &'a str,
    },
    /// A line.
    Line(DiffLine<'a>),
    /// So many unchanged lines are left out.
    Gap(u32),
    /// A group of files begins.
    Group(&'a str),
    /// Something about the file above that has to be looked at.
    Warning(&'a str),
    /// Anything else worth a row, such as `mode changed to 100755`.
    Note(&'a str),
}

/// A finding below the diff.
#[derive(Debug, Clone, Copy)]
pub struct DiffFinding<'a> {
    /// How grave.
    pub severity: Severity,
    /// The number in the gutter.
    pub number: u32,
    /// Such as `session.rs:63`.
    pub place: &'a str,
    /// What it says.
    pub text: &'a str,
}
