//! How a step went: what its stream told, put beside how its process ended.
//!
//! An exit status of 0 is not enough. Of six agents two exit with it after a failed login, and a stream can end before its
//! answer does. So a step went well only if its process says so, its final event came, and nothing in it failed.

use super::heard::Heard;
use super::trouble;
use crate::loops::agent::sanitize;
use crate::loops::core::activity::{Failure, FailureClass, UsageScope};
use crate::loops::core::agent::DialectName;
use crate::loops::core::step::{AgentEnd, Exit, Usage};

/// A step as the journal wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What this step used.
    pub usage: Option<Usage>,
    /// What its agent told; absent for plain text that ended well.
    pub agent: Option<Box<AgentEnd>>,
}

impl Judged {
    /// Why the agent could not do its work.
    pub fn failure(&self) -> Option<&Failure> {
        self.agent.as_ref()?.failure.as_ref()
    }
}

/// Judges a step. `exit` is how its process ended by itself, `None` if loopdash ended it and that says nothing; `earlier`
/// is what the session had used before this step ([`AgentEnd::session_usage`] of the one before), `None` if it is new.
pub fn judge(heard: Heard, exit: Option<Exit>, earlier: Option<Usage>) -> Judged {
    let (usage, session_usage) = usage(&heard, earlier);
    let failure = failure(&heard, exit);
    let end = AgentEnd {
        story: None,
        session: heard.session,
        session_usage,
        model: heard.model,
        failure,
        said: None,
        fixed: Vec::new(),
        retries: heard.retries,
        tools: heard.tools,
        unknown: heard.unknown,
        broken: heard.broken,
    };
    Judged { usage, agent: (end != AgentEnd::default()).then(|| Box::new(end)) }
}

/// Why the step failed: as the stream says, or else as the process does.
fn failure(heard: &Heard, exit: Option<Exit>) -> Option<Failure> {
    if let Some(failure) = &heard.failure {
        return Some(Failure { until: failure.until.or(heard.limited_until), ..failure.clone() });
    }
    // Whatever ended it, it was waiting for its provider.
    if let Some(waiting) = heard.retrying.as_ref().filter(|_| !heard.ended) {
        return Some(Failure { until: heard.limited_until, ..waiting.clone() });
    }
    match exit {
        Some(Exit::Code(0)) if heard.dialect == DialectName::Aider && !heard.ended => {
            // Whatever went wrong, it is among its words.
            let words = heard.complaint.as_deref().unwrap_or_default();
            let class = Some(trouble::class(None, words)).filter(|class| *class != FailureClass::Other);
            let message = ["it ended without an answer", words].join(": ");
            Some(Failure::new(class.unwrap_or(FailureClass::Cut), message.trim_end_matches(": ")))
        }
        Some(Exit::Code(0)) if heard.dialect != DialectName::Text && !heard.ended => {
            Some(Failure::new(FailureClass::Cut, "its stream ended before its final event"))
        }
        // Plain text has its exit status to tell, and so has an agent that complains of nothing.
        Some(Exit::Code(code)) if code != 0 && heard.dialect != DialectName::Text => {
            let words = heard.complaint.as_deref()?;
            let class = match trouble::class(None, words) {
                // An agent that never said a word did not understand how it was started.
                FailureClass::Other if heard.events == 0 => FailureClass::Usage,
                class => class,
            };
            Some(Failure::new(class, words))
        }
        _ => None,
    }
}

/// Whether this agent counts what a session has used in all its steps.
const fn counts_sessions(dialect: DialectName) -> bool {
    matches!(dialect, DialectName::Codex | DialectName::Qwen)
}

/// What the step used, and what its session has used with it.
fn usage(heard: &Heard, earlier: Option<Usage>) -> (Option<Usage>, Option<Usage>) {
    match heard.usage {
        Some((UsageScope::Session, total)) => (Some(less(total, earlier.unwrap_or_default())), Some(total)),
        Some((UsageScope::Step | UsageScope::Part, own)) => {
            let mut total = earlier.unwrap_or_default();
            total.add(&own);
            (Some(own), Some(total).filter(|_| counts_sessions(heard.dialect)))
        }
        None => (None, earlier.filter(|_| counts_sessions(heard.dialect))),
    }
}

/// What `total` has more than `earlier`. A total that shrank is a count that began anew.
fn less(total: Usage, earlier: Usage) -> Usage {
    let pairs = [
        (total.input, earlier.input),
        (total.cached, earlier.cached),
        (total.output, earlier.output),
        (total.micro_usd, earlier.micro_usd),
    ];
    if pairs.iter().any(|(total, earlier)| total.zip(*earlier).is_some_and(|(total, earlier)| total < earlier)) {
        return total;
    }
    let [input, cached, output, micro_usd] = pairs.map(|(total, earlier)| Some(total? - earlier.unwrap_or(0)));
    Usage { input, cached, output, micro_usd }
}

impl Heard {
    /// The answer as clean text: where a claim, a question or a verdict stands.
    pub fn answer(&self) -> String {
        sanitize::plain_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(dialect: DialectName) -> Heard {
        Heard { events: 3, ended: true, ..Heard::new(dialect) }
    }

    fn used(input: u64, output: u64) -> Usage {
        Usage { input: Some(input), output: Some(output), ..Usage::default() }
    }

    fn class(heard: Heard, exit: Option<Exit>) -> Option<FailureClass> {
        judge(heard, exit, None).failure().map(|failure| failure.class)
    }

    #[test]
    fn success_needs_the_exit_and_the_final_event() {
        let ok = Some(Exit::Code(0));
        assert_eq!(judge(heard(DialectName::Claude), ok, None).agent, None);
        let cut = Heard { ended: false, ..heard(DialectName::Claude) };
        assert_eq!(class(cut.clone(), ok), Some(FailureClass::Cut));
        assert_eq!(class(cut, Some(Exit::Signal(15))), None);
        let text = Heard { ended: false, ..heard(DialectName::Text) };
        assert_eq!(class(text.clone(), ok), None);
        assert_eq!(class(text, Some(Exit::Code(1))), None);
        let complains = Heard { complaint: Some("it broke".into()), ..heard(DialectName::Claude) };
        assert_eq!(class(complains, Some(Exit::Code(1))), Some(FailureClass::Other));
    }

    #[test]
    fn aider_has_to_have_answered() {
        let of = |complaint: Option<&str>, exit| {
            let complaint = complaint.map(str::to_owned);
            judge(Heard { ended: false, complaint, ..heard(DialectName::Aider) }, exit, None).failure().cloned()
        };
        let ok = Some(Exit::Code(0));
        let odd = of(Some("Unable to list models"), ok);
        assert_eq!(odd, Some(Failure::new(FailureClass::Cut, "it ended without an answer: Unable to list models")));
        assert_eq!(of(None, ok), Some(Failure::new(FailureClass::Cut, "it ended without an answer")));
        assert_eq!(of(Some("oh: invalid x-api-key"), ok).map(|failure| failure.class), Some(FailureClass::Auth));
        assert_eq!(of(Some("half of an answ"), None), None, "it was stopped");
    }

    #[test]
    fn an_agent_that_never_spoke_was_started_wrongly() {
        let silent =
            Heard { events: 0, ended: false, complaint: Some("Error: no".into()), ..heard(DialectName::Codex) };
        let judged = judge(silent, Some(Exit::Code(1)), None);
        let failure = judged.failure().cloned();
        assert_eq!(failure, Some(Failure::new(FailureClass::Usage, "Error: no")));
    }

    #[test]
    fn an_agent_that_was_stopped_while_it_waited_tells_what_for() {
        let retrying = Some(Failure::new(FailureClass::Auth, "no answer after 6 attempts"));
        let waiting = Heard { ended: false, retrying, ..heard(DialectName::Claude) };
        for exit in [None, Some(Exit::Code(143)), Some(Exit::Signal(15)), Some(Exit::Code(0))] {
            assert_eq!(class(waiting.clone(), exit), Some(FailureClass::Auth));
        }
        assert_eq!(class(Heard { ended: true, ..waiting }, Some(Exit::Code(0))), None);
    }

    #[test]
    fn what_the_stream_says_counts_first() {
        let failed =
            Heard { failure: Some(Failure::new(FailureClass::Rate, "slow down")), ..heard(DialectName::Claude) };
        assert_eq!(class(failed, Some(Exit::Code(0))), Some(FailureClass::Rate));
    }

    #[test]
    fn totals_of_a_session_are_split_into_its_steps() {
        let told = |scope, usage| Heard { usage: Some((scope, usage)), ..heard(DialectName::Codex) };
        let of = |heard, earlier| {
            let judged = judge(heard, Some(Exit::Code(0)), earlier);
            (judged.usage, judged.agent.and_then(|agent| agent.session_usage))
        };
        let (session, part) = (UsageScope::Session, UsageScope::Part);
        assert_eq!(of(told(session, used(42, 18)), None), (Some(used(42, 18)), Some(used(42, 18))));
        assert_eq!(of(told(session, used(62, 21)), Some(used(42, 18))), (Some(used(20, 3)), Some(used(62, 21))));
        assert_eq!(of(told(session, used(9, 1)), Some(used(42, 18))), (Some(used(9, 1)), Some(used(9, 1))));
        assert_eq!(of(told(part, used(9, 1)), Some(used(42, 18))), (Some(used(9, 1)), Some(used(51, 19))));
        assert_eq!(of(heard(DialectName::Codex), Some(used(1, 1))), (None, Some(used(1, 1))));
        let claude = Heard { usage: Some((UsageScope::Step, used(7, 7))), ..heard(DialectName::Claude) };
        assert_eq!(of(claude, None), (Some(used(7, 7)), None));
    }
}
