//! Colours and attributes of agent output, in terms of no particular terminal library.
//! [`SgrState`] takes the parameters of `CSI … m` and holds the [`TextStyle`] that text printed now would have.

/// A colour as the agent asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TextColor {
    /// Whatever the theme says.
    #[default]
    Default,
    /// One of the 256 palette colours; 0 to 15 are the terminal's own.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal's attributes are independent switches")]
pub struct TextStyle {
    /// Foreground.
    pub fg: TextColor,
    /// Background.
    pub bg: TextColor,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, in any of its kinds.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
    /// Struck through.
    pub strike: bool,
}

/// The style in force, carried from line to line of one stream. Of constant size, whatever an agent sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SgrState {
    style: TextStyle,
}

impl SgrState {
    /// The style that text printed now has.
    pub fn style(&self) -> TextStyle {
        self.style
    }

    /// Applies the parameters of one `CSI … m`: each with its colon-separated sub-parameters.
    pub(super) fn apply<'a>(&mut self, params: impl IntoIterator<Item = &'a [u16]>) {
        let mut params = params.into_iter();
        while let Some(param) = params.next() {
            let style = &mut self.style;
            match param.first().copied().unwrap_or(0) {
                0 => *style = TextStyle::default(),
                1 => style.bold = true,
                2 => style.dim = true,
                3 => style.italic = true,
                4 => style.underline = param.get(1) != Some(&0),
                7 => style.reverse = true,
                9 => style.strike = true,
                21 => style.underline = true,
                22 => (style.bold, style.dim) = (false, false),
                23 => style.italic = false,
                24 => style.underline = false,
                27 => style.reverse = false,
                29 => style.strike = false,
                code @ 30..=37 => style.fg = indexed(code - 30),
                38 => style.fg = extended(param, &mut params).unwrap_or(style.fg),
                39 => style.fg = TextColor::Default,
                code @ 40..=47 => style.bg = indexed(code - 40),
                48 => style.bg = extended(param, &mut params).unwrap_or(style.bg),
                49 => style.bg = TextColor::Default,
                // The underline's colour is not kept, but its arguments must not be taken for attributes.
                58 => drop(extended(param, &mut params)),
                code @ 90..=97 => style.fg = indexed(code - 90 + 8),
                code @ 100..=107 => style.bg = indexed(code - 100 + 8),
                _ => {}
            }
        }
    }
}

fn indexed(code: u16) -> TextColor {
    u8::try_from(code).map_or(TextColor::Default, TextColor::Indexed)
}

/// The colour after a 38, 48 or 58: in sub-parameters (`38:5:n`, `38:2::r:g:b`, `38:2:r:g:b`) or in the parameters that
/// follow (`38;5;n`, `38;2;r;g;b`).
fn extended<'a>(param: &[u16], rest: &mut impl Iterator<Item = &'a [u16]>) -> Option<TextColor> {
    if let [_, sub @ ..] = param
        && !sub.is_empty()
    {
        return match sub {
            [5, n, ..] => byte(*n).map(TextColor::Indexed),
            [2, _, r, g, b, ..] | [2, r, g, b] => Some(TextColor::Rgb(byte(*r)?, byte(*g)?, byte(*b)?)),
            _ => None,
        };
    }
    let mut next = || rest.next().and_then(|param| param.first().copied());
    match next()? {
        5 => byte(next()?).map(TextColor::Indexed),
        2 => {
            let (r, g, b) = (next()?, next()?, next()?);
            Some(TextColor::Rgb(byte(r)?, byte(g)?, byte(b)?))
        }
        _ => None,
    }
}

fn byte(value: u16) -> Option<u8> {
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(params: &[&[u16]]) -> TextStyle {
        let mut state = SgrState::default();
        state.apply(params.iter().copied());
        state.style()
    }

    #[test]
    fn colours_in_all_their_spellings() {
        let red = TextStyle { fg: TextColor::Indexed(1), ..TextStyle::default() };
        assert_eq!(after(&[&[31]]), red);
        assert_eq!(after(&[&[38], &[5], &[1]]), red);
        assert_eq!(after(&[&[38, 5, 1]]), red);
        let rgb = TextStyle { fg: TextColor::Rgb(1, 2, 3), ..TextStyle::default() };
        assert_eq!(after(&[&[38], &[2], &[1], &[2], &[3]]), rgb);
        assert_eq!(after(&[&[38, 2, 1, 2, 3]]), rgb);
        assert_eq!(after(&[&[38, 2, 0, 1, 2, 3]]), rgb);
        assert_eq!(after(&[&[97]]).fg, TextColor::Indexed(15));
        assert_eq!(after(&[&[103]]).bg, TextColor::Indexed(11));
    }

    #[test]
    fn a_colour_takes_its_arguments_and_no_more() {
        let style = after(&[&[58], &[5], &[1], &[3]]);
        assert_eq!(style, TextStyle { italic: true, ..TextStyle::default() });
        assert_eq!(after(&[&[38], &[5], &[300], &[1]]), TextStyle { bold: true, ..TextStyle::default() });
        assert_eq!(after(&[&[38]]), TextStyle::default());
        assert_eq!(after(&[&[38], &[2], &[1]]), TextStyle::default());
    }

    #[test]
    fn attributes_go_on_and_off() {
        assert_eq!(
            after(&[&[1], &[2], &[3], &[4], &[7], &[9], &[22], &[23], &[24], &[27], &[29]]),
            TextStyle::default()
        );
        assert!(!after(&[&[4], &[4, 0]]).underline);
        assert_eq!(after(&[&[1], &[0]]), TextStyle::default());
        assert_eq!(after(&[&[31], &[]]), TextStyle::default());
    }
}
