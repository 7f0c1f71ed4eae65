//! Everything the operator can do, in one table: [`TABLE`].
//!
//! Key bindings, footer hints, the help screen, the palette, the reasons for grey keys and the README's key table are
//! read from it, so that none of them can disagree with another.

use crate::loops::core::watch::Remedy;
use std::fmt::Write as _;

/// Something the operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below documents each, in the words that the operator reads")]
pub enum Action {
    Down,
    Up,
    Top,
    Bottom,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Left,
    Right,
    NextRun,
    PrevRun,
    NextAttention,
    Attention,
    SwitchFocus,
    Zoom,
    Back,
    ShowOutput,
    ShowDiff,
    ShowVerdict,
    ShowTests,
    ShowGates,
    ShowTimeline,
    NextPane,
    PrevPane,
    NextFile,
    PrevFile,
    NextHunk,
    PrevHunk,
    DiffScope,
    Wrap,
    Raw,
    Search,
    NextHit,
    PrevHit,
    Filter,
    Pause,
    PauseNow,
    Freeze,
    Resume,
    Stop,
    SkipTest,
    ResetTest,
    WaiveTest,
    Retry,
    Note,
    Interrupt,
    Answer,
    AddTest,
    PriorityUp,
    PriorityDown,
    HoldBehind,
    Limit,
    CapUp,
    CapDown,
    NewLoop,
    StartLoop,
    Rewind,
    Undo,
    Scrap,
    Land,
    TakeOver,
    Shell,
    Edit,
    CopyPath,
    SetAgent,
    Xray,
    Palette,
    Help,
    Suspend,
    Redraw,
    Quit,
    GoThere,
    Dismiss,
    HealNote,
    HealRestart,
    HealStronger,
    HealRewind,
    HealSkip,
    HealWaive,
    HealPark,
    Accept,
    Cancel,
    ChoiceNext,
    ChoicePrev,
    Mark,
    MarkAll,
    NextStep,
    PrevStep,
    LookAgain,
    CopyCommand,
    NewLine,
}

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The dashboard with nothing on top of it.
    Main,
    /// The Output pane.
    Output,
    /// The Diff pane.
    Diff,
    /// A question with choices.
    Dialog,
    /// A box to type into.
    Text,
    /// The palette.
    Palette,
    /// The list of interrupted runs at the start.
    Chooser,
    /// The help screen.
    Help,
    /// A step's X-ray.
    Xray,
    /// What needs the operator.
    Attention,
}

/// How the help screen and the README group actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Where the eye is.
    Move,
    /// What is seen.
    See,
    /// What the selected run does.
    Steer,
    /// loopdash itself.
    Loopdash,
    /// Inside dialogs and boxes.
    Boxes,
}

impl Group {
    /// In the order of the help screen.
    pub const ALL: [Self; 5] = [Self::Steer, Self::See, Self::Move, Self::Loopdash, Self::Boxes];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Moving",
            Self::See => "Seeing",
            Self::Steer => "Steering the selected run",
            Self::Loopdash => "loopdash",
            Self::Boxes => "In dialogs and boxes",
        }
    }
}

/// One action with all that is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub action: Action,
    /// What the palette calls it.
    pub name: &'static str,
    /// The word in the footer; empty for what is not worth a hint.
    pub hint: &'static str,
    /// What it does, in a phrase.
    pub doc: &'static str,
    /// Its keys, the one to show first.
    pub keys: &'static [&'static str],
    /// Where they mean it.
    pub places: &'static [Place],
    /// Its group.
    pub group: Group,
    /// Whether it asks before it does anything.
    pub asks: bool,
}

const fn row(action: Action, name: &'static str, keys: &'static [&'static str], doc: &'static str) -> Row {
    Row { action, name, hint: "", doc, keys, places: &[Place::Main], group: Group::Move, asks: false }
}

impl Row {
    const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
    const fn at(mut self, places: &'static [Place]) -> Self {
        self.places = places;
        self
    }
    const fn of(mut self, group: Group) -> Self {
        self.group = group;
        self
    }
    const fn asks(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Whether the palette offers it: what acts on the dashboard and is not a step of the cursor.
    pub fn in_palette(&self) -> bool {
        self.group != Group::Boxes && self.group != Group::Move && self.action != Action::Palette
            || matches!(self.action, Action::NextAttention | Action::Top | Action::Bottom)
    }
}

const LISTS: &[Place] = &[Place::Main, Place::Chooser, Place::Help, Place::Xray, Place::Attention];
const PAGES: &[Place] = &[Place::Main, Place::Help, Place::Xray];
const BOXES: &[Place] =
    &[Place::Dialog, Place::Text, Place::Palette, Place::Chooser, Place::Help, Place::Xray, Place::Attention];
/// Keys that solve what needs the operator, there and on the dashboard.
const SOLVE: &[Place] = &[Place::Main, Place::Attention];

/// All actions, in the order in which help shows them and the footer ranks them.
#[rustfmt::skip]
pub const TABLE: &[Row] = {
    use Action as A;
    use Group::{Boxes, Loopdash, See, Steer};
    use Place as P;
    &[
        row(A::Answer,       "answer",          &["a"], "answer the question that it waits with").of(Steer).at(SOLVE).hint("answer"),
        row(A::Pause,        "pause",           &["p"], "pause it when the running step has ended").of(Steer).at(SOLVE).hint("pause"),
        row(A::PauseNow,     "pause now",       &["P"], "pause it at once; the running step starts anew on resume").of(Steer),
        row(A::Freeze,       "freeze",          &["Z"], "stop its processes where they are; it keeps its slot").of(Steer),
        row(A::Resume,       "resume",          &["r"], "let it go on; takes up an interrupted run").of(Steer).hint("resume"),
        row(A::Stop,         "stop",            &["S"], "end it for good; its branch and snapshots stay").of(Steer).at(SOLVE).asks(),
        row(A::SkipTest,     "skip test",       &["s"], "leave a test out: the selected one in Tests, else the current one").of(Steer).at(SOLVE).hint("skip test").asks(),
        row(A::WaiveTest,    "waive test",      &["W"], "let a test count as met by your word; it asks why").of(Steer).at(SOLVE),
        row(A::ResetTest,    "reset test",      &["x"], "start a test over with no attempts").of(Steer).hint("reset test").asks(),
        row(A::Retry,        "retry",           &["R"], "try again what blocked it, the selected blocked test, or the gates").of(Steer).at(SOLVE).hint("retry"),
        row(A::Note,         "note",            &["n"], "tell the actor something in its next prompt").of(Steer).at(SOLVE).hint("note"),
        row(A::Interrupt,    "interrupt",       &["N"], "tell the actor something now: its step starts anew with it").of(Steer),
        row(A::AddTest,      "add test",        &["t"], "add a test to the run").of(Steer),
        row(A::PriorityUp,   "priority up",     &["+", "="], "raise its priority").of(Steer),
        row(A::PriorityDown, "priority down",   &["-"], "lower its priority").of(Steer),
        row(A::HoldBehind,   "hold behind",     &["B"], "let it wait until the work of a run that changes the same files has landed; again: no longer").of(Steer).at(SOLVE).hint("wait"),
        row(A::Rewind,       "rewind",          &["b"], "set its worktree back to what an iteration left; what came after is kept").of(Steer).asks(),
        row(A::Undo,         "undo",            &["u"], "bring back what the last rewind, scrap or undo took away").of(Steer).asks(),
        row(A::Scrap,        "scrap",           &["X"], "remove the worktree and branch of a run that is over; what they hold is kept").of(Steer).asks(),
        row(A::Land,         "land",            &["m"], "put the work of a run that is over on its target, in one commit").of(Steer).hint("land").asks(),
        row(A::TakeOver,     "take over",       &["i"], "pause it and open its agent's own screen in the worktree; it goes on afterwards").of(Steer).hint("take over"),
        row(A::Shell,        "shell",           &["!"], "open a shell in its worktree").of(Steer),
        row(A::Edit,         "edit",            &["e"], "open your editor on the file under the cursor: in Diff, Verdict, Tests, Output, Gates").of(Steer),
        row(A::SetAgent,     "agent",           &["A"], "give its actor's or critic's role to another agent or model, from the next iteration on").of(Steer),
        row(A::Limit,        "iteration limit", &["M"], "set after how many iterations it ends, or the budget that it waits for").of(Steer).at(SOLVE),
        row(A::CopyPath,     "copy path",       &["y"], "copy the path of its worktree to the clipboard, or the command that helps").of(Steer).at(SOLVE),

        row(A::NewLoop,      "new loop",        &["c"], "start a loop from a prompt").of(Loopdash).hint("new loop"),
        row(A::StartLoop,    "start loop",      &["L"], "start a loop of loopdash.toml").of(Loopdash),

        row(A::ShowOutput,   "show output",     &["1"], "what its steps print").of(See),
        row(A::ShowDiff,     "show diff",       &["2"], "what it changed").of(See),
        row(A::ShowVerdict,  "show verdict",    &["3"], "what the critic said, iteration by iteration").of(See),
        row(A::ShowTests,    "show tests",      &["4"], "its work items").of(See),
        row(A::ShowGates,    "show gates",      &["5"], "what the gates found").of(See),
        row(A::ShowTimeline, "show timeline",   &["6"], "everything that happened").of(See),
        row(A::NextPane,     "next pane",       &["]"], "the pane to the right").of(See),
        row(A::PrevPane,     "previous pane",   &["["], "the pane to the left").of(See),
        row(A::DiffScope,    "diff scope",      &["d"], "since the base, or since the last iteration").of(See).at(&[P::Diff]).hint("since…"),
        row(A::NextFile,     "next file",       &["}"], "the next changed file").of(See).at(&[P::Diff]).hint("file"),
        row(A::PrevFile,     "previous file",   &["{"], "the changed file before").of(See).at(&[P::Diff]),
        row(A::NextHunk,     "next hunk",       &[")"], "the next hunk").of(See).at(&[P::Diff]).hint("hunk"),
        row(A::PrevHunk,     "previous hunk",   &["("], "the hunk before").of(See).at(&[P::Diff]),
        row(A::Wrap,         "wrap",            &["w"], "wrap long lines, or cut them").of(See).at(&[P::Output, P::Diff]),
        row(A::Raw,          "raw output",      &["v"], "all that an agent printed, secrets masked, or the story of it").of(See).at(&[P::Output]),
        row(A::NextHit,      "next hit",        &["."], "the next match of the search").of(See),
        row(A::PrevHit,      "previous hit",    &[","], "the match before").of(See),
        row(A::Xray,         "x-ray",           &["I"], "all about a step: command, environment, processes, end").of(See).hint("x-ray"),
        row(A::Zoom,         "zoom",            &["enter"], "give the pane the whole screen, or give it back").of(See).hint("zoom"),
        row(A::Search,       "search",          &["/"], "search the open pane of the selected run").of(See).hint("search"),
        row(A::Filter,       "filter",          &["f"], "show only the loops whose name holds a text").of(See),

        row(A::Down,         "down",            &["j", "down"], "one down").at(LISTS),
        row(A::Up,           "up",              &["k", "up"], "one up").at(LISTS),
        row(A::Top,          "top",             &["g", "home"], "to the top").at(LISTS),
        row(A::Bottom,       "bottom",          &["G", "end"], "to the end; in Output, follow again").at(LISTS),
        row(A::PageDown,     "page down",       &["pagedown", "space", "ctrl-f"], "a page down").at(PAGES),
        row(A::PageUp,       "page up",         &["pageup", "ctrl-b"], "a page up").at(PAGES),
        row(A::HalfDown,     "half page down",  &["ctrl-d"], "half a page down").at(PAGES),
        row(A::HalfUp,       "half page up",    &["ctrl-u"], "half a page up").at(PAGES),
        row(A::Left,         "left",            &["h", "left"], "to the left along cut lines; from the pane to the list"),
        row(A::Right,        "right",           &["l", "right"], "to the right along cut lines; from the list to the pane"),
        row(A::SwitchFocus,  "switch focus",    &["tab", "backtab"], "between the list and the pane"),
        row(A::NextRun,      "next loop",       &["J"], "select the next loop from anywhere"),
        row(A::PrevRun,      "previous loop",   &["K"], "select the loop before from anywhere"),
        row(A::NextAttention,"next needs you",  &["o"], "select the next loop that needs you"),
        row(A::Attention,    "attention",       &["0"], "all that needs you, by urgency and age, with the keys that solve it").of(See).hint("needs you"),
        row(A::Back,         "back",            &["esc"], "drop the search, the zoom or the filter, one after the other"),

        row(A::CapUp,        "cap up",          &[">"], "let one more loop run at once").of(Loopdash),
        row(A::CapDown,      "cap down",        &["<"], "let one loop fewer run at once; running ones go on").of(Loopdash).at(SOLVE),
        row(A::Palette,      "palette",         &[":"], "find anything by name").of(Loopdash).hint("palette"),
        row(A::Help,         "help",            &["?", "f1"], "the keys of this place").of(Loopdash).hint("help"),
        row(A::Suspend,      "suspend",         &["ctrl-z"], "back to the shell with loopdash stopped; fg returns").of(Loopdash),
        row(A::Redraw,       "redraw",          &["ctrl-l"], "paint the whole screen anew").of(Loopdash),
        row(A::Quit,         "quit",            &["q", "ctrl-c"], "leave; live runs are paused or stopped, as you choose").of(Loopdash),

        row(A::GoThere,      "go there",        &["enter"], "select the loop that it is about").of(Boxes).at(&[P::Attention]),
        row(A::Dismiss,      "seen",            &["space"], "be told of a signal or alert no more, until it is raised again").of(Boxes).at(&[P::Attention]),
        row(A::HealNote,     "note about it",   &["1"], "tell the actor what is seen; the text can be changed first").of(Boxes).at(&[P::Attention]),
        row(A::HealRestart,  "restart the step",&["2"], "end the running step and start it anew").of(Boxes).at(&[P::Attention]),
        row(A::HealStronger, "stronger agent",  &["3"], "give the actor's role to the loop's stronger agent; a blocked test starts over with it").of(Boxes).at(&[P::Attention]),
        row(A::HealRewind,   "rewind to best",  &["4"], "set the worktree back to what its best iteration left, and go on from there").of(Boxes).at(&[P::Attention]).asks(),
        row(A::HealSkip,     "skip its test",   &["5"], "leave the test at work out").of(Boxes).at(&[P::Attention]).asks(),
        row(A::HealWaive,    "waive its test",  &["6"], "let the test at work count as met").of(Boxes).at(&[P::Attention]).asks(),
        row(A::HealPark,     "park",            &["7"], "end its step, give its slot back and wait for you").of(Boxes).at(&[P::Attention]),
        row(A::Accept,       "accept",          &["enter"], "take what is selected or typed").of(Boxes).at(&[P::Dialog, P::Text, P::Palette, P::Chooser]),
        row(A::Cancel,       "cancel",          &["esc", "ctrl-c"], "leave it").of(Boxes).at(BOXES),
        row(A::ChoiceNext,   "next choice",     &["tab", "right", "down", "ctrl-n"], "the next choice").of(Boxes).at(&[P::Dialog, P::Palette]),
        row(A::ChoicePrev,   "previous choice", &["backtab", "left", "up", "ctrl-p"], "the choice before").of(Boxes).at(&[P::Dialog, P::Palette]),
        row(A::Mark,         "mark",            &["space"], "mark the run, or unmark it").of(Boxes).at(&[P::Chooser]),
        row(A::MarkAll,      "mark all",        &["a"], "mark all, or none").of(Boxes).at(&[P::Chooser]),
        row(A::NextStep,     "next step",       &["l", "right", "tab"], "the next step").of(Boxes).at(&[P::Xray]),
        row(A::PrevStep,     "previous step",   &["h", "left", "backtab"], "the step before").of(Boxes).at(&[P::Xray]),
        row(A::LookAgain,    "look again",      &["r"], "read its processes again").of(Boxes).at(&[P::Xray]),
        row(A::CopyCommand,  "copy command",    &["y"], "copy a command that does the step again").of(Boxes).at(&[P::Xray]),
        row(A::NewLine,      "new line",        &["alt-enter", "ctrl-j"], "a line break in a note, answer or prompt").of(Boxes).at(&[P::Text]),
    ]
};

impl Action {
    /// The key's action that takes a remedy.
    pub const fn of_remedy(remedy: Remedy) -> Self {
        match remedy {
            Remedy::Note => Self::HealNote,
            Remedy::Restart => Self::HealRestart,
            Remedy::Stronger => Self::HealStronger,
            Remedy::Rewind => Self::HealRewind,
            Remedy::Skip => Self::HealSkip,
            Remedy::Waive => Self::HealWaive,
            Remedy::Park => Self::HealPark,
        }
    }

    /// The remedy that it takes, if it does.
    pub fn remedy(self) -> Option<Remedy> {
        Remedy::ALL.into_iter().find(|remedy| Self::of_remedy(*remedy) == self)
    }
}

/// The table's row of an action.
pub fn row_of(action: Action) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.action == action)
}

/// The README's key table, one Markdown table for each group.
pub fn key_table_markdown() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = write!(text, "**{}**\n\n| key | does |\n|---|---|\n", group.title());
        for row in TABLE.iter().filter(|row| row.group == group) {
            let keys: Vec<String> = row.keys.iter().map(|key| format!("`{}`", super::chord::shown(key))).collect();
            let place = match row.places {
                [Place::Output] => " (Output)",
                [Place::Diff] => " (Diff)",
                [Place::Output, Place::Diff] => " (Output, Diff)",
                [Place::Chooser] => " (interrupted runs)",
                [Place::Xray] => " (x-ray)",
                [Place::Attention] => " (attention)",
                _ => "",
            };
            let asks = if row.asks { "; asks first" } else { "" };
            let _ = writeln!(text, "| {} | {}{place}{asks} |", keys.join(" "), row.doc);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_has_one_row_with_words_and_keys() {
        let mut seen = HashSet::new();
        for row in TABLE {
            assert!(seen.insert(row.action), "{:?} twice", row.action);
            assert!(!row.keys.is_empty() && !row.doc.is_empty() && !row.places.is_empty(), "{:?}", row.action);
            assert!(!row.doc.ends_with('.') && row.doc.starts_with(char::is_lowercase), "{}", row.doc);
        }
        assert_eq!(row_of(Action::NewLine).unwrap().name, "new line");
        assert_eq!(seen.len(), Action::NewLine as usize + 1, "an action without a row");
    }

    #[test]
    fn the_keys_that_the_operator_was_promised_are_there() {
        for key in "j k g G 1 2 3 4 5 6 tab enter p P r S s x R n N a + - < > / f : ? q".split(' ') {
            assert!(TABLE.iter().any(|r| r.keys.contains(&key) && r.places.contains(&Place::Main)), "{key}");
        }
    }

    #[test]
    fn the_readme_shows_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let (before, rest) = readme.split_once("<!-- keys:start -->").unwrap();
        let (shown, after) = rest.split_once("<!-- keys:end -->").unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let table = key_table_markdown();
            let text = format!("{before}<!-- keys:start -->\n{table}<!-- keys:end -->{after}");
            std::fs::write(path, text).unwrap();
            return;
        }
        assert_eq!(shown.trim(), key_table_markdown().trim(), "run the test with UPDATE_DOCS=1");
        assert_eq!(key_table_markdown().matches("| key | does |").count(), Group::ALL.len());
    }
}
