//! The engine's eye on the wall clock: [`Steady`] tells when it went another way than time did.
//!
//! Journals hold moments of the wall clock, and limits are measured between them; what the clock jumps is journalled, too.

use crate::loops::core::event::ClockJumped;
use crate::loops::core::ids::Millis;
use tokio::time::Instant;

/// A clock that is disciplined slowly is no jump.
const TOLERANCE_MS: u64 = 2_000;

/// A moment on both clocks.
#[derive(Debug)]
pub(super) struct Steady {
    wall: Millis,
    since: Instant,
}

impl Steady {
    pub(super) fn new(now: Millis) -> Self {
        Self { wall: now, since: Instant::now() }
    }

    /// How far the clock, which shows `now`, has jumped since the last jump that was told.
    pub(super) fn jump(&mut self, now: Millis) -> Option<ClockJumped> {
        let gone = i128::try_from(self.since.elapsed().as_millis()).unwrap_or(i128::MAX);
        let by_ms = i64::try_from(i128::from(now.0) - i128::from(self.wall.0) - gone).unwrap_or_default();
        if by_ms.unsigned_abs() < TOLERANCE_MS {
            return None;
        }
        *self = Self::new(now);
        Some(ClockJumped { by_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn only_what_the_clock_does_beyond_time_is_a_jump() {
        let mut steady = Steady::new(Millis(1_000_000));
        tokio::time::advance(Duration::from_secs(86_400)).await;
        let later = 1_000_000 + 86_400_000;
        assert_eq!(steady.jump(Millis(later)), None);
        assert_eq!(steady.jump(Millis(later + 1_999)), None, "slowly set right");
        assert_eq!(steady.jump(Millis(later + 3_600_000)), Some(ClockJumped { by_ms: 3_600_000 }));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(steady.jump(Millis(later + 3_601_000)), None, "told once");
        assert_eq!(steady.jump(Millis(1_000)), Some(ClockJumped { by_ms: 1_000 - later as i64 - 3_601_000 }));
        assert_eq!(steady.jump(Millis(1_000)), None);
    }
}
