//! The template of a worktree's path: which variables it may use, whether it can work, and its expansion.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::path::{Component, PathBuf};

/// Beside the operator's checkout: on the same disk, easy to find, and never inside it.
pub const DEFAULT: &str = "{{ repo_parent }}/{{ repo }}.loops/{{ slug }}";

/// The variables of `engine.worktree_path`.
#[derive(Clone, Debug, Serialize)]
pub struct PathVariables<'a> {
    /// Name of the repository's directory.
    pub repo: &'a str,
    /// The directory that holds the repository, absolute.
    pub repo_parent: &'a str,
    /// The loop's name as a safe path component.
    pub slug: &'a str,
    /// The run's short id.
    pub run: &'a str,
    /// loopdash's state directory, absolute.
    pub state: &'a str,
    /// The user's home directory, absolute.
    pub home: &'a str,
}

/// The names of [`PathVariables`], for messages.
const VARIABLES: [&str; 6] = ["repo", "repo_parent", "slug", "run", "state", "home"];

/// Why a template gives no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read, or names a variable that does not exist.
    #[error("{0}; the variables are {list}", list = VARIABLES.join(", "))]
    Broken(String),
    /// What it gives is no absolute path.
    #[error("gives no absolute path; start it with {{{{ repo_parent }}}}, {{{{ state }}}} or {{{{ home }}}}")]
    Relative,
    /// What it gives has `..` in it.
    #[error("leads upward with `..`; name the directory itself")]
    Upward,
    /// All runs would share one directory.
    #[error("names neither {{{{ slug }}}} nor {{{{ run }}}}, so that all runs would share one directory")]
    Shared,
}

/// Expands the template.
///
/// # Errors
/// Says why it gives no usable path.
pub fn expand(template: &str, variables: &PathVariables<'_>) -> Result<PathBuf, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(10_000));
    let text = environment.render_str(template, Serde(variables)).map_err(|error| {
        TemplateError::Broken(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned))
    })?;
    let path = PathBuf::from(text.trim());
    if !path.is_absolute() || text.contains('\0') {
        return Err(TemplateError::Relative);
    }
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(TemplateError::Upward);
    }
    Ok(path)
}

/// Whether a template will give paths, one for each run.
///
/// # Errors
/// Says why not.
pub fn check(template: &str) -> Result<(), TemplateError> {
    let expand_for = |slug, run| {
        let variables = PathVariables { repo: "r", repo_parent: "/p", slug, run, state: "/s", home: "/h" };
        expand(template, &variables)
    };
    if expand_for("a", "1")? == expand_for("b", "2")? { Err(TemplateError::Shared) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::path::Path;

    #[test]
    fn the_default_puts_worktrees_beside_the_checkout() {
        let variables = PathVariables {
            repo: "shop",
            repo_parent: "/src",
            slug: "fix-ci",
            run: "1a2b",
            state: "/st",
            home: "/home/me",
        };
        let path = expand(DEFAULT, &variables).unwrap();
        assert_eq!(path, Path::new("/src/shop.loops/fix-ci"));
        assert_eq!(expand("{{ home }}/w/{{ run }}", &variables).unwrap(), Path::new("/home/me/w/1a2b"));
    }

    #[test]
    fn what_gives_no_path_is_refused() {
        assert!(matches!(check("{{ repo_parent"), Err(TemplateError::Broken(_))));
        assert!(matches!(check("{{ nope }}/{{ slug }}"), Err(TemplateError::Broken(_))));
        assert_eq!(check("loops/{{ slug }}"), Err(TemplateError::Relative));
        assert_eq!(check("{{ repo_parent }}/../{{ slug }}"), Err(TemplateError::Upward));
        assert_eq!(check("{{ state }}/here"), Err(TemplateError::Shared));
        assert!(matches!(check("{% for i in range(1000000) %}x{% endfor %}"), Err(TemplateError::Broken(_))));
    }
}
