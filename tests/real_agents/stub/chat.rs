//! OpenAI Chat Completions, as documented at platform.openai.com under "Chat".
//! Spoken by opencode, qwen and aider.

use super::http::Frame;
use super::wire::{Answer, Entry, Talk, list, pieces, texts};
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Talk {
    let mut entries = Vec::new();
    for message in list(&body["messages"]) {
        if message["role"] == "user" {
            entries.extend(texts(&message["content"], &["text"]).into_iter().map(Entry::User));
        } else if message["role"] == "tool" {
            entries.push(Entry::Result);
        }
    }
    let name = |tool: &Value| Some(tool["function"]["name"].as_str()?.to_owned());
    Talk { entries, tools: list(&body["tools"]).iter().filter_map(name).collect(), stream: body["stream"] == true }
}

fn usage(answer: &Answer) -> Value {
    let tokens = answer.tokens;
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
    })
}

fn calls(answer: &Answer) -> Option<Value> {
    let (name, arguments) = answer.call.as_ref()?;
    Some(json!([{
        "index": 0,
        "id": format!("call_{:08}", answer.number),
        "type": "function",
        "function": {"name": name, "arguments": arguments.to_string()},
    }]))
}

const fn finish(answer: &Answer) -> &'static str {
    if answer.call.is_some() { "tool_calls" } else { "stop" }
}

fn envelope(answer: &Answer, object: &str, choices: Value) -> Value {
    json!({
        "id": format!("chatcmpl-{:08}", answer.number),
        "object": object,
        "created": 1_760_000_000,
        "model": answer.model,
        "choices": choices,
    })
}

pub(super) fn whole(answer: &Answer) -> Value {
    let mut message = json!({"role": "assistant", "content": answer.text});
    if let Some(calls) = calls(answer) {
        message["tool_calls"] = calls;
    }
    let choices = json!([{"index": 0, "message": message, "finish_reason": finish(answer)}]);
    let mut body = envelope(answer, "chat.completion", choices);
    body["usage"] = usage(answer);
    body
}

pub(super) fn events(answer: &Answer) -> Vec<Frame> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        envelope(answer, "chat.completion.chunk", choices)
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    chunks.extend(pieces(&answer.text).into_iter().map(|piece| chunk(json!({"content": piece}), None)));
    chunks.extend(calls(answer).map(|calls| chunk(json!({"tool_calls": calls}), None)));
    chunks.push(chunk(json!({}), Some(finish(answer))));
    let mut last = envelope(answer, "chat.completion.chunk", json!([]));
    last["usage"] = usage(answer);
    chunks.push(last);
    let frames = chunks.into_iter().map(|chunk| (None, chunk.to_string()));
    frames.chain([(None, "[DONE]".to_owned())]).collect()
}
