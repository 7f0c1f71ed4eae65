use ratatui::style::{Color, Modifier, Style};

use super::*;
use crate::widgets::theme::colour::xterm;

fn luminance(colour: Color) -> Option<f64> {
    let (r, g, b) = match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(i) => xterm(i),
        _ => return None,
    };
    let channel = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    Some(0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b))
}

/// The contrast ratio of WCAG 2, 1 to 21; `None` where the terminal decides a colour.
fn contrast(fg: Option<Color>, bg: Option<Color>) -> Option<f64> {
    let (a, b) = (luminance(fg?)?, luminance(bg?)?);
    Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
}

fn library() -> ThemeLibrary {
    ThemeLibrary::bundled().unwrap()
}

fn refusal(text: &str) -> String {
    let mut library = library();
    match library.add("mine.toml", "mine", text) {
        Err(error) => error.to_string(),
        Ok(name) => library.theme(&name, Tier::TrueColor).unwrap_err().to_string(),
    }
}

#[test]
fn every_theme_gives_every_role_a_style_on_every_terminal() {
    let library = library();
    assert_eq!(library.names(), ["ansi16", "dark", "high-contrast", "light", "none"]);
    for name in library.names() {
        for tier in [Tier::None, Tier::Ansi16, Tier::Ansi256, Tier::TrueColor] {
            let theme = library.theme(name, tier).unwrap();
            for role in Role::ALL {
                let style = theme.style(*role);
                let rich = colour::beyond_ansi(style);
                assert!(!(tier == Tier::Ansi16 && rich), "{name} {role:?} {style:?}");
                assert!(tier != Tier::None || (style.fg, style.bg) == (None, None), "{name} {role:?} {style:?}");
            }
            let selection = theme.style(Role::Selection);
            assert_ne!(selection, Style::new(), "{name} at {tier:?} hides the selection");
            let ground = theme.style(Role::Background).bg;
            let shown = selection.add_modifier.contains(Modifier::REVERSED)
                || selection.bg.is_some_and(|bg| Some(bg) != ground);
            assert!(shown, "{name} at {tier:?}: the selection has the ground of the screen");
        }
    }
}

#[test]
fn text_can_be_read_on_every_ground() {
    use Role::*;
    let library = library();
    for (name, least) in [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)] {
        for tier in [Tier::TrueColor, Tier::Ansi256] {
            let theme = library.theme(name, tier).unwrap();
            let check = |role: Role, ground: Role, least: f64| {
                let style = theme.style(role);
                let ground_style = theme.style(ground);
                let fg = if ground == Selection { theme.on_selection(style).fg } else { style.fg };
                let ratio = contrast(fg, ground_style.bg).unwrap();
                assert!(ratio >= least, "{name} {tier:?}: {role:?} on {ground:?} has {ratio:.2}, needs {least}");
            };
            for role in
                Role::ALL.iter().copied().filter(|r| theme.style(*r).fg.is_some() && theme.style(*r).bg.is_none())
            {
                let needs = match role {
                    Border | MeterEmpty => 1.3,
                    Faint | Gutter | Disabled => 3.0,
                    _ => least,
                };
                check(role, Background, needs);
                check(role, Bar, needs.min(4.5) * 0.93);
                check(role, Selection, if needs < 4.5 { needs.min(1.3) } else { 4.0 });
            }
            for ground in [AddedLine, RemovedLine, AddedWord, RemovedWord] {
                for role in [Text, SyntaxKeyword, SyntaxString, SyntaxType, SyntaxNumber, SyntaxFunction] {
                    check(role, ground, 3.0);
                }
            }
            for role in [Badge, KeyChip, KeyDanger, SearchHit, SearchCurrent] {
                let style = theme.style(role);
                let ratio = contrast(style.fg, style.bg).unwrap();
                assert!(ratio >= 4.5, "{name} {tier:?}: {role:?} has {ratio:.2}");
            }
        }
    }
}

#[test]
fn states_differ_by_colour_too_where_there_is_colour() {
    let library = library();
    for name in ["dark", "light", "high-contrast", "ansi16"] {
        let theme = library.theme(name, Tier::TrueColor).unwrap();
        let states = [Role::Running, Role::Attention, Role::Danger, Role::Ok, Role::Queued];
        for (i, a) in states.iter().enumerate() {
            for b in &states[i + 1..] {
                assert_ne!(theme.style(*a).fg, theme.style(*b).fg, "{name}: {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn a_user_theme_inherits_what_it_does_not_say() {
    let mut library = library();
    let text = "inherits = \"dark\"\n[palette]\nblue = \"#0000ff\"\n[roles]\ndanger = { fg = \"bright-red\", modifiers = [\"bold\", \"reverse\"] }\n";
    assert_eq!(library.add("mine.toml", "mine", text), Ok("mine".to_owned()));
    let theme = library.theme("mine", Tier::TrueColor).unwrap();
    let dark = library.theme("dark", Tier::TrueColor).unwrap();
    assert_eq!(
        theme.style(Role::Danger),
        Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    );
    assert_eq!(theme.style(Role::Running).fg, Some(Color::Rgb(0, 0, 255)), "the palette is inherited by name");
    assert_eq!(theme.style(Role::Ok), dark.style(Role::Ok));
}

#[test]
fn mistakes_are_refused_with_file_line_and_a_hint() {
    let cases = [
        (
            "[roles]\ntext = \"white\"\n\"borderfocus\" = \"red\"\n",
            "mine.toml:3: `borderfocus` is no role (did you mean `border.focus`?)",
        ),
        ("inherits = \"dark\"\n[roles]\ndim = \"gray\"\n", "mine.toml:3: `gray` is no colour (did you mean `grey`?)"),
        ("inherits = \"dark\"\n[roles]\ndim = \"#12345\"\n", "mine.toml:3: `#12345` is no colour; use"),
        ("[palette]\n\nblue = \"#xyz\"\n", "mine.toml:3: `#xyz` is no colour"),
        ("[roles]\ndim = { fg = \"red\", modifiers = [\"blink\"] }\n", "mine.toml:2: `blink` is no modifier"),
        ("[roles]\ndim = { color = \"red\" }\n", "mine.toml:2: unknown key `color`; a style has fg, bg and modifiers"),
        ("inherit = \"dark\"\n", "mine.toml:1: unknown key `inherit` (did you mean `inherits`?)"),
        ("inherits = 3\n", "mine.toml:1: expected a string, found integer"),
        ("roles = 1\n", "mine.toml:1: expected a table, found integer"),
        ("name = \"x\"\n[roles\n", "mine.toml:2: "),
        ("inherits = \"drak\"\n", "mine.toml:1: there is no theme `drak`; known themes: ansi16, dark"),
        ("[roles]\ntext = \"white\"\n", "mine.toml: no style for `background`, `bar`"),
    ];
    for (text, expected) in cases {
        let message = refusal(text);
        assert!(message.starts_with(expected), "{text:?} gave {message:?}");
    }
    assert_eq!(
        library().theme("solar", Tier::TrueColor).unwrap_err().to_string(),
        "there is no theme `solar`; known themes: ansi16, dark, high-contrast, light, none"
    );
}

#[test]
fn a_circle_of_inheritance_is_named() {
    let mut library = library();
    library.add("a.toml", "a", "inherits = \"b\"").unwrap();
    library.add("b.toml", "b", "inherits = \"c\"").unwrap();
    library.add("c.toml", "c", "inherits = \"a\"").unwrap();
    let message = library.theme("a", Tier::TrueColor).unwrap_err().to_string();
    assert_eq!(message, "themes inherit in a circle: a > b > c > a; remove one `inherits`");
}

#[test]
fn the_environment_decides_how_many_colours() {
    let tier = |no: Option<&str>, colorterm: Option<&str>, term: Option<&str>| Theme::detect(no, colorterm, term).tier;
    assert_eq!(tier(Some("1"), Some("truecolor"), Some("xterm-256color")), Tier::None);
    assert_eq!(tier(Some(""), Some("truecolor"), Some("xterm-256color")), Tier::TrueColor);
    assert_eq!(tier(None, None, Some("xterm-256color")), Tier::Ansi256);
    assert_eq!(tier(None, None, Some("xterm-kitty")), Tier::TrueColor);
    assert_eq!(tier(None, None, Some("linux")), Tier::Ansi16);
    assert_eq!(tier(None, Some("truecolor"), Some("dumb")), Tier::None);
    assert_eq!(tier(None, None, None), Tier::None);
    assert_eq!(Theme::detect(None, None, Some("xterm")).theme, "ansi16");
}
