//! Where everything stands on a screen of a given size: a pure function, narrow first.
//! See [`Screen::of`] and [`Detail::of`].

use ratatui::layout::Rect;

/// The smallest screen that shows more than "too small".
pub const LEAST: (u16, u16) = (20, 5);

/// From this width on, list and detail stand side by side.
pub const WIDE: u16 = 80;

/// From this width on, list and detail stand on top of each other; below, one at a time.
pub const STACKED: u16 = 50;

/// Stacking needs this many rows between title and footer.
const STACKED_ROWS: u16 = 12;

/// Which side the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The list of runs.
    List,
    /// The pane of the selected run.
    Detail,
}

/// How list and detail share the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// The list at the left, the detail at the right, both with borders.
    SideBySide,
    /// The list above, without border; the detail below.
    Stacked,
    /// Only the side that has the focus.
    One,
}

/// What the layout depends on besides the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The side that has the focus.
    pub focus: Side,
    /// True where that side takes the whole screen.
    pub zoom: bool,
    /// How many rows the banner under the title would fill; without one none.
    pub banner: u16,
    /// How many rows the list would fill.
    pub rows: usize,
}

/// The rectangles of a screen; those that are not shown are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// How list and detail share it.
    pub arrangement: Arrangement,
    /// True where nothing but "too small" fits; the rest is then empty.
    pub too_small: bool,
    /// The title bar.
    pub title: Rect,
    /// The banner.
    pub banner: Rect,
    /// The list of runs, with its border where it has one.
    pub list: Rect,
    /// The detail side, with its border where it has one.
    pub detail: Rect,
    /// The footer.
    pub footer: Rect,
}

impl Screen {
    /// Divides the screen.
    #[must_use]
    pub fn of(area: Rect, wish: Wish) -> Self {
        let none = Rect { width: 0, height: 0, ..area };
        let empty = Self {
            arrangement: Arrangement::One,
            too_small: true,
            title: none,
            banner: none,
            list: none,
            detail: none,
            footer: none,
        };
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return empty;
        }
        let line = |y: u16| Rect { y, height: 1, ..area };
        let banner = wish.banner.min(banner_rows(area.height));
        let top = area.y + 1 + banner;
        let body = Rect { y: top, height: area.bottom() - 1 - top, ..area };
        let screen = Self {
            too_small: false,
            title: line(area.y),
            banner: if banner > 0 { Rect { height: banner, ..line(area.y + 1) } } else { none },
            footer: line(area.bottom() - 1),
            ..empty
        };
        let arrangement = match area.width {
            _ if wish.zoom => Arrangement::One,
            WIDE.. => Arrangement::SideBySide,
            STACKED.. if body.height >= STACKED_ROWS => Arrangement::Stacked,
            _ => Arrangement::One,
        };
        let (list, detail) = match (arrangement, wish.focus) {
            (Arrangement::SideBySide, _) => {
                let width = list_width(area.width);
                (Rect { width, ..body }, Rect { x: body.x + width, width: body.width - width, ..body })
            }
            (Arrangement::Stacked, _) => {
                let wanted = u16::try_from(wish.rows).unwrap_or(u16::MAX).max(2);
                let height = wanted.min(body.height * 2 / 5);
                (Rect { height, ..body }, Rect { y: body.y + height, height: body.height - height, ..body })
            }
            (Arrangement::One, Side::List) => (body, none),
            (Arrangement::One, Side::Detail) => (none, body),
        };
        Self { arrangement, list, detail, ..screen }
    }
}

/// How many rows a screen of this height has for its banner.
fn banner_rows(height: u16) -> u16 {
    match height.saturating_sub(LEAST.1) {
        0..4 => 0,
        4..15 => 2,
        _ => 3,
    }
}

/// A bit over a third, enough for every column and no more.
fn list_width(width: u16) -> u16 {
    (width * 36 / 100).clamp(32, 57)
}

/// The rectangles of the detail side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Title on the top border, phases below it.
    pub header: Rect,
    /// The tabs.
    pub tabs: Rect,
    /// The rule under the tabs; empty on low screens.
    pub rule: Rect,
    /// The open pane.
    pub body: Rect,
}

impl Detail {
    /// Divides the detail side. Its frame has a top border always, and sides and a bottom where `framed`.
    #[must_use]
    pub fn of(area: Rect, framed: bool) -> Self {
        let edge = u16::from(framed && area.width > 2 && area.height > 3);
        let inside = Rect { x: area.x + edge, width: area.width - 2 * edge, ..area };
        let height = area.height - edge;
        let low = height < 10;
        let roomy = height >= 16;
        let header_height = if low { 1 } else { 2 }.min(height);
        let mut y = area.y + header_height + u16::from(roomy);
        let mut left = height.saturating_sub(header_height + u16::from(roomy));
        let mut take = |wanted: u16, wish: bool| {
            let height = if wish { wanted.min(left) } else { 0 };
            let taken = Rect { y, height, ..inside };
            y += height;
            left -= height;
            taken
        };
        let tabs = take(1, height > 3);
        let rule = take(1, roomy);
        let body = take(u16::MAX, true);
        Self { header: Rect { height: header_height, ..area }, tabs, rule, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Vec<Wish> {
        let mut all = Vec::new();
        for focus in [Side::List, Side::Detail] {
            for zoom in [false, true] {
                for banner in [0, 1, 2, 9] {
                    for rows in [0, 5, 500] {
                        all.push(Wish { focus, zoom, banner, rows });
                    }
                }
            }
        }
        all
    }

    fn inside(outer: Rect, inner: Rect) -> bool {
        inner.is_empty() || outer.intersection(inner) == inner
    }

    #[test]
    fn every_size_is_divided_without_overlap_or_loss() {
        let sizes = (0..=130).step_by(1).chain([200, 400]).flat_map(|w| (0..=40).chain([100]).map(move |h| (w, h)));
        for (width, height) in sizes {
            let area = Rect::new(2, 1, width, height);
            for wish in wishes() {
                let s = Screen::of(area, wish);
                assert_eq!(s.too_small, width < 20 || height < 5);
                if s.too_small {
                    continue;
                }
                let parts = [s.title, s.banner, s.list, s.detail, s.footer];
                assert!(parts.iter().all(|p| inside(area, *p)), "{area:?} {wish:?} {s:?}");
                let covered: u32 = parts.iter().map(|p| p.area()).sum();
                assert_eq!(covered, area.area(), "{area:?} {wish:?} {s:?}");
                for (i, a) in parts.iter().enumerate() {
                    assert!(parts[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{area:?} {wish:?} {s:?}");
                }
                let focused = if wish.focus == Side::List { s.list } else { s.detail };
                assert!(focused.height >= 2 && focused.width >= 20, "{area:?} {wish:?} {s:?}");
                for framed in [true, false] {
                    let d = Detail::of(s.detail, framed);
                    for part in [d.header, d.tabs, d.rule, d.body] {
                        assert!(inside(s.detail, part), "{area:?} {d:?}");
                    }
                    assert!(s.detail.height < 4 || d.body.height >= 1, "{area:?} {d:?}");
                }
            }
        }
    }

    #[test]
    fn width_decides_the_arrangement() {
        let wish = Wish { focus: Side::Detail, zoom: false, banner: 0, rows: 9 };
        let of = |w, h| Screen::of(Rect::new(0, 0, w, h), wish).arrangement;
        assert_eq!(
            [of(40, 12), of(49, 40), of(50, 24), of(79, 24), of(79, 12), of(80, 24), of(400, 100)],
            [
                Arrangement::One,
                Arrangement::One,
                Arrangement::Stacked,
                Arrangement::Stacked,
                Arrangement::One,
                Arrangement::SideBySide,
                Arrangement::SideBySide,
            ]
        );
        assert_eq!(Screen::of(Rect::new(0, 0, 160, 45), Wish { zoom: true, ..wish }).detail, Rect::new(0, 1, 160, 43));
    }

    #[test]
    fn at_eighty_by_twenty_four_both_sides_are_of_use() {
        let wish = Wish { focus: Side::List, zoom: false, banner: 0, rows: 9 };
        let screen = Screen::of(Rect::new(0, 0, 80, 24), wish);
        assert_eq!((screen.list, screen.detail), (Rect::new(0, 1, 32, 22), Rect::new(32, 1, 48, 22)));
        let detail = Detail::of(screen.detail, true);
        assert_eq!((detail.header.height, detail.tabs.y, detail.body), (2, 4, Rect::new(33, 6, 46, 16)));
    }
}
