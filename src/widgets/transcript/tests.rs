use super::*;
use crate::widgets::testing::{draw, has_role, hold_at_all_sizes, paint, shot, style_of, theme};
use crate::widgets::theme::Paint;

fn line(stream: Stream, text: &str) -> StyledLine {
    StyledLine::plain(stream, text)
}

fn sample() -> Vec<StyledLine> {
    vec![
        line(Stream::Out, "I will move expiry into Session::is_live."),
        line(Stream::Tool, "warning: unused import"),
        line(Stream::Err, "error: could not connect"),
        line(Stream::Note, "use the clock you are given"),
        StyledLine {
            stream: Stream::Rule,
            spans: vec![
                ("snapshot ".into(), Ink::default()),
                ("+23".into(), Ink::role(Role::Added)),
                (" −17".into(), Ink::role(Role::Removed)),
            ],
        },
        line(Stream::Meta, "retrying once"),
    ]
}

fn transcript<'a>(theme: &'a Theme, lines: &'a [StyledLine]) -> Transcript<'a> {
    Transcript {
        theme,
        lines,
        anchor: Anchor::Bottom,
        wrap: true,
        column: 0,
        hits: &[],
        extent: Extent::default(),
        follow: None,
        empty: "no output yet",
    }
}

fn follow() -> Follow<'static> {
    Follow {
        following: true,
        live: true,
        total: 1_284,
        fresh: 0,
        facts: &["41k tok", "$0.42"],
        used: &[],
        search: None,
    }
}

#[test]
fn streams_are_told_apart_by_sign_and_tone() {
    let theme = theme();
    let lines = sample();
    let view = Transcript { follow: Some(follow()), ..transcript(&theme, &lines) };
    insta::assert_snapshot!(shot(&view, 60, 8), @"
    ▏   I will move expiry into Session::is_live.
    ▏ │ warning: unused import
    ▏ ┃ error: could not connect
    ▏ » use the clock you are given
    ▏ ── snapshot +23 −17 ──────────────────────────────────────
    ▏ · retrying once
    ▏
    ▏ ↓ following  1,284 lines  41k tok  $0.42           wrapped
    ");
    let buf = paint(&view, 60, 8);
    for (text, role) in [
        ("┃", Role::Stderr),
        ("error", Role::Stderr),
        ("»", Role::Note),
        ("+23", Role::Added),
        ("↓ following", Role::Ok),
    ] {
        assert!(has_role(&buf, text, role), "{text}");
    }
}

#[test]
fn following_keeps_the_end_in_view_and_scrolling_keeps_the_start() {
    let theme = theme();
    let lines: Vec<_> = (0..9).map(|i| line(Stream::Out, &format!("line {i} goes on and on"))).collect();
    let bottom = transcript(&theme, &lines);
    assert_eq!(draw(&bottom, 16, 3), ["   on and on", "   line 8 goes", "   on and on"]);
    let top = Transcript { anchor: Anchor::Top { skip: 0 }, ..bottom };
    assert_eq!(draw(&top, 16, 3), ["   line 0 goes", "   on and on", "   line 1 goes"]);
    let skipped = Transcript { anchor: Anchor::Top { skip: 1 }, ..bottom };
    assert_eq!(draw(&skipped, 16, 2), ["   on and on", "   line 1 goes"]);
    let past = Transcript { anchor: Anchor::Top { skip: 99 }, ..bottom };
    assert_eq!(draw(&past, 16, 2), ["   on and on", "   line 1 goes"]);
    assert_eq!((lines[0].height(16), lines[0].height(80)), (2, 1));
    let short = transcript(&theme, &lines[..1]);
    assert_eq!(draw(&short, 40, 3), ["   line 0 goes on and on", "", ""]);
}

#[test]
fn cut_lines_are_marked_and_can_be_shifted() {
    let theme = theme();
    let lines = [line(Stream::Out, "0123456789abcdef"), line(Stream::Out, "short")];
    let view = Transcript { wrap: false, ..transcript(&theme, &lines) };
    assert_eq!(draw(&view, 12, 2), ["   0123456›", "   short"]);
    assert_eq!(draw(&Transcript { column: 8, ..view }, 12, 2), ["   ‹9abcdef", "   ‹"].map(String::from));
}

#[test]
fn hits_are_marked_even_across_spans() {
    let theme = theme();
    let lines = [StyledLine {
        stream: Stream::Out,
        spans: vec![("see is_".into(), Ink::default()), ("live and is_live".into(), Ink::role(Role::Path))],
    }];
    let hits = [Hit { line: 0, bytes: 4..11, current: true }, Hit { line: 0, bytes: 16..23, current: false }];
    let view = Transcript { hits: &hits, ..transcript(&theme, &lines) };
    let buf = paint(&view, 40, 1);
    assert_eq!(style_of(&buf, "is_live and").bg, theme.style(Role::SearchCurrent).bg);
    assert_eq!(style_of(&buf, "ive and").bg, theme.style(Role::SearchCurrent).bg);
    assert_eq!(style_of(&buf, " and").bg, style_of(&buf, "see").bg);
    assert!(has_role(&buf, " and", Role::Path));
}

#[test]
fn the_status_line_says_what_is_new_and_how_to_follow() {
    let theme = theme();
    let lines = sample();
    let says = |follow: Follow<'static>, width: u16| {
        draw(&Transcript { follow: Some(follow), ..transcript(&theme, &lines) }, width, 3)[2].clone()
    };
    assert_eq!(says(follow(), 60), " ↓ following  1,284 lines  41k tok  $0.42           wrapped");
    let up = Follow { following: false, fresh: 312, ..follow() };
    assert_eq!(says(up, 42), " ↑ 312 new below, G follows  1,284 lines");
    assert_eq!(says(Follow { live: false, ..follow() }, 30), " ■ end  1,284 lines  41k tok");
    let fact = SearchFact { query: "is_live", found: Some(17), at: 3, more: false };
    let search = Follow { search: Some(fact), facts: &[], ..follow() };
    assert_eq!(says(search, 44), " ↓ following  1,284 lines  /is_live 3/17");
    let none = Follow { search: Some(SearchFact { query: "zzz", found: Some(0), at: 0, more: false }), ..search };
    assert!(says(none, 50).contains("/zzz no match"));
}

#[test]
fn agents_colours_pass_but_their_control_characters_do_not() {
    let theme = theme();
    let ink = Ink { fg: Some(Paint::Rgb(1, 2, 3)), bold: true, ..Ink::default() };
    let lines =
        [StyledLine { stream: Stream::Out, spans: vec![("a\u{1b}]0;title\u{7}\u{202e}b\u{9b}2J".into(), ink)] }];
    let view = transcript(&theme, &lines);
    let buf = paint(&view, 40, 1);
    assert_eq!(draw(&view, 40, 1), ["   a]0;titleb2J"]);
    assert_eq!(style_of(&buf, "a]0").fg, theme.ink(ink, Style::new()).fg);
    hold_at_all_sizes(&view);
    let lines = sample();
    for wrap in [true, false] {
        for anchor in [Anchor::Bottom, Anchor::Top { skip: 1 }] {
            let extent = Extent { total: 900, offset: 3, visible: 5 };
            hold_at_all_sizes(&Transcript {
                wrap,
                anchor,
                column: 5,
                extent,
                follow: Some(follow()),
                ..transcript(&theme, &lines)
            });
        }
    }
    hold_at_all_sizes(&transcript(&theme, &[]));
}
