//! Giving a role another agent: which role and agent, then which model.
//!
//! The agents are those of the run's own repository, as its configuration has them when the key is typed. The one that is
//! chosen is made here; the engine gets it whole, and the journal with it.

use super::super::msg::Effect;
use super::super::overlay::{Offer, Overlay, PaletteOf, Purpose};
use super::super::ui::{Tone, Ui};
use super::overlays::open_palette;
use super::{Ctx, open_text, steering};
use crate::app::agents::Agents;
use crate::loops::core::agent::Role;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::decide::decide;
use crate::loops::core::ids::{RunId, Who};

/// The agents of a run's repository, as far as they are known.
fn agents_of(ui: &Ui, run: RunId) -> Option<&Agents> {
    ui.agents.as_ref().filter(|(of, _)| *of == run).and_then(|(_, agents)| agents.as_ref().ok())
}

/// Each agent in each role.
pub(super) fn offers(ui: &Ui, run: RunId) -> Vec<(Offer, String)> {
    let Some(agents) = agents_of(ui, run) else { return Vec::new() };
    let offer = |role: Role, name: &str| {
        let text = format!("{}: {name}", role.word());
        (Offer::Agent(run, role, name.to_owned()), text)
    };
    let names = agents.names();
    [Role::Actor, Role::Critic].into_iter().flat_map(|role| names.iter().map(move |name| offer(role, name))).collect()
}

/// Opens the list of them for the selected run.
pub(super) fn choose(ui: &mut Ui, ctx: &Ctx<'_>) -> Vec<Effect> {
    let Some(run) = ui.selected else { return Vec::new() };
    ui.agents = None;
    open_palette(ui, ctx, PaletteOf::Agents(run));
    vec![Effect::ReadAgents(run)]
}

/// Takes the agents of a run's repository; where there are none to offer, the list closes and says why.
pub(super) fn known(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, agents: Result<Agents, String>) {
    let waits =
        |overlay: &Overlay| matches!(overlay, Overlay::Palette(palette) if palette.of == PaletteOf::Agents(run));
    if !ui.overlays.last().is_some_and(waits) {
        return;
    }
    if let Err(why) = &agents {
        ui.overlays.pop();
        ui.say(Tone::Bad, why.clone(), ctx.now);
    }
    ui.agents = Some((run, agents));
}

/// Asks for the model of an agent that was chosen; one that takes none is set at once.
pub(super) fn chosen(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, role: Role, name: String) -> Vec<Effect> {
    let Some(model) = agents_of(ui, run).and_then(|agents| agents.model(&name)) else {
        return set(ui, ctx, run, role, &name, "");
    };
    open_text(ui, Purpose::Model(run, role, name));
    if let Some(Overlay::Text(text)) = ui.overlays.last_mut() {
        text.insert(&model);
    }
    Vec::new()
}

/// Gives the role to the agent; a refusal is told, and leaves the box open.
pub(super) fn set(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, role: Role, name: &str, model: &str) -> Vec<Effect> {
    let agents =
        agents_of(ui, run).ok_or_else(|| "the agents of its repository are not known; A reads them".to_owned());
    let asked = agents.and_then(|agents| agents.spec(name, role, model)).and_then(|agent| {
        let ask = Ask::SetAgent { role, agent: Box::new(agent) };
        let state = ctx.fleet.state(run).ok_or("the run is gone")?;
        decide(state, &ask, Who::Operator).map_err(|rejected| rejected.0)?;
        Ok((steering::said(&ask, &state.label), ask))
    });
    match asked {
        Ok((said, ask)) => {
            if matches!(ui.overlays.last(), Some(Overlay::Text(_))) {
                ui.overlays.pop();
            }
            vec![Effect::SetAgent { command: Command::Run { run, ask }, said }]
        }
        Err(why) => {
            ui.say(Tone::Bad, why, ctx.now);
            Vec::new()
        }
    }
}
