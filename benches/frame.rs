//! What a frame costs: the whole dashboard of a busy fleet with a full Output pane, beside a bare paragraph of the same
//! size, which is what any program of this kind pays at least.
//!
//! Compare rows of one run with each other.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to say")]

use divan::Bencher;
use loopdash::app::config::OnStart;
use loopdash::app::tui::keymap::Keymap;
use loopdash::app::tui::ui::Ui;
use loopdash::app::tui::update::Ctx;
use loopdash::app::view::clock::Clock;
use loopdash::app::view::doc::Doc;
use loopdash::app::view::loaded::{LiveFacts, Loaded};
use loopdash::app::view::page::Page;
use loopdash::app::view::{Scene, draw};
use loopdash::loops::core::event::{Admitted, Event, IterationStarted, Record, StepStarted, Submitted, TestStarted};
use loopdash::loops::core::fleet::Fleet;
use loopdash::loops::core::ids::{Millis, RunId, StepId};
use loopdash::loops::core::spec::{AgentSpec, Limits, LoopSpec, Trigger};
use loopdash::loops::core::state::OBJECTIVE_TEST;
use loopdash::loops::core::step::StepKind;
use loopdash::widgets::theme::{Ink, Paint, ThemeLibrary, Tier};
use loopdash::widgets::transcript::{Stream, StyledLine};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

const RUNS: u64 = 12;
const LINES: u64 = 400;
const NOW: Millis = Millis(1_795_269_780_000);
const SIZES: [&str; 2] = ["80x24", "200x50"];

fn main() {
    divan::main();
}

fn area(size: &str) -> Rect {
    let (width, height) = size.split_once('x').expect("WIDTHxHEIGHT");
    Rect::new(0, 0, width.parse().expect("a width"), height.parse().expect("a height"))
}

fn id(n: u64) -> RunId {
    RunId::parse(&format!("01935b1e-0000-7000-8000-{n:012}")).expect("a fixed id")
}

fn spec(n: u64) -> LoopSpec {
    let actor = AgentSpec::new("coder", vec!["coder".to_owned()]);
    LoopSpec {
        name: format!("loop-{n:02}"),
        repo: "/src/shop".to_owned(),
        objective: "Make the tests pass.".to_owned(),
        tests: Vec::new(),
        tests_file: None,
        critic: Some(actor.clone()),
        actor,
        stronger: None,
        critic_when: Default::default(),
        isolation: Default::default(),
        base: None,
        branch: None,
        worktree_path: None,
        priority: 5,
        limits: Limits {
            max_iterations: 20,
            max_attempts: 3,
            wall_clock_ms: None,
            tokens: None,
            micro_usd: None,
            iterations: None,
        },
        context_files: Vec::new(),
        setup: None,
        gates: Vec::new(),
        stuck: loopdash::loops::core::watch::Policy::default(),
        hooks: Default::default(),
        tests_policy: Default::default(),
        preset: None,
    }
}

/// Twelve runs, each with its actor at work.
fn fleet() -> Fleet {
    let mut fleet = Fleet::new(12, 4);
    for n in 0..RUNS {
        let label = format!("loop-{n:02}");
        let version = "0".to_owned();
        let events: [Event; 5] = [
            Submitted { label, spec: Box::new(spec(n)), trigger: Trigger::Cli, base: None, version, order: 0 }.into(),
            Admitted { slot: u32::try_from(n).expect("few runs") }.into(),
            TestStarted { test: OBJECTIVE_TEST.to_owned(), attempt: 1 }.into(),
            IterationStarted { iteration: 1, test: OBJECTIVE_TEST.to_owned() }.into(),
            StepStarted {
                step: StepId(1),
                kind: StepKind::Actor,
                iteration: 1,
                agent: Some("coder".to_owned()),
                argv: vec!["coder".to_owned()],
                cwd: "/src/shop.loops/a".to_owned(),
                prompt: None,
                guidance: Vec::new(),
            }
            .into(),
        ];
        for (seq, event) in (1..).zip(events) {
            fleet.apply(&Record { seq, at: Millis(NOW.0 - 60_000), run: id(n), event });
        }
    }
    fleet
}

/// A line as an agent prints it: 75 columns, a third of it coloured.
fn line(n: u64) -> StyledLine {
    let ink = Ink { fg: Some(Paint::Indexed((n % 6 + 1) as u8)), ..Ink::default() };
    let spans = vec![
        (format!("{n:>6} "), Ink::default()),
        ("compiling src/main.rs:42 ".to_owned(), ink),
        ("warning: unused variable running 0.03s passed".to_owned(), Ink::default()),
    ];
    StyledLine { spans, stream: Stream::Out }
}

#[divan::bench(args = SIZES)]
fn dashboard(bencher: Bencher<'_, '_>, size: &str) {
    let area = area(size);
    let fleet = fleet();
    let state = fleet.state(id(0)).expect("a run");
    let live = LiveFacts { run: id(0), step: StepId(1), lines: LINES, story: None, lively: true };
    let doc = Doc::of(state, Some(live), false);
    let total = doc.total();
    let lines = (1..total).map(|n| (n, line(n))).collect();
    let page = Page { run: Some(id(0)), range: 0..total, doc, lines, error: None };
    let loaded = Loaded { page, live: Some(live), ..Loaded::default() };
    let (keymap, mut ui) = (Keymap::default(), Ui::new((area.width, area.height)));
    ui.loading = false;
    ui.select(Some(id(0)));
    let ctx = Ctx {
        fleet: &fleet,
        loops: &[],
        no_new_loop: None,
        on_start: OnStart::Leave,
        now: NOW,
        diff_marks: &[],
        keymap: &keymap,
    };
    let library = ThemeLibrary::bundled().expect("bundled themes");
    let theme = library.theme("dark", Tier::TrueColor).expect("the dark theme");
    let zone = jiff::tz::TimeZone::UTC;
    let mut buffer = Buffer::empty(area);
    bencher.bench_local(|| {
        buffer.reset();
        let clock = Clock::new(NOW, &zone);
        let scene =
            Scene { ui: &ui, ctx: &ctx, loaded: &loaded, theme: &theme, clock: &clock, place: None, configured: true };
        draw(&scene, &mut buffer)
    });
}

#[divan::bench(args = SIZES)]
fn bare_paragraph(bencher: Bencher<'_, '_>, size: &str) {
    let area = area(size);
    let mut buffer = Buffer::empty(area);
    bencher.bench_local(|| {
        buffer.reset();
        let lines: Vec<Line<'_>> = (0..u64::from(area.height))
            .map(|n| Line::from(line(n).spans.into_iter().map(|(text, _)| Span::raw(text)).collect::<Vec<_>>()))
            .collect();
        Paragraph::new(lines).render(area, &mut buffer);
    });
}
