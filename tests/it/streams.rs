//! Streams of agents, listened to while they come: the story, the vitals and the alarm of a real child.

use super::processes::Bench;
use loopdash::loops::agent::story::read;
use loopdash::loops::agent::transcript::{Edition, LINE_CAP, Transcript};
use loopdash::loops::agent::{Cause, Launch, Listen};
use loopdash::loops::core::agent::DialectName;
use std::sync::Arc;

/// A claude-like stream: one tool that fails, a retry, an answer, the end.
const STREAM: &str = r#"{"type":"system","subtype":"init","session_id":"s-1","model":"m-1"}
{"type":"assistant","session_id":"s-1","message":{"id":"a","content":[{"type":"text","text":"Looking.\nClosely."}]}}
{"type":"assistant","session_id":"s-1","message":{"id":"a","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"make check"}}]}}
{"type":"user","session_id":"s-1","message":{"content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"Exit code 2\nboom"}]}}
"#;
const END: &str = r#"{"type":"result","subtype":"success","is_error":false,"result":"All done","session_id":"s-1","usage":{"input_tokens":10,"output_tokens":5},"total_cost_usd":0.25}
"#;

fn listening(launch: Launch, max_events: u64) -> Launch {
    let listen = Listen {
        dialect: DialectName::Claude,
        max_events: Some(max_events),
        max_retries: Some(3),
        longest_wait_ms: 300_000,
        same_tool: None,
    };
    Launch { listen: Some(listen), ..launch }
}

#[tokio::test]
async fn a_stream_is_told_as_a_story_while_it_comes() {
    let bench = Bench::new("stream");
    let script = format!("mkfifo go; printf '%s' '{STREAM}'; read go < go; printf '%s' '{END}'");
    let running = bench.start(listening(bench.sh(&script), 100)).await;
    let story = Arc::clone(running.live.story().unwrap());
    let mut seen = 0;
    while story.vitals().used_tools == 0 || !story.vitals().tools.is_empty() {
        seen = running.live.changed(seen).await;
    }
    let lines = |transcript: &Transcript| {
        let lines = transcript.lines(0..100).unwrap();
        let words = lines.iter().map(|line| String::from_utf8_lossy(read(&line.bytes).1).into_owned());
        words.collect::<Vec<_>>()
    };
    let told = lines(&Transcript::live(Arc::clone(story.live())));
    assert_eq!(told.get(..3).unwrap(), ["Looking.", "Closely.", "Bash make check"]);
    std::fs::write(bench.path().join("go"), "\n").unwrap();
    let ended = bench.end(running).await;
    let heard = ended.heard.unwrap();
    assert_eq!((heard.session.as_deref(), heard.ended, heard.text.as_str()), (Some("s-1"), true, "All done"));
    assert!(story.vitals().finished && story.alarm().borrow().finished.is_some());
    let stored = lines(&Transcript::edition(&bench.path().join("steps/1-actor"), Edition::Story));
    assert_eq!(stored.len() as u64, ended.story.unwrap());
    assert_eq!(stored.last().unwrap(), "used 10 in, 5 out, $0.2500");
    assert_eq!(bench.transcript().stdout_tail_bytes(1 << 20).unwrap(), [STREAM, END].concat().as_bytes());
}

#[tokio::test]
async fn a_stream_that_goes_round_in_circles_rings() {
    let bench = Bench::new("stream");
    let script = format!("while :; do printf '%s' '{STREAM}'; sleep 0.01; done");
    let running = bench.start(listening(bench.sh(&script), 50)).await;
    let mut alarm = running.live.story().unwrap().alarm();
    let why = alarm.wait_for(|alarm| alarm.runaway.is_some()).await.unwrap().runaway.clone().unwrap();
    assert_eq!(why, "more than 50 events in one step");
    running.control().stop();
    assert_eq!(bench.end(running).await.cause, Cause::Stopped);
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_told_and_holds_up_nobody() {
    let bench = Bench::new("stream");
    let big = format!(
        "{{\"type\":\"assistant\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}}}\n{END}",
        "0123456789abcdef".repeat(10 * 1024 * 1024 / 16)
    );
    std::fs::write(bench.path().join("big"), &big).unwrap();
    let running = bench.start(listening(bench.launch(&["/bin/cat", "big"]), 100)).await;
    let story = Arc::clone(running.live.story().unwrap());
    let ended = bench.end(running).await;
    assert_eq!((ended.stdout_bytes, ended.heard.unwrap().broken), (big.len() as u64, 0));
    // What a screen reads of it is a line's beginning, whatever there is.
    let line = Transcript::live(Arc::clone(story.live())).lines(0..1).unwrap().remove(0);
    assert!(line.cut && line.bytes.len() == LINE_CAP);
}
