#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use proptest::prelude::*;

/// A file on both sides; an empty text is none.
fn file<'a>(path: &'a str, before: &'a str, after: &'a str) -> ChangedFile<'a> {
    let side = |text: &'a str| if text.is_empty() { Side::Nothing } else { Side::Text(text) };
    ChangedFile { path, deleted: after.is_empty(), before: side(before), after: side(after), old_path: None }
}

fn told(files: &[ChangedFile<'_>]) -> Vec<String> {
    let mut scales = Scales::new(&[vec!["sh".to_owned(), "ci/check.sh".to_owned()]]);
    for file in files.iter().filter(|file| scales.want(file.path, file.old_path)).collect::<Vec<_>>() {
        scales.put(file);
    }
    scales.weigh().iter().map(TestChange::words).collect()
}

/// What a change from the first text to the second is told as.
fn change(path: &str, before: &str, after: &str) -> Vec<String> {
    told(&[file(path, before, after)])
}

const NONE: [&str; 0] = [];

/// A path, a test that asserts, and the same test weakened in several ways, each with what is told.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

const RUST: &str =
    "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n";
const PYTHON: &str = "import pytest\n\ndef test_adds():\n    got = add(1, 2)\n    assert got == 3\n";
const CLASS: &str = "class TestCart(TestCase):\n    def test_adds(self):\n        self.assertEqual(add(1, 2), 3)\n";
const SCRIPT: &str = "describe('cart', () => {\n  it('adds', () => {\n    expect(add(1, 2)).toBe(3);\n  });\n});\n";
const GO: &str = "package a\n\nfunc TestAdds(t *testing.T) {\n\tif add(1, 2) != 3 {\n\t\tt.Errorf(\"no\")\n\t}\n}\n";
const JAVA: &str = "class CartTest {\n    @Test\n    void adds() {\n        assertEquals(3, add(1, 2));\n    }\n}\n";
const CSHARP: &str =
    "class CartTests {\n    [Fact]\n    public void Adds()\n    {\n        Assert.Equal(3, Add(1, 2));\n    }\n}\n";
const RUBY: &str = "describe 'cart' do\n  it 'adds' do\n    expect(add(1, 2)).to eq(3)\n  end\nend\n";
const CPP: &str = "TEST(Cart, Adds) {\n  EXPECT_EQ(add(1, 2), 3);\n}\n";
const PHP: &str =
    "class CartTest {\n    public function testAdds() {\n        $this->assertSame(3, add(1, 2));\n    }\n}\n";
const SWIFT: &str =
    "class CartTests: XCTestCase {\n    func testAdds() {\n        XCTAssertEqual(add(1, 2), 3)\n    }\n}\n";

const TABLE: [Row<'_>; 11] = [
    (
        "src/cart.rs",
        RUST,
        &[
            (concat!("    #[test]\n=>    #[test]\n    #[", "ignore = \"later\"]\n"), "1 test skipped"),
            (concat!("    #[test]\n=>    #[", "ignore]\n    #[test]\n"), "1 test skipped"),
            ("    #[test]\n=>    #[cfg(any())]\n    #[test]\n", "1 test skipped"),
            ("    #[test]\n=>", "1 fewer test"),
            ("add(1, 2), 3=>3, 3", "1 fewer assertion"),
            ("        assert_eq!(add(1, 2), 3);=>        // assert_eq!(add(1, 2), 3);", "1 fewer assertion"),
            ("assert_eq!(add(1, 2), 3)=>assert!(true, \"fine\")", "1 fewer assertion"),
            ("fn adds=>fn sums", "1 test renamed (adds to sums)"),
        ],
    ),
    (
        "tests/test_cart.py",
        PYTHON,
        &[
            ("def test=>@pytest.mark.skip(reason='x')\ndef test", "1 test skipped"),
            ("def test=>@pytest.mark.xfail\ndef test", "1 test skipped"),
            ("import pytest\n=>import pytest\npytestmark = pytest.mark.skip\n", "1 test skipped"),
            ("    got =>    pytest.skip('x')\n    got ", "1 test skipped"),
            ("    assert got == 3=>    assert True", "1 fewer assertion"),
            ("    assert got == 3=>    assert got", ""),
            ("def test_adds=>def check_adds", "1 fewer test"),
            ("def test_adds=>def test_sums", "1 test renamed (test_adds to test_sums)"),
        ],
    ),
    (
        "shop/tests.py",
        CLASS,
        &[
            ("        self.assertEqual=>        self.skipTest('x')\n        self.assertEqual", "1 test skipped"),
            ("class=>@unittest.skip('x')\nclass", "1 test skipped"),
            (
                "    def test_adds=>    def setUp(self):\n        raise SkipTest('x')\n\n    def test_adds",
                "1 test skipped",
            ),
            ("self.assertEqual(add(1, 2), 3)=>self.assertTrue(True)", "1 fewer assertion"),
        ],
    ),
    (
        "web/cart.test.ts",
        SCRIPT,
        &[
            ("it('=>it.skip('", "1 test skipped"),
            ("it('=>xit('", "1 test skipped"),
            ("it('=>it.todo('", "1 test skipped"),
            ("describe(=>describe.skip(", "1 test skipped"),
            ("it('=>it.only('", "1 test skipped"),
            ("  it('=>  it.only('other', () => {\n    expect(a).toBe(b);\n  });\n  it('", "1 test skipped"),
            ("expect(add(1, 2)).toBe(3)=>expect(true).toBe(true)", "1 fewer assertion"),
            ("'adds'=>'sums'", "1 test renamed (adds to sums)"),
        ],
    ),
    (
        "cart_test.go",
        GO,
        &[
            ("{\n\tif=>{\n\tt.Skip(\"x\")\n\tif", "1 test skipped"),
            ("{\n\tif=>{\n\tt.SkipNow()\n\tif", "1 test skipped"),
            ("package a=>//go:build never\n\npackage a", "1 test skipped"),
            ("\t\tt.Errorf(\"no\")\n=>", "1 fewer assertion"),
            ("TestAdds=>TestSums", "1 test renamed (TestAdds to TestSums)"),
        ],
    ),
    (
        "src/test/CartTest.java",
        JAVA,
        &[
            ("    @Test\n=>    @Test\n    @Disabled(\"x\")\n", "1 test skipped"),
            ("    @Test\n=>", "1 fewer test"),
            ("assertEquals(3, add(1, 2))=>assertTrue(true)", "1 fewer assertion"),
        ],
    ),
    ("CartTests.cs", CSHARP, &[("[Fact]=>[Fact(Skip = \"x\")]", "1 test skipped"), ("    [Fact]\n=>", "1 fewer test")]),
    (
        "spec/cart_spec.rb",
        RUBY,
        &[
            ("  it=>  xit", "1 test skipped"),
            ("    expect=>    skip 'x'\n    expect", "1 test skipped"),
            ("    expect(add(1, 2)).to eq(3)\n=>", "1 fewer assertion"),
        ],
    ),
    (
        "tests/cart.cc",
        CPP,
        &[
            ("(Cart, Adds)=>(Cart, DISABLED_Adds)", "1 test skipped"),
            ("  EXPECT=>  GTEST_SKIP();\n  EXPECT", "1 test skipped"),
        ],
    ),
    (
        "tests/CartTest.php",
        PHP,
        &[
            ("        $this=>        $this->markTestSkipped('x');\n        $this", "1 test skipped"),
            ("testAdds=>adds", "1 fewer test"),
        ],
    ),
    ("CartTests.swift", SWIFT, &[("        XCT=>        throw XCTSkip(\"x\")\n        XCT", "1 test skipped")]),
];

#[test]
fn each_way_of_weakening_is_told_in_each_language() {
    for (path, before, ways) in TABLE {
        assert_eq!(change(path, before, &format!("{before}\n")), NONE, "{path}: a blank line");
        for (way, words) in ways {
            let (from, to) = way.split_once("=>").unwrap();
            assert!(before.contains(from), "{path}: {from}");
            let expected = if words.is_empty() { Vec::new() } else { vec![format!("{words} in {path}")] };
            assert_eq!(change(path, before, &before.replacen(from, to, 1)), expected, "{path}: {way}");
        }
        // The other way round it is strengthened.
        let back = ways
            .iter()
            .filter(|(way, words)| !(words.is_empty() || words.contains("renamed") || way.contains("other")));
        for (way, _) in back {
            let (from, to) = way.split_once("=>").unwrap();
            assert_eq!(change(path, &before.replacen(from, to, 1), before), NONE, "{path}: back from {way}");
        }
    }
}

#[test]
fn files_of_tests_that_go_or_get_another_name_are_told() {
    for (path, text) in
        [("src/foo/tests.rs", "fn x() {}\n"), ("shop/tests.py", CLASS), ("tests/till.sh", "test -e till\n")]
    {
        assert_eq!(change(path, text, ""), [format!("deleted {path}")]);
    }
    let inline = change("src/cart.rs", RUST, "");
    assert_eq!(inline, ["1 fewer test in src/cart.rs", "1 fewer assertion in src/cart.rs"], "tests of a file of code");
    let renamed = ChangedFile { old_path: Some("spec/cart_spec.rb"), ..file("attic/cart.rb", RUBY, RUBY) };
    assert_eq!(told(&[renamed])[0], "renamed spec/cart_spec.rb to attic/cart.rb");
    let script = ChangedFile { old_path: Some("ci/check.sh"), ..file("ci/old.sh", "a\n", "a\n") };
    assert_eq!(told(&[script]), ["gate settings changed in ci/check.sh to ci/old.sh"]);
}

#[test]
fn what_moves_under_its_name_takes_nothing_away() {
    let other = "def test_other():\n    assert other() == 1\n    assert more()\n";
    let both = format!("{PYTHON}\n{other}");
    let moved = [file("tests/a.py", &both, PYTHON), file("tests/b.py", "", other)];
    assert_eq!(told(&moved), NONE);
    assert_eq!(
        told(&[file("tests/a.py", other, ""), file("tests/b.py", PYTHON, &both)]),
        NONE,
        "a file goes into another"
    );
    let less = "def test_other():\n    assert other() == 1\n";
    assert_eq!(told(&[moved[0], file("tests/b.py", "", less)]), ["1 fewer assertion in tests/a.py"]);
    let skipped = format!("@pytest.mark.skip\n{other}");
    assert_eq!(told(&[moved[0], file("tests/b.py", "", &skipped)]), ["1 test skipped in tests/b.py"]);
}

#[test]
fn one_file_does_not_make_good_what_another_loses() {
    let skipped = PYTHON.replace("def test", "@pytest.mark.skip\ndef test");
    let swapped = [file("tests/a.py", &skipped, PYTHON), file("tests/b.py", PYTHON, &skipped)];
    assert_eq!(told(&swapped), ["1 test skipped in tests/b.py"]);
    let (more, less) = ("def test_x():\n    assert a()\n    assert b()\n", "def test_x():\n    assert a()\n");
    let other = "def test_y():\n    assert c()\n    assert d()\n";
    let (first, last) = (file("tests/a.py", more, less), file("tests/b.py", "", other));
    assert_eq!(told(&[first, last]), ["1 fewer assertion in tests/a.py"]);
}

#[test]
fn ordinary_work_is_not_told() {
    let more = RUST.replace(
        "    #[test]\n    fn adds",
        "    #[test]\n    fn sums() {\n        assert!(sum());\n    }\n\n    #[test]\n    fn adds",
    );
    let product = "fn a(x: u32) {\n    assert!(x > 1);\n    debug_assert!(x < 9);\n}\n";
    let ignored = concat!("#[", "ignore]");
    let named =
        format!("#[test]\nfn a() {{\n    let text = \"{ignored}\"; // {ignored}\n    assert!(text.is_empty());\n}}\n");
    let cases = [
        ("src/cart.rs", RUST, more.as_str()),
        ("src/cart.rs", product, "fn a() {}\n"),
        ("src/cart.rs", named.as_str(), &named.replace("text.is_empty()", "!text.is_empty()")),
        (
            "tests/a.rs",
            "#[test]\nfn a() {\n    assert_eq!(a(), 1);\n}\n",
            "#[test]\nfn a() {\n    assert_eq!(a(), 2);\n}\n",
        ),
        ("tests/test_cart.py", PYTHON, &PYTHON.replace("== 3", "== 4").replace("test_adds", "test_other")),
        ("cart_test.go", GO, &GO.replace("TestAdds(t", "TestAdds(\n\tt").replace("testing.T)", "testing.T,\n)")),
        (
            "web/cart.test.ts",
            SCRIPT,
            &SCRIPT.replace("expect(add(1, 2)).toBe", "expect(\n      add(1, 2),\n    ).toBe"),
        ),
        ("app.py", "assert x\ndef test_it(): pass\n", "x = 1\n"),
        ("docs/test.md", "a test(\n", "b\n"),
        ("Cargo.toml", "[dependencies]\nserde = \"1.0\"\n", "[dependencies]\nserde = \"1.1\"\nrstest = \"0.18\"\n"),
    ];
    for (path, before, after) in cases {
        assert_eq!(change(path, before, after), NONE, "{path}: {after}");
    }
}

#[test]
fn a_file_that_is_too_large_is_told_and_not_passed_over() {
    let large = ChangedFile { after: Side::TooLarge, ..file("tests/a.py", PYTHON, "x") };
    assert_eq!(told(&[large]), ["tests/a.py is too large to be weighed"]);
    assert_eq!(told(&[ChangedFile { path: "src/data.rs", ..large }]), NONE);
    assert!(in_words(&[TestChange::unread("no such object")]).contains("could not be read: no such object"));
}

#[test]
fn many_are_bounded_and_summed_up() {
    let paths: Vec<String> = (0..99).map(|n| format!("tests/t{n}.py")).collect();
    let mut scales = Scales::new(&[]);
    for path in &paths {
        scales.put(&file(path, "x = 1\n", ""));
    }
    let changes = scales.weigh();
    assert_eq!(changes.len(), TestChange::MOST);
    assert!(in_words(&changes).ends_with("deleted tests/t3.py, and 46 more"), "{}", in_words(&changes));
}

proptest! {
    #[test]
    fn any_text_is_weighed_and_the_same_text_weighs_nothing(
        before in r#"(def test_a|#\[test\]|it\(|func TestA|\(\)|:|\{|\}|\n|    |\t|"|'|//|#|assert x|expect\(é\)|@|describe\.skip\(){1,40}"#,
        after in r"[^\x00]{1,80}",
    ) {
        for path in ["tests/a.rs", "tests/a.py", "a.test.ts", "a_test.go", "ATest.java", "ATests.cs", "a_spec.rb", "tests/a.cc", "tests/a.php", "ATests.swift"] {
            let _ = change(path, &before, &after);
            prop_assert_eq!(change(path, &before, &before), Vec::<String>::new(), "{}", path);
        }
    }
}
