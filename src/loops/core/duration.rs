//! Durations as people write them: `90s`, `1h30m`, `500ms`.
//!
//! [`Span`] is the type that keys of the configuration and of profiles have; everything behind them counts milliseconds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Units from the longest to the shortest, with their milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest duration taken, in milliseconds: a year. What is longer is a mistake in the unit.
const LONGEST: u64 = 366 * 86_400_000;

/// A length of time, longer than nothing, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Empty, or only blanks.
    #[error("empty; write it like `90s`, `1h30m` or `500ms`")]
    Empty,
    /// A number was expected where there is none.
    #[error("not a duration; write it like `90s`, `1h30m` or `500ms`")]
    NotANumber,
    /// A number without a unit behind it.
    #[error("a number without a unit; add one of `d`, `h`, `m`, `s`, `ms`")]
    NoUnit,
    /// A unit that is none of ours.
    #[error("unknown unit; use `d`, `h`, `m`, `s` or `ms`")]
    UnknownUnit,
    /// A unit twice, or a longer one behind a shorter one.
    #[error("units must each come once, the longest first, as in `1h30m`")]
    Order,
    /// Nothing at all.
    #[error("zero; a duration must be longer than nothing")]
    Zero,
    /// Over a year.
    #[error("longer than a year; leave the key out where it may be unlimited")]
    TooLong,
}

impl Span {
    /// A span of this many milliseconds; zero becomes one.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis == 0 { 1 } else { millis })
    }

    /// Its length in milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Reads numbers with units, the longest first, without blanks inside: `1h30m`, `90s`, `500ms`.
    ///
    /// # Errors
    /// Says what is wrong with the text and how to write it.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(SpanError::Empty);
        }
        let mut total = 0_u64;
        let mut next_unit = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            if number.is_empty() {
                return Err(SpanError::NotANumber);
            }
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (name, after) = after.split_at(letters);
            if name.is_empty() {
                return Err(SpanError::NoUnit);
            }
            let position = UNITS.iter().position(|(unit, _)| *unit == name).ok_or(SpanError::UnknownUnit)?;
            if position < next_unit {
                return Err(SpanError::Order);
            }
            next_unit = position + 1;
            let (_, millis) = UNITS[position];
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_mul(millis))
                .and_then(|part| total.checked_add(part))
                .filter(|sum| *sum <= LONGEST)
                .ok_or(SpanError::TooLong)?;
            rest = after;
        }
        if total == 0 { Err(SpanError::Zero) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, millis) in UNITS {
            let count = rest / millis;
            rest %= millis;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;
    fn try_from(text: String) -> Result<Self, SpanError> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time: numbers with units, the longest first, such as `90s`, `1h30m` or `500ms`.",
            "pattern": r"^\s*(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\s*$",
            "examples": ["90s", "1h30m", "500ms"],
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1m500ms", 60_500),
            ("2d", 172_800_000),
            (" 1s ", 1_000),
            ("0h1s", 1_000),
        ] {
            assert_eq!(Span::parse(text).unwrap().millis(), millis, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_the_reason() {
        for (text, error) in [
            ("", SpanError::Empty),
            ("soon", SpanError::NotANumber),
            ("-5s", SpanError::NotANumber),
            ("1.5h", SpanError::NoUnit),
            ("90", SpanError::NoUnit),
            ("5min", SpanError::UnknownUnit),
            ("1 h", SpanError::NoUnit),
            ("5s5s", SpanError::Order),
            ("30m1h", SpanError::Order),
            ("0s", SpanError::Zero),
            ("367d", SpanError::TooLong),
            ("99999999999999999999s", SpanError::TooLong),
        ] {
            assert_eq!(Span::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 1..=LONGEST) {
            let span = Span::from_millis(millis);
            prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Span::parse(&text);
        }
    }
}
