//! Reading for the screen, off its thread: [`Jobs`]. One job of each kind at a time; the next is whatever is wanted then.
//!
//! So the newest wish wins without a queue, and a slow disk never holds a key.

use super::lines;
use super::msg::Msg;
use super::paint::paint;
use super::search::Text;
use super::xray;
use crate::app::link::Link;
use crate::app::view::diff_doc::DiffDoc;
use crate::app::view::doc::Doc;
use crate::app::view::loaded::{DiffKey, Journal, SearchWant, TailKey};
use crate::app::view::page::Page;
use crate::app::view::timeline::is_told;
use crate::app::view::xray::{Xray, XrayKey};
use crate::loops::agent::SgrState;
use crate::loops::agent::transcript::{Edition, LiveOutput, RawLine, Transcript};
use crate::loops::core::ids::{RunId, StepId};
use crate::loops::core::state::{RunState, StepRecord};
use crate::loops::core::step::StepKind;
use crate::widgets::transcript::StyledLine;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Hunks painted at once.
const HUNKS: usize = 64;

/// A kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Lines of output.
    Page,
    /// How much output there is.
    Count,
    /// A diff.
    Diff,
    /// Colours of a diff.
    Paint,
    /// The end of a gate's output.
    Tail,
    /// A journal.
    Journal,
    /// A search.
    Search,
    /// A step's X-ray.
    Xray,
}

/// How much a step has printed by now; nothing where it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub run: RunId,
    /// Which step.
    pub step: StepId,
    /// Lines, an unfinished last one included.
    pub lines: u64,
    /// Bytes of both streams.
    pub bytes: u64,
    /// Lines of its story, if it has one.
    pub story: Option<u64>,
}

/// What came of a job.
#[derive(Debug)]
pub enum Done {
    /// Lines of output.
    Page(Box<Page>),
    /// How much output there is.
    Count(Counted),
    /// A diff, or why there is none.
    Diff(DiffKey, Result<Arc<DiffDoc>, String>),
    /// Some hunks have their colours.
    Paint,
    /// The end of a gate's output.
    Tail(TailKey, Vec<StyledLine>),
    /// A journal.
    Journal(Journal),
    /// What a search has found.
    Found(Box<Msg>),
    /// A step's X-ray.
    Xray(XrayKey, Box<Xray>),
}

impl Done {
    const fn kind(&self) -> Kind {
        match self {
            Self::Page(_) => Kind::Page,
            Self::Count(_) => Kind::Count,
            Self::Diff(..) => Kind::Diff,
            Self::Paint => Kind::Paint,
            Self::Tail(..) => Kind::Tail,
            Self::Journal(_) => Kind::Journal,
            Self::Found(_) => Kind::Search,
            Self::Xray(..) => Kind::Xray,
        }
    }
}

/// Where the steps of a run have their output.
#[derive(Clone, Debug)]
pub struct Sources {
    run: RunId,
    kinds: HashMap<StepId, StepKind>,
    live: Option<(StepId, Arc<LiveOutput>)>,
}

impl Sources {
    /// Those of `state`, whose running step prints into `live`.
    pub fn new(state: &RunState, live: Option<(StepId, Arc<LiveOutput>)>) -> Self {
        Self { run: state.id, kinds: state.steps.iter().map(|step| (step.id, step.kind.clone())).collect(), live }
    }

    /// The last lines that a step printed, at most `most`; `None` where there is nothing to read.
    pub(super) fn tail(&self, link: &Link, step: StepId, most: u16) -> Option<Vec<RawLine>> {
        let transcript = self.open(link, step, Edition::Raw)?;
        let end = transcript.line_count().ok()?;
        transcript.lines(end.saturating_sub(u64::from(most))..end).ok()
    }

    pub(super) fn open(&self, link: &Link, step: StepId, edition: Edition) -> Option<Transcript> {
        let kind = self.kinds.get(&step)?;
        let live = self.live.as_ref().filter(|(of, _)| *of == step).map(|(_, live)| Arc::clone(live));
        Some(link.transcript(self.run, (step, kind), edition, live))
    }
}

/// The jobs under way.
#[derive(Debug)]
pub struct Jobs {
    link: Link,
    busy: HashSet<Kind>,
    done_in: mpsc::Sender<Done>,
    done: mpsc::Receiver<Done>,
    /// The number of the search that still matters.
    search: Arc<AtomicU64>,
}

impl Jobs {
    /// None yet.
    pub fn new(link: Link) -> Self {
        let (done_in, done) = mpsc::channel(16);
        Self { link, busy: HashSet::new(), done_in, done, search: Arc::default() }
    }

    /// Whether a job of this kind is under way.
    pub fn is_busy(&self, kind: Kind) -> bool {
        self.busy.contains(&kind)
    }

    /// What came of the next job to end; waits for ever while there is none.
    pub async fn next(&mut self) -> Done {
        match self.done.recv().await {
            Some(done) => self.ended(done),
            // Cannot happen while `done_in` is held here.
            None => std::future::pending().await,
        }
    }

    /// What came of a job that has ended already.
    pub fn try_next(&mut self) -> Option<Done> {
        let done = self.done.try_recv().ok()?;
        Some(self.ended(done))
    }

    fn ended(&mut self, done: Done) -> Done {
        self.busy.remove(&done.kind());
        done
    }

    fn start(&mut self, kind: Kind, job: impl FnOnce(&Link) -> Done + Send + 'static) {
        if kind != Kind::Search && !self.busy.insert(kind) {
            return;
        }
        let (link, done) = (self.link.clone(), self.done_in.clone());
        tokio::task::spawn_blocking(move || {
            // The screen is gone if this fails.
            let _ = done.blocking_send(job(&link));
        });
    }

    /// Reads lines of a document.
    pub fn page(&mut self, doc: Doc, range: Range<u64>, sources: Sources) {
        self.start(Kind::Page, move |link| Done::Page(Box::new(read_page(link, doc, range, &sources))));
    }

    /// Counts what a step has printed.
    pub fn count(&mut self, step: StepId, sources: Sources) {
        self.start(Kind::Count, move |link| {
            let count = sources
                .open(link, step, Edition::Raw)
                .and_then(|transcript| Some((transcript.line_count().ok()?, transcript.byte_count().ok()?)));
            let (lines, bytes) = count.unwrap_or_default();
            let story = sources.open(link, step, Edition::Story);
            let story = story.filter(|story| story.is_there().unwrap_or(false));
            let story = story.and_then(|story| story.line_count().ok());
            Done::Count(Counted { run: sources.run, step, lines, bytes, story })
        });
    }

    /// Makes a diff.
    pub fn diff(&mut self, key: DiffKey) {
        self.start(Kind::Diff, move |link| {
            let diff = link.diff(Path::new(&key.common_dir), &key.from, &key.to);
            let doc = diff.map(|diff| Arc::new(DiffDoc::new(diff, &key.weighed))).map_err(|error| error.to_string());
            Done::Diff(key, doc)
        });
    }

    /// Colours hunks of a diff.
    pub fn paint(&mut self, doc: Arc<DiffDoc>, hunks: Vec<(usize, usize)>) {
        self.start(Kind::Paint, move |_| {
            hunks.into_iter().take(HUNKS).for_each(|(file, hunk)| paint(&doc, file, hunk));
            Done::Paint
        });
    }

    /// Reads the end of a step's output.
    pub fn tail(&mut self, key: TailKey, sources: Sources) {
        self.start(Kind::Tail, move |link| {
            let lines = sources.tail(link, key.step, key.lines);
            let mut state = SgrState::default();
            let lines = lines.unwrap_or_default();
            Done::Tail(key, lines.iter().map(|line| lines::printed(line, &mut state)).collect())
        });
    }

    /// Reads a journal.
    pub fn journal(&mut self, run: RunId) {
        self.start(Kind::Journal, move |link| {
            let mut records = Vec::new();
            let read = link.journal(run, |record| {
                if is_told(&record) {
                    records.push(Arc::new(record));
                }
            });
            Done::Journal(Journal { run: Some(run), records, error: read.err().map(|error| error.to_string()) })
        });
    }

    /// Looks at a step.
    pub fn xray(&mut self, key: XrayKey, step: StepRecord) {
        self.start(Kind::Xray, move |link| Done::Xray(key, Box::new(xray::read(link, key, &step))));
    }

    /// Searches a document; an earlier search ends.
    pub fn search(&mut self, want: SearchWant, text: Text) {
        let number = self.search.fetch_add(1, Ordering::AcqRel) + 1;
        let current = Arc::clone(&self.search);
        self.start(Kind::Search, move |link| {
            let wanted = || current.load(Ordering::Acquire) == number;
            let (hits, more) = text.find(link, &want.query, wanted);
            Done::Found(Box::new(Msg::Found { want, hits, more }))
        });
    }
}

fn read_page(link: &Link, doc: Doc, range: Range<u64>, sources: &Sources) -> Page {
    let mut page = Page { run: Some(sources.run), range: range.clone(), ..Page::default() };
    for (part, lines, first) in doc.pieces(range) {
        let Some(transcript) = sources.open(link, part.step, part.edition) else { continue };
        match transcript.lines(lines) {
            Ok(raw) => {
                let mut state = SgrState::default();
                let styled = raw.iter().map(|line| match part.edition {
                    Edition::Raw => lines::printed(line, &mut state),
                    Edition::Story => lines::told(line),
                });
                page.lines.extend((first..).zip(styled));
            }
            Err(error) => page.error = Some(error.to_string()),
        }
    }
    page.doc = doc;
    page
}
