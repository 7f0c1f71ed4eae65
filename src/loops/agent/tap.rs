//! What stands beside a transcript's writer and understands an agent's stream as it comes: [`Tap`].
//! It decodes, tells the story, keeps the vitals, and rings the alarm. Plain text has none, and pays nothing.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::circle::Circle;
use super::dialect::{Decoder, Heard};
use super::story::Teller;
use super::transcript::{Edition, Stream, Writer};
use super::vitals::{self, Alarm, LiveStory, Vitals};
use crate::loops::core::activity::{Activity, UsageScope};
use crate::loops::core::agent::DialectName;
use crate::loops::core::ids::Millis;

/// How an agent's stream is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// How it is read.
    pub dialect: DialectName,
    /// Events after which the agent is taken to go round in circles. Pieces of a text do not count.
    pub max_events: Option<u64>,
    /// Retries after which it is.
    pub max_retries: Option<u32>,
    /// The longest that it may wait for its provider with loopdash looking on, in milliseconds.
    pub longest_wait_ms: u64,
    /// Calls of one tool with one result that are worth telling.
    pub same_tool: Option<u32>,
}

/// Listens to one step.
pub(super) struct Tap {
    decoder: Decoder,
    ears: Ears,
}

/// What came of listening.
#[derive(Debug)]
pub(super) struct Tapped {
    pub(super) heard: Heard,
    pub(super) story: u64,
}

/// Where activities go.
struct Ears {
    listen: Listen,
    teller: Teller,
    writer: Writer,
    story: Arc<LiveStory>,
    vitals: Vitals,
    alarm: Alarm,
    circle: Circle,
    events: u64,
    /// What it says that it waits before it tries again, in milliseconds, if time mends it.
    waits: Option<u64>,
}

impl Tap {
    /// Starts to listen; the story goes to `dir`, at most `limit` bytes of it.
    pub(super) fn open(listen: Listen, dir: &Path, limit: u64) -> io::Result<Self> {
        let writer = Writer::create(dir, Edition::Story, limit)?;
        let story = Arc::new(LiveStory::new(writer.live()));
        let (teller, vitals, alarm) = (Teller::default(), Vitals::default(), Alarm::default());
        let circle = Circle::new(listen.same_tool);
        let ears = Ears { listen, teller, writer, story, vitals, alarm, circle, events: 0, waits: None };
        Ok(Self { decoder: Decoder::new(listen.dialect), ears })
    }

    /// The side that readers share.
    pub(super) fn story(&self) -> Arc<LiveStory> {
        Arc::clone(&self.ears.story)
    }

    /// Takes the story back, of a step that never began.
    pub(super) fn discard(&self) {
        self.ears.writer.discard();
    }

    /// Takes the next bytes of a stream.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let Self { decoder, ears } = self;
        let (now, before) = (vitals::now(), ears.events);
        decoder.push(stream, bytes, &mut |activity| ears.take(&activity, now));
        if ears.events != before {
            ears.story.publish(&ears.vitals);
        }
        ears.write();
        if stream == Stream::Stderr {
            ears.complain(bytes);
        }
    }

    /// Whether a full disk has refused a part of the story.
    pub(super) fn owes(&self) -> bool {
        self.ears.writer.owes()
    }

    /// Tries again to store it.
    pub(super) fn pay(&mut self) {
        self.ears.writer.pay();
    }

    /// The streams have ended.
    pub(super) fn finish(self) -> Tapped {
        let Self { decoder, mut ears } = self;
        let now = vitals::now();
        let heard = decoder.finish(&mut |activity| ears.take(&activity, now));
        // What a session has used in all its steps is not what this one used.
        if let Some((UsageScope::Part | UsageScope::Step, usage)) = &heard.usage {
            ears.teller.used(usage);
        }
        ears.teller.end_line();
        ears.write();
        ears.story.publish(&ears.vitals);
        Tapped { heard, story: ears.writer.finish().lines }
    }
}

impl Ears {
    fn take(&mut self, activity: &Activity, now: Millis) {
        self.teller.tell(activity, now);
        self.vitals.take(activity, now);
        let piece = matches!(activity, Activity::Text { whole: false, .. } | Activity::Thinking { whole: false, .. });
        self.events += u64::from(!piece);
        self.waits = match activity {
            Activity::Retry { delay_ms, class, .. } => delay_ms.filter(|_| class.passes()),
            _ => None,
        };
        if let Some(circling) = self.circle.take(activity, now) {
            self.alarm.circling = circling;
            self.story.ring(self.alarm.clone());
        }
        self.watch();
    }

    fn watch(&mut self) {
        let over = self.vitals.finished || self.vitals.idle;
        let turned = over != self.alarm.finished.is_some();
        if turned {
            self.alarm.finished = over.then(Instant::now);
        }
        let runaway = if self.alarm.runaway.is_none() { self.circles() } else { None };
        if turned || runaway.is_some() {
            self.alarm.runaway = runaway.or(self.alarm.runaway.take());
            self.story.ring(self.alarm.clone());
        }
    }

    /// Why the agent is better ended, if it is: it seems to go round in circles, or would wait for long.
    fn circles(&self) -> Option<String> {
        let over_events = self.listen.max_events.filter(|most| self.events > *most);
        let over_retries = self.listen.max_retries.filter(|most| self.vitals.retries > *most);
        match (over_events, over_retries, self.waits) {
            (Some(most), ..) => Some(format!("more than {most} events in one step")),
            (None, Some(most), _) => Some(format!("more than {most} retries in one step")),
            (None, None, Some(wait)) if wait > self.listen.longest_wait_ms => {
                Some("it waits too long for its provider".to_owned())
            }
            (None, None, _) => None,
        }
    }

    fn write(&mut self) {
        let writer = &mut self.writer;
        self.teller.flush(|bytes| writer.push(Stream::Stdout, bytes));
    }

    /// Standard error stands in the story as it came: where a stream says nothing, it is all there is.
    fn complain(&mut self, bytes: &[u8]) {
        self.teller.end_line();
        self.write();
        self.writer.push(Stream::Stderr, bytes);
    }
}
