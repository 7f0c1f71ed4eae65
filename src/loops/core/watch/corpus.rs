//! Healthy runs that must raise nothing: the watch is worth its noise only if these stay quiet.

use super::play::{Play, Trip, finding, repeats, signal, silent, trip};
use crate::loops::core::event::Sign;
use crate::loops::core::verdict::Finding;

/// Points as a critic raises them, each at a place of its own.
const POINTS: [(&str, u32, &str); 9] = [
    ("src/parse.rs", 40, "an empty header makes the parser index out of bounds"),
    ("src/parse.rs", 112, "the error names no line, so that nobody finds the place"),
    ("src/cache.rs", 18, "entries are never evicted when the limit is lowered"),
    ("src/cache.rs", 77, "two threads may compute the same entry twice"),
    ("src/http.rs", 9, "redirects across hosts keep the authorization header"),
    ("src/http.rs", 203, "a timeout of zero means no timeout, against the docs"),
    ("src/cli.rs", 31, "the exit status is 0 although the input was refused"),
    ("docs/usage.md", 12, "the example does not compile with the new signature"),
    ("tests/it.rs", 60, "the test sleeps instead of waiting for the state"),
];

fn points(which: impl IntoIterator<Item = usize>) -> Vec<Finding> {
    let numbered = (1..).zip(which).filter_map(|(n, at)| Some((n, POINTS.get(at)?)));
    numbered.map(|(n, (file, line, text))| finding(&format!("f{n}"), file, *line, text)).collect()
}

/// The iterations `0..n`, each with content of its own.
fn steady(n: usize, shape: impl Fn(usize, &mut Trip)) -> Vec<Trip> {
    let mut trips: Vec<Trip> = (0..n)
        .map(|i| {
            let mut next = trip(format!("t{i}"));
            next.said = format!(
                "Iteration {i}: I reworked module {} and its tests, see the diff for what changed there {}",
                "abcdefghijklmnopqrstuvwxyz".get(i % 26..i % 26 + 1).unwrap_or("z"),
                "x".repeat(i + 1)
            );
            shape(i, &mut next);
            next
        })
        .collect();
    if let Some(last) = trips.last_mut() {
        last.done = true;
        last.red = None;
        last.findings.clear();
    }
    trips
}

fn red(i: usize) -> Option<String> {
    let left = 30usize.saturating_sub(i);
    let failing: Vec<String> = (0..left)
        .map(|n| format!("test case_{} failed", "abcdefghijklmnopqrstuvwxyzABCD".chars().nth(n).unwrap_or('z')))
        .collect();
    Some(format!("running the tests of the whole workspace\n{}\nfailures: {left} of them in all", failing.join("\n")))
}

/// Every healthy run by its name.
fn healthy() -> Vec<(&'static str, Vec<Trip>)> {
    let busy = || {
        vec![silent(10, Some(true)), silent(20, Some(true)), silent(40, Some(true)), signal(Sign::Resumed, 41, None, 0)]
    };
    vec![
        ("done at once", steady(1, |_, _| {})),
        ("a long quiet build in each iteration", steady(4, |_, t| t.signals = busy())),
        (
            "a first byte that takes long",
            steady(2, |_, t| {
                t.signals = vec![signal(Sign::NoOutput, 12, Some(false), 0), signal(Sign::Resumed, 13, None, 0)]
            }),
        ),
        (
            "a short silence with the CPU idle",
            steady(3, |_, t| t.signals = vec![silent(10, Some(false)), signal(Sign::Resumed, 14, None, 0)]),
        ),
        (
            "a silence whose CPU cannot be seen, and that ends",
            steady(3, |_, t| t.signals = vec![silent(10, None), signal(Sign::Resumed, 15, None, 0)]),
        ),
        ("a big refactor in many commits", steady(20, |i, t| t.head = i as u32)),
        ("a refactor whose tests are red until the last", steady(12, |i, t| t.red = red(i))),
        ("tests that fail and then pass", steady(6, |i, t| t.red = if i % 3 == 2 { None } else { red(i) })),
        (
            "a flaky gate that fails in the same way now and then",
            steady(9, |i, t| {
                t.red = i.is_multiple_of(2).then(|| "the network was not there when the test looked for it".to_owned())
            }),
        ),
        ("findings that shrink by one", steady(9, |i, t| t.findings = points(i..9))),
        ("findings that shrink slowly", steady(16, |i, t| t.findings = points(i / 2..9))),
        ("findings that shrink every third time", steady(24, |i, t| t.findings = points(i / 3..9))),
        ("a critic that names three at a time out of many", steady(9, |i, t| t.findings = points(i..(i + 3).min(9)))),
        (
            "a finding that is missed once and named again",
            steady(5, |i, t| t.findings = if i == 2 { points([1]) } else { points([0, 1].into_iter().skip(i / 3)) }),
        ),
        (
            "a finding that comes back once after it was fixed",
            steady(6, |i, t| {
                t.findings = points(match i {
                    0 => vec![0, 1],
                    1 => vec![1],
                    2 => vec![0],
                    _ => vec![3],
                })
            }),
        ),
        (
            "nits that stay",
            steady(10, |i, t| {
                t.findings = points([2, 3]);
                t.findings.iter_mut().for_each(|f| f.severity = crate::loops::core::verdict::Severity::Nit);
                t.findings.extend(points((i < 5).then_some(4 + i)));
            }),
        ),
        (
            "an actor that ends with the same few words each time",
            steady(10, |_, t| t.said = "Done.\nLOOPDASH_DONE".to_owned()),
        ),
        (
            "work that is only committed in one iteration",
            steady(5, |i, t| {
                t.head = i as u32;
                if i == 2 {
                    t.tree = "t1".to_owned();
                }
            }),
        ),
        (
            "commits without another change, three times",
            steady(6, |i, t| {
                t.head = i as u32;
                if (2..5).contains(&i) {
                    t.tree = "t1".to_owned();
                }
            }),
        ),
        (
            "two iterations that only read",
            steady(6, |i, t| {
                if i == 2 || i == 3 {
                    t.tree = "t1".to_owned();
                }
            }),
        ),
        (
            "a try that is taken back once",
            steady(6, |i, t| {
                if i == 2 {
                    t.tree = "t0".to_owned();
                }
            }),
        ),
        (
            "debug lines that are put in and taken out",
            steady(8, |i, t| {
                if i % 2 == 1 {
                    t.undone = vec![format!("debug-{i}")];
                }
            }),
        ),
        (
            "one hunk that is taken back once",
            steady(6, |i, t| {
                if i == 3 {
                    t.undone = vec!["h".to_owned()];
                }
            }),
        ),
        (
            "a build that is polled for a while",
            steady(3, |_, t| t.signals = vec![repeats(8), repeats(15), signal(Sign::Varied, 6, None, 0)]),
        ),
        (
            "re-reads of one file",
            steady(5, |_, t| t.signals = vec![repeats(6), signal(Sign::Varied, 1, None, 0), repeats(7)]),
        ),
        (
            "findings that ask for more and then for less in other places",
            steady(5, |i, t| {
                t.findings = vec![match i {
                    0 => finding("a", "src/a.rs", 10, "add a test for the empty list"),
                    1 => finding("a", "src/b.rs", 20, "remove the unused import of the json module"),
                    2 => finding("a", "src/a.rs", 300, "split the function that renders the table"),
                    _ => finding("a", "src/c.rs", 5, "merge the two loops over the rows"),
                }];
            }),
        ),
        (
            "the same words each time while findings shrink",
            steady(8, |i, t| {
                t.said = "I have met every finding and all tests of the whole project pass now".to_owned();
                t.findings = points(i..8);
            }),
        ),
        (
            "the same words each time without a claim, while the work moves",
            steady(8, |i, t| {
                t.said = format!("I wrote part {i} and committed it, and there is more to do after this one");
                t.claim = i == 7;
            }),
        ),
        ("long iterations", steady(3, |_, t| t.minutes = 35)),
        ("an actor that does not claim for long", steady(8, |i, t| t.claim = i == 7)),
    ]
}

#[test]
fn healthy_runs_raise_nothing() {
    let corpus = healthy();
    assert!(corpus.len() >= 20, "{}", corpus.len());
    for (name, trips) in corpus {
        let play = Play::of(trips);
        assert_eq!(play.raised(), [], "{name}");
        assert!(play.run.is_finished(), "{name} was to end well: {:?}", play.run.status);
    }
}
