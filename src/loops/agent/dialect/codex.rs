//! `codex exec --json`, as 0.169.0 prints it: a thread, one turn, and items that start and complete.
//!
//! Retries are told as errors that are none yet; the ones of HTTP 5xx are not told at all. What was used is counted over
//! the whole thread. Ids of items begin anew in a resumed one.

use std::borrow::Cow;

use serde::Deserialize;

use super::heard::Tell;
use super::loose::{Head, List, Num, Object, Str};
use super::tool::{End, Input, OpenTools, one_line};
use super::{Refused, Tongue, cache_within, trouble};
use crate::loops::core::activity::{Activity, UsageScope};
use crate::loops::core::step::Usage;

/// What stands before a retry's number.
const RECONNECTING: &str = "Reconnecting... ";
/// Commands longer than this are not taken out of their shell.
const UNWRAP_BYTES: usize = 16 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    thread_id: Str<'a>,
    #[serde(borrow)]
    item: Object<Item<'a>>,
    usage: Object<Tokens>,
    #[serde(borrow)]
    message: Str<'a>,
    #[serde(borrow)]
    error: Object<Message<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    message: Str<'a>,
    #[serde(borrow)]
    command: Str<'a>,
    aggregated_output: Head,
    exit_code: Num,
    #[serde(borrow)]
    changes: List<Change<'a>>,
    #[serde(borrow)]
    server: Str<'a>,
    #[serde(borrow)]
    tool: Str<'a>,
    arguments: Object<Input>,
    #[serde(borrow)]
    query: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change<'a> {
    #[serde(borrow)]
    path: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    message: Str<'a>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Num,
    cached_input_tokens: Num,
    output_tokens: Num,
}

/// Reads the stream.
#[derive(Debug, Default)]
pub(super) struct Codex {
    tools: OpenTools,
    /// An error that the turn may or may not survive.
    pending: Option<String>,
}

impl Tongue for Codex {
    fn line(&mut self, line: &str, _last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        let event: Event<'_> = super::event(line)?;
        if &*event.kind != "turn.failed"
            && let Some(survived) = self.pending.take()
        {
            tell.warn(one_line(&survived));
        }
        match &*event.kind {
            "thread.started" => tell.tell(Activity::Started { session: event.thread_id.some(), model: None }),
            "item.started" => self.item(event.item.0.unwrap_or_default(), false, tell),
            "item.completed" => self.item(event.item.0.unwrap_or_default(), true, tell),
            "turn.completed" => {
                tell.used(UsageScope::Session, usage(event.usage.0.unwrap_or_default()));
                tell.tell(Activity::Final { text: None });
            }
            "turn.failed" => {
                self.pending = None;
                fail(&event.error.0.unwrap_or_default().message, tell);
                tell.tell(Activity::Final { text: None });
            }
            "error" => match event.message.strip_prefix(RECONNECTING) {
                Some(retry) => reconnecting(retry, tell),
                None => self.pending = event.message.some(),
            },
            "turn.started" | "item.updated" => {}
            other => tell.unknown(other),
        }
        Ok(())
    }

    fn end(&mut self, tell: &mut Tell<'_>) {
        if let Some(error) = self.pending.take() {
            fail(&error, tell);
        }
    }
}

impl Codex {
    fn item(&mut self, item: Item<'_>, done: bool, tell: &mut Tell<'_>) {
        match &*item.kind {
            "agent_message" if done => tell.tell(Activity::Text { text: item.text.own(), whole: true }),
            "reasoning" if done => tell.tell(Activity::Thinking { text: item.text.own(), whole: true }),
            "error" if done => tell.warn(one_line(&item.message)),
            "agent_message" | "reasoning" | "error" | "todo_list" => {}
            "command_execution" | "file_change" | "mcp_tool_call" | "web_search" => self.tool(item, done, tell),
            other => tell.unknown(&format!("item/{other}")),
        }
    }

    fn tool(&mut self, item: Item<'_>, done: bool, tell: &mut Tell<'_>) {
        let (name, summary) = match &*item.kind {
            "command_execution" => (Cow::Borrowed("shell"), one_line(&script(&item.command))),
            "file_change" => {
                let paths: Vec<&str> = item.changes.0.iter().map(|change| &*change.path).collect();
                (Cow::Borrowed("patch"), one_line(&paths.join(" ")))
            }
            "web_search" => (Cow::Borrowed("search"), one_line(&item.query)),
            _ => {
                let input = item.arguments.0.unwrap_or_default();
                (Cow::Owned(format!("{}.{}", &*item.server, &*item.tool)), input.summary)
            }
        };
        if !done || !self.tools.is_open(&item.id) {
            self.tools.start(tell, &item.id, &name, Input { summary, path: None });
        }
        if !done {
            return;
        }
        let exit = item.exit_code.int();
        let ok = match (&*item.status, exit) {
            ("completed", None | Some(0)) => Some(true),
            ("failed" | "declined", _) | (_, Some(_)) => Some(false),
            _ => None,
        };
        self.tools.end(tell, &item.id, End { ok, exit }, item.aggregated_output);
        for change in item.changes.0.iter().filter(|change| ok != Some(false) && !change.path.is_empty()) {
            tell.tell(Activity::FileEdited { path: change.path.to_string() });
        }
    }
}

/// `2/5 (exceeded retry limit, last status: 429 Too Many Requests)`.
fn reconnecting(retry: &str, tell: &mut Tell<'_>) {
    let (count, why) = retry.split_once(' ').unwrap_or((retry, ""));
    let (attempt, of) = count.split_once('/').unwrap_or((count, ""));
    let status = status(why);
    tell.tell(Activity::Retry {
        attempt: attempt.parse().ok(),
        of: of.parse().ok(),
        delay_ms: None,
        status,
        class: trouble::class(status, why),
    });
}

fn fail(message: &str, tell: &mut Tell<'_>) {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: Message<'a>,
    }
    let status = status(message);
    // Some errors are the provider's whole answer.
    let words = match serde_json::from_str::<Body<'_>>(message) {
        Ok(body) => Cow::Owned(body.error.message.own()),
        Err(_) => Cow::Borrowed(message),
    };
    tell.tell(Activity::Failed(trouble::failure(status, &words)));
}

fn status(words: &str) -> Option<u16> {
    trouble::status_after(words, "last status: ").or_else(|| trouble::status_after(words, "unexpected status "))
}

/// The script that a shell is given: `/bin/sh -lc 'make'` is `make`.
fn script(command: &str) -> Cow<'_, str> {
    let words = if command.len() > UNWRAP_BYTES { None } else { shlex::split(command) };
    match words.as_deref() {
        Some([_, flag, script]) if flag == "-lc" || flag == "-c" => Cow::Owned(script.clone()),
        _ => Cow::Borrowed(command),
    }
}

/// Codex counts what was thought as output.
fn usage(tokens: Tokens) -> Usage {
    let (input, output) = (tokens.input_tokens.count(), tokens.output_tokens.count());
    cache_within(input, tokens.cached_input_tokens.count(), output)
}
