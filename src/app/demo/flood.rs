//! Output that nobody would print on purpose: megabytes of coloured lines with every sequence that a terminal would obey.
//!
//! [`lines`] and [`no_newline`] write it as fast as the pipe takes it.

use std::io::{self, Write};

/// Sequences that must never reach the operator's terminal, and bytes that are no text.
pub(super) const JUNK: &[&[u8]] = &[
    b"\x1b]52;c;bG9vcGRhc2g=\x07",
    b"\x1b]0;not your title\x07",
    b"\x1b]8;;https://example.invalid\x1b\\a link\x1b]8;;\x1b\\",
    b"\x1b[?1049h\x1b[2J\x1b[H",
    b"\x1b[?1000h\x1b[?1006h",
    b"\x1b[6n\x1b[c\x1b[5n\x05",
    b"\x1bP$qm\x1b\\",
    b"\x1b_Gf=32,s=1,v=1;AAAA\x1b\\",
    b"\x1bc\x1b(0lqqk\x1b(B",
    b"\xc2\x9b2J\x9b31m",
    b"\xe2\x80\xae desrever \xe2\x80\xac zero\xe2\x80\x8bwidth",
    b"\xff\xfe\xc3\x28 not UTF-8 \x00\x00",
    b"10%\r20%\r100%\x08\x08\x08\x08done",
    b"\x1b]0;never closed",
];

const CHUNK: usize = 256 * 1024;
const MEGABYTE: u64 = 1024 * 1024;

/// Writes at least `megabytes` of numbered lines, every 50th with junk in it.
///
/// # Errors
/// The reader is gone.
pub(super) fn lines(out: &mut impl Write, megabytes: u64) -> io::Result<()> {
    let goal = megabytes.saturating_mul(MEGABYTE);
    let mut chunk: Vec<u8> = Vec::with_capacity(CHUNK + 512);
    let (mut written, mut number) = (0u64, 0usize);
    while written < goal {
        chunk.clear();
        while chunk.len() < CHUNK && written + (chunk.len() as u64) < goal {
            number += 1;
            write!(
                chunk,
                "\x1b[2m{number:>8}\x1b[0m \x1b[3{}mcount\x1b[0m the quick brown fox jumps over the lazy dog \x1b[1;38;5;{}m{}\x1b[0m",
                1 + number % 6,
                number % 256,
                number.wrapping_mul(2_654_435_761) % 1_000_003,
            )?;
            if number.is_multiple_of(50) {
                chunk.extend_from_slice(JUNK.get(number / 50 % JUNK.len()).copied().unwrap_or_default());
            }
            chunk.push(b'\n');
        }
        out.write_all(&chunk)?;
        written += chunk.len() as u64;
    }
    out.flush()
}

/// Writes `megabytes` of text without a newline.
///
/// # Errors
/// The reader is gone.
pub(super) fn no_newline(out: &mut impl Write, megabytes: u64) -> io::Result<()> {
    let chunk: Vec<u8> = b"all work and no newline ".iter().copied().cycle().take(CHUNK).collect();
    for _ in 0..megabytes.saturating_mul(MEGABYTE) / CHUNK as u64 {
        out.write_all(&chunk)?;
    }
    out.flush()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_its_size_and_all_of_the_junk() {
        let mut out = Vec::new();
        lines(&mut out, 1).unwrap();
        assert!(out.len() as u64 >= MEGABYTE && (out.len() as u64) < MEGABYTE + 1024, "{}", out.len());
        assert_eq!(out.last(), Some(&b'\n'));
        for junk in JUNK {
            assert!(out.windows(junk.len()).any(|window| window == *junk), "{junk:?}");
        }
    }

    #[test]
    fn no_newline_means_none() {
        let mut out = Vec::new();
        no_newline(&mut out, 2).unwrap();
        assert_eq!(out.len() as u64, 2 * MEGABYTE);
        assert!(!out.contains(&b'\n'));
    }
}
