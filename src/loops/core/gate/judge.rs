//! What a gate's failure means for the iteration: [`judge`] holds it against the run's base, and against the same gate run
//! a second time.
//!
//! What cannot be compared is new: an excuse needs evidence.

use super::GateResult;
use crate::loops::core::coverage::Coverage;
use crate::loops::core::runner::TestsSeen;
use crate::loops::core::step::Exit;
use serde::{Deserialize, Serialize};

/// Why a gate that failed does not count against the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excuse {
    /// All of it is there on the run's base.
    Known,
    /// What was new passed when the gate ran a second time at once.
    Flaky,
}

impl Excuse {
    /// `known` or `flaky`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Flaky => "flaky",
        }
    }
}

/// One run of a gate, as far as it is compared.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// How it ended.
    pub outcome: &'a GateResult,
    /// What its tests came to.
    pub tests: Option<&'a TestsSeen>,
    /// Its coverage, where it is held to a floor.
    pub coverage: Option<&'a Coverage>,
}

impl Ran<'_> {
    /// The same, with what its exit alone says.
    const fn by_exit(self) -> Self {
        Self { outcome: self.outcome.by_exit(), ..self }
    }

    /// The names of its failures, if each has one.
    fn names(&self) -> Option<Vec<&String>> {
        self.tests.filter(|tests| tests.all_named()).map(|tests| tests.failures().collect())
    }
}

/// Sorts the failures of a gate that just ran, and says whether they are excused. `base` is the same gate on the run's
/// base; `first` is its earlier run in this iteration, judged already, when it ran again because of that.
pub fn judge(
    outcome: &GateResult,
    tests: Option<TestsSeen>,
    coverage: Option<&Coverage>,
    base: Option<Ran<'_>>,
    first: Option<Ran<'_>>,
) -> (Option<Excuse>, Option<TestsSeen>) {
    // Exit and coverage are two things: a change that settles one of them is held to the other alone.
    let (known, tests) = match base {
        Some(base) => against_base(outcome.by_exit(), tests, base.by_exit()),
        None => (false, tests),
    };
    let covered = coverage.is_none_or(|now| !now.is_short() || now.is_known(base.and_then(|base| base.coverage)));
    let excused = covered && !outcome.passed() && (known || outcome.by_exit().passed());
    let excuse = excused.then_some(Excuse::Known);
    let Some(first) = first else { return (excuse, tests) };
    if !outcome.passed() && excuse.is_none() {
        return (None, partly(first, Ran { outcome, tests: tests.as_ref(), coverage }).or(tests));
    }
    (Some(Excuse::Flaky), settled(first.tests, tests))
}

/// Sorts the failures of a gate on the base itself: what failed is known, and what failed in one of two runs is flaky.
pub fn judge_base(
    outcome: &GateResult,
    tests: Option<TestsSeen>,
    first: Option<Ran<'_>>,
) -> (Option<Excuse>, Option<TestsSeen>) {
    let known = |mut tests: TestsSeen| {
        tests.known.append(&mut tests.new);
        tests
    };
    let tests = tests.map(known);
    let Some(first) = first.filter(|first| !first.outcome.passed()) else { return (None, tests) };
    let now = Ran { outcome, tests: tests.as_ref(), coverage: None };
    if outcome.passed() {
        let mut all = first.tests.cloned().or_else(|| tests.clone());
        if let Some(all) = &mut all {
            all.flaky.append(&mut all.known);
        }
        return (Some(Excuse::Flaky), all);
    }
    let (Some(before), Some(there)) = (first.names(), now.names()) else { return (None, tests) };
    let once = |from: Vec<&String>, other: &[&String]| {
        from.into_iter().filter(|name| !other.contains(name)).cloned().collect::<Vec<_>>()
    };
    let flaky = [once(there.clone(), &before), once(before, &there)].concat();
    let tests = tests.map(|mut tests| {
        let all = u32::try_from(tests.known.iter().filter(|name| flaky.contains(name)).count()).unwrap_or(u32::MAX);
        tests.known.retain(|name| !flaky.contains(name));
        let more = u32::try_from(flaky.len()).unwrap_or(u32::MAX).saturating_sub(all);
        with_flaky(tests, flaky, more)
    });
    (None, tests)
}

/// Tests that `more` others belong to, which failed in another run and passed in this.
fn with_flaky(mut tests: TestsSeen, mut flaky: Vec<String>, more: u32) -> TestsSeen {
    tests.flaky.append(&mut flaky);
    tests.failed = tests.failed.saturating_add(more);
    tests.passed = tests.passed.map(|passed| passed.saturating_sub(more));
    tests
}

/// The tests of a second run that failed, too: what failed in the first alone is flaky, the rest as new as it was.
fn partly(first: Ran<'_>, now: Ran<'_>) -> Option<TestsSeen> {
    let (_, names) = (first.names()?, now.names()?);
    let gone = |name: &&String| !names.contains(name);
    let flaky: Vec<String> = first.tests?.new.iter().filter(gone).cloned().collect();
    let more = u32::try_from(flaky.len()).unwrap_or(u32::MAX);
    Some(with_flaky(now.tests?.clone(), flaky, more))
}

/// Whether all that failed is there on the base.
fn against_base(outcome: &GateResult, tests: Option<TestsSeen>, base: Ran<'_>) -> (bool, Option<TestsSeen>) {
    let same_end = !outcome.passed() && outcome == base.outcome;
    let now = Ran { outcome, tests: tests.as_ref(), coverage: None };
    let (Some(_), Some(_)) = (now.names(), base.names()) else {
        return (same_end && !differs(tests.as_ref(), base.tests), tests);
    };
    // What is flaky there has passed there: it has to show that it does here.
    let mut there: Vec<&String> = base.tests.iter().flat_map(|tests| tests.new.iter().chain(&tests.known)).collect();
    let sorted = tests.map(|mut tests| {
        let (known, new) = std::mem::take(&mut tests.new).into_iter().partition(|name| {
            // Each name of the base excuses one: there may be several tests of that name.
            let at = there.iter().position(|other| *other == name);
            at.map(|at| there.swap_remove(at)).is_some()
        });
        (tests.known, tests.new) = (known, new);
        tests
    });
    let none_new = sorted.as_ref().is_some_and(|tests| tests.new.is_empty());
    (same_end && none_new, sorted)
}

/// Whether two results whose names are not all there are told apart. Of more names than are kept the checksum decides;
/// where a runner gives no names at all, their number must not have grown.
fn differs(now: Option<&TestsSeen>, base: Option<&TestsSeen>) -> bool {
    let unnamed = |tests: &TestsSeen| tests.failures().next().is_none();
    match (now, base) {
        (Some(now), Some(base)) if unnamed(now) && unnamed(base) => now.failed > base.failed,
        (Some(now), Some(base)) => now.all.is_none() || now.all != base.all,
        (now, base) => now.is_some() != base.is_some(),
    }
}

/// The tests of a gate whose second run took away what was new in the first: the first's counts, with those failures
/// called flaky.
fn settled(first: Option<&TestsSeen>, second: Option<TestsSeen>) -> Option<TestsSeen> {
    let Some(first) = first else { return second };
    let mut tests = first.clone();
    tests.flaky.append(&mut tests.new);
    Some(tests)
}

/// Whether a gate that failed, and is not excused, is worth a second run: something new failed in it that did not fail
/// in the iteration before already, or that is flaky on the run's base.
pub fn suspect(now: Ran<'_>, before: Option<Ran<'_>>, base: Option<Ran<'_>>) -> bool {
    // Coverage is a number, and does not come by chance.
    if !matches!(now.outcome.by_exit(), GateResult::Failed { exit: Exit::Code(_) }) {
        return false;
    }
    let Some(before) = before else { return true };
    let flaky = base.and_then(|base| base.tests).map_or(&[][..], |tests| &tests.flaky);
    if now.tests.is_some_and(|tests| tests.new.iter().any(|name| flaky.contains(name))) {
        return true;
    }
    match (now.tests.filter(|tests| tests.all_named()), before.tests.filter(|tests| tests.all_named())) {
        (Some(now), Some(before)) => now.new.iter().any(|name| !before.new.contains(name)),
        (None, None) => now.outcome != before.outcome || differs(now.tests, before.tests),
        _ => true,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::loops::core::coverage::Percent;

    const RED: GateResult = GateResult::Failed { exit: Exit::Code(101) };
    /// Its coverage was too low.
    const SHORT: GateResult = GateResult::Failed { exit: Exit::Code(0) };

    fn tests(failures: &[&str]) -> TestsSeen {
        TestsSeen {
            passed: Some(9),
            failed: failures.len() as u32,
            new: failures.iter().map(|name| (*name).to_owned()).collect(),
            ..TestsSeen::default()
        }
    }

    fn floor() -> Percent {
        Percent::of(80, 100).unwrap()
    }

    fn judged(now: &[&str], base: &[&str]) -> (Option<Excuse>, String) {
        let base = tests(base);
        let (excuse, tests) =
            judge(&RED, Some(tests(now)), None, Some(Ran { outcome: &RED, tests: Some(&base), coverage: None }), None);
        (excuse, tests.unwrap_or_default().words())
    }

    #[test]
    fn only_what_the_base_has_is_excused() {
        assert_eq!(judged(&["a", "b"], &["a", "b", "c"]), (Some(Excuse::Known), "9 passed 2 failed (2 known)".into()));
        assert_eq!(judged(&["a", "d"], &["a"]), (None, "9 passed 2 failed (1 known 1 new)".into()));
        let twice = judged(&["a", "a"], &["a"]);
        assert_eq!(twice, (None, "9 passed 2 failed (1 known 1 new)".into()), "two tests of one name are two");
        assert_eq!(judged(&["d"], &["a"]), (None, "9 passed 1 failed".into()));
    }

    #[test]
    fn another_end_is_new_whatever_failed() {
        let (base, named) = (tests(&["a"]), || Some(tests(&["a"])));
        let base = Some(Ran { outcome: &RED, tests: Some(&base), coverage: None });
        for outcome in [
            GateResult::TimedOut,
            GateResult::OutOfMemory,
            GateResult::Failed { exit: Exit::Code(2) },
            GateResult::Failed { exit: Exit::Signal(11) },
            GateResult::CouldNotRun { error: "gone".into() },
        ] {
            assert_eq!(judge(&outcome, named(), None, base, None).0, None, "{outcome:?}");
        }
        assert_eq!(judge(&RED, None, None, base, None).0, None, "it does not even say what failed");
        let unnamed = TestsSeen { new: Vec::new(), ..tests(&["a"]) };
        assert_eq!(judge(&RED, Some(unnamed), None, base, None).0, None);
        let none = TestsSeen { passed: Some(10), ..TestsSeen::default() };
        assert_eq!(judge(&RED, Some(none), None, base, None).0, None, "no failing test explains its end");
        let green = Some(Ran { outcome: &GateResult::Passed, tests: None, coverage: None });
        assert_eq!(judge(&RED, named(), None, green, None).0, None);
        assert_eq!(judge(&RED, named(), None, None, None).0, None);
    }

    #[test]
    fn without_names_the_end_decides() {
        let base = Some(Ran { outcome: &RED, tests: None, coverage: None });
        assert_eq!(judge(&RED, None, None, base, None).0, Some(Excuse::Known));
        let other = GateResult::Failed { exit: Exit::Code(1) };
        assert_eq!(judge(&other, None, None, base, None).0, None);
        assert_eq!(judge(&GateResult::Passed, None, None, base, None).0, None, "nothing is to be excused");
        let late = Some(Ran { outcome: &GateResult::TimedOut, tests: None, coverage: None });
        assert_eq!(judge(&GateResult::TimedOut, None, None, late, None).0, Some(Excuse::Known));
        assert_eq!(judge(&RED, Some(tests(&["a"])), None, base, None).0, None, "on the base nobody knows what failed");
        let counted = |failed| TestsSeen { failed, ..TestsSeen::default() };
        let three = counted(3);
        let base = Some(Ran { outcome: &RED, tests: Some(&three), coverage: None });
        assert_eq!(judge(&RED, Some(counted(3)), None, base, None).0, Some(Excuse::Known));
        assert_eq!(judge(&RED, Some(counted(4)), None, base, None).0, None);
    }

    #[test]
    fn what_passes_the_second_time_is_flaky_and_nothing_else_is() {
        let base = tests(&["old"]);
        let base = Some(Ran { outcome: &RED, tests: Some(&base), coverage: None });
        let first = judge(&RED, Some(tests(&["old", "new"])), None, base, None).1.unwrap_or_default();
        let first = Some(Ran { outcome: &RED, tests: Some(&first), coverage: None });
        let (excuse, settled) = judge(&RED, Some(tests(&["old"])), None, base, first);
        assert_eq!(excuse, Some(Excuse::Flaky));
        assert_eq!(settled.map(|tests| tests.words()), Some("9 passed 2 failed (1 known 1 flaky)".into()));
        let (excuse, again) = judge(&RED, Some(tests(&["old", "new"])), None, base, first);
        assert_eq!((excuse, again.map(|tests| tests.new)), (None, Some(vec!["new".to_owned()])));
        assert_eq!(
            judge(&RED, Some(tests(&["old", "other"])), None, base, first).0,
            None,
            "another test failed instead"
        );
        assert_eq!(judge(&GateResult::Passed, None, None, None, first).0, Some(Excuse::Flaky));
        assert_eq!(judge(&GateResult::TimedOut, None, None, base, first).0, None);
    }

    #[test]
    fn a_second_run_is_for_what_failed_for_the_first_time() {
        let (old, both) = (tests(&["a"]), tests(&["a", "b"]));
        let ran = |tests| Ran { outcome: &RED, tests: Some(tests), coverage: None };
        assert!(suspect(ran(&old), None, None));
        assert!(!suspect(ran(&old), Some(ran(&both)), None));
        assert!(suspect(ran(&both), Some(ran(&old)), None));
        assert!(!suspect(
            Ran { outcome: &RED, tests: None, coverage: None },
            Some(Ran { outcome: &RED, tests: None, coverage: None }),
            None
        ));
        assert!(!suspect(Ran { outcome: &GateResult::TimedOut, tests: None, coverage: None }, None, None));
        assert!(!suspect(
            Ran { outcome: &GateResult::Failed { exit: Exit::Signal(9) }, tests: None, coverage: None },
            None,
            None
        ));
    }

    #[test]
    fn of_two_new_failures_the_one_that_passes_when_tried_again_is_flaky() {
        let base = tests(&["old"]);
        let base = Some(Ran { outcome: &RED, tests: Some(&base), coverage: None });
        let first = judge(&RED, Some(tests(&["old", "a", "b"])), None, base, None).1.unwrap_or_default();
        let first = Some(Ran { outcome: &RED, tests: Some(&first), coverage: None });
        let (excuse, settled) = judge(&RED, Some(tests(&["old", "b"])), None, base, first);
        assert_eq!(
            (excuse, settled.map(|tests| tests.words())),
            (None, Some("8 passed 3 failed (1 known 1 flaky 1 new)".into()))
        );
    }

    #[test]
    fn what_fails_on_the_base_in_one_of_two_runs_is_flaky_there_and_known_to_nobody() {
        let first = judge_base(&RED, Some(tests(&["a", "b"])), None).1.unwrap_or_default();
        assert_eq!(first.known, ["a", "b"]);
        let ran = Some(Ran { outcome: &RED, tests: Some(&first), coverage: None });
        let (excuse, second) = judge_base(&RED, Some(tests(&["b", "c"])), ran);
        let base = second.unwrap_or_default();
        assert_eq!(
            (excuse, &base.known, &base.flaky),
            (None, &vec!["b".to_owned()], &vec!["c".to_owned(), "a".to_owned()])
        );
        assert!(base.all_named());
        let base = Some(Ran { outcome: &RED, tests: Some(&base), coverage: None });
        let (excuse, now) = judge(&RED, Some(tests(&["a", "b"])), None, base, None);
        let now = now.unwrap_or_default();
        assert_eq!((excuse, &now.new), (None, &vec!["a".to_owned()]), "it has to show that it is flaky here, too");
        let now = Ran { outcome: &RED, tests: Some(&now), coverage: None };
        assert!(suspect(now, Some(now), base), "whatever it did before");
        let again = judge(&RED, Some(tests(&["b"])), None, base, Some(now));
        assert_eq!((again.0, again.1.map(|tests| tests.flaky)), (Some(Excuse::Flaky), Some(vec!["a".to_owned()])));
        assert_eq!(judge(&RED, Some(tests(&["a", "b"])), None, base, Some(now)).0, None, "twice in a row is no chance");

        let (excuse, whole) = judge_base(&GateResult::Passed, Some(tests(&[])), ran);
        let whole = whole.unwrap_or_default();
        assert_eq!(
            (excuse, whole.flaky, whole.known),
            (Some(Excuse::Flaky), vec!["a".to_owned(), "b".to_owned()], vec![])
        );
        let plain = Some(Ran { outcome: &RED, tests: None, coverage: None });
        assert_eq!(judge_base(&GateResult::Passed, None, plain).0, Some(Excuse::Flaky));
        assert_eq!(judge_base(&RED, None, plain), (None, None));
    }

    #[test]
    fn more_failures_than_are_named_are_known_only_if_they_are_the_same() {
        let cut = |all: Option<&str>| TestsSeen { failed: 250, all: all.map(str::to_owned), ..tests(&["a"]) };
        let (one, none) = (cut(Some("1")), cut(None));
        let base = |tests| Some(Ran { outcome: &RED, tests: Some(tests), coverage: None });
        assert_eq!(judge(&RED, Some(cut(Some("1"))), None, base(&one), None).0, Some(Excuse::Known));
        assert_eq!(
            judge(&RED, Some(cut(Some("2"))), None, base(&one), None).0,
            None,
            "some are fixed, and as many broken"
        );
        assert_eq!(judge(&RED, Some(cut(None)), None, base(&none), None).0, None);
        let ran = |tests| Ran { outcome: &RED, tests: Some(tests), coverage: None };
        assert!(!suspect(ran(&one), Some(ran(&one)), None) && suspect(ran(&cut(Some("2"))), Some(ran(&one)), None));
    }

    #[test]
    fn coverage_is_excused_where_it_has_not_fallen_under_the_base_and_by_itself_alone() {
        let of = |percent: &str, base| Coverage::new(Ok(Percent::read(percent).unwrap()), floor(), base);
        let (there, lost) = (of("62", None), || Coverage::new(Err("in the output".to_owned()), floor(), None));
        let ran = |outcome, tests, coverage| Some(Ran { outcome, tests, coverage });
        let judged = |outcome, tests: Option<&TestsSeen>, now: &Coverage, base| {
            judge(outcome, tests.cloned(), Some(now), base, None).0
        };
        let short = ran(&SHORT, None, Some(&there));
        assert_eq!(judged(&SHORT, None, &of("62", Some(&there)), short), Some(Excuse::Known));
        assert_eq!(judged(&SHORT, None, &of("79.9", Some(&there)), short), Some(Excuse::Known));
        assert_eq!(judged(&SHORT, None, &of("61.99", Some(&there)), short), None, "it has fallen");
        assert_eq!(judged(&SHORT, None, &of("71.4", None), None), None, "nobody knows the base");
        let green = ran(&GateResult::Passed, None, None);
        assert_eq!(judged(&SHORT, None, &of("71.4", None), green), None);

        let failing = tests(&["a"]);
        let red = ran(&RED, Some(&failing), Some(&there));
        assert_eq!(judged(&RED, Some(&failing), &of("62", Some(&there)), red), Some(Excuse::Known));
        assert_eq!(
            judged(&RED, Some(&failing), &of("61", Some(&there)), red),
            None,
            "known tests, and less of the code"
        );
        assert_eq!(judged(&RED, Some(&tests(&["b"])), &of("90", Some(&there)), red), None, "another test");
        assert_eq!(judged(&SHORT, None, &of("62", Some(&there)), red), Some(Excuse::Known), "the test was mended");
        assert_eq!(judged(&GateResult::Passed, None, &of("90", Some(&there)), red), None, "nothing is to be excused");

        let nothing = lost();
        let without = ran(&SHORT, None, Some(&nothing));
        assert_eq!(judged(&SHORT, None, &lost(), without), Some(Excuse::Known), "it tells none there, either");
        assert_eq!(judged(&SHORT, None, &lost(), short), None);
        assert_eq!(
            judged(&SHORT, None, &of("10", Some(&nothing)), without),
            None,
            "there is nothing to compare it with"
        );
        assert!(!suspect(Ran { outcome: &SHORT, tests: None, coverage: Some(&there) }, None, None), "it is no chance");
    }
}
