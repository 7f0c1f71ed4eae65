//! The dashboard's loop: one thread that hears keys, the engine and its own jobs, and draws at most once for all of it.
//!
//! [`run`] gives the terminal back and the engine its orders however it ends.

mod make;
mod visit;

use super::aside::Visit;
use super::input::{FromTerminal, Input, terminal_file};
use super::jobs::{Done, Jobs};
use super::keys::Typed;
use super::msg::{Effect, Msg};
use super::screen::Writer;
use super::shell::Shell;
use super::signals::Signals;
use super::terminal::{Terminal, output_file};
use super::ui::Tone;
use super::{Ending, Options};
use crate::app::agents::Agents;
use crate::app::config::OnHangup;
use crate::app::link::Link;
use crate::loops::agent::transcript::LiveOutput;
use crate::loops::core::command::{Command, LiveRuns, Rejected};
use crate::loops::core::ids::RunId;
use crate::loops::engine::{Accepted, Subscription, Update};
use crate::loops::fault;
use anyhow::Context as _;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep_until;

/// Word to something that was asked, mostly from the engine.
enum Answer {
    /// To a request: what to say when it is a yes.
    To(String, Result<Accepted, Rejected>),
    /// The fleet as it is; `None` if the engine is gone.
    Fleet(Option<Box<Subscription>>),
    /// It takes a while to make a request.
    Later,
    /// No loop could be made of a prompt.
    Unmade { prompt: String, why: String },
    /// The agents that a run can be given.
    Agents(RunId, Result<Agents, String>),
}

/// Why the loop is over.
enum Over {
    /// The engine has ended, or the operator will not wait for it.
    Left,
    /// A signal, or a terminal that has gone away; whether there is anybody left to tell.
    Told(bool),
}

/// Whether there is a terminal to draw on and one to read keys from.
pub fn has_terminal() -> bool {
    terminal_file().and(output_file()).is_ok()
}

/// Opens the dashboard and stays until the operator leaves. The engine is told what becomes of live runs; that it has
/// ended is for the caller to wait for.
///
/// # Errors
/// There is no terminal, or it cannot be set up.
pub async fn run(options: Options, link: Link) -> anyhow::Result<Ending> {
    let (done, ended) = tokio::sync::oneshot::channel();
    // A thread of its own: floods occupy the engine's threads, and a panic here must not take the engine along.
    std::thread::Builder::new().name("dashboard".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(8).build();
        let ending = runtime.context("make the dashboard's runtime").and_then(|runtime| {
            let ending = runtime.block_on(dashboard(options, link));
            // A job that still reads must not hold the end.
            runtime.shutdown_background();
            ending
        });
        // Nobody waits for it if this fails.
        let _ = done.send(ending);
    })?;
    ended.await.context("the dashboard has failed; its message is above")?
}

async fn dashboard(options: Options, link: Link) -> anyhow::Result<Ending> {
    let mut signals = Signals::new()?;
    let input_file = terminal_file().context("the dashboard needs a terminal; `--headless` needs none")?;
    let output = output_file().context("the dashboard needs a terminal; `--headless` needs none")?;
    let terminal = Terminal::enter().context("set up the terminal")?;
    let writer = Writer::start(output)?;
    let input = Input::start(input_file, writer.painted())?;
    let jobs = Jobs::new(link.clone());
    let (on_hangup, greeting) = (options.on_hangup, options.greeting.clone());
    let mut shell = Shell::new(options, terminal.size(), writer, jobs);
    // Something is on the screen before the first journal is read.
    shell.draw_now();
    let subscription = link.subscribe().await.ok();
    let mut desk = Desk::new(link.clone(), input);
    desk.take(&mut shell, subscription);
    desk.begin(&mut shell);
    if let Some(greeting) = greeting {
        shell.tell(Msg::Say(Tone::Good, greeting));
    }
    let over = desk.stay(&mut shell, &terminal, &mut signals).await;
    shell.let_go().await;
    drop(terminal);
    match over {
        Over::Left => Ok(Ending::Left),
        Over::Told(false) if on_hangup == OnHangup::Continue && !desk.quit => Ok(Ending::Unseen),
        Over::Told(somebody) => {
            desk.end_in_order(&mut signals, somebody).await;
            Ok(Ending::Interrupted)
        }
    }
}

/// Everything that the loop hears from.
struct Desk {
    link: Link,
    /// Absent while another program reads the terminal.
    input: Option<Input>,
    answers: mpsc::Receiver<Answer>,
    answers_in: mpsc::Sender<Answer>,
    updates: Option<broadcast::Receiver<Update>>,
    /// Whether the engine was told to end.
    quit: bool,
    /// Whether the operator wants the shell back for a while.
    suspend: bool,
    /// Who is to have the terminal next.
    visit: Option<Visit>,
}

/// One thing that was heard.
enum Heard {
    Terminal(Option<FromTerminal>),
    Update(Result<Update, broadcast::error::RecvError>),
    Job(Done),
    Answer(Answer),
    Output,
    Writer,
    Time,
    Resized,
    Stopped,
    Continued,
    Over(bool),
}

impl Desk {
    fn new(link: Link, input: Input) -> Self {
        let (answers_in, answers) = mpsc::channel(64);
        let input = Some(input);
        Self { link, input, answers, answers_in, updates: None, quit: false, suspend: false, visit: None }
    }

    /// Starts from the fleet as it is.
    fn take(&mut self, shell: &mut Shell, subscription: Option<Subscription>) {
        let Some(Subscription { fleet, live, updates, loading }) = subscription else {
            shell.tell(Msg::Trouble(Some("the engine has ended; q leaves".to_owned())));
            return;
        };
        self.updates = Some(updates);
        shell.start_from(fleet, live);
        if !loading {
            self.perform_all(shell, Msg::Loaded);
        }
    }

    /// Submits what is to run from the start.
    fn begin(&self, shell: &mut Shell) {
        if let Some(command) = shell.first_command() {
            self.send(command, String::new());
        }
    }

    async fn stay(&mut self, shell: &mut Shell, terminal: &Terminal, signals: &mut Signals) -> Over {
        loop {
            shell.draw_if_due();
            let heard = self.hear(shell, signals).await;
            if let Some(over) = self.heard(shell, terminal, heard) {
                return over;
            }
            // Whatever is there already joins the same frame.
            while let Some(Ok(event)) = self.input.as_mut().map(|input| input.events.try_recv()) {
                if let Some(over) = self.heard(shell, terminal, Heard::Terminal(Some(event))) {
                    return over;
                }
            }
            while let Some(Ok(update)) = self.updates.as_mut().map(broadcast::Receiver::try_recv) {
                if let Some(over) = self.heard(shell, terminal, Heard::Update(Ok(update))) {
                    return over;
                }
            }
            while let Some(done) = shell.jobs.try_next() {
                self.done(shell, done);
            }
            if std::mem::take(&mut self.suspend) {
                shell.let_go().await;
                terminal.suspend();
                signals.stop_here().await;
                back(shell, terminal);
            }
            if let Some(visit) = self.visit.take().or_else(|| shell.take_over_due())
                && let Some(over) = self.step_aside(shell, terminal, signals, visit).await
            {
                return over;
            }
        }
    }

    /// Waits for the next thing to happen. Keys come first.
    async fn hear(&mut self, shell: &mut Shell, signals: &mut Signals) -> Heard {
        // Asked once: were it asked again for `due`, a frame that ends in between would leave the next without a waker.
        let writing = shell.writer.is_busy();
        let due = shell.due(writing);
        let watched = shell.watched();
        let Shell { jobs, writer, .. } = shell;
        tokio::select! {
            biased;
            event = next_key(&mut self.input) => Heard::Terminal(event),
            _ = signals.terminate.recv() => Heard::Over(true),
            _ = signals.interrupt.recv() => Heard::Over(true),
            _ = signals.hangup.recv() => Heard::Over(false),
            _ = signals.stop.recv() => Heard::Stopped,
            _ = signals.resume.recv() => Heard::Continued,
            _ = signals.resize.recv() => Heard::Resized,
            () = writer.idle(), if writing => Heard::Writer,
            Some(answer) = self.answers.recv() => Heard::Answer(answer),
            update = next_update(&mut self.updates) => Heard::Update(update),
            done = jobs.next() => Heard::Job(done),
            () = more_output(watched) => Heard::Output,
            () = sleep_or_never(due) => Heard::Time,
        }
    }

    fn heard(&mut self, shell: &mut Shell, terminal: &Terminal, heard: Heard) -> Option<Over> {
        match heard {
            Heard::Terminal(Some(FromTerminal::Typed(typed, seen))) => {
                let msg = match typed {
                    Typed::Key(key) => Msg::Key { chord: key.into(), seen },
                    Typed::Paste(text) => Msg::Paste(text),
                };
                fault::at("key");
                shell.urgent();
                let effects = shell.tell(msg);
                return self.perform(shell, effects);
            }
            Heard::Terminal(Some(FromTerminal::Gone) | None) => return Some(Over::Told(false)),
            Heard::Over(somebody) => return Some(Over::Told(somebody)),
            Heard::Writer if shell.writer.is_gone() => return Some(Over::Told(false)),
            Heard::Writer | Heard::Time => {}
            Heard::Update(update) => return self.update(shell, update),
            Heard::Job(done) => self.done(shell, done),
            Heard::Answer(Answer::To(said, result)) => answered(shell, &said, result),
            Heard::Answer(Answer::Fleet(subscription)) => self.take(shell, subscription.map(|boxed| *boxed)),
            Heard::Answer(Answer::Later) => make::later(shell),
            Heard::Answer(Answer::Unmade { prompt, why }) => told(shell, Msg::Unmade { prompt, why }),
            Heard::Answer(Answer::Agents(run, agents)) => told(shell, Msg::Agents(run, agents)),
            Heard::Output => shell.output_changed(),
            Heard::Resized => {
                let (columns, rows) = terminal.size();
                shell.urgent();
                shell.tell(Msg::Resize(columns, rows));
            }
            Heard::Stopped => self.suspend = true,
            // Somebody else stopped us without a word, and the shell has had the terminal.
            Heard::Continued => back(shell, terminal),
        }
        None
    }

    fn update(&mut self, shell: &mut Shell, update: Result<Update, broadcast::error::RecvError>) -> Option<Over> {
        match update {
            Ok(Update::Ended) | Err(broadcast::error::RecvError::Closed) => {
                self.updates = None;
                if self.quit {
                    return Some(Over::Left);
                }
                shell.tell(Msg::Trouble(Some("the engine has ended; q leaves".to_owned())));
            }
            Ok(Update::Loaded) => self.perform_all(shell, Msg::Loaded),
            Ok(update) => shell.update(update),
            Err(broadcast::error::RecvError::Lagged(_)) => self.start_over(),
        }
        None
    }

    /// Too much has happened to catch up with: the fleet is asked for anew.
    fn start_over(&mut self) {
        self.updates = None;
        let (link, answers) = (self.link.clone(), self.answers_in.clone());
        tokio::spawn(async move {
            let subscription = link.subscribe().await.ok().map(Box::new);
            // The screen is gone if this fails.
            let _ = answers.send(Answer::Fleet(subscription)).await;
        });
    }

    fn done(&self, shell: &mut Shell, done: Done) {
        if let Some(msg) = shell.loaded(done) {
            shell.urgent();
            self.perform_all(shell, msg);
        }
    }

    /// Tells the screen something that cannot end the loop.
    fn perform_all(&self, shell: &mut Shell, msg: Msg) {
        for effect in shell.tell(msg) {
            if let Effect::Send { command, said } = effect {
                self.send(command, said);
            }
        }
    }

    fn perform(&mut self, shell: &mut Shell, effects: Vec<Effect>) -> Option<Over> {
        for effect in effects {
            match effect {
                Effect::Send { command, said } => self.send(command, said),
                Effect::NewLoop(prompt) => {
                    if let Some(made) = shell.new_loop(&prompt) {
                        self.make(made, Some(prompt));
                    }
                }
                Effect::StartLoop(index) => {
                    if let Some(made) = shell.start_loop(index) {
                        self.make(made, None);
                    }
                }
                Effect::ReadAgents(run) => self.read_agents(shell, run),
                Effect::SetAgent { command, said } => {
                    if let Some(made) = shell.set_agent(command, said) {
                        self.make(made, None);
                    }
                }
                Effect::Copy(text) => shell.copy(&text, &text),
                Effect::CopyCommand => shell.copy_command(),
                Effect::Visit(wish) => match shell.visit(wish) {
                    Ok(visit) => self.visit = Some(visit),
                    Err(why) => {
                        shell.tell(Msg::Say(Tone::Bad, why));
                    }
                },
                Effect::Suspend => self.suspend = true,
                Effect::Redraw => shell.repaint(),
                Effect::Quit(live) => {
                    if self.quit || self.updates.is_none() {
                        return Some(Over::Left);
                    }
                    self.quit = true;
                    shell.leaving();
                    self.send(Command::Shutdown { live }, String::new());
                }
            }
        }
        None
    }

    /// Asks the engine; the answer comes back as [`Heard::Answer`].
    fn send(&self, command: Command, said: String) {
        let (link, answers) = (self.link.clone(), self.answers_in.clone());
        tokio::spawn(async move {
            let answer = link.send(command).await;
            // The screen is gone if this fails.
            let _ = answers.send(Answer::To(said, answer)).await;
        });
    }

    /// Pauses what runs and waits until it is safe, or until a second signal.
    async fn end_in_order(&mut self, signals: &mut Signals, somebody: bool) {
        if self.updates.is_none() {
            return;
        }
        if somebody {
            // Nobody reads it if this fails.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), b"loopdash: pausing the loops\n");
        }
        if !self.quit && self.link.send(Command::Shutdown { live: LiveRuns::Pause }).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                update = next_update(&mut self.updates) => match update {
                    Ok(Update::Ended) | Err(broadcast::error::RecvError::Closed) => return,
                    _ => {}
                },
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
            }
        }
    }
}

async fn next_key(input: &mut Option<Input>) -> Option<FromTerminal> {
    match input {
        Some(input) => input.events.recv().await,
        None => pending().await,
    }
}

/// Tells the operator what came of a request.
fn answered(shell: &mut Shell, said: &str, result: Result<Accepted, Rejected>) {
    let (tone, text) = match result {
        Err(rejected) => (Tone::Bad, rejected.0),
        Ok(accepted) => (Tone::Good, accepted.note.unwrap_or_else(|| said.to_owned())),
    };
    if !text.is_empty() {
        told(shell, Msg::Say(tone, text));
    }
}

/// Lets the screen know something that the operator waits for.
fn told(shell: &mut Shell, msg: Msg) {
    shell.urgent();
    shell.tell(msg);
}

/// Takes the terminal again after a stop, whatever has happened to it.
fn back(shell: &mut Shell, terminal: &Terminal) {
    if let Err(error) = terminal.resume() {
        tracing::warn!(%error, "the terminal cannot be set up again");
    }
    shell.tell(Msg::Resize(terminal.size().0, terminal.size().1));
    shell.repaint();
}

async fn next_update(updates: &mut Option<broadcast::Receiver<Update>>) -> Result<Update, broadcast::error::RecvError> {
    match updates {
        Some(updates) => updates.recv().await,
        None => pending().await,
    }
}

/// Waits until a step has printed more than `seen`, but not before `from`.
async fn more_output(watched: Option<(Arc<LiveOutput>, u64, Instant)>) {
    match watched {
        Some((output, seen, from)) => {
            sleep_until(from.into()).await;
            output.changed(seen).await;
        }
        None => pending().await,
    }
}

async fn sleep_or_never(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => pending().await,
    }
}
