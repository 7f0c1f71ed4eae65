use super::*;
use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, style_of, theme};

const STRIP: [Bar; 4] = [
    Bar { level: 8, role: Role::Attention, shape: None },
    Bar { level: 5, role: Role::Attention, shape: None },
    Bar { level: 3, role: Role::Attention, shape: None },
    Bar { level: 1, role: Role::Ok, shape: None },
];

const PLAIN: LoopRow<'static> = LoopRow {
    mark: Mark::Running,
    name: "fix-ci",
    progress: None,
    word: None,
    strip: &[],
    iteration: None,
    age: None,
    cost: None,
    priority: None,
    selected: false,
    marked: false,
};

fn rows(selected: usize) -> Vec<ListRow<'static>> {
    let mut loops = [
        LoopRow {
            mark: Mark::NeedsYou,
            name: "docs-site",
            word: Some("question"),
            progress: Some((2, 5)),
            age: Some("18m"),
            cost: Some("$0.31"),
            ..PLAIN
        },
        LoopRow {
            mark: Mark::Stuck,
            name: "perf-index",
            word: Some("not converging"),
            strip: &STRIP,
            iteration: Some(5),
            age: Some("41m"),
            cost: Some("$3.10"),
            ..PLAIN
        },
        LoopRow {
            name: "auth-refactor",
            progress: Some((12, 45)),
            strip: &STRIP,
            iteration: Some(4),
            age: Some("3m"),
            cost: Some("$0.42"),
            priority: Some(9),
            ..PLAIN
        },
        LoopRow { mark: Mark::Queued, name: "search-facets", priority: Some(5), ..PLAIN },
        LoopRow {
            mark: Mark::Done,
            name: "日本語の名前がとても長い",
            progress: Some((9, 9)),
            age: Some("11m"),
            ..PLAIN
        },
    ];
    loops[selected].selected = true;
    let [a, b, c, d, e] = loops.map(ListRow::Loop);
    vec![
        ListRow::Section("NEEDS YOU", 2),
        a,
        b,
        ListRow::Gap,
        ListRow::Section("RUNNING", 1),
        c,
        ListRow::Gap,
        ListRow::Section("QUEUED", 1),
        d,
        ListRow::Gap,
        ListRow::Section("DONE", 1),
        e,
    ]
}

fn list<'a>(theme: &'a Theme, rows: &'a [ListRow<'a>]) -> LoopList<'a> {
    let extent = Extent { total: rows.len(), offset: 0, visible: rows.len() };
    LoopList { theme, rows, extent, count: 5, focused: true, border: true, filter: None, empty: "No loops yet." }
}

#[test]
fn a_wide_list_shows_every_column() {
    let theme = theme();
    let rows = rows(2);
    insta::assert_snapshot!(shot(&list(&theme, &rows), 66, 14), @"
    ▏╭─ Loops ──────────────────────────────────────────────────── 5 ─╮
    ▏│  NEEDS YOU 2                                                   │
    ▏│  ◐ docs-site          question 2/5               18m  $0.31    │
    ▏│  ⚠ perf-index         not converging  █▅▃▁    i5 41m  $3.10    │
    ▏│                                                                │
    ▏│  RUNNING 1                                                     │
    ▏│▸ ▶ auth-refactor      12/45           █▅▃▁    i4  3m  $0.42 p9 │
    ▏│                                                                │
    ▏│  QUEUED 1                                                      │
    ▏│  ○ search-facets      queued                                p5 │
    ▏│                                                                │
    ▏│  DONE 1                                                        │
    ▏│  ✓ 日本語の名前がと…  9/9                        11m           │
    ▏╰────────────────────────────────────────────────────────────────╯
    ");
}

#[test]
fn columns_leave_by_rank() {
    let theme = theme();
    let rows = rows(0);
    let shown: Vec<_> =
        [52, 44, 34, 26, 20].into_iter().flat_map(|w| draw(&list(&theme, &rows[..6]), w, 8)[1..7].to_vec()).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    │  NEEDS YOU 2                                     │
    │▸ ◐ docs-site      question 2/5               18m │
    │  ⚠ perf-index     not converging  █▅▃▁    i5 41m │
    │                                                  │
    │  RUNNING 1                                       │
    │  ▶ auth-refactor  12/45           █▅▃▁    i4  3m │
    │  NEEDS YOU 2                             │
    │▸ ◐ docs-site     question            18m │
    │  ⚠ perf-index    not converg… █▅▃▁   41m │
    │                                          │
    │  RUNNING 1                               │
    │  ▶ auth-refactor 12/45        █▅▃▁    3m │
    │  NEEDS YOU 2                   │
    │▸ ◐ docs-site     question 2/5  │
    │  ⚠ perf-index    not convergi… │
    │                                │
    │  RUNNING 1                     │
    │  ▶ auth-refactor 12/45         │
    │  NEEDS YOU 2           │
    │▸ ◐ docs-site     ques… │
    │  ⚠ perf-index    not…  │
    │                        │
    │  RUNNING 1             │
    │  ▶ auth-refactor 12/45 │
    │  NEEDS YOU 2     │
    │▸ ◐ docs-site     │
    │  ⚠ perf-index    │
    │                  │
    │  RUNNING 1       │
    │  ▶ auth-refactor │
    ");
}

#[test]
fn moving_the_selection_changes_the_first_inner_column() {
    let theme = theme();
    for border in [true, false] {
        let marks = |selected: usize| {
            let rows = rows(selected);
            let buf = paint(&LoopList { border, ..list(&theme, &rows) }, 40, 14);
            let x = u16::from(border);
            (0..14).filter(|y| buf.cell((x, *y)).is_some_and(|c| c.symbol() == "▸")).collect::<Vec<u16>>()
        };
        let top = u16::from(border);
        assert_eq!((marks(0), marks(1)), (vec![top + 1], vec![top + 2]));
    }
}

#[test]
fn state_is_glyph_word_and_colour() {
    let theme = theme();
    let rows = rows(2);
    let buf = paint(&list(&theme, &rows), 66, 14);
    for (text, role) in [
        ("◐", Role::Attention),
        ("question", Role::Attention),
        ("⚠", Role::Danger),
        ("▶", Role::Running),
        ("queued", Role::Queued),
        ("✓", Role::Ok),
    ] {
        assert!(has_role(&buf, text, role), "{text}");
    }
    assert_eq!(style_of(&buf, "auth-refactor").bg, theme.style(Role::Selection).bg);
    assert!(style_of(&buf, "question").add_modifier.contains(Modifier::BOLD));
}

#[test]
fn the_filter_is_shown_with_its_matches() {
    let theme = theme();
    let rows = rows(0);
    let filter = Some(Filter { text: "auth", editing: true, matches: 1 });
    let shown = draw(&LoopList { filter, ..list(&theme, &rows) }, 40, 6);
    assert!(shown[1].starts_with("│f auth ") && shown[1].ends_with(" 1 of 5 │"), "{shown:?}");
    let none =
        LoopList { filter: Some(Filter { text: "zzz", editing: false, matches: 0 }), rows: &[], ..list(&theme, &rows) };
    let shown = draw(&none, 50, 6).join("\n");
    assert!(shown.contains("0 of 5") && shown.contains("nothing matches; Esc clears the filter"), "{shown}");
    assert_eq!(visible_rows(6, true, true), 3);
}

#[test]
fn names_cannot_break_a_row() {
    let theme = theme();
    let hostile = [ListRow::Loop(LoopRow {
        name: "a\nb\u{1b}[2Jc\u{202e}d日本語日本語",
        word: Some("x\ty\r\n"),
        strip: &[Bar { level: 200, role: Role::Ok, shape: None }; 40],
        iteration: Some(u32::MAX),
        age: Some("99999999d"),
        cost: Some("$1,000,000,000"),
        priority: Some(255),
        selected: true,
        marked: true,
        ..PLAIN
    })];
    let list_of = list(&theme, &hostile);
    assert!(draw(&list_of, 80, 4)[1].contains("a b[2Jcd日本語"));
    hold_at_all_sizes(&list_of);
    let rows = rows(1);
    hold_at_all_sizes(&list(&theme, &rows));
    hold_at_all_sizes(&LoopList { border: false, rows: &[], ..list(&theme, &rows) });
}

#[test]
fn the_columns_never_exceed_the_width() {
    for width in 0..300u16 {
        let c = Columns::of(width);
        let status = if c.status > 0 { c.status + 1 } else { 0 };
        assert!(c.name + status + c.right() <= width.saturating_sub(Columns::LEAD), "{width}: {c:?}");
    }
}

#[test]
fn without_colour_a_cell_of_the_strip_tells_its_verdict_by_its_shape() {
    let theme = crate::widgets::testing::theme();
    let strip = [
        Bar { level: 8, role: Role::Danger, shape: None },
        Bar { level: 5, role: Role::Danger, shape: Some("!") },
        Bar { level: 1, role: Role::Ok, shape: Some("✓") },
        Bar { level: 0, role: Role::Dim, shape: Some("·") },
    ];
    let row = LoopRow {
        mark: Mark::Running,
        name: "fix-ci",
        progress: None,
        word: None,
        strip: &strip,
        iteration: Some(3),
        age: Some("4m"),
        cost: None,
        priority: None,
        selected: false,
        marked: false,
    };
    let rows = [ListRow::Loop(row)];
    let plain = crate::widgets::testing::theme_at(Tier::None);
    let shown = |theme: &Theme| {
        let extent = Extent { total: 1, offset: 0, visible: 1 };
        let list =
            LoopList { theme, rows: &rows, extent, count: 1, focused: true, border: false, filter: None, empty: "" };
        crate::widgets::testing::shot(&list, 60, 1)
    };
    assert!(shown(&theme).contains("█▅▁·"), "{}", shown(&theme));
    assert!(shown(&plain).contains("█!✓·"), "{}", shown(&plain));
}
