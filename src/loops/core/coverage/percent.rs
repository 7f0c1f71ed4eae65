//! Percentages with at most two decimals, which compare and are written exactly. See [`Percent`].

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// From 0 to 100 percent, in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "f64")]
pub struct Percent(u16);

/// How far a number in binary may be from the decimal that it stands for.
const SLACK: f64 = 1e-6;

impl Percent {
    const ALL: u16 = 10_000;

    /// So many of all, rounded down; `None` of nothing, and of more than all.
    pub fn of(some: u64, all: u64) -> Option<Self> {
        if all == 0 || some > all {
            return None;
        }
        let hundredths = u128::from(some) * u128::from(Self::ALL) / u128::from(all);
        u16::try_from(hundredths).ok().map(Self)
    }

    /// A part of one, such as 0.8571, rounded down.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 10000")]
    pub fn of_one(part: f64) -> Option<Self> {
        let hundredths = part * f64::from(Self::ALL);
        (0.0..=f64::from(Self::ALL)).contains(&hundredths).then(|| Self((hundredths + SLACK).floor() as u16))
    }

    /// A decimal number as programs print it, without a sign, rounded down to two decimals.
    pub fn read(text: &str) -> Option<Self> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) || whole.len() > 3 {
            return None;
        }
        let mut decimals = rest.bytes().map(|byte| u16::from(byte - b'0')).chain([0]);
        let (tenths, hundredths) = (decimals.next()?, decimals.next()?);
        let whole: u16 = whole.parse().ok()?;
        let exact = whole.checked_mul(100)? + tenths * 10 + hundredths;
        (exact <= Self::ALL).then_some(Self(exact))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole} %"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{} %", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02} %"),
        }
    }
}

impl TryFrom<f64> for Percent {
    type Error = &'static str;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 100")]
    fn try_from(percent: f64) -> Result<Self, Self::Error> {
        if !(0.0..=100.0).contains(&percent) {
            return Err("percent go from 0 to 100");
        }
        let hundredths = percent * 100.0;
        if (hundredths - hundredths.round()).abs() > SLACK {
            return Err("percent have at most two decimals");
        }
        Ok(Self(hundredths.round() as u16))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "Percent, such as `80` or `72.5`.", "minimum": 0, "maximum": 100 })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percent(text: &str) -> Percent {
        Percent::read(text).unwrap()
    }

    #[test]
    fn what_is_read_is_never_more_than_what_was_meant() {
        assert_eq!(percent("79.999"), percent("79.99"));
        assert_eq!(Percent::of(79_999, 100_000), Some(percent("79.99")));
        assert_eq!(Percent::of(6, 7), Some(percent("85.71")));
        assert_eq!(Percent::of_one(0.857_142), Some(percent("85.71")));
        assert_eq!(Percent::of_one(0.29), Some(percent("29")), "0.29 in binary is a little less");
        assert_eq!(
            (Percent::of(u64::MAX, u64::MAX), Percent::of_one(1.0)),
            (Some(percent("100")), Some(percent("100")))
        );
        assert_eq!((Percent::of(0, 0), Percent::of(8, 7)), (None, None));
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1.01] {
            assert_eq!(Percent::of_one(bad), None, "{bad}");
        }
        for bad in ["", ".", "5.", ".5", "-1", "+1", "1e1", "100.01", "101", "0100", "८", "8 0", "7.1.2"] {
            assert_eq!(Percent::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_written_as_a_person_would() {
        let written = ["0", "71.4", "71.04", "85.71", "100.000"].map(|text| percent(text).to_string());
        assert_eq!(written, ["0 %", "71.4 %", "71.04 %", "85.71 %", "100 %"]);
        let json = serde_json::json!([percent("80"), percent("71.4"), percent("85.71")]).to_string();
        assert_eq!(json, "[80,71.4,85.71]");
        let error = |json| serde_json::from_str::<Percent>(json).unwrap_err().to_string();
        assert!(error("101").contains("from 0 to 100"));
        assert!(error("80.125").contains("at most two decimals"));
    }

    proptest! {
        #[test]
        fn each_is_read_back_as_it_was_written(hundredths in 0_u16..=10_000) {
            let percent = Percent(hundredths);
            let json = serde_json::to_string(&percent).unwrap();
            prop_assert_eq!(serde_json::from_str::<Percent>(&json).unwrap(), percent);
            prop_assert_eq!(Percent::read(percent.to_string().trim_end_matches(" %")), Some(percent));
            prop_assert_eq!(Percent::of(u64::from(hundredths), 10_000), Some(percent));
            prop_assert_eq!(Percent::of_one(f64::from(hundredths) / 10_000.0), Some(percent));
        }
    }
}
