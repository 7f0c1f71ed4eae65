//! Gemini CLI's `-o stream-json`, as 0.61.0 prints it. What it says comes in pieces; retries stand on standard error only.
//!
//! It takes half a stream for a whole answer and says `success`: nothing in its output tells the two apart.

use serde::Deserialize;

use super::heard::Tell;
use super::loose::{Flag, Head, Num, Object, Str};
use super::tool::{End, Input, OpenTools, one_line};
use super::{Refused, Tongue, trouble};
use crate::loops::core::activity::{Activity, Failure, UsageScope};
use crate::loops::core::step::Usage;

/// What it calls its shell, whose commands all succeed by its word.
const SHELL: &str = "run_shell_command";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    session_id: Str<'a>,
    #[serde(borrow)]
    model: Str<'a>,
    #[serde(borrow)]
    role: Str<'a>,
    #[serde(borrow)]
    content: Str<'a>,
    delta: Flag,
    #[serde(borrow)]
    tool_name: Str<'a>,
    #[serde(borrow)]
    tool_id: Str<'a>,
    parameters: Object<Input>,
    #[serde(borrow)]
    status: Str<'a>,
    output: Head,
    #[serde(borrow)]
    error: Object<Error<'a>>,
    #[serde(borrow)]
    message: Str<'a>,
    stats: Object<Stats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Error<'a> {
    #[serde(borrow)]
    message: Str<'a>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Stats {
    total_tokens: Num,
    input_tokens: Num,
    output_tokens: Num,
    cached: Num,
}

/// The API's own error, which stands in an error's message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Object<ApiError<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiError<'a> {
    code: Num,
    #[serde(borrow)]
    message: Str<'a>,
}

/// Reads the stream.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    tools: OpenTools,
    /// The last error that it told of; the result after it may name none.
    error: String,
}

impl Tongue for Gemini {
    fn line(&mut self, line: &str, _last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let event: Event<'_> = super::event(line)?;
        match &*event.kind {
            "init" => tell.tell(Activity::Started { session: event.session_id.some(), model: event.model.some() }),
            "message" if &*event.role == "assistant" => {
                tell.tell(Activity::Text { text: event.content.own(), whole: !event.delta.is_set() });
            }
            "message" => {}
            "tool_use" => {
                let input = event.parameters.0.unwrap_or_default();
                self.tools.start(tell, &event.tool_id, &event.tool_name, input);
            }
            "tool_result" => {
                // The ids begin with the tool's name.
                let told = !event.tool_id.starts_with(SHELL);
                let ok = match &*event.status {
                    "success" => told.then_some(true),
                    "error" => Some(false),
                    _ => None,
                };
                let why = event.error.0.map(|error| Head::of(&error.message)).unwrap_or_default();
                let result = if event.output.bytes == 0 { why } else { event.output };
                self.tools.end(tell, &event.tool_id, End { ok, exit: None }, result);
            }
            "error" => {
                self.error = one_line(&event.message);
                tell.warn(self.error.clone());
            }
            "result" => {
                tell.used(UsageScope::Step, usage(event.stats.0.unwrap_or_default()));
                if &*event.status != "success" {
                    let named = event.error.0.unwrap_or_default().message;
                    tell.tell(Activity::Failed(failure(if named.is_empty() { &self.error } else { &named })));
                }
                tell.tell(Activity::Final { text: None });
            }
            other => tell.unknown(other),
        }
        Ok(())
    }

    /// `Attempt 1 failed with status 429. Retrying with backoff... _ApiError: {"error":{..}}`.
    fn aside(&mut self, line: &str, tell: &mut Tell<'_>) -> bool {
        let Some(rest) = line.strip_prefix("Attempt ") else { return false };
        let Some((attempt, rest)) = rest.split_once(" failed") else { return false };
        if !rest.contains("Retrying with backoff") {
            return false;
        }
        let status = trouble::status_after(rest, " with status ");
        let attempt = attempt.parse().ok();
        let class = trouble::class(status, rest);
        tell.tell(Activity::Retry { attempt, of: None, delay_ms: None, status, class });
        // Should it give up, that is why.
        false
    }
}

/// `[API Error: {"error":{"code":401,"message":"..","status":".."}}]`, or plain words.
fn failure(message: &str) -> Failure {
    let body = message.find('{').zip(message.rfind('}')).and_then(|(from, to)| message.get(from..=to));
    let error = body.and_then(|body| serde_json::from_str::<Body<'_>>(body).ok()).and_then(|body| body.error.0);
    match error {
        Some(error) => trouble::failure(error.code.small(), &error.message),
        None => trouble::failure(None, message),
    }
}

/// Gemini counts what came from the cache as input too, and what was thought in the total alone.
fn usage(stats: Stats) -> Usage {
    let (total, input, cached) = (stats.total_tokens.count(), stats.input_tokens.count(), stats.cached.count());
    let thought = total.zip(input).map(|(total, input)| total.saturating_sub(input));
    Usage {
        input: input.map(|input| input.saturating_sub(cached.unwrap_or(0))),
        cached,
        output: stats.output_tokens.count().max(thought),
        micro_usd: None,
    }
}
