//! A step's X-ray: all that is known of one child process, while it runs and afterwards.
//!
//! The fold tells most of it; how it was launched and what runs of it now is read off the screen's task, as [`Xray`].

use super::{Out, Scene, output, step_name, usage};
use crate::app::tui::overlay::XrayBox;
use crate::loops::agent::launched::Launched;
use crate::loops::agent::pty;
use crate::loops::agent::sanitize::plain_str;
use crate::loops::agent::tree::Load;
use crate::loops::agent::{RUN_MARK, STEP_MARK};
use crate::loops::core::agent::PromptRoute;
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::state::{RunState, StepOutcome, StepRecord};
use crate::loops::core::step::{Cause, StepKind};
use crate::widgets::format;
use crate::widgets::sheet::{Fact, Part, Sheet};
use crate::widgets::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::path::PathBuf;

/// An X-ray that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct XrayKey {
    /// Whose.
    pub run: RunId,
    /// Which step.
    pub step: StepId,
    /// Which look at it: each one is a reading of its own.
    pub look: u32,
}

/// What was read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xray {
    /// The step's directory.
    pub dir: PathBuf,
    /// How it was launched, or why that cannot be told.
    pub launched: Result<Launched, String>,
    /// What ran of it, each below the process that started it.
    pub processes: Vec<Member>,
}

/// A process of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// How many of the others it stems from.
    pub depth: usize,
    /// Process id.
    pub pid: u32,
    /// The system's letter for its state.
    pub state: char,
    /// Its command line, fit for the screen.
    pub command: String,
    /// What it costs, where the system says.
    pub load: Option<Load>,
}

/// A line of a part, owned.
type Line = (&'static str, String, Role);

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, shown: &XrayBox, screen: Rect, buf: &mut Buffer, out: &mut Out) {
    out.wants.xray = Some(shown.key());
    let Some(state) = scene.ctx.fleet.state(shown.run) else { return };
    let Some(step) = state.step(shown.step) else { return };
    let read = scene.loaded.xray(shown.key());
    let name = match (&step.kind, &step.agent) {
        (StepKind::Actor | StepKind::Critic, Some(agent)) => format!("{} {agent}", step.kind.word()),
        (kind, _) => step_name(kind),
    };
    let iteration = if step.iteration > 0 { format!("i{} ", step.iteration) } else { String::new() };
    let about = format!(" {} · {iteration}{name} · step {} of {}", state.label, step.id, state.steps.len());
    let mut parts = vec![("How it went", outcome(scene, state, step, read)), ("Agent", agent(state, step, read))];
    parts.push(("How it was started", launch(state, step, read)));
    parts.push(("What runs of it", processes(step, read)));
    let facts: Vec<(&str, Vec<Fact<'_>>)> = parts
        .iter()
        .map(|(title, lines)| {
            (*title, lines.iter().map(|(label, text, role)| Fact { label, text, role: *role }).collect())
        })
        .collect();
    let parts: Vec<Part<'_>> = facts.iter().map(|(title, facts)| Part { title, facts }).collect();
    let title = [("X-ray", Role::Strong), (about.as_str(), Role::Dim)];
    let remark = "h l step  r look  y copy  Esc";
    let sheet = Sheet { theme: scene.theme, title: &title, remark, parts: &parts, scroll: 0 };
    let scroll = scene.ui.tops.xray.min(sheet.most_scroll(screen));
    out.seen.tops.xray = scroll;
    Sheet { scroll, ..sheet }.render(screen, buf);
}

fn outcome(scene: &Scene<'_>, state: &RunState, step: &StepRecord, read: Option<&Xray>) -> Vec<Line> {
    let (mark, word) = output::result(state, step);
    let lively = scene.live(state).is_some_and(|facts| facts.lively && facts.step == step.id);
    let mut lines: Vec<Line> = Vec::new();
    let word = match (&step.end, word.is_empty()) {
        (None, _) => format!("runs, {}", scene.clock.running(step.started, lively)),
        (Some(_), true) => "well".to_owned(),
        (Some(_), false) => word,
    };
    lines.push(("result", format!("{} {}", mark.glyph(), plain_str(&word)), mark.role()));
    let from = scene.clock.when(step.started);
    match step.ended {
        Some(ended) => {
            let took = format::duration(step.duration_ms(scene.clock.now()));
            lines.push(("time", format!("{took}, from {from} to {}", scene.clock.when(ended)), Role::Text));
        }
        None => lines.push(("time", format!("since {from}"), Role::Text)),
    }
    lines.extend(read.and_then(|read| load_of(&read.processes)).map(|load| ("load", load, Role::Text)));
    if let Some(StepOutcome::Finished(end)) = &step.end {
        if let Some(exit) = end.exit {
            let by = if end.cause == Cause::TimedOut { ", stopped when its time was up" } else { "" };
            lines.push(("exit", format!("{}{by}", exit.word()), if exit.ok() { Role::Text } else { Role::Danger }));
        }
        if !step.argv.is_empty() {
            let (out, err) = (format::bytes(end.stdout_bytes), format::bytes(end.stderr_bytes));
            let printed = format!("{}, {out} on stdout, {err} on stderr", format::plural(end.lines, "line"));
            lines.push(("printed", printed, Role::Text));
        }
        lines.extend(end.left_behind.iter().map(|left| ("left behind", plain_str(left), Role::Attention)));
    }
    lines
}

/// What all processes of a step cost together; nothing where the system does not say.
fn load_of(members: &[Member]) -> Option<String> {
    let loads = || members.iter().filter_map(|member| member.load);
    let cpu = loads().map(|load| load.cpu_ms).reduce(u64::saturating_add)?;
    let memory = loads().map(|load| load.resident).fold(0, u64::saturating_add);
    let many = members.len() as u64;
    let processes = if many == 1 { "1 process".to_owned() } else { format!("{many} processes") };
    Some(format!("cpu {}, {} in {processes}", format::duration(cpu), format::bytes(memory)))
}

fn agent(state: &RunState, step: &StepRecord, read: Option<&Xray>) -> Vec<Line> {
    let Some(name) = &step.agent else { return Vec::new() };
    let mut lines: Vec<Line> = vec![("agent", plain_str(name), Role::Text)];
    let version = read.and_then(|read| read.launched.as_ref().ok()?.version.as_deref());
    lines.extend(version.map(|version| ("version", plain_str(version), Role::Text)));
    let end = match &step.end {
        Some(StepOutcome::Finished(end)) => end.agent.as_deref(),
        _ => None,
    };
    let spec = state.spec.as_deref();
    let spec = spec.and_then(|spec| match step.kind {
        StepKind::Critic => spec.critic.as_ref(),
        _ => Some(&spec.actor),
    });
    let asked = spec.filter(|spec| spec.name == *name).and_then(|spec| spec.model.as_ref());
    match (end.and_then(|end| end.model.as_ref()), asked) {
        (Some(model), _) => lines.push(("model", plain_str(model), Role::Text)),
        (None, Some(asked)) => lines.push(("model", format!("{} was asked for", plain_str(asked)), Role::Text)),
        (None, None) => {}
    }
    if let Some(session) = step.session() {
        lines.push(("session", plain_str(session), Role::Text));
    }
    let used = step.usage().map(usage::of_step).unwrap_or_default();
    if !used.is_empty() {
        lines.push(("tokens", used.join(" "), Role::Text));
    }
    if let Some(end) = end {
        let counts =
            [(end.tools, "tool"), (end.retries, "retry"), (end.unknown, "unknown event"), (end.broken, "broken line")];
        let told: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| match what {
                "retry" if count > 1 => format!("{count} retries"),
                what => format::plural(u64::from(count), what),
            })
            .collect();
        if !told.is_empty() {
            lines.push(("stream", told.join(", "), Role::Text));
        }
    }
    lines
}

fn launch(state: &RunState, step: &StepRecord, read: Option<&Xray>) -> Vec<Line> {
    if step.argv.is_empty() {
        return vec![("", "loopdash does this itself; it starts no program".to_owned(), Role::Dim)];
    }
    let command = shlex::try_join(step.argv.iter().map(String::as_str)).unwrap_or_else(|_| step.argv.join(" "));
    let mut lines: Vec<Line> = vec![("command", plain_str(&command), Role::Strong)];
    lines.push(("in", plain_str(&step.cwd), Role::Path));
    if let Some((pid, _)) = step.process {
        lines.push(("process", pid.to_string(), Role::Text));
    }
    let Some(read) = read else {
        lines.push(("", "reading…".to_owned(), Role::Dim));
        return lines;
    };
    lines.push(("output", read.dir.join("stdout.log").display().to_string(), Role::Path));
    lines.push((
        "",
        "raw, as it was printed: secrets are in it, and nobody else may read it (0600)".to_owned(),
        Role::Dim,
    ));
    let launched = match &read.launched {
        Ok(launched) => launched,
        Err(why) => {
            lines.push(("", why.clone(), Role::Dim));
            return lines;
        }
    };
    if let Some(route) = launched.prompt {
        let how = match route {
            PromptRoute::Stdin => "on standard input",
            PromptRoute::File => "by the name of its file",
            PromptRoute::Argument => "as an argument",
        };
        lines.push(("prompt", format!("{}, {how}", read.dir.join("prompt.md").display()), Role::Path));
    }
    let stdin = match &launched.stdin {
        Some(sent) => format!("{}, git hash-object {}", format::bytes(sent.bytes), sent.blob),
        None if launched.terminal => "its terminal, and ended".to_owned(),
        None => "empty".to_owned(),
    };
    lines.push(("stdin", stdin, Role::Text));
    if launched.terminal {
        lines.push(("terminal", format!("of its own, {} columns, {} rows", pty::COLUMNS, pty::ROWS), Role::Text));
    }
    let marks = [(RUN_MARK, state.id.to_string()), (STEP_MARK, format!("{}/{}", state.id, step.id))];
    let added = launched.added.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
    let marks = marks.iter().map(|(name, value)| (*name, Some(value.as_str())));
    for (i, (name, value)) in added.chain(marks).enumerate() {
        let (text, role) = match value {
            Some(value) => (format!("{name}={}", plain_str(value)), Role::Text),
            None => (format!("{name}=•••"), Role::Dim),
        };
        lines.push((if i == 0 { "added" } else { "" }, text, role));
    }
    let dropped = launched.dropped.iter().map(|name| plain_str(name)).collect::<Vec<_>>().join(" ");
    lines.push(("dropped", if dropped.is_empty() { "nothing".to_owned() } else { dropped }, Role::Text));
    lines
}

fn processes(step: &StepRecord, read: Option<&Xray>) -> Vec<Line> {
    let Some(read) = read.filter(|_| step.end.is_none() && !step.argv.is_empty()) else { return Vec::new() };
    if read.processes.is_empty() {
        return vec![("", "nothing any more; r looks again".to_owned(), Role::Dim)];
    }
    let line = |member: &Member| {
        let load = member.load.map_or_else(String::new, |load| {
            format!("  cpu {}, {}", format::duration(load.cpu_ms), format::bytes(load.resident))
        });
        let stopped = if member.state == 'T' { "  stopped" } else { "" };
        let under = if member.depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(member.depth - 1)) };
        ("", format!("{under}{}{load}{stopped}  {}", member.pid, member.command), Role::Text)
    };
    read.processes.iter().map(line).collect()
}
