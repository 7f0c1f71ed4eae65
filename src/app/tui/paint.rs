//! Syntax colours and changed words of a diff's hunks: [`paint`]. Slow, so it runs beside the screen.
//!
//! Each hunk is read from its first line on, each side by itself, as one sees of a file only what the hunk shows.

use crate::app::view::diff_doc::{DiffDoc, PaintedSpan};
use crate::loops::git::diff::{FileDiff, Hunk, Line, LineKind, words};
use crate::widgets::theme::Role;
use std::ops::Range;
use std::sync::LazyLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Lines longer than this keep one colour.
const LONGEST: usize = 2_000;
/// Hunks longer than this keep one colour from here on.
const MOST_LINES: usize = 2_000;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Scopes and their roles; the longest scope that fits decides.
static ROLES: LazyLock<Vec<(Scope, Role)>> = LazyLock::new(|| {
    [
        ("comment", Role::SyntaxComment),
        ("string", Role::SyntaxString),
        ("constant", Role::SyntaxConstant),
        ("constant.numeric", Role::SyntaxNumber),
        ("constant.character.escape", Role::SyntaxConstant),
        ("keyword", Role::SyntaxKeyword),
        ("keyword.operator", Role::SyntaxPunctuation),
        ("storage", Role::SyntaxKeyword),
        ("storage.type", Role::SyntaxType),
        ("storage.type.function", Role::SyntaxKeyword),
        ("storage.type.struct", Role::SyntaxKeyword),
        ("storage.type.enum", Role::SyntaxKeyword),
        ("storage.type.class", Role::SyntaxKeyword),
        ("support.type", Role::SyntaxType),
        ("support.class", Role::SyntaxType),
        ("support.function", Role::SyntaxFunction),
        ("entity.name.function", Role::SyntaxFunction),
        ("variable.function", Role::SyntaxFunction),
        ("entity.name.type", Role::SyntaxType),
        ("entity.name.class", Role::SyntaxType),
        ("entity.name.struct", Role::SyntaxType),
        ("entity.name.tag", Role::SyntaxKeyword),
        ("markup.heading", Role::SyntaxKeyword),
        ("punctuation", Role::SyntaxPunctuation),
        ("punctuation.definition.string", Role::SyntaxString),
        ("punctuation.definition.comment", Role::SyntaxComment),
    ]
    .into_iter()
    .filter_map(|(scope, role)| Some((Scope::new(scope).ok()?, role)))
    .collect()
});

/// Paints a hunk of a diff, for [`DiffDoc::paint`].
pub fn paint(doc: &DiffDoc, file: usize, hunk: usize) {
    if let Some((changed, lines)) = doc.hunk(file, hunk) {
        doc.paint(file, hunk, paint_hunk(changed, lines));
    }
}

/// The looks of a hunk's lines.
fn paint_hunk(file: &FileDiff, hunk: &Hunk) -> Vec<Vec<PaintedSpan>> {
    let syntax = syntax_of(file);
    let mut before = syntax.map(Side::new);
    let mut after = syntax.map(Side::new);
    let changed = changed_words(file, hunk);
    hunk.lines
        .iter()
        .zip(changed)
        .enumerate()
        .map(|(index, (line, changed))| {
            let text = file.line(line);
            let readable = text.len() <= LONGEST && index < MOST_LINES;
            let read = |side: &mut Option<Side>| match side {
                Some(side) if readable => side.read(text),
                _ => Vec::new(),
            };
            let colours = match line.kind {
                LineKind::Removed => read(&mut before),
                LineKind::Added => read(&mut after),
                LineKind::Context => {
                    read(&mut before);
                    read(&mut after)
                }
            };
            merge(text, &colours, &changed)
        })
        .collect()
}

/// The syntax of a file by its name, as its text begins in the middle.
fn syntax_of(file: &FileDiff) -> Option<&'static SyntaxReference> {
    let name = file.path.rsplit('/').next()?;
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let set = &*SYNTAXES;
    set.find_syntax_by_extension(name)
        .or_else(|| extension.and_then(|extension| set.find_syntax_by_extension(extension)))
        .filter(|syntax| syntax.name != "Plain Text")
}

/// One side of a hunk as it is read.
struct Side {
    parser: ParseState,
    scopes: ScopeStack,
}

impl Side {
    fn new(syntax: &SyntaxReference) -> Self {
        Self { parser: ParseState::new(syntax), scopes: ScopeStack::new() }
    }

    /// The coloured stretches of the next line.
    fn read(&mut self, text: &str) -> Vec<(Range<usize>, Role)> {
        let Ok(steps) = self.parser.parse_line(&format!("{text}\n"), &SYNTAXES) else { return Vec::new() };
        let mut colours: Vec<(Range<usize>, Role)> = Vec::new();
        let mut from = 0;
        let mut note = |from: usize, to: usize, scopes: &ScopeStack| {
            let to = to.min(text.len());
            if let Some(role) = role_of(scopes).filter(|_| from < to) {
                match colours.last_mut() {
                    Some((range, last)) if range.end == from && *last == role => range.end = to,
                    _ => colours.push((from..to, role)),
                }
            }
        };
        for (at, step) in steps {
            note(from, at, &self.scopes);
            from = at;
            if self.scopes.apply(&step).is_err() {
                return Vec::new();
            }
        }
        note(from, text.len(), &self.scopes);
        colours
    }
}

/// The role of the innermost scope that has one.
fn role_of(scopes: &ScopeStack) -> Option<Role> {
    scopes.as_slice().iter().rev().find_map(|scope| {
        let fitting = ROLES.iter().filter(|(prefix, _)| prefix.is_prefix_of(*scope));
        fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, role)| *role)
    })
}

/// For each line of a hunk, what changed within it: removed lines are compared with the added ones below them, in
/// pairs.
fn changed_words(file: &FileDiff, hunk: &Hunk) -> Vec<Vec<Range<usize>>> {
    let mut changed: Vec<Vec<Range<usize>>> = vec![Vec::new(); hunk.lines.len()];
    let mut at = 0;
    while at < hunk.lines.len() {
        let run = |from: usize, kind: LineKind| {
            hunk.lines.iter().skip(from).take_while(|line: &&Line| line.kind == kind).count()
        };
        let removed = run(at, LineKind::Removed);
        let added = run(at + removed, LineKind::Added);
        // Blocks of unequal length have no pairs that mean anything.
        if removed > 0 && removed == added {
            for pair in at..at + removed {
                let (Some(old), Some(new)) = (hunk.lines.get(pair), hunk.lines.get(pair + removed)) else { break };
                let emphasis = words(file.line(old), file.line(new));
                changed[pair] = emphasis.old;
                changed[pair + removed] = emphasis.new;
            }
        }
        at += (removed + added).max(1);
    }
    changed
}

/// Cuts a line at every border of a colour or a change.
fn merge(text: &str, colours: &[(Range<usize>, Role)], changed: &[Range<usize>]) -> Vec<PaintedSpan> {
    let ends = |range: &Range<usize>| [range.start, range.end];
    let mut cuts: Vec<usize> = [0, text.len()]
        .into_iter()
        .chain(colours.iter().flat_map(|(range, _)| ends(range)))
        .chain(changed.iter().flat_map(ends))
        .filter(|cut| text.is_char_boundary(*cut))
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .map(|cut| {
            let bytes = cut[0]..cut[1];
            let syntax = colours.iter().find(|(range, _)| range.contains(&bytes.start)).map(|(_, role)| *role);
            let changed = changed.iter().any(|range| range.contains(&bytes.start));
            PaintedSpan { bytes, syntax, changed }
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::git::diff::{Diff, Status};

    fn doc(path: &str, lines: &[(LineKind, &str)]) -> DiffDoc {
        let mut text = String::new();
        let lines = lines
            .iter()
            .map(|(kind, line)| {
                let from = text.len();
                text.push_str(line);
                Line { kind: *kind, old_no: None, new_no: None, text: from..text.len(), no_newline: false }
            })
            .collect();
        let hunks = vec![Hunk { header: String::new(), old_start: 1, new_start: 1, lines }];
        let file = FileDiff {
            path: path.to_owned(),
            path_bytes: Vec::new(),
            old_path: None,
            status: Status::Modified,
            insertions: 0,
            deletions: 0,
            binary: false,
            too_large: false,
            modes: (0, 0),
            ids: (String::new(), String::new()),
            hunks,
            text,
        };
        DiffDoc::new(Diff { files: vec![file], insertions: 0, deletions: 0 }, &[])
    }

    fn pieces(doc: &DiffDoc, line: usize) -> Vec<(String, Option<Role>, bool)> {
        let (_, text) = doc.line(0, 0, line).unwrap();
        doc.spans(0, 0, line).into_iter().map(|span| (text[span.bytes].to_owned(), span.syntax, span.changed)).collect()
    }

    #[test]
    fn each_side_is_read_by_itself_and_pairs_show_what_changed() {
        let doc = doc(
            "src/session.rs",
            &[
                (LineKind::Removed, "fn live(now: u64) { /* old"),
                (LineKind::Added, "fn live(now: Instant) { // new"),
                (LineKind::Context, "let x = \"text\";"),
            ],
        );
        assert_eq!(doc.unpainted(0..10), [(0, 0)]);
        paint(&doc, 0, 0);
        assert_eq!(doc.unpainted(0..10), []);
        let removed = pieces(&doc, 0);
        let has = |pieces: &[(String, Option<Role>, bool)], text: &str, role, changed| {
            pieces.iter().any(|(piece, of, is)| piece.trim() == text && *of == role && *is == changed)
        };
        assert!(has(&removed, "fn", Some(Role::SyntaxKeyword), false), "{removed:?}");
        assert!(removed.iter().any(|(piece, _, changed)| piece.contains("u64") && *changed), "{removed:?}");
        let added = pieces(&doc, 1);
        assert!(added.iter().any(|(piece, _, changed)| piece.contains("Instant") && *changed), "{added:?}");
        // The comment that only the old side opened does not reach the new one.
        let context = pieces(&doc, 2);
        assert!(has(&context, "\"text\"", Some(Role::SyntaxString), false), "{context:?}");
        for line in 0..3 {
            let whole: String = pieces(&doc, line).into_iter().map(|(text, ..)| text).collect();
            assert_eq!(whole, doc.line(0, 0, line).unwrap().1);
        }
    }

    #[test]
    fn unknown_files_and_monstrous_lines_stay_plain() {
        let long = "x".repeat(LONGEST * 3);
        let doc = doc("data.nosuchsuffix", &[(LineKind::Added, &long), (LineKind::Added, "fn é")]);
        paint(&doc, 0, 0);
        assert_eq!(pieces(&doc, 0), [(long, None, false)]);
        assert_eq!(pieces(&doc, 1), [("fn é".to_owned(), None, false)]);
    }
}
