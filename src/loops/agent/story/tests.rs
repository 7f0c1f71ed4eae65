#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// The story of some activities, ten milliseconds apart: kinds and words.
fn told(activities: &[Activity]) -> Vec<(LineKind, String)> {
    let mut teller = Teller::default();
    let mut story = Vec::new();
    for (at, activity) in activities.iter().enumerate() {
        teller.tell(activity, Millis(at as u64 * 1_500));
        teller.flush(|bytes| story.extend_from_slice(bytes));
    }
    teller.end_line();
    teller.flush(|bytes| story.extend_from_slice(bytes));
    let text = String::from_utf8(story).unwrap();
    let lines = text.lines().map(|line| {
        let (kind, words) = read(line.as_bytes());
        (kind, String::from_utf8(words.to_vec()).unwrap())
    });
    lines.collect()
}

fn text(text: &str, whole: bool) -> Activity {
    Activity::Text { text: text.into(), whole }
}

fn tool(id: &str, summary: &str) -> Activity {
    Activity::ToolStarted { id: id.into(), name: "Bash".into(), summary: summary.into() }
}

fn ended(id: &str, ok: Option<bool>, exit: Option<i32>, head: &str, bytes: u64) -> Activity {
    Activity::ToolEnded { id: id.into(), ok, exit, bytes, head: head.into() }
}

fn lines(expected: &[(LineKind, &str)]) -> Vec<(LineKind, String)> {
    expected.iter().map(|(kind, words)| (*kind, (*words).to_owned())).collect()
}

#[test]
fn pieces_of_text_join_and_whole_texts_stand_alone() {
    use LineKind::{Text, Thinking};
    let activities = [
        Activity::Thinking { text: "hm".into(), whole: true },
        text("one ", false),
        text("two\n\nth", false),
        text("ree", false),
        text("four\nfive\n", true),
        text("six", true),
    ];
    assert_eq!(
        told(&activities),
        lines(&[
            (Thinking, "hm"),
            (Text, "one two"),
            (Text, ""),
            (Text, "three"),
            (Text, "four"),
            (Text, "five"),
            (Text, "six")
        ])
    );
}

#[test]
fn a_tool_is_told_with_its_result_folded_and_how_long_it_took() {
    use LineKind::{Failed, Passed, Result, Tool};
    let long = (1..=9).map(|n| format!("line {n}\n")).collect::<String>();
    let activities = [
        tool("a", "cargo test"),
        ended("a", Some(true), None, &long, long.len() as u64),
        tool("b", "false"),
        ended("b", Some(false), Some(3), "", 0),
    ];
    assert_eq!(
        told(&activities),
        lines(&[
            (Tool, "Bash cargo test"),
            (Result, "line 1"),
            (Result, "line 2"),
            (Result, "line 3"),
            (Result, "line 4"),
            (Result, "… 5 more lines"),
            (Passed, "ok, 1.5s"),
            (Tool, "Bash false"),
            (Failed, "failed, exit 3, 1.5s"),
        ])
    );
}

#[test]
fn tools_that_overlap_are_named_when_they_end() {
    let activities = [tool("a", "sleep 1"), tool("b", "sleep 2"), ended("a", None, None, "x", 300_000)];
    let told = told(&activities);
    assert_eq!(told.get(3).unwrap(), &(LineKind::Result, "… 292 KB more".to_owned()));
    assert_eq!(told.last().unwrap(), &(LineKind::Passed, "Bash sleep 1: ended, 3.0s".to_owned()));
}

#[test]
fn trouble_is_told_in_words() {
    let retry = Activity::Retry {
        attempt: Some(2),
        of: Some(5),
        delay_ms: Some(12_000),
        status: Some(429),
        class: FailureClass::Rate,
    };
    let failure = Failure { status: Some(401), ..Failure::new(FailureClass::Auth, "invalid x-api-key") };
    let broken = Activity::Broken { what: "not JSON".into() };
    assert_eq!(
        told(&[retry, broken, Activity::Failed(failure)]),
        lines(&[
            (LineKind::Wait, "tries again 2/5 in 12s: rate limited (429)"),
            (LineKind::Warning, "a line that is no event: not JSON"),
            (LineKind::Trouble, "login failed: invalid x-api-key (401)"),
        ])
    );
}

#[test]
fn the_final_text_is_told_only_where_nothing_was_said_before() {
    let end = Activity::Final { text: Some("all done".into()) };
    assert_eq!(told(&[text("all done", true), end.clone()]).len(), 1);
    assert_eq!(told(&[end]), lines(&[(LineKind::Text, "all done")]));
}

#[test]
fn an_agent_cannot_forge_a_line_of_another_kind() {
    for (kind, words) in told(&[text("fine\n\u{6}failed\r\u{5}ok", true)]) {
        assert_eq!(kind, LineKind::Text, "{words}");
    }
}

#[test]
fn usage_leaves_out_what_is_not_known() {
    let usage = Usage { input: Some(1_200), cached: None, output: Some(34), micro_usd: Some(1_234_500) };
    assert_eq!(used(&usage), "used 1200 in, 34 out, $1.2345");
    assert_eq!(used(&Usage::default()), "");
}
