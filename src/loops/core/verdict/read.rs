//! Reads a critic's free text as a [`Verdict`], or as `unknown` with the exact complaint.
//!
//! The complaint becomes the reminder when the critic is asked again, so it says what to do differently.

use super::scan::scan;
use super::{Decision, Finding, MIN_CONFIDENCE, Severity, Verdict};
use serde::Deserialize;
use std::collections::HashSet;

/// Findings kept of one verdict; the summary says how many more there were.
pub const MAX_FINDINGS: usize = 100;
/// Characters kept of a summary or of a finding's text.
pub const MAX_TEXT: usize = 4_000;
/// Characters of a finding's id; a longer one is replaced.
const MAX_ID: usize = 64;
/// Characters of a path.
const MAX_PATH: usize = 1_024;
/// Characters of a complaint's quoted part.
const MAX_COMPLAINT: usize = 300;

/// Reads the verdict in `text`, the critic's whole answer, for the step whose one-time key is `key`.
///
/// The last JSON object with `"key": "<key>"` decides, fenced or bare, whatever prose stands around it. If the key is
/// quoted once more behind it, a later answer was begun that cannot be read, so that the earlier one may be outdated:
/// that is `unknown`, as is everything else outside the contract. Never panics, and takes linear time.
pub fn read(text: &str, key: &str) -> Verdict {
    object_of(text, key).and_then(interpret).unwrap_or_else(Verdict::unknown)
}

/// The object that decides.
fn object_of<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    if key.is_empty() {
        return Err("no key was issued for this answer".to_owned());
    }
    if text.trim().is_empty() {
        return Err("the answer was empty".to_owned());
    }
    let quoted = format!("\"{key}\"");
    let found = scan(text, key);
    let end = found.keyed.as_ref().map_or(0, |range| range.end);
    if let Some(at) = text.get(end..).and_then(|rest| rest.rfind(&quoted)) {
        return Err(malformed(text, end + at));
    }
    match found.keyed.and_then(|range| text.get(range)) {
        Some(object) => Ok(object),
        None if found.any => Err("no JSON object in the answer repeats the key".to_owned()),
        None => Err("there was no complete JSON object in the answer".to_owned()),
    }
}

/// What is wrong with the object around the key at byte `at`.
fn malformed(text: &str, at: usize) -> String {
    let start = text.get(..at).and_then(|before| before.rfind('{'));
    let error = start.and_then(|start| {
        let mut objects = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<serde::de::IgnoredAny>();
        objects.next()?.err()
    });
    match error {
        Some(error) if error.is_eof() => "the object that repeats the key is cut off before its end".to_owned(),
        Some(error) => {
            format!("the object that repeats the key is not valid JSON: {}", without_place(&error.to_string()))
        }
        None => "the key is repeated, but not as the \"key\" of a complete JSON object".to_owned(),
    }
}

/// A serde_json message without its line and column, which count from a place that the reader does not know.
fn without_place(message: &str) -> String {
    clip(message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message), MAX_COMPLAINT)
}

#[derive(Deserialize)]
struct RawVerdict {
    #[serde(rename = "key")]
    _key: serde::de::IgnoredAny,
    verdict: Option<String>,
    confidence: Option<f64>,
    summary: Option<String>,
    findings: Option<Vec<RawFinding>>,
}

#[derive(Deserialize)]
struct RawFinding {
    id: Option<String>,
    severity: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    text: Option<String>,
}

/// Reads the object by the contract.
fn interpret(object: &str) -> Result<Verdict, String> {
    let mut reader = serde_json::Deserializer::from_str(object);
    let raw: RawVerdict = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" at `{}`", clip(&path, MAX_ID)) };
        format!("the verdict object is wrong{place}: {}", without_place(&error.inner().to_string()))
    })?;
    let decision = decision_of(raw.verdict.as_deref())?;
    let mut summary = clean(raw.summary.as_deref().unwrap_or_default());
    confidence_fits(decision, raw.confidence)?;
    if decision == Decision::NeedsHuman && summary.is_empty() {
        return Err("`needs_human` needs its question in `summary`".to_owned());
    }
    let raw_findings = raw.findings.unwrap_or_default();
    let cut = raw_findings.len().saturating_sub(MAX_FINDINGS);
    let findings = findings_of(raw_findings)?;
    if let (Decision::Done, Some(open)) = (decision, findings.iter().find(|f| f.severity == Severity::Blocking)) {
        return Err(format!(
            "the verdict is `done`, but finding `{}` is blocking: say `continue`, or make it a `nit`",
            open.id
        ));
    }
    if cut > 0 {
        let space = if summary.is_empty() { "" } else { " " };
        summary.push_str(&format!("{space}[{cut} more findings were cut]"));
    }
    Ok(Verdict { decision, confidence: raw.confidence, summary, findings })
}

fn decision_of(word: Option<&str>) -> Result<Decision, String> {
    const WORDS: &str = "it must be `done`, `continue` or `needs_human`";
    let Some(word) = word else { return Err(format!("the object has no `verdict`: {WORDS}")) };
    match word.trim().to_ascii_lowercase().replace([' ', '-'], "_").as_str() {
        "done" => Ok(Decision::Done),
        "continue" => Ok(Decision::Continue),
        "needs_human" => Ok(Decision::NeedsHuman),
        _ => Err(format!("`{}` is not a verdict: {WORDS}", clip(&clean(word), MAX_ID))),
    }
}

fn confidence_fits(decision: Decision, confidence: Option<f64>) -> Result<(), String> {
    match confidence {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(format!("`confidence` is {value}, which is not between 0 and 1"))
        }
        Some(value) if decision == Decision::Done && value < MIN_CONFIDENCE => {
            Err(format!("`done` with confidence {value} is below {MIN_CONFIDENCE}: find out, or say `continue`"))
        }
        _ => Ok(()),
    }
}

/// Findings with unique ids and harmless paths, the first [`MAX_FINDINGS`] of them.
fn findings_of(raw: Vec<RawFinding>) -> Result<Vec<Finding>, String> {
    let given: HashSet<String> = raw.iter().filter_map(|finding| finding.id.as_deref().and_then(usable_id)).collect();
    let mut used = HashSet::new();
    let mut next = 0_u32;
    let mut findings = Vec::with_capacity(raw.len().min(MAX_FINDINGS));
    for (index, raw) in raw.into_iter().enumerate() {
        let severity = severity_of(raw.severity.as_deref()).map_err(|wrong| format!("`findings[{index}]`: {wrong}"))?;
        let text = clean(raw.text.as_deref().unwrap_or_default());
        if text.is_empty() {
            return Err(format!("`findings[{index}]` has no `text`"));
        }
        if index >= MAX_FINDINGS {
            continue;
        }
        let id = match raw.id.as_deref().and_then(usable_id).filter(|id| !used.contains(id)) {
            Some(id) => id,
            None => loop {
                next += 1;
                let id = format!("f{next}");
                if !given.contains(&id) {
                    break id;
                }
            },
        };
        used.insert(id.clone());
        let file = raw.file.as_deref().and_then(inner_path);
        let line = raw.line.filter(|line| *line > 0 && file.is_some());
        findings.push(Finding { id, severity, file, line, text });
    }
    Ok(findings)
}

fn severity_of(word: Option<&str>) -> Result<Severity, String> {
    match word.map(|word| word.trim().to_ascii_lowercase()).as_deref() {
        None | Some("blocking") => Ok(Severity::Blocking),
        Some("nit") => Ok(Severity::Nit),
        Some(other) => Err(format!("severity `{}` must be `blocking` or `nit`", clip(&clean(other), MAX_ID))),
    }
}

fn usable_id(id: &str) -> Option<String> {
    let id = id.trim();
    let fits = !id.is_empty() && id.chars().count() <= MAX_ID && !id.chars().any(char::is_control);
    fits.then(|| id.to_owned())
}

/// A path that stays inside the repository, without a leading `./`.
fn inner_path(path: &str) -> Option<String> {
    let mut path = path.trim();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    let drive = path.as_bytes().get(1) == Some(&b':');
    let inside = !path.is_empty()
        && !drive
        && !path.starts_with(['/', '\\', '~'])
        && path.chars().take(MAX_PATH + 1).count() <= MAX_PATH
        && !path.chars().any(char::is_control)
        && path.split(['/', '\\']).all(|part| part != "..");
    inside.then(|| path.to_owned())
}

/// Text without control characters but line ends and tabs, trimmed and capped.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    clip(kept.trim(), MAX_TEXT)
}

fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
