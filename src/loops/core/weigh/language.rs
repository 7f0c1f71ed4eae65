//! How languages write tests, groups of tests, skips and assertions, line by line.
//!
//! A line is given without comments and strings ([`blank`](super::blank::blank)), and again as it stands, for names.

use super::blank::Syntax;
use super::heads;

/// A language whose tests are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    JavaScript,
    Go,
    Java,
    CSharp,
    Ruby,
    Cpp,
    Php,
    Swift,
}

/// What attributes, decorators and modifiers say of what follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// It is a test.
    pub test: bool,
    /// It does not run.
    pub skip: bool,
    /// What is not so marked does not run.
    pub only: bool,
    /// It is compiled for tests only.
    pub region: bool,
}

impl Marks {
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            test: self.test || other.test,
            skip: self.skip || other.skip,
            only: self.only || other.only,
            region: self.region || other.region,
        }
    }
}

/// What a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Test,
    /// A class, module or block with tests in it.
    Group,
    /// A function that is no test.
    Helper,
}

/// The beginning of something that has lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub kind: Kind,
    /// Empty where the line does not tell.
    pub name: String,
    pub marks: Marks,
}

impl Head {
    pub(super) fn new(kind: Kind, name: &str) -> Self {
        Self { kind, name: name.to_owned(), marks: Marks::default() }
    }
}

impl Language {
    #[cfg(test)]
    pub(super) const ALL: [Self; 10] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::Go,
        Self::Java,
        Self::CSharp,
        Self::Ruby,
        Self::Cpp,
        Self::Php,
        Self::Swift,
    ];

    /// The language of a file, by its name.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(match name.rsplit_once('.')?.1 {
            "rs" => Self::Rust,
            "py" => Self::Python,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => Self::JavaScript,
            "go" => Self::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" => Self::Java,
            "cs" => Self::CSharp,
            "rb" => Self::Ruby,
            "c" | "cc" | "cpp" | "cxx" | "h" | "hh" | "hpp" => Self::Cpp,
            "php" => Self::Php,
            "swift" => Self::Swift,
            _ => return None,
        })
    }

    /// How it writes comments and strings.
    pub(super) const fn syntax(self) -> &'static Syntax {
        const SLASHES: Syntax =
            Syntax { line: &["//"], block: Some(("/*", "*/")), long: &[], short: b"\"'", rust: false };
        const HASH: Syntax = Syntax { line: &["#"], block: None, long: &[], short: b"\"'", rust: false };
        match self {
            Self::Rust => &Syntax { long: &["\""], short: b"'", rust: true, ..SLASHES },
            Self::Python => &Syntax { long: &["\"\"\"", "'''"], ..HASH },
            Self::JavaScript => &Syntax { long: &["`"], ..SLASHES },
            Self::Go => &Syntax { long: &["`"], ..SLASHES },
            Self::Java | Self::Swift => &Syntax { long: &["\"\"\""], ..SLASHES },
            Self::CSharp | Self::Cpp | Self::Php => &SLASHES,
            Self::Ruby => &HASH,
        }
    }

    /// What an attribute or decorator says; `None` for any other line.
    pub(super) fn attribute(self, code: &str) -> Option<Marks> {
        let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
        Some(match self {
            Self::Rust if code.starts_with("#[") || code.starts_with("#![") => heads::rust_attribute(code),
            Self::Python if code.starts_with('@') => {
                let skip = has(&["mark.skip", "mark.xfail", "@unittest.skip", "@skip", "expectedFailure"]);
                Marks { skip, ..Marks::default() }
            }
            Self::Java | Self::Swift if code.starts_with('@') => Marks {
                test: has(&["@Test", "@ParameterizedTest", "@RepeatedTest", "@Property"]),
                skip: has(&["@Disabled", "@Ignore", "enabled = false", ".disabled("]),
                ..Marks::default()
            },
            Self::CSharp if code.starts_with('[') => Marks {
                test: has(&["[Fact", "[Theory", "[Test", ", Fact", ", Theory", ", Test"]),
                skip: has(&["Skip =", "Skip=", "Ignore"]),
                ..Marks::default()
            },
            Self::Php if code.starts_with("#[") => Marks { test: has(&["Test"]), ..Marks::default() },
            _ => return None,
        })
    }

    /// What a line begins, if it begins something; `next` is the line after it.
    pub(super) fn head(self, code: &str, text: &str, next: &str, marks: Marks) -> Option<Head> {
        match self {
            Self::Rust => heads::rust(code, marks),
            Self::Python => heads::python(code),
            Self::JavaScript => heads::javascript(code, text, next),
            Self::Go => heads::go(code),
            Self::Java | Self::CSharp => heads::java(code, text, marks),
            Self::Ruby => heads::ruby(code, text),
            Self::Cpp => heads::cpp(code, text),
            Self::Php => heads::php(code, text, next, marks),
            Self::Swift => heads::swift(code, marks),
        }
    }

    /// Whether a statement keeps tests around it from running.
    pub(super) fn skips(self, code: &str) -> bool {
        let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
        match self {
            Self::Rust => false,
            Self::Python => {
                has(&["pytest.skip(", ".skipTest(", "pytest.xfail(", "pytest.importorskip(", "mark.skip", "mark.xfail"])
                    || (code.starts_with("raise ") && code.contains("SkipTest"))
                    || code.starts_with("__test__ = False")
            }
            Self::JavaScript => {
                has(&["this.skip(", "test.skip(", "test.fixme(", "t.skip(", "ctx.skip(", "context.skip("])
            }
            Self::Go => has(&[".Skip(", ".SkipNow(", ".Skipf("]),
            Self::Java => has(&["assumeTrue(false", "assumeFalse(true"]),
            Self::CSharp => has(&["Assert.Ignore(", "Assert.Inconclusive(", "Skip.If("]),
            Self::Ruby => ["skip", "pending"].iter().any(|word| {
                code.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']))
            }),
            Self::Cpp => has(&["GTEST_SKIP("]) || code.starts_with("SKIP("),
            Self::Php => has(&["markTestSkipped(", "markTestIncomplete(", "->skip("]),
            Self::Swift => has(&["XCTSkip"]),
        }
    }

    /// Where in a line an assertion stands.
    pub(super) fn asserts(self, code: &str) -> Option<usize> {
        if ["use ", "import ", "from ", "require ", "#include"].iter().any(|start| code.starts_with(start)) {
            return None;
        }
        let any = |marks: &[&str]| marks.iter().filter_map(|mark| code.find(mark)).min();
        match self {
            Self::Rust => {
                let is_macro = |at: usize| {
                    let rest = code.get(at..).unwrap_or_default();
                    let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    rest.get(name..).is_some_and(|after| after.starts_with('!'))
                };
                code.match_indices("assert").map(|(at, _)| at).find(|at| is_macro(*at)).or_else(|| any(&[".assert"]))
            }
            Self::Python => {
                let bare = (code.starts_with("assert ") || code.starts_with("assert(")).then_some(0);
                bare.or_else(|| any(&[".assert", "pytest.raises", "pytest.warns", ".should"]))
            }
            Self::JavaScript => {
                any(&["expect(", "assert(", "assert.", ".should", "expectTypeOf(", "t.is(", "t.deepEqual("])
            }
            Self::Go => {
                any(&["t.Error", "t.Fatal", "t.Fail", "b.Fatal", "assert.", "require.", "Expect(", ".True(", ".Equal("])
            }
            Self::Java => any(&["assert", "expect(", "verify(", ".should"]),
            Self::CSharp => any(&["Assert.", ".Should()", ".Verify("]),
            Self::Ruby => any(&["expect(", "expect {", "assert", "refute", ".must_", ".should", "is_expected"]),
            Self::Cpp => any(&["EXPECT_", "ASSERT_", "REQUIRE", "CHECK", "BOOST_TEST", "assert("]),
            Self::Php => any(&["assert", "expect("]),
            Self::Swift => any(&["XCTAssert", "#expect(", "#require("]),
        }
    }
}
