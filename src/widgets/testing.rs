//! What widget tests share: a theme, drawing into a buffer, and reading it back.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::theme::{Role, Theme, ThemeLibrary, Tier};

/// The dark theme in full colour.
pub(crate) fn theme() -> Theme {
    theme_at(Tier::TrueColor)
}

/// The dark theme with these colours.
pub(crate) fn theme_at(tier: Tier) -> Theme {
    ThemeLibrary::bundled().unwrap().theme("dark", tier).unwrap()
}

/// The rows of a buffer, without the blanks at their ends. The second cell of a wide character is left out.
pub(crate) fn text_of(buf: &Buffer) -> Vec<String> {
    let area = buf.area;
    (area.y..area.bottom())
        .map(|y| {
            let mut row = String::new();
            let mut x = area.x;
            while x < area.right() {
                let symbol = buf.cell((x, y)).unwrap().symbol();
                row.push_str(symbol);
                x += u16::try_from(super::text::width(symbol)).unwrap().max(1);
            }
            row.trim_end().to_owned()
        })
        .collect()
}

/// Draws a widget on a blank screen of that size and gives back its rows.
pub(crate) fn draw(widget: impl Widget, width: u16, height: u16) -> Vec<String> {
    text_of(&paint(widget, width, height))
}

/// What [`draw`] gives as one text for a snapshot, each row behind a bar that keeps its indent.
pub(crate) fn shot(widget: impl Widget, width: u16, height: u16) -> String {
    draw(widget, width, height).into_iter().map(|row| format!("▏{row}\n")).collect()
}

/// Draws a widget on a blank screen of that size.
pub(crate) fn paint(widget: impl Widget, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    widget.render(area, &mut buf);
    buf
}

/// Draws at every size up to 48x14, in the corner of a larger screen and beyond its edge, and checks that nothing
/// outside the given area is touched and that no control character gets through.
pub(crate) fn hold_at_all_sizes<W: Copy + Widget>(widget: W) {
    for width in (0..=24).chain([31, 32, 48]) {
        for height in (0..=8).chain([14]) {
            let mut buf = Buffer::empty(Rect::new(0, 0, 60, 18));
            let area = Rect::new(3, 2, width, height);
            widget.render(area, &mut buf);
            for y in 0..18u16 {
                for x in 0..60u16 {
                    let cell = buf.cell((x, y)).unwrap();
                    let inside = area.contains((x, y).into());
                    assert!(inside || cell.symbol() == " ", "{:?} at {x},{y} of {area:?}", cell.symbol());
                    assert!(!cell.symbol().contains(super::text::deceptive), "{:?}", cell.symbol());
                    let wide = super::text::width(cell.symbol()) > 1;
                    assert!(!wide || x + 1 < area.right(), "a wide character is cut in half at {x},{y} of {area:?}");
                }
            }
        }
    }
    let mut small = Buffer::empty(Rect::new(5, 5, 10, 4));
    for area in [Rect::new(0, 0, 80, 24), Rect::new(12, 7, 80, 24), Rect::new(70, 70, 5, 5)] {
        widget.render(area, &mut small);
    }
}

/// The style of the cell where `text` first begins on the screen.
pub(crate) fn style_of(buf: &Buffer, text: &str) -> Style {
    for y in buf.area.y..buf.area.bottom() {
        for x in buf.area.x..buf.area.right() {
            let row: String = (x..buf.area.right()).map(|x| buf.cell((x, y)).unwrap().symbol()).collect();
            if row.starts_with(text) {
                return buf.cell((x, y)).unwrap().style();
            }
        }
    }
    panic!("{text:?} is not on the screen: {:#?}", text_of(buf))
}

/// True where `text` stands on the screen in the colour of that role.
pub(crate) fn has_role(buf: &Buffer, text: &str, role: Role) -> bool {
    style_of(buf, text).fg == theme().style(role).fg
}
