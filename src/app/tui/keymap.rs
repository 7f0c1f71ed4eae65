//! From a chord and a place to an action: [`Keymap`], built from the action table.
//!
//! A pane's own keys come before those of the whole screen.

use super::action::{Action, Place, TABLE};
use super::chord::Chord;
use std::collections::HashMap;

/// Which key does what, where.
#[derive(Clone, Debug)]
pub struct Keymap {
    bound: HashMap<(Place, Chord), Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut bound = HashMap::new();
        for row in TABLE {
            for key in row.keys {
                let Some(chord) = Chord::parse(key) else { continue };
                for place in row.places {
                    bound.entry((*place, chord)).or_insert(row.action);
                }
            }
        }
        Self { bound }
    }
}

impl Keymap {
    /// What `chord` does in the first of these places that knows it.
    pub fn action(&self, places: &[Place], chord: Chord) -> Option<Action> {
        places.iter().find_map(|place| self.bound.get(&(*place, chord)).copied())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_readable_and_means_one_thing() {
        let mut seen: HashMap<(Place, Chord), Action> = HashMap::new();
        for row in TABLE {
            for key in row.keys {
                let chord = Chord::parse(key).unwrap();
                for place in row.places {
                    let before = seen.insert((*place, chord), row.action);
                    assert!(before.is_none(), "{key} in {place:?} is {before:?} and {:?}", row.action);
                }
            }
        }
    }

    #[test]
    fn no_typed_character_is_taken_from_a_text_box() {
        let keymap = Keymap::default();
        for c in ' '..='~' {
            let chord = Chord::parse(&c.to_string()).unwrap();
            assert_eq!(keymap.action(&[Place::Text], chord), None, "{c:?}");
            assert_eq!(keymap.action(&[Place::Palette], chord), None, "{c:?}");
        }
    }

    #[test]
    fn a_pane_comes_before_the_screen() {
        let keymap = Keymap::default();
        let d = Chord::parse("d").unwrap();
        assert_eq!(keymap.action(&[Place::Diff, Place::Main], d), Some(Action::DiffScope));
        assert_eq!(keymap.action(&[Place::Output, Place::Main], d), None);
    }
}
