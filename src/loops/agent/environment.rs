//! What an agent finds in its environment beside loopdash's own, and what is kept from it.
//!
//! A value may refer to loopdash's environment as `${NAME}`: so a secret is named in config and journal, not written down.
//! One that was written down, was withheld from the journal and is no longer kept beside it is taken from there, too.

use crate::loops::core::agent::AgentSpec;
use crate::loops::mask::is_masked;
use std::ffi::OsString;

/// The variables that an agent's definition adds, with their references replaced.
///
/// # Errors
/// The first reference that names nothing, as `${NAME} for VARIABLE`.
pub fn of_agent(agent: &AgentSpec) -> Result<Vec<(String, String)>, String> {
    let value = |(name, value): (&String, &String)| match replaced(name, value) {
        Ok(value) => Ok((name.clone(), value)),
        Err(missing) => Err(format!("${{{missing}}} for {name}")),
    };
    agent.env.iter().map(value).collect()
}

/// The same without those that refer to nothing.
pub(super) fn known_of_agent(agent: &AgentSpec) -> Vec<(String, String)> {
    agent.env.iter().filter_map(|(name, value)| Some((name.clone(), replaced(name, value).ok()?))).collect()
}

/// The value of the variable `name`; `Err` is the first name that it refers to and that has none.
fn replaced(name: &str, value: &str) -> Result<String, String> {
    if is_masked(value) { expand(&format!("${{{name}}}")) } else { expand(value) }
}

/// Those of `names` that `patterns` take away; a trailing `*` stands for any ending.
pub fn removed(patterns: &[String], names: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let fits = |name: &OsString| {
        let name = name.to_string_lossy();
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
    };
    names.filter(fits).collect()
}

/// Replaces `${NAME}` by the value in loopdash's own environment; `Err` is the first name that has none.
fn expand(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            rest = after;
            out.push_str("${");
            continue;
        };
        out.push_str(&std::env::var(name).map_err(|_| name.to_owned())?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn references_are_expanded_and_missing_ones_named() {
        assert_eq!(expand("plain $HOME {x}").unwrap(), "plain $HOME {x}");
        assert_eq!(expand("a${PATH}b").unwrap(), format!("a{}b", std::env::var("PATH").unwrap()));
        assert_eq!(expand("${LOOPDASH_SURELY_UNSET}").unwrap_err(), "LOOPDASH_SURELY_UNSET");
        assert_eq!(expand("open ${ended").unwrap(), "open ${ended");
        let mut agent = AgentSpec::new("a", Vec::new());
        agent.env.insert("KEY".to_owned(), "${LOOPDASH_SURELY_UNSET}".to_owned());
        assert_eq!(of_agent(&agent).unwrap_err(), "${LOOPDASH_SURELY_UNSET} for KEY");
        agent.env.insert("MODE".to_owned(), "fast".to_owned());
        assert_eq!(known_of_agent(&agent), [("MODE".to_owned(), "fast".to_owned())]);
        let mut agent = AgentSpec::new("a", Vec::new());
        agent.env.insert("PATH".to_owned(), "[masked:0123456789abcdef]".to_owned());
        assert_eq!(of_agent(&agent).unwrap(), [("PATH".to_owned(), std::env::var("PATH").unwrap())]);
        agent.env.insert("A_LOST_KEY".to_owned(), "[masked:0123456789abcdef]".to_owned());
        assert_eq!(of_agent(&agent).unwrap_err(), "${A_LOST_KEY} for A_LOST_KEY");
    }

    #[test]
    fn patterns_take_away_names_and_endings() {
        let names = ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "ANTHROPIC_API_KEY"].map(OsString::from);
        let patterns = ["CLAUDECODE".to_owned(), "CLAUDE_CODE_*".to_owned()];
        assert_eq!(removed(&patterns, names.clone().into_iter()), names[..2]);
        assert_eq!(removed(&[], names.into_iter()).len(), 0);
    }
}
