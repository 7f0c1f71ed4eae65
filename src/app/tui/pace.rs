//! When the next frame may be drawn: [`Pace`]. Keys draw at once; output waits its turn and a budget of bytes.
//!
//! It holds no clock: moments come in as data.

use std::time::{Duration, Instant};

/// The least time between frames that only show new output.
const OUTPUT_GAP: Duration = Duration::from_millis(50);
/// Bytes to the terminal in a second, over time.
const RATE: f64 = 240_000.0;
/// Bytes that may come at once after a quiet time.
const BURST: f64 = 96_000.0;

/// Spends frames and bytes.
#[derive(Debug)]
pub struct Pace {
    last: Option<Instant>,
    budget: f64,
    filled: Option<Instant>,
}

impl Pace {
    /// Nothing was drawn yet.
    pub const fn new() -> Self {
        Self { last: None, budget: BURST, filled: None }
    }

    /// When a frame that nobody asked for by a key may be drawn.
    pub fn next(&self, now: Instant) -> Instant {
        let Some(last) = self.last else { return now };
        let missing = (-self.budget_at(now)).max(0.0);
        (last + OUTPUT_GAP).max(now + Duration::from_secs_f64(missing / RATE))
    }

    /// Notes a frame of that many bytes.
    pub fn drew(&mut self, now: Instant, bytes: usize) {
        self.budget = self.budget_at(now) - bytes as f64;
        self.filled = Some(now);
        self.last = Some(now);
    }

    fn budget_at(&self, now: Instant) -> f64 {
        let passed = self.filled.map_or(0.0, |filled| now.saturating_duration_since(filled).as_secs_f64());
        (self.budget + passed * RATE).min(BURST)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_changes_the_bytes_stay_within_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new();
        let (mut now, mut bytes, mut frames) = (start, 0, 0);
        while now < start + Duration::from_secs(20) {
            now = pace.next(now).max(now);
            pace.drew(now, 60_000);
            bytes += 60_000;
            frames += 1;
        }
        let rate = bytes as f64 / (now - start).as_secs_f64();
        assert!(rate < 250_000.0 && rate > 200_000.0, "{rate} bytes a second in {frames} frames");
    }

    #[test]
    fn small_frames_come_twenty_times_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.next(start), start);
        pace.drew(start, 500);
        assert_eq!(pace.next(start), start + OUTPUT_GAP);
        let later = start + Duration::from_secs(3);
        assert!(pace.next(later) <= later);
    }
}
