use proptest::prelude::*;

use super::super::sgr::TextColor;
use super::*;

fn clean(line: &[u8]) -> String {
    clean_line(line, &mut SgrState::default()).text
}

#[test]
fn sequences_go_with_their_payload() {
    let cases: &[(&[u8], &str)] = &[
        (b"a\x1b[31mred\x1b[0mb", "aredb"),
        (b"a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        (b"a\x1b]0;title\x1b\\b", "ab"),
        (b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        (b"a\x1b]8;;http://x\x07link\x1b]8;;\x07b", "alinkb"),
        (b"a\x1b[2Jb\x1bcc\x1b[?1049hd\x1b[?1000he", "abcde"),
        (b"a\x1bP$q\"p\x1b\\b", "ab"),
        (b"a\x1b_Gf=100;AAAA\x1b\\b", "ab"),
        (b"a\x1b^private\x1b\\b\x1bXsos\x1b\\c", "abc"),
        (b"a\x1b[6nb\x1b[cc\x1b[>0qd", "abcd"),
        (b"a\x9b31mb", "ab"),
        ("a\u{9b}31mb".as_bytes(), "ab"),
        (b"a\x9d52;c;aGk=\x9cb", "ab"),
        ("a\u{9d}0;t\u{7}b\u{90}q\u{9c}c".as_bytes(), "abc"),
        (b"nul\0bell\x07del\x7f", "nulbelldel"),
        (b"\x1b(0lqk\x1b(B", "lqk"),
    ];
    for (line, want) in cases {
        assert_eq!(clean(line), *want, "{}", line.escape_ascii());
    }
}

#[test]
fn half_a_character_is_not_an_introducer() {
    // The last two bytes of U+201D, after a stream switch in the middle of it.
    assert_eq!(clean(b"\x80\x9d quoted"), "\u{fffd}\u{fffd} quoted");
    assert_eq!(clean(b"caf\xe9 ol\xe9"), "caf\u{fffd} ol\u{fffd}");
    assert_eq!(clean(b"cut \xe2\x80"), "cut \u{fffd}");
}

#[test]
fn an_open_sequence_ends_with_its_line() {
    assert_eq!(plain(b"a\x1b]52;c;AAAA\nsecret\x1bPq\nb"), "a\nsecret\nb");
}

#[test]
fn progress_lines_show_their_last_state() {
    assert_eq!(clean(b"10%\r50%\r100% done\r"), "100% done");
    assert_eq!(clean(b"long line here\rab"), "ab");
    assert_eq!(clean(b"working\x1b[2K\x1b[1Gdone"), "done");
    assert_eq!(clean(b"windows\r"), "windows");
    assert_eq!(clean(b"abc\x08\x08X"), "aX");
    assert_eq!(clean(b"\x08\x08a"), "a");
    assert_eq!(clean("wiped\r\u{300}".as_bytes()), "wiped");
}

#[test]
fn tabs_reach_the_next_stop() {
    assert_eq!(clean(b"\ta\tb"), "        a       b");
    assert_eq!(clean("日\tx".as_bytes()), "日      x");
}

#[test]
fn invisible_characters_are_written_out() {
    assert_eq!(clean("a\u{202e}b\u{200b}c\u{feff}".as_bytes()), "a<U+202E>b<U+200B>c<U+FEFF>");
    assert_eq!(clean("a\u{200d}b".as_bytes()), "a<U+200D>b");
    assert_eq!(clean("👩\u{200d}💻 ❤\u{fe0f}".as_bytes()), "👩\u{200d}💻 ❤\u{fe0f}");
    assert_eq!(clean("x\u{2028}y\u{e0041}".as_bytes()), "x<U+2028>y<U+E0041>");
}

#[test]
fn marks_do_not_pile_up() {
    let text = clean(format!("a{}b", "\u{301}".repeat(5_000)).as_bytes());
    assert_eq!(text.chars().filter(|c| *c == '\u{301}').count(), usize::from(MARKS_PER_CHAR));
    let chain = "👩\u{200d}".repeat(1_000);
    let longest = clean(chain.as_bytes()).split("👩👩").map(|part| part.matches('\u{200d}').count()).max();
    assert_eq!(longest, Some(usize::from(MARKS_PER_CHAR)));
}

#[test]
fn colour_survives_and_carries_over() {
    let mut state = SgrState::default();
    let line = clean_line(b"ok \x1b[1;31mbad\x1b[0m ok \x1b[48;5;9mbg", &mut state);
    assert_eq!(line.text, "ok bad ok bg");
    assert_eq!(line.spans.len(), 2);
    let (red, bg) = (&line.spans[0], &line.spans[1]);
    assert_eq!((red.range.clone(), red.style.fg, red.style.bold), (3..6, TextColor::Indexed(1), true));
    assert_eq!((bg.range.clone(), bg.style.bg), (10..12, TextColor::Indexed(9)));
    let next = clean_line(b"plain", &mut state);
    assert_eq!(next.spans, [StyledSpan { range: 0..5, style: bg.style }]);
}

#[test]
fn long_lines_are_cut_and_say_so() {
    for line in [vec![b'x'; 70_000], "é".repeat(40_000).into_bytes()] {
        let shown = clean_line(&line, &mut SgrState::default());
        assert!(shown.cut);
        assert!(shown.text.len() <= DISPLAY_CAP && shown.text.len() > DISPLAY_CAP - 4);
        assert_eq!(plain_line(&line).len(), line.len());
    }
    let mut progress = vec![b'x'; 70_000];
    progress.extend_from_slice(b"\rdone\x1b[m");
    assert_eq!(
        clean_line(&progress, &mut SgrState::default()),
        CleanLine { text: "done".into(), ..CleanLine::default() }
    );
}

/// Bytes as hostile as they come: pieces of sequences, broken UTF-8, controls and text.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,8}".prop_map(String::into_bytes),
        2 => "\\PC{0,4}".prop_map(String::into_bytes),
        4 => prop::sample::select(vec![
            &b"\x1b["[..], b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b\\", b"\x1b", b"\x07", b"\x9b", b"\x9d", b"\x9c", b"\x90",
            b"m", b"38;5;", b"38:2:1:2:3m", b"\r", b"\x08", b"\t", b"\0", b"\xe2\x80", b"\xe2\x80\xae", b"\xc2\x9b",
            b"\x1b[2K", b"52;c;", b"\xff", b"\n", b"\xf0\x9f\x91\xa9\xe2\x80\x8d",
        ]).prop_map(<[u8]>::to_vec),
        2 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn is_safe(c: char) -> bool {
    !c.is_control() && (!is_invisible(c) || is_joiner(c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_but_printable_text_comes_out(bytes in hostile()) {
        let mut state = SgrState::default();
        let line = clean_line(&bytes, &mut state);
        prop_assert!(line.text.chars().all(is_safe), "{:?}", line.text);
        prop_assert!(line.text.len() <= DISPLAY_CAP);
        let mut end = 0;
        for span in &line.spans {
            prop_assert!(span.range.start >= end && span.range.start < span.range.end);
            prop_assert!(line.text.get(span.range.clone()).is_some());
            prop_assert!(span.style != TextStyle::default());
            end = span.range.end;
        }
        prop_assert!(plain(&bytes).chars().all(|c| c == '\n' || is_safe(c)));
    }

    #[test]
    fn lines_are_independent(first in hostile(), second in hostile()) {
        let joined = [&first[..], b"\n", &second[..]].concat();
        prop_assert_eq!(plain(&joined), format!("{}\n{}", plain(&first), plain(&second)));
    }

    #[test]
    fn cleaning_is_idempotent(bytes in hostile()) {
        let once = plain(&bytes);
        prop_assert_eq!(plain_str(&once), once);
    }

    #[test]
    fn the_fast_path_is_the_slow_path(text in "[ -~]{0,40}\r?") {
        let mut state = SgrState::default();
        prop_assert_eq!(clean_line(text.as_bytes(), &mut state), perform(text.as_bytes(), &mut state, DISPLAY_CAP));
    }
}
