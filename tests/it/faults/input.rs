//! Faults of what is read: agents' bytes, keys, pastes, configuration.

use super::matrix::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 15,
        fault: "bytes that are no text, NUL, lone CR, endless graphemes, right-to-left, wide characters at the edge",
        happens: "replaced, written out or cut so that every line has the width it claims",
        tests: &[
            "loops::agent::sanitize::tests::nothing_but_printable_text_comes_out",
            "loops::agent::sanitize::tests::marks_do_not_pile_up",
            "loops::agent::sanitize::tests::invisible_characters_are_written_out",
        ],
    },
    Row {
        number: 16,
        fault: "terminal sequences in output: clipboard, title, screens, queries, links, images, 8-bit controls",
        happens: "only colour survives, on the screen and in lines; nothing answers an agent; raw bytes are on disk",
        tests: &[
            "it::screen::nothing_that_an_agent_prints_reaches_the_terminal_as_a_command",
            "it::baddays::hostile_output_is_kept_as_it_is_and_told_harmlessly",
            "loops::agent::sanitize::tests::sequences_go_with_their_payload",
            "loops::core::prompt::fence::tests::nothing_reaches_a_terminal",
        ],
    },
    Row {
        number: 41,
        fault: "configuration: garbage, unknown keys, wrong types, huge, duplicate names, cycles; no HOME, no terminal",
        happens: "exit 65 with file, line, column and a suggestion; without a terminal, lines instead of the dashboard",
        tests: &[
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
