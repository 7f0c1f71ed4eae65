use super::*;
use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, style_of, theme};

const fn span(text: &'static str, syntax: Option<Role>, changed: bool) -> DiffSpan<'static> {
    DiffSpan { text, syntax, changed }
}

const FILE: FileRow<'static> = FileRow {
    status: 'M',
    path: "src/auth/session.rs",
    from: None,
    added: 19,
    removed: 8,
    binary: false,
    findings: Some((Severity::Blocking, 1)),
    warning: None,
    selected: true,
};

const FILES: [FileRow<'static>; 3] = [
    FILE,
    FileRow { status: 'R', path: "src/new.rs", from: Some("src/old.rs"), findings: None, selected: false, ..FILE },
    FileRow {
        status: 'A',
        path: "logo.png",
        binary: true,
        findings: Some((Severity::Nit, 2)),
        selected: false,
        ..FILE
    },
];

const ROWS: [DiffRow<'static>; 7] = [
    DiffRow::Hunk { ranges: "-61,7 +61,9", within: "impl Session" },
    DiffRow::Line(DiffLine {
        old: Some(61),
        new: Some(61),
        sign: Sign::Context,
        spans: &[span("/// Whether it lives.", Some(Role::SyntaxComment), false)],
        finding: None,
    }),
    DiffRow::Line(DiffLine {
        old: Some(62),
        new: None,
        sign: Sign::Removed,
        spans: &[span("now ", None, false), span("<=", None, true), span(" self.expires", None, false)],
        finding: Some((Severity::Blocking, 1)),
    }),
    DiffRow::Line(DiffLine {
        old: None,
        new: Some(62),
        sign: Sign::Added,
        spans: &[
            span("now ", None, false),
            span("<", None, true),
            span(" self.expires", Some(Role::SyntaxFunction), false),
        ],
        finding: None,
    }),
    DiffRow::Gap(38),
    DiffRow::File(FileRow { selected: false, ..FILES_1 }),
    DiffRow::Note("renamed without changes"),
];
const FILES_1: FileRow<'static> = FileRow {
    status: 'R',
    path: "src/new.rs",
    from: Some("src/old.rs"),
    findings: None,
    added: 0,
    removed: 0,
    selected: false,
    ..FILE
};

const FINDINGS: [DiffFinding<'static>; 2] = [
    DiffFinding {
        severity: Severity::Blocking,
        number: 1,
        place: "session.rs:62",
        text: "A token whose expiry is exactly now must be refused; `<=` lets it live on for one more second.",
    },
    DiffFinding {
        severity: Severity::Nit,
        number: 2,
        place: "middleware.rs:40",
        text: "Two clocks are read in one request.",
    },
];

fn view(theme: &Theme) -> DiffView<'_> {
    DiffView {
        theme,
        scopes: &[Scope { word: "last iteration", open: true }, Scope { word: "base", open: false }],
        totals: (3, 1_023, 17),
        files: &FILES,
        file_extent: Extent { total: 3, offset: 0, visible: 3 },
        rows: &ROWS,
        extent: Extent { total: 7, offset: 0, visible: 7 },
        cursor: Some(1),
        wrap: false,
        column: 0,
        findings: &FINDINGS,
        empty: "nothing changed since then",
    }
}

#[test]
fn a_diff_shows_files_hunks_and_findings() {
    let theme = theme();
    insta::assert_snapshot!(shot(&view(&theme), 84, 26), @"
    ▏ since  last iteration  base   3 files  +1,023 −17                     ● 1 blocking
    ▏
    ▏▸ M src/auth/session.rs         +19     −8  ●1
    ▏  R src/old.rs → src/new.rs     +19     −8
    ▏  A logo.png                        binary  ◦2
    ▏────────────────────────────────────────────────────────────────────────────────────
    ▏ @@ -61,7 +61,9 @@ impl Session
    ▏▸    61   61   /// Whether it lives.
    ▏●1   62      − now <= self.expires
    ▏          62 + now < self.expires
    ▏             ┆ 38 unchanged lines
    ▏──  R src/old.rs → src/new.rs +0 −0 ────────────────────────────────────────────────
    ▏               renamed without changes
    ▏
    ▏
    ▏
    ▏
    ▏
    ▏
    ▏
    ▏
    ▏────────────────────────────────────────────────────────────────────────────────────
    ▏ ●1 blocking  session.rs:62  A token whose expiry is exactly now must be refused;
    ▏                             `<=` lets it live on for one more second.
    ▏ ◦2 nit       middleware.rs:40  Two clocks are read in one request.
    ▏
    ");
}

#[test]
fn low_and_narrow_screens_keep_the_hunks() {
    let theme = theme();
    insta::assert_snapshot!(shot(&view(&theme), 44, 8), @"
    ▏ since  last iteration   3 files  +1,023 −17
    ▏ @@ -61,7 +61,9 @@ impl Session
    ▏▸  61 61   /// Whether it lives.
    ▏●1 62    − now <= self.expires
    ▏      62 + now < self.expires
    ▏         ┆ 38 unchanged lines
    ▏──  R src/new.rs +0 −0 ─────────────────────
    ▏           renamed without changes
    ");
    for height in 0..80u16 {
        for (files, findings) in [(0, 0), (3, 2), (900, 40)] {
            let area = Rect::new(3, 5, 40, height);
            let a = diff_areas(area, files, findings);
            assert!(a.rows.bottom() <= area.bottom() && a.findings.bottom() <= area.bottom(), "{height} {a:?}");
            assert!(a.files.bottom() <= a.rows.y || a.files.height == 0, "{height} {a:?}");
            assert!(height < 2 || a.rows.height * 3 >= height - 1, "{height} {a:?}");
        }
    }
}

#[test]
fn words_lines_and_syntax_have_their_own_grounds_and_colours() {
    let theme = theme();
    let buf = paint(&view(&theme), 84, 26);
    assert_eq!(style_of(&buf, "<= self").bg, theme.style(Role::RemovedWord).bg);
    assert_eq!(style_of(&buf, "< self").bg, theme.style(Role::AddedWord).bg);
    assert_eq!(style_of(&buf, "now < ").bg, theme.style(Role::AddedLine).bg);
    assert!(has_role(&buf, "///", Role::SyntaxComment) && has_role(&buf, "●1", Role::Danger));
    let y = (0..26).find(|y| buf.cell((13, *y)).is_some_and(|c| c.symbol() == "−")).unwrap_or_default();
    assert_eq!(buf.cell((83, y)).map(|c| c.bg), theme.style(Role::RemovedLine).bg, "the ground reaches the edge");
}

#[test]
fn a_reviewer_sees_what_hides() {
    let theme = theme();
    let rows = [DiffRow::Line(DiffLine {
        old: None,
        new: Some(7),
        sign: Sign::Added,
        spans: &[span("if admin\u{202e} { /* ", None, false)],
        finding: None,
    })];
    let view = DiffView { rows: &rows, files: &[], file_extent: Extent::default(), findings: &[], ..view(&theme) };
    let buf = paint(&view, 60, 4);
    assert!(draw(&view, 60, 4).concat().contains("if admin<U+202E> { /*"));
    assert_eq!(style_of(&buf, "<U+202E>").bg, theme.style(Role::KeyDanger).bg);
}

#[test]
fn long_lines_wrap_or_are_cut_with_an_offset() {
    let theme = theme();
    let rows = [DiffRow::Line(DiffLine {
        old: Some(1),
        new: None,
        sign: Sign::Removed,
        spans: &[span("alpha beta gamma delta epsilon zeta", None, false)],
        finding: None,
    })];
    let base = DiffView {
        rows: &rows,
        files: &[],
        file_extent: Extent::default(),
        findings: &[],
        cursor: None,
        ..view(&theme)
    };
    assert_eq!(draw(&base, 34, 3)[1], "    1    − alpha beta gamma delt›");
    assert_eq!(draw(&DiffView { column: 6, ..base }, 34, 3)[1], "    1    − ‹eta gamma delta epsi›");
    assert_eq!(
        draw(&DiffView { wrap: true, ..base }, 34, 3)[1..],
        ["    1    − alpha beta gamma", "         ↪ delta epsilon zeta"]
    );
}

#[test]
fn it_holds_at_every_size() {
    let theme = theme();
    for wrap in [true, false] {
        hold_at_all_sizes(&DiffView { wrap, column: 3, ..view(&theme) });
    }
    hold_at_all_sizes(&DiffView { rows: &[], files: &[], ..view(&theme) });
    let odd = [FileRow {
        path: "日本\u{1b}[2J/\u{202e}x\ny",
        from: Some("\n"),
        warning: Some("\u{9b}"),
        status: '\u{7}',
        ..FILE
    }];
    hold_at_all_sizes(&DiffView { files: &odd, ..view(&theme) });
}
