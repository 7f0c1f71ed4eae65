//! Claude Code's `--output-format stream-json`, which Qwen Code prints too, with differences.
//!
//! A message comes as one line for each of its blocks; with `--include-partial-messages` its texts come in pieces before
//! that. The `result` event is the last one, and its `is_error` counts, not its `subtype`.

mod wire;

use super::heard::Tell;
use super::tool::{End, OpenTools};
use super::{Refused, Tongue, cache_within, trouble};
use crate::loops::core::activity::{Activity, Failure, FailureClass, UsageScope};
use crate::loops::core::agent::DialectName;
use crate::loops::core::ids::Millis;
use crate::loops::core::step::Usage;
use wire::{Block, Event, Message, Piece, RateLimit, Tokens};

/// The model that stands on a message which the agent wrote in the place of one that failed.
const SYNTHETIC: &str = "<synthetic>";
/// What Qwen puts before an error that it hands on as its answer.
const DISGUISE: &str = "[API Error: ";
/// What Qwen calls its shell, whose failures it does not tell.
const QWEN_SHELL: &str = "run_shell_command";

/// Reads the stream.
#[derive(Debug)]
pub(super) struct Claude {
    qwen: bool,
    tools: OpenTools,
    /// Uses of Qwen's shell that are under way.
    shells: Vec<String>,
    /// What of the message under way has come in pieces.
    pieces: Pieces,
    /// The type of the error that took the place of a message.
    error: Option<String>,
    /// Whether the limit of the plan was met, and nothing has been said since.
    limited: bool,
    /// Whether the last message says how many tokens it took. Qwen's errors in disguise do not.
    counted: bool,
}

#[derive(Debug, Default)]
struct Pieces {
    message: String,
    text: bool,
    thinking: bool,
}

impl Tongue for Claude {
    fn line(&mut self, line: &str, _last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let event: Event<'_> = super::event(line)?;
        match &*event.kind {
            "assistant" => self.message(event, tell),
            "user" => self.results(event, tell),
            "stream_event" => self.piece(event.event.0.unwrap_or_default(), &event.parent_tool_use_id, tell),
            "system" => Self::system(&event, tell),
            "rate_limit_event" => self.limit(&event.rate_limit_info.0.unwrap_or_default(), tell),
            "result" => self.result(event, tell),
            "keep_alive" | "tool_progress" | "tool_use_summary" | "control_request" | "control_response" => {}
            "" => tell.unknown("an object without a type"),
            other => tell.unknown(other),
        }
        Ok(())
    }
}

impl Claude {
    pub(super) fn new(dialect: DialectName) -> Self {
        Self {
            qwen: dialect == DialectName::Qwen,
            tools: OpenTools::default(),
            shells: Vec::new(),
            pieces: Pieces::default(),
            error: None,
            limited: false,
            counted: false,
        }
    }

    fn system(event: &Event<'_>, tell: &mut Tell<'_>) {
        match &*event.subtype {
            "init" => {
                let (session, model) = (event.session_id.some(), event.model.some());
                // It comes again with each turn of a longer session.
                if (&session, &model) != (&tell.heard.session, &tell.heard.model) {
                    tell.tell(Activity::Started { session, model });
                }
            }
            "api_retry" => {
                let status = event.error_status.small();
                let class = status.map(FailureClass::of_status).or_else(|| named(&event.error));
                tell.tell(Activity::Retry {
                    attempt: event.attempt.small(),
                    of: event.max_retries.small(),
                    delay_ms: event.retry_delay_ms.count(),
                    status,
                    class: class.unwrap_or(FailureClass::Other),
                });
            }
            "compact_boundary" => tell.warn("the conversation was compacted"),
            "status" | "thinking_tokens" => {}
            other => tell.unknown(&format!("system/{other}")),
        }
    }

    /// Blocks of the assistant's message; a subagent's have a parent, and what it says is no answer.
    fn message(&mut self, event: Event<'_>, tell: &mut Tell<'_>) {
        let Some(message) = event.message.0 else { return };
        if &*message.model == SYNTHETIC {
            self.error = event.error.some().or(self.error.take());
            return;
        }
        self.limited = false;
        let inner = !event.parent_tool_use_id.is_empty();
        let in_pieces = !inner && !message.id.is_empty() && *message.id == *self.pieces.message;
        let Message { content, usage, .. } = message;
        for block in content.0 {
            match &*block.kind {
                "text" if !block.text.is_empty() => {
                    let text = block.text.own();
                    if inner {
                        tell.tell(Activity::Thinking { text, whole: true });
                    } else if !(in_pieces && self.pieces.text) {
                        tell.tell(Activity::Text { text, whole: true });
                    }
                }
                "thinking" if in_pieces && self.pieces.thinking => {}
                "thinking" if !block.thinking.is_empty() => {
                    tell.tell(Activity::Thinking { text: block.thinking.own(), whole: true });
                }
                "tool_use" | "server_tool_use" | "mcp_tool_use" => self.start(block, tell),
                _ => {}
            }
        }
        if self.qwen {
            let used = qwen_usage(usage.0.unwrap_or_default());
            self.counted = used.output.is_some_and(|tokens| tokens > 0);
            // Only the last block of a message has its tokens; the others say 0.
            if self.counted {
                tell.used(UsageScope::Part, used);
            }
        }
    }

    fn start(&mut self, block: Block<'_>, tell: &mut Tell<'_>) {
        if self.qwen && &*block.name == QWEN_SHELL && self.shells.len() < 64 {
            self.shells.push(block.id.to_string());
        }
        self.tools.start(tell, &block.id, &block.name, block.input.0.unwrap_or_default());
    }

    /// Results of tools, which come as a message of the user's.
    fn results(&mut self, event: Event<'_>, tell: &mut Tell<'_>) {
        let blocks = event.message.0.map(|message| message.content.0).unwrap_or_default();
        for block in blocks.into_iter().filter(|block| &*block.kind == "tool_result") {
            let shell = self.shells.iter().position(|id| **id == *block.tool_use_id);
            if let Some(at) = shell {
                self.shells.swap_remove(at);
            }
            let failed = block.is_error.is_set();
            let exit = exit_code(&block.content.head).filter(|_| failed);
            let ok = (failed || shell.is_none()).then_some(!failed);
            self.tools.end(tell, &block.tool_use_id, End { ok, exit }, block.content);
        }
    }

    /// A piece of a message. A subagent's are left to its whole messages: pieces of two messages at once have no order.
    fn piece(&mut self, piece: Piece<'_>, parent: &str, tell: &mut Tell<'_>) {
        if !parent.is_empty() {
            return;
        }
        match &*piece.kind {
            "message_start" => {
                let message = piece.message.0.map(|message| message.id.own()).unwrap_or_default();
                self.pieces = Pieces { message, ..Pieces::default() };
            }
            "content_block_delta" => {
                let delta = piece.delta.0.unwrap_or_default();
                if !delta.text.is_empty() {
                    self.pieces.text = true;
                    tell.tell(Activity::Text { text: delta.text.own(), whole: false });
                }
                if !delta.thinking.is_empty() {
                    self.pieces.thinking = true;
                    tell.tell(Activity::Thinking { text: delta.thinking.own(), whole: false });
                }
            }
            "message_delta" => tell.used(UsageScope::Part, claude_usage(piece.usage.0.unwrap_or_default())),
            _ => {}
        }
    }

    fn result(&mut self, event: Event<'_>, tell: &mut Tell<'_>) {
        if event.permission_denials.0 > 0 {
            tell.warn(format!("{} uses of tools were denied", event.permission_denials.0));
        }
        let (scope, usage) = self.total(&event);
        tell.used(scope, usage);
        let failure = if event.is_error.is_set() {
            Some(self.failure(&event))
        } else if &*event.stop_reason == "refusal" {
            Some(Failure::new(FailureClass::Refusal, &event.result))
        } else if self.qwen && !self.counted {
            disguised(&event.result)
        } else {
            None
        };
        let text = if let Some(failure) = failure {
            tell.tell(Activity::Failed(failure));
            None
        } else {
            let shaped = event.structured_output.filter(|value| !value.is_null());
            let said = event.result.some().filter(|said| shaped.as_ref().is_none_or(|shaped| !is(said, shaped)));
            // An answer that was checked against a schema is the last word.
            let shaped = shaped.map(|value| value.to_string());
            let words = [said, shaped].into_iter().flatten().collect::<Vec<_>>().join("\n");
            Some(words).filter(|words| !words.is_empty())
        };
        tell.tell(Activity::Final { text });
    }

    fn failure(&self, event: &Event<'_>) -> Failure {
        let status: Option<u16> = event.api_error_status.small();
        // What the agent notes for its own developers helps nobody else.
        let errors = event.errors.0.iter().map(|error| &**error).filter(|error| !error.starts_with("[ede_diagnostic]"));
        let words = match event.result.some().or_else(|| errors.map(str::to_owned).reduce(|a, b| format!("{a}; {b}"))) {
            Some(words) => words,
            None => [&*event.subtype, &*event.terminal_reason].join(" ").trim().to_owned(),
        };
        let by_name = self.error.as_deref().and_then(named);
        let mut failure = trouble::failure(status, &words);
        failure.class = match (&*event.subtype, &*event.terminal_reason) {
            ("error_max_turns", _) => FailureClass::Runaway,
            ("error_max_budget_usd", _) => FailureClass::Budget,
            (_, "prompt_too_long") => FailureClass::Context,
            _ if words.starts_with("No conversation found with session ID") => FailureClass::Usage,
            // The words of a plan's end are for people, and change.
            _ if failure.class == FailureClass::Other && self.limited => FailureClass::Rate,
            _ if failure.class == FailureClass::Other => by_name.unwrap_or(FailureClass::Other),
            _ => failure.class,
        };
        failure
    }

    /// How much of a plan is left, which a login tells and a key does not.
    fn limit(&mut self, info: &RateLimit<'_>, tell: &mut Tell<'_>) {
        let until = info.resets_at.count().map(|seconds| Millis(seconds.saturating_mul(1_000)));
        self.limited = &*info.status == "rejected";
        match &*info.status {
            "rejected" => tell.tell(Activity::RateLimited { until }),
            "allowed_warning" => tell.warn(format!("close to the limit of its plan ({})", &*info.rate_limit_type)),
            _ => {}
        }
    }

    /// What the `result` event says was used. Claude's is this step's, Qwen's the whole session's.
    fn total(&self, event: &Event<'_>) -> (UsageScope, Usage) {
        let tokens = event.usage.0.unwrap_or_default();
        if self.qwen {
            // An error in disguise says 0 of everything, whatever the session has used before.
            let usage = qwen_usage(tokens);
            let told = usage.input != Some(0) || usage.output != Some(0);
            return (UsageScope::Session, if told { usage } else { Usage::default() });
        }
        let models = event.models.0.iter().flat_map(std::collections::HashMap::values).filter_map(|model| model.0);
        // The models' counts are complete; `usage` is 0 after a stopped or repeated request.
        let by_model = models.map(|model| {
            claude_usage(Tokens {
                input_tokens: model.input_tokens,
                cache_creation_input_tokens: model.cache_creation_input_tokens,
                cache_read_input_tokens: model.cache_read_input_tokens,
                output_tokens: model.output_tokens,
            })
        });
        let usage = by_model.reduce(|mut sum, more| {
            sum.add(&more);
            sum
        });
        let usage = usage.unwrap_or_else(|| claude_usage(tokens));
        (UsageScope::Step, Usage { micro_usd: event.total_cost_usd.micro_usd(), ..usage })
    }
}

/// Whether a text is that value.
fn is(text: &str, value: &serde_json::Value) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|text| text == *value)
}

/// The class of an error that is named.
fn named(error: &str) -> Option<FailureClass> {
    Some(match error {
        "authentication_failed" | "oauth_org_not_allowed" => FailureClass::Auth,
        "billing_error" => FailureClass::Quota,
        "rate_limit" => FailureClass::Rate,
        "server_error" | "overloaded" => FailureClass::Overloaded,
        "max_output_tokens" => FailureClass::Cut,
        _ => return None,
    })
}

/// An error that Qwen passes off as its answer, alone or behind half of one.
fn disguised(answer: &str) -> Option<Failure> {
    let answer = answer.trim_end();
    let (_, words) = answer.rsplit_once(DISGUISE).filter(|_| answer.ends_with(']'))?;
    let status = trouble::status_after(answer.get(answer.len() - words.len() - DISGUISE.len()..)?, DISGUISE);
    Some(trouble::failure(status, words.trim_end_matches(']')))
}

/// The exit status that Claude puts before the output of a command that failed.
fn exit_code(result: &str) -> Option<i32> {
    let rest = result.strip_prefix("Exit code ")?;
    rest.lines().next()?.trim().parse().ok()
}

fn claude_usage(tokens: Tokens) -> Usage {
    let input = tokens.input_tokens.count().map(|tokens_in| {
        // What is written to the cache is read by the model all the same.
        tokens_in.saturating_add(tokens.cache_creation_input_tokens.count().unwrap_or(0))
    });
    Usage {
        input,
        cached: tokens.cache_read_input_tokens.count(),
        output: tokens.output_tokens.count(),
        micro_usd: None,
    }
}

fn qwen_usage(tokens: Tokens) -> Usage {
    let (input, output) = (tokens.input_tokens.count(), tokens.output_tokens.count());
    cache_within(input, tokens.cache_read_input_tokens.count(), output)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn errors_in_disguise_are_seen() {
        let failure = disguised("[API Error: 401 invalid x-api-key]").unwrap();
        assert_eq!((failure.class, failure.status), (FailureClass::Auth, Some(401)));
        let behind = disguised("half an answer[API Error: Model stream ended without a finish reason.]\n").unwrap();
        assert_eq!(behind.class, FailureClass::Network);
        assert_eq!(disguised("I fixed what prints [API Error: x] to the log."), None);
    }
}
