//! What the four wire protocols have in common: what is asked, what is answered, and what can go wrong.
//! Each module beside this one turns its protocol's JSON into [`Talk`], and an [`Answer`] into its events.

use super::http::Frame;
use super::{chat, gemini, messages, responses};
use serde_json::{Value, json};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses.
    Responses,
    /// OpenAI Chat Completions.
    Chat,
    /// Gemini generateContent.
    Gemini,
}

/// One entry of a conversation, as far as a script cares.
pub(super) enum Entry {
    /// Text of the user.
    User(String),
    /// A tool's result.
    Result,
}

/// A request for an answer.
pub(super) struct Talk {
    pub(super) entries: Vec<Entry>,
    /// Names of the tools on offer.
    pub(super) tools: Vec<String>,
    pub(super) stream: bool,
}

/// A tool call in the words of one agent: name and arguments.
pub(super) type Call = (String, Value);

/// What the model says.
#[derive(Debug)]
pub(super) struct Answer {
    /// Makes ids unique.
    pub(super) number: u64,
    pub(super) model: String,
    pub(super) text: String,
    pub(super) call: Option<Call>,
    pub(super) tokens: Tokens,
}

/// What an answer costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    /// Read in all, `cached` included.
    pub(crate) input: u64,
    /// Of these from the cache.
    pub(crate) cached: u64,
    /// Written.
    pub(crate) output: u64,
}

/// How a provider refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 500.
    Broken,
    /// 429, with the seconds of its `retry-after`.
    Limited(u32),
    /// 401.
    Key,
    /// 400: more than the model can read.
    TooLong,
}

impl Refusal {
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Broken => 500,
            Self::Limited(_) => 429,
            Self::Key => 401,
            Self::TooLong => 400,
        }
    }

    pub(super) fn headers(self) -> Vec<(String, String)> {
        match self {
            Self::Limited(seconds) => vec![("retry-after".to_owned(), seconds.to_string())],
            _ => Vec::new(),
        }
    }
}

impl Wire {
    /// The protocol that a path belongs to.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.ends_with("/messages") {
            Some(Self::Messages)
        } else if path.ends_with("/responses") {
            Some(Self::Responses)
        } else if path.ends_with("/chat/completions") {
            Some(Self::Chat)
        } else {
            path.ends_with("enerateContent").then_some(Self::Gemini)
        }
    }

    pub(super) fn read(self, path: &str, body: &Value) -> Talk {
        match self {
            Self::Messages => messages::read(body),
            Self::Responses => responses::read(body),
            Self::Chat => chat::read(body),
            Self::Gemini => gemini::read(path, body),
        }
    }

    pub(super) fn events(self, answer: &Answer) -> Vec<Frame> {
        match self {
            Self::Messages => messages::events(answer),
            Self::Responses => responses::events(answer),
            Self::Chat => chat::events(answer),
            Self::Gemini => gemini::events(answer),
        }
    }

    pub(super) fn whole(self, answer: &Answer) -> Value {
        match self {
            Self::Messages => messages::whole(answer),
            Self::Responses => responses::whole(answer),
            Self::Chat => chat::whole(answer),
            Self::Gemini => gemini::whole(answer),
        }
    }

    /// The body of a refusal, in the provider's own words.
    pub(super) fn refusal(self, refusal: Refusal) -> Value {
        match self {
            Self::Messages => messages::refusal(refusal),
            Self::Responses | Self::Chat => openai_refusal(refusal),
            Self::Gemini => gemini::refusal(refusal),
        }
    }
}

fn openai_refusal(refusal: Refusal) -> Value {
    let (kind, code, message) = match refusal {
        Refusal::Broken => {
            ("server_error", Value::Null, "The server had an error while processing your request.".to_owned())
        }
        Refusal::Limited(seconds) => (
            "requests",
            "rate_limit_exceeded".into(),
            format!("Rate limit reached for requests. Please try again in {seconds}s."),
        ),
        Refusal::Key => {
            ("invalid_request_error", "invalid_api_key".into(), "Incorrect API key provided: dummy.".to_owned())
        }
        Refusal::TooLong => (
            "invalid_request_error",
            "context_length_exceeded".into(),
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens."
                .to_owned(),
        ),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// Text in the pieces that a model would send it in: small ones, and for long texts larger ones.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks((letters.len() / 200).max(24)).map(|piece| piece.iter().collect()).collect()
}

/// The text of a message's content: a string, or a list of blocks of which those of type `kind` are text.
pub(super) fn texts(content: &Value, kinds: &[&str]) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks
            .iter()
            .filter(|block| block["type"].as_str().is_some_and(|kind| kinds.contains(&kind)))
            .filter_map(|block| Some(block["text"].as_str()?.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The members of a list, none if it is no list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
