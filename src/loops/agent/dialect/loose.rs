//! Leaves of an event that never refuse it: a value of another type than expected counts as absent.
//!
//! Formats of agents move; a field that became an object must not cost the line it stands in. Strings are borrowed from
//! the line wherever they stand in it unescaped.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::loops::core::activity::RESULT_HEAD;

/// What a leaf makes of each kind of value; by default nothing.
trait Leaf<'de>: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn borrowed(text: &'de str) -> Self {
        Self::text(text)
    }

    fn number(_: f64) -> Self {
        Self::default()
    }

    fn flag(_: bool) -> Self {
        Self::default()
    }

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Reader<T>(PhantomData<T>);

#[expect(clippy::cast_precision_loss, reason = "counts of tokens and milliseconds are far below 2^53")]
impl<'de, T: Leaf<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::borrowed(text))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::number(number))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }
}

macro_rules! leaves {
    ($($leaf:ty),*) => {$(
        impl<'de> Deserialize<'de> for $leaf {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Reader(PhantomData))
            }
        }
    )*};
}

leaves!(Num, Flag, Head, Count);

/// A string; empty for anything else.
#[derive(Debug, Default)]
pub(super) struct Str<'a>(Cow<'a, str>);

impl Str<'_> {
    /// The string, unless it is empty.
    pub(super) fn some(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.as_ref().to_owned())
    }

    /// The string, copied only if it is still a part of its line.
    pub(super) fn own(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Leaf<'de> for Str<'de> {
    fn text(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }

    fn borrowed(text: &'de str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader::<Str<'de>>(PhantomData))
    }
}

/// A number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Num(pub(super) Option<f64>);

impl Num {
    /// As a count; absent when it is none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is checked")]
    pub(super) fn count(self) -> Option<u64> {
        self.0.filter(|number| *number >= 0.0).map(|number| number.round() as u64)
    }

    /// As a smaller count.
    pub(super) fn small<T: TryFrom<u64>>(self) -> Option<T> {
        T::try_from(self.count()?).ok()
    }

    /// As a number that may be negative.
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    pub(super) fn int(self) -> Option<i32> {
        self.0.map(|number| number as i32)
    }

    /// Dollars as micro-dollars.
    pub(super) fn micro_usd(self) -> Option<u64> {
        Self(self.0.map(|dollars| dollars * 1e6)).count()
    }
}

impl Leaf<'_> for Num {
    fn number(number: f64) -> Self {
        Self(Some(number))
    }
}

/// A truth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flag(pub(super) Option<bool>);

impl Flag {
    /// Whether it is there and true.
    pub(super) fn is_set(self) -> bool {
        self.0 == Some(true)
    }
}

impl Leaf<'_> for Flag {
    fn flag(flag: bool) -> Self {
        Self(Some(flag))
    }
}

/// How many elements a list has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count(pub(super) usize);

impl<'de> Leaf<'de> for Count {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut count = 0;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Self(count))
    }
}

/// The beginning of a text and the length of it all; of a list of content blocks, their texts together.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// At most [`RESULT_HEAD`] bytes.
    pub(super) head: String,
    /// Bytes of the whole text.
    pub(super) bytes: u64,
}

impl Head {
    /// That of `text`.
    pub(super) fn of(text: &str) -> Self {
        let head = text.get(..text.floor_char_boundary(RESULT_HEAD)).unwrap_or(text).to_owned();
        Self { head, bytes: text.len() as u64 }
    }

    fn add(&mut self, more: &Self) {
        let room = RESULT_HEAD.saturating_sub(self.head.len());
        self.head.push_str(more.head.get(..more.head.floor_char_boundary(room)).unwrap_or_default());
        self.bytes += more.bytes;
    }
}

impl<'de> Leaf<'de> for Head {
    fn text(text: &str) -> Self {
        Self::of(text)
    }

    fn map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(default)]
        #[derive(Default)]
        struct Block {
            text: Head,
        }
        Ok(Block::deserialize(MapAccessDeserializer::new(map))?.text)
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(part) = list.next_element::<Self>()? {
            all.add(&part);
        }
        Ok(all)
    }
}

/// An object; absent for anything else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Leaf<'de> for Object<T> {
    fn map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Self(Some(object)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader(PhantomData))
    }
}

/// A list; empty for anything else.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Leaf<'de> for List<T> {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Self(all))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader(PhantomData))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Event<'a> {
        #[serde(borrow)]
        name: Str<'a>,
        count: Num,
        good: Flag,
        result: Head,
        #[serde(borrow)]
        inner: Object<Box<Event<'a>>>,
        #[serde(borrow)]
        many: List<Str<'a>>,
    }

    #[test]
    fn a_value_of_another_type_counts_as_absent() {
        for odd in ["null", "true", "7", "-1.5e3", "\"\"", "[1,{\"a\":[]}]", "{\"b\":{}}"] {
            let line = format!(
                "{{\"name\":{odd},\"count\":{odd},\"good\":{odd},\"result\":{odd},\"inner\":{odd},\"many\":{odd}}}"
            );
            let event: Event<'_> = serde_json::from_str(&line).unwrap();
            assert!(event.name.is_empty(), "{odd}");
            assert_eq!(event.result.bytes, 0, "{odd}");
        }
    }

    #[test]
    fn plain_strings_are_borrowed_and_escaped_ones_are_not() {
        let event: Event<'_> = serde_json::from_str(r#"{"name":"plain","many":["a\nb"],"inner":{"count":3}}"#).unwrap();
        assert!(matches!(event.name.0, Cow::Borrowed("plain")));
        assert!(matches!(&event.many.0[0].0, Cow::Owned(text) if text == "a\nb"));
        assert_eq!(event.inner.0.unwrap().count.count(), Some(3));
    }

    #[test]
    fn numbers_that_are_no_counts_are_none() {
        let count = |number: f64| Num(Some(number)).count();
        assert_eq!([count(-1.0), count(2.5), count(f64::NAN), count(1e300)], [None, Some(3), None, Some(u64::MAX)]);
        assert_eq!(Num(Some(0.008_388)).micro_usd(), Some(8_388));
        assert_eq!(Num(Some(70_000.0)).small::<u16>(), None);
    }

    #[test]
    fn results_keep_their_head_and_their_length() {
        let long = "ü".repeat(RESULT_HEAD);
        let line = format!("{{\"result\":[{{\"type\":\"text\",\"text\":\"a\\n\"}},{{\"text\":\"{long}\"}},{{}}]}}");
        let event: Event<'_> = serde_json::from_str(&line).unwrap();
        assert_eq!(event.result.bytes, 2 + 2 * RESULT_HEAD as u64);
        assert_eq!(event.result.head.len(), RESULT_HEAD);
        assert!(event.result.head.starts_with("a\nüü"));
    }
}
