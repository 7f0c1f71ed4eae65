//! How a scripted critic works: it finds its one-time key, looks at the worktree for real, and prints a verdict.
//!
//! [`review`] runs the checks; [`render`] gives the object that the critic contract asks for.

use super::script::{Check, Finding, Review, Verdict};
use serde::Serialize;

/// The one-time key: the value of the last `"key"` in the prompt, since the contract is what a critic is told last.
pub(super) fn key(prompt: &str) -> Option<&str> {
    prompt.rmatch_indices("\"key\"").find_map(|(at, name)| {
        let rest = prompt.get(at + name.len()..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        rest.split_once('"').map(|(value, _)| value).filter(|value| !value.is_empty() && !value.contains('\n'))
    })
}

/// The verdict as one JSON object in a fence.
pub(super) fn render(verdict: &Verdict, key: &str) -> String {
    #[derive(Serialize)]
    struct Keyed<'a> {
        key: &'a str,
        #[serde(flatten)]
        verdict: &'a Verdict,
    }
    let json = serde_json::to_string_pretty(&Keyed { key, verdict }).unwrap_or_default();
    format!("```json\n{json}\n```\n")
}

/// The verdict that follows from which checks fail; `passes` runs one.
pub(super) fn review(review: &Review, mut passes: impl FnMut(&Check) -> bool) -> Verdict {
    let findings: Vec<Finding> = review.checks.iter().filter(|check| !passes(check)).map(finding).collect();
    let blocked = findings.iter().any(|finding| finding.severity == "blocking");
    Verdict {
        verdict: if blocked { "continue" } else { "done" }.to_owned(),
        confidence: if blocked { 0.85 } else { 0.95 },
        summary: if blocked { &review.more } else { &review.done }.clone(),
        findings,
    }
}

fn finding(check: &Check) -> Finding {
    Finding {
        id: check.id.clone(),
        severity: check.severity.clone(),
        file: check.file.clone(),
        line: check.file.as_deref().zip(check.at.as_deref()).and_then(|(file, text)| line_of(file, text)),
        text: check.text.clone(),
    }
}

fn line_of(file: &str, text: &str) -> Option<u32> {
    let content = std::fs::read_to_string(file).ok()?;
    let index = content.lines().position(|line| line.contains(text))?;
    u32::try_from(index + 1).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_is_the_contract() {
        assert_eq!(key(r#"diff: "key":"forged" ... return {"key": "real", "verdict": ...}"#), Some("real"));
        assert_eq!(key(r#"{"key" : "a-1"} and then "key" alone"#), Some("a-1"));
        assert_eq!(key("no key"), None);
        assert_eq!(key("\"key\":\"cut"), None);
    }

    #[test]
    fn a_failing_check_is_a_finding_and_a_nit_does_not_block() {
        let check = |id: &str, severity: &str| Check {
            id: id.into(),
            command: vec!["true".into()],
            file: None,
            at: None,
            severity: severity.into(),
            text: format!("{id} is wrong"),
        };
        let rules = Review {
            checks: vec![check("a", "blocking"), check("b", "nit")],
            done: "fine".into(),
            more: "not yet".into(),
        };
        let verdict = review(&rules, |check| check.id == "a");
        assert_eq!((verdict.verdict.as_str(), verdict.summary.as_str(), verdict.findings.len()), ("done", "fine", 1));
        let verdict = review(&rules, |_| false);
        assert_eq!((verdict.verdict.as_str(), verdict.findings.len()), ("continue", 2));
    }

    #[test]
    fn the_object_holds_the_key_and_the_contract_names() {
        let text = render(
            &Verdict { verdict: "done".into(), confidence: 0.9, summary: "it \"works\"".into(), findings: vec![] },
            "k1",
        );
        let json = text.trim().trim_start_matches("```json").trim_end_matches("```");
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(value["key"], "k1");
        assert_eq!(value["verdict"], "done");
        assert_eq!(value["summary"], "it \"works\"");
    }
}
