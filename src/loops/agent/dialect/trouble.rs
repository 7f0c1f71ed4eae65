//! What kind of trouble an agent is in, from what its stream gives: a status, a type, and words only where nothing else.
//!
//! The words are those that providers send in their errors, not those that agents make of them.

use crate::loops::core::activity::{Failure, FailureClass};

/// Providers' words that tell more than the status beside them: a 400 may be a long context, a 429 an empty account.
/// From OpenAI, Anthropic and Gemini, in lower case.
const PHRASES: &[(&str, FailureClass)] = &[
    ("prompt is too long", FailureClass::Context),
    ("context_length_exceeded", FailureClass::Context),
    ("maximum context length", FailureClass::Context),
    ("exceeds the maximum number of tokens", FailureClass::Context),
    // codex's own, and aider's: neither hands on what the provider said.
    ("ran out of room in the model's context window", FailureClass::Context),
    ("has hit a token limit", FailureClass::Context),
    ("resource has been exhausted", FailureClass::Rate),
    ("rate limit reached", FailureClass::Rate),
    ("exceed your account's rate limit", FailureClass::Rate),
    ("the server had an error", FailureClass::Overloaded),
    ("exceeded your current quota", FailureClass::Quota),
    ("quota exceeded", FailureClass::Quota),
    ("insufficient_quota", FailureClass::Quota),
    ("credit balance is too low", FailureClass::Quota),
    ("invalid x-api-key", FailureClass::Auth),
    ("incorrect api key", FailureClass::Auth),
    ("invalid_api_key", FailureClass::Auth),
    ("api key not valid", FailureClass::Auth),
    ("please run /login", FailureClass::Auth),
    // cursor's own, whose provider it is; and codex's, of a plan.
    ("hit your usage limit", FailureClass::Quota),
    ("the provided api key is invalid", FailureClass::Auth),
    ("authentication required", FailureClass::Auth),
    ("stream disconnected before completion", FailureClass::Network),
    ("model stream ended", FailureClass::Network),
    // claude's own; it takes that for an error of the server.
    ("connection closed mid-response", FailureClass::Network),
    ("connection to the api was lost", FailureClass::Network),
    ("connection error", FailureClass::Network),
    ("cannot connect to api", FailureClass::Network),
    ("fetch failed", FailureClass::Network),
];

/// The class of a trouble with this status and these words.
pub(super) fn class(status: Option<u16>, words: &str) -> FailureClass {
    let words = words.to_ascii_lowercase();
    let by_words = PHRASES.iter().find(|(phrase, _)| words.contains(phrase)).map(|(_, class)| *class);
    match status.map(FailureClass::of_status) {
        // A status that says what it is about is believed, but for the account that a 429 does not tell from haste.
        Some(FailureClass::Rate) => {
            by_words.filter(|class| *class == FailureClass::Quota).unwrap_or(FailureClass::Rate)
        }
        Some(FailureClass::Other) | None => by_words.unwrap_or(FailureClass::Other),
        Some(class) => class,
    }
}

/// The failure of that status and those words, with the wait that they name.
pub(super) fn failure(status: Option<u16>, words: &str) -> Failure {
    let class = class(status, words);
    Failure { status, retry_after_ms: wait_named(words).filter(|_| class.passes()), ..Failure::new(class, words) }
}

/// The wait that a provider names in its error: `try again in 20s`, `1m30s`, `250ms`, `1.5s`; in milliseconds. Gemini's
/// agent says `retry after 3600s`.
pub(super) fn wait_named(words: &str) -> Option<u64> {
    let (_, rest) = words.split_once("try again in ").or_else(|| words.split_once("retry after "))?;
    let (mut total, mut rest, mut any) = (0.0, rest, false);
    loop {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let Some(number) = rest.get(..digits).map(|digits| digits.trim_end_matches('.')) else { break };
        let Ok(number) = number.parse::<f64>() else { break };
        rest = rest.get(digits..)?;
        let unit = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        total += number
            * match rest.get(..unit)? {
                "ms" => 1.0,
                "s" => 1e3,
                "m" => 60e3,
                "h" => 3600e3,
                _ => break,
            };
        any = true;
        rest = rest.get(unit..)?;
    }
    any.then_some(super::loose::Num(Some(total)))?.count()
}

/// The first number in `words` that follows `mark` directly, if it can be an HTTP status.
pub(super) fn status_after(words: &str, mark: &str) -> Option<u16> {
    let (_, rest) = words.split_once(mark)?;
    let digits = rest.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    if rest.get(3..4).is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    digits.parse().ok().filter(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_believed_and_words_tell_what_it_leaves_open() {
        assert_eq!(class(Some(401), "prompt is too long"), FailureClass::Auth);
        assert_eq!(class(Some(400), "prompt is too long: 250000 tokens > 200000 maximum"), FailureClass::Context);
        assert_eq!(class(Some(429), "Rate limit reached"), FailureClass::Rate);
        assert_eq!(class(Some(429), "You exceeded your current quota, please check"), FailureClass::Quota);
        assert_eq!(class(None, "Quota exceeded. Check your plan"), FailureClass::Quota);
        assert_eq!(class(Some(400), "no such field"), FailureClass::Other);
        let lost = "API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again.";
        assert_eq!(class(None, lost), FailureClass::Network);
        assert_eq!(class(Some(529), "Overloaded"), FailureClass::Overloaded);
    }

    #[test]
    fn waits_are_read_as_providers_write_them() {
        let named = |text: &str| wait_named(&format!("Please try again in {text}."));
        assert_eq!(
            [named("20s"), named("1m30s"), named("250ms"), named("1.5s"), named("6h0m0s")],
            [Some(20_000), Some(90_000), Some(250), Some(1_500), Some(21_600_000)]
        );
        assert_eq!(wait_named("Resource has been exhausted.\nSuggested retry after 3600s.]"), Some(3_600_000));
        assert_eq!([named("a while"), wait_named("later"), named("3 days"), named("")], [None; 4]);
    }

    #[test]
    fn a_wait_is_only_taken_from_a_trouble_that_passes() {
        assert_eq!(failure(Some(429), "try again in 2s").retry_after_ms, Some(2_000));
        assert_eq!(failure(Some(401), "try again in 2s").retry_after_ms, None);
    }

    #[test]
    fn statuses_stand_behind_their_mark() {
        assert_eq!(status_after("last status: 429 Too Many", "status: "), Some(429));
        assert_eq!(status_after("[API Error: 401 bad]", "[API Error: "), Some(401));
        assert_eq!(status_after("status: 4290", "status: "), None);
        assert_eq!(status_after("status: 200", "status: "), None);
        assert_eq!(status_after("status", "status: "), None);
    }
}
