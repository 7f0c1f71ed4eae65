//! Who plays a run's roles: the agents that it has now, and those that take over when its next iteration begins.
//!
//! An iteration ends with the actor and the critic that it began with, unless it waits for one of them: a lost login could
//! not be got round otherwise.

use super::{Phase, RunState};
use crate::loops::core::agent::{AgentSpec, Role};
use crate::loops::core::event::{AgentSet, ParkReason, Trouble};
use crate::loops::core::ids::Who;
use crate::loops::core::transition::RunStatus;
use std::sync::Arc;

/// The agents that take over when the next iteration begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NextAgents {
    actor: Option<Box<AgentSpec>>,
    critic: Option<Box<AgentSpec>>,
}

impl NextAgents {
    /// The one that takes over a role, if it changes hands.
    pub fn get(&self, role: Role) -> Option<&AgentSpec> {
        match role {
            Role::Actor => self.actor.as_deref(),
            Role::Critic => self.critic.as_deref(),
        }
    }

    const fn slot(&mut self, role: Role) -> &mut Option<Box<AgentSpec>> {
        match role {
            Role::Actor => &mut self.actor,
            Role::Critic => &mut self.critic,
        }
    }
}

impl RunState {
    /// The agent that a role has, or is to have when the next iteration begins.
    pub fn agent_to_be(&self, role: Role) -> Option<&AgentSpec> {
        self.next_agents.get(role).or_else(|| self.spec.as_ref()?.agent(role))
    }

    pub(super) fn agent_set(&mut self, e: &AgentSet) {
        if self.spec.is_none() {
            self.refused += 1;
            return;
        }
        self.strengthened |= e.who == Who::Harness;
        *self.next_agents.slot(e.role) = Some(e.agent.clone());
        if self.open_iteration().is_none() || self.waits_for(e.role) {
            self.change_hands(e.role);
        }
    }

    /// The roles change hands: an iteration begins.
    pub(super) fn change_all_hands(&mut self) {
        self.change_hands(Role::Actor);
        self.change_hands(Role::Critic);
    }

    /// The roles change hands whose agents the run has come to wait for.
    pub(super) fn change_waited_for(&mut self) {
        for role in [Role::Actor, Role::Critic] {
            if self.waits_for(role) {
                self.change_hands(role);
            }
        }
    }

    fn change_hands(&mut self, role: Role) {
        let Some(spec) = &mut self.spec else { return };
        let Some(agent) = self.next_agents.slot(role).take() else { return };
        match (Arc::make_mut(spec), role) {
            (spec, Role::Actor) => spec.actor = *agent,
            (spec, Role::Critic) => spec.critic = Some(*agent),
        }
    }

    /// Whether the run is parked for the agent in this role, whose step has to be repeated.
    fn waits_for(&self, role: Role) -> bool {
        let parked = self.park.as_ref().filter(|_| self.status == RunStatus::Parked);
        let (Some(reason), Some(open)) = (parked, self.open_iteration()) else { return false };
        if let ParkReason::Attention { kind: Trouble::UnreadableVerdict, .. } = reason {
            return role == Role::Critic;
        }
        let its_turn = match open.phase(self) {
            Phase::Actor => role == Role::Actor,
            Phase::Critic { .. } => role == Role::Critic,
            Phase::Snapshot | Phase::Gate(_) | Phase::Judge | Phase::Closed => false,
        };
        its_turn
            && match reason {
                ParkReason::Limit { provider, .. } | ParkReason::Account { provider, .. } => {
                    let agent = self.spec.as_ref().and_then(|spec| spec.agent(role));
                    agent.is_some_and(|agent| agent.provider() == provider)
                }
                ParkReason::Attention { kind, .. } => {
                    matches!(kind, Trouble::Actor | Trouble::Critic | Trouble::Stuck)
                }
                _ => false,
            }
    }
}
