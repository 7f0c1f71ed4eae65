//! Coverage reports, told apart by what they hold: lcov, Cobertura, JaCoCo, and the JSON summaries of llvm-cov, istanbul and
//! coverage.py.
//!
//! A report is a file that a program wrote: nothing here can fail, and a report that is cut has no total.

use super::{Percent, xml};
use serde::Deserialize;
use std::collections::HashMap;

/// The total in lines of a whole report; `None` if it holds none that is understood.
pub fn reported(report: &[u8]) -> Option<Percent> {
    let report = report.strip_prefix(b"\xef\xbb\xbf").unwrap_or(report).trim_ascii_start();
    match report.first()? {
        b'<' => xml::total(&String::from_utf8_lossy(report)),
        b'{' => json(report),
        _ => lcov(report),
    }
}

/// What the JSON summaries hold of a total, each under its own key.
#[derive(Deserialize)]
struct Summary {
    /// llvm-cov's.
    data: Option<Vec<Export>>,
    /// istanbul's.
    total: Option<Files>,
    /// coverage.py's.
    totals: Option<Statements>,
}

#[derive(Deserialize)]
struct Export {
    totals: Files,
}

#[derive(Deserialize)]
struct Files {
    lines: Lines,
}

#[derive(Deserialize)]
struct Lines {
    #[serde(alias = "count")]
    total: u64,
    covered: u64,
}

#[derive(Deserialize)]
struct Statements {
    percent_covered: f64,
}

fn json(report: &[u8]) -> Option<Percent> {
    let summary: Summary = serde_json::from_slice(report).ok()?;
    if let Some(Statements { percent_covered }) = summary.totals {
        return Percent::of_one(percent_covered / 100.0);
    }
    let exports = summary.data.into_iter().flatten().map(|export| export.totals);
    let files = exports.chain(summary.total).map(|files| files.lines);
    let (some, all) = files.fold((0_u64, 0_u64), |(some, all), lines| {
        (some.saturating_add(lines.covered), all.saturating_add(lines.total))
    });
    Percent::of(some, all)
}

/// Lines of one record of lcov, where it lists none itself.
#[derive(Default)]
struct Record {
    found: u64,
    hit: u64,
    listed: bool,
}

/// A file that several records are about counts once, and a line of it is covered if one of them says so.
fn lcov(report: &[u8]) -> Option<Percent> {
    let mut files: HashMap<&[u8], u32> = HashMap::new();
    let mut lines: HashMap<(u32, u32), bool> = HashMap::new();
    let mut unlisted = Record::default();
    let mut open: Option<(u32, Record)> = None;
    for line in report.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        if let Some(file) = line.strip_prefix(b"SF:") {
            let next = u32::try_from(files.len()).ok()?;
            open = Some((*files.entry(file).or_insert(next), Record::default()));
        } else if line == b"end_of_record" {
            if let Some((_, record)) = open.take().filter(|(_, record)| !record.listed) {
                unlisted.found = unlisted.found.saturating_add(record.found);
                unlisted.hit = unlisted.hit.saturating_add(record.hit);
            }
        } else if let Some((file, record)) = &mut open {
            if let Some(data) = line.strip_prefix(b"DA:") {
                let (number, hit) = listed(data)?;
                record.listed = true;
                *lines.entry((*file, number)).or_default() |= hit;
            } else if let Some(found) = line.strip_prefix(b"LF:") {
                record.found = number(found)?;
            } else if let Some(hit) = line.strip_prefix(b"LH:") {
                record.hit = number(hit)?;
            }
        }
    }
    if open.is_some() {
        // It is cut.
        return None;
    }
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let hit = count(lines.values().filter(|hit| **hit).count()).saturating_add(unlisted.hit);
    Percent::of(hit, count(lines.len()).saturating_add(unlisted.found))
}

/// `LINE,COUNT`, and then perhaps a checksum: the line, and whether it ran. Some write counts below zero, or as `1e+10`.
fn listed(data: &[u8]) -> Option<(u32, bool)> {
    let mut parts = data.split(|byte| *byte == b',');
    let (line, count) = (parts.next()?, parts.next()?);
    let ran = !count.starts_with(b"-") && count.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    Some((u32::try_from(number(line)?).ok()?, ran))
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
