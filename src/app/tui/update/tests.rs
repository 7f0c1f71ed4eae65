//! The dashboard driven by strings of keys: what they move, what they ask for, and what they must not do.
//!
//! A word of the string is a key of the table (`ctrl-d`, `enter`), or several characters typed one by one.

mod needs;

use super::super::keymap::Keymap;
use super::super::msg::Wish;
use super::super::overlay::Overlay;
use super::super::ui::SearchState;
use super::*;
use crate::app::config::OnStart;
use crate::app::view::fixture::{self, NOW};
use crate::app::view::loaded::SearchWant;
use crate::loops::core::agent::Role;
use crate::loops::core::command::{Ask, Command, LiveRuns};
use crate::loops::core::event::{Chore, PauseKind, When};
use crate::loops::core::fleet::Ownership;

/// A dashboard on a fleet that nobody changes.
struct Desk {
    ui: Ui,
    fleet: Fleet,
    keymap: Keymap,
    loops: Vec<LoopSpec>,
    marks: Vec<DiffMark>,
    on_start: OnStart,
    frame: u64,
}

impl Desk {
    fn new(fleet: Fleet) -> Self {
        let loops = vec![fixture::spec("nightly", Vec::new())];
        let keymap = Keymap::default();
        let ui = Ui::new((120, 40));
        let mut desk = Self { ui, fleet, keymap, loops, marks: Vec::new(), on_start: OnStart::Leave, frame: 0 };
        desk.tell(Msg::Loaded);
        desk.draw();
        desk
    }

    fn busy(selected: &str) -> Self {
        let mut desk = Self::new(fixture::busy());
        desk.ui.select(Some(fixture::id(selected)));
        desk
    }

    fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let ctx = Ctx {
            fleet: &self.fleet,
            loops: &self.loops,
            no_new_loop: None,
            on_start: self.on_start,
            now: NOW,
            diff_marks: &self.marks,
            keymap: &self.keymap,
        };
        update(&mut self.ui, &ctx, msg)
    }

    /// As after a frame that showed everything where it was.
    fn draw(&mut self) {
        self.frame += 1;
        let seen =
            Seen { frame: self.frame, page: 20, tops: self.ui.tops, output_top: self.ui.output.top, ..Seen::default() };
        self.tell(Msg::Drawn(seen));
    }

    /// Types keys, each read after the last frame.
    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for chord in chords(keys) {
            let done = self.tell(Msg::Key { chord, seen: self.frame });
            if let [Effect::ReadAgents(run)] = done[..] {
                self.tell(Msg::Agents(run, Ok(fixture::agents())));
            }
            effects.extend(done.into_iter().filter(|effect| !matches!(effect, Effect::ReadAgents(_))));
            self.draw();
        }
        effects
    }

    fn search(&self) -> &SearchState {
        self.ui.search.as_ref().unwrap()
    }

    /// What the open pane has searched.
    fn want(&self) -> SearchWant {
        let (search, run) = (self.search(), self.ui.selected.unwrap());
        let (query, number) = (search.query.clone(), search.number);
        SearchWant { run, pane: self.ui.pane, query, number, version: 0, diff: None }
    }

    fn found(&mut self, hits: &[u64]) {
        let want = self.want();
        self.tell(Msg::Found { want, hits: hits.to_vec(), more: false });
    }

    fn selected(&self) -> String {
        self.ui.selected.and_then(|run| self.fleet.state(run)).map(|state| state.label.clone()).unwrap_or_default()
    }

    fn toast(&self) -> &str {
        self.ui.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }
}

fn chords(keys: &str) -> Vec<Chord> {
    let mut chords = Vec::new();
    for word in keys.split(' ').filter(|word| !word.is_empty()) {
        match Chord::parse(word) {
            Some(chord) => chords.push(chord),
            None => chords.extend(word.chars().filter_map(|c| Chord::parse(&c.to_string()))),
        }
    }
    chords
}

fn ask(name: &str, ask: Ask) -> Command {
    Command::Run { run: fixture::id(name), ask }
}

fn sent(effects: &[Effect]) -> Vec<Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { command, .. } => Some(command.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_list_is_walked_in_the_order_it_is_shown() {
    let mut desk = Desk::new(fixture::busy());
    let order = roster::order(&desk.fleet, "");
    assert_eq!(desk.ui.selected, order.first().copied());
    desk.keys("jjj");
    assert_eq!(desk.ui.selected, order.get(3).copied());
    desk.keys("kkkkkkk");
    assert_eq!(desk.ui.selected, order.first().copied());
    desk.keys("G");
    assert_eq!(desk.ui.selected, order.last().copied());
    desk.keys("jj g");
    assert_eq!(desk.ui.selected, order.first().copied());
    desk.keys("tab J");
    assert_eq!(desk.ui.selected, order.get(1).copied());
}

#[test]
fn the_first_row_is_selected_until_the_operator_does_something() {
    let mut desk = Desk::new(fixture::busy());
    let order = roster::order(&desk.fleet, "");
    let (first, second) = (order[0], order[1]);
    let gone = desk.fleet.runs.remove(&first).unwrap();
    desk.tell(Msg::Fleet);
    assert_eq!(desk.ui.selected, Some(second));
    desk.keys("?");
    desk.keys("esc");
    desk.fleet.runs.insert(first, gone.clone());
    desk.tell(Msg::Fleet);
    assert_eq!(desk.ui.selected, Some(first), "the list has a new first row, and nobody has chosen another");
    desk.fleet.runs.remove(&first);
    desk.tell(Msg::Fleet);
    desk.keys("2");
    desk.fleet.runs.insert(first, gone);
    desk.tell(Msg::Fleet);
    assert_eq!(desk.ui.selected, Some(second), "whose diff is looked at");
}

#[test]
fn pausing_asks_for_the_kind_of_its_key() {
    for (key, kind) in [("p", PauseKind::AfterStep), ("P", PauseKind::Now), ("Z", PauseKind::Freeze)] {
        let effects = Desk::busy("auth-refactor").keys(key);
        assert_eq!(sent(&effects), [ask("auth-refactor", Ask::Pause { kind })]);
    }
}

#[test]
fn retry_does_not_wait_for_a_provider() {
    let mut desk = Desk::new(fixture::limited());
    desk.ui.select(Some(fixture::id("fix-ci")));
    assert_eq!(sent(&desk.keys("R")), [ask("fix-ci", Ask::Retry)]);
    assert_eq!(desk.keys("r"), [], "it resumes by itself");
    desk.ui.select(Some(fixture::id("search-facets")));
    assert_eq!(sent(&desk.keys("R")), [Command::LiftHold { provider: "claude".to_owned() }]);
    assert_eq!(desk.fleet.counts().needs_you, 3, "question, blocked tests, login");
}

#[test]
fn a_destructive_key_asks_once_and_y_confirms() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(desk.keys("S"), []);
    assert!(matches!(desk.ui.overlays.last(), Some(Overlay::Dialog(_))));
    assert_eq!(sent(&desk.keys("y")), [ask("auth-refactor", Ask::Stop)]);
    assert!(desk.ui.overlays.is_empty());
    for refusal in ["S n", "S esc", "S enter", "x esc", "s n"] {
        assert_eq!(desk.keys(refusal), [], "{refusal}");
        assert!(desk.ui.overlays.is_empty(), "{refusal}");
    }
    assert_eq!(sent(&desk.keys("S right enter")), [ask("auth-refactor", Ask::Stop)]);
}

#[test]
fn a_key_typed_before_the_question_was_painted_does_not_confirm_it() {
    let mut desk = Desk::busy("auth-refactor");
    let seen = desk.frame;
    for chord in chords("Sy") {
        assert_eq!(desk.tell(Msg::Key { chord, seen }), []);
    }
    desk.draw();
    // Still queued from before that frame reached the terminal.
    assert_eq!(desk.tell(Msg::Key { chord: Chord::parse("y").unwrap(), seen }), []);
    assert!(matches!(desk.ui.overlays.last(), Some(Overlay::Dialog(_))));
    assert_eq!(sent(&desk.keys("y")), [ask("auth-refactor", Ask::Stop)]);
}

#[test]
fn a_question_can_be_left_by_a_key_typed_early() {
    let mut desk = Desk::busy("auth-refactor");
    let seen = desk.frame;
    for chord in chords("S esc") {
        desk.tell(Msg::Key { chord, seen });
    }
    assert!(desk.ui.overlays.is_empty());
}

#[test]
fn skip_reset_and_retry_mean_the_selected_test_in_tests_and_the_current_one_elsewhere() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(sent(&desk.keys("x y")), [ask("auth-refactor", Ask::ResetTest { test: "CP-005".to_owned() })]);
    let why = String::new();
    assert_eq!(sent(&desk.keys("4 jjj s y")), [ask("auth-refactor", Ask::SkipTest { test: "CP-008".to_owned(), why })]);
    assert_eq!(sent(&desk.keys("g x y")), [ask("auth-refactor", Ask::ResetTest { test: "CP-001".to_owned() })]);
    let mut desk = Desk::busy("perf-index");
    assert_eq!(sent(&desk.keys("R")), [ask("perf-index", Ask::Retry)]);
    assert_eq!(sent(&desk.keys("4 R")), [ask("perf-index", Ask::RetryTest { test: "bench".to_owned() })]);
}

#[test]
fn notes_and_answers_carry_what_was_typed_to_the_run_they_were_opened_for() {
    let mut desk = Desk::busy("auth-refactor");
    let note = |text: &str, when| ask("auth-refactor", Ask::Note { text: text.to_owned(), when });
    assert_eq!(sent(&desk.keys("n usethe enter")), [note("usethe", When::Next)]);
    assert_eq!(sent(&desk.keys("N a alt-enter b enter")), [note("a\nb", When::Now)]);
    desk.keys("n hold");
    desk.ui.select(Some(fixture::id("fix-ci")));
    assert_eq!(sent(&desk.keys("enter")), [note("hold", When::Next)]);
    assert_eq!(desk.keys("n esc"), []);
    assert_eq!(desk.keys("n enter"), []);
    assert!(desk.toast().contains("no text"), "{}", desk.toast());

    let mut desk = Desk::busy("docs-site");
    let answer = Ask::Answer { text: "drop".to_owned() };
    assert_eq!(sent(&desk.keys("a drop enter")), [ask("docs-site", answer)]);
}

#[test]
fn an_answer_is_not_sent_to_another_question() {
    let mut desk = Desk::busy("docs-site");
    desk.keys("a drop");
    let run = desk.fleet.runs.get_mut(&fixture::id("docs-site")).unwrap();
    run.state.park = Some(crate::loops::core::event::ParkReason::NeedsHuman {
        question: "Delete the database?".to_owned(),
        from: crate::loops::core::ids::Who::Actor,
    });
    assert_eq!(desk.keys("enter"), []);
    assert!(desk.toast().contains("something else"));
}

#[test]
fn a_key_that_does_not_apply_says_why() {
    let cases = [
        ("auth-refactor", "r", "cannot be resumed"),
        ("auth-refactor", "a", "nothing was asked"),
        ("rate-limiter", "p", "cannot be paused"),
        ("rate-limiter", "n", "finished"),
        ("search-facets", "y", "no worktree yet"),
        ("auth-refactor", ".", "nothing is searched for"),
    ];
    for (run, key, why) in cases {
        let mut desk = Desk::busy(run);
        assert_eq!(desk.keys(key), [], "{run} {key}");
        assert!(desk.toast().contains(why), "{run} {key}: {}", desk.toast());
    }
}

#[test]
fn a_run_of_another_loopdash_is_read_only() {
    let mut desk = Desk::busy("auth-refactor");
    desk.fleet.runs.get_mut(&fixture::id("auth-refactor")).unwrap().ownership = Ownership::Other { pid: Some(77) };
    for key in ["p", "P", "S", "s", "x", "n", "N", "+", "-", "t", "i", "r"] {
        assert_eq!(desk.keys(key), [], "{key}");
        assert!(desk.toast().contains("process 77"), "{key}: {}", desk.toast());
        assert!(desk.ui.overlays.is_empty(), "{key}");
    }
}

#[test]
fn an_interrupted_run_is_adopted_by_resume_and_by_nothing_else() {
    let mut desk = Desk::new(fixture::left_behind());
    desk.ui.select(Some(fixture::id("auth-refactor")));
    assert_eq!(desk.keys("p"), []);
    assert!(desk.toast().contains("resume it first"));
    let adopt = Command::Adopt { run: fixture::id("auth-refactor"), resume: true };
    assert_eq!(sent(&desk.keys("r")), [adopt]);
}

#[test]
fn interrupted_runs_are_offered_once_and_the_marked_ones_resumed() {
    let mut desk = Desk::new(fixture::left_behind());
    desk.ui.offered = false;
    desk.on_start = OnStart::Ask;
    desk.tell(Msg::Loaded);
    desk.draw();
    let Some(Overlay::Chooser(chooser)) = desk.ui.overlays.last().cloned() else { panic!("no chooser") };
    assert!(chooser.runs.len() >= 2);
    assert!(
        chooser.runs.iter().all(|(run, _)| !desk.fleet.state(*run).unwrap().needs_person()),
        "a question still waits"
    );
    let adopted = sent(&desk.keys("space enter"));
    assert_eq!(adopted.len(), chooser.runs.len() - 1);
    desk.tell(Msg::Loaded);
    assert!(desk.ui.overlays.is_empty());
}

#[test]
fn quitting_with_live_runs_gives_three_choices() {
    for (keys, live) in [("q p", LiveRuns::Pause), ("q s", LiveRuns::Stop)] {
        assert_eq!(Desk::busy("fix-ci").keys(keys), [Effect::Quit(live)]);
    }
    for keys in ["q n", "q esc", "q enter", "ctrl-c ctrl-c"] {
        let mut desk = Desk::busy("fix-ci");
        assert_eq!(desk.keys(keys), [], "{keys}");
        assert!(desk.ui.overlays.is_empty(), "{keys}");
    }
    assert_eq!(Desk::new(Fleet::new(3, 1)).keys("q"), [Effect::Quit(LiveRuns::Pause)]);
}

#[test]
fn caps_and_priorities_change_by_one_and_stop_at_their_ends() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(sent(&desk.keys("> <")), [Command::SetCap { cap: 4 }, Command::SetCap { cap: 2 }]);
    let priority = |priority| ask("auth-refactor", Ask::SetPriority { priority });
    assert_eq!(sent(&desk.keys("+ -")), [priority(6), priority(4)]);
    desk.fleet.cap = 1;
    assert_eq!(desk.keys("<"), []);
    assert_eq!(sent(&desk.keys("M 30 enter")), [ask("auth-refactor", Ask::SetMaxIterations { max: 30 })]);
    assert_eq!(desk.keys("M x enter"), []);
}

#[test]
fn the_palette_finds_by_letters_and_does_what_it_names() {
    let mut desk = Desk::busy("auth-refactor");
    let kind = PauseKind::Now;
    assert_eq!(sent(&desk.keys(": pausen enter")), [ask("auth-refactor", Ask::Pause { kind })]);
    desk.keys(": go rate enter");
    assert_eq!(desk.selected(), "rate-limiter");
    assert_eq!(desk.keys(": startnight enter"), [Effect::StartLoop(0)]);
    assert_eq!(desk.keys("L enter"), [Effect::StartLoop(0)]);
    assert_eq!(desk.keys(": zzzzzz enter"), []);
    assert!(desk.ui.overlays.is_empty());
}

#[test]
fn the_palette_opens_on_something_that_can_be_done() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(sent(&desk.keys(": enter")), [ask("auth-refactor", Ask::Pause { kind: PauseKind::AfterStep })]);
    let mut desk = Desk::busy("docs-site");
    desk.keys(": enter");
    assert!(matches!(desk.ui.overlays.last(), Some(Overlay::Text(_))), "the question that waits is answered first");
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_escape_takes_it_back() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("f rate");
    assert_eq!((desk.ui.filter.as_str(), desk.selected().as_str()), ("rate", "rate-limiter"));
    desk.keys("enter j");
    assert_eq!(desk.selected(), "rate-limiter");
    desk.keys("esc");
    assert_eq!(desk.ui.filter, "");
    desk.keys("f zzz");
    assert_eq!(desk.selected(), "rate-limiter");
    desk.keys("esc");
    assert_eq!(desk.ui.filter, "");
}

#[test]
fn a_search_jumps_to_the_last_hit_above_and_walks_round() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(desk.keys("/ fail enter"), []);
    let stale = SearchWant { number: 0, ..desk.want() };
    desk.tell(Msg::Found { want: stale, hits: vec![1], more: false });
    assert_eq!(desk.search().hits, None);
    desk.found(&[3, 40, 90]);
    assert_eq!(desk.search().current, Some(2));
    assert_eq!(desk.ui.output.top, Some((84, 0)));
    desk.keys(".");
    assert_eq!(desk.search().current, Some(0));
    desk.keys(", ,");
    assert_eq!(desk.search().current, Some(1));
    desk.keys("esc");
    assert_eq!(desk.ui.search, None);
}

#[test]
fn every_pane_is_searched_where_it_stands() {
    let mut desk = Desk::busy("auth-refactor");
    for (pane, keys) in [(Pane::Diff, "2"), (Pane::Verdict, "3"), (Pane::Timeline, "6")] {
        desk.keys(keys);
        desk.keys("/ token enter");
        assert_eq!((desk.ui.pane, desk.ui.focus), (pane, Focus::Pane));
        assert!(!desk.search().reveal, "nothing is found yet");
        desk.found(&[4, 9]);
        let first = usize::from(pane == Pane::Timeline);
        assert_eq!((desk.search().current, desk.search().reveal), (Some(first), true), "{pane:?}: its end is followed");
        desk.tell(Msg::Drawn(Seen { revealed: true, ..Seen::default() }));
        assert!(!desk.search().reveal);
        desk.keys(".");
        assert_eq!((desk.search().current, desk.search().reveal), (Some(1 - first), true));
    }
    desk.keys("2");
    desk.ui.tops.diff = 6;
    desk.keys("/ token enter");
    desk.found(&[4, 9]);
    assert_eq!(desk.search().current, Some(1), "the first one from the top of the screen on");
}

#[test]
fn a_hit_in_a_table_selects_its_row() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("4 / token enter");
    desk.found(&[1, 2]);
    let tests: Vec<String> =
        desk.fleet.state(fixture::id("auth-refactor")).unwrap().tests.iter().map(|test| test.id.clone()).collect();
    assert_eq!(desk.ui.test.as_ref(), tests.get(1));
    desk.keys(".");
    assert_eq!(desk.ui.test.as_ref(), tests.get(2));
    let mut desk = Desk::busy("fix-ci");
    desk.keys("5 / cargo enter");
    desk.found(&[0]);
    assert_eq!(desk.ui.gate, moving_names(&desk).first().cloned());
}

fn moving_names(desk: &Desk) -> Vec<String> {
    crate::app::view::gates::names(desk.fleet.state(desk.ui.selected.unwrap()).unwrap())
}

#[test]
fn another_pane_is_searched_for_the_same_without_moving_in_it() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("2 / token enter");
    desk.found(&[4]);
    desk.keys("1");
    assert_eq!((desk.search().query.as_str(), &desk.search().hits), ("token", &None));
    desk.found(&[40, 50]);
    assert_eq!((desk.search().current, desk.ui.output.top), (None, None), "the output is still followed");
    desk.keys(",");
    assert_eq!(desk.search().current, Some(1));
    assert!(desk.ui.output.top.is_some());
    desk.keys("K");
    assert_eq!(desk.ui.search, None, "another loop is another matter");
}

#[test]
fn a_document_that_grows_is_searched_again_and_nobody_is_moved() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("6 / gate enter");
    desk.found(&[4, 9, 20]);
    desk.keys(",");
    desk.tell(Msg::Drawn(Seen { revealed: true, ..Seen::default() }));
    desk.found(&[4, 9, 20, 31]);
    assert_eq!((desk.search().current, desk.search().reveal), (Some(1), false));
    desk.found(&[4]);
    assert_eq!(desk.search().current, Some(0));
    desk.found(&[]);
    assert_eq!(desk.search().current, None);
    desk.keys(".");
    assert!(desk.toast().contains("nothing was found"));
}

#[test]
fn a_paste_goes_into_a_text_field_and_nowhere_else() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(desk.tell(Msg::Paste("Sy\nq p\n".to_owned())), []);
    assert!(desk.ui.overlays.is_empty());
    desk.keys("n");
    desk.tell(Msg::Paste("two\nlines\u{1b}[2J".to_owned()));
    let text = "two\nlines[2J".to_owned();
    assert_eq!(sent(&desk.keys("enter")), [ask("auth-refactor", Ask::Note { text, when: When::Next })]);
}

#[test]
fn escape_gives_up_one_thing_at_a_time() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("2 enter");
    assert!(desk.ui.zoom && desk.ui.focus == Focus::Pane && desk.ui.pane == Pane::Diff);
    desk.keys("esc");
    assert!(!desk.ui.zoom && desk.ui.focus == Focus::Pane);
    desk.keys("esc");
    assert_eq!(desk.ui.focus, Focus::List);
}

#[test]
fn diff_jumps_stop_at_files_and_hunks() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("2 )");
    assert!(desk.toast().contains("no diff"));
    let mark = |row, file| DiffMark { row, file };
    desk.marks = vec![mark(0, true), mark(9, false), mark(20, true), mark(31, false)];
    desk.keys(") )");
    assert_eq!(desk.ui.tops.diff, 20);
    desk.keys("{");
    assert_eq!(desk.ui.tops.diff, 0);
    desk.keys("} )");
    assert_eq!(desk.ui.tops.diff, 31);
    desk.keys("(");
    assert_eq!(desk.ui.tops.diff, 20);
    desk.keys("d");
    assert_eq!((desk.ui.scope, desk.ui.tops.diff), (Scope::LastIteration, 0));
}

#[test]
fn the_output_owes_rows_until_a_frame_pays_them() {
    let mut desk = Desk::busy("auth-refactor");
    desk.ui.focus = Focus::Pane;
    for chord in chords("kkk pageup") {
        desk.tell(Msg::Key { chord, seen: 1 });
    }
    assert_eq!(desk.ui.output.pending, -23);
    desk.tell(Msg::Drawn(Seen {
        frame: 2,
        page: 20,
        output_top: Some((50, 2)),
        output_lines: 90,
        output_resolved: -23,
        ..Seen::default()
    }));
    assert_eq!((desk.ui.output.pending, desk.ui.output.top), (0, Some((50, 2))));
    desk.keys("G");
    assert_eq!(desk.ui.output.top, None);
}

#[test]
fn the_next_that_needs_a_person_is_found_from_anywhere() {
    let mut desk = Desk::busy("auth-refactor");
    desk.keys("o");
    let first = desk.selected();
    desk.keys("o");
    let second = desk.selected();
    desk.keys("o");
    assert_eq!((desk.selected(), first != second), (first, true));
}

#[test]
fn any_keys_in_any_order_never_panic_and_always_leave_a_way_out() {
    let alphabet: Vec<&str> = super::super::action::TABLE.iter().flat_map(|row| row.keys).copied().collect();
    let mut seed = 7usize;
    for fleet in [fixture::busy(), fixture::left_behind(), Fleet::new(1, 1)] {
        let mut desk = Desk::new(fleet);
        for _ in 0..4_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            desk.keys(alphabet[(seed >> 33) % alphabet.len()]);
            desk.ui.leaving = false;
        }
        desk.keys("esc esc esc esc esc");
        assert!(desk.ui.overlays.is_empty());
    }
}

#[test]
fn taking_over_waits_for_the_pause_and_remembers_what_was_at_work() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(sent(&desk.keys("i")), [ask("auth-refactor", Ask::TakeOver)]);
    assert_eq!(desk.ui.taking_over.map(|taking| taking.goes_on), Some(true));
    assert_eq!(desk.keys("!"), [Effect::Visit(Wish::Shell)]);
    assert_eq!(desk.keys("2 e"), [Effect::Visit(Wish::Editor)]);
}

#[test]
fn an_x_ray_opens_on_the_step_that_is_looked_at_and_goes_through_its_neighbours() {
    let looked_at = |desk: &Desk| match desk.ui.overlays.last() {
        Some(Overlay::Xray(shown)) => (shown.step, shown.look),
        _ => panic!("no x-ray"),
    };
    let mut desk = Desk::busy("auth-refactor");
    let state = fixture::run("auth-refactor");
    let running = state.active.unwrap();
    desk.keys("I");
    assert_eq!(looked_at(&desk), (running, 1), "the running step, as its end is followed");
    desk.keys("l h h r");
    let before = state.steps[state.steps.len() - 3].id;
    assert_eq!(looked_at(&desk), (before, 2), "the last step has no neighbour behind it");
    assert_eq!(desk.keys("y"), [Effect::CopyCommand]);
    assert_eq!(desk.keys("p S i"), [], "nothing below is meant");
    desk.keys("I");
    assert!(desk.ui.overlays.is_empty());

    let first = state.steps[0].id;
    let seen = Seen { frame: desk.frame + 1, page: 20, step: Some(first), ..Seen::default() };
    desk.tell(Msg::Drawn(seen));
    desk.tell(Msg::Key { chord: Chord::parse("I").unwrap(), seen: desk.frame });
    assert_eq!(looked_at(&desk), (first, 1));
    let mut queued = Desk::busy("search-facets");
    queued.keys("I");
    assert!(queued.ui.overlays.is_empty() && queued.ui.toast.unwrap().text.contains("not had a step"));
}

#[test]
fn a_role_is_given_to_another_agent_with_a_model_if_it_takes_one() {
    let given = |effects: &[Effect]| match effects {
        [Effect::SetAgent { command: Command::Run { run, ask: Ask::SetAgent { role, agent } }, .. }] => {
            (*run, *role, agent.name.clone(), agent.model.clone(), agent.command.join(" "))
        }
        other => panic!("{other:?}"),
    };
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(desk.keys("A critic:codex enter"), [], "the model is asked for first");
    let (run, role, name, model, command) = given(&desk.keys("big-one enter"));
    assert_eq!((run, role, name.as_str()), (fixture::id("auth-refactor"), Role::Critic, "codex"));
    assert_eq!(model.as_deref(), Some("big-one"));
    assert!(command.contains("big-one") && command.contains("read-only"), "{command}");
    assert!(desk.ui.overlays.is_empty());
    desk.keys("A actor:claude enter");
    assert_eq!(given(&desk.keys("enter")).3, None);

    let mut ended = Desk::busy("rate-limiter");
    ended.keys("A");
    assert!(ended.ui.overlays.is_empty() && ended.ui.toast.is_some(), "nothing can be given to a run that has ended");
}

#[test]
fn agents_that_cannot_be_read_close_their_list_and_say_why() {
    let mut desk = Desk::busy("auth-refactor");
    let run = fixture::id("auth-refactor");
    let key = Msg::Key { chord: Chord::parse("A").unwrap(), seen: desk.frame };
    assert_eq!(desk.tell(key), [Effect::ReadAgents(run)]);
    desk.tell(Msg::Agents(fixture::id("docs-sweep"), Ok(fixture::agents())));
    assert_eq!(desk.keys("enter"), [], "those of another run are not offered");
    assert!(!desk.ui.overlays.is_empty(), "its own are waited for");
    desk.tell(Msg::Agents(run, Err("the configuration cannot be used".to_owned())));
    assert!(desk.ui.overlays.is_empty() && desk.toast().contains("cannot be used"));
}

#[test]
fn a_prompt_that_no_loop_was_made_of_is_not_lost() {
    let mut desk = Desk::busy("auth-refactor");
    assert_eq!(desk.keys("c Sell enter"), [Effect::NewLoop("Sell".to_owned())]);
    desk.tell(Msg::Unmade { prompt: "Sell\nfish".to_owned(), why: "no such agent".to_owned() });
    assert_eq!(desk.toast(), "no such agent");
    assert_eq!(desk.keys("enter"), [Effect::NewLoop("Sell\nfish".to_owned())]);
}

#[test]
fn a_rewind_asks_which_iteration_and_then_once() {
    let mut desk = Desk::busy("auth-refactor");
    assert!(desk.keys("b").is_empty() && desk.toast().contains("pause it first"), "{}", desk.toast());
    assert!(desk.keys("u").is_empty() && desk.toast().contains("pause it first"));
    let mut desk = Desk::busy("perf-index");
    desk.keys("b");
    assert!(matches!(desk.ui.overlays.last(), Some(Overlay::Palette(_))));
    desk.draw();
    desk.keys("down enter");
    desk.draw();
    let effects = desk.keys("y");
    let rewind = Ask::Chore { chore: Chore::Rewind { iteration: 2 } };
    let asked =
        |effect: &Effect| matches!(effect, Effect::Send { command: Command::Run { ask, .. }, .. } if *ask == rewind);
    assert!(effects.len() == 1 && effects.iter().all(asked), "{effects:?}");
}

#[test]
fn work_that_may_be_nowhere_else_is_scrapped_by_its_name_alone() {
    let mut desk = Desk::busy("perf-index");
    assert!(desk.keys("X").is_empty() && desk.toast().contains("stop it first"));
    let ended = desk.fleet.runs.values().find(|run| run.state.is_finished() && run.state.last_snapshot().is_some());
    let ended = ended.unwrap().state.clone();
    desk.ui.select(Some(ended.id));
    desk.keys("X");
    assert!(desk.keys("y e s enter").is_empty() && desk.toast().contains(&format!("type {}", ended.label)));
    desk.keys("ctrl-u");
    let letters: Vec<String> = ended.label.chars().map(String::from).collect();
    let effects = desk.keys(&format!("{} enter", letters.join(" ")));
    let scrap = Ask::Chore { chore: Chore::Scrap { named: true } };
    let asked =
        |effect: &Effect| matches!(effect, Effect::Send { command: Command::Run { ask, .. }, .. } if *ask == scrap);
    assert!(effects.len() == 1 && effects.iter().all(asked), "{effects:?}");
    assert!(desk.ui.overlays.is_empty());
}

/// A desk in front of a fleet with a run that seems stuck, that run selected.
fn stuck() -> Desk {
    let mut desk = Desk::new(crate::app::view::stuck_fixture::stuck());
    desk.ui.select(Some(fixture::id("sql-migrate")));
    desk
}

fn asked(effects: &[Effect]) -> Vec<Ask> {
    let asks = effects.iter().filter_map(|effect| match effect {
        Effect::Send { command: Command::Run { ask, .. }, .. } => Some(ask.clone()),
        _ => None,
    });
    asks.collect()
}

#[test]
fn attention_opens_at_the_selected_run_and_enter_goes_to_the_chosen_one() {
    let mut desk = stuck();
    desk.keys("0");
    assert!(matches!(desk.ui.overlays.last(), Some(Overlay::Attention(_))));
    assert_eq!(desk.selected(), "sql-migrate");
    desk.keys("g");
    assert_eq!(desk.selected(), "docs-site", "a question comes first");
    desk.keys("j enter");
    assert_eq!((desk.selected().as_str(), desk.ui.overlays.len()), ("perf-index", 0));
    desk.keys("0 G");
    assert_eq!(desk.selected(), "e2e-flakes", "what only has to be known comes last");
    desk.keys("esc");
    assert!(desk.ui.overlays.is_empty());
}

/// A verdict that found nothing.
fn fine() -> crate::loops::core::verdict::Verdict {
    use crate::loops::core::verdict::{Decision, Verdict};
    Verdict { decision: Decision::Continue, confidence: None, summary: String::new(), findings: Vec::new() }
}

#[test]
fn one_key_takes_a_remedy_and_those_that_end_a_test_ask_first() {
    use crate::loops::core::watch::{Pattern, Remedy};
    let heal = |remedy, text: &str| Ask::Heal { pattern: Pattern::TreeAgain, remedy, text: text.to_owned() };
    assert_eq!(asked(&stuck().keys("0 7")), [heal(Remedy::Park, "")]);
    assert_eq!(asked(&stuck().keys("0 2")), [heal(Remedy::Restart, "")]);
    assert_eq!(asked(&stuck().keys("0 6")), []);
    assert_eq!(asked(&stuck().keys("0 6 y")), [heal(Remedy::Waive, "")]);
    let mut desk = stuck();
    assert_eq!(asked(&desk.keys("0 3")), []);
    assert!(desk.toast().contains("names no stronger agent"), "{}", desk.toast());
    let mut desk = stuck();
    assert_eq!(asked(&desk.keys("0 4")), []);
    assert!(desk.toast().contains("no iteration was better than i4"), "{}", desk.toast());
    let mut desk = stuck();
    if let Some(run) = desk.fleet.runs.get_mut(&fixture::id("sql-migrate")) {
        // Its second one was better than what came after.
        run.state.iterations[1].gates.clear();
        run.state.iterations[1].verdict = run.state.iterations[0].verdict.clone().or(Some(fine()));
    }
    assert_eq!(asked(&desk.keys("0 4")), [], "it asks first");
    assert_eq!(asked(&desk.keys("y")), [heal(Remedy::Rewind, "")]);
    let note = asked(&stuck().keys("0 1 enter"));
    assert!(
        matches!(&note[..], [Ask::Heal { remedy: Remedy::Note, text, .. }] if text.contains("seems to be stuck")),
        "{note:?}"
    );
    let seen = [Pattern::TreeAgain, Pattern::SameFailures].map(|pattern| Ask::Acknowledge { pattern });
    assert_eq!(asked(&stuck().keys("0 space")), seen);
}

#[test]
fn a_blocked_test_is_retried_skipped_or_waived_with_a_reason() {
    let blocked = || {
        let mut desk = stuck();
        desk.ui.select(Some(fixture::id("perf-index")));
        desk
    };
    assert_eq!(asked(&blocked().keys("0 R")), [Ask::Retry]);
    let mut desk = blocked();
    assert_eq!(asked(&desk.keys("0 3")), []);
    assert!(desk.toast().contains("names no stronger agent"), "{}", desk.toast());
    let mut desk = blocked();
    let run = desk.fleet.runs.get_mut(&fixture::id("perf-index")).unwrap();
    let agent = crate::loops::core::agent::AgentSpec::new("big", vec!["big".to_owned()]);
    let stronger = crate::loops::core::spec::Stronger { agent, after: 9 };
    std::sync::Arc::make_mut(run.state.spec.as_mut().unwrap()).stronger = Some(Box::new(stronger));
    let remedy = crate::loops::core::watch::Remedy::Stronger;
    assert_eq!(asked(&desk.keys("0 3")), [Ask::Unblock { test: "bench".to_owned(), remedy }]);
    let test = || "bench".to_owned();
    assert_eq!(asked(&blocked().keys("0 s y")), [Ask::SkipTest { test: test(), why: String::new() }]);
    let mut desk = blocked();
    assert_eq!(asked(&desk.keys("0 W enter")), []);
    assert!(desk.toast().contains("say why"), "{}", desk.toast());
    assert_eq!(asked(&desk.keys("o k enter")), [Ask::WaiveTest { test: test(), why: "ok".to_owned() }]);
}

#[test]
fn a_held_provider_that_no_run_asks_for_is_tried_again_from_the_list() {
    use crate::loops::core::activity::FailureClass;
    use crate::loops::core::hold::Hold;
    let mut desk = stuck();
    let hold = Hold { class: FailureClass::Auth, detail: "log in again".to_owned(), until: None };
    desk.fleet.holds.hear("anthropic", Millis(1), Some(hold));
    desk.keys("0 g");
    for _ in 0..8 {
        let at = match desk.ui.overlays.last() {
            Some(Overlay::Attention(shown)) => shown.at,
            _ => None,
        };
        if matches!(at, Some(crate::loops::core::attention::NeedKey::Held(_))) {
            assert_eq!(sent(&desk.keys("R")), [Command::LiftHold { provider: "anthropic".to_owned() }]);
            return;
        }
        desk.keys("j");
    }
    panic!("the provider is not in the list");
}

#[test]
fn alerts_of_the_fleet_are_seen_with_a_key() {
    let mut desk = stuck();
    desk.keys("0");
    for _ in 0..8 {
        let seen = desk.keys("j space");
        if let Some(Effect::Send { command: Command::AcknowledgeAlert { alert }, .. }) = seen.first() {
            assert_eq!(*alert, crate::loops::core::alert::AlertKind::FailureRate);
            return;
        }
    }
    panic!("no alert in the list");
}
