//! Columns of one iteration each, right-aligned to their heads; the latest that fit are shown.
//! Shared by the test table and the gate table.

use super::pen::Pen;
use super::text::{self, Align};
use super::theme::Role;

/// Columns still to be given away.
pub(crate) struct Room(pub(crate) u16);

impl Room {
    /// Takes a column and the blank beside it, or nothing (0) where that would leave less than `keep`.
    pub(crate) fn take(&mut self, wanted: u16, keep: u16) -> u16 {
        if wanted == 0 || self.0 <= wanted.saturating_add(keep) {
            return 0;
        }
        self.0 -= wanted + 1;
        wanted
    }
}

fn column(head: &str) -> usize {
    text::width(head).max(2)
}

/// The columns all heads take, with a blank between.
pub(crate) fn full_width(heads: &[&str]) -> usize {
    heads.iter().map(|h| column(h) + 1).sum::<usize>().saturating_sub(1)
}

/// The first of the heads that fit, counted from the last.
fn first(heads: &[&str], room: u16) -> usize {
    let mut left = usize::from(room) + 1;
    let mut first = heads.len();
    for (i, head) in heads.iter().enumerate().rev() {
        let wide = column(head) + 1;
        if wide > left {
            break;
        }
        left -= wide;
        first = i;
    }
    first
}

/// Writes the heads.
pub(crate) fn head(pen: &mut Pen<'_, '_>, heads: &[&str], room: u16) {
    let shown = heads.iter().map(|h| (*h, Role::Dim));
    cells(pen, heads, shown, room);
}

/// Writes a row of cells under the heads; the room they leave stays blank.
pub(crate) fn cells<'c>(
    pen: &mut Pen<'_, '_>,
    heads: &[&str],
    cells: impl Iterator<Item = (&'c str, Role)>,
    room: u16,
) {
    let skip = first(heads, room);
    let mut used = 0;
    for (i, (head, (text, role))) in heads.iter().zip(cells).enumerate().skip(skip) {
        let wide = u16::try_from(column(head)).unwrap_or_default();
        if i > skip {
            pen.gap(1);
            used += 1;
        }
        pen.field(text, wide, Align::Right, role);
        used += wide;
    }
    pen.gap(room.saturating_sub(used));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_heads_that_fit_are_shown() {
        let heads = ["base", "i1", "i2", "i10"];
        assert_eq!(full_width(&heads), 14);
        let shown: Vec<_> = (0..16).map(|room| heads.len() - first(&heads, room)).collect();
        assert_eq!(shown, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4]);
        assert_eq!(full_width(&[]), 0);
    }
}
