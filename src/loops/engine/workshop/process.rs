//! A step that is a child process: spawned, obeyed to the engine's wishes, and turned into an end.
//!
//! Agents, gates and setup all pass here; only what they are told and what their end means differs.

use super::ending::{Ours, finished, priced};
use super::record::record;
use super::watchdog::{Bark, Watchdog};
use super::{Done, Job, Workshop, millis};
use crate::loops::agent::sanitize;
use crate::loops::agent::transcript::{LiveOutput, Transcript};
use crate::loops::agent::vitals::{self, Circling};
use crate::loops::agent::{Control, Input, Ladder, Launch, Listen, dialect, environment};
use crate::loops::core::agent::{AgentSpec, DialectName, Watch};
use crate::loops::core::event::{CpuUse, Sign, Signal};
use crate::loops::core::ids::StepId;
use crate::loops::core::spec::PromptRoute;
use crate::loops::core::step::{Cause, StepKind, Usage};
use crate::loops::core::verdict;
use crate::loops::engine::order::Order;
use crate::loops::engine::report::Wish;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The ports that runs may use: each slot has some of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The first port of slot 0.
    pub first: u16,
    /// How many a slot has.
    pub per_slot: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { first: 20_000, per_slot: 20 }
    }
}

impl Ports {
    /// The first port of a slot; beyond the last port they start again.
    pub fn base(self, slot: u32) -> u32 {
        let (first, each) = (u32::from(self.first), u32::from(self.per_slot.max(1)));
        first + slot % ((65_536 - first) / each).max(1) * each
    }
}

/// Linux takes no longer argument than 128 KiB with its closing NUL.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// How a child gets its prompt.
pub(super) enum Prompt {
    /// It gets none.
    None,
    /// Written to its standard input.
    Stdin(String),
    /// In a file that its arguments and `LOOPDASH_PROMPT` name.
    File(PathBuf),
}

impl Workshop {
    /// An agent with its prompt, which is kept beside its transcript.
    pub(super) async fn run_agent(&self, job: &mut Job, prompt: String) -> Done {
        let path = job.order.prompt_path();
        let kept = {
            let (path, text) = (path.clone(), prompt.clone());
            let schema = job.order.tells_schema().then(|| job.order.schema_path());
            let write = move || {
                keep(&path, &text)?;
                schema.map_or(Ok(()), |path| keep(&path, &verdict::schema().to_string()))
            };
            tokio::task::spawn_blocking(write).await
        };
        if let Err(why) = kept.map_err(|error| error.to_string()).and_then(|kept| kept.map_err(|e| e.to_string())) {
            return job.failed(format!("the prompt could not be written to {}: {why}", path.display()));
        }
        let mut argv = job.order.argv();
        let route = match job.order.agent().map(|agent| agent.prompt) {
            Some(PromptRoute::File) => Prompt::File(path),
            Some(PromptRoute::Argument) if prompt.len() > LONGEST_ARGUMENT => {
                let long = prompt.len() / 1024;
                let why = format!(
                    "its prompt of {long} KB is longer than the system lets an argument be; set prompt = \"file\" or \"stdin\""
                );
                return not_started(job, why);
            }
            Some(PromptRoute::Argument) => {
                for arg in &mut argv {
                    *arg = arg.replace("{prompt}", &prompt);
                }
                Prompt::None
            }
            _ => Prompt::Stdin(prompt),
        };
        self.run_process(job, argv, route).await
    }

    pub(super) async fn run_process(&self, job: &mut Job, argv: Vec<String>, prompt: Prompt) -> Done {
        let launch = match self.launch(job, argv, prompt) {
            Ok(launch) => launch,
            Err(why) => return not_started(job, why),
        };
        let before = self.look(&job.order).await;
        record(&job.order, &launch, &self.state).await;
        let running = match self.supervisor.spawn(launch).await {
            Ok(running) => running,
            Err(error) => return not_started(job, error.to_string()),
        };
        job.spawned(running.pid, running.start, running.live.clone()).await;
        let watch = job.order.agent().map_or_else(|| quiet(&job.order), |agent| Some(agent.watch.clone()));
        let live = Arc::clone(&running.live);
        let mut dog = watch.map(|watch| Watchdog::new(watch, Arc::clone(&running.live), running.pid));
        let control = running.control();
        let mut short = running.live.shortage();
        let waiting = running.wait();
        tokio::pin!(waiting);
        let mut ours = None;
        let ended = loop {
            tokio::select! {
                ended = &mut waiting => break ended,
                Ok(()) = job.wish.changed() => {
                    let wish = *job.wish.borrow_and_update();
                    if matches!(wish, Wish::Stop | Wish::Kill) {
                        // Who is told to end may say so, which is no work.
                        dog = None;
                    }
                    if let Some(dog) = &mut dog {
                        dog.freeze(wish == Wish::Freeze);
                    }
                    obey(&control, wish);
                }
                Ok(()) = short.changed() => {
                    let why = short.borrow_and_update().clone();
                    job.short(why).await;
                }
                bark = barked(dog.as_mut()) => match bark {
                    Bark::Tell { sign, silent, cpu } => {
                        let usage = used_so_far(&job.order, &live);
                        let signal = Signal::new(job.order.step, sign, millis(silent));
                        job.tell(Signal { busy: cpu.map(CpuUse::busy), cpu, usage, ..signal }).await;
                    }
                    Bark::Circles(circling) => {
                        let usage = used_so_far(&job.order, &live);
                        job.tell(Signal { usage, ..circles(job.order.step, circling) }).await;
                    }
                    Bark::Lingers => {
                        ours = Some(Ours::Lingered);
                        control.stop();
                    }
                    Bark::Runaway(why) => {
                        ours = Some(Ours::Runaway(why));
                        control.stop();
                    }
                },
            }
        };
        // Whoever is told to stop meanwhile is stopped for that.
        let ours = ours.filter(|_| !matches!(*job.wish.borrow(), Wish::Stop | Wish::Kill));
        let mut done = finished(&job.order, ended, ours);
        done.facts.extend(self.touched(&job.order, before).await);
        done
    }

    fn launch(&self, job: &Job, argv: Vec<String>, prompt: Prompt) -> Result<Launch, String> {
        let (order, waited) = (&job.order, job.begun.elapsed());
        let cwd = order.cwd().ok_or("there is no worktree")?;
        let mut env = environment_of(order, self.ports)?;
        let stdin = match prompt {
            Prompt::None => Input::Null,
            Prompt::Stdin(text) => Input::Bytes(text.into_bytes().into()),
            Prompt::File(path) => {
                env.push(("LOOPDASH_PROMPT".into(), path.into_os_string()));
                Input::Null
            }
        };
        Ok(Launch {
            argv: argv.into_iter().map(OsString::from).collect(),
            cwd: PathBuf::from(cwd),
            env,
            env_remove: order
                .agent()
                .map(|agent| environment::removed(&agent.env_remove, std::env::vars_os().map(|(name, _)| name)))
                .unwrap_or_default(),
            stdin,
            terminal: order.agent().is_some_and(|agent| agent.pty),
            run: order.run.to_string(),
            step: order.step.0,
            dir: order.step_dir(),
            timeout: Some(order.timeout(waited)),
            ladder: Ladder::default(),
            listen: order.agent().and_then(|agent| listen(agent, order.spec.stuck.same_tool)),
        })
    }

    /// What the step's agent said last.
    pub(super) async fn answer(&self, order: &Order, done: &Done, max: usize) -> String {
        if let Some(heard) = &done.heard {
            return heard.answer();
        }
        let (dir, dialect) = (order.step_dir(), order.agent().map(|agent| agent.dialect).unwrap_or_default());
        let read = move || dialect::answer(dialect, &Transcript::open(&dir), max).unwrap_or_default();
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }
}

/// How an agent is listened to; plain text is only kept.
fn listen(agent: &AgentSpec, same_tool: Option<u32>) -> Option<Listen> {
    let Watch { max_events, max_retries, longest_wait_ms, .. } = agent.watch;
    let dialect = agent.dialect;
    (dialect != DialectName::Text).then_some(Listen { dialect, max_events, max_retries, longest_wait_ms, same_tool })
}

/// The watch over a command of the operator's: it tells of silence alone.
fn quiet(order: &Order) -> Option<Watch> {
    let limit = order.spec.stuck.command_silence_ms;
    limit.is_some().then(|| Watch { first_byte_ms: limit, silence_ms: limit, ..Watch::default() })
}

/// What a running step has used, where its agent tells before its end.
fn used_so_far(order: &Order, live: &LiveOutput) -> Option<Usage> {
    let usage = live.story().map(|story| story.vitals().usage).filter(|usage| *usage != Usage::default())?;
    Some(priced(usage, order.agent().and_then(|agent| agent.price_of(agent.model.as_deref()))))
}

/// What is told of a call that is made again and again, or no longer.
fn circles(step: StepId, circling: Option<Circling>) -> Signal {
    let Some(Circling { call, times, since }) = circling else {
        return Signal::new(step, Sign::Varied, 0);
    };
    let what = Some(sanitize::plain_str(&call));
    Signal { what, times, ..Signal::new(step, Sign::Repeating, vitals::now().since(since)) }
}

async fn barked(dog: Option<&mut Watchdog>) -> Bark {
    match dog {
        Some(dog) => dog.next().await,
        None => std::future::pending().await,
    }
}

/// What each child finds in its environment, besides the marks that the supervisor sets.
fn environment_of(order: &Order, ports: Ports) -> Result<Vec<(OsString, OsString)>, String> {
    let mut env: Vec<(OsString, OsString)> = vec![
        ("LOOPDASH_LOOP".into(), order.spec.name.clone().into()),
        ("LOOPDASH_ITERATION".into(), order.iteration.to_string().into()),
        ("LOOPDASH_SLOT".into(), order.slot.to_string().into()),
        ("LOOPDASH_PORT_BASE".into(), ports.base(order.slot).to_string().into()),
    ];
    if let StepKind::Hook(hook) = &order.kind {
        env.push(("LOOPDASH_HOOK".into(), hook.key().into()));
    }
    if let Some(test) = &order.test {
        env.push(("LOOPDASH_TEST".into(), test.id.clone().into()));
    }
    if let Some(base) = order.workspace.as_ref().map(|place| &place.base) {
        env.push(("LOOPDASH_BASE".into(), base.into()));
    }
    if let Some(agent) = order.agent() {
        let own = environment::of_agent(agent)
            .map_err(|missing| format!("its environment refers to {missing}, which is not set where loopdash runs"))?;
        env.extend(own.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
    Ok(env)
}

fn obey(control: &Control, wish: Wish) {
    match wish {
        Wish::Run => control.thaw(),
        Wish::Freeze => control.freeze(),
        Wish::Stop => control.stop(),
        Wish::Kill => {
            // A second stop is the supervisor's word for at once.
            control.stop();
            control.stop();
        }
    }
}

fn not_started(job: &Job, why: String) -> Done {
    let mut done = job.failed(why);
    done.end.cause = Cause::NotStarted;
    done
}

/// Writes a private file in a step's directory, which is made if needed.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
