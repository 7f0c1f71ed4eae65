//! How the output of the selected run's step grows: heard here where it runs here, counted where another loopdash has it.
//!
//! Nothing here reads; it says what is known and when to look again.

use super::Shell;
use crate::app::tui::jobs::Kind;
use crate::app::view::loaded::LiveFacts;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::fleet::Ownership;
use crate::loops::core::ids::{RunId, StepId};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A step that printed nothing for longer is shown without a ticking clock.
const LIVELY: Duration = Duration::from_secs(3);
/// New output is looked at no more often than this.
const LOOK: Duration = Duration::from_millis(50);
/// And no more often than this where it is not on the screen.
const GLANCE: Duration = Duration::from_secs(1);

impl Shell {
    /// Takes over how the selected run's output stands.
    pub(super) fn look(&mut self) {
        let watched = self.ui.selected.and_then(|run| Some((run, self.live.get(&run)?)));
        self.loaded.vitals = None;
        self.loaded.live = match watched {
            Some((run, (step, output))) => {
                self.looked = (output.version(), Instant::now());
                self.loaded.vitals = output.story().map(|story| story.vitals());
                let story = output.story().map(|story| story.live().lines());
                let lively = output.silent_for() < LIVELY;
                Some(LiveFacts { run, step: *step, lines: output.lines(), story, lively })
            }
            None => self.look_afar(),
        };
    }

    /// The running step of the selected run, if another loopdash runs it.
    fn afar_step(&self) -> Option<(RunId, StepId)> {
        let run = self.fleet.runs.get(&self.ui.selected?)?;
        let other = matches!(run.ownership, Ownership::Other { .. });
        run.state.active.filter(|_| other).map(|step| (run.state.id, step))
    }

    fn look_afar(&mut self) -> Option<LiveFacts> {
        let (run, step) = self.afar_step()?;
        let (counted, grew) = self.afar.known(run, step)?;
        self.looked = (counted.bytes, Instant::now());
        let (lines, story) = (counted.lines, counted.story);
        Some(LiveFacts { run, step, lines, story, lively: grew.elapsed() < LIVELY })
    }

    /// The step of another loopdash whose output is on the screen, and when to count it again.
    pub(super) fn afar_due(&self, now: Instant) -> Option<(RunId, StepId, Instant)> {
        let (run, step) = self.afar_step()?;
        let shown = self.wants.output.is_some_and(|want| want.run == run) && !self.jobs.is_busy(Kind::Count);
        shown.then(|| (run, step, self.afar.due(run, step, now)))
    }

    /// Has that output counted if it is time.
    pub(super) fn count_afar(&mut self, now: Instant) {
        if let Some((run, step, _)) = self.afar_due(now).filter(|(_, _, due)| *due <= now)
            && let Some(sources) = self.sources(run)
        {
            self.afar.began();
            self.jobs.count(step, sources);
        }
    }

    /// The live output that is worth a wake-up, what was seen of it, and when to look again at the earliest.
    pub(in super::super) fn watched(&self) -> Option<(Arc<LiveOutput>, u64, Instant)> {
        let run = self.ui.selected?;
        let (_, output) = self.live.get(&run)?;
        // While a page is being read, its arrival is the next thing to look at. Where the output is not on the screen,
        // only whether anything is printed at all is.
        let gap = if self.wants.output.is_some() { LOOK } else { GLANCE };
        let watched = !self.jobs.is_busy(Kind::Page) && !output.finished();
        watched.then(|| (Arc::clone(output), self.looked.0, self.looked.1 + gap))
    }

    /// The watched output has grown: read what is shown of it, which brings the next frame.
    pub(in super::super) fn output_changed(&mut self) {
        self.look();
        self.send_for();
        // Nothing to read, as where the view is scrolled up: the count of new lines still changes.
        self.dirty |= !self.jobs.is_busy(Kind::Page);
    }
}
