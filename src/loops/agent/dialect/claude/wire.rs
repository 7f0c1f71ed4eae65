//! The events of Claude Code's `--output-format stream-json`, as far as anything is read from them.
//! Seen in 2.1.197, and as Qwen Code 0.15.10 prints them; `rate_limit_event` as others report it (2.1.45 and later).

use std::collections::HashMap;

use serde::Deserialize;

use crate::loops::agent::dialect::loose::{Count, Flag, Head, List, Num, Object, Str};
use crate::loops::agent::dialect::tool::Input;

/// Any event. One struct for all: the type of an event need not be its first member, and finding out first would mean
/// reading each line twice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Str<'a>,
    #[serde(borrow)]
    pub(super) subtype: Str<'a>,
    #[serde(borrow)]
    pub(super) parent_tool_use_id: Str<'a>,
    #[serde(borrow)]
    pub(super) message: Object<Message<'a>>,
    /// On an assistant's message that an error took the place of, and on a retry: its type.
    #[serde(borrow)]
    pub(super) error: Str<'a>,

    // system/init
    #[serde(borrow)]
    pub(super) session_id: Str<'a>,
    #[serde(borrow)]
    pub(super) model: Str<'a>,

    // system/api_retry
    pub(super) attempt: Num,
    pub(super) max_retries: Num,
    pub(super) retry_delay_ms: Num,
    pub(super) error_status: Num,

    // rate_limit_event
    #[serde(borrow)]
    pub(super) rate_limit_info: Object<RateLimit<'a>>,

    // stream_event
    #[serde(borrow)]
    pub(super) event: Object<Piece<'a>>,

    // result
    pub(super) is_error: Flag,
    pub(super) api_error_status: Num,
    #[serde(borrow)]
    pub(super) result: Str<'a>,
    pub(super) structured_output: Option<serde_json::Value>,
    #[serde(borrow)]
    pub(super) errors: List<Str<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Str<'a>,
    #[serde(borrow)]
    pub(super) terminal_reason: Str<'a>,
    pub(super) total_cost_usd: Num,
    pub(super) usage: Object<Tokens>,
    #[serde(rename = "modelUsage")]
    pub(super) models: Object<HashMap<String, Object<ModelTokens>>>,
    pub(super) permission_denials: Count,
}

/// A message of the assistant's or of its tools'.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Str<'a>,
    #[serde(borrow)]
    pub(super) model: Str<'a>,
    #[serde(borrow)]
    pub(super) content: List<Block<'a>>,
    pub(super) usage: Object<Tokens>,
}

/// A block of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Str<'a>,
    #[serde(borrow)]
    pub(super) text: Str<'a>,
    #[serde(borrow)]
    pub(super) thinking: Str<'a>,
    #[serde(borrow)]
    pub(super) id: Str<'a>,
    #[serde(borrow)]
    pub(super) name: Str<'a>,
    pub(super) input: Object<Input>,
    #[serde(borrow)]
    pub(super) tool_use_id: Str<'a>,
    pub(super) is_error: Flag,
    pub(super) content: Head,
}

/// A piece of a message under way, with `--include-partial-messages`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Str<'a>,
    #[serde(borrow)]
    pub(super) message: Object<Message<'a>>,
    #[serde(borrow)]
    pub(super) delta: Object<Delta<'a>>,
    pub(super) usage: Object<Tokens>,
}

/// What a piece adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) text: Str<'a>,
    #[serde(borrow)]
    pub(super) thinking: Str<'a>,
}

/// Tokens, as the API counts them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    pub(super) input_tokens: Num,
    pub(super) cache_creation_input_tokens: Num,
    pub(super) cache_read_input_tokens: Num,
    pub(super) output_tokens: Num,
}

/// Tokens of one model, as the agent counts them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelTokens {
    pub(super) input_tokens: Num,
    pub(super) cache_creation_input_tokens: Num,
    pub(super) cache_read_input_tokens: Num,
    pub(super) output_tokens: Num,
}

/// How far a subscription's limit is used up.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RateLimit<'a> {
    /// `allowed`, `allowed_warning` or `rejected`.
    #[serde(borrow)]
    pub(super) status: Str<'a>,
    /// Seconds since 1970.
    pub(super) resets_at: Num,
    /// Such as `five_hour`.
    #[serde(borrow)]
    pub(super) rate_limit_type: Str<'a>,
}
