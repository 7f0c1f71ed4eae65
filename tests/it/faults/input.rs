//! Faults of what is read: agents' bytes, keys, pastes, configuration.

use super::invariants::Before;
use super::matrix::Row;
use crate::ground::{Ground, LOOPDASH, Told, agent};
use crate::screen::{a_loop, a_script, leave, open, with_loops};
use crate::term::Term;
use loopdash::loops::core::step::StepKind;
use loopdash::loops::core::transition::RunStatus;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 16,
        fault: "terminal sequences in output: clipboard, title, screens, queries, links, images, 8-bit controls",
        happens: "only colour survives, on the screen and in lines; nothing answers an agent; raw bytes are on disk",
        tests: &[
            "it::faults::input::row_16_nothing_that_agents_say_anywhere_is_a_command_to_the_terminal",
            "it::baddays::hostile_output_is_kept_as_it_is_and_told_harmlessly",
            "loops::agent::sanitize::tests::sequences_go_with_their_payload",
            "loops::core::prompt::fence::tests::nothing_reaches_a_terminal",
        ],
    },
    Row {
        number: 41,
        fault: "configuration: garbage, unknown keys, wrong types, huge, duplicate names, cycles; no HOME, no terminal",
        happens: "exit 65 with file, line, column and a suggestion; without a terminal, or with TERM=dumb, lines instead of \
            the dashboard. HOME may be missing where the state directory is named",
        tests: &[
            "it::faults::input::row_41_neither_a_home_nor_a_terminal_that_holds_a_screen_is_needed",
            "it::baddays::wrong_configuration_and_tests_are_refused_with_their_place",
            "it::cli::a_wrong_configuration_exits_65_with_place_and_remedy",
            "loops::core::test_state::parse::tests::cycles_are_named",
        ],
    },
    Row {
        number: 46,
        fault: "a paste of 1 MB, autorepeat, escapes in pastes, sequences split across reads",
        happens: "read as one paste whatever is in it, one frame for all; only text fields take it, without control characters",
        tests: &[
            "it::faults::input::row_46_a_megabyte_pasted_and_a_flood_of_keys_leave_the_screen_alive",
            "app::tui::keys::tests::a_huge_paste_keeps_its_beginning_and_finds_its_end",
            "app::tui::keys::tests::where_the_bytes_are_cut_makes_no_difference",
            "app::tui::update::tests::a_paste_goes_into_a_text_field_and_nowhere_else",
        ],
    },
    Row {
        number: 47,
        fault: "a destructive key by accident",
        happens: "asks first, and a key typed before the question was on the screen does not answer it",
        tests: &[
            "it::screen::a_key_typed_before_its_dialog_was_seen_does_not_confirm_it",
            "app::tui::update::tests::a_destructive_key_asks_once_and_y_confirms",
        ],
    },
];

/// Every kind of sequence that could do something to a terminal, each around a word of its own.
const HOSTILE: &[&[u8]] = &[
    b"\x1b]52;c;RVZJTA==\x07",
    b"\x1b]0;EVLTITLE\x1b\\",
    b"\x1b]8;;http://evil.test/\x1b\\EVLLINK\x1b]8;;\x1b\\",
    b"\x1b]4;1;#ffffff\x07\x1b]10;?\x07\x1b]9;EVLNOTE\x07\x1b]777;notify;EVL;NOTE\x07",
    b"\x1b[?1049l\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?2004l\x1b[?25l",
    b"\x1bc\x1b[!p\x1b7\x1b8\x1b#8\x1b[2J\x1b[H\x1b[6n\x1b[c\x1b[>c\x1b[5n\x05",
    b"\x1bP$qm\x1b\\\x1bP+q544e\x1b\\\x1bPq#0;2;0;0;0~\x1b\\",
    b"\x1b_Gf=24,s=1,v=1;AAAA\x1b\\\x1b^EVLPM\x1b\\\x1bXEVLSOS\x1b\\",
    b"\x9b6n\x9d0;EVLC1\x9c\x90EVLDCS\x9c\x9fEVLAPC\x9c",
    b"\xc2\x9b6n\xc2\x9d0;EVLU8\xc2\x9c",
    b"\x0e\x0f\x07\x08\x0b\x0c\x7f\r",
];

/// What was written to a terminal besides text.
#[derive(Default)]
struct Heard {
    commands: BTreeSet<String>,
}

impl vte::Perform for Heard {
    fn print(&mut self, c: char) {
        if c.is_control() {
            self.commands.insert(format!("printed {c:?}"));
        }
    }
    fn execute(&mut self, byte: u8) {
        self.commands.insert(format!("control {byte:02x}"));
    }
    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.commands.insert(format!("DCS {action}"));
    }
    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.commands.insert(format!("OSC {}", String::from_utf8_lossy(params[0])));
    }
    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.commands.insert(format!("ESC {}{}", String::from_utf8_lossy(intermediates), char::from(byte)));
    }
    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        let first = params.iter().next().map_or(0, |param| param[0]);
        // Places and colours are numbers; of everything else the number is part of the command.
        let number = if "mHABCD".contains(action) { String::new() } else { first.to_string() };
        self.commands.insert(format!("CSI {}{number}{action}", String::from_utf8_lossy(intermediates)));
    }
}

/// All that loopdash itself tells a terminal: places and colours, its own screen, cursor and paste, whole frames, and, when
/// it leaves, that the mouse is off.
#[rustfmt::skip]
const VOCABULARY: &[&str] = &[
    "CSI H", "CSI m", "CSI 2J", "CSI ?25h", "CSI ?25l", "CSI ?1049h", "CSI ?1049l", "CSI ?2004h", "CSI ?2004l",
    "CSI ?2026h", "CSI ?2026l", "CSI ?1000l", "CSI ?1002l", "CSI ?1003l", "CSI ?1006l", "CSI ?1015l",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_16_nothing_that_agents_say_anywhere_is_a_command_to_the_terminal() {
    let payload = HOSTILE.concat();
    let words: String = String::from_utf8_lossy(&payload).into_owned();
    let script = "cat >/dev/null; evil=$(cat ../../payload); cat ../../payload; echo; cat ../../payload >&2; echo >&2
        cp ../../payload diffed.txt; touch \"evil$evil\"; git add -A
        git -c user.name=\"$evil\" -c user.email=e@localhost commit -q -m \"$evil\"
        echo still here; echo LOOPDASH_DONE";
    let judge = format!("e=$(cat ../../words); exec '{LOOPDASH}' __agent say \"$e\" needs-human \"May I $e?\"");
    let judge = serde_json::to_string(&["/bin/sh", "-c", &judge]).unwrap();
    let critic = format!("[agents.judge]\ncommand = {judge}\n");
    let gate = "[[loop.gate]]\nname = \"loud\"\ncommand = \"cat ../../payload ../../payload >&2\"\n";
    let text = a_script("evil", script, "").replace("critic = \"none\"", "critic = \"judge\"");
    let ground = with_loops(&[critic, text, gate.to_owned()]);
    std::fs::write(ground.path("payload"), &payload).unwrap();
    std::fs::write(ground.path("words"), words).unwrap();
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("1 needs you").await;
    for pane in ["1", "2", "3", "4", "5", "6"] {
        term.keys(pane).await;
        let drawn = term.raw().len();
        term.until("the pane is drawn", |_| term.raw().len() > drawn).await;
        term.keys("G").await;
    }
    term.keys("1").await;
    term.see("EVLLINK").await;
    leave(&mut term).await;
    let raw = term.raw();
    let mut heard = Heard::default();
    vte::Parser::new().advance(&mut heard, &raw);
    let unknown: Vec<&String> =
        heard.commands.iter().filter(|command| !VOCABULARY.contains(&command.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // The parser passes over these in silence.
    for bytes in [&b"\x1b_"[..], b"\x1b^", b"\x1bX"] {
        assert!(!raw.windows(2).any(|two| two == bytes), "{bytes:?}");
    }
    let stored = std::fs::read(ground.ran().steps(&StepKind::Actor)[0].join("stdout.log")).unwrap();
    assert!(stored.starts_with(&payload), "what was printed is on disk as it was");
    // Lines tell the same, as harmlessly.
    for words in [&["show", "evil"][..], &["log", "evil"], &["diff", "evil"], &["list"]] {
        let out = ground.loopdash(words).exits(0).out;
        let bad = out.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{words:?}: {out}");
    }
    before.holds_on(&ground, &term).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_41_neither_a_home_nor_a_terminal_that_holds_a_screen_is_needed() {
    let ground = Ground::new();
    let before = Before::of(&ground);
    let mut homeless = ground.run_command(&["touch", "x", "claim"], &["done", "fine"], &[]);
    Told::from(homeless.env_remove("HOME").output().unwrap()).exits(0);
    let (home, state) = (ground.path("home"), ground.path("state"));
    let dumb = [("HOME", home.as_path()), ("LOOPDASH_STATE_DIR", &state), ("TERM", Path::new("dumb"))];
    // The dashboard says in one line what it needs.
    let mut term = Term::start(&[], &ground.repo(), &dumb, (36, 120));
    assert_eq!(term.ended().await.code(), Some(64));
    term.see("TERM=dumb").await;
    assert!(!term.raw().contains(&0x1b), "not a sequence");
    // A run tells its lines instead.
    let actor = agent(&["touch", "x", "claim"]);
    let run = ["run", "-p", "Again.", "--actor", &actor, "--critic", "none", "--gate", "test -e x", "--color", "never"];
    let mut term = Term::start(&run, &ground.repo(), &dumb, (36, 120));
    assert!(term.ended().await.success(), "{}", term.text());
    assert!(term.text().contains("submitted as again") && !term.raw().contains(&0x1b), "{}", term.text());
    assert_eq!(before.holds_on(&ground, &term).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_46_a_megabyte_pasted_and_a_flood_of_keys_leave_the_screen_alive() {
    let ground = with_loops(&[a_loop("slow", &["say", "at work", "hang"])]);
    let before = Before::of(&ground);
    let mut term = open(&ground, &["--start-all"]);
    term.see("at work").await;
    // Into a text field: its beginning is kept, without what is no text.
    term.keys("n").await;
    let mut paste = "\x1b[200~begin \x1b]52;c;AA\x07\x1b[31m\x03 y\rq ".to_owned();
    paste.push_str(&"word ".repeat(200_000));
    paste.push_str("\x1b[201~");
    term.keys(&paste).await;
    term.see("word word").await;
    // Alone until it has worked: with another key right behind it, it would be Alt.
    term.keys("\x1b").await;
    term.gone("word word").await;
    // Nowhere else: none of it is a key.
    term.keys(&format!("\x1b[200~{}\x1b[201~", "qyS".repeat(100_000))).await;
    term.keys(&"j".repeat(20_000)).await;
    term.keys(&"\x1b[<35;10;10M\x1b[<0;10;10M\x1b[<0;10;10m".repeat(5_000)).await;
    let drawn = term.raw().len();
    term.keys("?").await;
    term.see("Esc closes").await;
    let frames = term.raw()[drawn..].windows(8).filter(|bytes| bytes == b"\x1b[?2026h").count();
    assert!(frames < 200, "{frames} frames for keys that were there at once");
    term.keys("\x1b").await;
    term.gone("Esc closes").await;
    leave(&mut term).await;
    let runs = before.holds_on(&ground, &term).await;
    assert_eq!(runs[0].state.notes.len(), 0, "nothing was said by accident");
    assert_eq!(runs[0].state.status, RunStatus::Paused);
}
