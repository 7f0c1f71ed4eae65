//! What lies on top of the dashboard: [`Overlay`], from a yes-or-no question to the palette.
//!
//! A question counts only keys that were read after it was painted, so that a key typed ahead never confirms anything.

use super::action::Action;
use crate::app::view::xray::XrayKey;
use crate::loops::core::agent::Role;
use crate::loops::core::attention::NeedKey;
use crate::loops::core::command::{Ask, LiveRuns};
use crate::loops::core::event::When;
use crate::loops::core::ids::{RunId, StepId, TestId};
use tui_input::{Input, InputRequest};

/// A layer on top of the dashboard.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The keys of the place below.
    Help,
    /// A question with choices.
    Dialog(Dialog),
    /// A box to type into.
    Text(TextBox),
    /// Anything by name.
    Palette(Palette),
    /// Interrupted runs at the start.
    Chooser(Chooser),
    /// All that is known of a step.
    Xray(XrayBox),
    /// What needs the operator.
    Attention(AttentionBox),
}

/// What a choice does.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Nothing.
    Nothing,
    /// Ask something of a run.
    Ask(RunId, Ask),
    /// Leave.
    Quit(LiveRuns),
}

/// One answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its key.
    pub key: char,
    /// Its words.
    pub label: String,
    /// What it does.
    pub intent: Intent,
    /// Whether it destroys something.
    pub danger: bool,
}

/// A question with choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialog {
    /// The question.
    pub title: String,
    /// What would happen, a sentence or two.
    pub body: String,
    /// The answers; the first keeps everything as it is unless it says otherwise.
    pub choices: Vec<Choice>,
    /// The one that Enter takes.
    pub selected: usize,
    /// The frame that first showed it.
    pub since: Option<u64>,
}

/// What a text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A note to the actor.
    Note(RunId, When),
    /// The answer to a question, which is shown.
    Answer(RunId, String),
    /// The title of a new test.
    AddTest(RunId),
    /// A note to an actor that seems stuck.
    Heal(RunId),
    /// Why a test counts as met.
    Waive(RunId, TestId),
    /// An iteration limit.
    Limit(RunId),
    /// The model of an agent for a role.
    Model(RunId, Role, String),
    /// The name of a run whose worktree and branch go.
    Scrap(RunId),
    /// The prompt of a new loop.
    NewLoop,
    /// The filter of the list.
    Filter,
    /// What to look for in the open pane.
    Search,
}

impl Purpose {
    /// Whether line breaks belong in it.
    pub const fn multi_line(&self) -> bool {
        matches!(self, Self::Note(..) | Self::Answer(..) | Self::Heal(_) | Self::NewLoop)
    }
}

/// A box to type into.
#[derive(Clone, Debug)]
pub struct TextBox {
    /// What for.
    pub purpose: Purpose,
    /// What was typed, and the cursor.
    pub input: Input,
}

/// The most bytes a box takes: what a note may hold.
pub const MAX_TEXT: usize = crate::loops::core::decide::MAX_NOTE;

impl TextBox {
    /// An empty box.
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, input: Input::default() }
    }

    /// Puts a text in at the cursor: without control characters, and on one line where the purpose has only one.
    /// What is beyond [`MAX_TEXT`] is left out, and `false` says so.
    pub fn insert(&mut self, text: &str) -> bool {
        let room = MAX_TEXT.saturating_sub(self.input.value().len());
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut taken = String::new();
        let mut whole = true;
        for c in text.chars() {
            let c = match c {
                '\n' if self.purpose.multi_line() => '\n',
                '\n' | '\t' => ' ',
                c if c.is_control() => continue,
                c => c,
            };
            if taken.len() + c.len_utf8() > room {
                whole = false;
                break;
            }
            taken.push(c);
        }
        // One rebuild instead of one insertion per character, which costs the square of a paste.
        let cursor = self.input.cursor();
        let at = self.input.value().char_indices().nth(cursor).map_or(self.input.value().len(), |(at, _)| at);
        let (before, after) = self.input.value().split_at(at);
        let value = format!("{before}{taken}{after}");
        self.input = Input::new(value).with_cursor(cursor + taken.chars().count());
        whole
    }

    /// Moves the cursor or deletes.
    pub fn edit(&mut self, request: InputRequest) {
        let _ = self.input.handle(request);
    }

    /// The text, trimmed.
    pub fn text(&self) -> &str {
        self.input.value().trim()
    }
}

/// Something that the palette offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// An action of the table.
    Do(Action),
    /// Select a run.
    Go(RunId),
    /// Start a loop of the configuration, by its position there.
    Start(usize),
    /// Give a role of a run to the agent of this name.
    Agent(RunId, Role, String),
    /// Set a run's worktree back to this iteration.
    Rewind(RunId, u32),
}

/// What a palette offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaletteOf {
    /// Actions, runs to go to, and loops to start.
    Everything,
    /// Loops to start.
    Loops,
    /// Agents for the roles of a run.
    Agents(RunId),
    /// Iterations of a run to go back to.
    Rewind(RunId),
}

/// Anything by name.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What was typed, and the cursor.
    pub input: Input,
    /// What it offers.
    pub of: PaletteOf,
    /// The row that Enter takes.
    pub selected: usize,
}

/// Interrupted runs at the start.
#[derive(Clone, Debug)]
pub struct Chooser {
    /// They, with whether each is to be resumed.
    pub runs: Vec<(RunId, bool)>,
    /// The row that Space marks.
    pub selected: usize,
    /// The frame that first showed it.
    pub since: Option<u64>,
}

/// All that is known of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XrayBox {
    /// Whose.
    pub run: RunId,
    /// Which step.
    pub step: StepId,
    /// How often it was looked at.
    pub look: u32,
}

/// What needs the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttentionBox {
    /// The entry that keys act on.
    pub at: Option<NeedKey>,
    /// Where it stood, for when it is gone.
    pub index: usize,
}

impl AttentionBox {
    /// Where the selected entry stands among these; the one in its place if it is gone.
    pub fn position(&self, keys: &[NeedKey]) -> Option<usize> {
        let known = self.at.and_then(|at| keys.iter().position(|key| *key == at));
        known.or_else(|| keys.len().checked_sub(1).map(|last| self.index.min(last)))
    }
}

impl XrayBox {
    /// What it would like to have read.
    pub const fn key(&self) -> XrayKey {
        XrayKey { run: self.run, step: self.step, look: self.look }
    }
}

impl Overlay {
    /// Notes that `frame` was drawn, with this on it.
    pub fn drawn(&mut self, frame: u64) {
        if let Self::Dialog(Dialog { since, .. }) | Self::Chooser(Chooser { since, .. }) = self {
            since.get_or_insert(frame);
        }
    }

    /// Whether a key that was read when the terminal had been given frame `seen` was meant for this.
    pub fn heeds(&self, seen: u64) -> bool {
        match self {
            Self::Dialog(Dialog { since, .. }) | Self::Chooser(Chooser { since, .. }) => {
                since.is_some_and(|since| seen >= since)
            }
            Self::Help | Self::Text(_) | Self::Palette(_) | Self::Xray(_) | Self::Attention(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_goes_in_at_the_cursor_without_control_characters() {
        let mut text = TextBox::new(Purpose::NewLoop);
        assert!(text.insert("ab"));
        text.edit(InputRequest::GoToPrevChar);
        assert!(text.insert("1\r\n2\u{1b}[31m\t3"));
        assert_eq!((text.input.value(), text.input.cursor()), ("a1\n2[31m 3b", 10));
        let mut line = TextBox::new(Purpose::Filter);
        assert!(line.insert("x\ny"));
        assert_eq!(line.input.value(), "x y");
    }

    #[test]
    fn a_box_takes_no_more_than_a_note_may_hold() {
        let mut text = TextBox::new(Purpose::NewLoop);
        assert!(!text.insert(&"é".repeat(MAX_TEXT)));
        assert_eq!(text.input.value().len(), MAX_TEXT);
        assert!(!text.insert("x"));
    }

    #[test]
    fn only_keys_read_after_its_paint_count() {
        let mut dialog = Overlay::Dialog(Dialog {
            title: String::new(),
            body: String::new(),
            choices: Vec::new(),
            selected: 0,
            since: None,
        });
        assert!(!dialog.heeds(7));
        dialog.drawn(8);
        assert!(!dialog.heeds(7) && dialog.heeds(8));
        dialog.drawn(9);
        assert!(dialog.heeds(8));
        assert!(Overlay::Help.heeds(0));
    }
}
