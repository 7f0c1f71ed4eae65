//! The JSON form of a journal line, without its checksum: [`encode`] and [`decode`].
//!
//! A line is read in two typed passes, head then fields, which is several times faster than a tagged enum and lets an
//! unknown type pass as data.

use super::event::{Event, Record};
use super::ids::{Millis, RunId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The journal format that this loopdash writes.
pub const FORMAT: u32 = 1;

/// What a journal line turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// An event of a type known here.
    Known(Record),
    /// An event of a type not known here: kept, counted, inert.
    Unknown {
        /// Its place.
        seq: u64,
        /// Its type.
        kind: String,
    },
}

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not the fields that its type needs.
    #[error("not a journal record: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a later loopdash.
    #[error(
        "journal format {found} is newer than this loopdash reads ({FORMAT}); open it with the loopdash that wrote it"
    )]
    Newer {
        /// The line's `v`.
        found: u32,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    seq: u64,
    at: Millis,
    run: RunId,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Deserialize)]
struct Head<'a> {
    v: u32,
    seq: u64,
    at: Millis,
    run: RunId,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// The record as one JSON object, without a newline.
///
/// # Errors
/// Only if a value cannot be JSON, such as a confidence that is not a number.
pub fn encode(record: &Record) -> serde_json::Result<String> {
    serde_json::to_string(&Line { v: FORMAT, seq: record.seq, at: record.at, run: record.run, event: &record.event })
}

/// Reads one JSON object.
///
/// # Errors
/// [`DecodeError`] says whether the line is damaged or merely newer.
pub fn decode(json: &str) -> Result<Decoded, DecodeError> {
    let head: Head<'_> = serde_json::from_str(json)?;
    if head.v > FORMAT {
        return Err(DecodeError::Newer { found: head.v });
    }
    match Event::from_json(&head.kind, json) {
        Some(event) => Ok(Decoded::Known(Record { seq: head.seq, at: head.at, run: head.run, event: event? })),
        None => Ok(Decoded::Unknown { seq: head.seq, kind: head.kind.into_owned() }),
    }
}
