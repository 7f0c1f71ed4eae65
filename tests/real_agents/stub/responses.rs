//! OpenAI Responses, as documented at platform.openai.com under "Responses" and "Streaming events".
//! Spoken by codex, which always streams.

use super::http::Frame;
use super::wire::{Answer, Entry, Talk, list, pieces, texts};
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Talk {
    let mut entries = Vec::new();
    for item in list(&body["input"]) {
        if item["role"] == "user" {
            entries.extend(texts(&item["content"], &["input_text"]).into_iter().map(Entry::User));
        } else if item["type"].as_str().is_some_and(|kind| kind.ends_with("_output")) {
            entries.push(Entry::Result);
        }
    }
    let name = |tool: &Value| Some(tool["name"].as_str().or_else(|| tool["type"].as_str())?.to_owned());
    Talk { entries, tools: list(&body["tools"]).iter().filter_map(name).collect(), stream: body["stream"] == true }
}

fn items(answer: &Answer) -> Vec<Value> {
    let mut items = Vec::new();
    if !answer.text.is_empty() {
        items.push(json!({
            "id": format!("msg_{:08}", answer.number),
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
        }));
    }
    if let Some((name, arguments)) = &answer.call {
        items.push(json!({
            "id": format!("fc_{:08}", answer.number),
            "type": "function_call",
            "status": "completed",
            "call_id": format!("call_{:08}", answer.number),
            "name": name,
            "arguments": arguments.to_string(),
        }));
    }
    items
}

pub(super) fn whole(answer: &Answer) -> Value {
    let tokens = answer.tokens;
    json!({
        "id": format!("resp_{:08}", answer.number),
        "object": "response",
        "created_at": 1_760_000_000,
        "model": answer.model,
        "status": "completed",
        "output": items(answer),
        "usage": {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens.input + tokens.output,
        },
    })
}

pub(super) fn events(answer: &Answer) -> Vec<Frame> {
    let done = whole(answer);
    let mut opening = done.clone();
    opening["status"] = "in_progress".into();
    opening["output"] = json!([]);
    opening["usage"] = Value::Null;
    let mut events = vec![("response.created", json!({"response": opening}))];
    for (index, item) in items(answer).into_iter().enumerate() {
        let mut empty = item.clone();
        empty["status"] = "in_progress".into();
        if item["type"] == "message" {
            empty["content"] = json!([]);
        }
        events.push(("response.output_item.added", json!({"output_index": index, "item": empty})));
        if item["type"] == "message" {
            let place = json!({"item_id": item["id"], "output_index": index, "content_index": 0});
            let with = |key: &str, value: Value| {
                let mut event = place.clone();
                event[key] = value;
                event
            };
            events.push((
                "response.content_part.added",
                with("part", json!({"type": "output_text", "text": "", "annotations": []})),
            ));
            for piece in pieces(&answer.text) {
                events.push(("response.output_text.delta", with("delta", piece.into())));
            }
            events.push(("response.output_text.done", with("text", answer.text.clone().into())));
            events.push(("response.content_part.done", with("part", item["content"][0].clone())));
        }
        events.push(("response.output_item.done", json!({"output_index": index, "item": item})));
    }
    events.push(("response.completed", json!({"response": done})));
    let frame = |(number, (name, mut data)): (usize, (&'static str, Value))| {
        data["type"] = name.into();
        data["sequence_number"] = number.into();
        (Some(name), data.to_string())
    };
    events.into_iter().enumerate().map(frame).collect()
}
