//! States as a person reads them: a glyph, a word and a role for each, never colour alone.
//! See [`Mark`].

use super::theme::Role;

/// The state of a run, a test, a gate, a phase or a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// A run at work.
    Running,
    /// A run with a question or a decision for the operator.
    NeedsYou,
    /// A run that gets nowhere.
    Stuck,
    /// A run waiting for a slot.
    Queued,
    /// A run held until something outside it changes, such as a rate limit.
    Held,
    /// A run the operator paused.
    Paused,
    /// A run that ended with its work accepted.
    Done,
    /// A run that used up a limit.
    Exhausted,
    /// Something that failed.
    Failed,
    /// A run the operator stopped.
    Stopped,
    /// A run whose process is gone; it can be resumed.
    Interrupted,
    /// A run of another loopdash on this box.
    Elsewhere,
    /// A test or phase whose turn has not come.
    Waits,
    /// The step, test or gate at work now.
    Active,
    /// A test or gate that passed.
    Passed,
    /// A test that used up its attempts, or depends on one.
    Blocked,
    /// A test or phase left out.
    Skipped,
    /// A test that counts as met by the operator's word.
    Waived,
    /// A result that changes without a change.
    Flaky,
    /// A failure that was there before.
    Known,
    /// Nothing to report: did not run.
    Nothing,
    /// A plain remark.
    Info,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 22] = [
        Self::Running,
        Self::NeedsYou,
        Self::Stuck,
        Self::Queued,
        Self::Held,
        Self::Paused,
        Self::Done,
        Self::Exhausted,
        Self::Failed,
        Self::Stopped,
        Self::Interrupted,
        Self::Elsewhere,
        Self::Waits,
        Self::Active,
        Self::Passed,
        Self::Blocked,
        Self::Skipped,
        Self::Waived,
        Self::Flaky,
        Self::Known,
        Self::Nothing,
        Self::Info,
    ];

    /// One column wide.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Running => "▶",
            Self::NeedsYou => "◐",
            Self::Stuck => "⚠",
            Self::Queued | Self::Waits => "○",
            Self::Held => "◔",
            Self::Paused => "‖",
            Self::Done | Self::Passed => "✓",
            Self::Exhausted => "◇",
            Self::Failed => "✗",
            Self::Stopped => "■",
            Self::Interrupted => "↯",
            Self::Elsewhere => "◌",
            Self::Active => "◉",
            Self::Blocked => "⊘",
            Self::Skipped => "−",
            Self::Waived => "≈",
            Self::Flaky => "~",
            Self::Known => "=",
            Self::Nothing => "·",
            Self::Info => "●",
        }
    }

    /// The word beside the glyph.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running | Self::Active => "running",
            Self::NeedsYou => "needs you",
            Self::Stuck => "stuck",
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Exhausted => "limit reached",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Elsewhere => "elsewhere",
            Self::Waits => "waits",
            Self::Passed => "passed",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
            Self::Flaky => "flaky",
            Self::Known => "known",
            Self::Nothing => "not run",
            Self::Info => "info",
        }
    }

    /// The word for `n` of them: one needs you, two need you.
    #[must_use]
    pub const fn word_for(self, n: u64) -> &'static str {
        match self {
            Self::NeedsYou if n != 1 => "need you",
            _ => self.word(),
        }
    }

    /// The role that colours glyph and word.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Running | Self::Active => Role::Running,
            Self::NeedsYou | Self::Held | Self::Flaky | Self::Known | Self::Exhausted | Self::Interrupted => {
                Role::Attention
            }
            Self::Stuck | Self::Failed | Self::Blocked => Role::Danger,
            Self::Queued | Self::Waits | Self::Stopped => Role::Queued,
            Self::Paused => Role::Paused,
            Self::Done | Self::Passed | Self::Waived => Role::Ok,
            Self::Elsewhere | Self::Skipped => Role::Dim,
            Self::Nothing => Role::Faint,
            Self::Info => Role::Accent,
        }
    }

    /// True where a person has to look, which is written bold.
    #[must_use]
    pub const fn urgent(self) -> bool {
        matches!(self, Self::NeedsYou | Self::Stuck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::text;

    #[test]
    fn every_glyph_is_one_column_and_survives_cleaning() {
        for mark in Mark::ALL {
            assert_eq!(text::width(mark.glyph()), 1, "{mark:?}");
            assert_eq!(text::clean(mark.glyph()), mark.glyph());
            assert!(!mark.word().is_empty());
        }
    }

    #[test]
    fn run_states_with_one_glyph_differ_in_word() {
        for a in Mark::ALL {
            for b in Mark::ALL {
                let alike = a.glyph() == b.glyph() && a.word() == b.word() && a.role() == b.role();
                assert!(a == b || !alike, "{a:?} and {b:?} look the same");
            }
        }
        assert_eq!((Mark::NeedsYou.word_for(1), Mark::NeedsYou.word_for(2)), ("needs you", "need you"));
    }
}
