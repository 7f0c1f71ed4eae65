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

/// Reads one JSON object; [`Decoder`] is faster for many.
///
/// # Errors
/// [`DecodeError`] says whether the line is damaged or merely newer.
pub fn decode(json: &str) -> Result<Decoded, DecodeError> {
    Decoder::default().decode(json)
}

/// Reads many JSON objects, one after the other.
#[derive(Debug, Default)]
pub struct Decoder {
    fields: String,
}

impl Decoder {
    /// Reads one JSON object.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(&mut self, json: &str) -> Result<Decoded, DecodeError> {
        let (head, fields) = match Head::as_written(json) {
            Some((head, rest)) => {
                // With the head left in, serde would skip it once more, and for structs with flattened parts would set
                // it aside piece by piece.
                self.fields.clear();
                self.fields.push('{');
                self.fields.push_str(rest);
                (head, self.fields.as_str())
            }
            None => (serde_json::from_str(json)?, json),
        };
        if head.v > FORMAT {
            return Err(DecodeError::Newer { found: head.v });
        }
        match Event::from_json(&head.kind, fields) {
            Some(event) => Ok(Decoded::Known(Record { seq: head.seq, at: head.at, run: head.run, event: event? })),
            None => {
                serde_json::from_str::<serde::de::IgnoredAny>(fields)?;
                Ok(Decoded::Unknown { seq: head.seq, kind: head.kind.into_owned() })
            }
        }
    }
}

impl<'a> Head<'a> {
    /// Reads the head in the very form that [`encode`] gives it, and gives what follows: the event's fields without
    /// their opening brace. `None` leaves any other form to serde.
    fn as_written(json: &'a str) -> Option<(Self, &'a str)> {
        let (v, rest) = number(json.strip_prefix("{\"v\":")?)?;
        let (seq, rest) = number(rest.strip_prefix(",\"seq\":")?)?;
        let (at, rest) = number(rest.strip_prefix(",\"at\":")?)?;
        let (run, rest) = rest.strip_prefix(",\"run\":\"")?.split_once('"')?;
        let (kind, rest) = rest.strip_prefix(",\"type\":\"")?.split_once('"')?;
        let fields = if rest == "}" { rest } else { rest.strip_prefix(',').filter(|rest| rest.starts_with('"'))? };
        if kind.contains('\\') {
            return None;
        }
        let (v, run) = (v.try_into().ok()?, RunId::parse(run)?);
        Some((Self { v, seq, at: Millis(at), run, kind: Cow::Borrowed(kind) }, fields))
    }
}

/// Leading digits as a number, and what follows them.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::event::Noted;

    const RUN: &str = "0192d5a0-0000-7000-8000-000000000001";

    #[test]
    fn a_head_in_any_form_reads_as_the_written_one_does() {
        let run = RunId::parse(RUN).unwrap();
        let event = Noted { text: "a \"b\"".to_owned() }.into();
        let record = Record { seq: 7, at: Millis(12), run, event };
        let written = encode(&record).unwrap();
        assert!(Head::as_written(&written).is_some(), "encode and the short way agree");
        for json in [
            written,
            format!(r#"{{ "v": 1, "seq": 7, "at": 12, "run": "{RUN}", "type": "noted", "text": "a \"b\"" }}"#),
            format!(r#"{{"type":"noted","text":"a \"b\"","run":"{RUN}","at":12,"seq":7,"v":1}}"#),
            format!(r#"{{"v":1,"seq":7,"at":12,"run":"{RUN}","type":"\u006eoted","text":"a \"b\"","more":{{}}}}"#),
        ] {
            assert_eq!(decode(&json).unwrap(), Decoded::Known(record.clone()), "{json}");
        }
    }

    #[test]
    fn the_short_way_takes_nothing_that_is_not_json() {
        let head = format!(r#"{{"v":1,"seq":7,"at":12,"run":"{RUN}","type":"#);
        for rest in [
            r#""noted","text":"x""#,
            r#""noted","text":x}"#,
            r#""later",}"#,
            r#""later"} {}"#,
            r#""later""#,
            r#""noted"}"#,
        ] {
            let json = format!("{head}{rest}");
            assert!(matches!(decode(&json), Err(DecodeError::Malformed(_))), "{json}");
        }
        let huge = format!(r#"{{"v":1,"seq":99999999999999999999,"at":12,"run":"{RUN}","type":"later"}}"#);
        assert!(decode(&huge).is_err());
        let later = decode(&format!(r#"{head}"later"}}"#)).unwrap();
        assert_eq!(later, Decoded::Unknown { seq: 7, kind: "later".to_owned() });
        assert!(matches!(
            decode(&format!(r#"{head}"later"}}"#).replacen('1', "2", 1)),
            Err(DecodeError::Newer { found: 2 })
        ));
    }
}
