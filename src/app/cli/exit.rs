//! How a `loopdash` command ends: its exit status, and what it says when it cannot do what it was asked.

use crate::app::config::{Problem, Problems, visible};
use crate::loops::core::event::Outcome;
use std::io;
use std::process::ExitCode;

/// The exit statuses, as `loopdash --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Out of iterations.
    Limit = 1,
    /// It failed.
    Failed = 2,
    /// A person is needed, whatever for: a question, trouble, a budget that is used up.
    NeedsPerson = 3,
    /// The command line is wrong.
    Usage = 64,
    /// The configuration, or other data, is wrong.
    BadData = 65,
    /// Someone interrupted it.
    Interrupted = 130,
}

/// The table of exit statuses for the end of a help text.
pub const EXIT_STATUSES: &str = "\
Exit status:
    0  done
    1  out of iterations
    2  it failed
    3  a person is needed
   64  wrong usage
   65  wrong configuration or data
  130  interrupted";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Exhausted => Self::Limit,
            Outcome::Failed => Self::Failed,
            Outcome::Stopped => Self::Interrupted,
        }
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration, or data that it names, is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// Data is not as it must be, or not there.
    #[error("{0}")]
    Data(String),
    /// Another process has the run in hand.
    #[error("{0}")]
    Held(String),
    /// Something failed on the way.
    #[error("{0}")]
    Failed(String),
    /// Whoever read our output has gone: nobody is left to tell.
    #[error("nobody reads the output")]
    Pipe,
}

impl Failure {
    /// The status to exit with.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Problems(_) | Self::Data(_) => Exit::BadData,
            Self::Held(_) => Exit::NeedsPerson,
            Self::Failed(_) => Exit::Failed,
            Self::Pipe => Exit::Done,
        }
    }

    /// What is shown on standard error; `None` when there is nothing to say.
    pub fn report(&self, colour: bool) -> Option<String> {
        match self {
            Self::Pipe => None,
            Self::Problems(problems) => Some(problems.render(colour)),
            other => Some(format!("loopdash: {}\n", visible(&other.to_string()))),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problems(problem.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::Failed(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_status() {
        for exit in
            [Exit::Done, Exit::Limit, Exit::Failed, Exit::NeedsPerson, Exit::Usage, Exit::BadData, Exit::Interrupted]
        {
            let number = format!("{:>5}  ", exit as u8);
            assert!(EXIT_STATUSES.lines().any(|line| line.starts_with(&number)), "{exit:?}");
        }
    }

    #[test]
    fn reports_hold_nothing_that_a_terminal_obeys() {
        let report = Failure::Data("run \u{1b}[2J".to_owned()).report(true);
        assert_eq!(report.as_deref(), Some("loopdash: run \\u{1b}[2J\n"));
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).report(true), None);
    }
}
