//! The screen steps aside for another program, and comes back.
//!
//! The engine and the loops go on meanwhile; what they tell is asked for anew afterwards if it was too much.

use super::{Desk, Over, Signals, back};
use crate::app::tui::aside::{self, Guest, Visit};
use crate::app::tui::input::{Input, terminal_file};
use crate::app::tui::msg::Msg;
use crate::app::tui::shell::Shell;
use crate::app::tui::terminal::Terminal;
use crate::app::tui::ui::Tone;

impl Desk {
    /// Lets a program have the terminal until it ends, or until loopdash is told to end.
    pub(super) async fn step_aside(
        &mut self,
        shell: &mut Shell,
        terminal: &Terminal,
        signals: &mut Signals,
        visit: Visit,
    ) -> Option<Over> {
        shell.let_go().await;
        if let Some(input) = self.input.take() {
            input.end();
        }
        terminal.suspend();
        let mut over = None;
        let told = match terminal_file().map_err(|error| error.to_string()).and_then(|file| Guest::start(&visit, file))
        {
            Err(why) => (Tone::Bad, why),
            Ok(guest) => {
                let group = guest.group();
                let mut ended = tokio::task::spawn_blocking(move || guest.wait());
                let bad = loop {
                    tokio::select! {
                        end = &mut ended => break end.ok().flatten(),
                        _ = signals.terminate.recv() => over = Some(Over::Told(true)),
                        _ = signals.hangup.recv() => over = Some(Over::Told(false)),
                    }
                    aside::dismiss(group).await;
                };
                match bad {
                    None => (Tone::Info, format!("back from {}", visit.what)),
                    Some(end) => (Tone::Bad, format!("{} ended: {end}", visit.what)),
                }
            }
        };
        let input = terminal_file().and_then(|file| Input::start(file, shell.writer.painted()));
        match input {
            Ok(input) => self.input = Some(input),
            Err(error) => {
                tracing::error!(%error, "the terminal cannot be read any more");
                over = over.or(Some(Over::Told(false)));
            }
        }
        if over.is_none() {
            back(shell, terminal);
            shell.tell(Msg::Say(told.0, told.1));
            if let Some((command, said)) = shell.back_from_visit() {
                self.send(command, said);
            }
        }
        over
    }
}
