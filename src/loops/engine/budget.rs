//! The budget of all runs: raised by the operator, here or in another loopdash of the box, and what waits for that.
//!
//! Whether it is used up is asked before each step of an agent, one of iterations before each actor's, with the holds on
//! providers.

use super::handle::Update;
use super::prepare::silent;
use super::task::Engine;
use crate::loops::core::budget::{Budget, Raises, Resource};
use crate::loops::core::command::Rejected;
use crate::loops::core::event::{Event, Noted, ParkReason, Unparked};
use crate::loops::core::ids::Who;
use crate::loops::core::spec::LoopSpec;
use crate::loops::core::state::RunState;
use crate::loops::journal::fleet::FleetFact;

impl Engine {
    /// Raises a budget of all runs; those that wait for it go on.
    ///
    /// # Errors
    /// There is no such budget, or the larger one is used up, too.
    pub(super) fn raise_budget(&mut self, which: Resource, limit: u64, who: Who) -> Result<(), Rejected> {
        let at = self.now();
        if self.fleet.budget.limit(which).is_none() {
            return Err(Rejected(format!("the configuration gives all loops no {}", which.word())));
        }
        if limit == 0 || Budget::of(which, limit).breaches(&self.fleet.used(at)).next().is_some() {
            return Err(Rejected("as much was used in the last 24 hours already".to_owned()));
        }
        if self.fleet.raises.hear(which, at, limit) {
            self.record_fact(at, FleetFact::BudgetRaised { which, limit, who });
            self.raised(who);
        }
        Ok(())
    }

    /// Takes in what the fleet's file says of raised budgets.
    pub(super) fn hear_raises(&mut self, raises: &Raises) {
        if self.fleet.raises.join(raises) {
            self.raised(Who::Harness);
        }
    }

    /// Tells of it, and lets those go on that waited for it.
    fn raised(&mut self, who: Who) {
        self.tell(Update::Raises(self.fleet.raises.clone()));
        if self.fleet.breaches(self.now()).next().is_some() {
            return;
        }
        let waits = |state: &RunState| {
            state.needs_person() && matches!(state.park, Some(ParkReason::Budget { fleet: true, .. }))
        };
        for run in self.mine(waits) {
            if !self.has_pending(run) {
                self.queue(run, vec![Unparked { who }.into()], None);
            }
        }
    }

    /// A word on a loop whose agents the fleet's budget cannot count.
    pub(super) fn uncounted(&self, spec: &LoopSpec) -> Option<Event> {
        let all = [Resource::Tokens, Resource::Dollars];
        let limited = all.into_iter().filter(|which| self.fleet.budget.limit(*which).is_some());
        let (which, agent) = limited.filter_map(|which| Some((which, silent(spec, which)?))).next()?;
        let text = format!("the fleet's {} does not count this run: {agent} does not tell what it uses", which.word());
        Some(Noted { text }.into())
    }
}
