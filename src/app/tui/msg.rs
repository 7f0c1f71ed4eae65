//! What happens to the screen, and what it wants done: [`Msg`] in, [`Effect`] out.
//!
//! Both are plain data, so that a test can drive the dashboard with a string of keys.

use super::chord::Chord;
use super::ui::{Seen, Tone};
use crate::app::agents::Agents;
use crate::app::view::loaded::SearchWant;
use crate::loops::core::command::{Command, LiveRuns};
use crate::loops::core::ids::RunId;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key, and the last frame that the terminal had been given when it was read.
    Key {
        /// The key.
        chord: Chord,
        /// That frame's number.
        seen: u64,
    },
    /// A bracketed paste.
    Paste(String),
    /// Other columns and rows.
    Resize(u16, u16),
    /// A frame was drawn.
    Drawn(Seen),
    /// The fleet changed.
    Fleet,
    /// The journals have been read.
    Loaded,
    /// Something to tell for a while.
    Say(Tone, String),
    /// Standing trouble of the engine, or its end.
    Trouble(Option<String>),
    /// The agents that a run can be given, or why they are not known.
    Agents(RunId, Result<Agents, String>),
    /// No loop could be made of a prompt.
    Unmade {
        /// What was typed.
        prompt: String,
        /// Why, as a fragment.
        why: String,
    },
    /// A search has ended.
    Found {
        /// What was searched.
        want: SearchWant,
        /// Lines of the pane's document that match, ascending.
        hits: Vec<u64>,
        /// Whether there are more.
        more: bool,
    },
}

/// Which program is to have the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The operator's shell in the selected run's worktree.
    Shell,
    /// The operator's editor on what the open pane shows.
    Editor,
}

/// Something to be done outside the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the engine; the answer is told in the footer as `said`.
    Send {
        /// What.
        command: Command,
        /// What to say when it is accepted.
        said: String,
    },
    /// Make a loop of this prompt and submit it.
    NewLoop(String),
    /// Submit the loop at this position of the configuration.
    StartLoop(usize),
    /// Find out which agents this run can be given.
    ReadAgents(RunId),
    /// Ask the engine to give a role to an agent, once the agent was found to work.
    SetAgent {
        /// What.
        command: Command,
        /// What to say when it is accepted.
        said: String,
    },
    /// Put a text on the clipboard.
    Copy(String),
    /// Put the command of the step that is looked at on the clipboard.
    CopyCommand,
    /// Let another program have the terminal.
    Visit(Wish),
    /// Give the terminal back and stop, as Ctrl-Z does.
    Suspend,
    /// Paint everything anew.
    Redraw,
    /// Leave. With live runs, what becomes of them.
    Quit(LiveRuns),
}
