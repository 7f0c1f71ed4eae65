//! How a test, a group of tests or a helper begins in each language.
//!
//! Lines come without their indentation.

use super::language::{Head, Kind, Marks};

/// The identifier at the start of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The text without any of these words in front.
fn without<'a>(mut text: &'a str, words: &[&str]) -> &'a str {
    while let Some(rest) = words.iter().find_map(|word| text.strip_prefix(word)) {
        text = rest.trim_start();
    }
    text
}

/// The first string in a text.
fn quoted(text: &str) -> Option<&str> {
    let at = text.find(['"', '\'', '`'])?;
    let quote = text.get(at..)?.chars().next()?;
    let rest = text.get(at + 1..)?;
    rest.split(quote).next()
}

fn group(name: &str) -> Head {
    Head::new(Kind::Group, name)
}

pub(super) fn rust_attribute(code: &str) -> Marks {
    let inner = code.trim_start_matches(['#', '!']).trim_start_matches('[');
    let path = inner.get(..inner.find(['(', ']', ' ', '=']).unwrap_or(inner.len())).unwrap_or_default();
    let last = path.rsplit("::").next().unwrap_or(path);
    let packed: String = code.split_whitespace().collect();
    let never = ["cfg(any())", "cfg(false)", "cfg(FALSE)", "cfg(not(all()))"];
    let when = path == "cfg_attr" && packed.contains(",ignore") && !packed.contains("(miri,");
    Marks {
        test: last.ends_with("test") || matches!(last, "test_case" | "quickcheck"),
        skip: path == "ignore" || when || never.iter().any(|cfg| packed.contains(cfg)),
        only: false,
        region: packed.contains("cfg(test)") || packed.contains("(test,") || packed.contains(",test"),
    }
}

pub(super) fn rust(code: &str, marks: Marks) -> Option<Head> {
    let code = without(code, &["pub(crate) ", "pub(super) ", "pub ", "async ", "const ", "unsafe ", "extern "]);
    if let Some(rest) = code.strip_prefix("fn ") {
        return Some(Head::new(if marks.test { Kind::Test } else { Kind::Helper }, word(rest)));
    }
    code.strip_prefix("mod ").filter(|rest| rest.contains('{')).map(|rest| group(word(rest)))
}

pub(super) fn python(code: &str) -> Option<Head> {
    if let Some(rest) = without(code, &["async "]).strip_prefix("def ") {
        let name = word(rest);
        return Some(Head::new(if name.starts_with("test") { Kind::Test } else { Kind::Helper }, name));
    }
    code.strip_prefix("class ").map(|rest| group(word(rest)))
}

pub(super) fn javascript(code: &str, text: &str, next: &str) -> Option<Head> {
    let cut = code.len() - without(code, &["await ", "export ", "void "]).len();
    let (code, text) = (code.get(cut..)?, text.get(cut..)?);
    let end = code.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_')).unwrap_or(code.len());
    let (chain, rest) = (code.get(..end)?, code.get(end..)?);
    if !rest.starts_with(['(', '`', '<']) {
        return None;
    }
    let mut parts = chain.split('.');
    let first = parts.next()?;
    let parts: Vec<&str> = parts.collect();
    let is_group =
        matches!(first, "describe" | "fdescribe" | "xdescribe" | "context" | "xcontext" | "suite" | "ddescribe");
    let is_test = matches!(first, "it" | "test" | "specify" | "fit" | "iit" | "xit" | "xtest" | "xspecify")
        || (first == "Deno" && parts.first() == Some(&"test"));
    let known = ["skip", "todo", "fixme", "failing", "ignore", "skipIf", "runIf", "only", "each", "concurrent", "for"];
    let known =
        |part: &&str| known.contains(part) || matches!(*part, "describe" | "test" | "serial" | "fails" | "parallel");
    if !(is_group || is_test) || !parts.iter().all(known) {
        return None;
    }
    let arguments = text.get(end..)?;
    // `test.skip(condition)` inside a test is a statement.
    let begins = arguments.get(1..).unwrap_or_default().trim_start();
    if is_test && parts == ["skip"] && !(begins.is_empty() || begins.starts_with(['"', '\'', '`'])) {
        return None;
    }
    let named = if parts.contains(&"each") || parts.contains(&"for") {
        arguments.find(")(").and_then(|at| arguments.get(at..)).unwrap_or(arguments)
    } else {
        arguments
    };
    let name = quoted(named).or_else(|| quoted(next)).unwrap_or(named);
    let kind = if is_group || parts.contains(&"describe") { Kind::Group } else { Kind::Test };
    let has = |words: &[&str]| words.iter().any(|word| parts.contains(word));
    let marks = Marks {
        skip: first.starts_with('x')
            || has(&["skip", "todo", "fixme", "failing", "ignore"])
            || rest.contains("skip: true"),
        only: matches!(first, "fit" | "iit" | "fdescribe" | "ddescribe")
            || has(&["only"])
            || rest.contains("only: true"),
        ..Marks::default()
    };
    Some(Head { marks, ..Head::new(kind, name) })
}

pub(super) fn go(code: &str) -> Option<Head> {
    let rest = code.strip_prefix("func ")?;
    let rest = match rest.strip_prefix('(') {
        Some(receiver) => receiver.split_once(')')?.1.trim_start(),
        None => rest,
    };
    let name = word(rest);
    let test = ["Test", "Fuzz", "Example"].iter().any(|start| name.starts_with(start)) && name != "TestMain";
    Some(Head::new(if test { Kind::Test } else { Kind::Helper }, name))
}

pub(super) fn java(code: &str, text: &str, marks: Marks) -> Option<Head> {
    let words = || code.split(|c: char| !c.is_alphanumeric() && c != '_');
    if let Some(at) = words().position(|word| matches!(word, "class" | "object" | "record" | "struct")) {
        return words().nth(at + 1).filter(|name| !name.is_empty()).map(group);
    }
    let open = code.find('(')?;
    let before = code.get(..open)?.trim_end();
    let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let old = name.starts_with("test") && before.contains("void ");
    if !marks.test && !old {
        return None;
    }
    // Kotlin's names may be sentences.
    let name = if name.is_empty() { quoted(text).unwrap_or_default() } else { name };
    Some(Head::new(Kind::Test, name))
}

pub(super) fn ruby(code: &str, text: &str) -> Option<Head> {
    if let Some(rest) = code.strip_prefix("def ") {
        let name = word(rest);
        return Some(Head::new(if name.starts_with("test") { Kind::Test } else { Kind::Helper }, name));
    }
    let first = word(code);
    let first = if first == "RSpec" { word(code.strip_prefix("RSpec.")?) } else { first };
    let kind = match first {
        "it" | "xit" | "fit" | "specify" | "xspecify" | "scenario" | "example" | "test" => Kind::Test,
        "describe" | "xdescribe" | "fdescribe" | "context" | "xcontext" | "fcontext" | "feature" | "class"
        | "module" => Kind::Group,
        _ => return None,
    };
    let opens = code.ends_with(" do") || code.contains(" do |") || code.contains('{');
    if kind == Kind::Test && !opens {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let marks = Marks {
        skip: first.starts_with('x') || has(&["skip:", ":skip", "pending:", ":pending"]),
        only: first.starts_with('f') && first != "feature" || has(&[":focus", "focus: true"]),
        ..Marks::default()
    };
    Some(Head { marks, ..Head::new(kind, quoted(text).unwrap_or(text)) })
}

pub(super) fn cpp(code: &str, text: &str) -> Option<Head> {
    let first = word(code);
    let known = ["TEST", "TEST_F", "TEST_P", "TYPED_TEST", "TYPED_TEST_P", "TEST_CASE", "SCENARIO"];
    if !(known.contains(&first) || first.starts_with("BOOST_AUTO_TEST_CASE")) {
        return None;
    }
    let name = text.get(first.len()..)?.trim_end_matches(['{', ' ']);
    let marks = Marks { skip: name.contains("DISABLED_") || name.contains("[.]"), ..Marks::default() };
    Some(Head { marks, ..Head::new(Kind::Test, &name.replace("DISABLED_", "")) })
}

pub(super) fn php(code: &str, text: &str, next: &str, marks: Marks) -> Option<Head> {
    let method = without(code, &["public ", "protected ", "private ", "final ", "static "]);
    if let Some(rest) = method.strip_prefix("function ") {
        let name = word(rest);
        let test = marks.test || name.starts_with("test");
        return Some(Head::new(if test { Kind::Test } else { Kind::Helper }, name));
    }
    if let Some(rest) = without(code, &["final ", "abstract "]).strip_prefix("class ") {
        return Some(group(word(rest)));
    }
    javascript(code, text, next)
}

pub(super) fn swift(code: &str, marks: Marks) -> Option<Head> {
    let code = without(code, &["@Test ", "public ", "override ", "final ", "static ", "private "]);
    if let Some(rest) = code.strip_prefix("func ") {
        let name = word(rest);
        let test = marks.test || name.starts_with("test");
        return Some(Head::new(if test { Kind::Test } else { Kind::Helper }, name));
    }
    ["class ", "struct ", "enum "].iter().find_map(|start| code.strip_prefix(start)).map(|rest| group(word(rest)))
}
