//! What is there of an agent: its file, its version, and whether it understands what its profile would say to it.
//!
//! The program is asked for its version and its options in an empty directory, with nothing on standard input and a few
//! seconds' time; what it said is kept with the file's path and time, so that the next start asks nobody.

use super::profile::{Profile, Version};
use super::resolve;
use crate::loops::core::agent::AgentSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How long a program may take to tell its version, or its options.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of what it tells, in bytes.
const MOST: u64 = 1 << 20;
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

/// What a program told about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// The file's time and size when it was asked, as text.
    stamp: String,
    /// What it was asked, so that a changed profile asks anew.
    asked: Vec<Vec<String>>,
    version: Option<String>,
    /// Its long options; `None` when it was not asked or did not say.
    options: Option<Vec<String>>,
}

/// Looks at `agents`, each with its profile, all at the same time. `kept` is the state directory, if there is one to keep
/// answers in; `path` is `PATH`, `cwd` what relative programs are relative to. Blocks.
pub fn probe(agents: &[(AgentSpec, Profile)], path: Option<&OsStr>, cwd: &Path, kept: Option<&Path>) -> Vec<Found> {
    let known = kept.map(read_kept).unwrap_or_default();
    let looked: Vec<(Found, Option<Told>)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            agents.iter().map(|(spec, profile)| scope.spawn(|| look(spec, profile, path, cwd, &known))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| (broken(), None))).collect()
    });
    let mut now = known.clone();
    for (found, told) in &looked {
        if let (Some(path), Some(told)) = (&found.path, told) {
            now.insert(path.display().to_string(), told.clone());
        }
    }
    if let Some(state) = kept.filter(|_| now != known) {
        // It is only an aid: without it the next start asks again.
        let _ = serde_json::to_vec(&now).map(|bytes| std::fs::write(state.join(KEPT), bytes));
    }
    looked.into_iter().map(|(found, _)| found).collect()
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

fn broken() -> Found {
    Found { path: None, version: None, problem: Some("it could not be looked at".to_owned()), note: None }
}

fn look(
    spec: &AgentSpec,
    profile: &Profile,
    path: Option<&OsStr>,
    cwd: &Path,
    known: &BTreeMap<String, Told>,
) -> (Found, Option<Told>) {
    let program = spec.command.first().map(String::as_str).unwrap_or_default();
    let mut found = Found { path: None, version: None, problem: None, note: None };
    let file = match resolve(program.as_ref(), path, cwd) {
        Ok(file) => file,
        Err(error) => {
            found.problem = Some(error.to_string());
            return (found, None);
        }
    };
    found.path = Some(file.clone());
    let asked: Vec<Vec<String>> = vec![profile.version.clone(), profile.help.clone()];
    if asked.iter().all(Vec::is_empty) {
        return (found, None);
    }
    let stamp = stamp(&file);
    let told = match known.get(&file.display().to_string()) {
        Some(told) if told.stamp == stamp && told.asked == asked => told.clone(),
        _ => ask(&file, profile, spec, stamp, asked),
    };
    found.version.clone_from(&told.version);
    judge(&mut found, spec, profile, &told);
    // Silence may be a slow disk: it is asked again.
    let worth = told.version.is_some();
    (found, worth.then_some(told))
}

/// The time and size of a file and of what it links to, which change when another version takes its place.
fn stamp(file: &Path) -> String {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let Ok(meta) = std::fs::metadata(&real) else { return String::new() };
    let time = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{} {} {}", real.display(), time.as_nanos(), meta.len())
}

fn ask(file: &Path, profile: &Profile, spec: &AgentSpec, stamp: String, asked: Vec<Vec<String>>) -> Told {
    let said = |args: &[String]| if args.is_empty() { None } else { run(file, args, spec) };
    let version = said(&profile.version).and_then(|text| Version::find(&text)).map(|version| version.to_string());
    // One that does not tell its version is hardly better at its options.
    let help = if version.is_some() { said(&profile.help) } else { None };
    let options = help.map(|text| long_options(&text)).filter(|options| !options.is_empty());
    Told { stamp, asked, version, options }
}

/// What a program prints, standard output first; `None` when it fails or takes too long.
fn run(file: &Path, args: &[String], spec: &AgentSpec) -> Option<String> {
    let empty = tempfile::tempdir().ok()?;
    let plain = spec.env.iter().filter(|(_, value)| !value.contains("${"));
    let mut child = Command::new(file)
        .args(args)
        .current_dir(empty.path())
        .envs(plain)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let out = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = out.take(MOST).read_to_end(&mut bytes);
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).ok()
    });
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            _ => break None,
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
        // Something below it may hold the pipe; its reader is left to end by itself.
        return None;
    }
    status.filter(std::process::ExitStatus::success)?;
    reader.join().ok().flatten()
}

/// The words in a help text that begin with two dashes.
fn long_options(help: &str) -> Vec<String> {
    let words = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let mut options: Vec<String> =
        words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect();
    options.sort();
    options.dedup();
    options
}

fn judge(found: &mut Found, spec: &AgentSpec, profile: &Profile, told: &Told) {
    let read = |text: &Option<String>| text.as_deref().and_then(Version::find);
    let (version, minimum, tested) = (read(&told.version), read(&profile.minimum), read(&profile.tested));
    match (version, minimum, tested) {
        (Some(version), Some(minimum), _) if version < minimum => {
            found.problem = Some(format!("version {version} is too old: {minimum} or newer is needed"));
        }
        (Some(version), _, Some(tested)) if version > tested => {
            found.note = Some(format!("newer than {tested}, the last that was tried"));
        }
        (None, ..) if !profile.version.is_empty() => found.note = Some("it does not tell its version".to_owned()),
        _ => {}
    }
    let Some(options) = &told.options else { return };
    let asked = spec.command.iter().chain(&spec.fresh).chain(&spec.resume).skip(1);
    let rejected: Vec<&str> = asked
        .filter(|arg| arg.starts_with("--") && arg.len() > 2)
        .map(|arg| arg.split('=').next().unwrap_or(arg))
        .filter(|option| !options.iter().any(|known| known == option))
        .collect();
    if let (None, Some(first)) = (&found.problem, rejected.first()) {
        let version = found.version.as_deref().map(|version| format!(" of version {version}")).unwrap_or_default();
        found.problem =
            Some(format!("its help{version} does not know {first}; update it, or change `args` or `command`"));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(dir: &Path, script: &str) -> AgentSpec {
        let file = dir.join("agent");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let command = [file.to_str().unwrap(), "--json", "{resume}"].map(str::to_owned).to_vec();
        AgentSpec { resume: vec!["--resume".to_owned(), "{session}".to_owned()], ..AgentSpec::new("a", command) }
    }

    fn profile() -> Profile {
        Profile {
            help: vec!["--help".to_owned()],
            minimum: Some("1.2".into()),
            tested: Some("2.0".into()),
            ..Profile::default()
        }
    }

    fn found(script: &str) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let spec = program(dir.path(), script);
        probe(&[(spec, profile())], None, dir.path(), None).remove(0)
    }

    const HELP: &str = "*) echo 'Options: --json, --resume=<id> --other';; esac";

    #[test]
    fn a_good_program_is_found_with_its_version() {
        let good = found(&format!("case $1 in --version) echo 'agent 1.5.0 (x)';; {HELP}"));
        assert_eq!((good.version.as_deref(), good.problem, good.note), (Some("1.5.0"), None, None));
        let newer = found(&format!("case $1 in --version) echo 3.0;; {HELP}"));
        assert!(newer.problem.is_none() && newer.note.unwrap().contains("newer than 2.0"));
    }

    #[test]
    fn what_hinders_is_one_clear_line() {
        let old = found(&format!("case $1 in --version) echo 1.1.9;; {HELP}"));
        assert_eq!(old.problem.unwrap(), "version 1.1.9 is too old: 1.2 or newer is needed");
        let strange = found("case $1 in --version) echo 1.5;; *) echo 'Options: --json';; esac");
        assert!(strange.problem.unwrap().contains("does not know --resume"));
        let silent = found("exit 3");
        assert!(silent.problem.is_none() && silent.note.unwrap().contains("does not tell"));
        let missing = AgentSpec::new("a", vec!["surely-no-such-agent".to_owned()]);
        let missing = probe(&[(missing, profile())], None, Path::new("/"), None).remove(0);
        assert!(missing.path.is_none() && missing.problem.unwrap().contains("no `surely-no-such-agent`"));
    }

    #[test]
    fn it_is_asked_once_and_again_when_it_changes() {
        let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let asked = dir.path().join("asked");
        let script =
            |version: &str| format!("echo x >> {}\ncase $1 in --version) echo {version};; {HELP}", asked.display());
        let look = |spec: AgentSpec| probe(&[(spec, profile())], None, dir.path(), Some(state.path())).remove(0);
        let times = || std::fs::read_to_string(&asked).unwrap().lines().count();
        let first = look(program(dir.path(), &script("1.5")));
        assert_eq!((first.version.as_deref(), times()), (Some("1.5"), 2));
        let spec = program(dir.path(), &script("1.5"));
        look(spec.clone());
        let before = times();
        assert_eq!((look(spec), times()), (first, before));
        let known = || known_version(&dir.path().join("agent"), state.path());
        assert_eq!((known().as_deref(), times()), (Some("1.5"), before));
        std::fs::write(dir.path().join("agent"), "#!/bin/sh\n").unwrap();
        assert_eq!(known(), None, "nobody knows what that is");
        assert_eq!(look(program(dir.path(), &script("1.75"))).version.as_deref(), Some("1.75"));
    }
}
