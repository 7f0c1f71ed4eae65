//! From loops to pixels: [`draw`] turns the fleet and the operator's own view of it into a frame.
//!
//! Nothing here changes anything. A frame reports where it came to stand and what it would like to have loaded.

pub mod attention;
mod boxes;
pub mod clock;
mod collisions;
mod diff;
pub mod diff_doc;
pub mod doc;
mod find;
#[cfg(test)]
#[expect(missing_docs, reason = "tests")]
pub mod fixture;
pub mod gates;
mod header;
mod list;
pub mod loaded;
mod output;
pub mod page;
pub mod roster;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod snapshots_test;
pub mod story;
#[cfg(test)]
pub mod stuck_fixture;
pub mod tests_pane;
pub mod timeline;
mod title;
mod usage;
pub mod verdict;
pub mod xray;

use crate::app::tui::ui::{Focus, Pane, Seen, Ui};
use crate::app::tui::update::Ctx;
use crate::loops::core::state::RunState;
use crate::loops::core::step::StepKind;
use crate::widgets::layout::{Arrangement, Detail, Screen, Side, Wish};
use crate::widgets::notice::{Backdrop, Banner, TooSmall};
use crate::widgets::pane::{Pane as Frame, Rule};
use crate::widgets::tabs::{PANES, Tab, Tabs};
use crate::widgets::theme::{Role, Theme};
use clock::Clock;
use loaded::{LiveFacts, Loaded, Wants};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

pub use diff::key as diff_key;

/// All that a frame shows.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where the operator is.
    pub ui: &'a Ui,
    /// The loops, and what may be done with them.
    pub ctx: &'a Ctx<'a>,
    /// What was read from disk.
    pub loaded: &'a Loaded,
    /// Colours.
    pub theme: &'a Theme,
    /// The moment.
    pub clock: &'a Clock<'a>,
    /// The repository's name, or another word beside the product's.
    pub place: Option<&'a str>,
    /// Whether there is a configuration file here.
    pub configured: bool,
}

impl Scene<'_> {
    /// The running step of a run, as far as it is watched.
    fn live(&self, state: &RunState) -> Option<LiveFacts> {
        self.loaded.live.filter(|live| live.run == state.id && state.active == Some(live.step))
    }
}

/// What a frame has to report.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// Where it came to stand.
    pub seen: Seen,
    /// What it would like to have.
    pub wants: Wants,
}

/// A step's name as the operator knows it: a gate's own, else its kind.
pub fn step_name(kind: &StepKind) -> String {
    match kind {
        StepKind::Gate(name) => format!("gate {name}"),
        other => other.word().to_owned(),
    }
}

/// Draws a frame.
pub fn draw(scene: &Scene<'_>, buf: &mut Buffer) -> Out {
    let mut out = Out { seen: Seen { tops: scene.ui.tops, page: scene.ui.page, ..Seen::default() }, ..Out::default() };
    out.seen.output_top = scene.ui.output.top;
    Backdrop { theme: scene.theme }.render(buf.area, buf);
    let mark = crate::widgets::mark::Mark::Stuck;
    let trouble = scene.ui.trouble.as_ref().map(|text| Banner { theme: scene.theme, mark, text, key: None });
    let wish = Wish {
        focus: if scene.ui.focus == Focus::List { Side::List } else { Side::Detail },
        zoom: scene.ui.zoom,
        banner: trouble.map_or(0, |banner| banner.rows(buf.area.width)),
        rows: list_rows(scene),
    };
    let screen = Screen::of(buf.area, wish);
    if screen.too_small {
        TooSmall { theme: scene.theme, least: crate::widgets::layout::LEAST }.render(buf.area, buf);
        return out;
    }
    title::draw(scene, screen.title, buf);
    if let Some(banner) = &trouble {
        banner.render(screen.banner, buf);
    }
    let framed = screen.arrangement != Arrangement::Stacked;
    if scene.ctx.fleet.runs.is_empty() && !scene.ui.loading {
        let body = Rect { y: screen.title.bottom(), height: screen.footer.y - screen.title.bottom(), ..buf.area };
        boxes::empty(scene, body, buf);
    } else {
        if !screen.list.is_empty() {
            list::draw(scene, screen.list, framed, buf, &mut out);
        }
        if !screen.detail.is_empty() {
            detail(scene, screen.detail, framed, buf, &mut out);
        }
    }
    boxes::footer(scene, screen.footer, buf);
    boxes::overlays(scene, buf.area, buf, &mut out);
    out
}

fn list_rows(scene: &Scene<'_>) -> usize {
    roster::roster(scene.ctx.fleet, &scene.ui.filter).iter().map(|(_, runs)| runs.len() + 1).sum()
}

/// Draws the detail side.
fn detail(scene: &Scene<'_>, area: Rect, framed: bool, buf: &mut Buffer, out: &mut Out) {
    let focused = scene.ui.focus == Focus::Pane;
    if framed {
        Frame::new(scene.theme, focused).render(area, buf);
    } else {
        let role = if focused { Role::BorderFocus } else { Role::Border };
        Rule { theme: scene.theme, role }.render(area, buf);
    }
    let parts = Detail::of(area, framed);
    let Some(state) = scene.ui.selected.and_then(|run| scene.ctx.fleet.state(run)) else { return };
    header::draw(scene, state, parts.header, buf);
    let badges = header::badges(state);
    let tabs: Vec<Tab<'_>> = PANES
        .iter()
        .zip(&badges)
        .map(|(tab, badge)| Tab { badge: badge.as_ref().map(|(text, role)| (text.as_str(), *role)), ..*tab })
        .collect();
    Tabs { theme: scene.theme, tabs: &tabs, open: scene.ui.pane.index() }.render(parts.tabs, buf);
    if !parts.rule.is_empty() {
        Rule { theme: scene.theme, role: Role::Border }.render(parts.rule, buf);
    }
    let body = find::line(scene, parts.body, buf);
    match scene.ui.pane {
        Pane::Output => output::draw(scene, state, body, buf, out),
        Pane::Diff => diff::draw(scene, state, body, buf, out),
        Pane::Verdict => verdict::draw(scene, state, body, buf, out),
        Pane::Tests => tests_pane::draw(scene, state, body, buf, out),
        Pane::Gates => gates::draw(scene, state, body, buf, out),
        Pane::Timeline => timeline::draw(scene, state, body, buf, out),
    }
}
