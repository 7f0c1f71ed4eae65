//! No text is taken for a verdict unless an object of it repeats the key, and what is taken obeys the contract.

use loopdash::loops::core::verdict::{Decision, MAX_FINDINGS, MAX_TEXT, MIN_CONFIDENCE, Severity, Verdict, read};
use serde_json::Value;
use std::collections::HashSet;

const KEY: &str = "K7QZ-0W3M";

pub(crate) fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = read(&text, KEY);
    for other in ["", "k7qz-0w3m", "K7QZ-0W3M "] {
        // What stood around a key that was taken out can be one.
        let without = text.replace(KEY, other);
        let none = without.contains(&format!("\"{KEY}\"")) || read(&without, KEY).decision == Decision::Unknown;
        assert!(none, "without the key: {text:?}");
    }
    assert_eq!(read(&text, "").decision, Decision::Unknown, "no key was issued: {text:?}");
    if verdict.decision == Decision::Unknown {
        assert!(!verdict.summary.is_empty() && verdict.findings.is_empty() && verdict.confidence.is_none());
        return;
    }
    assert!(stands(&text, &verdict), "{verdict:?} does not stand in {text:?}");
    obeys(&verdict);
    let outdated = read(&format!("{text} {{\"key\":\"{KEY}\""), KEY);
    assert_eq!(outdated.decision, Decision::Unknown, "a later answer was begun: {text:?}");
    if verdict.summary.chars().count() <= MAX_TEXT {
        assert_eq!(read(&spoken(&verdict), KEY), verdict, "said again it is the same");
    }
}

/// Whether a plain JSON reader, begun at some brace, finds an object with the key, behind which the key is not quoted
/// once more, and which says what was read.
fn stands(text: &str, verdict: &Verdict) -> bool {
    let quoted = format!("\"{KEY}\"");
    text.char_indices().filter(|(_, c)| *c == '{').any(|(at, _)| {
        let mut objects = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let Some(Ok(object)) = objects.next() else { return false };
        let rest = &text[at + objects.byte_offset()..];
        let word = object.get("verdict").and_then(Value::as_str).unwrap_or_default();
        let word = word.trim().to_ascii_lowercase().replace(['-', '_'], " ");
        object.get("key").and_then(Value::as_str) == Some(KEY)
            && word == verdict.decision.word()
            && object.get("confidence").and_then(Value::as_f64) == verdict.confidence
            && !rest.contains(&quoted)
    })
}

fn obeys(verdict: &Verdict) {
    let text = |text: &str| {
        let fits =
            text.chars().count() <= MAX_TEXT + 40 && !text.chars().any(|c| c.is_control() && !"\n\t".contains(c));
        assert!(fits, "{text:?}");
    };
    text(&verdict.summary);
    assert!(verdict.findings.len() <= MAX_FINDINGS);
    assert!(verdict.confidence.is_none_or(|sure| (0.0..=1.0).contains(&sure)), "{verdict:?}");
    let mut ids = HashSet::new();
    for finding in &verdict.findings {
        text(&finding.text);
        assert!(!finding.text.is_empty() && ids.insert(&finding.id), "{verdict:?}");
        assert!(!finding.id.is_empty() && !finding.id.chars().any(char::is_control), "{verdict:?}");
        if let Some(file) = &finding.file {
            let leaves = file.starts_with(['/', '~', '\\']) || file.split(['/', '\\']).any(|part| part == "..");
            assert!(!leaves && !file.chars().any(char::is_control), "{verdict:?}");
        }
        assert!(finding.line != Some(0) && (finding.line.is_none() || finding.file.is_some()), "{verdict:?}");
    }
    match verdict.decision {
        Decision::Done => {
            assert!(verdict.findings.iter().all(|finding| finding.severity == Severity::Nit), "{verdict:?}");
            assert!(verdict.confidence.is_none_or(|sure| sure >= MIN_CONFIDENCE), "{verdict:?}");
        }
        Decision::NeedsHuman => assert!(!verdict.summary.is_empty(), "no question: {verdict:?}"),
        Decision::Continue | Decision::Unknown => {}
    }
}

/// The verdict as a critic would say it.
fn spoken(verdict: &Verdict) -> String {
    let mut object = serde_json::to_value(verdict).unwrap_or_default();
    if let Some(members) = object.as_object_mut() {
        members.insert("key".to_owned(), KEY.into());
    }
    format!("so it is\n```json\n{object}\n```\n")
}
