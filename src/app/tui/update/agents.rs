//! Giving a role another agent: which role and agent, then which model.
//!
//! The agent is made of the configuration here; the engine gets it whole, and the journal with it.

use super::super::agents::Agents;
use super::super::msg::Effect;
use super::super::overlay::{Offer, Overlay, PaletteOf, Purpose};
use super::super::ui::{Tone, Ui};
use super::overlays::open_palette;
use super::{Ctx, open_text, steering};
use crate::loops::core::agent::Role;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::decide::decide;
use crate::loops::core::ids::{RunId, Who};

/// Each agent in each role.
pub(super) fn offers(agents: &Agents, run: RunId) -> Vec<(Offer, String)> {
    let offer = |role: Role, name: &str| {
        let text = format!("{}: {name}", role.word());
        (Offer::Agent(run, role, name.to_owned()), text)
    };
    let names = agents.names();
    [Role::Actor, Role::Critic].into_iter().flat_map(|role| names.iter().map(move |name| offer(role, name))).collect()
}

/// Opens the list of them for the selected run.
pub(super) fn choose(ui: &mut Ui, ctx: &Ctx<'_>) {
    if let Some(run) = ui.selected {
        open_palette(ui, ctx, PaletteOf::Agents(run));
    }
}

/// Asks for the model of an agent that was chosen; one that takes none is set at once.
pub(super) fn chosen(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, role: Role, name: String) -> Vec<Effect> {
    let Some(model) = ctx.agents.model(&name) else { return set(ui, ctx, run, role, &name, "") };
    open_text(ui, Purpose::Model(run, role, name));
    if let Some(Overlay::Text(text)) = ui.overlays.last_mut() {
        text.insert(&model);
    }
    Vec::new()
}

/// Gives the role to the agent; a refusal is told, and leaves the box open.
pub(super) fn set(ui: &mut Ui, ctx: &Ctx<'_>, run: RunId, role: Role, name: &str, model: &str) -> Vec<Effect> {
    let asked = ctx.agents.spec(name, role, model).and_then(|agent| {
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
            vec![Effect::Send { command: Command::Run { run, ask }, said }]
        }
        Err(why) => {
            ui.say(Tone::Bad, why, ctx.now);
            Vec::new()
        }
    }
}
