//! What tokens look like: their beginnings, from the issuers' documentation, and how they end; and where an address
//! holds a password.

/// What stands between an address's scheme and its authority.
pub(super) const ADDRESS: &str = "://";
/// How every word begins that stands for a secret.
pub(super) const MASKED: &[u8] = b"[masked";
/// The longest authority of an address that is looked at.
const LONGEST_AUTHORITY: usize = 512;

/// What a token begins with, and how many characters of its alphabet follow at least.
pub(super) const SHAPES: &[(&str, usize)] = &[
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
    ("GOCSPX-", 24),
    ("hf_", 30),
    ("npm_", 36),
    ("pypi-", 50),
    ("rk_live_", 20),
    ("sk_live_", 20),
    ("hvs.", 24),
    ("dop_v1_", 64),
    ("AGE-SECRET-KEY-1", 40),
    ("eyJ", 40),
    ("Bearer ", 20),
    ("Authorization: Basic ", 8),
];

/// Where the token ends whose beginning ends at `end`; `None` if it is none.
pub(super) fn token_end(text: &[u8], end: usize, shape: usize) -> Option<usize> {
    let inside =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=');
    let (_, least) = SHAPES.get(shape)?;
    let length = text.get(end..)?.iter().take_while(|byte| inside(byte)).count();
    (length >= *least).then_some(end + length)
}

/// Whether a token may begin at `start`: not in the middle of a longer word. What JSON, shells and addresses spell a
/// character with ends in letters or digits, and is none of the word.
pub(super) fn is_free(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(6)..start).unwrap_or_default();
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if !before.last().is_some_and(in_word) {
        return true;
    }
    let spelled = |sign: &[u8], digits: usize| {
        before.len().checked_sub(digits).is_some_and(|at| {
            let (head, code) = before.split_at_checked(at).unwrap_or_default();
            head.ends_with(sign) && code.iter().all(u8::is_ascii_hexdigit)
        })
    };
    let escaped = [b'n', b'r', b't', b'b', b'f', b'v', b'0'].iter().any(|letter| before.ends_with(&[b'\\', *letter]));
    escaped || spelled(b"\\u", 4) || spelled(b"\\x", 2) || spelled(b"%", 2)
}

/// Where the password stands in the address whose authority begins at `from`: `user:password@host`.
pub(super) fn password(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(byte);
    let rest = text.get(from..)?;
    let rest = rest.get(..LONGEST_AUTHORITY).unwrap_or(rest);
    let authority = rest.get(..rest.iter().position(ends).unwrap_or(rest.len()))?;
    // What was masked before does not make an address of what stands around it.
    let authority = authority.get(..memchr::memmem::find(authority, MASKED).unwrap_or(authority.len()))?;
    let at = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', authority.get(..at)?)?;
    (colon + 1 < at).then_some((from + colon + 1, from + at))
}
