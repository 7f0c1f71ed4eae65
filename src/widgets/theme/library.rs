//! Theme files: parsing, inheritance and errors that name file and line.
//! See [`ThemeLibrary`]: the bundled themes, and those a user adds.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Role, Theme, Tier, colour};

const BUNDLED: [(&str, &str); 5] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
    ("none", include_str!("../../../themes/none.toml")),
];

/// Why a theme cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ThemeError {
    /// No theme has that name.
    #[error("there is no theme `{name}`; known themes: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// The file does not say what a theme file can say.
    #[error("{file}:{line}: {what}")]
    File {
        /// The file as it was named to [`ThemeLibrary::add`].
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there and what would be right.
        what: String,
    },
    /// Themes inherit from each other in a circle.
    #[error("themes inherit in a circle: {0}; remove one `inherits`")]
    Cycle(String),
    /// Some roles got a style from nowhere.
    #[error("{file}: no style for {roles}; add them, or `inherits = \"dark\"`")]
    Missing {
        /// The file as it was named to [`ThemeLibrary::add`].
        file: String,
        /// The roles, separated by commas.
        roles: String,
    },
}

#[derive(Debug, Clone)]
struct Named {
    colour: String,
    line: usize,
}

#[derive(Debug, Clone, Default)]
struct RawStyle {
    fg: Option<Named>,
    bg: Option<Named>,
    modifiers: Modifier,
}

#[derive(Debug, Clone)]
struct ThemeFile {
    label: String,
    inherits: Option<(String, usize)>,
    palette: Vec<(String, Color)>,
    roles: Vec<(Role, RawStyle)>,
}

/// All themes by name.
#[derive(Debug, Clone)]
pub struct ThemeLibrary {
    files: BTreeMap<String, ThemeFile>,
}

impl ThemeLibrary {
    /// The bundled themes.
    ///
    /// # Errors
    /// Where a bundled file is wrong, which a test rules out.
    pub fn bundled() -> Result<Self, ThemeError> {
        let mut library = Self { files: BTreeMap::new() };
        for (name, text) in BUNDLED {
            library.add(&format!("themes/{name}.toml"), name, text)?;
        }
        Ok(library)
    }

    /// Adds a theme, replacing one of the same name, and returns its name: the file's own, or else `stem`.
    ///
    /// # Errors
    /// Names `file` and the line of an unknown role or key, or of a colour that is none. What it inherits is looked at
    /// by [`Self::theme`], so files may come in any order.
    pub fn add(&mut self, file: &str, stem: &str, text: &str) -> Result<String, ThemeError> {
        let reader = Reader { file, text };
        let (name, parsed) = reader.theme()?;
        let name = name.unwrap_or_else(|| stem.to_owned());
        self.files.insert(name.clone(), parsed);
        Ok(name)
    }

    /// The names of all themes, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.files.keys().map(String::as_str).collect()
    }

    /// The theme as the terminal can show it.
    ///
    /// Where the terminal has sixteen colours, roles that ask for more take the style of `ansi16`; without colours every
    /// theme is `none`. Degrading by distance would turn a selection's ground into the background.
    ///
    /// # Errors
    /// An unknown name, a circle of inheritance, a role without style, or a colour that is no colour.
    pub fn theme(&self, name: &str, tier: Tier) -> Result<Theme, ThemeError> {
        let asked = self.styles(name)?;
        let fallback = match tier {
            Tier::None => return Ok(Theme::new(tier, self.styles("none")?)),
            Tier::Ansi16 => self.styles("ansi16")?,
            Tier::Ansi256 | Tier::TrueColor => return Ok(Theme::new(tier, asked)),
        };
        // All or nothing: one rich background under poor text, or the other way round, could not be read.
        let rich = asked.iter().any(|style| colour::beyond_ansi(*style));
        Ok(Theme::new(tier, if rich { fallback } else { asked }))
    }

    fn styles(&self, name: &str) -> Result<Vec<Style>, ThemeError> {
        let chain = self.chain(name)?;
        let mut palette = BTreeMap::new();
        let mut roles: BTreeMap<Role, (&RawStyle, &str)> = BTreeMap::new();
        for file in chain.iter().rev() {
            palette.extend(file.palette.iter().map(|(k, v)| (k.as_str(), *v)));
            roles.extend(file.roles.iter().map(|(role, raw)| (*role, (raw, file.label.as_str()))));
        }
        let missing: Vec<_> =
            Role::ALL.iter().filter(|r| !roles.contains_key(r)).map(|r| format!("`{}`", r.name())).collect();
        if !missing.is_empty() {
            let file = chain.first().map_or_else(String::new, |f| f.label.clone());
            return Err(ThemeError::Missing { file, roles: missing.join(", ") });
        }
        let resolve = |named: &Named, label: &str| {
            palette.get(named.colour.as_str()).copied().or_else(|| colour::parse(&named.colour)).ok_or_else(|| {
                let hint = nearest(&named.colour, palette.keys().copied());
                ThemeError::File {
                    file: label.to_owned(),
                    line: named.line,
                    what: format!(
                        "`{}` is no colour{hint}; use `#rrggbb`, 0 to 255, an ANSI name such as `bright-black`, or a name of [palette]",
                        named.colour
                    ),
                }
            })
        };
        roles
            .values()
            .map(|(raw, label)| {
                let mut style = Style::new().add_modifier(raw.modifiers);
                if let Some(fg) = &raw.fg {
                    style = style.fg(resolve(fg, label)?);
                }
                if let Some(bg) = &raw.bg {
                    style = style.bg(resolve(bg, label)?);
                }
                Ok(style)
            })
            .collect()
    }

    /// The theme's file, then the one it inherits from, and so on.
    fn chain(&self, name: &str) -> Result<Vec<&ThemeFile>, ThemeError> {
        let unknown = || format!("there is no theme `{name}`; known themes: {}", self.names().join(", "));
        let first = self
            .files
            .get(name)
            .ok_or_else(|| ThemeError::Unknown { name: name.to_owned(), known: self.names().join(", ") })?;
        let mut names = vec![name];
        let mut chain = vec![first];
        let mut last = first;
        while let Some((parent, line)) = &last.inherits {
            if names.contains(&parent.as_str()) {
                names.push(parent);
                return Err(ThemeError::Cycle(names.join(" > ")));
            }
            last = self.files.get(parent).ok_or_else(|| ThemeError::File {
                file: last.label.clone(),
                line: *line,
                what: unknown().replacen(name, parent, 1),
            })?;
            names.push(parent);
            chain.push(last);
        }
        Ok(chain)
    }
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .filter(|(d, _)| *d <= 2)
        .min()
        .map_or_else(String::new, |(_, k)| format!(" (did you mean `{k}`?)"))
}

/// One file being read; turns byte offsets into lines.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|b| *b == b'\n').count()
    }

    fn fail<T>(&self, offset: usize, what: impl Into<String>) -> Result<T, ThemeError> {
        Err(ThemeError::File { file: self.file.to_owned(), line: self.line(offset), what: what.into() })
    }

    fn theme(&self) -> Result<(Option<String>, ThemeFile), ThemeError> {
        let table = DeTable::parse(self.text)
            .or_else(|e| self.fail(e.span().map_or(0, |s| s.start), e.message().replace('\n', " ")))?;
        let mut name = None;
        let mut file =
            ThemeFile { label: self.file.to_owned(), inherits: None, palette: Vec::new(), roles: Vec::new() };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "name" => name = Some(self.string(value)?.to_owned()),
                "inherits" => file.inherits = Some((self.string(value)?.to_owned(), self.line(value.span().start))),
                "palette" => {
                    for (key, value) in self.table(value)? {
                        let text = self.string(value)?;
                        let Some(colour) = colour::parse(text) else {
                            return self.fail(value.span().start, format!("`{text}` is no colour; use `#rrggbb`, 0 to 255, or an ANSI name such as `bright-black`"));
                        };
                        file.palette.push((key.get_ref().to_string(), colour));
                    }
                }
                "roles" => {
                    for (key, value) in self.table(value)? {
                        let Some(role) = Role::parse(key.get_ref()) else {
                            let hint = nearest(key.get_ref(), Role::ALL.iter().map(|r| r.name()));
                            return self.fail(key.span().start, format!("`{}` is no role{hint}", key.get_ref()));
                        };
                        file.roles.push((role, self.style(value)?));
                    }
                }
                other => {
                    let hint = nearest(other, ["name", "inherits", "palette", "roles"].into_iter());
                    return self.fail(key.span().start, format!("unknown key `{other}`{hint}"));
                }
            }
        }
        Ok((name, file))
    }

    fn style(&self, value: &Spanned<DeValue<'_>>) -> Result<RawStyle, ThemeError> {
        if value.get_ref().is_str() {
            return Ok(RawStyle { fg: Some(self.named(value)?), ..RawStyle::default() });
        }
        let mut raw = RawStyle::default();
        for (key, value) in self.table(value)? {
            match key.get_ref().as_ref() {
                "fg" => raw.fg = Some(self.named(value)?),
                "bg" => raw.bg = Some(self.named(value)?),
                "modifiers" => {
                    let Some(list) = value.get_ref().as_array() else {
                        return self
                            .fail(value.span().start, "`modifiers` is a list such as [\"bold\", \"underline\"]");
                    };
                    for item in list.iter() {
                        let text = self.string(item)?;
                        let Some(modifier) = colour::modifier(text) else {
                            return self.fail(
                                item.span().start,
                                format!("`{text}` is no modifier; use bold, dim, italic, underline, reverse or strike"),
                            );
                        };
                        raw.modifiers |= modifier;
                    }
                }
                other => {
                    return self
                        .fail(key.span().start, format!("unknown key `{other}`; a style has fg, bg and modifiers"));
                }
            }
        }
        Ok(raw)
    }

    fn named(&self, value: &Spanned<DeValue<'_>>) -> Result<Named, ThemeError> {
        Ok(Named { colour: self.string(value)?.to_owned(), line: self.line(value.span().start) })
    }

    fn string<'v>(&self, value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, ThemeError> {
        match value.get_ref().as_str() {
            Some(text) => Ok(text),
            None => self.fail(value.span().start, format!("expected a string, found {}", value.get_ref().type_str())),
        }
    }

    fn table<'v, 'd>(&self, value: &'v Spanned<DeValue<'d>>) -> Result<&'v DeTable<'d>, ThemeError> {
        match value.get_ref().as_table() {
            Some(table) => Ok(table),
            None => self.fail(value.span().start, format!("expected a table, found {}", value.get_ref().type_str())),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
