//! Which program gets the terminal, and where: the shell, the editor, or the agent of a run that is taken over.
//!
//! Programs are the operator's own (`SHELL`, `VISUAL`, `EDITOR`) or the agent's from the run's definition; none is put
//! together from what an agent said.

use super::Shell;
use crate::app::tui::aside::Visit;
use crate::app::tui::msg::{Msg, Wish};
use crate::app::tui::ui::{TakeOver, Tone};
use crate::loops::agent::environment;
use crate::loops::core::agent::AgentSpec;
use crate::loops::core::command::{Ask, Command};
use crate::loops::core::state::{RunState, Workspace};
use crate::loops::core::step::StepKind;
use crate::loops::core::transition::RunStatus;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

impl Shell {
    /// The visit that a key asks for.
    ///
    /// # Errors
    /// Why there is none, as a fragment.
    pub(in crate::app::tui) fn visit(&self, wish: Wish) -> Result<Visit, String> {
        let state = self.ui.selected.and_then(|run| self.fleet.state(run)).ok_or("no loop is selected")?;
        let place = standing(state)?;
        match wish {
            Wish::Shell => Ok(shell(state, place, "exit comes back")),
            Wish::Editor => {
                let (file, line) = self.under_cursor(state, place)?;
                let argv = editor(&file, line)?;
                Ok(Visit { argv, what: "the editor".to_owned(), hint: String::new(), ..shell(state, place, "") })
            }
        }
    }

    /// The visit to a run that is taken over, once nothing of it runs any more.
    pub(in crate::app::tui) fn take_over_due(&mut self) -> Option<Visit> {
        let TakeOver { run, .. } = self.ui.taking_over?;
        let state = self.fleet.state(run).filter(|state| !state.is_finished());
        let Some(state) = state else {
            self.ui.taking_over = None;
            self.tell(Msg::Say(Tone::Bad, "it ended before you could take it over".to_owned()));
            return None;
        };
        let quiet = matches!(state.status, RunStatus::Paused | RunStatus::Parked) && state.active.is_none();
        if !quiet || !state.taken_over || self.visiting.is_some() {
            return None;
        }
        let visit = standing(state).and_then(|place| own_screen(state, place));
        self.visiting = self.ui.taking_over.take();
        match visit {
            Ok(visit) => Some(visit),
            Err(why) => {
                self.tell(Msg::Say(Tone::Bad, why));
                self.visiting = None;
                None
            }
        }
    }

    /// What is to be asked now that the operator is back: a run that was at work goes on.
    pub(in crate::app::tui) fn back_from_visit(&mut self) -> Option<(Command, String)> {
        let TakeOver { run, goes_on } = self.visiting.take()?;
        let label = self.fleet.state(run).map(|state| state.label.clone()).unwrap_or_default();
        if goes_on {
            return Some((Command::Run { run, ask: Ask::Resume }, format!("{label} goes on with what you left")));
        }
        let more = "what you changed is kept as yours when it goes on";
        self.tell(Msg::Say(Tone::Info, format!("{label} waits as before; {more}")));
        None
    }
}

/// The worktree, if it still stands.
fn standing(state: &RunState) -> Result<&Workspace, String> {
    let place = state.workspace.as_ref().ok_or("it has no worktree yet")?;
    if Path::new(&place.path).is_dir() { Ok(place) } else { Err(format!("its worktree {} is gone", place.path)) }
}

fn shell(state: &RunState, place: &Workspace, how: &str) -> Visit {
    let program = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    Visit {
        argv: vec![program],
        cwd: PathBuf::from(&place.path),
        env: vec![("LOOPDASH_LOOP".to_owned(), state.label.clone()), ("LOOPDASH_BASE".to_owned(), place.base.clone())],
        env_remove: Vec::new(),
        what: "the shell".to_owned(),
        hint: format!("loopdash: {} in {}; {how}", state.label, place.path),
    }
}

/// The editor on a file. Those that are known to take a line get it.
fn editor(file: &Path, line: Option<u32>) -> Result<Vec<OsString>, String> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let chosen = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let words = shlex::split(&chosen).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| format!("$VISUAL or $EDITOR is not a command: {chosen}"))?;
    let program =
        words.first().map(|word| Path::new(word).file_name().unwrap_or_default().to_string_lossy().into_owned());
    let mut argv: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    let at = |file: &Path, line: u32| {
        let mut text = file.as_os_str().to_owned();
        text.push(format!(":{line}"));
        text
    };
    match (program.as_deref().unwrap_or_default(), line) {
        ("vi" | "vim" | "nvim" | "nano" | "emacs" | "emacsclient" | "kak" | "micro" | "joe" | "mg", Some(line)) => {
            argv.extend([format!("+{line}").into(), file.into()]);
        }
        ("hx" | "helix" | "subl" | "zed", Some(line)) => argv.push(at(file, line)),
        ("code" | "codium" | "cursor", Some(line)) => argv.extend(["--goto".into(), at(file, line)]),
        _ => argv.push(file.into()),
    }
    Ok(argv)
}

/// The acting agent's own screen, in its last session where that can be taken up; a shell if it has none.
fn own_screen(state: &RunState, place: &Workspace) -> Result<Visit, String> {
    let Some(agent) = state.spec.as_ref().map(|spec| &spec.actor) else { return Err("it has no agent".to_owned()) };
    let session = state.last_session(&StepKind::Actor, &agent.name);
    let back = "leave it to come back; the loop goes on then";
    let Some(argv) = interactive(agent, session) else {
        let hint = format!("{} has no screen of its own, so this is a shell; exit comes back", agent.name);
        return Ok(shell(state, place, &hint));
    };
    let mut visit = shell(state, place, back);
    visit.argv = argv.into_iter().map(OsString::from).collect();
    visit.what.clone_from(&agent.name);
    visit.env.extend(environment::of_agent(agent).map_err(|missing| {
        format!("{} needs {missing} in its environment, which is not set where loopdash runs", agent.name)
    })?);
    visit.env_remove = environment::removed(&agent.env_remove, std::env::vars_os().map(|(name, _)| name));
    Ok(visit)
}

/// The arguments of the agent's own screen.
fn interactive(agent: &AgentSpec, session: Option<&str>) -> Option<Vec<String>> {
    if agent.interactive.is_empty() {
        return None;
    }
    let mut argv = agent.interactive.clone();
    if let Some(session) = session {
        argv.extend(agent.interactive_resume.iter().map(|argument| argument.replace("{session}", session)));
    }
    Some(argv)
}
