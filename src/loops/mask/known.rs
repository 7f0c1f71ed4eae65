//! The mask of this process. It begins with the environment's secrets, and learns those that agents are configured with.

use super::Mask;
use super::names::is_secret;
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

type Variables = BTreeSet<(String, String)>;

static VARIABLES: LazyLock<Mutex<Variables>> = LazyLock::new(|| Mutex::new(environment()));
/// A new one for each thing learned is kept to the end: readers hold it through many lines, and there are few.
static MASK: LazyLock<RwLock<&'static Mask>> = LazyLock::new(|| RwLock::new(made_of(&environment())));

pub(super) fn mask() -> &'static Mask {
    *MASK.read().unwrap_or_else(PoisonError::into_inner)
}

/// Has the values among these variables masked from now on whose names say that they are secrets.
pub fn learn<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) {
    let mut secrets = variables.into_iter().filter(|(name, value)| is_secret(name, value)).peekable();
    if secrets.peek().is_none() {
        return;
    }
    let mut known = VARIABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let before = known.len();
    known.extend(secrets.map(|(name, value)| (name.clone(), value.clone())));
    if known.len() > before {
        *MASK.write().unwrap_or_else(PoisonError::into_inner) = made_of(&known);
    }
}

fn made_of(variables: &Variables) -> &'static Mask {
    Box::leak(Box::new(Mask::new(variables.iter().map(|(name, value)| (name, value)))))
}

fn environment() -> Variables {
    let text = |word: std::ffi::OsString| word.into_string().ok();
    std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .filter(|(name, value)| is_secret(name, value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_is_masked_from_then_on() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let told = [variable("A_LEARNED_KEY", "wholly-new-value"), variable("PLAIN", "emacs-client-here")];
        assert_eq!(mask().text("a wholly-new-value"), "a wholly-new-value");
        learn(told.iter().map(|(name, value)| (name, value)));
        assert_eq!(mask().text("a wholly-new-value, emacs-client-here"), "a [masked], emacs-client-here");
        let now = mask();
        learn(told.iter().map(|(name, value)| (name, value)));
        assert!(std::ptr::eq(now, mask()), "nothing new, nothing made");
    }
}
