//! Files that are read, and every way to be refused, with its place and words.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::TestSpec;
use super::*;
use proptest::prelude::*;

/// The faults of a file, as they are told.
fn faults(text: &str) -> Vec<String> {
    TestFile::parse(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

fn of_tests(tests: &str) -> String {
    format!("{{\"version\": 1, \"tests\": [\n{tests}\n]}}")
}

#[test]
fn reads_a_whole_file() {
    let file = TestFile::parse(
        r#"{"version": 1, "tests": [
            {"id": "a", "title": "A", "criteria": ["one"], "verify": ["sh", "t.sh"], "priority": -2},
            {"id": "b", "title": "B", "depends_on": ["a"], "status": "running", "attempts": 2, "max_attempts": 3}
        ]}"#,
    )
    .unwrap();
    let [a, b]: &[TestSpec; 2] = file.tests.as_slice().try_into().unwrap();
    assert_eq!((a.priority, a.verify.as_deref()), (-2, Some(["sh".to_owned(), "t.sh".to_owned()].as_slice())));
    assert_eq!((b.status, b.attempts, b.max_attempts), (TestStatus::Pending, 2, Some(3)));
    assert!(TestFile::parse("\u{feff}{\"version\": 1, \"tests\": []}\n\n").unwrap().tests.is_empty());
}

#[test]
fn syntax() {
    assert_eq!(
        faults("{\n  \"version\": 1,\n  \"tests\": [}\n"),
        ["line 3, column 13: not valid JSON: expected value"]
    );
    assert_eq!(faults("{\"version\": 1, \"tests\": []} x"), ["line 1, column 29: not valid JSON: trailing characters"]);
    assert!(faults("{\"version\": 1,").concat().contains("EOF while parsing"));
    assert_eq!(
        faults("{\"é\u{1}"),
        ["line 1, column 4: not valid JSON: control character (\\u0000-\\u001F) found while parsing a string"]
    );
    assert!(faults(" \n").concat().contains("the file is empty"));
    let bomb = format!("{{\"version\": 1, \"x\": {}", "[".repeat(1_000_000));
    assert!(faults(&bomb).concat().contains("unknown field `x`"));
}

#[test]
fn shape() {
    let one = |text: &str, says: &str| {
        let told = faults(text);
        assert_eq!(told, [says], "{text}");
    };
    one("[]", "line 1, column 1: invalid length 0, expected struct TestFile with 2 elements");
    one(
        "{\"version\": 2, \"tests\": {}}",
        "line 1, column 13 (/version): version 2 is not supported; this loopdash reads 1",
    );
    one("{\"version\": 1.5}", "line 1, column 13 (/version): version 1.5 is not supported; this loopdash reads 1");
    one("[1, []]", "line 1, column 1: invalid type: sequence, expected a map");
    one(&of_tests("[\"a\", \"A\"]"), "line 2, column 1 (/tests/0): invalid type: sequence, expected a map");
    one("{\"tests\": []}", "line 1, column 1: missing field `version`");
    one(
        "{\"version\": \"1\", \"tests\": []}",
        "line 1, column 13 (/version): invalid type: string \"1\", expected u32",
    );
    one(&of_tests("{\"id\": \"a\"}"), "line 2, column 1 (/tests/0): missing field `title`");
    one(
        &of_tests("{\"id\": \"a\", \"titel\": \"A\"}"),
        "line 2, column 13 (/tests/0/titel): unknown field `titel`; did you mean `title`?",
    );
    one(&of_tests("{\"id\": \"a\", \"id\": \"b\"}"), "line 2, column 13 (/tests/0/id): duplicate field `id`");
    one(
        &of_tests("{\"id\": \"a\", \"title\": \"A\"}, {\"id\": \"b\", \"title\": \"B\", \"depends_on\": [\"a\", 3]}"),
        "line 2, column 74 (/tests/1/depends_on/1): invalid type: integer `3`, expected a string",
    );
    one(
        &of_tests("{\"id\": \"a\", \"title\": \"A\", \"status\": \"passd\"}"),
        "line 2, column 37 (/tests/0/status): `passd` is none of pending, running, passed, blocked, skipped, waived; did you mean `passed`?",
    );
    one(
        &of_tests("{\"id\": \"a\", \"title\": \"A\", \"attempts\": -1}"),
        "line 2, column 39 (/tests/0/attempts): invalid value: integer `-1`, expected u32",
    );
    let told = faults("{\"version\": 1, \"tests\": [], \"zzz\": 0}");
    assert_eq!(told, ["line 1, column 29 (/zzz): unknown field `zzz`; known are version, tests"]);
}

#[test]
fn sense_is_told_all_at_once() {
    let text = of_tests(
        "{\"id\": \"\", \"title\": \" \"},\n{\"id\": \"auth\", \"title\": \"A\", \"verify\": []},\n\
         {\"id\": \"auth\", \"title\": \"B\", \"verify\": [\"\"], \"max_attempts\": 0},\n\
         {\"id\": \"c\\td\", \"title\": \"C\", \"depends_on\": [\"auht\", \"c\\td\", \"zzzzzz\"]}",
    );
    assert_eq!(
        faults(&text),
        [
            "line 2, column 8 (/tests/0/id): the id is empty",
            "line 2, column 21 (/tests/0/title): the title is empty",
            "line 3, column 40 (/tests/1/verify): the command is empty: give program and arguments, or leave `verify` out",
            "line 4, column 41 (/tests/2/verify/0): the program's name is empty",
            "line 4, column 62 (/tests/2/max_attempts): at least one attempt is needed",
            "line 4, column 8 (/tests/2/id): the id `auth` is used twice; it is first used at line 3 (/tests/1/id)",
            "line 5, column 8 (/tests/3/id): an id has no spaces around it and no control characters",
            "line 5, column 45 (/tests/3/depends_on/0): there is no test `auht`; did you mean `auth`?",
            "line 5, column 53 (/tests/3/depends_on/1): `c\td` depends on itself",
            "line 5, column 61 (/tests/3/depends_on/2): there is no test `zzzzzz`",
        ]
    );
}

fn chain(edges: &[(&str, &[&str])]) -> String {
    let tests: Vec<String> = edges
        .iter()
        .map(|(id, needs)| serde_json::json!({"id": id, "title": "t", "depends_on": needs}).to_string())
        .collect();
    of_tests(&tests.join(",\n"))
}

#[test]
fn cycles_are_named() {
    let told = faults(&chain(&[("a", &["b"]), ("b", &["a"])]));
    assert_eq!(told.len(), 1);
    assert!(told.concat().ends_with("(/tests/1/depends_on/0): the tests wait for each other: a → b → a"), "{told:?}");
    let told = faults(&chain(&[
        ("x", &["a"]),
        ("a", &["b", "c"]),
        ("b", &[]),
        ("c", &["d"]),
        ("d", &["b", "a"]),
        ("e", &["a"]),
    ]));
    assert_eq!(told.len(), 1);
    assert!(told.concat().ends_with("a → c → d → a"), "{told:?}");
    assert!(TestFile::parse(&chain(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])])).is_ok());
}

#[test]
fn big_files_need_no_stack_and_no_patience() {
    let ids: Vec<String> = (0..20_000).map(|n| format!("t{n}")).collect();
    let ring: Vec<serde_json::Value> = (0..20_000)
        .map(|n: usize| serde_json::json!({"id": ids.get(n), "title": "t", "depends_on": [ids.get((n + 1) % 20_000)]}))
        .collect();
    let told = faults(&serde_json::json!({"version": 1, "tests": ring}).to_string());
    assert_eq!(told.len(), 1);
    assert!(told.concat().ends_with("t10 → t11 → … 19988 more … → t0"), "{told:?}");
    let same: Vec<serde_json::Value> =
        (0..20_000).map(|_| serde_json::json!({"id": "x", "title": "t", "depends_on": ["y"]})).collect();
    assert_eq!(faults(&serde_json::json!({"version": 1, "tests": same}).to_string()).len(), MAX_ERRORS);
}

fn spec() -> impl Strategy<Value = TestSpec> {
    (
        "[ -~é]{1,12}",
        prop::collection::vec("\\PC{0,10}", 0..3),
        prop::option::of(prop::collection::vec("[a-z]{1,4}", 1..3)),
        any::<i32>(),
        any::<u32>(),
        prop::option::of(1_u32..9),
        prop::option::of("\\PC{0,10}"),
    )
        .prop_map(|(title, criteria, verify, priority, attempts, max_attempts, last_error)| TestSpec {
            id: String::new(),
            title: format!("t{title}"),
            criteria,
            verify,
            priority,
            depends_on: Vec::new(),
            status: TestStatus::Blocked,
            attempts,
            max_attempts,
            last_error,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(mut tests in prop::collection::vec(spec(), 0..6)) {
        for (n, test) in tests.iter_mut().enumerate() {
            test.id = format!("id {n}");
            test.depends_on = (0..n).map(|m| format!("id {m}")).collect();
        }
        let file = TestFile { version: TEST_FILE_VERSION, tests };
        let text = file.to_json();
        prop_assert_eq!(text.trim_end().len() + 1, text.len());
        prop_assert_eq!(&TestFile::parse(&text).unwrap(), &file);
        prop_assert_eq!(TestFile::parse(&text).unwrap().to_json(), text);
    }

    #[test]
    fn broken_files_are_refused_in_place(cut in 0_usize..400, with in "[{}\",a:\\[\\]]") {
        let whole = of_tests("{\"id\": \"a\", \"title\": \"A\"},\n{\"id\": \"b\", \"title\": \"B\", \"depends_on\": [\"a\"]}");
        let at = cut % whole.len();
        let broken = format!("{}{with}{}", whole.get(..at).unwrap(), whole.get(at + 1..).unwrap());
        if let Err(TestFileErrors(errors)) = TestFile::parse(&broken) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.line >= 1 && error.line <= broken.lines().count());
                prop_assert!(error.column >= 1 && error.column <= broken.len() + 1);
            }
        }
    }

    /// Against the plain definition: there is a cycle exactly when repeatedly removing tests without open
    /// dependencies leaves some.
    #[test]
    fn cycles_are_found_exactly(edges in prop::collection::vec((0_usize..7, 0_usize..7), 0..14)) {
        let mut needs: Vec<Vec<String>> = vec![Vec::new(); 7];
        for (from, to) in edges.iter().filter(|(from, to)| from != to) {
            needs.get_mut(*from).unwrap().push(format!("t{to}"));
        }
        let tests: Vec<serde_json::Value> = needs.iter().enumerate()
            .map(|(n, needs)| serde_json::json!({"id": format!("t{n}"), "title": "t", "depends_on": needs})).collect();
        let text = serde_json::json!({"version": 1, "tests": tests}).to_string();
        let mut open: Vec<usize> = (0..7).collect();
        loop {
            let before = open.len();
            let still: Vec<String> = open.iter().map(|n| format!("t{n}")).collect();
            open.retain(|n| needs.get(*n).unwrap().iter().any(|need| still.contains(need)));
            if open.len() == before { break }
        }
        prop_assert_eq!(TestFile::parse(&text).is_err(), !open.is_empty());
    }
}
