//! One line of words for each event, for `log`, headless output and the timeline: [`sentence`].

mod chores;

pub use chores::landing;
use chores::{chore, conflicted, kept, kept_in, merged};

use crate::loops::core::budget::{Budget, Resource};
use crate::loops::core::event::{Event, ParkReason, Sign, Signal, SnapshotTaken, StepStarted, When};
use crate::loops::core::gate::{GateResult, gate_marks};
use crate::loops::core::ids::Millis;
use crate::loops::core::state::{RunState, gate_words};
use crate::loops::core::step::{InterruptWhy, StepEnd, StepKind};
use crate::loops::core::test_state::TestSpec;
use crate::loops::core::usage::Total;
use crate::loops::core::verdict::{Severity, Verdict};
use crate::loops::core::watch::{Cost, Sighting};
use crate::loops::core::weigh::in_words;
use crate::loops::mask::Mask;
use crate::widgets::format;

/// What happened, in words and without secrets. Holds text of agents and files as it is: pass it through a sanitiser before it is shown.
pub fn sentence(event: &Event) -> String {
    Mask::of_process().text(&words(event)).into_owned()
}

fn words(event: &Event) -> String {
    match event {
        Event::Submitted(e) => format!("submitted as {}, priority {}", e.label, e.spec.priority),
        Event::Admitted(e) => format!("has slot {}", e.slot),
        Event::Parked(e) if e.reason.asks() => format!("waits for you: {}", park(&e.reason)),
        Event::Parked(e) => format!("waits {}", park(&e.reason)),
        Event::Unparked(e) => format!("goes on, by {}", e.who.word()),
        Event::PauseRequested(e) => format!("pause asked for ({}), by {}", e.kind.word(), e.who.word()),
        Event::Paused(e) => format!("paused ({})", e.kind.word()),
        Event::Resumed(e) => format!("resumed by {}", e.who.word()),
        Event::StopRequested(e) => format!("stop asked for by {}", e.who.word()),
        Event::Reopened(e) => {
            format!("reopened by {}, now up to {}", e.who.word(), count(e.max_iterations, "iteration"))
        }
        Event::WorkspaceReady(e) => {
            let made = workspace(e.in_place, e.fresh, &e.path, e.branch.as_deref());
            if e.included.is_empty() { made } else { format!("{made}, with {}", e.included.join(", ")) }
        }
        Event::TestStarted(e) => format!("test {}: attempt {}", e.test, e.attempt),
        Event::TestPassed(e) => format!("test {} passed: {}", e.test, e.evidence),
        Event::TestFailed(e) => format!("test {} not met at attempt {}: {}", e.test, e.attempt, e.why),
        Event::TestBlocked(e) => format!("test {} blocked: {}", e.test, e.why),
        Event::TestSkipped(e) => with_reason(format!("test {} skipped by {}", e.test, e.who.word()), &e.why),
        Event::TestWaived(e) => {
            with_reason(format!("test {} waived: it counts as met by the word of {}", e.test, e.who.word()), &e.why)
        }
        Event::TestReset(e) => format!("test {} reset by {}", e.test, e.who.word()),
        Event::TestRetried(e) => format!("test {} tried again, by {}", e.test, e.who.word()),
        Event::TestAdded(e) => format!("test {} added by {}: {}", e.test.id, e.who.word(), e.test.title),
        Event::IterationStarted(e) => format!("iteration {}: test {}", e.iteration, e.test),
        Event::StepStarted(e) => step_started(e),
        Event::Spawned(e) => format!("step {} is process {}", e.step, e.pid),
        Event::StepFinished(e) => format!("step {} ended: {}", e.step, step_end(&e.end)),
        Event::StepInterrupted(e) => {
            format!("step {} ended early: {}{}", e.step, interrupt(e.why), left_behind(&e.left_behind))
        }
        Event::SnapshotTaken(e) => snapshot(e),
        Event::TakenOver(e) => format!("taken over by {}", e.who.word()),
        Event::Kept(e) => kept(e),
        Event::ChoreAsked(e) => format!("{} asked for by {}", chore(e.chore), e.who.word()),
        Event::Rewound(e) if e.iteration == 0 => format!("worktree set back to its base{}", kept_in(e.trash.as_ref())),
        Event::Rewound(e) => format!("worktree set back to iteration {}{}", e.iteration, kept_in(e.trash.as_ref())),
        Event::Scrapped(e) => {
            let left = e.branch_left.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
            format!("worktree removed{}{left}", kept_in(e.trash.as_ref()))
        }
        Event::Merged(e) => merged(e),
        Event::MergeConflicted(e) => conflicted(e),
        Event::Restored(e) => format!("worktree brought back{}", kept_in(e.trash.as_ref())),
        Event::TestsWeighed(e) => format!("tests weakened: {}", in_words(&e.changes)),
        Event::RepositoryTouched(e) => format!("not the run's, and changed: {}", e.changed.join(", ")),
        Event::ClockJumped(e) => {
            let (way, why) = if e.by_ms < 0 { ("back", "") } else { ("ahead", ", or the machine slept") };
            format!("the clock was set {way} by {}{why}", duration(e.by_ms.unsigned_abs()))
        }
        Event::LockAwaited(e) if e.holder.is_empty() => format!("step {} waits for lock {}", e.step, e.lock),
        Event::LockAwaited(e) => format!("step {} waits for lock {}, held by {}", e.step, e.lock, e.holder),
        Event::GateFinished(e) => {
            let kind = if e.required { "gate" } else { "advisory gate" };
            let words = gate_words(&e.outcome, e.excuse, e.tests.as_deref(), e.coverage.as_ref());
            let by = e.found_by.map(|run| format!(", as run {} found", run.short())).unwrap_or_default();
            let hint = if e.outcome == GateResult::OutOfMemory { FEWER } else { "" };
            let name = format!("{}{}", e.gate, gate_marks(&e.gate, e.kind, true));
            format!("{kind} {name}: {words} after {}{by}{hint}", duration(e.duration_ms))
        }
        Event::VerdictReached(e) => verdict(&e.verdict),
        Event::Guidance(e) => {
            let when = if e.when == When::Now { "now" } else { "next" };
            format!("note {} by {}, to be heard {when}: {}", e.id, e.who.word(), e.text)
        }
        Event::Answered(e) => format!("answer {} by {}: {}", e.id, e.who.word(), e.text),
        Event::Retried(e) => format!("tried again, by {}", e.who.word()),
        Event::GatesRerun(e) => format!("gates run again, by {}", e.who.word()),
        Event::AgentSet(e) => {
            let model = e.agent.model.as_ref().map(|model| format!(" with {model}")).unwrap_or_default();
            format!("{} is to be {}{model}, set by {}", e.role.word(), e.agent.name, e.who.word())
        }
        Event::PrioritySet(e) => format!("priority {} set by {}", e.priority, e.who.word()),
        Event::HeldBehind(e) => match e.behind {
            Some(_) => format!("is to wait until {} has landed, by {}", e.label, e.who.word()),
            None => format!("is to wait for no other run, by {}", e.who.word()),
        },
        Event::LimitsSet(e) => match e.max_iterations {
            Some(most) => format!("limit set to {} by {}", count(most, "iteration"), e.who.word()),
            None => format!("{} by {}", budgets(&e.budget), e.who.word()),
        },
        Event::Signal(e) => format!("step {}: {}", e.step, signal(e)),
        Event::SignalRaised(e) => signal_raised(&e.sighting),
        Event::SignalCleared(e) => format!("no longer: {}", e.pattern.word()),
        Event::SignalSeen(e) => format!("{}: seen by {}", e.pattern.word(), e.who.word()),
        Event::RemedyTaken(e) => {
            let cause = match (&e.pattern, &e.test) {
                (Some(pattern), _) => pattern.word().to_owned(),
                (None, Some(test)) => format!("{test}, which is blocked"),
                (None, None) => "no signal".to_owned(),
            };
            format!("remedy taken by {}: {}, for {cause}: {}", e.who.word(), e.remedy.word(), e.what)
        }
        Event::StepRestarted(e) => format!("its step starts anew, by {}", e.who.word()),
        Event::Noted(e) => e.text.clone(),
        Event::Finished(e) => with_reason(format!("finished: {}", e.outcome.word()), &e.reason),
    }
}

/// Why a run waits for a person, in words.
pub fn park(reason: &ParkReason) -> String {
    match reason {
        ParkReason::NeedsHuman { question, from } => format!("question of the {}: {question}", from.word()),
        ParkReason::Attention { kind, detail } => with_reason(kind.word().to_owned(), detail),
        ParkReason::Blocked { tests } => format!("blocked: {}", tests.join(", ")),
        ParkReason::Limit { until, provider, class, detail } => {
            let when = match until {
                Some(until) => format!("until {} for {provider}: {}", time_of(*until), class.word()),
                None => format!("for {provider}, which is held: {}", class.word()),
            };
            with_reason(when, detail)
        }
        ParkReason::Budget { which, fleet, used, limit } => {
            let whose = if *fleet { "the fleet's" } else { "its" };
            let within = if *fleet { " in 24 hours" } else { "" };
            format!(
                "{whose} {} is used up: {} of {}{within}",
                which.word(),
                amount(*which, *used),
                amount(*which, *limit)
            )
        }
        ParkReason::Behind { label, .. } => format!("until {label} has landed"),
        ParkReason::Account { provider, class, detail } => {
            with_reason(format!("{} at {provider}", class.word()), detail)
        }
    }
}

/// An amount of tokens, dollars or time.
pub fn amount(which: Resource, amount: u64) -> String {
    match which {
        Resource::Tokens => format!("{} tok", format::short(amount)),
        Resource::Dollars => format::dollars(amount as f64 / 1e6),
        Resource::WallClock => duration(amount),
        Resource::Iterations => format::plural(amount, "iteration"),
    }
}

/// What was used, as far as it is known: `12k in, 40k cached, 1.9k out, $0.14`, with `at least` before what is known of a
/// sum in part; `None` when nothing is.
pub fn used(total: &Total) -> Option<String> {
    let Total { known, partial_tokens, partial_dollars } = total;
    let at_least = |partial: &bool| if *partial { "at least " } else { "" };
    let kinds = [(known.input, "in"), (known.cached.filter(|cached| *cached > 0), "cached"), (known.output, "out")];
    let tokens = kinds.into_iter().filter_map(|(tokens, kind)| Some(format!("{} {kind}", format::short(tokens?))));
    let tokens = Some(tokens.collect::<Vec<_>>().join(", ")).filter(|tokens| !tokens.is_empty());
    let tokens = tokens.map(|tokens| format!("{}{tokens}", at_least(partial_tokens)));
    let dollars = known.micro_usd.map(|micro| amount(Resource::Dollars, micro));
    let dollars = dollars.map(|dollars| format!("{}{dollars}", at_least(partial_dollars)));
    let words: Vec<String> = tokens.into_iter().chain(dollars).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// A time of day here, to the second; with the date if it is not today.
pub fn time_of(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let (at, now) = (at.to_zoned(jiff::tz::TimeZone::system()), jiff::Zoned::now());
    at.strftime(if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// A length of time as a person reads it: `850ms`, `12s`, `3m05s`, `2h10m`.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis}ms"),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number of bytes as a person reads it: `12 B`, `4.2 kB`, `50 MB`.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    if tenths < 100 { format!("{}.{} {name}", tenths / 10, tenths % 10) } else { format!("{} {name}", bytes / unit) }
}

fn budgets(budget: &Budget) -> String {
    let all = [
        (Resource::Tokens, budget.tokens),
        (Resource::Dollars, budget.micro_usd),
        (Resource::WallClock, budget.wall_clock_ms),
        (Resource::Iterations, budget.iterations),
    ];
    let set =
        all.into_iter().filter_map(|(which, limit)| Some(format!("{} set to {}", which.word(), amount(which, limit?))));
    match set.collect::<Vec<_>>().join(", ") {
        words if words.is_empty() => "limits left as they are".to_owned(),
        words => words,
    }
}

fn workspace(in_place: bool, fresh: bool, path: &str, branch: Option<&str>) -> String {
    match (in_place, fresh, branch) {
        (true, ..) => format!("works IN PLACE, in your checkout {path}"),
        (false, true, Some(branch)) => format!("worktree made at {path} on branch {branch}"),
        (false, true, None) => format!("worktree made at {path}"),
        (false, false, _) => format!("worktree found at {path}"),
    }
}

fn step_started(e: &StepStarted) -> String {
    let what = match (&e.kind, &e.agent) {
        (StepKind::Gate(name), _) => format!("gate {name}"),
        (kind, Some(agent)) => format!("{}, {agent}", kind.word()),
        (kind, None) => kind.word().to_owned(),
    };
    let notes = match e.guidance.len() as u32 {
        0 => String::new(),
        notes => format!(", with {}", count(notes, "note")),
    };
    format!("step {}: {what}{notes}", e.step)
}

fn signal(e: &Signal) -> String {
    let busy = match (e.cpu, e.busy) {
        (Some(cpu), _) => {
            format!(", its processes used {} of CPU in {}", duration(cpu.used_ms), duration(cpu.over_ms))
        }
        (None, Some(true)) => ", its processes use the CPU".to_owned(),
        (None, Some(false)) => ", the CPU is idle".to_owned(),
        (None, None) => String::new(),
    };
    let time = duration(e.for_ms);
    match e.sign {
        Sign::NoOutput => format!("has printed nothing for {time}{busy}"),
        Sign::Silent => format!("silent for {time}{busy}"),
        Sign::Resumed => format!("prints again after {time}"),
        Sign::Repeating => {
            let call = e.what.as_deref().unwrap_or("one call");
            format!("{} times the same with the same result, for {time}: {call}", e.times)
        }
        Sign::Varied => "does something else again".to_owned(),
    }
}

/// A signal with its evidence: what, since when, and what it has cost.
pub fn signal_raised(sighting: &Sighting) -> String {
    let spent = cost(&sighting.cost);
    let word = if sighting.pattern.stuck() { "seems stuck" } else { "worth a look" };
    format!("{word}, {}: {} ({spent})", sighting.pattern.word(), sighting.what)
}

/// What a stretch has cost: `24m10s, 43k tok, $1.90`.
pub fn cost(cost: &Cost) -> String {
    let time = duration(cost.ms);
    used(&Total::from(cost.usage)).map_or_else(|| time.clone(), |used| format!("{time}, {used}"))
}

/// What may be done where memory is short.
const FEWER: &str = "; fewer loops at once (`<`, engine.cap) or gates (engine.gate_cap) leave more of it to each";

fn step_end(end: &StepEnd) -> String {
    let mut text = format!("{} after {}", end.word(), duration(end.duration_ms));
    let bytes = end.stdout_bytes + end.stderr_bytes;
    if bytes > 0 {
        text.push_str(&format!(", {}, {}", format::plural(end.lines, "line"), size(bytes)));
    }
    if let Some(used) = end.usage.and_then(|usage| used(&Total::from(usage))) {
        text.push_str(&format!(", {used}"));
    }
    if end.claim {
        text.push_str(", says that it is done");
    }
    if let Some(question) = &end.question {
        text.push_str(&format!(", asks: {question}"));
    }
    let hint = if end.out_of_memory { FEWER } else { "" };
    text + &left_behind(&end.left_behind) + hint
}

fn left_behind(processes: &[String]) -> String {
    match processes {
        [] => String::new(),
        processes => format!(", left behind and stopped: {}", processes.join(", ")),
    }
}

/// Why a step was ended before its time.
pub const fn interrupt(why: InterruptWhy) -> &'static str {
    match why {
        InterruptWhy::Pause => "pause",
        InterruptWhy::Stop => "stop",
        InterruptWhy::Guidance => "a note is to be heard now",
        InterruptWhy::Test => "its test was skipped, waived or reset",
        InterruptWhy::Restart => "it starts anew",
        InterruptWhy::Park => "the run is parked",
        InterruptWhy::Rewind => "the worktree is set back",
        InterruptWhy::RerunGates => "the gates run again",
        InterruptWhy::Crash => "loopdash itself had ended",
    }
}

fn snapshot(e: &SnapshotTaken) -> String {
    let short: String = e.commit.chars().take(10).collect();
    let mut text = if e.empty {
        format!("snapshot {short}: nothing changed since the base")
    } else {
        format!("snapshot {short}: {}, +{} -{}", count(e.files, "file"), e.insertions, e.deletions)
    };
    if !e.skipped.is_empty() {
        text.push_str(&format!("; not kept: {}", e.skipped.join(", ")));
    }
    text
}

fn verdict(verdict: &Verdict) -> String {
    let blocking = verdict.findings.iter().filter(|finding| finding.severity == Severity::Blocking).count() as u32;
    let nits = verdict.findings.len() as u32 - blocking;
    let mut text = format!("verdict: {}", verdict.decision.word());
    if let Some(confidence) = verdict.confidence {
        text.push_str(&format!(" ({:.0}%)", confidence * 100.0));
    }
    if blocking > 0 {
        text.push_str(&format!(", {blocking} blocking"));
    }
    if nits > 0 {
        text.push_str(&format!(", {}", count(nits, "nit")));
    }
    with_reason(text, &verdict.summary)
}

fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}: {reason}") }
}

/// `1 file`, `2 files`.
pub fn count(number: u32, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The attempts at which a test ends: the loop's one objective has no limit of its own, its iterations are its tries.
pub fn shown_limit(state: &RunState, test: &TestSpec) -> u32 {
    match state.max_attempts(test) {
        u32::MAX => state.max_iterations,
        limit => limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::core::event::{Parked, VerdictReached};
    use crate::loops::core::ids::{StepId, Who};
    use crate::loops::core::step::{Cause, Exit};
    use crate::loops::core::verdict::{Decision, Finding};

    #[test]
    fn lengths_and_sizes_are_short() {
        let lengths: Vec<String> = [7, 999, 12_400, 185_000, 7_800_000].map(duration).to_vec();
        assert_eq!(lengths, ["7ms", "999ms", "12s", "3m05s", "2h10m"]);
        let sizes: Vec<String> = [0, 999, 1_000, 4_250, 99_999, 50_000_000, 1_200_000_000].map(size).to_vec();
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "4.2 kB", "99 kB", "50 MB", "1.2 GB"]);
    }

    #[test]
    fn ends_and_verdicts_say_what_matters() {
        let end = StepEnd {
            exit: Some(Exit::Signal(9)),
            duration_ms: 61_000,
            stdout_bytes: 2_000,
            lines: 12,
            left_behind: vec!["41 sleep".to_owned()],
            claim: true,
            ..StepEnd::new(Cause::Natural)
        };
        let text = "signal KILL after 1m01s, 12 lines, 2.0 kB, says that it is done, left behind and stopped: 41 sleep";
        assert_eq!(step_end(&end), text);
        assert!(step_end(&StepEnd { out_of_memory: true, ..end }).contains("; fewer loops at once (`<`"));
        let finding = |severity| Finding { id: "f".to_owned(), severity, file: None, line: None, text: "x".to_owned() };
        let reached = VerdictReached {
            step: StepId(4),
            verdict: Verdict {
                decision: Decision::Continue,
                confidence: Some(0.8),
                summary: "not yet".to_owned(),
                findings: vec![finding(Severity::Blocking), finding(Severity::Nit)],
            },
        };
        assert_eq!(sentence(&reached.into()), "verdict: continue (80%), 1 blocking, 1 nit: not yet");
        let parked = Parked { reason: ParkReason::NeedsHuman { question: "Which?".to_owned(), from: Who::Actor } };
        assert_eq!(sentence(&parked.into()), "waits for you: question of the actor: Which?");
    }
}
