//! Faults of the terminal and of the program on it: signals, crashes, stalls, sizes.

use super::matrix::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 35,
        fault: "TERM, INT, HUP, a terminal that vanishes",
        happens: "TERM and INT end in order and pause what is live",
        tests: &[
            "it::screen::signals_give_the_terminal_back_and_pause_what_is_live",
            "it::interrupt::ctrl_c_pauses_in_order_and_resume_goes_on",
            "it::interrupt::a_hang_up_ends_nothing",
        ],
    },
    Row {
        number: 36,
        fault: "TSTP and CONT from the shell",
        happens: "the terminal is given back before loopdash stops, and set up and painted whole after it goes on; agents work \
            on meanwhile",
        tests: &["it::screen::a_stop_by_the_shell_gives_the_terminal_back_and_a_continue_takes_it_again"],
    },
    Row {
        number: 37,
        fault: "panic, abort, SEGV or kill -9 while the screen is up",
        happens: "a panic restores the terminal before its message; a panic in a step's task concerns its run only",
        tests: &["it::screen::a_panic_gives_the_terminal_back_before_its_message"],
    },
    Row {
        number: 38,
        fault: "a storm of sizes down to one cell, with dialogs open",
        happens: "drawn as it fits, or `too small`; correct afterwards",
        tests: &["it::screen::a_storm_of_sizes_down_to_one_cell_is_survived"],
    },
    Row {
        number: 39,
        fault: "a slow or stalled terminal",
        happens: "one thread writes, one frame at a time: it alone waits, frames are dropped, loops go on",
        tests: &["app::tui::screen::tests::a_stalled_terminal_holds_one_frame_and_nobody"],
    },
];
