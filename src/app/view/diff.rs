//! The Diff pane: what the run changed since its base or in its last iteration.
//!
//! Rows come flattened from [`DiffDoc`]; findings of the last verdict are pinned to their lines.

use super::diff_doc::{DiffDoc, PaintedSpan, Row, gap, group_word, remark};
use super::loaded::DiffKey;
use super::{Out, Scene, collisions, find};
use crate::app::tui::ui::Scope;
use crate::loops::core::state::RunState;
use crate::loops::core::verdict::{Finding, Severity as Grave};
use crate::loops::git::diff::{FileDiff, LineKind, Status};
use crate::widgets::diff_view::{
    DiffFinding, DiffLine, DiffRow, DiffSpan, DiffView, FileRow, Scope as ScopeTab, Sign, diff_areas,
};
use crate::widgets::scrollbar::Extent;
use crate::widgets::text::wrap;
use crate::widgets::verdict_view::Severity;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::ops::Range;

/// Columns that numbers of up to four digits and signs take.
const GUTTER: u16 = 16;
/// The same where numbers of two digits are made room for.
const NARROW_GUTTER: u16 = 12;

/// What the diff of a run is made of; `None` before its first snapshot.
pub fn key(state: &RunState, scope: Scope) -> Option<DiffKey> {
    let workspace = state.workspace.as_ref()?;
    let snapshots: Vec<&str> = state
        .standing()
        .filter_map(|iteration| iteration.snapshot.as_ref())
        .map(|snapshot| snapshot.commit.as_str())
        .collect();
    let (last, before) = snapshots.split_last()?;
    let from = match scope {
        Scope::Base => workspace.base.as_str(),
        Scope::LastIteration => before.last().copied().unwrap_or(&workspace.base),
    };
    Some(DiffKey {
        run: state.id,
        scope,
        common_dir: workspace.common_dir.clone(),
        from: from.to_owned(),
        to: (*last).to_owned(),
        weighed: state.weakened().to_vec(),
    })
}

/// The findings of the last verdict, those that keep it from being done first.
fn findings(state: &RunState) -> Vec<&Finding> {
    let verdict = state.standing().rev().find_map(|iteration| iteration.verdict.as_ref());
    let mut findings: Vec<&Finding> = verdict.iter().flat_map(|verdict| &verdict.findings).collect();
    findings.sort_by_key(|finding| finding.severity != Grave::Blocking);
    findings
}

pub(super) const fn severity(grave: Grave) -> Severity {
    match grave {
        Grave::Blocking => Severity::Blocking,
        Grave::Nit => Severity::Nit,
    }
}

pub(super) fn place(finding: &Finding) -> Option<String> {
    let file = finding.file.as_ref()?;
    Some(finding.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    let area = collisions::draw(scene, state, area, buf);
    let scope = scene.ui.scope;
    let scopes = [
        ScopeTab { word: "base", open: scope == Scope::Base },
        ScopeTab { word: "last iteration", open: scope == Scope::LastIteration },
    ];
    let blank = DiffView {
        theme: scene.theme,
        scopes: &scopes,
        totals: (0, 0, 0),
        files: &[],
        file_extent: Extent::default(),
        rows: &[],
        extent: Extent::default(),
        cursor: None,
        wrap: scene.ui.wrap,
        column: usize::from(scene.ui.tops.diff_across),
        findings: &[],
        empty: "no snapshot yet: the first is taken when the actor's step has ended",
    };
    let Some(key) = key(state, scope) else {
        find::want(scene, state, 0, None, out);
        return blank.render(area, buf);
    };
    out.wants.diff = Some(key.clone());
    let loaded = scene.loaded.diff(&key);
    if loaded.is_some() {
        find::want(scene, state, 0, Some(key.clone()), out);
    }
    match loaded {
        None => DiffView { empty: "reading…", ..blank }.render(area, buf),
        Some(Err(error)) => {
            let error = format!("cannot compare: {error}");
            DiffView { empty: &error, ..blank }.render(area, buf);
        }
        Some(Ok(doc)) if doc.rows().is_empty() => DiffView { empty: "nothing has changed", ..blank }.render(area, buf),
        Some(Ok(doc)) => {
            let pane = Pane { scene, doc, findings: findings(state) };
            let seen = pane.draw(&blank, area, buf, out);
            out.wants.paint = Some((key, seen));
        }
    }
}

/// One drawing of a loaded diff.
struct Pane<'a> {
    scene: &'a Scene<'a>,
    doc: &'a DiffDoc,
    findings: Vec<&'a Finding>,
}

impl<'a> Pane<'a> {
    /// Draws it and returns the rows that are seen.
    fn draw(&self, blank: &DiffView<'_>, area: Rect, buf: &mut Buffer, out: &mut Out) -> Range<usize> {
        let (doc, ui) = (self.doc, self.scene.ui);
        let diff = doc.diff();
        let areas = diff_areas(area, diff.files.len(), self.findings.len());
        let height = usize::from(areas.rows.height);
        let total = doc.rows().len();
        let last = self.last_top(areas.rows, total);
        let mut top = ui.tops.diff.min(last);
        if let Some(row) = find::reveal(self.scene) {
            out.seen.revealed = true;
            // Unless the row is in view as it is, it comes to stand a third below the top.
            if row < top || top < self.last_top(areas.rows, row + 1) {
                top = self.last_top(Rect { height: areas.rows.height.div_ceil(3), ..areas.rows }, row + 1).min(last);
            }
        }
        let seen = top..(top + height).min(total);
        out.seen.tops.diff = top;
        out.seen.page = height;

        let here = doc.file_at(top).unwrap_or_default();
        let listed = usize::from(areas.files.height);
        let first = (here + 1).saturating_sub(listed.max(1)).min(diff.files.len().saturating_sub(listed));
        let list = diff.files.iter().enumerate().skip(first).take(listed);
        let files: Vec<FileRow<'_>> = list
            .map(|(f, file)| {
                let row = self.file(file, f == here);
                FileRow { warning: row.warning.or_else(|| doc.weakened(f)), ..row }
            })
            .collect();

        let texts: Vec<Texts> = seen.clone().map(|row| self.texts(row)).collect();
        let spans: Vec<Vec<DiffSpan<'_>>> =
            seen.clone().zip(&texts).map(|(row, texts)| self.spans(row, texts)).collect();
        let rows: Vec<DiffRow<'_>> = seen
            .clone()
            .zip(texts.iter().zip(&spans))
            .filter_map(|(row, (texts, spans))| self.row(row, texts, spans))
            .collect();
        let places: Vec<String> = self.findings.iter().map(|finding| place(finding).unwrap_or_default()).collect();
        let findings: Vec<DiffFinding<'_>> = (1..)
            .zip(self.findings.iter().zip(&places))
            .map(|(number, (finding, place))| DiffFinding {
                severity: severity(finding.severity),
                number,
                place,
                text: &finding.text,
            })
            .collect();
        let current = find::current(self.scene);
        let view = DiffView {
            totals: (diff.files.len() as u64, diff.insertions as u64, diff.deletions as u64),
            files: &files,
            file_extent: Extent { total: diff.files.len(), offset: first, visible: listed },
            rows: &rows,
            extent: Extent { total, offset: top, visible: height },
            findings: &findings,
            cursor: current.and_then(|row| row.checked_sub(top)),
            ..*blank
        };
        view.render(area, buf);
        let places = view.places(areas.rows);
        let places: Vec<find::Place> =
            places.into_iter().map(|(row, place)| (place, current == Some(top + row))).collect();
        find::mark(self.scene, &places, buf);
        seen
    }

    /// The row from which on all rows before `end` fit, wrapped lines and all; the last of them if it does not fit.
    fn last_top(&self, area: Rect, end: usize) -> usize {
        let gutter = if area.width < 60 { NARROW_GUTTER } else { GUTTER };
        let columns = usize::from(area.width.saturating_sub(gutter));
        let mut room = usize::from(area.height);
        let rows = self.doc.rows().get(..end).unwrap_or_default();
        let fits = |row: &&Row| {
            let height = match row {
                Row::Line(f, h, l) if self.scene.ui.wrap => {
                    self.doc.line(*f, *h, *l).map_or(1, |(_, text)| wrap(text, columns).len())
                }
                _ => 1,
            };
            let fits = height <= room;
            room = room.saturating_sub(height);
            fits
        };
        rows.len() - rows.iter().rev().take_while(fits).count().max(1).min(rows.len())
    }

    fn file(&self, file: &'a FileDiff, selected: bool) -> FileRow<'a> {
        let here = self.findings.iter().filter(|finding| finding.file.as_deref() == Some(file.path.as_str()));
        let gravest = here.clone().map(|finding| severity(finding.severity)).max();
        FileRow {
            status: match file.status {
                Status::Added => 'A',
                Status::Modified => 'M',
                Status::Deleted => 'D',
                Status::Renamed => 'R',
                Status::TypeChanged => 'T',
                Status::Gitlink => 'S',
            },
            path: &file.path,
            from: file.old_path.as_deref(),
            added: file.insertions as u64,
            removed: file.deletions as u64,
            binary: file.binary,
            findings: gravest.map(|gravest| (gravest, u32::try_from(here.count()).unwrap_or(u32::MAX))),
            warning: file.too_large.then_some("too large to show"),
            selected,
        }
    }

    /// The number and severity of a finding at that line of the new side.
    fn finding_at(&self, file: &FileDiff, line: Option<u32>) -> Option<(Severity, u32)> {
        let at = |finding: &&Finding| finding.file.as_deref() == Some(file.path.as_str()) && finding.line == line;
        line?;
        let (number, finding) = (1..).zip(&self.findings).find(|(_, finding)| at(finding))?;
        Some((severity(finding.severity), number))
    }

    fn texts(&self, row: usize) -> Texts {
        match self.doc.rows().get(row) {
            Some(Row::Hunk(f, h)) => {
                let header = self.doc.hunk(*f, *h).map_or("", |(_, hunk)| hunk.header.as_str());
                let inner = header.trim().trim_start_matches('@');
                let (ranges, within) = inner.split_once("@@").unwrap_or((inner, ""));
                Texts { ranges: ranges.trim().to_owned(), within: within.trim().to_owned(), ..Texts::default() }
            }
            Some(Row::Note(f)) => {
                let file = self.doc.diff().files.get(*f);
                Texts { note: file.map(remark).unwrap_or_default(), ..Texts::default() }
            }
            Some(Row::Weak(..)) => Texts { note: self.doc.text(row).into_owned(), ..Texts::default() },
            Some(Row::Line(f, h, l)) => Texts { painted: self.doc.spans(*f, *h, *l), ..Texts::default() },
            _ => Texts::default(),
        }
    }

    fn spans<'t>(&'t self, row: usize, texts: &'t Texts) -> Vec<DiffSpan<'t>> {
        let Some(Row::Line(f, h, l)) = self.doc.rows().get(row) else { return Vec::new() };
        let Some((line, text)) = self.doc.line(*f, *h, *l) else { return Vec::new() };
        let piece = |span: &PaintedSpan| {
            let text = text.get(span.bytes.clone()).unwrap_or_default();
            DiffSpan { text, syntax: span.syntax, changed: span.changed }
        };
        let mut spans: Vec<DiffSpan<'t>> = texts.painted.iter().map(piece).collect();
        if line.no_newline {
            spans.push(DiffSpan {
                text: " ⏎ no newline at the end",
                syntax: Some(crate::widgets::theme::Role::Dim),
                changed: false,
            });
        }
        spans
    }

    fn row<'t>(&'t self, row: usize, texts: &'t Texts, spans: &'t [DiffSpan<'t>]) -> Option<DiffRow<'t>> {
        Some(match *self.doc.rows().get(row)? {
            Row::File(f) => DiffRow::File(self.file(self.doc.diff().files.get(f)?, false)),
            Row::Group(_, tests) => DiffRow::Group(group_word(tests)),
            Row::Weak(..) => DiffRow::Warning(&texts.note),
            Row::Note(_) => DiffRow::Note(&texts.note),
            Row::Gap(f, h) => DiffRow::Gap(gap(self.doc.diff().files.get(f)?, h)),
            Row::Hunk(..) => DiffRow::Hunk { ranges: &texts.ranges, within: &texts.within },
            Row::Line(f, h, l) => {
                let (line, _) = self.doc.line(f, h, l)?;
                let sign = match line.kind {
                    LineKind::Context => Sign::Context,
                    LineKind::Added => Sign::Added,
                    LineKind::Removed => Sign::Removed,
                };
                let finding = self.finding_at(self.doc.diff().files.get(f)?, line.new_no);
                DiffRow::Line(DiffLine { old: line.old_no, new: line.new_no, sign, spans, finding })
            }
        })
    }
}

/// Owned texts of a row, which its props borrow.
#[derive(Default)]
struct Texts {
    ranges: String,
    within: String,
    note: String,
    painted: Vec<PaintedSpan>,
}
