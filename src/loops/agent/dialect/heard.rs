//! What a stream has told so far, kept beside the activities: the part of it that outlives the step.

use super::trouble;
use crate::loops::core::activity::{Activity, Failure, FailureClass, UsageScope};
use crate::loops::core::agent::DialectName;
use crate::loops::core::ids::Millis;
use crate::loops::core::step::Usage;

/// Bytes of an agent's last words that are kept: their end, where a claim, a question or a verdict stands.
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// What an agent's stream told of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// How it was read.
    pub dialect: DialectName,
    /// The agent's own id for its session.
    pub session: Option<String>,
    /// The model at work.
    pub model: Option<String>,
    /// What was used, as the stream reports it. [`UsageScope::Part`] here is the sum of the parts: no total ever came.
    pub usage: Option<(UsageScope, Usage)>,
    /// Its answer: the final text, or else what it said last. At most about [`ANSWER_BYTES`], as the agent wrote it.
    pub text: String,
    /// Whether its final event came.
    pub ended: bool,
    /// Whether it has nothing left to do, as far as it tells.
    pub idle: bool,
    /// Why it could not do its work.
    pub failure: Option<Failure>,
    /// What it had met when it last tried a request again, if nothing came of that yet.
    pub retrying: Option<Failure>,
    /// When its provider takes requests again, as far as it says so and has not answered one since.
    pub limited_until: Option<Millis>,
    /// Whether its last line was cut off.
    pub truncated: bool,
    /// What it complained about on standard error: the first line that says what went wrong, or else the last one.
    pub complaint: Option<String>,
    /// Whether that says what went wrong.
    pub complained: bool,
    /// Lines of standard output that were read as events, known or not.
    pub events: u64,
    /// Tools that it used.
    pub tools: u32,
    /// Requests that it tried again.
    pub retries: u32,
    /// Events of unknown types.
    pub unknown: u32,
    /// Lines that were no events.
    pub broken: u32,
    /// Whether `text` is a piece that the next one goes on with.
    pub speaking: bool,
}

impl Heard {
    /// Nothing yet.
    pub(super) fn new(dialect: DialectName) -> Self {
        Self { dialect, ..Self::default() }
    }

    fn note(&mut self, activity: &Activity) {
        let speaking = std::mem::take(&mut self.speaking);
        if matches!(activity, Activity::Text { .. } | Activity::Thinking { .. } | Activity::ToolStarted { .. }) {
            (self.retrying, self.limited_until) = (None, None);
        }
        match activity {
            Activity::Started { session, model } => {
                self.session = session.clone().or_else(|| self.session.take());
                self.model = model.clone().or_else(|| self.model.take());
            }
            Activity::Text { text, whole } => {
                if *whole || !speaking {
                    self.text.clear();
                }
                self.text.push_str(text);
                keep_end(&mut self.text);
                self.speaking = !whole;
            }
            Activity::ToolStarted { .. } => self.tools += 1,
            Activity::Used { scope, usage } => self.usage = Some(merge(self.usage, *scope, *usage)),
            Activity::Retry { status, class, delay_ms, .. } => {
                self.retries += 1;
                let attempts = if self.retries == 1 { "attempt" } else { "attempts" };
                let words = format!("no answer after {} {attempts}", self.retries);
                let retry_after_ms = delay_ms.filter(|_| class.passes());
                let failure = Failure { status: *status, retry_after_ms, ..Failure::new(*class, &words) };
                self.retrying = Some(failure);
            }
            Activity::RateLimited { until } => self.limited_until = until.or(self.limited_until),
            Activity::Idle { idle } => self.idle = *idle,
            Activity::Failed(failure) => self.failure = Some(failure.clone()),
            Activity::Final { text } => {
                self.ended = true;
                if let Some(text) = text {
                    self.text.clone_from(text);
                    keep_end(&mut self.text);
                }
            }
            Activity::Unknown { .. } => self.unknown += 1,
            Activity::Broken { .. } => self.broken += 1,
            Activity::Thinking { .. }
            | Activity::ToolEnded { .. }
            | Activity::FileEdited { .. }
            | Activity::Warning { .. } => {}
        }
    }

    /// Takes a line of standard error, clean, for the case that nothing else tells what went wrong.
    pub(in crate::loops::agent) fn complain(&mut self, line: &str) {
        let line = line.trim();
        let stack = line.starts_with("at ") || line.starts_with("note: ");
        if !line.is_empty() && !stack && !self.complained {
            let line: String = line.chars().take(1_000).collect();
            self.complained = says_error(&line) || trouble::class(None, &line) != FailureClass::Other;
            self.complaint = Some(line);
        }
    }
}

/// Whether a line names what went wrong, in one of the ways that programs have for it.
fn says_error(line: &str) -> bool {
    let starts = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
    starts || line.contains("Error: ") || line.contains("panicked at")
}

/// Parts add up; a total stands for all before it, and is not undone by parts that come late.
fn merge(before: Option<(UsageScope, Usage)>, scope: UsageScope, usage: Usage) -> (UsageScope, Usage) {
    match (before, scope) {
        (Some((UsageScope::Part, mut sum)), UsageScope::Part) => {
            sum.add(&usage);
            (scope, sum)
        }
        (Some(total), UsageScope::Part) => total,
        _ => (scope, usage),
    }
}

/// Drops the beginning of a text that has grown to twice what is kept, so that a piece costs what it is long.
pub(super) fn keep_end(text: &mut String) {
    if text.len() > 2 * ANSWER_BYTES {
        let from = text.ceil_char_boundary(text.len() - ANSWER_BYTES);
        text.drain(..from);
    }
}

/// Where a stream's activities go: into [`Heard`], and on.
pub(super) struct Tell<'a> {
    pub(super) heard: &'a mut Heard,
    pub(super) each: &'a mut dyn FnMut(Activity),
}

impl Tell<'_> {
    pub(super) fn tell(&mut self, activity: Activity) {
        self.heard.note(&activity);
        (self.each)(activity);
    }

    pub(super) fn unknown(&mut self, kind: &str) {
        self.tell(Activity::Unknown { kind: kind.chars().take(100).collect() });
    }

    pub(super) fn broken(&mut self, what: impl Into<String>) {
        self.tell(Activity::Broken { what: what.into() });
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.tell(Activity::Warning { text: text.into() });
    }

    /// Tells whether it has nothing left to do, if that is news.
    pub(super) fn idle(&mut self, idle: bool) {
        if self.heard.idle != idle {
            self.tell(Activity::Idle { idle });
        }
    }

    pub(super) fn used(&mut self, scope: UsageScope, usage: Usage) {
        if usage != Usage::default() {
            self.tell(Activity::Used { scope, usage });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(activities: Vec<Activity>) -> Heard {
        let mut heard = Heard::new(DialectName::Claude);
        for activity in &activities {
            heard.note(activity);
        }
        heard
    }

    fn say(text: &str, whole: bool) -> Activity {
        Activity::Text { text: text.to_owned(), whole }
    }

    #[test]
    fn pieces_are_one_text_until_something_else_happens() {
        let tool = Activity::FileEdited { path: "a".to_owned() };
        assert_eq!(hear(vec![say("a", false), say("b", false)]).text, "ab");
        assert_eq!(hear(vec![say("a", false), tool.clone(), say("b", false)]).text, "b");
        assert_eq!(hear(vec![say("a", false), say("all", true), say("b", false)]).text, "b");
        assert_eq!(hear(vec![say("last", true), tool, Activity::Final { text: None }]).text, "last");
    }

    #[test]
    fn totals_stand_for_their_parts() {
        let used = |scope, input| Activity::Used { scope, usage: Usage { input: Some(input), ..Usage::default() } };
        let of = |heard: Heard| heard.usage.and_then(|(scope, usage)| Some((scope, usage.input?)));
        let parts = vec![used(UsageScope::Part, 1), used(UsageScope::Part, 2)];
        assert_eq!(of(hear(parts.clone())), Some((UsageScope::Part, 3)));
        let total = [parts, vec![used(UsageScope::Step, 9), used(UsageScope::Part, 2)]].concat();
        assert_eq!(of(hear(total)), Some((UsageScope::Step, 9)));
    }

    #[test]
    fn endless_talk_keeps_its_end() {
        let mut talk = vec![say(&"x".repeat(ANSWER_BYTES), false); 5];
        talk.push(say("the end", false));
        let heard = hear(talk);
        assert!(heard.text.len() <= 2 * ANSWER_BYTES && heard.text.ends_with("xthe end"));
    }

    #[test]
    fn a_retry_that_nothing_came_of_is_remembered() {
        let retry = Activity::Retry {
            attempt: Some(1),
            of: None,
            delay_ms: Some(2_000),
            status: Some(429),
            class: FailureClass::Rate,
        };
        let waiting = hear(vec![retry.clone(), retry.clone()]).retrying;
        assert_eq!(waiting.as_ref().map(|failure| failure.class), Some(FailureClass::Rate));
        assert_eq!(waiting.map(|failure| failure.message).as_deref(), Some("no answer after 2 attempts"));
        assert_eq!(hear(vec![retry, say("got it", true)]).retrying, None);
    }

    #[test]
    fn the_first_error_is_the_complaint() {
        let mut heard = Heard::default();
        for line in ["", "warming up", "Error: no such session", "  at run.js:3"] {
            heard.complain(line);
        }
        assert_eq!(heard.complaint.as_deref(), Some("Error: no such session"));
    }
}
