//! What a program's help tells of its options: [`Help`]. What it leaves out is taken for unknown, but nothing that it may
//! only have worded otherwise.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The options that a help text names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Help {
    /// All words that begin with a dash, long and short, sorted.
    options: Vec<String>,
    /// The values that an option takes, where they are listed by what checks them.
    choices: BTreeMap<String, Vec<String>>,
}

impl Help {
    /// Reads a help text; `None` if it names no option.
    pub(super) fn read(text: &str) -> Option<Self> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        let mut options: Vec<String> = words.filter(|word| is_option(word)).map(str::to_owned).collect();
        options.sort();
        options.dedup();
        (!options.is_empty()).then(|| Self { options, choices: choices(text) })
    }

    /// The first of `args` that it does not know, and what it knows instead.
    pub(super) fn rejected(&self, args: &[&str]) -> Option<String> {
        // A help without a single short one may leave them out.
        let tells_short = self.options.iter().any(|option| !option.starts_with("--"));
        let own = args.iter().take_while(|arg| **arg != "--");
        for (at, arg) in own.enumerate() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (*arg, args.get(at + 1).copied()),
            };
            if !is_option(name) || (!name.starts_with("--") && !tells_short) {
                continue;
            }
            if !self.knows(name) {
                return Some(name.to_owned());
            }
            if let (Some(choices), Some(value)) = (self.choices.get(name), value)
                && !choices.iter().any(|choice| choice == value)
            {
                return Some(format!("{name} {value}, only {}", choices.join(", ")));
            }
        }
        None
    }

    fn knows(&self, name: &str) -> bool {
        let has = |name: &str| self.options.iter().any(|known| known == name);
        // Some take `--no-x` for every `--x`, and do not say so.
        has(name) || name.strip_prefix("--no-").is_some_and(|rest| has(&format!("--{rest}")))
    }
}

/// Whether a word is an option: `--word`, or `-w`.
fn is_option(word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(name) => name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphanumeric()),
        None => word.len() == 2 && word.starts_with('-') && word.ends_with(|c: char| c.is_ascii_alphabetic()),
    }
}

/// What yargs prints behind an option, which lets no other value pass: `[choices: "text", "json"]`. Others' lists are not
/// taken at their word: they may leave a value out, or be no more than prose.
fn choices(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut about = String::new();
    for line in text.lines().chain(["--"]) {
        let line = line.trim();
        if line.starts_with('-') {
            let listed = if about.contains("[array]") { None } else { listed(&about) };
            if let Some(listed) = listed {
                found.extend(names.iter().map(|name| ((*name).to_owned(), listed.clone())));
            }
            let head = line.split_once("  ").map_or(line, |(head, _)| head);
            names = head.split(", ").map(str::trim).filter(|word| is_option(word)).collect();
            about.clear();
        }
        about.push_str(line);
        about.push(' ');
    }
    found
}

/// The quoted words of the only list of choices in what is told of an option.
fn listed(about: &str) -> Option<Vec<String>> {
    let (_, rest) = about.split_once("[choices: ")?;
    let (list, behind) = rest.split_once(']')?;
    let quoted = |word: &str| word.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    let words: Vec<String> = list.split(',').map(quoted).collect::<Option<_>>()?;
    (words.len() > 1 && !behind.contains("[choices: ")).then_some(words)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// As Gemini CLI 0.61.0 prints it, OpenCode 1.18.33 wraps it, and Claude Code 2.1.197 words it.
    const GEMINI: &str = r#"
Usage: gemini [options] [command]
  -m, --model                     Model  [string]
  -p, --prompt                    Run in non-interactive (headless) mode with the given prompt.  [string]
      --approval-mode             Set the approval mode: default, auto_edit, yolo, plan  [string] [choices: "default", "auto_edit", "yolo", "plan"]
  -e, --extensions                A list of extensions to use.  [array] [choices: "a", "b"]
  -o, --output-format             The format of the CLI output.  [string] [choices: "text", "json", "stream-json"]
"#;
    const OPENCODE: &str = r#"
  -s, --session      session id to continue                                                 [string]
      --format       format: default (formatted) or json (raw JSON events)
                                          [string] [choices: "default", "json"] [default: "default"]
"#;
    const CLAUDE: &str = r#"
  --permission-mode <mode>              Permission mode to use for the session
                                        (choices: "acceptEdits", "auto",
                                        "plan")
"#;

    fn rejected(text: &str, args: &str) -> Option<String> {
        Help::read(text).unwrap().rejected(&args.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn what_it_names_passes_and_what_it_does_not_is_named() {
        let passes = "-o stream-json --approval-mode yolo -m x --extensions=c --prompt=--y -p - -1 -abc -- --z -q";
        assert_eq!(rejected(GEMINI, passes), None);
        assert_eq!(rejected(GEMINI, "-o json --skip-trust").as_deref(), Some("--skip-trust"));
        assert_eq!(rejected(GEMINI, "-o json -s x").as_deref(), Some("-s"));
        assert_eq!(rejected(GEMINI, "--no-prompt --model"), None, "it may take that for granted");
        assert_eq!(rejected(CLAUDE, "-p"), None, "it tells no short ones");
        assert_eq!(Help::read("usage: tool FILE - does things"), None);
    }

    #[test]
    fn values_are_checked_where_the_program_itself_does() {
        let mode = rejected(GEMINI, "--approval-mode auto-edit").unwrap();
        assert_eq!(mode, "--approval-mode auto-edit, only default, auto_edit, yolo, plan");
        assert!(rejected(GEMINI, "--output-format=yaml").is_some() && rejected(GEMINI, "-o yaml").is_some());
        assert!(rejected(OPENCODE, "-s x --format xml").is_some());
        assert_eq!(rejected(OPENCODE, "-s x --format json"), None);
        assert_eq!(rejected(GEMINI, "-e c -m json"), None, "lists may hold more than one");
        assert_eq!(rejected(CLAUDE, "--permission-mode default"), None, "its words are not taken for all");
    }
}
