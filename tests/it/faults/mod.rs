//! The fault matrix: what loopdash survives, row by row, each with the tests that inject the fault.
//!
//! A theme is a file; its `ROWS` say what happens, and `matrix` makes `docs/reliability.md` of them.

mod agents;
mod children;
mod contents;
mod disk;
mod floods;
mod git;
mod input;
mod invariants;
mod journal;
mod killed;
mod machine;
mod matrix;
mod places;
mod room;
mod terminal;
mod watched;

use matrix::Row;

/// All rows, theme by theme.
const ROWS: &[&[Row]] = &[
    journal::ROWS,
    disk::ROWS,
    room::ROWS,
    agents::ROWS,
    children::ROWS,
    killed::ROWS,
    contents::ROWS,
    floods::ROWS,
    git::ROWS,
    places::ROWS,
    terminal::ROWS,
    input::ROWS,
    machine::ROWS,
];
