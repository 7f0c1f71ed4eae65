//! A stream is read the same however its bytes come, in every dialect, and what it tells stays within bounds.

use loopdash::loops::agent::dialect::{ANSWER_BYTES, Decoder, Heard, judge};
use loopdash::loops::agent::transcript::Stream;
use loopdash::loops::core::activity::{Activity, MESSAGE_LENGTH, RESULT_HEAD};
use loopdash::loops::core::agent::DialectName;
use loopdash::loops::core::step::Exit;

const DIALECTS: [DialectName; 8] = [
    DialectName::Claude,
    DialectName::Qwen,
    DialectName::Text,
    DialectName::Codex,
    DialectName::Opencode,
    DialectName::Gemini,
    DialectName::Cursor,
    DialectName::Aider,
];
/// What stands between standard output and standard error in an input.
const BORDER: &[u8] = b"\n--stderr--\n";

pub(crate) fn holds(bytes: &[u8]) {
    let border = bytes.windows(BORDER.len()).position(|window| window == BORDER);
    let (out, err) = border.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + BORDER.len()..]));
    for dialect in DIALECTS {
        let (told, heard) = decode(dialect, out, err, &mut Pieces::all());
        for mut pieces in [Pieces(Some(1)), Pieces(Some(u64::from(crc32c::crc32c(bytes)) | 2))] {
            let again = decode(dialect, out, err, &mut pieces);
            assert_eq!(again, (told.clone(), heard.clone()), "{dialect:?}");
        }
        bounded(dialect, &told, &heard);
        for exit in [None, Some(Exit::Code(0)), Some(Exit::Code(1)), Some(Exit::Signal(9))] {
            let judged = judge(heard.clone(), exit, None);
            if let Some(failure) = judged.failure() {
                one_short_line(&failure.message);
            }
        }
    }
}

fn decode(dialect: DialectName, out: &[u8], err: &[u8], pieces: &mut Pieces) -> (Vec<Activity>, Heard) {
    let (mut told, mut decoder) = (Vec::new(), Decoder::new(dialect));
    for (stream, mut rest) in [(Stream::Stderr, err), (Stream::Stdout, out)] {
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(pieces.next(rest.len()));
            decoder.push(stream, piece, &mut |activity| told.push(activity));
            rest = after;
        }
    }
    let heard = decoder.finish(&mut |activity| told.push(activity));
    (told, heard)
}

/// Sizes of pieces: all at once, one byte at a time, or from 1 to 64 bytes as a small generator has it.
struct Pieces(Option<u64>);

impl Pieces {
    fn all() -> Self {
        Self(None)
    }

    fn next(&mut self, left: usize) -> usize {
        match &mut self.0 {
            None => left,
            Some(1) => 1,
            Some(state) => {
                *state = (state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)) | 2;
                (1 + (*state >> 58) as usize).min(left)
            }
        }
    }
}

fn bounded(dialect: DialectName, told: &[Activity], heard: &Heard) {
    assert!(heard.text.len() <= 2 * ANSWER_BYTES);
    for activity in told {
        match activity {
            Activity::ToolStarted { summary, .. } => assert!(!summary.contains('\n'), "{dialect:?}: {activity:?}"),
            Activity::ToolEnded { head, .. } => {
                assert!(head.len() <= RESULT_HEAD, "{dialect:?}: {} bytes of a result", head.len());
            }
            Activity::Unknown { kind } => assert!(kind.chars().count() <= 100, "{dialect:?}: {kind:?}"),
            Activity::Failed(failure) => one_short_line(&failure.message),
            _ => {}
        }
    }
}

fn one_short_line(text: &str) {
    assert!(text.chars().count() <= MESSAGE_LENGTH && !text.chars().any(char::is_control), "{text:?}");
}
