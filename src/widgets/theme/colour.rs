//! Colours of theme files and agents, and how they degrade on poorer terminals.
//! See [`Tier`] and [`Ink`].

use ratatui::style::{Color, Modifier, Style};

use super::Role;

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// None, or the user asked for none (`NO_COLOR`).
    None,
    /// The sixteen ANSI colours.
    Ansi16,
    /// The xterm palette of 256 colours.
    Ansi256,
    /// 24-bit colour.
    TrueColor,
}

/// A colour from outside the theme: what an agent's SGR sequences asked for, or a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// The foreground (or ground) of a role.
    Role(Role),
    /// A palette index, 0 to 255.
    Indexed(u8),
    /// 24-bit red, green, blue.
    Rgb(u8, u8, u8),
}

/// The look of a span of agent output, independent of the theme and of the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ink {
    /// The text colour; the line's own where `None`.
    pub fg: Option<Paint>,
    /// The ground; transparent where `None`.
    pub bg: Option<Paint>,
    /// SGR 1.
    pub bold: bool,
    /// SGR 2.
    pub dim: bool,
    /// SGR 3.
    pub italic: bool,
    /// SGR 4.
    pub underline: bool,
    /// SGR 7.
    pub reverse: bool,
    /// SGR 9.
    pub strike: bool,
}

impl Ink {
    /// Text in the foreground and modifiers of a role.
    #[must_use]
    pub const fn role(role: Role) -> Self {
        Self {
            fg: Some(Paint::Role(role)),
            bg: None,
            bold: false,
            dim: false,
            italic: false,
            underline: false,
            reverse: false,
            strike: false,
        }
    }

    pub(super) fn modifiers(self) -> Modifier {
        [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
            (self.strike, Modifier::CROSSED_OUT),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(Modifier::empty(), |all, (_, one)| all | one)
    }
}

const NAMES: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// Reads `#rrggbb`, a palette index, or an ANSI name such as `bright-black`.
pub(super) fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        if hex.len() != 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(hex, 16).ok()?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Some((_, colour)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Some(*colour);
    }
    text.parse::<u8>().ok().map(Color::Indexed)
}

/// Reads a modifier of a theme file.
pub(super) fn modifier(text: &str) -> Option<Modifier> {
    Some(match text {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underline" => Modifier::UNDERLINED,
        "reverse" => Modifier::REVERSED,
        "strike" => Modifier::CROSSED_OUT,
        _ => return None,
    })
}

/// True where the style asks for more than the sixteen colours.
pub(super) fn beyond_ansi(style: Style) -> bool {
    [style.fg, style.bg]
        .into_iter()
        .flatten()
        .any(|c| matches!(c, Color::Rgb(..)) || matches!(c, Color::Indexed(i) if i > 15))
}

/// The nearest colour the tier can show; `None` on a terminal without colours.
pub(super) fn degrade(colour: Color, tier: Tier) -> Option<Color> {
    match (tier, colour) {
        (Tier::None, _) => None,
        (Tier::Ansi256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256((r, g, b)))),
        (Tier::Ansi16, Color::Rgb(r, g, b)) => Some(nearest_16((r, g, b))),
        (Tier::Ansi16, Color::Indexed(i)) if i > 15 => Some(nearest_16(xterm(i))),
        (_, other) => Some(other),
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The red, green and blue of an xterm palette index from 16 up; lower indices belong to the terminal and are guessed.
pub(super) fn xterm(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => ANSI_RGB[usize::from(index)],
        16..=231 => {
            let i = usize::from(index - 16);
            (CUBE[i / 36], CUBE[i / 6 % 6], CUBE[i % 6])
        }
        232..=255 => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
    }
}

const ANSI_RGB: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (170, 0, 0),
    (0, 170, 0),
    (170, 85, 0),
    (0, 0, 170),
    (170, 0, 170),
    (0, 170, 170),
    (170, 170, 170),
    (85, 85, 85),
    (255, 85, 85),
    (85, 255, 85),
    (255, 255, 85),
    (85, 85, 255),
    (255, 85, 255),
    (85, 255, 255),
    (255, 255, 255),
];

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    // Weights after the eye's: green counts most, blue least.
    3 * square(a.0, b.0) + 4 * square(a.1, b.1) + 2 * square(a.2, b.2)
}

fn nearest_256(rgb: (u8, u8, u8)) -> u8 {
    (16..=255u8).min_by_key(|i| distance(xterm(*i), rgb)).unwrap_or(16)
}

fn nearest_16(rgb: (u8, u8, u8)) -> Color {
    let index = (0..16usize).min_by_key(|i| distance(ANSI_RGB[*i], rgb)).unwrap_or(7);
    NAMES[index + 1].1
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn colours_of_theme_files_are_read_and_others_refused() {
        assert_eq!(parse("#7aa2f7"), Some(Color::Rgb(0x7a, 0xa2, 0xf7)));
        assert_eq!(parse("bright-black"), Some(Color::DarkGray));
        assert_eq!(parse("208"), Some(Color::Indexed(208)));
        for bad in ["", "#12345", "#gggggg", "#+12345", "256", "-1", "reddish", "#éé"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rich_colours_fall_to_the_nearest_poor_one() {
        let rose = parse("#f7768e").unwrap();
        assert_eq!(degrade(rose, Tier::TrueColor), Some(rose));
        assert_eq!(degrade(rose, Tier::Ansi256), Some(Color::Indexed(210)));
        assert_eq!(degrade(rose, Tier::None), None);
        assert_eq!(degrade(Color::Rgb(180, 5, 5), Tier::Ansi16), Some(Color::Red));
        assert_eq!(degrade(Color::Indexed(231), Tier::Ansi16), Some(Color::White));
        assert_eq!(degrade(Color::Indexed(9), Tier::Ansi16), Some(Color::Indexed(9)));
    }

    #[test]
    fn the_palette_is_its_own_nearest_neighbour() {
        for index in 16..=255u8 {
            assert_eq!(xterm(nearest_256(xterm(index))), xterm(index), "{index}");
        }
        for (index, rgb) in ANSI_RGB.iter().enumerate() {
            assert_eq!(nearest_16(*rgb), NAMES[index + 1].1);
        }
    }
}
