//! Both sides of all files held against each other: which test is which, what has moved, and what is gone.
//!
//! A test is known by its name, in its own file first and then in others, and else by its body. What has no other side is
//! counted file by file, so that what is gone in one is not made good by something else in another.

use super::read::{Sheet, Test};
use super::{TestChange, TestChangeKind};
use std::collections::BTreeMap;

/// Names of renamed tests that are told of one file.
const NAMED: usize = 3;
/// Characters of a name that are told.
const LONGEST_NAME: usize = 60;

/// A file with both of its sides.
#[derive(Debug)]
pub(super) struct Leaf {
    pub path: String,
    /// It is a file of tests, and gone.
    pub deleted: bool,
    /// It is new.
    pub fresh: bool,
    pub before: Sheet,
    pub after: Sheet,
}

/// Where a test stands: its file, and its place there.
type Place = (usize, usize);

/// The tests of one side that have no other side yet.
struct Open<'a> {
    leaves: &'a [Leaf],
    old: Vec<Place>,
    new: Vec<Place>,
    pairs: Vec<(Place, Place)>,
}

impl<'a> Open<'a> {
    fn before(&self, at: Place) -> Option<&'a Test> {
        self.leaves.get(at.0)?.before.tests.get(at.1)
    }

    fn after(&self, at: Place) -> Option<&'a Test> {
        self.leaves.get(at.0)?.after.tests.get(at.1)
    }

    /// Pairs tests that have the same key, in order.
    fn pair<K: Ord>(&mut self, key: impl Fn(usize, &'a Test) -> Option<K>) {
        let mut waiting: BTreeMap<K, Vec<Place>> = BTreeMap::new();
        for at in self.new.iter().rev() {
            if let Some(key) = self.after(*at).and_then(|test| key(at.0, test)) {
                waiting.entry(key).or_default().push(*at);
            }
        }
        let mut left = Vec::new();
        for at in std::mem::take(&mut self.old) {
            let key = self.before(at).and_then(|test| key(at.0, test));
            match key.and_then(|key| waiting.get_mut(&key)?.pop()) {
                Some(other) => self.pairs.push((at, other)),
                None => left.push(at),
            }
        }
        self.old = left;
        let paired: std::collections::BTreeSet<Place> = self.pairs.iter().map(|(_, new)| *new).collect();
        self.new.retain(|at| !paired.contains(at));
    }
}

/// Tells what the files, taken together, do to tests.
pub(super) fn balance(leaves: Vec<Leaf>, found: &mut Vec<TestChange>) {
    let places = |of: fn(&Leaf) -> &Sheet| -> Vec<Place> {
        let of_leaf = |(f, leaf): (usize, &Leaf)| (0..of(leaf).tests.len()).map(move |t| (f, t)).collect::<Vec<_>>();
        leaves.iter().enumerate().flat_map(of_leaf).collect()
    };
    let (old, new) = (places(|leaf| &leaf.before), places(|leaf| &leaf.after));
    let mut open = Open { leaves: &leaves, old, new, pairs: Vec::new() };
    // In another file, a body of one line or two says too little to tell whose it is.
    let body = |test: &Test, lines: u32| (test.body.1 >= lines).then_some(test.body.0);
    open.pair(|file, test| Some((file, test.name.clone(), test.body)));
    open.pair(|file, test| Some((file, test.name.clone())));
    open.pair(|_, test| Some((test.name.clone(), test.body)));
    open.pair(|_, test| Some(test.name.clone()));
    let named = open.pairs.len();
    open.pair(|file, test| Some((file, body(test, 1)?)));
    open.pair(|_, test| body(test, 3));

    let mut sums: Vec<Sum> = leaves.iter().map(Sum::of).collect();
    for (old, new) in &open.pairs {
        let (Some(before), Some(after), Some(sum)) = (open.before(*old), open.after(*new), sums.get_mut(new.0)) else {
            continue;
        };
        sum.skipped += u32::from(after.skipped && !before.skipped);
    }
    for (old, new) in open.pairs.iter().skip(named) {
        if let (Some(before), Some(after), Some(sum)) = (open.before(*old), open.after(*new), sums.get_mut(new.0)) {
            sum.renamed.push(format!("{} to {}", fit(&before.name), fit(&after.name)));
        }
    }
    for at in &open.new {
        if let (Some(test), Some(sum)) = (open.after(*at), sums.get_mut(at.0)) {
            sum.skipped += u32::from(test.skipped);
            sum.gone -= 1;
        }
    }
    for at in &open.old {
        if let Some(sum) = sums.get_mut(at.0) {
            sum.gone += 1;
        }
    }
    let lost = lost_assertions(&leaves);
    for ((leaf, sum), lost) in leaves.iter().zip(sums).zip(lost) {
        sum.tell(leaf, lost, found);
    }
}

/// What is told of one file.
#[derive(Default)]
struct Sum {
    skipped: u32,
    gone: i64,
    renamed: Vec<String>,
}

impl Sum {
    fn of(leaf: &Leaf) -> Self {
        let loose = leaf.after.loose_skips.saturating_sub(leaf.before.loose_skips);
        let constrained = !leaf.fresh && leaf.after.constrained && !leaf.before.constrained;
        Self { skipped: loose.saturating_add(u32::from(constrained)), ..Self::default() }
    }

    fn tell(self, leaf: &Leaf, lost: u32, found: &mut Vec<TestChange>) {
        // What moved to other files as a whole is not gone.
        let moved = !leaf.before.tests.is_empty() && self.gone <= 0 && lost == 0;
        if leaf.deleted && !moved {
            return found.push(TestChange::new(TestChangeKind::Deleted, leaf.path.clone()));
        }
        let mut tell = |kind, count: u32, what: Option<String>| {
            if count > 0 {
                found.push(TestChange { count: Some(count), what, ..TestChange::new(kind, leaf.path.clone()) });
            }
        };
        tell(TestChangeKind::Skipped, self.skipped, None);
        tell(TestChangeKind::FewerTests, u32::try_from(self.gone.max(0)).unwrap_or(u32::MAX), None);
        tell(TestChangeKind::FewerAssertions, lost, None);
        let renamed = u32::try_from(self.renamed.len()).unwrap_or(u32::MAX);
        tell(
            TestChangeKind::TestRenamed,
            renamed,
            Some(self.renamed.into_iter().take(NAMED).collect::<Vec<_>>().join(", ")),
        );
    }
}

/// How many assertions each file has fewer, those left out that stand in another file now as they are.
fn lost_assertions(leaves: &[Leaf]) -> Vec<u32> {
    let total = |sheet: &Sheet| sheet.assertions.values().map(|n| i64::from(*n)).sum::<i64>();
    let mut sums: Vec<i64> = leaves.iter().map(|leaf| total(&leaf.after) - total(&leaf.before)).collect();
    // Of each text, what stands in files now that have more than they had.
    let more = |now: &Sheet, than: &Sheet, key: &u64| {
        let count = |sheet: &Sheet| sheet.assertions.get(key).copied().unwrap_or_default();
        count(now).saturating_sub(count(than))
    };
    let mut there: BTreeMap<u64, Vec<(usize, u32)>> = BTreeMap::new();
    for (f, leaf) in leaves.iter().enumerate().filter(|(f, _)| sums.get(*f).is_some_and(|sum| *sum > 0)) {
        for key in leaf.after.assertions.keys() {
            let more = more(&leaf.after, &leaf.before, key);
            if more > 0 {
                there.entry(*key).or_default().push((f, more));
            }
        }
    }
    for (f, leaf) in leaves.iter().enumerate() {
        for key in leaf.before.assertions.keys() {
            let mut missing = more(&leaf.before, &leaf.after, key);
            let Some(spares) = there.get_mut(key) else { continue };
            while missing > 0 && sums.get(f).is_some_and(|sum| *sum < 0) {
                let Some((other, spare)) = spares.last_mut() else { break };
                match sums.get_mut(*other).filter(|surplus| **surplus > 0 && *spare > 0) {
                    Some(surplus) => (*surplus, *spare, missing) = (*surplus - 1, *spare - 1, missing - 1),
                    None => {
                        spares.pop();
                        continue;
                    }
                }
                if let Some(sum) = sums.get_mut(f) {
                    *sum += 1;
                }
            }
        }
    }
    sums.into_iter().map(|sum| u32::try_from((-sum).max(0)).unwrap_or(u32::MAX)).collect()
}

/// A name on one line, not too long, without what a terminal would act on.
fn fit(name: &str) -> String {
    let mut text: String = name.chars().take(LONGEST_NAME + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > LONGEST_NAME {
        text.pop();
        text.push('…');
    }
    text
}
