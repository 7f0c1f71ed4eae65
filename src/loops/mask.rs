//! Secrets in text: [`Mask`] finds values of the environment that are named like secrets, and tokens of a known shape,
//! and puts a word in their place.
//!
//! One pass over the text finds every beginning at once; what follows is looked at only there. It is a net, not a wall:
//! a secret that is split, encoded or of no known shape passes.

use aho_corasick::{AhoCorasick, MatchKind};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands in a secret's place.
const WORD: &[u8] = b"[masked]";
/// Shorter values than this are too likely to be words of their own.
const SHORTEST: usize = 8;
/// Parts of a variable's name that make its value a secret.
const NAMES: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL", "_KEY"];

/// What a token begins with, and how many characters of its alphabet follow at least. From the issuers' documentation.
const SHAPES: &[(&str, usize)] = &[
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("sk-", 32),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxa-", 20),
    ("xapp-", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("ya29.", 20),
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 50),
    ("rk_live_", 20),
    ("sk_live_", 20),
    ("eyJ", 40),
    ("Bearer ", 20),
];

/// Finds secrets. Cheap to share, made once.
#[derive(Clone, Debug)]
pub struct Mask {
    /// The values first, then the beginnings of [`SHAPES`].
    beginnings: Option<AhoCorasick>,
    values: usize,
}

impl Mask {
    /// A mask for the values among these variables whose names say that they are secrets, and for all known shapes.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values: Vec<String> =
            variables.into_iter().filter(|(name, value)| is_secret(name, value)).map(|(_, value)| value).collect();
        values.sort_unstable();
        values.dedup();
        let patterns = values.iter().map(String::as_str).chain(SHAPES.iter().map(|(beginning, _)| *beginning));
        let beginnings = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
        // It fails for gigabytes of patterns only; the environment holds two megabytes.
        Self { beginnings: beginnings.ok(), values: values.len() }
    }

    /// The mask of this process's environment.
    pub fn of_process() -> &'static Self {
        static MASK: LazyLock<Mask> = LazyLock::new(|| {
            Mask::new(
                std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            )
        });
        &MASK
    }

    /// The text without its secrets.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(beginnings) = &self.beginnings else { return Cow::Borrowed(text) };
        let mut out = Vec::new();
        let mut done = 0;
        for found in beginnings.find_iter(text) {
            if found.start() < done {
                continue;
            }
            let (keep, end) = match found.pattern().as_usize().checked_sub(self.values) {
                None => (found.start(), found.end()),
                Some(shape) => match token_end(text, found.start(), found.end(), shape) {
                    Some(end) => (found.end(), end),
                    None => continue,
                },
            };
            out.extend_from_slice(text.get(done..keep).unwrap_or_default());
            out.extend_from_slice(WORD);
            done = end;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// As [`bytes`](Self::bytes), for text. Secrets are masked whole, so that what is left is text.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// Whether a variable's value is to be masked. Numbers, paths and switches are none, whatever they are called.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let named = NAMES.iter().any(|part| name.contains(part));
    let plain = value.starts_with('/') || value.chars().all(|c| c.is_ascii_digit());
    named && !plain && value.len() >= SHORTEST
}

/// Where the token ends that begins at `start` and whose beginning ends at `end`; `None` if it is none.
fn token_end(text: &[u8], start: usize, end: usize, shape: usize) -> Option<usize> {
    let inside =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=');
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return None;
    }
    let (_, least) = SHAPES.get(shape)?;
    let length = text.get(end..)?.iter().take_while(|byte| inside(byte)).count();
    (length >= *least).then_some(end + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask() -> Mask {
        let variables = [
            ("MY_API_KEY", "correct-horse-battery"),
            ("DB_PASSWORD", "hunter22"),
            ("TOKEN_FILE", "/home/me/token"),
            ("MAX_TOKENS", "100000000"),
            ("GH_TOKEN", "short"),
            ("EDITOR", "emacs-client"),
        ];
        Mask::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn values_of_variables_named_like_secrets_go_wherever_they_stand() {
        let mask = mask();
        assert_eq!(mask.text("pw=hunter22; key: correct-horse-battery!"), "pw=[masked]; key: [masked]!");
        let plain = "in /home/me/token with emacs-client, 100000000 and short";
        assert!(matches!(mask.text(plain), Cow::Borrowed(_)), "paths, numbers and short values stay");
    }

    #[test]
    fn tokens_of_a_known_shape_keep_their_beginning() {
        let mask = mask();
        let long = "aB3".repeat(14);
        for (beginning, _) in SHAPES {
            let text = format!("a {beginning}{long}{long} b");
            assert_eq!(mask.text(&text), format!("a {beginning}[masked] b"));
        }
        assert_eq!(mask.text("ghp_tooshort sk-learn task-force AKIA eyJ"), "ghp_tooshort sk-learn task-force AKIA eyJ");
        let glued = format!("x_ghp_{long}");
        assert_eq!(mask.text(&glued), glued.as_str(), "part of a longer word");
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left_and_all_else_stays(
            before in "[ -~é\n]{0,40}[ \n]", after in "[ \n][ -~é\n]{0,40}", times in 1usize..4,
        ) {
            let mask = Mask::new([("A_SECRET".to_owned(), "p4ssw0rd-é".to_owned())]);
            let (free, end) = (mask.text(&before).into_owned(), mask.text(&after).into_owned());
            let text = format!("{before}{}{after}", "p4ssw0rd-é ".repeat(times));
            prop_assert_eq!(mask.text(&text).into_owned(), format!("{free}{}{end}", "[masked] ".repeat(times)));
        }

        #[test]
        fn any_bytes_are_masked_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            mask().bytes(&bytes);
        }
    }
}
