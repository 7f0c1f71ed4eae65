//! One side of a file read for its tests: [`read`] finds them by how lines are indented, with what skips them and what
//! they assert.
//!
//! It parses no language. Code that is laid out as its formatter would is read right; of any other, what is read on both
//! sides of a change is wrong in the same way.

use super::blank::blank;
use super::language::{Head, Kind, Language, Marks};
use super::trivial::is_trivial;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Lines that one statement is looked for in.
const LONGEST_STATEMENT: usize = 12;

/// What a file holds of tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    /// Its tests, in order.
    pub tests: Vec<Test>,
    /// Its assertions that say something, each by a checksum of its text, with how many there are.
    pub assertions: BTreeMap<u64, u32>,
    /// Skips that belong to no test here.
    pub loose_skips: u32,
    /// Whether a build constraint stands in it.
    pub constrained: bool,
}

/// A test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Test {
    /// Its name, without the groups that it is in.
    pub name: String,
    /// Whether it does not run.
    pub skipped: bool,
    /// Whether others do not run for it.
    pub only: bool,
    /// A checksum of its lines below its name, and how many those are.
    pub body: (u64, u32),
}

/// What lines below a head belong to.
struct Scope {
    indent: usize,
    kind: Kind,
    marks: Marks,
    /// The first test in it.
    first: usize,
    hasher: DefaultHasher,
    lines: u32,
}

/// An attribute that may go on over lines.
#[derive(Default)]
struct Pending {
    marks: Marks,
    depth: i32,
}

struct Reader<'a> {
    language: Language,
    /// Whether assertions outside of tests are those of tests, too.
    all: bool,
    code: Vec<&'a str>,
    text: Vec<&'a str>,
    scopes: Vec<Scope>,
    pending: Pending,
    /// Whether something skips the whole file.
    skips_all: bool,
    sheet: Sheet,
}

/// Reads one side of a file. `all` says whether the whole file is there for tests.
pub(super) fn read(language: Language, all: bool, text: &str) -> Sheet {
    let code = blank(text, language.syntax());
    let mut reader = Reader {
        language,
        all,
        code: code.lines().collect(),
        text: text.lines().collect(),
        scopes: Vec::new(),
        pending: Pending::default(),
        skips_all: false,
        sheet: Sheet::default(),
    };
    for at in 0..reader.code.len() {
        reader.line(at);
    }
    reader.finish()
}

fn depth(code: &str) -> i32 {
    let open = code.matches(['(', '[', '{']).count();
    let close = code.matches([')', ']', '}']).count();
    i32::try_from(open).unwrap_or(i32::MAX) - i32::try_from(close).unwrap_or(i32::MAX)
}

impl<'a> Reader<'a> {
    fn line(&mut self, at: usize) {
        let of = |lines: &[&'a str]| lines.get(at).copied().unwrap_or_default();
        let (whole, written) = (of(&self.code), of(&self.text));
        let code = whole.trim();
        if self.language == Language::Go && (written.starts_with("//go:build") || written.starts_with("// +build")) {
            self.sheet.constrained = true;
        }
        if code.is_empty() {
            return;
        }
        let indent = whole.len() - whole.trim_start().len();
        let text = written.get(indent..).unwrap_or(written).trim();
        if self.pending.depth > 0 {
            self.pending.depth += depth(code);
            self.pending.marks.skip |= self.language.skips(code);
            return;
        }
        if code.starts_with(['}', ')', ']']) || code == "end" {
            self.hash(written);
            // What goes on is the rest of a head, or of a statement.
            if !code.ends_with(['{', ':', ',']) && !code.ends_with(" do") {
                self.leave(indent);
            }
            return self.statement(at, code, text, indent);
        }
        if code != "{" {
            self.leave(indent);
        }
        self.hash(written);
        let (code, text) = self.attributes(code, text);
        if code.is_empty() {
            return;
        }
        let next = self.text.get(at + 1).map_or("", |next| next.trim());
        match self.language.head(code, text, next, self.pending.marks) {
            Some(head) => self.enter(head, indent),
            None => self.pending = Pending::default(),
        }
        self.statement(at, code, text, indent);
    }

    /// Takes attributes from the front of a line and returns what is left of it.
    fn attributes(&mut self, mut code: &'a str, mut text: &'a str) -> (&'a str, &'a str) {
        while let Some(marks) = self.language.attribute(code) {
            let end = match self.language {
                Language::Rust | Language::CSharp | Language::Php => closing(code).map(|end| end + 1),
                Language::Java | Language::Swift => Some(annotation(code)),
                _ => None,
            };
            let inner = code.get(..end.unwrap_or(code.len())).unwrap_or(code);
            // Only the attribute's own words count.
            let marks = if end.is_some() { self.language.attribute(inner).unwrap_or(marks) } else { marks };
            self.pending.marks = self.pending.marks.and(marks);
            self.pending.depth = depth(inner).max(0);
            let Some(end) = end.filter(|end| *end < code.len()) else { return ("", "") };
            let cut = |of: &'a str| of.get(end..).unwrap_or_default().trim_start();
            (code, text) = (cut(code), cut(text));
        }
        (code, text)
    }

    fn enter(&mut self, head: Head, indent: usize) {
        let pending = std::mem::take(&mut self.pending);
        let around = self.scopes.iter().fold(Marks::default(), |marks, scope| marks.and(scope.marks));
        let marks = pending.marks.and(head.marks);
        let all = marks.and(around);
        let first = self.sheet.tests.len();
        if head.kind == Kind::Test {
            let (skipped, only) = (all.skip || self.skips_all, all.only);
            self.sheet.tests.push(Test { name: head.name, skipped, only, body: (0, 0) });
        }
        let hasher = DefaultHasher::new();
        self.scopes.push(Scope { indent, kind: head.kind, marks, first, hasher, lines: 0 });
    }

    /// Ends what a line of this indentation does not belong to.
    fn leave(&mut self, indent: usize) {
        while let Some(scope) = self.scopes.pop_if(|scope| scope.indent >= indent) {
            if scope.kind == Kind::Test {
                let body = (scope.hasher.finish(), scope.lines);
                if let Some(test) = self.sheet.tests.get_mut(scope.first) {
                    test.body = body;
                }
            } else if scope.marks.skip && scope.kind == Kind::Group && self.sheet.tests.len() == scope.first {
                self.sheet.loose_skips += 1;
            }
        }
    }

    fn hash(&mut self, written: &str) {
        let text = written.trim();
        for scope in self.scopes.iter_mut().filter(|scope| scope.kind == Kind::Test) {
            text.hash(&mut scope.hasher);
            scope.lines += 1;
        }
    }

    fn statement(&mut self, at: usize, code: &str, text: &str, indent: usize) {
        if self.language.skips(code) {
            self.skip(indent);
        }
        let in_tests = |scope: &Scope| scope.kind == Kind::Test || scope.marks.region;
        if !(self.all || self.scopes.iter().any(in_tests)) {
            return;
        }
        let Some(begin) = self.language.asserts(code) else { return };
        let (text, code) = self.whole(at, code, text, begin);
        if !is_trivial(&text, &code) {
            let mut hasher = DefaultHasher::new();
            text.split_whitespace().for_each(|word| word.hash(&mut hasher));
            *self.sheet.assertions.entry(hasher.finish()).or_default() += 1;
        }
    }

    /// The statement that begins in a line at `begin`, to where its brackets are closed.
    fn whole(&self, at: usize, code: &str, text: &str, begin: usize) -> (String, String) {
        let cut = |line: &str| line.get(begin..).unwrap_or(line).to_owned();
        let (mut code, mut text) = (cut(code), cut(text));
        for next in (at + 1..).take(LONGEST_STATEMENT) {
            let (Some(more), Some(written)) = (self.code.get(next), self.text.get(next)) else { break };
            let goes_on = more.trim_start().starts_with('.');
            if depth(&code) <= 0 && !goes_on {
                break;
            }
            for (statement, line) in [(&mut code, more), (&mut text, written)] {
                statement.push(' ');
                statement.push_str(line);
            }
        }
        (text, code)
    }

    /// A statement that skips: the test that it stands in, or the group, or the file.
    fn skip(&mut self, indent: usize) {
        let inner = self.scopes.iter().rposition(|scope| scope.kind != Kind::Helper);
        let first = match inner.and_then(|at| self.scopes.get_mut(at)) {
            Some(scope) => {
                scope.marks.skip = true;
                scope.first
            }
            None if indent == 0 => {
                self.skips_all = true;
                0
            }
            None => {
                self.sheet.loose_skips += 1;
                return;
            }
        };
        for test in self.sheet.tests.iter_mut().skip(first) {
            test.skipped = true;
        }
    }

    fn finish(mut self) -> Sheet {
        self.leave(0);
        let tests = &mut self.sheet.tests;
        if self.skips_all && tests.is_empty() {
            self.sheet.loose_skips += 1;
        }
        if tests.iter().any(|test| test.only) {
            if tests.iter().all(|test| test.only) {
                self.sheet.loose_skips += 1;
            }
            for test in tests.iter_mut().filter(|test| !test.only) {
                test.skipped = true;
            }
        }
        self.sheet
    }
}

/// Where the brackets at the start of a text are closed.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The length of an annotation with its arguments.
fn annotation(code: &str) -> usize {
    let name = code.find(|c: char| !c.is_alphanumeric() && !matches!(c, '@' | '.' | '_')).unwrap_or(code.len());
    match code.get(name..) {
        Some(rest) if rest.starts_with('(') => closing(rest).map_or(code.len(), |end| name + end + 1),
        _ => name,
    }
}
