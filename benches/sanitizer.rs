//! The sanitiser beside what bounds it: the bare parser (what it cannot beat) and a copy (what nothing can).

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use loopdash::loops::agent::SgrState;
use loopdash::loops::agent::sanitize::{clean_line, plain};

const LINES: usize = 10_000;

fn main() {
    divan::main();
}

/// What agents print: mostly plain text, some colour, some progress, some other scripts.
fn mixed() -> Vec<u8> {
    (0..LINES)
        .map(|i| match i % 10 {
            0..6 => format!("   Compiling crate-{i} v0.{i}.1 (/home/user/project/crates/crate-{i})\n"),
            6 => format!("\x1b[1;32m   Compiling\x1b[0m crate-{i} \x1b[38;5;208mwarning\x1b[0m: unused variable\n"),
            7 => format!("{i}% \r{i}%% done \x1b[2K\x1b]0;title {i}\x07finished step {i}\n"),
            8 => format!("größer als {i}: naïve façade, 日本語 und 👩\u{200d}💻\n"),
            _ => format!("\tindented\t{i}\t{{\"key\": \"value\", \"list\": [1, 2, 3]}}\n"),
        })
        .collect::<String>()
        .into_bytes()
}

fn ascii() -> Vec<u8> {
    (0..LINES)
        .map(|i| format!("plain line {i} with a path src/loops/agent/sanitize.rs:{i}\n"))
        .collect::<String>()
        .into()
}

fn input(kind: &str) -> Vec<u8> {
    if kind == "ascii" { ascii() } else { mixed() }
}

struct Nothing;

impl vte::Perform for Nothing {}

#[divan::bench(args = ["mixed", "ascii"])]
fn clean(bencher: Bencher, kind: &str) {
    let bytes = input(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let mut state = SgrState::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            black_box(clean_line(black_box(line), &mut state));
        }
    });
}

#[divan::bench(args = ["mixed", "ascii"])]
fn plain_text(bencher: Bencher, kind: &str) {
    let bytes = input(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| plain(black_box(&bytes)));
}

#[divan::bench(args = ["mixed", "ascii"])]
fn bare_parser(bencher: Bencher, kind: &str) {
    let bytes = input(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        vte::Parser::new().advance(&mut Nothing, black_box(&bytes));
    });
}

#[divan::bench(args = ["mixed", "ascii"])]
fn copy(bencher: Bencher, kind: &str) {
    let bytes = input(kind);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| black_box(&bytes).clone());
}
