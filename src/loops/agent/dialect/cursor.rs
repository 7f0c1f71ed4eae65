//! Cursor's `--output-format stream-json`, from its documentation (cursor.com/docs/cli/reference/output-format) and, for
//! `--stream-partial-output`, what its makers say there and in their forum. It has not been run with loopdash.
//!
//! Like Claude's, but that tools are events of their own, and that the last event joins all that was said without a
//! break: the last message by itself is the answer.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::heard::Tell;
use super::loose::{Flag, Head, List, Num, Object, Str};
use super::tool::{End, Input, OpenTools};
use super::{Refused, Tongue, trouble};
use crate::loops::core::activity::{Activity, UsageScope};
use crate::loops::core::step::Usage;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    subtype: Str<'a>,
    #[serde(borrow)]
    session_id: Str<'a>,
    #[serde(borrow)]
    model: Str<'a>,
    #[serde(borrow)]
    message: Object<Message<'a>>,
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    call_id: Str<'a>,
    #[serde(borrow)]
    tool_call: Object<Call<'a>>,
    /// On a piece of a message.
    timestamp_ms: Num,
    /// On a message that its pieces have told before.
    #[serde(borrow)]
    model_call_id: Str<'a>,
    is_error: Flag,
    #[serde(borrow)]
    result: Str<'a>,
    usage: Object<Tokens>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: List<Block<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow)]
    text: Str<'a>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tokens {
    input_tokens: Num,
    output_tokens: Num,
    cache_read_tokens: Num,
    cache_write_tokens: Num,
}

/// `{"writeToolCall":{"args":{..},"result":{"success":{..}}}}`: the tool's name is the member's, what became of it that
/// of the result's.
#[derive(Debug, Default)]
struct Call<'a> {
    name: Str<'a>,
    body: CallBody<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CallBody<'a> {
    /// Of a `function`.
    #[serde(borrow)]
    name: Str<'a>,
    args: Object<Input>,
    #[serde(borrow)]
    result: Object<Outcome<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outcome<'a> {
    success: Object<Success>,
    #[serde(borrow)]
    error: Object<Failed<'a>>,
    #[serde(borrow)]
    rejected: Object<Failed<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Success {
    content: Head,
    stdout: Head,
    exit_code: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Failed<'a> {
    #[serde(borrow)]
    error_message: Str<'a>,
    #[serde(borrow)]
    reason: Str<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Call<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Call<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a tool call")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Call<'de>, A::Error> {
                let mut call = Call::default();
                while let Some(name) = map.next_key::<Str<'de>>()? {
                    if name.ends_with("ToolCall") || &*name == "function" {
                        call.body = map.next_value::<Object<CallBody<'de>>>()?.0.unwrap_or_default();
                        call.name = name;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(call)
            }
        }

        from.deserialize_map(Members)
    }
}

/// Reads the stream.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    tools: OpenTools,
    /// Whether what it says comes in pieces.
    in_pieces: bool,
}

impl Tongue for Cursor {
    fn line(&mut self, line: &str, _last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let event: Event<'_> = super::event(line)?;
        match (&*event.kind, &*event.subtype) {
            ("system", "init") => {
                tell.tell(Activity::Started { session: event.session_id.some(), model: event.model.some() });
            }
            ("assistant", _) => self.message(event, tell),
            ("thinking", "delta") => tell.tell(Activity::Thinking { text: event.text.own(), whole: false }),
            ("thinking" | "user", _) => {}
            ("tool_call", "started") => {
                let Call { name, body } = event.tool_call.0.unwrap_or_default();
                let name = if body.name.is_empty() { name.trim_end_matches("ToolCall") } else { &*body.name };
                self.tools.start(tell, &event.call_id, name, body.args.0.unwrap_or_default());
            }
            ("tool_call", "completed") => {
                let outcome = event.tool_call.0.and_then(|call| call.body.result.0).unwrap_or_default();
                let (end, result) = outcome.end();
                self.tools.end(tell, &event.call_id, end, result);
            }
            ("result", _) => result(event, tell),
            ("", _) => tell.unknown("an object without a type"),
            (kind, "") => tell.unknown(kind),
            (kind, subtype) => tell.unknown(&format!("{kind}/{subtype}")),
        }
        Ok(())
    }
}

impl Cursor {
    /// A piece has a time and no call; its message comes again with the call, and all of them without a time.
    fn message(&mut self, event: Event<'_>, tell: &mut Tell<'_>) {
        let piece = event.timestamp_ms.0.is_some() && event.model_call_id.is_empty();
        if self.in_pieces && !piece {
            return;
        }
        self.in_pieces |= piece;
        for block in event.message.0.map(|message| message.content.0).unwrap_or_default() {
            if !block.text.is_empty() {
                tell.tell(Activity::Text { text: block.text.own(), whole: !piece });
            }
        }
    }
}

impl Outcome<'_> {
    fn end(self) -> (End, Head) {
        match (self.success.0, self.error.0.or(self.rejected.0)) {
            (Some(success), _) => {
                let exit = success.exit_code.int();
                let result = if success.stdout.bytes > 0 { success.stdout } else { success.content };
                (End { ok: Some(exit.is_none_or(|code| code == 0)), exit }, result)
            }
            (None, Some(failed)) => {
                let why = if failed.error_message.is_empty() { &failed.reason } else { &failed.error_message };
                (End { ok: Some(false), exit: None }, Head::of(why))
            }
            (None, None) => (End::default(), Head::default()),
        }
    }
}

fn result(event: Event<'_>, tell: &mut Tell<'_>) {
    let tokens = event.usage.0.unwrap_or_default();
    let fresh = |read: u64| read.saturating_add(tokens.cache_write_tokens.count().unwrap_or(0));
    tell.used(
        UsageScope::Step,
        Usage {
            input: tokens.input_tokens.count().map(fresh),
            cached: tokens.cache_read_tokens.count(),
            output: tokens.output_tokens.count(),
            micro_usd: None,
        },
    );
    if event.is_error.is_set() {
        tell.tell(Activity::Failed(trouble::failure(None, &event.result)));
        return tell.tell(Activity::Final { text: None });
    }
    let text = event.result.some().filter(|_| tell.heard.text.is_empty());
    tell.tell(Activity::Final { text });
}
