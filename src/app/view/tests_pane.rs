//! The Tests pane: the run's work items with what each iteration made of them.
//!
//! The selected one is explained below.

use super::{Out, Scene, find};
use crate::app::sentence::shown_limit;
use crate::loops::core::state::RunState;
use crate::loops::core::test_state::{TestSpec, TestStatus};
use crate::loops::mask::Mask;
use crate::widgets::mark::Mark;
use crate::widgets::scrollbar::Extent;
use crate::widgets::test_table::{TestDetail, TestRow, TestTable, test_areas};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::borrow::Cow;

/// The iterations that get a column at most; the table shows the latest that fit.
const COLUMNS: usize = 24;

/// The texts of a test's row.
struct Texts<'a> {
    title: Cow<'a, str>,
    word: Option<String>,
    needs: String,
    cells: Vec<Mark>,
}

/// What is seen and can be searched, a line for each test.
pub fn lines(state: &RunState) -> Vec<String> {
    let line = |test: &TestSpec| {
        let verify = test.verify.iter().map(|argv| argv.join(" "));
        let error = test.last_error.iter().filter(|_| test.status != TestStatus::Passed).cloned();
        let says = [test.id.clone(), test.title.clone(), test.depends_on.join(" "), sentence(state, test)];
        let says = says.into_iter().chain(test.criteria.iter().cloned()).chain(verify).chain(error);
        masked(&says.collect::<Vec<_>>().join("\n")).into_owned()
    };
    state.tests.iter().map(line).collect()
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, state: &RunState, area: Rect, buf: &mut Buffer, out: &mut Out) {
    let selected = scene.ui.test.as_deref().and_then(|id| state.tests.iter().position(|test| test.id == id));
    let selected = selected.unwrap_or(0);
    find::want(scene, state, state.seq, None, out);
    let (rows_area, below) = test_areas(area, state.tests.len(), true);
    let height = usize::from(rows_area.height).max(1);
    let top = scene.ui.tops.tests.min(selected).max((selected + 1).saturating_sub(height));
    let top = top.min(state.tests.len().saturating_sub(height));
    out.seen.tops.tests = top;
    out.seen.page = height;

    let first = state.iterations.len().saturating_sub(COLUMNS);
    let shown = state.iterations.get(first..).unwrap_or_default();
    let heads: Vec<String> = shown.iter().map(|iteration| format!("i{}", iteration.number)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let visible: Vec<&TestSpec> = state.tests.iter().skip(top).take(height).collect();
    let texts: Vec<Texts<'_>> = visible
        .iter()
        .map(|test| Texts {
            title: masked(&test.title),
            word: word(state, test),
            needs: test.depends_on.join(" "),
            cells: shown.iter().map(|iteration| cell(iteration, test)).collect(),
        })
        .collect();
    let rows: Vec<TestRow<'_>> = (top..)
        .zip(visible.iter().zip(&texts))
        .map(|(index, (test, texts))| TestRow {
            id: &test.id,
            title: &texts.title,
            mark: mark(test.status),
            word: texts.word.as_deref(),
            cells: &texts.cells,
            tries: (test.tries(), shown_limit(state, test)),
            needs: &texts.needs,
            selected: index == selected,
        })
        .collect();
    let current = state.tests.get(selected);
    let sentence = current.map(|test| sentence(state, test)).unwrap_or_default();
    let title = current.map(|test| masked(&test.title)).unwrap_or_default();
    let criteria: Vec<Cow<'_, str>> =
        current.iter().flat_map(|test| &test.criteria).map(|criterion| masked(criterion)).collect();
    let criteria: Vec<&str> = criteria.iter().map(AsRef::as_ref).collect();
    let verify = current.and_then(|test| test.verify.as_ref()).map(|argv| masked(&argv.join(" ")).into_owned());
    let waiting: Vec<&str> = state
        .tests
        .iter()
        .filter(|other| current.is_some_and(|test| other.depends_on.contains(&test.id)))
        .map(|other| other.id.as_str())
        .collect();
    let waiting = waiting.join(" ");
    TestTable {
        theme: scene.theme,
        iterations: &heads,
        rows: &rows,
        extent: Extent { total: state.tests.len(), offset: top, visible: height },
        detail: current.map(|test| TestDetail {
            id: &test.id,
            title: &title,
            state: (mark(test.status), &sentence),
            criteria: &criteria,
            verify: verify.as_deref(),
            last_error: test.last_error.as_deref(),
            dependents: &waiting,
        }),
        empty: "no tests: the objective is the only one",
    }
    .render(area, buf);
    let current = find::current(scene) == Some(selected);
    find::mark_table(scene, rows_area, selected - top, below, current, buf);
}

/// What the operator wrote, without its secrets.
fn masked(text: &str) -> Cow<'_, str> {
    Mask::of_process().text(text)
}

const fn mark(status: TestStatus) -> Mark {
    match status {
        TestStatus::Pending => Mark::Waits,
        TestStatus::Running => Mark::Active,
        TestStatus::Passed => Mark::Passed,
        TestStatus::Blocked => Mark::Blocked,
        TestStatus::Skipped => Mark::Skipped,
        TestStatus::Waived => Mark::Waived,
    }
}

/// What an iteration made of a test: nothing, unless it worked on it.
fn cell(iteration: &crate::loops::core::state::Iteration, test: &TestSpec) -> Mark {
    match (iteration.test == test.id, iteration.passed, iteration.ended.is_some()) {
        (false, _, _) => Mark::Nothing,
        (true, true, _) => Mark::Passed,
        (true, false, true) => Mark::Failed,
        (true, false, false) => Mark::Active,
    }
}

fn open_needs<'a>(state: &'a RunState, test: &'a TestSpec) -> impl Iterator<Item = &'a TestSpec> {
    test.depends_on.iter().filter_map(|id| state.test(id)).filter(|need| !need.status.satisfies())
}

fn word(state: &RunState, test: &TestSpec) -> Option<String> {
    let need = open_needs(state, test).next().filter(|_| test.status == TestStatus::Pending)?;
    Some(format!("needs {}", need.id))
}

fn sentence(state: &RunState, test: &TestSpec) -> String {
    let tries = format!("{} of {}", test.tries(), shown_limit(state, test));
    match test.status {
        TestStatus::Pending => match open_needs(state, test).map(|need| need.id.as_str()).collect::<Vec<_>>() {
            needs if needs.is_empty() => format!("waits for its turn, {tries} attempts made"),
            needs => format!("waits for {}", needs.join(", ")),
        },
        TestStatus::Running => format!("at work, attempt {tries}"),
        TestStatus::Passed => format!("met at attempt {tries}"),
        TestStatus::Blocked => format!("blocked after {tries} attempts; R gives it one more"),
        TestStatus::Skipped => "left out; x brings it back".to_owned(),
        TestStatus::Waived => "waived: it counts as met by your word; x takes that back".to_owned(),
    }
}
