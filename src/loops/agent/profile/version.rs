//! Versions as agents print them: numbers with dots, somewhere in a line.
//!
//! Only the numbers count: `2.1.197 (Claude Code)`, `codex-cli 0.169.0`, `2025.11.06-8fe8a63`.

use std::fmt;

/// A version, as far as it is numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u64>);

impl Version {
    /// The first run of numbers with dots between them in `text`; `None` when there is none.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|run| {
            let numbers: Option<Vec<u64>> = run.trim_matches('.').split('.').map(|part| part.parse().ok()).collect();
            numbers.filter(|numbers| numbers.len() > 1).map(Self)
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.0.iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_agents_print_is_read() {
        for (text, version) in [
            ("2.1.197 (Claude Code)", "2.1.197"),
            ("codex-cli 0.169.0\n", "0.169.0"),
            ("aider 0.86.2", "0.86.2"),
            ("v1.18.33", "1.18.33"),
            ("2025.11.06-8fe8a63", "2025.11.6"),
            ("built on node 24, tool 1.0.", "1.0"),
        ] {
            assert_eq!(Version::find(text).unwrap().to_string(), version, "{text}");
        }
        for text in ["", "unknown", "7", "1..2", "99999999999999999999.1"] {
            assert_eq!(Version::find(text), None, "{text}");
        }
    }

    #[test]
    fn they_are_compared_number_by_number() {
        let version = |text| Version::find(text).unwrap();
        assert!(version("0.9.9") < version("0.10.0"));
        assert!(version("2.0") < version("2.0.1"));
        assert!(version("2025.11.6") < version("2026.1.1"));
    }
}
