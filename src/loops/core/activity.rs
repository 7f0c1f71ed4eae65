//! What an agent does while it works, in one vocabulary for all of them.
//!
//! Dialects turn each agent's stream into [`Activity`]s; the screen, the watchdogs and the end of a step are made of
//! these, and nothing else in loopdash knows what any one agent prints. How the process ended is not among them: that is
//! seen from outside, in [`StepEnd`](super::step::StepEnd).

use super::ids::Millis;
use super::step::Usage;
use serde::{Deserialize, Serialize};

/// Something that an agent's stream tells. Texts are as the agent wrote them: clean them before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Activity {
    /// It has started, or says more about itself.
    Started {
        /// Its own id for this session.
        session: Option<String>,
        /// The model at work.
        model: Option<String>,
    },
    /// It says something.
    Text {
        /// What.
        text: String,
        /// Whether this is all of it; otherwise it goes on with the next one.
        whole: bool,
    },
    /// It thinks aloud.
    Thinking {
        /// What.
        text: String,
        /// Whether this is all of it; otherwise it goes on with the next one.
        whole: bool,
    },
    /// It uses a tool.
    ToolStarted {
        /// The stream's id for this use, unique in its step.
        id: String,
        /// The tool's name, such as `Bash`.
        name: String,
        /// What it is used for in one line: the command, the file, the pattern.
        summary: String,
    },
    /// The tool is done.
    ToolEnded {
        /// The id that it started with. Of a stream that tells only ends each has a start before it; elsewhere a start
        /// may have been lost.
        id: String,
        /// Whether it went well, where the stream says so.
        ok: Option<bool>,
        /// The command's exit status, where the stream says so.
        exit: Option<i32>,
        /// Bytes of its result.
        bytes: u64,
        /// The beginning of its result, at most [`RESULT_HEAD`] bytes.
        head: String,
    },
    /// It changed a file.
    FileEdited {
        /// As the agent names it.
        path: String,
    },
    /// Tokens were used.
    Used {
        /// What the numbers count.
        scope: UsageScope,
        /// The numbers; dollars among them where the agent reports them.
        usage: Usage,
    },
    /// It tries a request again.
    Retry {
        /// Which attempt this was, from 1.
        attempt: Option<u32>,
        /// Of how many.
        of: Option<u32>,
        /// Milliseconds until the next.
        delay_ms: Option<u64>,
        /// The HTTP status that made it necessary.
        status: Option<u16>,
        /// What went wrong, as far as the stream tells.
        class: FailureClass,
    },
    /// Its provider lets it wait.
    RateLimited {
        /// Until when, where known.
        until: Option<Millis>,
    },
    /// It has answered in full and has nothing left to do, as far as it tells; or it goes on after all. Of a stream that has
    /// no last event this is the sign that the process should end.
    Idle {
        /// Which of the two.
        idle: bool,
    },
    /// Something is odd, but it goes on.
    Warning {
        /// What.
        text: String,
    },
    /// It gives up.
    Failed(Failure),
    /// Its last event: it has ended its work and will exit. Without a failure before it, and with none in it, the step
    /// went well as far as the stream can tell.
    Final {
        /// Its answer, where the event holds one.
        text: Option<String>,
    },
    /// An event that this loopdash does not know; it stands in the raw transcript.
    Unknown {
        /// Its type.
        kind: String,
    },
    /// A line that is no event: broken, cut off or longer than a line may be.
    Broken {
        /// What is wrong with it, as a fragment.
        what: String,
    },
}

/// Bytes of a tool's result that are handed on; the whole of it stands in the raw transcript.
pub const RESULT_HEAD: usize = 4 * 1024;

/// What reported tokens count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageScope {
    /// A part of this step: to be added to the others.
    Part,
    /// This step so far: the last one counts.
    Step,
    /// The session so far, earlier steps included: the last one counts, less what the session had used before.
    Session,
}

/// Why an agent could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which kind of trouble.
    pub class: FailureClass,
    /// What the agent or its provider says, as a clean single line of at most [`MESSAGE_LENGTH`] characters.
    pub message: String,
    /// The HTTP status, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When it may be tried again, where the provider says so, in milliseconds from the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The same as a moment, where the provider names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

/// Characters of a failure's message that are kept.
pub const MESSAGE_LENGTH: usize = 300;

impl Failure {
    /// A failure of this class, its message made a single short line.
    pub fn new(class: FailureClass, message: &str) -> Self {
        let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = line.chars().filter(|c| !c.is_control()).take(MESSAGE_LENGTH).collect();
        Self { class, message, status: None, retry_after_ms: None, until: None }
    }
}

/// Kinds of trouble, each with a remedy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The login is missing, wrong or expired.
    Auth,
    /// Too many requests; it passes.
    Rate,
    /// The provider is overloaded or broken; it passes.
    Overloaded,
    /// The account is out of credit or over its plan.
    Quota,
    /// The agent has spent what its own arguments let it spend in a step.
    Budget,
    /// The conversation is longer than the model can take.
    Context,
    /// The model would not.
    Refusal,
    /// The provider could not be reached, or the stream was cut.
    Network,
    /// The agent ran in circles or tried again too often, and was stopped.
    Runaway,
    /// The agent was started wrongly: an argument, a mode or a model that it does not know.
    Usage,
    /// The stream ended without its final event, although the process says that all is well.
    Cut,
    /// Anything else.
    Other,
}

impl FailureClass {
    /// The words for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auth => "login failed",
            Self::Rate => "rate limited",
            Self::Overloaded => "provider overloaded",
            Self::Quota => "out of quota",
            Self::Budget => "over its own budget",
            Self::Context => "context too long",
            Self::Refusal => "refused by the model",
            Self::Network => "network trouble",
            Self::Runaway => "ran in circles",
            Self::Usage => "started wrongly",
            Self::Cut => "answer cut off",
            Self::Other => "agent failed",
        }
    }

    /// Whether waiting mends it.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Rate | Self::Overloaded | Self::Network)
    }

    /// The class of an HTTP status, as far as the status alone tells: 402 is a quota, a 413 a long context.
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 => Self::Quota,
            413 => Self::Context,
            429 => Self::Rate,
            408 | 504 => Self::Network,
            500..=599 => Self::Overloaded,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_short_clean_line() {
        let failure = Failure::new(FailureClass::Auth, &format!(" a\n\tb \u{1b}[31m{}", "x".repeat(900)));
        assert!(failure.message.starts_with("a b [31mxxx"));
        assert_eq!(failure.message.chars().count(), MESSAGE_LENGTH);
    }

    #[test]
    fn statuses_have_a_class() {
        let of = FailureClass::of_status;
        assert_eq!(
            [of(401), of(429), of(529), of(402)].map(FailureClass::word),
            ["login failed", "rate limited", "provider overloaded", "out of quota"]
        );
        assert!(of(503).passes() && of(504).passes() && !of(400).passes());
    }
}
