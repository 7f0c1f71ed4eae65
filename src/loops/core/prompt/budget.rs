//! Fits a prompt's blocks into its budget: the least important give way first, on line boundaries, and say so.
//!
//! [`fit`] cuts each [`Block`] down to its floor, in order, and below it only when that was not enough.

/// Which end of a block matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it, whatever the budget.
    Whole,
    /// Its beginning.
    Head,
    /// Its end.
    Tail,
    /// Both.
    Ends,
}

/// One part of a prompt.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// What it is called in the list of parts.
    pub(super) name: String,
    /// Its text, before fences and headings.
    pub(super) body: String,
    /// What to keep of it.
    pub(super) keep: Keep,
    /// Bytes that it keeps while another block can still give way.
    pub(super) floor: usize,
    /// Lines and bytes that were cut.
    pub(super) cut: (usize, usize),
}

impl Block {
    pub(super) fn new(name: impl Into<String>, body: String, keep: Keep, floor: usize) -> Self {
        Self { name: name.into(), body, keep, floor, cut: (0, 0) }
    }

    pub(super) fn whole(name: impl Into<String>, body: String) -> Self {
        Self::new(name, body, Keep::Whole, 0)
    }
}

/// More than any cut's note takes.
const NOTE_ROOM: usize = 48;

/// Cuts `blocks` by `over` bytes in all, in the order given by the indices in `first`: those that give way first come
/// first. What is still over when each is down to the note of its cut is left over.
pub(super) fn fit(blocks: &mut [Block], first: &[usize], over: usize) {
    let mut over = over;
    let mut sizes: Vec<usize> = blocks.iter().map(|block| block.body.len()).collect();
    for to_floor in [true, false] {
        for index in first {
            let (Some(block), Some(size)) = (blocks.get(*index), sizes.get_mut(*index)) else { continue };
            if block.keep != Keep::Whole {
                let floor = if to_floor { block.floor.max(NOTE_ROOM) } else { NOTE_ROOM };
                let target = size.saturating_sub(over).max(floor).min(*size);
                over -= *size - target;
                *size = target;
            }
        }
    }
    for (block, size) in blocks.iter_mut().zip(sizes) {
        shorten(block, size);
    }
}

/// Cuts a block to at most `target` bytes, or to its note alone.
fn shorten(block: &mut Block, target: usize) {
    let body = block.body.as_str();
    if body.len() <= target {
        return;
    }
    let room = target.saturating_sub(NOTE_ROOM);
    let (mut head, mut tail) = match block.keep {
        Keep::Whole => return,
        Keep::Head => (whole_head(body, room), ""),
        Keep::Tail => ("", whole_tail(body, room)),
        Keep::Ends => {
            let head = whole_head(body, room / 2);
            (head, whole_tail(body.get(head.len()..).unwrap_or_default(), room - head.len()))
        }
    };
    // Not one line fits: a part of one says more than nothing.
    let in_line = head.is_empty() && tail.is_empty() && room > 0;
    if in_line {
        (head, tail) = if block.keep == Keep::Tail { ("", part_tail(body, room)) } else { (part_head(body, room), "") };
    }
    let gone = body.get(head.len()..body.len() - tail.len()).unwrap_or_default();
    let (lines, bytes) = (gone.lines().count(), gone.len());
    let note = match (in_line, lines) {
        (true, _) => format!("[… cut: {bytes} bytes]"),
        (false, 1) => "[… cut: 1 line]".to_owned(),
        (false, lines) => format!("[… cut: {lines} lines]"),
    };
    let before = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    let after = if tail.is_empty() { "" } else { "\n" };
    block.cut = (lines, bytes);
    block.body = format!("{head}{before}{note}{after}{tail}");
}

/// Whole lines from the start, at most `room` bytes.
fn whole_head(text: &str, room: usize) -> &str {
    if text.len() <= room {
        return text;
    }
    let end = part_head(text, room).rfind('\n').map_or(0, |newline| newline + 1);
    text.get(..end).unwrap_or_default()
}

/// Whole lines from the end, at most `room` bytes.
fn whole_tail(text: &str, room: usize) -> &str {
    if text.len() <= room {
        return text;
    }
    let part = part_tail(text, room);
    let start = text.len() - part.len();
    if text.get(..start).is_some_and(|before| before.ends_with('\n')) {
        return part;
    }
    part.find('\n').and_then(|newline| part.get(newline + 1..)).unwrap_or_default()
}

fn part_head(text: &str, room: usize) -> &str {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn part_tail(text: &str, room: usize) -> &str {
    let mut start = text.len().saturating_sub(room);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(n: usize) -> String {
        (1..=n).map(|line| format!("line {line}\n")).collect()
    }

    fn cut(body: &str, keep: Keep, target: usize) -> String {
        let mut block = Block::new("b", body.to_owned(), keep, 0);
        shorten(&mut block, target);
        block.body
    }

    #[test]
    fn cuts_on_line_ends_and_counts() {
        assert_eq!(cut(&lines(900), Keep::Head, NOTE_ROOM + 15), "line 1\nline 2\n[… cut: 898 lines]");
        assert_eq!(cut(&lines(900), Keep::Tail, NOTE_ROOM + 19), "[… cut: 898 lines]\nline 899\nline 900\n");
        assert_eq!(cut(&lines(900), Keep::Ends, NOTE_ROOM + 18), "line 1\n[… cut: 898 lines]\nline 900\n");
        assert_eq!(cut(&lines(900), Keep::Head, 0), "[… cut: 900 lines]");
        assert_eq!(cut(&lines(900), Keep::Whole, 0), lines(900));
        assert_eq!(cut("short", Keep::Head, 5), "short");
    }

    #[test]
    fn a_single_long_line_keeps_a_part() {
        let long = "é".repeat(5_000);
        assert_eq!(cut(&long, Keep::Head, NOTE_ROOM + 5), "éé\n[… cut: 9996 bytes]");
        assert_eq!(cut(&long, Keep::Tail, NOTE_ROOM + 5), "[… cut: 9996 bytes]\néé");
        assert_eq!(cut(&long, Keep::Ends, NOTE_ROOM + 5), "éé\n[… cut: 9996 bytes]");
    }

    #[test]
    fn floors_hold_while_others_can_give() {
        let blocks = |floor| {
            let mut blocks = vec![
                Block::new("first", lines(1_000), Keep::Head, floor),
                Block::new("second", lines(1_000), Keep::Head, floor),
                Block::whole("whole", lines(1_000)),
            ];
            fit(&mut blocks, &[0, 1, 2], 12_000);
            blocks.iter().map(|block| block.body.len()).collect::<Vec<_>>()
        };
        let [first, second, whole] = blocks(2_000).try_into().unwrap();
        assert!((1_900..=2_000).contains(&first) && (3_600..=3_786).contains(&second), "{first} {second}");
        assert_eq!(whole, lines(1_000).len());
        let [first, second, _] = blocks(9_000).try_into().unwrap();
        assert!(first < NOTE_ROOM && second < 6_000, "below the floor when all are at it: {first} {second}");
    }

    proptest! {
        #[test]
        fn fits_or_is_down_to_notes(
            bodies in prop::collection::vec(("[aé\n]{0,400}", 0_usize..3, 0_usize..300), 0..6),
            over in 0_usize..1_500,
        ) {
            let keeps = [Keep::Head, Keep::Tail, Keep::Ends];
            let mut blocks: Vec<Block> = bodies.iter()
                .map(|(body, keep, floor)| Block::new("b", body.clone(), *keeps.get(*keep).unwrap(), *floor)).collect();
            let before: usize = blocks.iter().map(|block| block.body.len()).sum();
            let order: Vec<usize> = (0..blocks.len()).collect();
            fit(&mut blocks, &order, over);
            let after: usize = blocks.iter().map(|block| block.body.len()).sum();
            prop_assert!(before - after.min(before) >= over || blocks.iter().all(|block| block.body.len() <= NOTE_ROOM));
            for (block, (body, ..)) in blocks.iter().zip(&bodies) {
                if block.cut == (0, 0) {
                    prop_assert_eq!(&block.body, body);
                } else {
                    prop_assert_eq!(block.body.matches("[… cut: ").count(), 1);
                    prop_assert!(block.body.len() <= NOTE_ROOM.max(body.len()));
                }
            }
        }
    }
}
