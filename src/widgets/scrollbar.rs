//! Where the visible rows lie among all rows, drawn on a border.
//! See [`Extent`] and [`scrollbar`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use super::theme::{Role, Theme};

/// A window onto rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many rows there are.
    pub total: usize,
    /// The first visible one, from 0.
    pub offset: usize,
    /// How many are visible.
    pub visible: usize,
}

impl Extent {
    /// The first row of the thumb and its length, on a track of that length; `None` where everything is visible.
    #[must_use]
    pub fn thumb(self, track: u16) -> Option<(u16, u16)> {
        if track < 2 || self.visible == 0 || self.visible >= self.total {
            return None;
        }
        let length = (usize::from(track) * self.visible / self.total).clamp(1, usize::from(track) - 1);
        let room = usize::from(track) - length;
        let last = self.total - self.visible;
        let offset = self.offset.min(last);
        // Only the very ends touch the ends, so that "almost there" is not shown as "there".
        let start = match offset {
            0 => 0,
            o if o == last => room,
            o => (u128::from(o as u64) * room as u128 / last as u128) as usize,
        };
        let start = if offset > 0 && room > 1 { start.max(1) } else { start };
        let start = if offset < last && room > 1 { start.min(room - 1) } else { start };
        Some((u16::try_from(start).ok()?, u16::try_from(length).ok()?))
    }
}

/// Draws a thumb over a border column; nothing where every row is visible.
pub fn scrollbar(theme: &Theme, extent: Extent, track: Rect, buf: &mut Buffer) {
    if let Some((start, length)) = extent.thumb(track.height) {
        for row in start..start + length {
            Pen::new(buf, theme, track, row).put("┃", Role::Dim);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumb_stays_on_its_track_and_touches_the_ends_only_there() {
        for track in 0..20u16 {
            for total in [0, 1, 5, 19, 20, 1000, usize::MAX] {
                for visible in [0, 1, usize::from(track)] {
                    for offset in
                        [0, 1, total / 2, total.saturating_sub(visible + 1), total.saturating_sub(visible), usize::MAX]
                    {
                        let extent = Extent { total, offset, visible };
                        let Some((start, length)) = extent.thumb(track) else { continue };
                        assert!(length >= 1 && start + length <= track, "{extent:?} on {track}");
                        let at_end = offset >= total - visible;
                        assert!(track - length < 2 || (start == 0) == (offset == 0), "{extent:?} on {track}");
                        assert!(track - length < 2 || (start + length == track) == at_end, "{extent:?} on {track}");
                    }
                }
            }
        }
        assert_eq!(Extent { total: 10, offset: 0, visible: 10 }.thumb(10), None);
    }
}
