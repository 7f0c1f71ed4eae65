//! `opencode run --format json`, as 1.18.33 prints it: parts of messages, each when it is complete.
//!
//! There is no final event: the work is over when the last request was answered in full (`reason` is `stop`) and the
//! stream ended after it. Until then it has nothing left to do, and its process is given some time to end. Tools are told of at their end only. A request that failed, and may be tried again, stands in its
//! log alone, on standard error (`--print-logs`). An answer whose stream is cut ends for a reason that is `unknown`, and is
//! asked for again, sometimes for ever; so is a full context, which it gets over by summing up what went before.

use serde::Deserialize;

use super::heard::{Tell, keep_end};
use super::loose::{Flag, Head, Num, Object, Str};
use super::tool::{End, Input, OpenTools};
use super::{Refused, Tongue, trouble};
use crate::loops::core::activity::{Activity, Failure, FailureClass, UsageScope};
use crate::loops::core::step::Usage;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow, rename = "sessionID")]
    session: Str<'a>,
    #[serde(borrow)]
    part: Object<Part<'a>>,
    #[serde(borrow)]
    error: Object<Error<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Str<'a>,
    /// Written by opencode itself, in the person's name.
    synthetic: Flag,
    #[serde(borrow)]
    tool: Str<'a>,
    #[serde(borrow, rename = "callID")]
    call: Str<'a>,
    #[serde(borrow)]
    state: Object<State<'a>>,
    #[serde(borrow)]
    reason: Str<'a>,
    tokens: Object<Tokens>,
    cost: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State<'a> {
    #[serde(borrow)]
    status: Str<'a>,
    input: Object<Input>,
    output: Head,
    error: Head,
    metadata: Object<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    exit: Num,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input: Num,
    output: Num,
    reasoning: Num,
    cache: Object<Cache>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Cache {
    read: Num,
    write: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Error<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    data: Object<ErrorData<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorData<'a> {
    #[serde(borrow)]
    message: Str<'a>,
    #[serde(rename = "statusCode")]
    status: Num,
    #[serde(borrow, rename = "responseHeaders")]
    headers: Object<Headers<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Headers<'a> {
    #[serde(borrow)]
    retry_after: Str<'a>,
    #[serde(borrow)]
    retry_after_ms: Str<'a>,
}

/// Reads the stream.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    tools: OpenTools,
    /// What was said in answer to the last request.
    said: String,
    /// How the last answer ended, unless something came after it.
    reason: String,
    /// A full context that it has not got over yet.
    full: Option<Failure>,
    /// Answers in a row that ended before they were whole.
    cuts: u32,
}

impl Tongue for Opencode {
    fn line(&mut self, line: &str, _last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let event: Event<'_> = super::event(line)?;
        if tell.heard.session.is_none() && !event.session.is_empty() {
            tell.tell(Activity::Started { session: event.session.some(), model: None });
        }
        let part = event.part.0.unwrap_or_default();
        match &*event.kind {
            "step_start" => {
                self.said.clear();
                self.reason.clear();
            }
            "text" if part.synthetic.is_set() => self.reason.clear(),
            "text" => {
                self.said.push_str(if self.said.is_empty() { "" } else { "\n" });
                self.said.push_str(&part.text);
                keep_end(&mut self.said);
                tell.tell(Activity::Text { text: part.text.own(), whole: true });
            }
            "reasoning" => tell.tell(Activity::Thinking { text: part.text.own(), whole: true }),
            "tool_use" => {
                self.reason.clear();
                self.tool(part, tell);
            }
            "step_finish" => {
                self.reason = part.reason.to_string();
                self.cut(tell);
                let usage = usage(part.tokens.0.unwrap_or_default());
                tell.used(UsageScope::Part, Usage { micro_usd: part.cost.micro_usd(), ..usage });
            }
            "error" => {
                self.reason.clear();
                self.error(&event.error.0.unwrap_or_default(), tell);
            }
            other => tell.unknown(other),
        }
        // It may still sum up a full context and go on, and says so at once.
        tell.idle(matches!(self.reason.as_str(), "stop" | "length" | "content-filter"));
        Ok(())
    }

    fn aside(&mut self, line: &str, tell: &mut Tell<'_>) -> bool {
        if !line.starts_with("timestamp=") || !line.contains(" level=ERROR ") {
            return false;
        }
        let words = ["error.error=\"", " error=\""].iter().find_map(|mark| line.split_once(mark));
        let Some((head, words)) = words else { return false };
        // What stands behind it is a stack.
        let words = words.split_once("\" stack=").map_or(words, |(words, _)| words).trim_end_matches('"');
        let words = words.strip_prefix("AI_APICallError: ").unwrap_or(words);
        tell.heard.complain(words);
        let failure = trouble::failure(None, words);
        // What does not pass ends it, and is told as an event; `small` is for what it asks on the side.
        if head.contains("message=\"stream error\"") && !head.contains(" small=true ") && failure.class.passes() {
            let (delay_ms, class) = (failure.retry_after_ms, failure.class);
            tell.tell(Activity::Retry { attempt: None, of: None, delay_ms, status: None, class });
        }
        true
    }

    fn end(&mut self, tell: &mut Tell<'_>) {
        let cut = (self.cuts > 0)
            .then(|| Failure::new(FailureClass::Network, "its model's answers end before they are whole"));
        let failure = match self.reason.as_str() {
            "stop" => None,
            "length" => Some(Failure::new(FailureClass::Cut, "its answer was longer than the model may write")),
            "content-filter" => Some(Failure::new(FailureClass::Refusal, "its answer was filtered")),
            // Nothing has ended; a full context is why, or a cut stream, if there was one.
            _ => return self.full.take().or(cut).into_iter().for_each(|why| tell.tell(Activity::Failed(why))),
        };
        let text = Some(std::mem::take(&mut self.said)).filter(|said| failure.is_none() && !said.is_empty());
        if let Some(failure) = failure {
            tell.tell(Activity::Failed(failure));
        }
        tell.tell(Activity::Final { text });
    }
}

impl Opencode {
    /// An answer has ended: before it was whole, if nobody knows why.
    fn cut(&mut self, tell: &mut Tell<'_>) {
        if self.reason != "unknown" {
            self.cuts = 0;
            return;
        }
        self.cuts += 1;
        let (attempt, class) = (Some(self.cuts), FailureClass::Network);
        tell.tell(Activity::Retry { attempt, of: None, delay_ms: None, status: None, class });
    }

    fn tool(&mut self, part: Part<'_>, tell: &mut Tell<'_>) {
        let state = part.state.0.unwrap_or_default();
        let exit = state.metadata.0.and_then(|metadata| metadata.exit.int());
        let ok = match (&*state.status, exit) {
            ("completed", None | Some(0)) => Some(true),
            ("completed" | "error", _) => Some(false),
            _ => None,
        };
        let result = if state.output.bytes == 0 { state.error } else { state.output };
        self.tools.start(tell, &part.call, &part.tool, state.input.0.unwrap_or_default());
        self.tools.end(tell, &part.call, End { ok, exit }, result);
    }

    fn error(&mut self, error: &Error<'_>, tell: &mut Tell<'_>) {
        let none = ErrorData::default();
        let data = error.data.0.as_ref().unwrap_or(&none);
        let words = if data.message.is_empty() { &*error.name } else { &*data.message };
        let mut failure = trouble::failure(data.status.small(), words);
        match &*error.name {
            "ContextOverflowError" => {
                failure.class = FailureClass::Context;
                tell.warn(format!("the context is full: {}", failure.message));
                // It exits with 1 after that, even if it got over it.
                tell.heard.complain(&failure.message);
                self.full = Some(failure);
                return;
            }
            "ProviderAuthError" => failure.class = FailureClass::Auth,
            "MessageOutputLengthError" => failure.class = FailureClass::Cut,
            _ => {}
        }
        if let Some(wait) = data.headers.0.as_ref().and_then(wait) {
            failure.retry_after_ms = Some(wait);
        }
        tell.tell(Activity::Failed(failure));
    }
}

fn wait(headers: &Headers<'_>) -> Option<u64> {
    let number = |text: &str| Num(text.trim().parse().ok());
    let seconds = number(&headers.retry_after).0.map(|seconds| seconds * 1e3);
    number(&headers.retry_after_ms).count().or_else(|| Num(seconds).count())
}

/// opencode counts neither what came from the cache as input, nor what was thought as output.
fn usage(tokens: Tokens) -> Usage {
    let cache = tokens.cache.0.unwrap_or_default();
    let sum = |a: Num, b: Num| a.count().map(|a| a.saturating_add(b.count().unwrap_or(0)));
    Usage {
        input: sum(tokens.input, cache.write),
        cached: cache.read.count(),
        output: sum(tokens.output, tokens.reasoning),
        micro_usd: None,
    }
}
