//! Texts for the clipboard of whoever sits at the terminal, by way of OSC 52.
//!
//! A terminal does not say whether it took one, so what stands between is named instead.

use super::Shell;
use crate::app::reproduce;
use crate::app::tui::msg::Msg;
use crate::app::tui::overlay::Overlay;
use crate::app::tui::ui::Tone;
use crate::widgets::format;
use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;

/// Terminals commonly take no more bytes than this onto the clipboard.
const MOST_COPIED: usize = 48 * 1024;

impl Shell {
    /// Puts a text on the clipboard, and says so of `what`.
    pub(in crate::app::tui) fn copy(&mut self, text: &str, what: &str) {
        if text.len() > MOST_COPIED {
            let size = format::bytes(text.len() as u64);
            self.tell(Msg::Say(Tone::Bad, format!("{size} is too long for the clipboard")));
        } else if queue!(self.extra, CopyToClipboard::to_clipboard_from(text)).is_ok() {
            self.tell(Msg::Say(Tone::Good, format!("copied {what}{}", between())));
        }
    }

    /// Puts the command of the step that is looked at on the clipboard.
    pub(in crate::app::tui) fn copy_command(&mut self) {
        let Some(Overlay::Xray(shown)) = self.ui.overlays.last() else { return };
        let step = self.fleet.state(shown.run).and_then(|state| state.step(shown.step));
        let (Some(step), Some(xray)) = (step, self.loaded.xray(shown.key())) else {
            self.tell(Msg::Say(Tone::Info, "it is still being read".to_owned()));
            return;
        };
        let text = reproduce::command(step, xray.launched.as_ref().ok(), &xray.dir.join("prompt.md"));
        match text {
            Ok(text) => {
                self.copy(&text, &format!("the command of step {}, {} characters", shown.step, text.chars().count()))
            }
            Err(why) => {
                self.tell(Msg::Say(Tone::Bad, why));
            }
        }
    }
}

/// What stands between this terminal and the operator's clipboard, and has to let it through.
fn between() -> &'static str {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("TMUX") {
        "; tmux passes it on if its set-clipboard is on"
    } else if set("STY") {
        "; screen does not pass it on"
    } else if set("SSH_TTY") || set("SSH_CONNECTION") {
        "; over SSH your terminal has to allow OSC 52"
    } else {
        ""
    }
}
