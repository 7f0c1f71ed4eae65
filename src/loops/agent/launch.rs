//! What a step asks for and what it got: the data on both sides of a child process.
//! A [`Launch`] goes into the supervisor, an [`Ended`] comes out.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::dialect::Heard;
use super::tap::Listen;

/// The environment variable that holds a child's run id.
pub const RUN_MARK: &str = "LOOPDASH_RUN";
/// The environment variable that holds a child's run id and step number, as `RUN/STEP`.
pub const STEP_MARK: &str = "LOOPDASH_STEP";

/// A child process to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments. The program is looked for in the child's `PATH`.
    pub argv: Vec<OsString>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables added to loopdash's own environment.
    pub env: Vec<(OsString, OsString)>,
    /// Variables taken from it, before the others are added.
    pub env_remove: Vec<OsString>,
    /// Standard input; always ended, never loopdash's own terminal.
    pub stdin: Input,
    /// Whether it gets a terminal of its own instead of pipes, on standard input too where that is [`Input::Null`]. What it
    /// prints is then all standard output.
    pub terminal: bool,
    /// The run this is for.
    pub run: String,
    /// The step within the run.
    pub step: u32,
    /// Where its transcript goes; there must be none yet.
    pub dir: PathBuf,
    /// How long it may take, not counting time frozen.
    pub timeout: Option<Duration>,
    /// How patiently it is stopped.
    pub ladder: Ladder,
    /// How its stream is understood while it comes; `None` for one that is only kept.
    pub listen: Option<Listen>,
}

/// What a child reads on standard input.
#[derive(Clone, Debug, Default)]
pub enum Input {
    /// Nothing.
    #[default]
    Null,
    /// These bytes, then the end.
    Bytes(Arc<[u8]>),
    /// A file, then the end.
    File(PathBuf),
}

/// The stages of stopping: INT, then TERM, then KILL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// How long after INT; zero leaves INT out.
    pub int: Duration,
    /// How long after TERM; zero leaves TERM out.
    pub term: Duration,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { int: Duration::from_secs(2), term: Duration::from_secs(2) }
    }
}

/// How a process exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By a signal, ours or another.
    Signal(i32),
}

impl Exit {
    /// Whether it exited with status 0.
    pub fn ok(self) -> bool {
        self == Self::Code(0)
    }
}

/// Why a process ended when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It came to its end.
    Natural,
    /// Its time was up.
    TimedOut,
    /// It was told to.
    Stopped,
}

/// A process that outlived the one that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its process id.
    pub pid: u32,
    /// Its command line, made fit for a screen.
    pub command: String,
}

/// What became of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it exited.
    pub exit: Exit,
    /// Why.
    pub cause: Cause,
    /// Whether it was killed, not by loopdash, while the system killed for want of memory.
    pub out_of_memory: bool,
    /// Whether the system killed any process for want of memory meanwhile.
    pub memory_short: bool,
    /// From its start to its exit.
    pub duration: Duration,
    /// Bytes read from standard output.
    pub stdout_bytes: u64,
    /// Bytes read from standard error.
    pub stderr_bytes: u64,
    /// Lines in the transcript.
    pub lines: u64,
    /// What it left running. Stopped by now, unless the system would not let us.
    pub left_behind: Vec<Leftover>,
    /// Whether something still held its output open half a second after its exit.
    pub pipes_held: bool,
    /// What its stream told, where it was listened to.
    pub heard: Option<Heard>,
    /// Lines of the story made of that.
    pub story: Option<u64>,
    /// Why the transcript is not complete, if it is not.
    pub transcript_error: Option<String>,
}
