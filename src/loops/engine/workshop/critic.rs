//! The critic: asked with a one-time key, and read fail-closed.
//!
//! The key is made here, stands only in this step's prompt, and is forgotten with the step: nothing that the actor wrote
//! or printed can hold it.

use super::{Done, Job, Workshop};
use crate::loops::core::event::VerdictReached;
use crate::loops::core::step::Cause;
use crate::loops::core::verdict::{self, Verdict};

/// How much of a critic's last words is searched for its verdict.
const LAST_WORDS: usize = 1024 * 1024;

impl Workshop {
    pub(super) async fn critic(&self, job: &mut Job) -> Done {
        let key = one_time_key();
        let prompt = match self.critic_prompt(&job.order, &key).await {
            Ok(prompt) => prompt,
            Err(error) => return job.failed(error),
        };
        let mut done = self.run_agent(job, prompt).await;
        if done.stopped || done.end.cause == Cause::NotStarted {
            return done;
        }
        let verdict = if done.end.ok() {
            verdict::read(&self.answer(&job.order, &done, LAST_WORDS).await, &key)
        } else {
            Verdict::unknown(format!("the critic did not finish: {}", done.end.word()))
        };
        done.facts.push(VerdictReached { step: job.order.step, verdict }.into());
        done
    }
}

/// 62 random bits of a version 7 UUID, as text that no diff holds by accident.
fn one_time_key() -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    id.get(16..).unwrap_or(&id).to_owned()
}
