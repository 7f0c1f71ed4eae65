//! What a gate checks, by its own word: [`GateKind`].
//!
//! It changes nothing about how a gate runs or is judged; it tells who reads the result what it is about, and what to read first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gate checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    // In the order in which agents are told: what explains others stands before them. Tests of what does not type-check fail
    // for that; style and dependencies break nothing.
    /// Types: a type checker, or a compiler that only checks.
    Types,
    /// Tests.
    Tests,
    /// Style and suspicious code.
    Lint,
    /// Security: vulnerable dependencies, licences, secrets.
    Audit,
    /// Anything else.
    Custom,
}

impl GateKind {
    /// `types`, `tests`, `lint`, `audit`, `custom`: the word in the configuration and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::Tests => "tests",
            Self::Lint => "lint",
            Self::Audit => "audit",
            Self::Custom => "custom",
        }
    }

    /// Where a gate stands among those that an agent is told of; one that names no kind stands with those of its own.
    pub fn rank(kind: Option<Self>) -> Self {
        kind.unwrap_or(Self::Custom)
    }
}

/// The word for a gate's kind, where its name does not say the same; else nothing.
pub fn kind_beside(name: &str, kind: Option<GateKind>) -> &'static str {
    kind.map(GateKind::word).filter(|word| *word != name).unwrap_or_default()
}

/// What stands behind a gate's name: ` (types)`, ` (advisory)`, ` (types, advisory)`, or nothing.
pub fn gate_marks(name: &str, kind: Option<GateKind>, required: bool) -> String {
    match (kind_beside(name, kind), required) {
        ("", true) => String::new(),
        ("", false) => " (advisory)".to_owned(),
        (kind, true) => format!(" ({kind})"),
        (kind, false) => format!(" ({kind}, advisory)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_before_what_they_cause_and_the_rest_as_it_ran() {
        let mut gates = [
            ("own", None),
            ("audit", Some(GateKind::Audit)),
            ("lint", Some(GateKind::Lint)),
            ("custom", Some(GateKind::Custom)),
            ("tests", Some(GateKind::Tests)),
            ("types", Some(GateKind::Types)),
        ];
        gates.sort_by_key(|(_, kind)| GateKind::rank(*kind));
        assert_eq!(gates.map(|(name, _)| name), ["types", "tests", "lint", "audit", "own", "custom"]);
    }

    #[test]
    fn a_kind_reads_and_writes_as_its_word() {
        for kind in [GateKind::Types, GateKind::Tests, GateKind::Lint, GateKind::Audit, GateKind::Custom] {
            assert_eq!(serde_json::json!(kind), kind.word());
        }
        let lint = Some(GateKind::Lint);
        let marks = [(None, true), (lint, true), (lint, false), (None, false)];
        let marks = marks.map(|(kind, required)| gate_marks("clippy", kind, required));
        assert_eq!(marks, ["", " (lint)", " (lint, advisory)", " (advisory)"]);
        assert_eq!(gate_marks("lint", lint, true), "", "the name says it");
    }
}
