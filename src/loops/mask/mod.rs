//! Secrets in text: [`Mask`] finds values of variables that are named like secrets, tokens of a known shape, passwords in
//! addresses and private keys, and puts a word in their place.
//!
//! One pass over the text finds every beginning at once, a second one the known values; what follows is looked at only
//! there. It is a net, not a wall: a secret that is split, encoded or of no known shape passes.

mod colour;
mod event;
mod key;
mod known;
mod names;
mod shapes;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use colour::Plain;
use names::{SHORTEST, is_secret, is_withheld};
use serde_json::Value;
use shapes::{ADDRESS, SHAPES};
use std::borrow::Cow;

pub use event::{learn_from, replace_in_record};
pub use key::may_be_body;
pub use known::learn;
pub use names::is_secret_name;

/// What stands in a secret's place.
pub const WORD: &str = "[masked]";

/// Finds secrets. Cheap to share, made once.
#[derive(Clone, Debug)]
pub struct Mask {
    /// The known values.
    values: Option<AhoCorasick>,
    /// The beginnings of [`SHAPES`], then that of a key and that of an address.
    beginnings: Option<AhoCorasick>,
}

/// Masks a text line by line: a key goes on from one line to the next.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    mask: &'a Mask,
    inside: bool,
}

impl Lines<'_> {
    /// The next line, without its newline and without its secrets.
    pub fn line<'t>(&mut self, line: &'t [u8]) -> Cow<'t, [u8]> {
        self.mask.go_on(line, &mut self.inside, &mut masked)
    }
}

impl Mask {
    /// A mask for the values among these variables whose names say that they are secrets, and for all known shapes.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let secrets = variables.into_iter().filter(|(name, value)| is_secret(name.as_ref(), value.as_ref()));
        // What is read line by line meets a value of many lines so.
        let mut values: Vec<String> = secrets
            .flat_map(|(_, value)| value.as_ref().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
            .filter(|line| line.len() >= SHORTEST && !line.starts_with("-----"))
            .collect();
        values.sort_unstable();
        values.dedup();
        let beginnings = SHAPES.iter().map(|(beginning, _)| *beginning).chain([key::BEGIN, ADDRESS]);
        // It fails for gigabytes of patterns only; the environment holds two megabytes.
        let finder =
            |patterns: Vec<&str>| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
        Self {
            values: Some(values)
                .filter(|values| !values.is_empty())
                .and_then(|values| finder(values.iter().map(String::as_str).collect()).ok()),
            beginnings: finder(beginnings.collect()).ok(),
        }
    }

    /// The mask of this process: of its environment, and of what it was told with [`learn`].
    pub fn of_process() -> &'static Self {
        known::mask()
    }

    /// The text without its secrets.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        self.go_on(text, &mut false, &mut masked)
    }

    /// As [`bytes`](Self::bytes), for text. Secrets are masked whole, so that what is left is text.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.replace(text, &mut |secret| String::from_utf8_lossy(&masked(secret.as_bytes())).into_owned())
    }

    /// The text with a word of the caller's for each of its secrets.
    pub fn replace<'a>(&self, text: &'a str, word: &mut dyn FnMut(&str) -> String) -> Cow<'a, str> {
        match self.go_on(text.as_bytes(), &mut false, &mut |secret| word(&String::from_utf8_lossy(secret)).into()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The lines of a text, from its first on.
    pub const fn lines(&self) -> Lines<'_> {
        Lines { mask: self, inside: false }
    }

    /// Masks all strings of a JSON value, apart from those that members of these names hold. Says whether there was anything to
    /// mask.
    pub fn value(&self, value: &mut Value, spared: &[&str]) -> bool {
        self.replace_in(value, spared, &mut |_| WORD.to_owned())
    }

    /// As [`value`](Self::value), with a word of the caller's for each secret. A string in the member `env` of an object
    /// is a secret as a whole where its name there says so.
    pub fn replace_in(&self, value: &mut Value, spared: &[&str], word: &mut dyn FnMut(&str) -> String) -> bool {
        match value {
            Value::String(text) => {
                let Cow::Owned(masked) = self.replace(text, word) else { return false };
                *text = masked;
                true
            }
            Value::Array(items) => items.iter_mut().fold(false, |any, item| self.replace_in(item, spared, word) | any),
            Value::Object(members) => {
                // A name stands alone; what is called so and has parts is no name.
                let members =
                    members.iter_mut().filter(|(name, member)| member.is_object() || !spared.contains(&name.as_str()));
                members.fold(false, |any, (name, member)| match member {
                    Value::Object(variables) if name == "env" => self.variables(variables, word) | any,
                    _ => self.replace_in(member, spared, word) | any,
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Masks variables' values. A reference to another variable is none, it says where the secret is.
    fn variables(&self, variables: &mut serde_json::Map<String, Value>, word: &mut dyn FnMut(&str) -> String) -> bool {
        variables.iter_mut().fold(false, |any, (name, value)| match value {
            Value::String(text) if is_withheld(name, text) && !is_reference(text) && !is_masked(text) => {
                *text = word(text);
                true
            }
            value => self.replace_in(value, &[], word) | any,
        })
    }

    /// The text without its secrets; `inside` says whether a key goes on from what stood before, and behind it.
    fn go_on<'a>(&self, raw: &'a [u8], inside: &mut bool, word: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Cow<'a, [u8]> {
        let plain = Plain::of(raw);
        let mut found = Vec::new();
        self.shapes(&plain, inside, &mut found);
        self.values(plain.text(), &mut found);
        found.iter_mut().for_each(|(from, to)| (*from, *to) = plain.lies(*from, *to));
        if plain.is_coloured() {
            // What looks like a colour may be the beginning of a value.
            self.values(raw, &mut found);
        }
        if found.is_empty() {
            return Cow::Borrowed(raw);
        }
        found.sort_unstable();
        let (mut out, mut done) = (Vec::new(), 0);
        let mut found = found.into_iter().peekable();
        while let Some((from, mut to)) = found.next() {
            // What overlaps is one secret: a part of the second must not be left behind the first.
            while let Some((_, more)) = found.next_if(|(next, _)| *next < to) {
                to = to.max(more);
            }
            out.extend_from_slice(raw.get(done..from).unwrap_or_default());
            out.append(&mut word(raw.get(from..to).unwrap_or_default()));
            done = to;
        }
        out.extend_from_slice(raw.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Where the text holds what is known by its shape.
    fn shapes(&self, plain: &Plain<'_>, inside: &mut bool, found: &mut Vec<(usize, usize)>) {
        let (Some(beginnings), text) = (&self.beginnings, plain.text()) else { return };
        let mut hide = |from: usize, to: usize| found.extend((from < to).then_some((from, to)));
        let mut at = 0;
        if *inside {
            (at, *inside) = key::body_end(text, 0);
            hide(0, at);
        }
        while let Some(beginning) = beginnings.find(Input::new(text).range(at..)) {
            let (start, end) = (beginning.start(), beginning.end());
            at = end;
            match beginning.pattern().as_usize() {
                shape if shape < SHAPES.len() => {
                    let free = plain.is_cut(start) || shapes::is_free(text, start);
                    if let Some(to) = shapes::token_end(text, end, shape).filter(|_| free) {
                        hide(end, to);
                        at = to;
                    }
                }
                shape if shape == SHAPES.len() => {
                    if let Some(from) = key::body_start(text, end) {
                        let (to, goes_on) = key::body_end(text, from);
                        *inside = goes_on;
                        hide(from, to);
                        at = to;
                    }
                }
                // The name before the password may be a token.
                _ => shapes::password(text, end).into_iter().for_each(|(from, to)| hide(from, to)),
            }
        }
    }

    /// Where the text holds a known value, whatever else overlaps it.
    fn values(&self, text: &[u8], found: &mut Vec<(usize, usize)>) {
        let mut at = 0;
        while let Some(value) = self.values.as_ref().and_then(|values| values.find(Input::new(text).range(at..))) {
            found.push((value.start(), value.end()));
            at = value.start() + 1;
        }
    }
}

/// What is put in a secret's place: a word, and the colours that stood in it, so that none goes on behind it.
fn masked(secret: &[u8]) -> Vec<u8> {
    let mut out = WORD.as_bytes().to_vec();
    Plain::of(secret).sequences().for_each(|sequence| out.extend_from_slice(sequence));
    out
}

/// Whether a variable's value only says which other variable it is taken from.
pub fn is_reference(value: &str) -> bool {
    value.starts_with("${") && value.find('}') == value.len().checked_sub(1)
}

/// Whether a value is one that was masked.
pub fn is_masked(value: &str) -> bool {
    value.starts_with("[masked") && value.ends_with(']')
}

#[cfg(test)]
mod tests;
