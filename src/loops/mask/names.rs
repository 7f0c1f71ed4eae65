//! Which variables hold secrets, by their names, and which of their values are none all the same.

use std::path::{Component, Path};

/// Shorter values than this are too likely to be words of their own.
pub(super) const SHORTEST: usize = 8;
/// Parts of a variable's name that make its value a secret.
const PARTS: [&str; 9] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "SSHPASS", "CREDENTIAL", "COOKIE", "CONNECTION_STRING"];
/// Last words of a name that do.
const ENDINGS: [&str; 4] = ["PASS", "PWD", "PAT", "DSN"];
/// Values of switches.
const SWITCHES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];

/// Whether a variable's value is to be masked wherever it stands. Short ones are not: they may be words of their own.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    value.len() >= SHORTEST && is_withheld(name, value)
}

/// Whether a variable's value is not to be written down. Numbers, switches and paths are none, whatever they are called.
pub(super) fn is_withheld(name: &str, value: &str) -> bool {
    let plain = || {
        value.is_empty()
            || value.chars().all(|c| c.is_ascii_digit())
            || SWITCHES.iter().any(|word| value.eq_ignore_ascii_case(word))
            || is_path(value)
    };
    is_secret_name(name) && !plain()
}

/// Whether a value that begins like a path is one: its first directory exists. A key may begin with a slash, too.
fn is_path(value: &str) -> bool {
    let mut parts = Path::new(value).components();
    let first = match (parts.next(), parts.next()) {
        (Some(Component::RootDir), Some(Component::Normal(first))) => first,
        (Some(Component::RootDir), None) => return true,
        _ => return false,
    };
    Path::new("/").join(first).is_dir()
}

/// Whether a variable's name says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let word = |word: &str| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.ends_with("KEY") || word.ends_with("KEYS") || word == "AUTH"
    };
    let ends = name.rsplit('_').next().is_some_and(|last| ENDINGS.contains(&last));
    PARTS.iter().any(|part| name.contains(part)) || name.split('_').any(word) || (ends && name != "PWD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_tell_secrets() {
        for name in [
            "OPENAI_API_KEY",
            "my_token",
            "KEYS",
            "APIKEY",
            "API_KEY2",
            "NPM_AUTH",
            "DbPassword",
            "SESSION_COOKIE",
            "DB_PASS",
            "SSHPASS",
            "MYSQL_PWD",
            "AZURE_PAT",
            "SENTRY_DSN",
            "AZURE_STORAGE_CONNECTION_STRING",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "KEYBOARD",
            "GIT_AUTHOR_NAME",
            "XAUTHORITY",
            "HOME",
            "PWD",
            "OLDPWD",
            "PATH",
            "MANPATH",
            "PAT_COUNT",
            "BYPASS",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_key_may_begin_with_a_slash_and_a_path_is_no_key() {
        // Of the form of an AWS secret key.
        for key in ["/bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI/K7MDENG", "//K7MDENGbPxRfiCYEXAMPLEKEYwJalrXUtnFE"] {
            assert!(is_secret("AWS_SECRET_ACCESS_KEY", key), "{key}");
        }
        for plain in ["/dev/shm/token", "/", "12345678", "FALSE", ""] {
            assert!(!is_withheld("A_TOKEN", plain), "{plain}");
        }
        assert!(is_withheld("A_TOKEN", "short") && !is_secret("A_TOKEN", "short"));
    }
}
