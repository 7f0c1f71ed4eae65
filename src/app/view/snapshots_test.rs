//! Whole screens from fixture records, at the sizes that the design names.
//!
//! The text is what is compared; styles are the widgets' own tests.

use super::*;
use crate::app::config::OnStart;
use crate::app::tui::keymap::Keymap;
use crate::app::tui::msg::{Effect, Msg};
use crate::app::tui::update::update;
use crate::app::view::fixture::NOW;
use crate::app::view::loaded::{DiffKey, Wants};
use crate::loops::core::event::{PauseKind, PauseRequested, Record};
use crate::loops::core::fleet::Fleet;
use crate::loops::core::ids::{Millis, Who};
use crate::loops::core::spec::LoopSpec;
use crate::loops::git::diff::{Diff, FileDiff, Hunk, Line, LineKind, Status};
use crate::widgets::theme::{ThemeLibrary, Tier};
use diff_doc::DiffDoc;
use jiff::tz::TimeZone;
use std::sync::Arc;

const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (200, 60)];

/// A screen that keys can be typed into.
struct Desk {
    ui: Ui,
    fleet: Fleet,
    loaded: Loaded,
    loops: Vec<LoopSpec>,
    keymap: Keymap,
    frame: u64,
    wants: Wants,
    on_start: OnStart,
}

impl Desk {
    fn new(fleet: Fleet, size: (u16, u16), on_start: OnStart) -> Self {
        let keymap = Keymap::default();
        let (ui, loaded, wants) = (Ui::new(size), Loaded::default(), Wants::default());
        let mut desk = Self { ui, fleet, loaded, loops: Vec::new(), keymap, frame: 0, wants, on_start };
        desk.tell(Msg::Loaded);
        desk
    }

    /// The busy fleet with this run selected and all of it loaded.
    fn on(run: &str, size: (u16, u16)) -> Self {
        let mut desk = Self::new(fixture::busy(), size, OnStart::Leave);
        desk.ui.select(Some(fixture::id(run)));
        let state = fixture::run(run);
        desk.loaded = fixture::loaded(&state);
        if let Some(key) = diff_key(&state, desk.ui.scope) {
            desk.loaded.diff = Some((DiffKey { ..key }, Ok(Arc::new(DiffDoc::new(session_diff(), &[])))));
        }
        desk
    }

    fn ctx<'a>(&'a self, marks: &'a [crate::app::tui::update::DiffMark]) -> Ctx<'a> {
        Ctx {
            fleet: &self.fleet,
            loops: &self.loops,
            no_new_loop: None,
            on_start: self.on_start,
            now: NOW,
            diff_marks: marks,
            keymap: &self.keymap,
        }
    }

    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let mut ui = self.ui.clone();
        let marks = match &self.loaded.diff {
            Some((_, Ok(doc))) => doc.marks().to_vec(),
            _ => Vec::new(),
        };
        let effects = update(&mut ui, &self.ctx(&marks), msg);
        self.ui = ui;
        effects
    }

    fn draw(&mut self) -> Buffer {
        let library = ThemeLibrary::bundled().unwrap();
        let theme = library.theme("dark", Tier::TrueColor).unwrap();
        let zone = TimeZone::UTC;
        let clock = Clock::new(NOW, &zone);
        let mut buf = Buffer::empty(Rect::new(0, 0, self.ui.size.0, self.ui.size.1));
        self.frame += 1;
        let ctx = self.ctx(&[]);
        let scene = Scene {
            ui: &self.ui,
            ctx: &ctx,
            loaded: &self.loaded,
            theme: &theme,
            clock: &clock,
            place: Some("shop"),
            configured: false,
        };
        let mut out = draw(&scene, &mut buf);
        out.seen.frame = self.frame;
        self.wants = out.wants;
        self.tell(Msg::Drawn(out.seen));
        buf
    }

    /// Ends the search that the screen wants, with these hits.
    fn found(&mut self, hits: Vec<u64>) {
        let want = self.wants.search.clone().unwrap();
        self.tell(Msg::Found { want, hits, more: false });
    }

    fn keys(mut self, keys: &str) -> Self {
        self.draw();
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            let chord = crate::app::tui::chord::Chord::parse(key).unwrap();
            self.tell(Msg::Key { chord, seen: self.frame });
            self.draw();
        }
        self
    }
}

fn text(buf: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buf.area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf.cell((x, y)).map_or(" ", ratatui::buffer::Cell::symbol);
            skip = crate::widgets::text::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn session_diff() -> Diff {
    let rows = [
        (LineKind::Context, "    /// Whether the session may still be used at `now`."),
        (LineKind::Removed, "    pub fn is_live(&self, now: u64) -> bool {"),
        (LineKind::Removed, "        now <= self.expires"),
        (LineKind::Added, "    pub fn is_live(&self, now: Instant) -> bool {"),
        (LineKind::Added, "        now < self.expires_at()"),
        (LineKind::Context, "    }"),
    ];
    let mut body = String::new();
    let (mut old, mut new) = (61, 61);
    let hunk = |start: u32, old: &mut u32, new: &mut u32, body: &mut String| Hunk {
        header: format!("@@ -{start},4 +{start},4 @@ impl Session"),
        old_start: *old,
        new_start: *new,
        lines: rows
            .iter()
            .map(|(kind, text)| {
                let from = body.len();
                body.push_str(text);
                let number = |side: &mut u32| {
                    *side += 1;
                    Some(*side - 1)
                };
                let (old_no, new_no) = match kind {
                    LineKind::Context => (number(old), number(new)),
                    LineKind::Removed => (number(old), None),
                    LineKind::Added => (None, number(new)),
                };
                Line { kind: *kind, old_no, new_no, text: from..body.len(), no_newline: false }
            })
            .collect(),
    };
    let mut hunks = vec![hunk(61, &mut old, &mut new, &mut body)];
    (old, new) = (112, 112);
    hunks.push(hunk(112, &mut old, &mut new, &mut body));
    let file = |path: &str, status, hunks, text| FileDiff {
        path: path.to_owned(),
        path_bytes: path.as_bytes().to_vec(),
        old_path: None,
        status,
        insertions: 4,
        deletions: 4,
        binary: false,
        too_large: false,
        modes: (0o100_644, 0o100_644),
        ids: ("1".repeat(40), "2".repeat(40)),
        hunks,
        text,
    };
    let files = vec![
        file("src/auth/session.rs", Status::Modified, hunks, body),
        file("assets/logo.png", Status::Added, Vec::new(), String::new()),
    ];
    Diff { files, insertions: 4, deletions: 4 }
}

fn snap(name: &str, make: impl Fn((u16, u16)) -> Desk) {
    for size in SIZES {
        let shown = text(&make(size).draw());
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shown);
    }
}

#[test]
fn empty() {
    snap("empty", |size| Desk::new(Fleet::new(3, 2), size, OnStart::Leave));
}

#[test]
fn loading() {
    snap("loading", |size| {
        let mut desk = Desk::new(Fleet::new(3, 2), size, OnStart::Leave);
        desk.ui.loading = true;
        desk
    });
}

#[test]
fn busy() {
    snap("busy", |size| Desk::on("auth-refactor", size));
}

#[test]
fn limited() {
    snap("limited", |size| {
        let mut desk = Desk::new(fixture::limited(), size, OnStart::Leave);
        let run = fixture::id("fix-ci");
        desk.ui.select(Some(run));
        desk.loaded = fixture::loaded(desk.fleet.state(run).unwrap());
        desk
    });
}

#[test]
fn a_run_behind_a_held_provider_says_so_until_its_time() {
    let mut desk = Desk::new(fixture::limited(), (200, 60), OnStart::Leave);
    desk.ui.select(Some(fixture::id("search-facets")));
    let held = text(&desk.draw());
    assert!(held.contains("provider claude is held until 14:32: rate limited"), "{held}");
    desk.ui.select(Some(fixture::id("auth-refactor")));
    desk.loaded = fixture::loaded(desk.fleet.state(fixture::id("auth-refactor")).unwrap());
    let login = text(&desk.draw());
    assert!(login.contains("log in again with `codex login`, then R"), "{login}");
}

#[test]
fn scrolled_back_with_a_search() {
    snap("search", |size| {
        let mut desk = Desk::on("auth-refactor", size).keys("1 / s a m e enter");
        desk.found(vec![30]);
        desk.ui.search.as_mut().unwrap().query = "expiry".to_owned();
        desk.keys("")
    });
}

#[test]
fn attention() {
    snap("attention", |size| {
        let mut desk = Desk::new(super::stuck_fixture::stuck(), size, OnStart::Leave);
        desk.ui.select(Some(fixture::id("sql-migrate")));
        desk.keys("0")
    });
    snap("stuck", |size| {
        let mut desk = Desk::new(super::stuck_fixture::stuck(), size, OnStart::Leave);
        desk.ui.select(Some(fixture::id("sql-migrate")));
        desk
    });
}

#[test]
fn question() {
    snap("question", |size| Desk::on("docs-site", size).keys("tab a k e e p"));
}

#[test]
fn diff() {
    snap("diff", |size| Desk::on("auth-refactor", size).keys("2"));
}

#[test]
fn diff_weakened() {
    use crate::loops::core::weigh::{TestChange, TestChangeKind};
    snap("diff_weakened", |size| {
        let mut desk = Desk::on("auth-refactor", size).keys("2");
        let change = |kind, path: &str| TestChange::new(kind, path.to_owned());
        let fewer = TestChange { count: Some(2), ..change(TestChangeKind::FewerAssertions, "tests/auth.rs") };
        let weighed = vec![fewer, change(TestChangeKind::Deleted, "tests/session.rs")];
        let state = &mut desk.fleet.runs.get_mut(&fixture::id("auth-refactor")).unwrap().state;
        let kept = state.iterations.iter_mut().rev().find(|iteration| iteration.snapshot.is_some()).unwrap();
        kept.weighed.clone_from(&weighed);
        let key = diff_key(state, desk.ui.scope).unwrap();
        let mut diff = session_diff();
        let hunk = diff.files[0].hunks[..1].to_vec();
        let tests = FileDiff { path: "tests/auth.rs".to_owned(), hunks: hunk, ..diff.files[0].clone() };
        diff.files.push(tests);
        desk.loaded.diff = Some((key, Ok(Arc::new(DiffDoc::new(diff, &weighed)))));
        desk
    });
}

#[test]
fn collisions() {
    use crate::loops::core::collision::{Clash, Collisions, Landing, Lines, Meeting};
    type Met<'a> = (&'a str, u32, &'a [(u32, u32)]);
    let lines = |of: &[(u32, u32)]| of.iter().map(|(from, to)| Lines { from: *from, to: *to }).collect();
    let meeting = |files: &[Met<'_>]| {
        let clash = |(path, places, at): &Met<'_>| Clash::new((*path).to_owned(), *places).at(lines(at));
        Meeting::new(files.iter().map(clash).collect())
    };
    let with_perf = meeting(&[
        ("src/auth/session.rs", 2, &[(10, 14), (80, 90)]),
        ("Cargo.lock", 0, &[]),
        ("src/auth/token.rs", 1, &[(7, 7)]),
    ]);
    let landing = Landing {
        branch: "main".to_owned(),
        commit: "c0".to_owned(),
        meeting: meeting(&[("README.md", 1, &[(1, 3)])]),
    };
    let known = Collisions {
        with: [
            (fixture::id("perf-index"), with_perf.clone()),
            (fixture::id("docs-site"), meeting(&[("README.md", 0, &[(40, 44)])])),
        ]
        .into(),
        landing: Some(landing),
        unlanded: None,
    };
    snap("collisions", |size| {
        let mut desk = Desk::on("auth-refactor", size);
        desk.fleet.collisions.insert(fixture::id("auth-refactor"), known.clone());
        let back =
            Collisions { with: [(fixture::id("auth-refactor"), with_perf.clone())].into(), ..Collisions::default() };
        desk.fleet.collisions.insert(fixture::id("fix-ci"), back);
        desk.keys("2")
    });
}

#[test]
fn verdict() {
    snap("verdict", |size| Desk::on("auth-refactor", size).keys("3"));
}

#[test]
fn tests() {
    snap("tests", |size| Desk::on("auth-refactor", size).keys("4 j j"));
}

#[test]
fn gates() {
    snap("gates", |size| Desk::on("fix-ci", size).keys("5"));
}

#[test]
fn gates_doubtful() {
    use crate::loops::core::coverage::{Coverage, Percent};
    use crate::loops::core::weigh::{TestChange, TestChangeKind};
    snap("gates_doubtful", |size| {
        let mut desk = Desk::on("auth-refactor", size).keys("5");
        let state = &mut desk.fleet.runs.get_mut(&fixture::id("auth-refactor")).unwrap().state;
        let floor = Percent::of(80, 100).unwrap();
        for iteration in state.iterations.iter_mut().rev().take(2) {
            iteration.weighed = vec![TestChange::new(TestChangeKind::Deleted, "tests/session.rs".to_owned())];
        }
        for iteration in &mut state.iterations {
            let tests = iteration.gates.iter_mut().filter(|gate| gate.name == "tests");
            tests
                .for_each(|gate| gate.coverage = Some(Coverage::new(Ok(Percent::of(842, 1000).unwrap()), floor, None)));
        }
        desk
    });
}

#[test]
fn timeline() {
    snap("timeline", |size| Desk::on("auth-refactor", size).keys("6"));
}

#[test]
fn help() {
    snap("help", |size| Desk::on("auth-refactor", size).keys("?"));
}

#[test]
fn palette() {
    snap("palette", |size| Desk::on("auth-refactor", size).keys(": p a u"));
}

#[test]
fn attention_blocked() {
    snap("attention_blocked", |size| Desk::on("perf-index", size).keys("0"));
}

#[test]
fn x_ray() {
    snap("xray", |size| {
        let mut desk = Desk::on("auth-refactor", size).keys("I");
        let key = desk.wants.xray.unwrap();
        desk.loaded.xray = Some((key, fixture::xray()));
        desk
    });
}

#[test]
fn dialog() {
    snap("dialog", |size| Desk::on("auth-refactor", size).keys("S"));
}

#[test]
fn landing() {
    snap("landing", |size| Desk::on("rate-limiter", size).keys("m"));
}

#[test]
fn landing_doubtful() {
    snap("landing_doubtful", |size| Desk::on("css-grid", size).keys("m"));
}

#[test]
fn quitting() {
    snap("quit", |size| Desk::on("auth-refactor", size).keys("q"));
}

#[test]
fn chooser() {
    snap("chooser", |size| Desk::new(fixture::left_behind(), size, OnStart::Ask));
}

#[test]
fn no_size_panics_whatever_is_on_the_screen() {
    let screens = ["", "tab", "2", "3", "4", "5", "6", "?", ":", "S", "n", "q", "f", "I", "enter"];
    for keys in screens {
        let mut desk = Desk::on("auth-refactor", (120, 40)).keys(keys);
        for width in [0, 1, 2, 3, 8, 19, 20, 21, 30, 39, 49, 50, 79, 80, 120, 250] {
            for height in [0, 1, 2, 4, 5, 6, 8, 9, 12, 16, 24, 70] {
                desk.tell(Msg::Resize(width, height));
                desk.draw();
            }
        }
    }
}

#[test]
fn a_fleet_that_only_waits_is_drawn_once_a_minute() {
    let library = ThemeLibrary::bundled().unwrap();
    let theme = library.theme("dark", Tier::TrueColor).unwrap();
    let mut desk = Desk::on("auth-refactor", (120, 40));
    for (lively, within) in [(true, 1_000), (false, 60_000)] {
        desk.loaded.live.as_mut().unwrap().lively = lively;
        let zone = TimeZone::UTC;
        let clock = Clock::new(NOW, &zone);
        let ctx = desk.ctx(&[]);
        let scene = Scene {
            ui: &desk.ui,
            ctx: &ctx,
            loaded: &desk.loaded,
            theme: &theme,
            clock: &clock,
            place: None,
            configured: true,
        };
        draw(&scene, &mut Buffer::empty(Rect::new(0, 0, 120, 40)));
        assert_eq!(clock.next_change().map(|at| at.0 - NOW.0), Some(within));
    }
}

#[test]
fn the_marker_of_the_selected_row_moves_with_the_selection() {
    let marker = |buf: &Buffer| (1..12).find(|y| buf.cell((1, *y)).is_some_and(|cell| cell.symbol() == "▸"));
    let mut desk = Desk::new(fixture::busy(), (120, 40), OnStart::Leave);
    let first = marker(&desk.draw()).unwrap();
    let mut desk = desk.keys("j");
    assert!(marker(&desk.draw()).unwrap() > first);
    let mut desk = desk.keys("k");
    assert_eq!(marker(&desk.draw()), Some(first));
}

#[test]
fn the_end_of_a_diff_can_be_reached_when_its_lines_are_wrapped() {
    for size in [(50, 24), (80, 24), (120, 30)] {
        let mut desk = Desk::on("auth-refactor", size).keys("2 enter G");
        let shown = text(&desk.draw());
        assert!(shown.contains("  empty"), "{size:?}\n{shown}");
        let top = desk.ui.tops.diff;
        desk = desk.keys("j");
        assert_eq!(desk.ui.tops.diff, top);
    }
}

#[test]
fn a_filter_is_seen_where_it_is_typed() {
    let mut desk = Desk::on("auth-refactor", (40, 12)).keys("1 enter f r a");
    let shown = text(&desk.draw());
    assert!(shown.contains("rate-limiter") && shown.contains(" ra"), "{shown}");
}

#[test]
fn a_queued_run_says_what_holds_it_back() {
    let mut desk = Desk::on("search-facets", (200, 60));
    let taken = desk.fleet.slots_in_use();
    desk.fleet.cap = u32::try_from(taken).unwrap();
    let full = text(&desk.draw());
    assert!(full.contains(&format!("waiting for a slot: {taken} of {taken} are taken")), "{full}");
    assert!(full.contains(&format!("search-facets cap {taken}")), "{full}");
    desk.fleet.cap += 1;
    assert!(text(&desk.draw()).contains("waiting for its turn"));
    desk.fleet.repo_cap = Some(1);
    let held = text(&desk.draw());
    assert!(held.contains("waiting: repository cap 1 reached") && held.contains("repo cap 1"), "{held}");
    desk.fleet.repo_cap = None;
    let actor = desk.fleet.state(fixture::id("search-facets")).unwrap().spec.as_ref().unwrap().actor.name.clone();
    desk.fleet.agent_caps.insert(actor.clone(), 0);
    let held = text(&desk.draw());
    assert!(held.contains(&format!("waiting: agent {actor} is on hold")), "{held}");
    assert!(held.contains(&format!("hold {actor}")), "{held}");
}

/// What a pane's document says, line by line.
fn document(desk: &Desk) -> Vec<String> {
    let state = desk.fleet.state(desk.ui.selected.unwrap()).unwrap();
    match desk.ui.pane {
        Pane::Output => Vec::new(),
        Pane::Diff => {
            let doc = desk.loaded.diff.as_ref().unwrap().1.as_ref().unwrap();
            (0..doc.rows().len()).map(|row| doc.text(row).into_owned()).collect()
        }
        Pane::Verdict => verdict::lines(state),
        Pane::Tests => tests_pane::lines(state),
        Pane::Gates => gates::lines(state).into_iter().map(|(line, _)| line).collect(),
        Pane::Timeline => {
            desk.loaded.journal.records.iter().map(|record| story::tell(&record.event, state).searched()).collect()
        }
    }
}

#[test]
fn every_line_of_every_pane_is_brought_into_view_and_marked_when_it_is_the_hit() {
    let library = ThemeLibrary::bundled().unwrap();
    let theme = library.theme("dark", Tier::TrueColor).unwrap();
    let hit = theme.style(Role::SearchCurrent).bg.unwrap();
    for size in [(80, 24), (120, 16), (200, 60)] {
        for pane in ["2", "3", "4", "5", "6"] {
            let mut desk = Desk::on("auth-refactor", size).keys(pane).keys("enter / x enter");
            let lines = document(&desk);
            assert!(!lines.is_empty(), "pane {pane}");
            for (number, line) in lines.iter().enumerate() {
                let plain = |word: &&str| word.len() < 9 && word.chars().all(|c| c.is_ascii_alphanumeric());
                let Some(word) = line.split_whitespace().find(plain) else { continue };
                desk.ui.search.as_mut().unwrap().query = word.to_owned();
                desk.draw();
                desk.ui.search.as_mut().unwrap().go = true;
                desk.found(vec![number as u64]);
                for frame in ["the frame that goes there", "the next one"] {
                    let buf = desk.draw();
                    let marked = buf.content().iter().any(|cell| cell.bg == hit);
                    assert!(marked, "{frame}: {word:?} of line {number} in pane {pane}\n{}", text(&buf));
                    assert!(text(&buf).contains(&format!("/{word} 1/1  . next")), "{}", text(&buf));
                }
            }
        }
    }
}

#[test]
fn a_step_that_is_told_to_end_says_when_it_is_killed() {
    let mut desk = Desk::on("auth-refactor", (120, 40));
    let run = fixture::id("auth-refactor");
    let state = &mut desk.fleet.runs.get_mut(&run).unwrap().state;
    assert!(state.active_step().unwrap().process.is_some());
    let pause = PauseRequested { kind: PauseKind::Now, who: Who::Operator };
    state.apply(&Record { seq: state.seq + 1, at: NOW, run, event: pause.into() });
    let shown = text(&desk.draw());
    assert!(shown.contains("auth-refactor kill in 4s") && shown.contains("actor is killed in 4s"), "{shown}");
    desk.fleet.runs.get_mut(&run).unwrap().state.status_since = Millis(NOW.0 - 4_000);
    assert!(text(&desk.draw()).contains("actor is killed now"));
}

#[test]
fn trouble() {
    snap("trouble", |size| {
        let mut desk = Desk::on("auth-refactor", size);
        let why = "auth-refactor and 2 more wait: cannot start gate tests: Too many open files (os error 24)";
        desk.tell(Msg::Trouble(Some(why.to_owned())));
        desk
    });
}

#[test]
fn any_size_is_drawn_with_a_dialog_open_and_the_old_one_again() {
    // All sizes with one, some of them with the others.
    for (keys, step) in [("S", 1), ("?", 19), (": p a u", 19), ("n", 19)] {
        let mut desk = Desk::on("auth-refactor", (120, 40)).keys(keys);
        let before = text(&desk.draw());
        let small = (0..=20).flat_map(|rows| (0..=40).map(move |columns| (columns, rows)));
        for (columns, rows) in small.step_by(step).chain([(500, 500)]) {
            desk.tell(Msg::Resize(columns, rows));
            let drawn = desk.draw();
            assert_eq!((drawn.area.width, drawn.area.height), (columns, rows), "{keys}");
        }
        desk.tell(Msg::Resize(120, 40));
        assert_eq!(text(&desk.draw()), before, "{keys}");
    }
}
