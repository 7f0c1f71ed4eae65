//! Slot numbers that no other loopdash of the box gives out, so that what is derived from them, such as ports, never collides.
//!
//! They are claimed in banks, each a file in the state directory that is locked as long as its loopdash lives.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Numbers in a bank.
const BANK: u32 = 8;
/// Banks that are looked at before giving up.
const MOST: u32 = 1_000;

/// The banks that this loopdash has.
#[derive(Debug, Default)]
pub(super) struct Slots {
    dir: PathBuf,
    banks: Vec<(u32, File)>,
}

impl Slots {
    /// None yet; they will be claimed in `slots` of the state directory `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { dir: root.join("slots"), banks: Vec::new() }
    }

    /// Claims banks until there are numbers for `runs`. Blocks for as long as the disk takes.
    pub(super) fn claim(&mut self, runs: u32) -> io::Result<()> {
        let wanted = usize::try_from(runs.div_ceil(BANK)).unwrap_or(usize::MAX);
        if self.banks.len() >= wanted {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        for bank in 0..MOST {
            if self.banks.len() >= wanted {
                return Ok(());
            }
            if self.banks.iter().any(|(mine, _)| *mine == bank) {
                continue;
            }
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            let mut options = File::options();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
            let file = options.open(self.dir.join(bank.to_string()))?;
            match file.try_lock() {
                Ok(()) => self.banks.push((bank, file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("all of them are taken"))
    }

    /// The number of the slot that is the `index`th here; the index itself where no bank was to be had for it.
    pub(super) fn number(&self, index: u32) -> u32 {
        let bank = usize::try_from(index / BANK).ok().and_then(|at| self.banks.get(at));
        bank.map_or(index, |(bank, _)| bank * BANK + index % BANK)
    }

    /// The place of a number here; the number itself if it is not of these banks.
    pub(super) fn index(&self, number: u32) -> u32 {
        let at = self.banks.iter().position(|(bank, _)| *bank == number / BANK);
        at.and_then(|at| u32::try_from(at).ok()).map_or(number, |at| at * BANK + number % BANK)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_give_the_same_number_and_what_is_freed_is_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut both = [Slots::new(dir.path()), Slots::new(dir.path())];
        both[0].claim(3).unwrap();
        both[1].claim(12).unwrap();
        both[0].claim(9).unwrap();
        let numbers: BTreeSet<u32> =
            (0..9).map(|i| both[0].number(i)).chain((0..12).map(|i| both[1].number(i))).collect();
        assert_eq!(numbers.len(), 21, "{numbers:?}");
        assert_eq!((both[0].number(0), both[1].number(0), both[0].number(8)), (0, 8, 24));
        for index in 0..9 {
            assert_eq!(both[0].index(both[0].number(index)), index);
        }
        let [first, _second] = both;
        drop(first);
        let mut third = Slots::new(dir.path());
        third.claim(1).unwrap();
        assert_eq!(third.number(5), 5);
    }

    #[test]
    fn without_a_place_to_claim_them_in_numbers_are_those_of_this_process() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("slots"), "in the way").unwrap();
        let mut slots = Slots::new(dir.path());
        assert!(slots.claim(1).is_err());
        assert_eq!((slots.number(2), slots.index(2)), (2, 2));
    }
}
