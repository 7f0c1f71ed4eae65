//! Gemini's generateContent, as documented at ai.google.dev under "Generating content" and "Errors".
//! Spoken by gemini.

use super::http::Frame;
use super::wire::{Answer, Entry, Refusal, Talk, list, pieces};
use serde_json::{Value, json};

pub(super) fn read(path: &str, body: &Value) -> Talk {
    let mut entries = Vec::new();
    for content in list(&body["contents"]).iter().filter(|content| content["role"] != "model") {
        for part in list(&content["parts"]) {
            if part["functionResponse"].is_object() {
                entries.push(Entry::Result);
            } else if let Some(text) = part["text"].as_str() {
                entries.push(Entry::User(text.to_owned()));
            }
        }
    }
    let declared = list(&body["tools"]).iter().flat_map(|tool| list(&tool["functionDeclarations"]));
    let tools = declared.filter_map(|tool| Some(tool["name"].as_str()?.to_owned())).collect();
    Talk { entries, tools, stream: path.ends_with("streamGenerateContent") }
}

fn parts(answer: &Answer) -> Vec<Value> {
    let mut parts: Vec<Value> = pieces(&answer.text).into_iter().map(|piece| json!({"text": piece})).collect();
    if let Some((name, arguments)) = &answer.call {
        parts.push(
            json!({"functionCall": {"id": format!("call_{:08}", answer.number), "name": name, "args": arguments}}),
        );
    }
    parts
}

fn response(answer: &Answer, parts: &[Value], last: bool) -> Value {
    let tokens = answer.tokens;
    let mut body = json!({
        "responseId": format!("r{:08}", answer.number),
        "modelVersion": answer.model,
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
    });
    if last {
        body["candidates"][0]["finishReason"] = "STOP".into();
        body["usageMetadata"] = json!({
            "promptTokenCount": tokens.input,
            "cachedContentTokenCount": tokens.cached,
            "candidatesTokenCount": tokens.output,
            "totalTokenCount": tokens.input + tokens.output,
        });
    }
    body
}

pub(super) fn whole(answer: &Answer) -> Value {
    response(answer, &parts(answer), true)
}

pub(super) fn events(answer: &Answer) -> Vec<Frame> {
    let parts = parts(answer);
    let frame = |(at, part): (usize, &Value)| {
        let body = response(answer, std::slice::from_ref(part), at + 1 == parts.len());
        (None, body.to_string())
    };
    parts.iter().enumerate().map(frame).collect()
}

pub(super) fn refusal(refusal: Refusal) -> Value {
    let (status, message) = match refusal {
        Refusal::Broken => ("INTERNAL", "An internal error has occurred."),
        Refusal::Limited(_) => ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        Refusal::Key => ("UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
        Refusal::TooLong => (
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
    };
    let mut body = json!({"error": {"code": refusal.status(), "message": message, "status": status}});
    if let Refusal::Limited(seconds) = refusal {
        let kind = "type.googleapis.com/google.rpc.RetryInfo";
        body["error"]["details"] = json!([{"@type": kind, "retryDelay": format!("{seconds}s")}]);
    }
    body
}
