//! The semantic roles a theme gives a style to.
//! See [`Role`]: widgets name a role, never a colour.

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a piece of the screen means; the theme decides how that looks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $variant,)* }

        impl Role {
            /// Every role, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in theme files, such as `border.focus`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The role of that name in a theme file.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

roles! {
    /// What lies under everything.
    Background = "background",
    /// The title bar and the footer.
    Bar = "bar",
    /// What lies under dialogs and other boxes on top of the screen.
    Overlay = "overlay",
    /// Ordinary text.
    Text = "text",
    /// Names and titles.
    Strong = "strong",
    /// Secondary text, always readable.
    Dim = "dim",
    /// Text that only has to be found when looked for.
    Faint = "faint",
    /// What the eye should find first without being an alarm.
    Accent = "accent",
    /// Section headings.
    Heading = "heading",
    /// The product name and the open tab.
    Badge = "badge",
    /// A run or step at work.
    Running = "running",
    /// Something waits for a person.
    Attention = "attention",
    /// Something failed, or a key destroys something.
    Danger = "danger",
    /// Something passed or is done.
    Ok = "ok",
    /// Something waits for its turn.
    Queued = "queued",
    /// Something was paused.
    Paused = "paused",
    /// The selected row. Where it has a foreground, that overrides the text's own.
    Selection = "selection",
    /// A border without the focus.
    Border = "border",
    /// The border of the pane that keys go to.
    BorderFocus = "border.focus",
    /// The border of a box that asks something.
    BorderAttention = "border.attention",
    /// A key name in a hint.
    Key = "key",
    /// A key name drawn as a block.
    KeyChip = "key.chip",
    /// The same, where the key destroys something.
    KeyDanger = "key.danger",
    /// A key or choice that does not apply here.
    Disabled = "disabled",
    /// A branch name.
    Branch = "branch",
    /// A file path.
    Path = "path",
    /// What a child process wrote to stderr.
    Stderr = "stderr",
    /// What the operator told an agent.
    Note = "note",
    /// The used part of a meter.
    Meter = "meter",
    /// The free part of a meter.
    MeterEmpty = "meter.empty",
    /// A plus sign or an insertion count.
    Added = "added",
    /// A minus sign or a deletion count.
    Removed = "removed",
    /// The ground of an added line.
    AddedLine = "added.line",
    /// The ground of a removed line.
    RemovedLine = "removed.line",
    /// The ground of the words that were added within a line.
    AddedWord = "added.word",
    /// The ground of the words that were removed within a line.
    RemovedWord = "removed.word",
    /// A hunk header.
    Hunk = "hunk",
    /// Line numbers and guide lines.
    Gutter = "gutter",
    /// A search hit.
    SearchHit = "search.hit",
    /// The search hit the cursor is on.
    SearchCurrent = "search.current",
    /// The letters a fuzzy match matched.
    Match = "match",
    /// The phase that prepares a worktree.
    PhaseSetup = "phase.setup",
    /// The phase in which the actor works.
    PhaseActor = "phase.actor",
    /// The phase that takes a snapshot.
    PhaseSnapshot = "phase.snapshot",
    /// The phase in which the gates run.
    PhaseGates = "phase.gates",
    /// The phase in which the critic reads.
    PhaseCritic = "phase.critic",
    /// A language keyword.
    SyntaxKeyword = "syntax.keyword",
    /// A string literal.
    SyntaxString = "syntax.string",
    /// A comment.
    SyntaxComment = "syntax.comment",
    /// A function name.
    SyntaxFunction = "syntax.function",
    /// A type name.
    SyntaxType = "syntax.type",
    /// A number literal.
    SyntaxNumber = "syntax.number",
    /// A constant.
    SyntaxConstant = "syntax.constant",
    /// Brackets, commas and the like.
    SyntaxPunctuation = "syntax.punctuation",
}
