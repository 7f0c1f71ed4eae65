//! What tokens look like: their beginnings, from the issuers' documentation, and how they end; and where an address
//! holds a password.

/// What stands between an address's scheme and its authority.
pub(super) const ADDRESS: &str = "://";
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

/// Where the token ends that begins at `start` and whose beginning ends at `end`; `None` if it is none.
pub(super) fn token_end(text: &[u8], start: usize, end: usize, shape: usize) -> Option<usize> {
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

/// Where the password stands in the address whose authority begins at `from`: `user:password@host`.
pub(super) fn password(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(byte);
    let rest = text.get(from..)?;
    let rest = rest.get(..LONGEST_AUTHORITY).unwrap_or(rest);
    let authority = rest.get(..rest.iter().position(ends).unwrap_or(rest.len()))?;
    let at = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', authority.get(..at)?)?;
    (colon + 1 < at).then_some((from + colon + 1, from + at))
}
