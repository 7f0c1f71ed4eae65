//! Anthropic Messages, as documented at docs.anthropic.com under "Messages" and "Streaming messages".
//! Spoken by claude; without streaming, too, which it falls back to.

use super::http::Frame;
use super::wire::{Answer, Entry, Refusal, Talk, list, pieces, texts};
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Talk {
    let mut entries = Vec::new();
    for message in list(&body["messages"]).iter().filter(|message| message["role"] == "user") {
        entries.extend(texts(&message["content"], &["text"]).into_iter().map(Entry::User));
        let results = list(&message["content"]).iter().filter(|block| block["type"] == "tool_result");
        entries.extend(results.map(|_| Entry::Result));
    }
    let tools = list(&body["tools"]).iter().filter_map(|tool| Some(tool["name"].as_str()?.to_owned())).collect();
    Talk { entries, tools, stream: body["stream"] == true }
}

fn usage(answer: &Answer) -> Value {
    let tokens = answer.tokens;
    json!({
        "input_tokens": tokens.input - tokens.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    })
}

pub(super) fn whole(answer: &Answer) -> Value {
    let mut content = Vec::new();
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    if let Some((name, input)) = &answer.call {
        content.push(
            json!({"type": "tool_use", "id": format!("toolu_{:08}", answer.number), "name": name, "input": input}),
        );
    }
    json!({
        "id": format!("msg_{:08}", answer.number),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": stop(answer),
        "stop_sequence": null,
        "usage": usage(answer),
    })
}

const fn stop(answer: &Answer) -> &'static str {
    if answer.call.is_some() { "tool_use" } else { "end_turn" }
}

pub(super) fn events(answer: &Answer) -> Vec<Frame> {
    let mut opening = whole(answer);
    let content = std::mem::replace(&mut opening["content"], json!([]));
    opening["stop_reason"] = Value::Null;
    opening["usage"]["output_tokens"] = json!(1);
    let mut frames = vec![frame("message_start", json!({"message": opening}))];
    for (index, block) in list(&content).iter().enumerate() {
        let mut empty = block.clone();
        let deltas: Vec<Value> = if block["type"] == "text" {
            empty["text"] = json!("");
            pieces(&answer.text).into_iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect()
        } else {
            empty["input"] = json!({});
            let input = block["input"].to_string();
            pieces(&input).into_iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect()
        };
        frames.push(frame("content_block_start", json!({"index": index, "content_block": empty})));
        frames.extend(
            deltas.into_iter().map(|delta| frame("content_block_delta", json!({"index": index, "delta": delta}))),
        );
        frames.push(frame("content_block_stop", json!({"index": index})));
    }
    let end = json!({"delta": {"stop_reason": stop(answer), "stop_sequence": null}, "usage": usage(answer)});
    frames.push(frame("message_delta", end));
    frames.push(frame("message_stop", json!({})));
    frames
}

fn frame(name: &'static str, mut data: Value) -> Frame {
    data["type"] = name.into();
    (Some(name), data.to_string())
}

pub(super) fn refusal(refusal: Refusal) -> Value {
    let (kind, message) = match refusal {
        Refusal::Broken => ("api_error", "Internal server error"),
        Refusal::Limited(_) => {
            ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later.")
        }
        Refusal::Key => ("authentication_error", "invalid x-api-key"),
        Refusal::TooLong => ("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}
