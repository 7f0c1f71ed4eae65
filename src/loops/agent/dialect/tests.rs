#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::loops::core::activity::{FailureClass, UsageScope};
use crate::loops::core::step::Exit;

fn decode(dialect: DialectName, out: &str) -> (Vec<Activity>, Heard) {
    let (mut seen, mut decoder) = (Vec::new(), Decoder::new(dialect));
    decoder.push(Stream::Stdout, out.as_bytes(), &mut |activity| seen.push(activity));
    let heard = decoder.finish(&mut |activity| seen.push(activity));
    (seen, heard)
}

#[test]
fn pieces_of_a_message_are_not_told_twice() {
    let out = r#"
{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1"}},"parent_tool_use_id":null}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one "}}}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}}}
{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"one two"}]}}
{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}
{"type":"assistant","message":{"id":"m2","content":[{"type":"text","text":"three"}]}}
"#;
    let (seen, heard) = decode(DialectName::Claude, out);
    let texts: Vec<_> = seen
        .iter()
        .filter_map(|a| if let Activity::Text { text, .. } = a { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(texts, ["one ", "two", "three"]);
    assert_eq!((heard.tools, heard.events, heard.broken), (1, 6, 0));
}

#[test]
fn what_a_subagent_says_is_no_answer() {
    let out = r#"
{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"mine"}]}}
{"type":"assistant","parent_tool_use_id":"t1","message":{"id":"m2","content":[{"type":"text","text":"DONE"}]}}
"#;
    let (seen, heard) = decode(DialectName::Claude, out);
    assert_eq!(heard.text, "mine");
    assert!(matches!(&seen[1], Activity::Thinking { text, .. } if text == "DONE"));
}

#[test]
fn a_limit_of_the_plan_says_until_when() {
    let out = r#"
{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","isUsingOverage":false}}
{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1778565600,"rateLimitType":"five_hour"}}
{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You've hit your limit"}
"#;
    let (seen, heard) = decode(DialectName::Claude, out);
    assert_eq!(seen.len(), 3);
    let until = Some(crate::loops::core::ids::Millis(1_778_565_600_000));
    assert_eq!(seen[0], Activity::RateLimited { until });
    let judged = judge(heard, None, None);
    let failure = judged.failure().unwrap();
    assert_eq!((failure.class, failure.until), (FailureClass::Rate, until));
}

#[test]
fn an_answer_that_fits_a_schema_comes_last() {
    let out =
        r#"{"type":"result","is_error":false,"result":"It is good.","structured_output":{"key":"K","verdict":"done"}}"#;
    let (_, heard) = decode(DialectName::Claude, out);
    assert_eq!(heard.text, "It is good.\n{\"key\":\"K\",\"verdict\":\"done\"}");
    let alone = r#"{"type":"result","is_error":false,"result":"{\"key\": \"K\"}","structured_output":{"key":"K"}}"#;
    assert_eq!(decode(DialectName::Claude, alone).1.text, "{\"key\":\"K\"}");
}

#[test]
fn what_nobody_knows_is_counted_and_what_is_broken_is_noted() {
    let out = concat!(
        "npm warn something\n",
        "\n",
        "  \r\n",
        "{\"type\":\"new_thing\",\"message\":7}\n",
        "{\"type\":\"assistant\",\"type\":\"twice\"}\n",
        "{\"no\":\"type\"}\n",
        "[1,2]\n",
        "{\"type\":\"assistant\",\"message\":{\"content\":[{\"ty\n",
    );
    let (seen, heard) = decode(DialectName::Claude, out);
    let told: Vec<String> = seen
        .iter()
        .map(|activity| match activity {
            Activity::Unknown { kind } => format!("? {kind}"),
            Activity::Broken { what } => format!("! {what}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "! not an event",
            "? new_thing",
            "! not an event",
            "? an object without a type",
            "! not an event",
            "! cut off"
        ]
    );
    assert_eq!((heard.events, heard.unknown, heard.broken, heard.truncated), (2, 2, 4, false));
}

#[test]
fn a_last_line_that_was_cut_off_still_counts() {
    let out = concat!(
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"all of it"}],"usage":{"input_tokens":9,"output_tokens":3}}}"#,
        "\n",
        r#"{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"all o"#,
    );
    let (seen, heard) = decode(DialectName::Qwen, out);
    assert_eq!(seen[2], Activity::Broken { what: "cut off".to_owned() });
    assert!(heard.ended && heard.truncated);
    assert_eq!(heard.text, "all of it");
    assert_eq!(heard.usage.map(|(scope, usage)| (scope, usage.input)), Some((UsageScope::Part, Some(9))));
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let mut out = br#"{"type":"assistant","message":{"content":[{"type":"text","text":"a"#.to_vec();
    out.extend([0xff, 0xfe]);
    out.extend(b"b\"}]}}\n");
    let (mut seen, mut decoder) = (Vec::new(), Decoder::new(DialectName::Claude));
    decoder.push(Stream::Stdout, &out, &mut |activity| seen.push(activity));
    assert_eq!(seen, [Activity::Text { text: "a\u{fffd}\u{fffd}b".to_owned(), whole: true }]);
}

#[test]
fn a_line_of_10_mb_is_read() {
    let text = "0123456789abcde\\n".repeat(10 * 1024 * 1024 / 17);
    let out = format!(
        "{{\"type\":\"user\",\"message\":{{\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"{text}\"}}]}}}}\n"
    );
    let (seen, _) = decode(DialectName::Claude, &out);
    assert!(matches!(&seen[0], Activity::ToolEnded { bytes, head, .. } if *bytes > 9_000_000 && head.len() <= 4096));
}

/// The class, the wait and the words of a stream's failure, for a process that exited with `code`.
fn failure(dialect: DialectName, out: &str, code: i32) -> (FailureClass, Option<u64>, String) {
    let (_, heard) = decode(dialect, out);
    let failure = judge(heard, Some(Exit::Code(code)), None).failure().unwrap().clone();
    (failure.class, failure.retry_after_ms, failure.message)
}

#[test]
fn a_full_context_is_told_apart_in_the_words_of_each_agent() {
    // Codex 0.169.0, OpenCode 1.18.33 (which had summed up and gone on), Aider 0.86.2.
    let codex = r#"{"type":"thread.started","thread_id":"t"}
{"type":"turn.failed","error":{"message":"Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying."}}
"#;
    let opencode = r#"{"type":"error","sessionID":"s","error":{"name":"ContextOverflowError","data":{"message":"This model's maximum context length is 128000 tokens."}}}
{"type":"step_start","sessionID":"s","part":{}}
{"type":"text","sessionID":"s","part":{"text":"A note"}}
{"type":"step_finish","sessionID":"s","part":{"reason":"stop","tokens":{"input":10,"output":2}}}
"#;
    let aider = "Aider v0.86.2\nModel: openai/x with whole edit format\n\n\nTokens: 1.1k sent, 0 received.\n\n\n\
                 Model openai/x has hit a token limit!\nToken counts below are approximate.\n";
    for (dialect, out, code) in
        [(DialectName::Codex, codex, 1), (DialectName::Opencode, opencode, 1), (DialectName::Aider, aider, 2)]
    {
        let (class, _, message) = failure(dialect, out, code);
        assert_eq!(class, FailureClass::Context, "{dialect:?}: {message}");
    }
}

#[test]
fn gemini_names_its_trouble_beside_the_result_or_in_it() {
    // Gemini CLI 0.61.0, before a retry-after of an hour, and with each stream cut.
    let limit = r#"{"type":"init","session_id":"s","model":"m"}
{"type":"result","status":"error","error":{"type":"unknown","message":"[API Error: Resource has been exhausted (e.g. check quota).\nSuggested retry after 3600s.]\nPlease wait and try again later."},"stats":{}}
"#;
    let (class, wait, _) = failure(DialectName::Gemini, limit, 1);
    assert_eq!((class, wait), (FailureClass::Rate, Some(3_600_000)));
    let cut = r#"{"type":"init","session_id":"s","model":"m"}
{"type":"message","role":"assistant","content":"I wri","delta":true}
{"type":"error","severity":"error","message":"Model stream ended without a finish reason."}
{"type":"result","status":"error","stats":{}}
"#;
    let (class, _, message) = failure(DialectName::Gemini, cut, 0);
    assert_eq!((class, message.as_str()), (FailureClass::Network, "Model stream ended without a finish reason."));
}
