//! The one table of legal state changes, of runs and of tests.
//!
//! [`run_after`] and [`test_after`] are the only judges: the fold ignores what they refuse, and commands are refused with
//! their reason before anything is journalled.

use super::test_state::TestStatus;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// Waits for a slot.
    #[default]
    Queued,
    /// Has a slot and works.
    Running,
    /// Asked to pause; a step still ends.
    Pausing,
    /// Paused; no process, no slot.
    Paused,
    /// Its processes are stopped where they are; keeps its slot.
    Frozen,
    /// Asked to stop; a step still ends.
    Stopping,
    /// Waits for a person; no slot.
    Parked,
    /// Over.
    Finished,
}

impl RunStatus {
    /// All of them, in the table's order.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Pausing,
        Self::Paused,
        Self::Frozen,
        Self::Stopping,
        Self::Parked,
        Self::Finished,
    ];

    /// The word for the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Frozen => "frozen",
            Self::Stopping => "stopping",
            Self::Parked => "needs you",
            Self::Finished => "finished",
        }
    }

    /// Whether it keeps its slot.
    pub const fn holds_slot(self) -> bool {
        matches!(self, Self::Running | Self::Pausing | Self::Frozen | Self::Stopping)
    }
}

/// What moves a run: the events that the table knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunMove {
    /// `admitted`
    Admit,
    /// `parked`
    Park,
    /// `unparked`
    Unpark,
    /// `pause_requested`, after the step or now
    AskPause,
    /// `paused`, with no process left
    Pause,
    /// `paused`, frozen
    Freeze,
    /// `resumed`
    Resume,
    /// `stop_requested`
    AskStop,
    /// `finished`
    Finish,
    /// `paused`, interrupted: found at start without an owner
    Interrupt,
    /// `reopened`
    Reopen,
    /// `rewound` or `restored`, while it waited for somebody
    SetBack,
}

impl RunMove {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Admit,
        Self::Park,
        Self::Unpark,
        Self::AskPause,
        Self::Pause,
        Self::Freeze,
        Self::Resume,
        Self::AskStop,
        Self::Finish,
        Self::Interrupt,
        Self::Reopen,
        Self::SetBack,
    ];

    const fn verb(self) -> &'static str {
        match self {
            Self::Admit => "be admitted",
            Self::Park => "be parked",
            Self::Unpark => "be answered or retried",
            Self::AskPause | Self::Pause => "be paused",
            Self::Freeze => "be frozen",
            Self::Resume => "be resumed",
            Self::AskStop => "be stopped",
            Self::Finish => "finish",
            Self::Interrupt => "be interrupted",
            Self::Reopen => "be reopened",
            Self::SetBack => "be set back",
        }
    }
}

/// Every legal move of a run.
#[rustfmt::skip]
pub const RUN_TABLE: &[(RunStatus, RunMove, RunStatus)] = {
    use RunMove as M;
    use RunStatus as S;
    &[
        (S::Queued,   M::Admit,     S::Running),
        (S::Queued,   M::AskPause,  S::Pausing),
        (S::Queued,   M::AskStop,   S::Stopping),
        (S::Queued,   M::Finish,    S::Finished),
        (S::Queued,   M::Interrupt, S::Paused),
        (S::Running,  M::Park,      S::Parked),
        (S::Running,  M::AskPause,  S::Pausing),
        (S::Running,  M::Freeze,    S::Frozen),
        (S::Running,  M::AskStop,   S::Stopping),
        (S::Running,  M::Finish,    S::Finished),
        (S::Running,  M::Interrupt, S::Paused),
        (S::Pausing,  M::AskPause,  S::Pausing),
        (S::Pausing,  M::Pause,     S::Paused),
        (S::Pausing,  M::Resume,    S::Running),
        (S::Pausing,  M::AskStop,   S::Stopping),
        (S::Pausing,  M::Interrupt, S::Paused),
        (S::Paused,   M::Resume,    S::Queued),
        (S::Paused,   M::AskStop,   S::Stopping),
        (S::Frozen,   M::Resume,    S::Running),
        (S::Frozen,   M::AskPause,  S::Pausing),
        (S::Frozen,   M::AskStop,   S::Stopping),
        (S::Frozen,   M::Interrupt, S::Paused),
        (S::Stopping, M::Finish,    S::Finished),
        (S::Parked,   M::Unpark,    S::Queued),
        (S::Parked,   M::AskPause,  S::Pausing),
        (S::Parked,   M::AskStop,   S::Stopping),
        (S::Parked,   M::Finish,    S::Finished),
        (S::Parked,   M::SetBack,   S::Paused),
        (S::Finished, M::Reopen,    S::Queued),
    ]
};

/// The state after a move.
///
/// # Errors
/// A fragment for the operator that says why the table refuses.
pub fn run_after(from: RunStatus, step: RunMove) -> Result<RunStatus, String> {
    RUN_TABLE.iter().find(|(f, m, _)| *f == from && *m == step).map(|(_, _, to)| *to).ok_or_else(|| {
        let state = match from {
            RunStatus::Parked => "waiting for you",
            other => other.word(),
        };
        format!("a run that is {state} cannot {}", step.verb())
    })
}

/// What moves a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TestMove {
    /// `test_started`
    Start,
    /// `test_passed`
    Pass,
    /// `test_failed`
    Fail,
    /// `test_blocked`
    Block,
    /// `test_skipped`
    Skip,
    /// `test_waived`
    Waive,
    /// `test_reset`
    Reset,
    /// `test_retried`
    Retry,
}

impl TestMove {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Start, Self::Pass, Self::Fail, Self::Block, Self::Skip, Self::Waive, Self::Reset, Self::Retry];

    const fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Block => "be blocked",
            Self::Skip => "be skipped",
            Self::Waive => "be waived",
            Self::Reset => "be reset",
            Self::Retry => "be retried",
        }
    }
}

/// Every legal move of a test.
#[rustfmt::skip]
pub const TEST_TABLE: &[(TestStatus, TestMove, TestStatus)] = {
    use TestMove as M;
    use TestStatus as S;
    &[
        (S::Pending, M::Start, S::Running),
        (S::Pending, M::Skip,  S::Skipped),
        (S::Pending, M::Waive, S::Waived),
        (S::Pending, M::Block, S::Blocked),
        (S::Pending, M::Reset, S::Pending),
        (S::Running, M::Start, S::Running),
        (S::Running, M::Pass,  S::Passed),
        (S::Running, M::Fail,  S::Pending),
        (S::Running, M::Skip,  S::Skipped),
        (S::Running, M::Waive, S::Waived),
        (S::Running, M::Reset, S::Pending),
        (S::Passed,  M::Reset, S::Pending),
        (S::Blocked, M::Reset, S::Pending),
        (S::Blocked, M::Retry, S::Pending),
        (S::Blocked, M::Skip,  S::Skipped),
        (S::Blocked, M::Waive, S::Waived),
        (S::Skipped, M::Reset, S::Pending),
        (S::Waived,  M::Reset, S::Pending),
    ]
};

/// The state after a move.
///
/// # Errors
/// A fragment for the operator that says why the table refuses.
pub fn test_after(from: TestStatus, step: TestMove) -> Result<TestStatus, String> {
    TEST_TABLE
        .iter()
        .find(|(f, m, _)| *f == from && *m == step)
        .map(|(_, _, to)| *to)
        .ok_or_else(|| format!("a test that is {} cannot {}", from.word(), step.verb()))
}
