//! The JSON Schema of a critic's answer, for agents that can hold their last message to one.
//!
//! In the strict form that providers demand: every property is required, no other is allowed, and what may be absent may
//! be null.

use super::{Decision, Severity};
use serde_json::{Value, json};

/// The schema of the object that a critic ends with.
pub fn schema() -> Value {
    let finding = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "severity", "file", "line", "text"],
        "properties": {
            "id": { "type": "string" },
            "severity": { "type": "string", "enum": [Severity::Blocking, Severity::Nit] },
            "file": { "type": ["string", "null"] },
            "line": { "type": ["integer", "null"] },
            "text": { "type": "string" },
        },
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["key", "verdict", "confidence", "summary", "findings"],
        "properties": {
            "key": { "type": "string" },
            "verdict": { "type": "string", "enum": [Decision::Done, Decision::Continue, Decision::NeedsHuman] },
            "confidence": { "type": "number" },
            "summary": { "type": "string" },
            "findings": { "type": "array", "items": finding },
        },
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::loops::core::verdict::read;

    #[test]
    fn what_fits_it_is_read_as_a_verdict() {
        let answer = json!({
            "key": "k1", "verdict": "continue", "confidence": 0.9, "summary": "Not yet.",
            "findings": [{ "id": "f1", "severity": "nit", "file": null, "line": null, "text": "a name" }],
        });
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(validator.is_valid(&answer));
        let verdict = read(&answer.to_string(), "k1");
        assert_eq!((verdict.decision, verdict.findings[0].file.as_deref()), (Decision::Continue, None));
        for wrong in [json!({ "key": "k1" }), json!({ "key": "k1", "verdict": "approve" })] {
            assert!(!validator.is_valid(&wrong));
        }
    }
}
