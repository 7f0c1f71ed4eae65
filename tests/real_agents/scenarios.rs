//! What each agent goes through, as data: what its model says, how loopdash is configured, and how the run has to end.

use crate::agents::Cli;
use crate::script::{Act, Role, Script, Trouble, Turn, act, claim, say, verdict};
use crate::stub::Refusal;

/// One run that each agent makes.
pub(crate) struct Scenario {
    pub(crate) id: &'static str,
    /// What happens, for the report.
    pub(crate) title: &'static str,
    pub(crate) script: fn() -> Script,
    /// Whether the agent criticises, too.
    pub(crate) critic: bool,
    /// More keys of the agent's table.
    pub(crate) agent: &'static str,
    /// More keys of the loop's table.
    pub(crate) definition: &'static str,
    /// When loopdash gets TERM.
    pub(crate) stop: Stop,
    pub(crate) end: End,
    /// What else has to hold.
    pub(crate) also: &'static [Also],
}

/// When loopdash is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Never,
    /// While a tool runs: it has made the file [`STARTED`].
    InTool,
    /// While the agent waits for its model.
    InAnswer,
}

/// A file that a tool makes in the worktree when it has begun.
pub(crate) const STARTED: &str = ".started";

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Done, the file written, tokens counted.
    Done,
    /// Parked, with this word in the reason.
    Parked(&'static str),
    /// In any way but done.
    NotDone,
    /// Paused, because loopdash was told to end.
    Paused,
}

/// A thing that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Also {
    /// The critic's last verdict was read, and is this.
    Verdict(&'static str),
    /// The second prompt of the actor came in the session of the first.
    Resumed,
    /// The critic changed nothing.
    Untouched,
    /// A step failed, and was put into this class.
    Class(&'static str),
    /// What loopdash said holds one of the words for this agent; those for `""` are for all others.
    Says(&'static [(&'static str, &'static [&'static str])]),
    /// A watch said that nothing came.
    Silence,
    /// A process that the agent left was found, named and ended.
    LeftBehind,
    /// This much standard output or more, in one step.
    Bytes(u64),
    /// The stub refused or broke off this often or more.
    Troubles(usize),
}

const NOTE: Act = Act::Write { path: "hello.txt", text: "hi\n" };
/// What a critic would write if it could.
pub(crate) const SNEAKED: &str = "sneaked.txt";
const ONE: &str = "max_iterations = 1";

const TIMED_OUT: &str = "last failed step: timed out";

/// Time enough for a slow start, and no more.
const IMPATIENT: &str = "timeout = \"45s\"\nwatch = { first_byte = \"15s\", silence = \"15s\" }";

/// Patient enough to see each of a few streams through, for what is said at the end not to depend on the moment.
const CAPPED: &str = "timeout = \"90s\"\nwatch = { max_retries = 3 }";

const PLAIN: Scenario = Scenario {
    id: "",
    title: "",
    script: note,
    critic: false,
    agent: "timeout = \"90s\"",
    definition: ONE,
    stop: Stop::Never,
    end: End::Done,
    also: &[],
};

/// All of them, in the order of the report.
pub(crate) const ALL: [Scenario; 15] = [
    Scenario {
        id: "loop",
        title: "a whole loop: actor, gate, critic",
        script: || Script::default().actor(work()).scene(Role::Critic, "", [verdict("done", None)]),
        critic: true,
        also: &[Also::Verdict("done")],
        ..PLAIN
    },
    Scenario {
        id: "resume",
        title: "a second iteration in the session of the first",
        script: || {
            let again = [act("I make it louder.", Act::Shell("echo HI >>hello.txt")), claim()];
            Script::default()
                .scene(Role::Actor, "The note is too quiet.", again)
                .actor(work())
                .scene(Role::Critic, "+HI", [verdict("done", None)])
                .scene(Role::Critic, "", [verdict("continue", Some("The note is too quiet."))])
        },
        critic: true,
        agent: "timeout = \"90s\"\nsession = \"resume\"",
        definition: "max_iterations = 2",
        also: &[Also::Verdict("done"), Also::Resumed],
        ..PLAIN
    },
    Scenario {
        id: "read-only",
        title: "the critic tries to write a file, and to run a command that does",
        script: || {
            let writes = act("I mend it myself.", Act::Write { path: SNEAKED, text: "mended\n" });
            let runs = act("Or so.", Act::Shell("echo mended >sneaked.txt"));
            Script::default().actor(work()).scene(Role::Critic, "", [writes, runs, verdict("done", None)])
        },
        critic: true,
        also: &[Also::Verdict("done"), Also::Untouched],
        ..PLAIN
    },
    Scenario {
        id: "500",
        title: "500 twice, then good",
        script: || troubled(Trouble::Refuse(Refusal::Broken), 2),
        also: &[Also::Troubles(2)],
        ..PLAIN
    },
    Scenario {
        id: "429",
        title: "429 with `retry-after: 1` twice, then good",
        script: || troubled(Trouble::Refuse(Refusal::Limited(1)), 2),
        also: &[Also::Troubles(2)],
        ..PLAIN
    },
    Scenario {
        id: "429-hour",
        title: "429 with `retry-after: 3600`, for ever",
        script: || troubled(Trouble::Refuse(Refusal::Limited(3_600)), u32::MAX),
        agent: IMPATIENT,
        end: End::NotDone,
        // What qwen prints, and that is nothing, leaves no other word.
        also: &[Also::Says(&[("qwen", &[TIMED_OUT]), ("", &["parked, limit rate"])])],
        ..PLAIN
    },
    Scenario {
        id: "401",
        title: "401",
        script: || troubled(Trouble::Refuse(Refusal::Key), u32::MAX),
        agent: IMPATIENT,
        end: End::Parked("account"),
        also: &[Also::Class("auth")],
        ..PLAIN
    },
    Scenario {
        id: "context",
        title: "400: the context is too long",
        script: || troubled(Trouble::Refuse(Refusal::TooLong), u32::MAX),
        agent: IMPATIENT,
        end: End::NotDone,
        also: &[Also::Class("context")],
        ..PLAIN
    },
    Scenario {
        id: "cut",
        title: "the answer's stream is cut, each time",
        script: || troubled(Trouble::Cut, u32::MAX),
        agent: CAPPED,
        end: End::NotDone,
        also: &[Also::Says(&[("", &["parked, limit network"])])],
        ..PLAIN
    },
    Scenario {
        id: "hang",
        title: "the model never answers",
        script: || troubled(Trouble::Hang, u32::MAX),
        agent: IMPATIENT,
        end: End::NotDone,
        also: &[
            Also::Silence,
            // claude may still find the time to say how it was ended.
            Also::Says(&[
                ("claude", &["last failed step: other: error_during_execution aborted_streaming", TIMED_OUT]),
                ("", &[TIMED_OUT]),
            ]),
        ],
        ..PLAIN
    },
    Scenario {
        id: "tool-fails",
        title: "a tool fails with exit 3",
        script: || {
            let fails = act("I look first.", Act::Shell("echo no such shop >&2; exit 3"));
            Script::default().actor([vec![fails], work()].concat())
        },
        ..PLAIN
    },
    Scenario {
        id: "background",
        title: "a background process is left",
        script: || {
            let leaves = act("I start a server.", Act::Shell("nohup tail -f /dev/null >/dev/null 2>&1 & echo started"));
            Script::default().actor([vec![leaves], work()].concat())
        },
        also: &[Also::LeftBehind],
        ..PLAIN
    },
    Scenario {
        id: "flood",
        title: "220 KB of text, and as much from a tool",
        script: || {
            let prints = act("I count.", Act::Shell("seq -f 'line %05g of a log that nobody reads to its end' 1 4400"));
            let text: String =
                (0..4_400).map(|line| format!("{line}: the quick brown fox jumps over the lazy\n")).collect();
            Script::default().actor([prints, act("I write the note.", NOTE), say(&format!("{text}\n{}", claim().say))])
        },
        also: &[Also::Bytes(200_000)],
        ..PLAIN
    },
    Scenario {
        id: "stop",
        title: "loopdash gets TERM while a tool runs",
        script: || Script::default().actor([act("I wait.", Act::Shell("touch .started; tail -f /dev/null")), claim()]),
        stop: Stop::InTool,
        end: End::Paused,
        ..PLAIN
    },
    Scenario {
        id: "stop-answer",
        title: "loopdash gets TERM while the model is silent",
        script: || troubled(Trouble::Hang, u32::MAX),
        stop: Stop::InAnswer,
        end: End::Paused,
        ..PLAIN
    },
];

fn note() -> Script {
    Script::default().actor(work())
}

fn work() -> Vec<Turn> {
    vec![act("I write the note.", NOTE), claim()]
}

fn troubled(trouble: Trouble, times: u32) -> Script {
    let mut turns = work();
    turns[0] = turns[0].clone().after(trouble, times);
    Script::default().actor(turns)
}

impl Scenario {
    /// Why an agent cannot go through it.
    pub(crate) fn not_for(&self, cli: &Cli) -> Option<&'static str> {
        match self.id {
            "tool-fails" | "background" | "stop" if cli.toolless => Some("its model runs no commands"),
            "resume" if cli.toolless => Some("it has no sessions"),
            _ => None,
        }
    }
}
