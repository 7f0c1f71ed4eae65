//! What is there of an agent: its file, its version, and whether it understands what its profile would say to it.
//!
//! The program is asked for its version and its options as the agent would be started: with its environment, but in an
//! empty directory and for a few seconds. What it said is kept with the file's path and time, so that the next start asks
//! nobody.

mod help;

use super::dialect::Heard;
use super::inquiry::{Inquiry, Reply};
use super::profile::{Profile, Version};
use super::{environment, resolve, sanitize};
use crate::loops::core::agent::AgentSpec;
use crate::loops::core::step::Exit;
use crate::loops::mask::Mask;
use help::Help;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// How long a program may take to tell its version, or its options.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Stands before what is kept, so that an older form is asked anew.
const FORM: u32 = 2;
/// The file in the state directory that keeps what was told.
const KEPT: &str = "agents.json";

/// What was found of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The program's file.
    pub path: Option<PathBuf>,
    /// Its version.
    pub version: Option<String>,
    /// Why it cannot be used, as a fragment.
    pub problem: Option<String>,
    /// What is odd, but hinders nothing.
    pub note: Option<String>,
}

/// Where agents are looked for, and how they are asked.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// loopdash's own `PATH`.
    pub path: Option<&'a OsStr>,
    /// What relative programs are relative to.
    pub cwd: &'a Path,
    /// The state directory, if there is one to keep answers in.
    pub kept: Option<&'a Path>,
    /// The loopdash binary, by way of which programs are started.
    pub shim: &'a Path,
    /// How long each may take to answer.
    pub patience: Duration,
}

/// What a program told about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The file's time and size when it was asked, as text.
    stamp: String,
    /// What it was asked, so that a changed profile asks anew.
    asked: Vec<Vec<String>>,
    version: Option<String>,
    /// What it says of its options; `None` when it was not asked or did not say.
    help: Option<Help>,
    /// Why it cannot even be asked, as a fragment.
    #[serde(skip)]
    broken: Option<String>,
    /// Whether it took too long.
    #[serde(skip)]
    late: bool,
}

/// A program and what it is asked.
type Question = (PathBuf, Vec<Vec<String>>);

/// Looks at `agents`, each with its profile, all at the same time, and asks each program once. Blocks.
pub fn probe(agents: &[(AgentSpec, Profile)], place: &Place<'_>) -> Vec<Found> {
    let known = place.kept.map(read_kept).unwrap_or_default();
    let files: Vec<_> = agents.iter().map(|(spec, profile)| (find(spec, place), profile)).collect();
    let question = |file: &Path, profile: &Profile| {
        let asked = vec![profile.version.clone(), profile.help.clone()];
        asked.iter().any(|args| !args.is_empty()).then(|| (file.to_owned(), asked))
    };
    let mut told: BTreeMap<Question, Told> = BTreeMap::new();
    let mut open: BTreeMap<Question, (String, &AgentSpec)> = BTreeMap::new();
    for ((file, profile), (spec, _)) in files.iter().zip(agents) {
        let Some(question) = file.as_ref().ok().and_then(|file| question(file, profile)) else { continue };
        let (stamp, before) = (stamp(&question.0), known.get(&question.0.display().to_string()));
        match before.filter(|told| told.stamp == stamp && told.asked == question.1) {
            Some(before) => drop(told.insert(question, before.clone())),
            None => drop(open.entry(question).or_insert((stamp, spec))),
        }
    }
    let answers: Vec<(Question, Told)> = std::thread::scope(|scope| {
        let threads: Vec<_> = open
            .into_iter()
            .map(|(question, (stamp, spec))| {
                let asked = question.clone();
                (question, scope.spawn(move || ask(asked, stamp, spec, place)))
            })
            .collect();
        let answer = |(question, thread): (_, std::thread::ScopedJoinHandle<'_, Told>)| {
            (
                question,
                thread.join().unwrap_or_else(|_| Told {
                    broken: Some("it could not be looked at".to_owned()),
                    ..Told::default()
                }),
            )
        };
        threads.into_iter().map(answer).collect()
    });
    told.extend(answers);
    let mut now = known.clone();
    // Silence may be a slow disk: it is asked again.
    let worth = told.iter().filter(|(_, told)| told.version.is_some() && told.broken.is_none());
    now.extend(worth.map(|((file, _), told)| (file.display().to_string(), told.clone())));
    if let Some(state) = place.kept.filter(|_| now != known) {
        // It is only an aid: without it the next start asks again.
        let _ = serde_json::to_vec(&now).map(|bytes| std::fs::write(state.join(KEPT), bytes));
    }
    let judged = files.into_iter().zip(agents).map(|((file, profile), (spec, _))| match file {
        Err(problem) => Found { path: None, version: None, problem: Some(problem), note: None },
        Ok(file) => {
            let mut found = Found { path: Some(file.clone()), version: None, problem: None, note: None };
            if let Some(told) = question(&file, profile).and_then(|question| told.get(&question)) {
                judge(&mut found, spec, profile, told);
            }
            found
        }
    });
    judged.collect()
}

/// The program's file, looked for where the agent would be started; `Err` says why there is none.
fn find(spec: &AgentSpec, place: &Place<'_>) -> Result<PathBuf, String> {
    let program = spec.command.first().map(String::as_str).unwrap_or_default();
    let added = environment::known_of_agent(spec).into_iter().find(|(name, _)| name == "PATH");
    let removed = environment::removed(&spec.env_remove, std::iter::once("PATH".into()));
    let added = added.map(|(_, path)| OsString::from(path));
    let path = added.as_deref().or(place.path.filter(|_| removed.is_empty()));
    resolve(program.as_ref(), path, place.cwd).map_err(|error| error.to_string())
}

/// The version that the program of a file told when it was asked last, as long as the file is the same. Asks nobody; blocks
/// for a look at the file.
pub fn known_version(file: &Path, kept: &Path) -> Option<String> {
    let told = read_kept(kept).remove(&file.display().to_string())?;
    told.version.filter(|_| told.stamp == stamp(file))
}

fn read_kept(state: &Path) -> BTreeMap<String, Told> {
    std::fs::read(state.join(KEPT)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The time and size of a file and of what it links to, which change when another version takes its place.
fn stamp(file: &Path) -> String {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let Ok(meta) = std::fs::metadata(&real) else { return String::new() };
    let time = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{FORM} {} {} {}", real.display(), time.as_nanos(), meta.len())
}

fn ask((file, asked): Question, stamp: String, spec: &AgentSpec, place: &Place<'_>) -> Told {
    let env = environment::known_of_agent(spec);
    let env_remove = environment::removed(&spec.env_remove, std::env::vars_os().map(|(name, _)| name));
    let (shim, patience) = (place.shim, place.patience);
    let say = |args: &[String]| {
        let inquiry = Inquiry { file: &file, args, env: &env, env_remove: &env_remove, shim, patience };
        (!args.is_empty()).then(|| inquiry.ask())
    };
    let mut told = Told { stamp, ..Told::default() };
    let [version, help] = [0, 1].map(|at| asked.get(at).map(Vec::as_slice).unwrap_or_default());
    match say(version) {
        None => {}
        Some(Err(error)) => told.broken = Some(format!("it could not be asked for its version: {error}")),
        Some(Ok(reply)) => match reply.exit {
            None => told.late = true,
            Some(Exit::Code(0)) => {
                told.version = Version::find(&String::from_utf8_lossy(&reply.out)).map(|version| version.to_string());
            }
            Some(exit) => told.broken = Some(broken(&file, version, exit, &reply)),
        },
    }
    // One that does not tell its version is hardly better at its options.
    if version.is_empty() || told.version.is_some() {
        let said = say(help).and_then(Result::ok).filter(|reply| reply.exit.is_some_and(Exit::ok));
        // Some take it for a complaint.
        let text = said.map(|reply| if reply.out.is_empty() { reply.err } else { reply.out });
        told.help = text.and_then(|text| Help::read(&String::from_utf8_lossy(&text)));
    }
    Told { asked, ..told }
}

/// What is told of a program that fails at no more than its version.
fn broken(file: &Path, args: &[String], exit: Exit, reply: &Reply) -> String {
    let mut heard = Heard::default();
    for line in reply.err.split(|byte| *byte == b'\n').chain(reply.out.split(|byte| *byte == b'\n')) {
        heard.complain(&sanitize::plain_line(line));
    }
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let said = heard.complaint.map(|said| format!(": {}", Mask::of_process().text(&said))).unwrap_or_default();
    format!("it is broken: `{name} {}` ended with {}{said}", args.join(" "), exit.word())
}

fn judge(found: &mut Found, spec: &AgentSpec, profile: &Profile, told: &Told) {
    found.version.clone_from(&told.version);
    if let Some(broken) = &told.broken {
        found.problem = Some(broken.clone());
        return;
    }
    let read = |text: &Option<String>| text.as_deref().and_then(Version::find);
    let (version, minimum, tested) = (read(&told.version), read(&profile.minimum), read(&profile.tested));
    match (version, minimum, tested) {
        (Some(version), Some(minimum), _) if version < minimum => {
            found.problem = Some(format!("version {version} is too old: {minimum} or newer is needed"));
        }
        (Some(version), _, Some(tested)) if version > tested => {
            found.note = Some(format!("newer than {tested}, the last that was tried"));
        }
        (None, ..) if told.late => found.note = Some("it did not tell its version in time".to_owned()),
        (None, ..) if !profile.version.is_empty() => found.note = Some("it does not tell its version".to_owned()),
        _ => found.note.clone_from(&profile.note),
    }
    let Some(help) = &told.help else { return };
    let asked: Vec<&str> =
        spec.command.iter().skip(1).chain(&spec.fresh).chain(&spec.resume).map(String::as_str).collect();
    if let (None, Some(first)) = (&found.problem, help.rejected(&asked)) {
        let version = found.version.as_deref().map(|version| format!(" of version {version}")).unwrap_or_default();
        found.problem =
            Some(format!("its help{version} does not know {first}; update it, or change `args` or `command`"));
    }
}
