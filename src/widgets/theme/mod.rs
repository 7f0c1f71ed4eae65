//! Semantic styles: widgets ask for a role, the theme answers with colours the terminal can show.
//! See [`Theme`], [`Role`] and [`ThemeLibrary`].

mod colour;
mod library;
mod role;

use ratatui::style::{Color, Modifier, Style};

pub use colour::{Ink, Paint, Tier};
pub use library::{ThemeError, ThemeLibrary};
pub use role::Role;

/// A style for every role, in the colours of one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    tier: Tier,
    styles: Vec<Style>,
}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// How many colours it shows.
    pub tier: Tier,
    /// The bundled theme that suits it, where the user has named none.
    pub theme: &'static str,
}

impl Theme {
    /// A theme from one style per role, in the order of [`Role::ALL`].
    pub(crate) fn new(tier: Tier, styles: Vec<Style>) -> Self {
        let styles = styles.into_iter().map(|style| degrade(style, tier)).collect();
        Self { tier, styles }
    }

    /// Decides by the values of `NO_COLOR`, `COLORTERM` and `TERM` what the terminal can show.
    ///
    /// `NO_COLOR` counts where it is not empty (no-color.org); a terminal that does not name itself gets no colours.
    #[must_use]
    pub fn detect(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Detected {
        let term = term.unwrap_or_default();
        let tier = if no_color.is_some_and(|v| !v.is_empty())
            || matches!(term, "" | "dumb" | "vt100" | "vt102" | "vt220")
            || term.ends_with("-m")
        {
            Tier::None
        } else if matches!(colorterm, Some("truecolor" | "24bit"))
            || term.ends_with("-direct")
            || ["kitty", "ghostty", "alacritty", "wezterm", "foot"].iter().any(|t| term.contains(t))
        {
            Tier::TrueColor
        } else if term.contains("256color") {
            Tier::Ansi256
        } else {
            Tier::Ansi16
        };
        let theme = match tier {
            Tier::None => "none",
            Tier::Ansi16 => "ansi16",
            Tier::Ansi256 | Tier::TrueColor => "dark",
        };
        Detected { tier, theme }
    }

    /// How many colours the theme was resolved for.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The style of a role. A colour the theme leaves open stays unset, so that what lies below shows through.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// How text of that style looks on the selected row: readable on its ground, whatever the theme.
    #[must_use]
    pub fn on_selection(&self, style: Style) -> Style {
        let selection = self.style(Role::Selection);
        match selection.fg {
            Some(fg) => Style { fg: Some(fg), bg: None, ..style },
            None if self.quiet(style) => Style { fg: self.style(Role::Text).fg, ..style },
            None => style,
        }
        .remove_modifier(Modifier::DIM)
    }

    /// The style of an agent's own span on this terminal; what it leaves open is `base`.
    #[must_use]
    pub fn ink(&self, ink: Ink, base: Style) -> Style {
        let mut style = base.add_modifier(ink.modifiers());
        if let Some(Paint::Role(role)) = ink.fg {
            style = style.patch(self.style(role));
        } else if let Some(fg) = ink.fg.and_then(|p| self.paint(p)) {
            style = style.fg(fg);
        }
        if let Some(bg) = ink.bg.and_then(|p| self.paint(p)) {
            style = style.bg(bg);
        }
        style
    }

    fn paint(&self, paint: Paint) -> Option<Color> {
        match paint {
            Paint::Role(role) => self.style(role).bg,
            Paint::Indexed(index) => colour::degrade(Color::Indexed(index), self.tier),
            Paint::Rgb(r, g, b) => colour::degrade(Color::Rgb(r, g, b), self.tier),
        }
    }

    fn quiet(&self, style: Style) -> bool {
        [Role::Dim, Role::Faint, Role::Border, Role::Queued, Role::Gutter]
            .iter()
            .any(|role| self.style(*role).fg == style.fg)
    }
}

fn degrade(style: Style, tier: Tier) -> Style {
    let fg = style.fg.and_then(|c| colour::degrade(c, tier));
    let bg = style.bg.and_then(|c| colour::degrade(c, tier));
    Style { fg, bg, ..style }
}
