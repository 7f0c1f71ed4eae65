#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::super::testing::Fixture;
use super::*;

/// Twenty lines, some of them others'.
fn lines(changed: &[(usize, &str)]) -> String {
    let line =
        |at| changed.iter().find(|(line, _)| *line == at).map_or(format!("line {at}"), |(_, text)| (*text).to_owned());
    (0..20).map(|at| line(at) + "\n").collect()
}

/// Files with their texts; `None` where one is removed.
type Files<'a> = &'a [(&'a str, Option<String>)];

/// A repository whose `main` has three files, with a way to make commits beside it.
struct Bed {
    fixture: Fixture,
    base: String,
}

impl Bed {
    fn new() -> Self {
        let fixture = Fixture::new();
        for name in ["a.rs", "dir/b.rs", "c.rs"] {
            fixture.write(name, lines(&[]));
        }
        fixture.commit("base");
        let base = fixture.git(["rev-parse", "HEAD"]);
        Self { fixture, base }
    }

    /// The base with these files written; `None` removes one.
    fn work(&self, files: Files<'_>) -> Work {
        self.fixture.git(["checkout", "-q", "--detach", &self.base]);
        for (path, text) in files {
            match text {
                Some(text) => self.fixture.write(path, text),
                None => drop(self.fixture.git(["rm", "-q", path])),
            }
        }
        self.fixture.commit("work");
        let commit = self.fixture.git(["rev-parse", "HEAD"]);
        self.fixture.git(["checkout", "-q", "main"]);
        Work { base: self.base.clone(), commit }
    }

    fn meet(&self, mine: &Work, other: &Work) -> Vec<(String, u32)> {
        let common_dir = self.fixture.info().common_dir;
        let wish = Collide { common_dir, mine: mine.clone(), others: vec![other.clone()], target: None };
        let (meetings, _) = collide(&wish).unwrap();
        meetings.concat()
    }
}

trait Named {
    fn concat(self) -> Vec<(String, u32)>;
}

impl Named for Vec<Meeting> {
    fn concat(self) -> Vec<(String, u32)> {
        self.into_iter().flat_map(|meeting| meeting.files).map(|clash| (clash.path, clash.places)).collect()
    }
}

fn files(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(path, places)| ((*path).to_owned(), *places)).collect()
}

#[test]
fn files_that_both_have_changed_are_told_with_the_places_that_do_not_merge() {
    let bed = Bed::new();
    let mine = bed.work(&[
        ("a.rs", Some(lines(&[(2, "mine"), (17, "mine")]))),
        ("dir/b.rs", Some(lines(&[(1, "mine")]))),
        ("c.rs", Some(lines(&[(5, "only mine")]))),
    ]);
    let other = bed.work(&[
        ("a.rs", Some(lines(&[(2, "theirs"), (17, "theirs")]))),
        ("dir/b.rs", Some(lines(&[(18, "theirs")]))),
        ("new.rs", Some("theirs\n".to_owned())),
    ]);
    let before = bed.fixture.fingerprint();
    let objects = bed.fixture.git(["count-objects", "-v"]);
    assert_eq!(bed.meet(&mine, &other), files(&[("a.rs", 2), ("dir/b.rs", 0)]));
    assert_eq!(bed.meet(&other, &mine), files(&[("a.rs", 2), ("dir/b.rs", 0)]));
    assert_eq!(bed.meet(&mine, &mine.clone()), files(&[("a.rs", 0), ("c.rs", 0), ("dir/b.rs", 0)]), "the same change");
    assert_eq!(bed.fixture.git(["count-objects", "-v"]), objects, "nothing was written");
    assert_eq!(bed.fixture.fingerprint(), before);
}

#[test]
fn the_lines_at_which_both_work_are_told_although_they_merge() {
    let bed = Bed::new();
    let mine = bed.work(&[
        ("a.rs", Some(lines(&[(2, "mine"), (10, "mine")]))),
        ("c.rs", Some(lines(&[(5, "mine")]))),
        ("dir/b.rs", Some(lines(&[(7, "mine"), (8, "mine")]))),
    ]);
    let other = bed.work(&[
        ("a.rs", Some(lines(&[(4, "theirs"), (19, "theirs")]))),
        ("c.rs", Some(lines(&[(18, "theirs")]))),
        ("dir/b.rs", Some(lines(&[(8, "theirs"), (9, "theirs")]))),
    ]);
    let common_dir = bed.fixture.info().common_dir;
    let wish = Collide { common_dir, mine, others: vec![other], target: None };
    let (meetings, _) = collide(&wish).unwrap();
    let told: Vec<(String, u32, String)> = meetings[0]
        .files
        .iter()
        .map(|clash| {
            let lines: Vec<String> = clash.lines.iter().map(ToString::to_string).collect();
            (clash.path.clone(), clash.places, lines.join(" "))
        })
        .collect();
    // Lines are counted from 1, those of the tests from 0.
    let expected = [("dir/b.rs", 1, "9"), ("a.rs", 0, "3-5"), ("c.rs", 0, "")];
    assert_eq!(told, expected.map(|(path, places, lines)| (path.to_owned(), places, lines.to_owned())));
}

#[test]
fn whole_files_can_be_in_question() {
    let bed = Bed::new();
    let binary = |byte: char| Some(format!("\0{byte}{byte}"));
    type Case<'a> = (Files<'a>, Files<'a>, &'a [(&'a str, u32)]);
    let cases: [Case<'_>; 6] = [
        (&[("a.rs", None)], &[("a.rs", Some(lines(&[(1, "x")])))], &[("a.rs", 1)]),
        (&[("n", Some("1\n".into()))], &[("n", Some("2\n".into()))], &[("n", 1)]),
        (&[("n", Some("1\n".into()))], &[("n", Some("1\n".into()))], &[("n", 0)]),
        (&[("c.rs", binary('a'))], &[("c.rs", binary('b'))], &[("c.rs", 1)]),
        // Renamed here and changed there: that merges.
        (&[("c.rs", None), ("d.rs", Some(lines(&[])))], &[("c.rs", Some(lines(&[(3, "x")])))], &[("c.rs", 0)]),
        (&[("o/p", Some("1\n".into()))], &[("c.rs", Some(lines(&[(3, "x")])))], &[]),
    ];
    for (ours, theirs, expected) in cases {
        let (mine, other) = (bed.work(ours), bed.work(theirs));
        assert_eq!(bed.meet(&mine, &other), files(expected), "{ours:?} {theirs:?}");
    }
    let (file, directory) = (bed.work(&[("x", Some("1\n".into()))]), bed.work(&[("x/y", Some("2\n".into()))]));
    let met = bed.meet(&file, &directory);
    assert!(met.iter().any(|(_, places)| *places == 1), "{met:?}");
}

#[test]
fn work_is_tried_on_the_target_as_it_is_now() {
    let bed = Bed::new();
    let mine = bed.work(&[("a.rs", Some(lines(&[(2, "mine")])))]);
    let common_dir = bed.fixture.info().common_dir;
    let wish = Collide { common_dir, mine, others: Vec::new(), target: None };
    let landing = |wish: &Collide| collide(wish).unwrap().1.unwrap();
    let first = landing(&wish);
    assert_eq!((first.branch.as_str(), first.commit.as_str()), ("main", bed.base.as_str()));
    assert!(first.meeting.is_empty());
    bed.fixture.write("a.rs", lines(&[(2, "main")]));
    bed.fixture.commit("meanwhile");
    let then = landing(&wish);
    assert_eq!(vec![then.meeting].concat(), files(&[("a.rs", 1)]));
    bed.fixture.git(["branch", "other", &bed.base]);
    let elsewhere = landing(&Collide { target: Some("other".into()), ..wish.clone() });
    assert!(elsewhere.branch == "other" && elsewhere.meeting.is_empty());
    bed.fixture.git(["checkout", "-q", "--detach"]);
    assert_eq!(collide(&wish).unwrap().1, None, "no branch is checked out");
}

#[test]
fn work_without_a_common_past_is_tried_too() {
    let bed = Bed::new();
    let mine = bed.work(&[("a.rs", Some(lines(&[(2, "mine")])))]);
    let empty = Work { base: EMPTY.to_owned(), commit: mine.commit.clone() };
    assert_eq!(bed.meet(&mine, &empty), files(&[("a.rs", 0)]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_merge_stops_where_git_stops(
        ours in prop::collection::btree_map((0_usize..3, 0_usize..20), 0_u8..2, 0..6),
        theirs in prop::collection::btree_map((0_usize..3, 0_usize..20), 0_u8..2, 0..6),
    ) {
        let bed = Bed::new();
        let texts = |edits: &std::collections::BTreeMap<(usize, usize), u8>| {
            ["a.rs", "dir/b.rs", "c.rs"].into_iter().enumerate().map(|(file, name)| {
                let of_file = edits.iter().filter(|((of, _), _)| *of == file);
                let edits: Vec<(usize, String)> = of_file.map(|((_, line), text)| (*line, format!("edit {text}"))).collect();
                let edits: Vec<(usize, &str)> = edits.iter().map(|(line, text)| (*line, text.as_str())).collect();
                (name, Some(lines(&edits)))
            }).collect::<Vec<_>>()
        };
        let mut works = [&ours, &theirs].map(|edits| {
            let mut files = texts(edits);
            files.push((if std::ptr::eq(edits, &ours) { "ours" } else { "theirs" }, Some("own\n".to_owned())));
            bed.work(&files)
        }).into_iter();
        let (mine, other) = (works.next().unwrap(), works.next().unwrap());
        let merged = std::process::Command::new("git").current_dir(bed.fixture.root())
            .args(["merge-tree", "--write-tree", &mine.commit, &other.commit]).output().unwrap();
        let met = bed.meet(&mine, &other);
        prop_assert_eq!(met.iter().any(|(_, places)| *places > 0), !merged.status.success(), "{:?}", met);
    }
}
