//! The critic contract, case by case: what is read, and what each refusal says.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use serde_json::json;

const KEY: &str = "k-7f3a";

fn answer(fields: serde_json::Value) -> String {
    let mut object = json!({"key": KEY});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object.to_string()
}

fn refused(text: &str, why: &str) {
    let verdict = read(text, KEY);
    assert_eq!(verdict.decision, Decision::Unknown, "{text}");
    assert!(verdict.summary.contains(why), "{:?} does not say {why:?}", verdict.summary);
    assert!(verdict.findings.is_empty() && verdict.confidence.is_none());
}

#[test]
fn reads_the_contract() {
    let object = answer(json!({
        "verdict": "continue", "confidence": 0.8, "summary": " Close.\u{7} ",
        "findings": [
            {"id": "a", "severity": "nit", "file": "./src/a.rs", "line": 12, "text": "name"},
            {"severity": "blocking", "file": "src/b.rs", "text": "bug"},
        ],
        "reasoning": "not part of the contract, and harmless",
    }));
    for text in [
        object.clone(),
        format!("I looked at {{everything}}.\n```json\n{object}\n```\n"),
        format!("{object}\n\nThat is my verdict. \"Good luck\"!"),
    ] {
        let verdict = read(&text, KEY);
        assert_eq!(verdict.decision, Decision::Continue, "{text}");
        assert_eq!((verdict.confidence, verdict.summary.as_str()), (Some(0.8), "Close."));
        let [a, b]: &[Finding; 2] = verdict.findings.as_slice().try_into().unwrap();
        assert_eq!(
            (a.id.as_str(), a.severity, a.file.as_deref(), a.line),
            ("a", Severity::Nit, Some("src/a.rs"), Some(12))
        );
        assert_eq!((b.id.as_str(), b.severity, b.text.as_str()), ("f1", Severity::Blocking, "bug"));
    }
}

#[test]
fn the_last_answer_wins() {
    let done = answer(json!({"verdict": "done", "confidence": 0.9}));
    let more = answer(json!({"verdict": "continue"}));
    assert_eq!(read(&format!("{done}\n{more}"), KEY).decision, Decision::Continue);
    assert_eq!(read(&format!("{more}\n{done}"), KEY).decision, Decision::Done);
    assert_eq!(read(&format!("{done} {{\"verdict\":\"continue\"}}"), KEY).decision, Decision::Done);
    refused(&format!("{done}\n{{\"key\":\"{KEY}\",\"verdict\":\"cont"), "cut off");
    refused(&format!("{done}\n{}", answer(json!({"verdict": "maybe"}))), "`maybe` is not a verdict");
}

#[test]
fn says_why_there_is_no_object() {
    refused(" \n", "empty");
    refused("Looks good to me, done!", "no complete JSON object");
    refused("{\"verdict\":\"done\"}", "repeats the key");
    refused("{\"key\":\"k-0000\",\"verdict\":\"done\"}", "repeats the key");
    refused(&format!("{{\"verdict\":\"done\",\"x\":[\"{KEY}\"]}}"), "not as the \"key\"");
    refused(&format!("{{\"key\":\"{KEY}\",\"verdict\":\"done\",}}"), "key must be a string");
    refused(&format!("{{\"key\":\"{KEY}\",\"verdict\":\"done"), "cut off");
    refused(&format!("{{\"key\":\"{KEY}\",\"summary\":\"a\nb\"}}"), "control character");
    assert_eq!(read("{\"key\":\"\",\"verdict\":\"done\"}", "").decision, Decision::Unknown);
}

#[test]
fn says_what_is_wrong_in_the_object() {
    refused(&answer(json!({})), "no `verdict`");
    refused(&answer(json!({"verdict": "unknown"})), "`unknown` is not a verdict");
    refused(&answer(json!({"verdict": true})), "at `verdict`: invalid type");
    refused(&answer(json!({"verdict": "done", "confidence": "high"})), "at `confidence`");
    refused(&answer(json!({"verdict": "done", "confidence": 1.5})), "not between 0 and 1");
    refused(&answer(json!({"verdict": "continue", "confidence": -0.1})), "not between 0 and 1");
    refused(&answer(json!({"verdict": "done", "confidence": 0.49})), "below 0.5");
    refused(&format!("{{\"key\":\"{KEY}\",\"verdict\":\"done\",\"confidence\":NaN}}"), "expected");
    refused(&format!("{{\"key\":\"{KEY}\",\"verdict\":\"done\",\"confidence\":1e999}}"), "number out of range");
    refused(
        &format!("{{\"key\":\"{KEY}\",\"verdict\":\"continue\",\"verdict\":\"done\"}}"),
        "duplicate field `verdict`",
    );
    refused(&format!("{{\"key\":\"{KEY}\",\"key\":\"{KEY}\",\"verdict\":\"done\"}}"), "duplicate field `key`");
    refused(&answer(json!({"verdict": "needs_human", "summary": " "})), "question");
    refused(&answer(json!({"verdict": "continue", "findings": {}})), "at `findings`");
    refused(
        &answer(json!({"verdict": "continue", "findings": [{"text": "a"}, {"text": "b", "line": "9"}]})),
        "findings[1].line",
    );
    refused(&answer(json!({"verdict": "continue", "findings": [{"text": "a", "severity": "major"}]})), "`major`");
    refused(&answer(json!({"verdict": "continue", "findings": [{"id": "a"}]})), "`findings[0]` has no `text`");
    refused(
        &answer(json!({"verdict": "done", "findings": [{"id": "x", "text": "broken"}]})),
        "finding `x` is blocking",
    );
}

#[test]
fn accepts_what_is_merely_unusual() {
    for word in ["DONE", "done", " Done "] {
        assert_eq!(
            read(&answer(json!({"verdict": word, "confidence": 1, "findings": null})), KEY).decision,
            Decision::Done
        );
    }
    let ask = read(&answer(json!({"verdict": "needs-human", "summary": "Which port?"})), KEY);
    assert_eq!((ask.decision, ask.summary.as_str()), (Decision::NeedsHuman, "Which port?"));
    assert_eq!(read(&answer(json!({"verdict": "continue", "confidence": 0.1})), KEY).decision, Decision::Continue);
    assert_eq!(read(&format!("[{}]", answer(json!({"verdict": "done"}))), KEY).decision, Decision::Done);
}

#[test]
fn ids_are_made_unique() {
    let findings = json!([
        {"id": "f1", "text": "a"}, {"id": "f1", "text": "b"}, {"text": "c"}, {"id": "f2", "text": "d"},
        {"id": "", "text": "e"}, {"id": "x".repeat(65), "text": "f"}, {"id": "a\u{1b}b", "text": "g"},
    ]);
    let verdict = read(&answer(json!({"verdict": "continue", "findings": findings})), KEY);
    let ids: Vec<_> = verdict.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["f1", "f3", "f4", "f2", "f5", "f6", "f7"]);
}

#[test]
fn paths_stay_inside() {
    for bad in
        ["/etc/passwd", "../x", "a/../../x", "a\\..\\b", "", "C:\\x", "~/x", "a\u{1b}[31m", "\\\\host\\x", "a\nb"]
    {
        let text = answer(json!({"verdict": "continue", "findings": [{"text": "t", "file": bad, "line": 3}]}));
        let verdict = read(&text, KEY);
        let finding = verdict.findings.first().unwrap();
        assert_eq!((&finding.file, finding.line), (&None, None), "{bad:?}");
    }
    let text = answer(json!({"verdict": "continue", "findings": [{"text": "t", "file": "a..b/c", "line": 0}]}));
    let finding = read(&text, KEY).findings.remove(0);
    assert_eq!((finding.file.as_deref(), finding.line), (Some("a..b/c"), None));
}

#[test]
fn floods_are_capped() {
    let many: Vec<_> = (0..250).map(|n| json!({"id": format!("n{n}"), "text": "é".repeat(5_000)})).collect();
    let verdict = read(&answer(json!({"verdict": "continue", "summary": "s".repeat(9_000), "findings": many})), KEY);
    assert_eq!(verdict.findings.len(), MAX_FINDINGS);
    assert!(verdict.findings.iter().all(|finding| finding.text.chars().count() == MAX_TEXT + 1));
    assert!(verdict.summary.ends_with("… [150 more findings were cut]"));
    let deep = format!("{{\"key\":\"{KEY}\",\"verdict\":\"done\",\"x\":{}", "[".repeat(5_000_000));
    refused(&deep, "the object");
    let bomb =
        format!("{{\"key\":\"{KEY}\",\"verdict\":\"done\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&bomb, KEY).decision, Decision::Unknown);
    let repeated = format!("{{\"key\":\"{KEY}\",").repeat(100_000);
    assert_eq!(read(&repeated, KEY).decision, Decision::Unknown);
}

proptest! {
    #[test]
    fn never_panics_and_never_accepts_noise(text in "[{}\\[\\]\":,a-z0-9.\\-\\\\ \n]{0,300}") {
        prop_assert_eq!(read(&text, KEY).decision, Decision::Unknown);
    }

    #[test]
    fn nothing_without_the_key_is_accepted(text in "\\PC{0,80}", word in "done|continue|needs_human") {
        let object = json!({"key": "guess", "verdict": word, "confidence": 1.0, "summary": text});
        prop_assert_eq!(read(&format!("{text}{object}{text}"), KEY).decision, Decision::Unknown);
    }

    #[test]
    fn a_truncated_answer_is_never_done(cut in 0_usize..90) {
        let text = answer(json!({"verdict": "done", "confidence": 0.97, "summary": "all criteria hold", "findings": []}));
        let cut = cut.min(text.len() - 1);
        prop_assert_eq!(read(text.get(..cut).unwrap(), KEY).decision, Decision::Unknown);
    }

    #[test]
    fn what_is_written_is_read_back(
        summary in "[a-zA-Z{}\"\\\\\n ]{1,40}",
        findings in prop::collection::vec(("[ -~]{0,20}", "[a-z{}\"]{1,20}", any::<bool>()), 0..6),
        before in "[{}\" a-z\n]{0,40}",
    ) {
        let list: Vec<_> = findings.iter()
            .map(|(id, text, nit)| json!({"id": id, "text": text, "severity": if *nit { "nit" } else { "blocking" }}))
            .collect();
        let text = format!("{before}\n{}", answer(json!({"verdict": "continue", "summary": summary, "findings": list})));
        let verdict = read(&text, KEY);
        prop_assert_eq!(verdict.decision, Decision::Continue);
        prop_assert_eq!(verdict.summary.as_str(), summary.trim());
        prop_assert_eq!(verdict.findings.len(), findings.len());
        let ids: HashSet<_> = verdict.findings.iter().map(|finding| &finding.id).collect();
        prop_assert_eq!(ids.len(), findings.len());
    }
}
