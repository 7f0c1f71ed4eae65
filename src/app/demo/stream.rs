//! How a scripted agent prints events instead of text: [`Stream`] makes the lines that Claude Code prints with
//! `--output-format stream-json`, as far as loopdash reads them. Its numbers are the script's.

use super::script::Used;
use serde_json::{Value, json};

/// The session that every scripted agent says it has.
const SESSION: &str = "00000000-0000-4000-8000-000000000000";
/// The model that it says it is.
const MODEL: &str = "scripted";

/// A stream under way. Each call gives one line of it, without its newline.
#[derive(Debug, Default)]
pub(super) struct Stream {
    tools: u32,
    /// The last text, which the end repeats as the answer.
    said: String,
    used: Used,
}

impl Stream {
    /// The first event.
    pub(super) fn begin() -> String {
        json!({"type": "system", "subtype": "init", "session_id": SESSION, "model": MODEL}).to_string()
    }

    /// Something said.
    pub(super) fn text(&mut self, text: &str) -> String {
        text.clone_into(&mut self.said);
        self.assistant(&json!({"type": "text", "text": text}))
    }

    /// Something thought.
    pub(super) fn thought(&self, text: &str) -> String {
        self.assistant(&json!({"type": "thinking", "thinking": text}))
    }

    /// A tool begun: `Bash` with a command, or another with a file.
    pub(super) fn tool(&mut self, name: &str, what: &str) -> String {
        self.tools += 1;
        let input = if name == "Bash" { json!({"command": what}) } else { json!({"file_path": what}) };
        self.assistant(&json!({"type": "tool_use", "id": self.tool_id(), "name": name, "input": input}))
    }

    /// The end of the tool begun last.
    pub(super) fn result(&self, text: &str, ok: bool) -> String {
        let result = json!({"type": "tool_result", "tool_use_id": self.tool_id(), "content": text, "is_error": !ok});
        json!({"type": "user", "session_id": SESSION, "message": {"role": "user", "content": [result]}}).to_string()
    }

    /// A request that is tried again after `ms`.
    pub(super) fn retry(attempt: u32, of: u32, ms: u64) -> String {
        json!({
            "type": "system", "subtype": "api_retry", "session_id": SESSION, "attempt": attempt, "max_retries": of,
            "retry_delay_ms": ms, "error_status": 529, "error": "overloaded",
        })
        .to_string()
    }

    /// Counts tokens and dollars.
    pub(super) fn use_up(&mut self, used: &Used) {
        self.used.input += used.input;
        self.used.cached += used.cached;
        self.used.output += used.output;
        self.used.usd = self.used.usd.zip(used.usd).map(|(sum, more)| sum + more).or(self.used.usd).or(used.usd);
    }

    /// The last event.
    pub(super) fn end(&self) -> String {
        let usage = json!({
            "input_tokens": self.used.input, "cache_read_input_tokens": self.used.cached,
            "output_tokens": self.used.output,
        });
        let mut end = json!({
            "type": "result", "subtype": "success", "is_error": false, "session_id": SESSION, "result": self.said,
            "usage": usage,
        });
        if let (Some(usd), Some(end)) = (self.used.usd, end.as_object_mut()) {
            end.insert("total_cost_usd".to_owned(), json!(usd));
        }
        end.to_string()
    }

    fn tool_id(&self) -> String {
        format!("tool_{}", self.tools)
    }

    fn assistant(&self, content: &Value) -> String {
        let message =
            json!({"id": format!("msg_{}", self.tools), "role": "assistant", "model": MODEL, "content": [content]});
        json!({"type": "assistant", "session_id": SESSION, "message": message}).to_string()
    }
}
