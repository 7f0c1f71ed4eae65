//! Aider's plain lines, as 0.86.2 prints them with `--no-pretty`. It has no protocol; a few of its lines have a known form.
//!
//! What the model says ends with a line of its tokens, without which there was no answer. What comes after that (which
//! files were changed, the commit with the message all over again) is Aider's own. It exits with 0 whatever happened.

use super::heard::{Tell, keep_end};
use super::loose::Num;
use super::{Refused, Tongue, trouble};
use crate::loops::core::activity::{Activity, Failure, FailureClass, UsageScope};
use crate::loops::core::step::Usage;

/// Errors of litellm, through which Aider talks to its models, by their names.
const ERRORS: &[(&str, FailureClass)] = &[
    ("AuthenticationError", FailureClass::Auth),
    ("PermissionDeniedError", FailureClass::Auth),
    ("RateLimitError", FailureClass::Rate),
    ("ContextWindowExceededError", FailureClass::Context),
    ("ContentPolicyViolationError", FailureClass::Refusal),
    ("InternalServerError", FailureClass::Overloaded),
    ("ServiceUnavailableError", FailureClass::Overloaded),
    ("BadGatewayError", FailureClass::Overloaded),
    ("APIConnectionError", FailureClass::Network),
    ("Timeout", FailureClass::Network),
    ("NotFoundError", FailureClass::Usage),
];

/// What its library for terminals says where there is none.
const NO_TERMINAL: &str = "Warning: Input is not a terminal";

/// Reads the lines.
#[derive(Debug, Default)]
pub(super) struct Aider {
    /// What the model says since its last tokens.
    saying: String,
    /// What it said before them.
    said: Option<String>,
    /// Whether it has named itself.
    named: bool,
    /// Whether the model's words may come: after Aider's own opening lines.
    open: bool,
    /// An error that a retry may get over.
    error: Option<String>,
    retries: u32,
}

impl Tongue for Aider {
    fn line(&mut self, line: &str, last: bool, tell: &mut Tell<'_>) -> Result<(), Refused> {
        match glued(line) {
            // The model was cut off in the middle of a line, and the error stands right behind its words.
            Some((words, error)) if self.open => {
                self.say(format!("{words}\n"), tell);
                self.own(error, tell);
            }
            _ if self.own(line, tell) => {}
            _ => self.say(if last { line.to_owned() } else { format!("{line}\n") }, tell),
        }
        Ok(())
    }

    fn end(&mut self, tell: &mut Tell<'_>) {
        if let Some(error) = self.error.take() {
            tell.tell(Activity::Failed(failure(&error)));
            return;
        }
        // Without its tokens there was no answer, and what was said may be any error.
        match self.said.take().filter(|said| !said.trim().is_empty()) {
            Some(said) => tell.tell(Activity::Final { text: Some(said) }),
            None => self.saying.lines().for_each(|line| tell.heard.complain(line)),
        }
    }
}

impl Aider {
    /// Somebody's words.
    fn say(&mut self, text: String, tell: &mut Tell<'_>) {
        if !text.trim().is_empty() {
            tell.idle(false);
        }
        if self.open {
            self.saying.push_str(&text);
            keep_end(&mut self.saying);
        }
        tell.tell(Activity::Text { text, whole: false });
    }

    /// Takes a line that has a known form; any other is somebody's words.
    fn own(&mut self, line: &str, tell: &mut Tell<'_>) -> bool {
        if !self.open {
            self.opening(line, tell);
        }
        if let Some(usage) = line.strip_prefix("Tokens: ").and_then(tokens) {
            tell.used(UsageScope::Part, usage);
            self.said = Some(std::mem::take(&mut self.saying));
            tell.idle(true);
        } else if let Some(path) = line.strip_prefix("Applied edit to ") {
            tell.tell(Activity::FileEdited { path: path.to_owned() });
            tell.idle(self.said.is_some());
        } else if self.said.is_some() && line.starts_with("Model ") && line.ends_with(" has hit a token limit!") {
            // A long explanation follows, and nothing of what the provider said.
            self.error = Some(line.to_owned());
        } else if line.starts_with("litellm.") && line.contains("Error: ") {
            self.error = Some(line.to_owned());
        } else if let Some(seconds) =
            line.strip_prefix("Retrying in ").and_then(|rest| rest.strip_suffix(" seconds..."))
        {
            self.retry(seconds, tell);
        } else if line.starts_with(NO_TERMINAL) {
            // It may come late, when it is stopped, and nobody says it.
        } else if let Some(error) = self.error.as_mut().filter(|error| error.len() < 1_000 && !line.is_empty()) {
            // Long errors are folded.
            error.push(' ');
            error.push_str(line);
        } else {
            return false;
        }
        true
    }

    /// Aider tells of itself until an empty line.
    fn opening(&mut self, line: &str, tell: &mut Tell<'_>) {
        if let Some(model) = line.strip_prefix("Model: ").or_else(|| line.strip_prefix("Main model: ")) {
            let model = model.split_once(" with ").map_or(model, |(name, _)| name);
            tell.tell(Activity::Started { session: None, model: Some(model.to_owned()) });
        }
        self.named |= line.starts_with("Aider v");
        self.open = self.named && line.is_empty();
    }

    fn retry(&mut self, seconds: &str, tell: &mut Tell<'_>) {
        self.retries += 1;
        tell.idle(false);
        // What came of the answer so far comes again, or is no answer.
        self.saying.clear();
        let class = self.error.take().map_or(FailureClass::Other, |error| failure(&error).class);
        let delay_ms = Num(seconds.parse::<f64>().ok().map(|seconds| seconds * 1e3)).count();
        tell.tell(Activity::Retry { attempt: Some(self.retries), of: None, delay_ms, status: None, class });
    }
}

/// Words, and the error behind them on the same line: `LOOPlitellm.APIConnectionError: APIConnectionError: ...`.
fn glued(line: &str) -> Option<(&str, &str)> {
    let at = line.find("litellm.").filter(|at| *at > 0)?;
    let (words, error) = line.split_at(at);
    let (name, rest) = error.strip_prefix("litellm.")?.split_once(": ")?;
    (ERRORS.iter().any(|(error, _)| *error == name) && rest.starts_with(name)).then_some((words, error))
}

/// `litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached`: the class is named, the rest is words.
fn failure(error: &str) -> Failure {
    let name = error.strip_prefix("litellm.").and_then(|rest| rest.split_once(':')).map_or("", |(name, _)| name);
    let words = error.split_once("Exception - ").map_or(error, |(_, words)| words);
    let by_words = trouble::class(None, words);
    let named = ERRORS.iter().find(|(error, _)| *error == name).map(|(_, class)| *class);
    let class = match named {
        Some(FailureClass::Rate) if by_words == FailureClass::Quota => FailureClass::Quota,
        Some(class) => class,
        None => by_words,
    };
    let retry_after_ms = trouble::wait_named(words).filter(|_| class.passes());
    Failure { retry_after_ms, ..Failure::new(class, words) }
}

/// `2.6k sent, 1k cache write, 3k cache hit, 1.1k received. Cost: $0.01 message, $0.05 session.`
fn tokens(line: &str) -> Option<Usage> {
    let (counts, cost) = line.split_once(" received.").map(|(counts, cost)| (format!("{counts} received"), cost))?;
    let mut usage = Usage::default();
    for count in counts.split(", ") {
        let (number, what) = count.split_once(' ')?;
        let number = scaled(number)?;
        match what {
            "sent" | "cache write" => usage.input = Some(usage.input.unwrap_or(0).saturating_add(number)),
            "cache hit" => usage.cached = Some(number),
            "received" => usage.output = Some(number),
            _ => return None,
        }
    }
    let dollars = cost.trim().strip_prefix("Cost: $").and_then(|cost| cost.split_once(" message"));
    usage.micro_usd = dollars.and_then(|(dollars, _)| Num(dollars.parse().ok()).micro_usd());
    Some(usage)
}

/// `792`, `2.6k`, `1.2M`.
fn scaled(number: &str) -> Option<u64> {
    let (digits, unit) = match number.strip_suffix(['k', 'M']) {
        Some(digits) => (digits, if number.ends_with('k') { 1e3 } else { 1e6 }),
        None => (number, 1.0),
    };
    Num(Some(digits.parse::<f64>().ok()? * unit)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::agent::dialect::Decoder;
    use crate::loops::agent::transcript::Stream;
    use crate::loops::core::agent::DialectName;

    #[test]
    fn tokens_are_read_with_and_without_a_cost() {
        let usage = |line| tokens(line).map(|usage| (usage.input, usage.cached, usage.output, usage.micro_usd));
        assert_eq!(usage("792 sent, 45 received."), Some((Some(792), None, Some(45), None)));
        assert_eq!(
            usage("2.6k sent, 1k cache write, 3k cache hit, 1.1k received. Cost: $0.0125 message, $0.05 session."),
            Some((Some(3_600), Some(3_000), Some(1_100), Some(12_500)))
        );
        assert_eq!(usage("many sent, 1 received."), None);
        assert_eq!(usage("are words"), None);
    }

    #[test]
    fn half_an_answer_that_is_asked_for_again_is_none() {
        let mut decoder = Decoder::new(DialectName::Aider);
        let out = "Aider v0.86.2\n\nHalf a\nwordlitellm.APIConnectionError: APIConnectionError: x\nRetrying in 32.0 seconds...\n";
        decoder.push(Stream::Stdout, out.as_bytes(), &mut |_| {});
        let heard = decoder.finish(&mut |_| {});
        assert_eq!((heard.ended, heard.retrying.map(|failure| failure.class)), (false, Some(FailureClass::Network)));
    }

    #[test]
    fn words_without_their_tokens_are_no_answer() {
        let heard = |more: &str| {
            let mut decoder = Decoder::new(DialectName::Aider);
            let out = format!("Aider v0.86.2\nModel: m with diff edit format\n\n{more}");
            decoder.push(Stream::Stdout, out.as_bytes(), &mut |_| {});
            decoder.finish(&mut |_| {})
        };
        let odd = heard("Some new trouble: Error: no route\nsee the manual\n");
        assert_eq!((odd.ended, odd.complaint.as_deref()), (false, Some("Some new trouble: Error: no route")));
        assert!(!heard("Tokens: 792 sent, 0 received.\n").ended, "nothing was said");
        assert!(heard("Done.\nTokens: 792 sent, 4 received.\n").ended);
    }

    #[test]
    fn it_is_idle_after_its_tokens_until_it_says_more() {
        let mut decoder = Decoder::new(DialectName::Aider);
        let idle = [
            "Aider v0.86.2\n\nDone.\n",
            "Tokens: 792 sent, 4 received.\n",
            "\n",
            "a.py:3: lint\n",
            "Applied edit to a.py\n",
        ]
        .map(|out| {
            decoder.push(Stream::Stdout, out.as_bytes(), &mut |_| {});
            decoder.heard().idle
        });
        assert_eq!(idle, [false, true, true, false, true]);
    }

    #[test]
    fn an_error_behind_words_is_told_from_them() {
        let line = "LOOPlitellm.APIConnectionError: APIConnectionError: OpenAIException - peer closed";
        assert_eq!(glued(line), Some(line.split_at(4)));
        assert_eq!(glued("I catch litellm.APIConnectionError: it is rare"), None);
        assert_eq!(glued("litellm.Timeout: Timeout Error: late"), None, "nothing stands before it");
    }

    #[test]
    fn errors_are_classed_by_their_names_and_then_by_their_words() {
        let class = |error| failure(error).class;
        assert_eq!(class("litellm.BadRequestError: OpenAIException - invalid x-api-key"), FailureClass::Auth);
        assert_eq!(class("litellm.BadRequestError: OpenAIException - odd"), FailureClass::Other);
        assert_eq!(class("litellm.Timeout: Timeout Error: late"), FailureClass::Network);
        let rate = failure("litellm.RateLimitError: RateLimitError: OpenAIException - Please try again in 1s.");
        assert_eq!((rate.class, rate.retry_after_ms), (FailureClass::Rate, Some(1_000)));
    }
}
