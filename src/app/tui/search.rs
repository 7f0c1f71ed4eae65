//! What a search goes through: the document of a pane as [`Text`], line by line as the pane counts its lines.
//!
//! It runs beside the screen; a search that nobody waits for any more gives up.

use super::jobs::Sources;
use crate::app::link::Link;
use crate::app::view::diff_doc::DiffDoc;
use crate::app::view::doc::Doc;
use crate::app::view::story::tell;
use crate::loops::agent::sanitize::plain_line;
use crate::loops::agent::transcript::{Direction, Query};
use crate::loops::core::event::Record;
use crate::loops::core::ids::StepId;
use crate::loops::core::state::RunState;
use std::sync::Arc;

/// Hits of a search that are listed.
const MOST_HITS: usize = 5_000;
/// Hits in a transcript that are looked for at once.
const AT_ONCE: usize = 500;
/// Lines of other documents between two looks at whether the search is still wanted.
const SOME_LINES: usize = 1_000;

/// A document to be searched.
#[derive(Debug)]
pub enum Text {
    /// The output of all steps.
    Output(Doc, Sources),
    /// A diff, row by row, those of closed files too.
    Diff(Arc<DiffDoc>),
    /// A journal, told event by event.
    Timeline(Vec<Arc<Record>>, Box<RunState>),
    /// Lines that are there already.
    Lines(Vec<String>),
    /// The gates' rows, each with the step whose output's end is shown below it, of so many lines.
    Gates(Vec<(String, Option<StepId>)>, u16, Sources),
}

impl Text {
    /// The lines that match, from the first on, and whether there are more than are listed.
    pub(super) fn find(&self, link: &Link, query: &str, wanted: impl Fn() -> bool) -> (Vec<u64>, bool) {
        let Some(query) = Query::new(query) else { return (Vec::new(), false) };
        match self {
            Self::Output(doc, sources) => output(link, &query, doc, sources, wanted),
            Self::Diff(doc) => lines(&query, wanted, (0..doc.rows().len()).map(|row| doc.text(row))),
            Self::Timeline(records, state) => {
                let told = records.iter().map(|record| tell(&record.event, state));
                lines(&query, wanted, told.map(|told| told.searched()))
            }
            Self::Lines(text) => lines(&query, wanted, text.iter()),
            Self::Gates(gates, tail, sources) => {
                let text = gates.iter().map(|(row, step)| {
                    let end = step.and_then(|step| sources.tail(link, step, *tail)).unwrap_or_default();
                    let printed: Vec<String> = end.iter().map(|line| plain_line(&line.bytes).into_owned()).collect();
                    format!("{row}\n{}", printed.join("\n"))
                });
                lines(&query, wanted, text)
            }
        }
    }
}

fn lines<T: AsRef<str>>(query: &Query, wanted: impl Fn() -> bool, text: impl Iterator<Item = T>) -> (Vec<u64>, bool) {
    let mut hits = Vec::new();
    for (number, line) in text.enumerate() {
        if number % SOME_LINES == 0 && !wanted() {
            break;
        }
        if query.find_in(line.as_ref()).is_empty() {
            continue;
        }
        if hits.len() == MOST_HITS {
            return (hits, true);
        }
        hits.push(number as u64);
    }
    (hits, false)
}

fn output(link: &Link, query: &Query, doc: &Doc, sources: &Sources, wanted: impl Fn() -> bool) -> (Vec<u64>, bool) {
    let mut hits = Vec::new();
    for part in doc.parts() {
        let Some(transcript) = sources.open(link, part.step, part.edition).filter(|_| part.lines > 0) else { continue };
        let mut from = Some(0);
        while let Some(line) = from.filter(|_| wanted()) {
            let Ok(found) = transcript.search(query, line, Direction::Forward, AT_ONCE) else { break };
            hits.extend(found.hits.iter().filter_map(|hit| doc.line_of(part.step, hit.line)));
            if hits.len() >= MOST_HITS {
                hits.truncate(MOST_HITS);
                return (hits, true);
            }
            from = found.resume;
        }
    }
    (hits, false)
}
