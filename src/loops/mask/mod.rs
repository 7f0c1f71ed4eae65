//! Secrets in text: [`Mask`] finds values of the environment that are named like secrets, tokens of a known shape,
//! passwords in addresses and private keys, and puts a word in their place.
//!
//! One pass over the text finds every beginning at once; what follows is looked at only there. It is a net, not a wall:
//! a secret that is split, encoded or of no known shape passes.

mod key;
mod shapes;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::LazyLock;

pub use key::may_be_body;
use shapes::{ADDRESS, SHAPES};

/// What stands in a secret's place.
const WORD: &[u8] = b"[masked]";
/// Shorter values than this are too likely to be words of their own.
const SHORTEST: usize = 8;
/// Parts of a variable's name that make its value a secret.
const PARTS: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "COOKIE"];

/// Finds secrets. Cheap to share, made once.
#[derive(Clone, Debug)]
pub struct Mask {
    /// The values first, then the beginnings of [`SHAPES`], then that of a key and that of an address.
    beginnings: Option<AhoCorasick>,
    values: usize,
}

/// What a beginning belongs to.
enum Kind {
    Value,
    Token(usize),
    Key,
    Address,
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
        self.mask.go_on(line, &mut self.inside)
    }
}

impl Mask {
    /// A mask for the values among these variables whose names say that they are secrets, and for all known shapes.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let secrets = variables.into_iter().filter(|(name, value)| is_secret(name, value));
        // What is read line by line meets a value of many lines so.
        let mut values: Vec<String> = secrets
            .flat_map(|(_, value)| value.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
            .filter(|line| line.len() >= SHORTEST && !line.starts_with("-----"))
            .collect();
        values.sort_unstable();
        values.dedup();
        let shapes = SHAPES.iter().map(|(beginning, _)| *beginning).chain([key::BEGIN, ADDRESS]);
        let patterns = values.iter().map(String::as_str).chain(shapes);
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
        self.go_on(text, &mut false)
    }

    /// As [`bytes`](Self::bytes), for text. Secrets are masked whole, so that what is left is text.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The lines of a text, from its first on.
    pub const fn lines(&self) -> Lines<'_> {
        Lines { mask: self, inside: false }
    }

    /// Masks all strings of a JSON value, apart from those in members of these names. Says whether there was anything to
    /// mask.
    pub fn value(&self, value: &mut Value, spared: &[&str]) -> bool {
        match value {
            Value::String(text) => {
                let Cow::Owned(masked) = self.text(text) else { return false };
                *text = masked;
                true
            }
            Value::Array(items) => items.iter_mut().fold(false, |any, item| self.value(item, spared) | any),
            Value::Object(members) => {
                let members = members.iter_mut().filter(|(name, _)| !spared.contains(&name.as_str()));
                members.fold(false, |any, (_, member)| self.value(member, spared) | any)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The text without its secrets; `inside` says whether a key goes on from what stood before, and behind it.
    fn go_on<'a>(&self, text: &'a [u8], inside: &mut bool) -> Cow<'a, [u8]> {
        let Some(beginnings) = &self.beginnings else { return Cow::Borrowed(text) };
        let mut out = Vec::new();
        let mut done = 0;
        let mut hide = |from: usize, to: usize| {
            if from < to {
                out.extend_from_slice(text.get(done..from).unwrap_or_default());
                out.extend_from_slice(WORD);
                done = to;
            }
        };
        let mut at = 0;
        if *inside {
            (at, *inside) = key::body_end(text, 0);
            hide(0, at);
        }
        while let Some(found) = beginnings.find(Input::new(text).range(at..)) {
            let (start, end) = (found.start(), found.end());
            let secret = match self.kind(found.pattern().as_usize()) {
                Kind::Value => Some((start, end)),
                Kind::Token(shape) => shapes::token_end(text, start, end, shape).map(|to| (end, to)),
                Kind::Address => shapes::password(text, end),
                Kind::Key => key::body_start(text, end).map(|from| {
                    let (to, goes_on) = key::body_end(text, from);
                    *inside = goes_on;
                    (from, to)
                }),
            };
            at = secret.map_or(end, |(from, to)| {
                hide(from, to);
                to
            });
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    fn kind(&self, pattern: usize) -> Kind {
        match pattern.checked_sub(self.values) {
            None => Kind::Value,
            Some(shape) if shape < SHAPES.len() => Kind::Token(shape),
            Some(shape) if shape == SHAPES.len() => Kind::Key,
            Some(_) => Kind::Address,
        }
    }
}

/// Whether a variable's value is to be masked. Numbers, paths and switches are none, whatever they are called.
fn is_secret(name: &str, value: &str) -> bool {
    let plain = value.starts_with('/') || value.chars().all(|c| c.is_ascii_digit());
    is_secret_name(name) && !plain && value.len() >= SHORTEST
}

/// Whether a variable's name says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let word = |word: &str| word.ends_with("KEY") || word.ends_with("KEYS") || word == "AUTH";
    PARTS.iter().any(|part| name.contains(part)) || name.split('_').any(word)
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
    fn a_value_of_many_lines_is_found_line_by_line() {
        let mask = Mask::new([("SIGNING_KEY".to_owned(), "first-half-of-it\n  second-half-of-it \nend\n".to_owned())]);
        assert_eq!(mask.text("a first-half-of-it\nb second-half-of-it end"), "a [masked]\nb [masked] end");
    }

    #[test]
    fn names_of_variables_tell_secrets() {
        for name in ["OPENAI_API_KEY", "my_token", "KEYS", "APIKEY", "NPM_AUTH", "DbPassword", "SESSION_COOKIE"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["KEYBOARD", "GIT_AUTHOR_NAME", "XAUTHORITY", "HOME"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn passwords_in_addresses_go() {
        let mask = mask();
        let text =
            "postgres://app:s3cret@db:5432/x http://localhost:80/a@b https://git@host/ ssh://u:p@q@h, \"a://b:c@d\"";
        let free = "postgres://app:[masked]@db:5432/x http://localhost:80/a@b https://git@host/ ssh://u:[masked]@h, \"a://b:[masked]@d\"";
        assert_eq!(mask.text(text), free);
        assert!(matches!(mask.text("see https://example.org:443/path?q=a:b@c"), Cow::Borrowed(_)));
    }

    /// A private key's lines: full ones and a short last one.
    fn pem() -> Vec<String> {
        let mut lines = vec!["-----BEGIN RSA PRIVATE KEY-----".to_owned()];
        lines.extend((0..5).map(|nth| format!("{nth}aB+").repeat(16)));
        lines.extend(["c2hvcnQ=".to_owned(), "-----END RSA PRIVATE KEY-----".to_owned()]);
        lines
    }

    /// What is left of the key's body in a text.
    fn left(text: &str) -> Vec<String> {
        let body = pem().into_iter().filter(|line| !line.starts_with("-----"));
        body.filter(|line| text.contains(line.as_str())).collect()
    }

    #[test]
    fn private_keys_go_whatever_they_stand_in() {
        let mask = mask();
        let lines = pem();
        let forms = [
            lines.join("\n"),
            lines.join("\r\n"),
            serde_json::json!({ "key": lines.join("\n"), "more": 1 }).to_string(),
            lines.iter().map(|line| format!("+{line}")).collect::<Vec<_>>().join("\n"),
            lines.iter().enumerate().map(|(nth, line)| format!("{nth:>4} | {line}")).collect::<Vec<_>>().join("\n"),
            lines
                .iter()
                .map(|line| format!("\u{1b}[2m  │ \u{1b}[36m{line}\u{1b}[m\u{1b}[0m"))
                .collect::<Vec<_>>()
                .join("\n"),
            lines.join("\n").replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\n", 1),
        ];
        for form in forms {
            let text = format!("cat key\n{form}\nall done\nit is");
            let free = mask.text(&text);
            assert_eq!(left(&free), Vec::<String>::new(), "{free}");
            assert!(free.starts_with("cat key\n") && free.ends_with("\nall done\nit is"), "{free}");
            assert!(free.contains("BEGIN RSA PRIVATE KEY-----"), "{free}");
            // However many lines come at once.
            let mut by_line = mask.lines();
            let mut free = String::new();
            for line in text.split('\n') {
                free.push_str(&String::from_utf8_lossy(&by_line.line(line.as_bytes())));
                free.push('\n');
            }
            assert_eq!(left(&free), Vec::<String>::new(), "{free}");
            assert!(free.starts_with("cat key\n") && free.ends_with("\nall done\nit is\n"), "{free}");
        }
    }

    #[test]
    fn a_key_that_is_cut_off_hides_nothing_else() {
        let mask = mask();
        let head = pem().into_iter().take(3).collect::<Vec<_>>().join("\n");
        let text = format!("{head}\n… 9 more lines of it\nDone, and now something else\n");
        let free = mask.text(&text);
        assert_eq!(left(&free), Vec::<String>::new());
        assert!(free.ends_with("\n… 9 more lines of it\nDone, and now something else\n"), "{free}");
        let cut = format!("{{\"text\":\"{}\"}}", head.replace('\n', "\\n"));
        let free = mask.text(&cut);
        assert!(left(&free).is_empty() && free.ends_with("\"}"), "{free}");
        let other = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
        assert!(matches!(mask.text(other), Cow::Borrowed(_)), "no secret");
    }

    #[test]
    fn values_of_json_are_masked_and_names_are_spared() {
        let mut value = serde_json::json!({"id": "hunter22", "hunter22": ["hunter22", {"n": 1, "t": "a hunter22"}]});
        assert!(mask().value(&mut value, &["id"]));
        let free = serde_json::json!({"id": "hunter22", "hunter22": ["[masked]", {"n": 1, "t": "a [masked]"}]});
        assert_eq!(value, free);
        assert!(!mask().value(&mut value, &["id"]), "nothing is left");
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
