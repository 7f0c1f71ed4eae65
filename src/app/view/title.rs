//! The title bar: how many loops are in which state, slots, cost and the time.
//!
//! Tokens and money appear once an agent has reported any, of all runs; `≥` where a part of them is unknown.

use super::{Scene, usage};
use crate::loops::core::fleet::Ownership;
use crate::loops::core::step::StepKind;
use crate::loops::core::usage::Total;
use crate::widgets::mark::Mark;
use crate::widgets::title_bar::{Count, Meter, TitleBar};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let fleet = scene.ctx.fleet;
    let counts = fleet.counts();
    let count = |mark, n: usize| Count { mark, n: n as u64 };
    let counts = [
        count(Mark::Running, counts.running),
        count(Mark::NeedsYou, counts.needs_you),
        count(Mark::Queued, counts.queued),
        count(Mark::Paused, counts.paused),
        count(Mark::Done, counts.done),
        count(Mark::Stopped, counts.ended),
    ];
    let mine = || fleet.runs.values().filter(|run| run.ownership == Ownership::Mine).map(|run| &run.state);
    let gates = mine().filter(|state| state.active_step().is_some_and(|step| matches!(step.kind, StepKind::Gate(_))));
    let gated = mine().any(|state| state.spec.as_ref().is_some_and(|spec| !spec.gates.is_empty()));
    let mut used = Total::default();
    fleet.runs.values().for_each(|run| used.add(&run.state.usage));
    let money = usage::dollars(&used);
    let tokens = usage::tokens(&used);
    let time = scene.clock.time();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    TitleBar {
        theme: scene.theme,
        product: "loopdash",
        place: scene.place,
        counts: &counts,
        slots: Meter { label: "slots", used: number(fleet.slots_in_use()), cap: fleet.cap },
        gates: gated.then(|| Meter { label: "gates", used: number(gates.count()), cap: fleet.gate_cap }),
        cost: money.as_deref(),
        tokens: &tokens,
        clock: Some(&time),
    }
    .render(area, buf);
}
