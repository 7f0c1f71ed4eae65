//! Assertions that hold whatever the code does: `assert!(true)`, `assertEqual(1, 1)`, `expect(true).toBe(true)`.
//!
//! Only what can be seen without knowing any value is called so.

/// Whether a statement that asserts says nothing. `code` is the same with its strings blank.
pub(super) fn is_trivial(text: &str, code: &str) -> bool {
    // Python's statement is no call, whatever is called in it.
    let called = if code.starts_with("assert ") { None } else { call(text, code) };
    let Some((name, arguments, rest)) = called else {
        let end = code.find([',', ';']).unwrap_or(text.len());
        let bare = text.get(..end).unwrap_or(text).trim();
        return holds(bare.strip_prefix("assert").unwrap_or(bare));
    };
    let mut arguments: Vec<&str> = arguments;
    // Who asserts is no part of what is asserted.
    if arguments.len() > 1 && matches!(arguments.first(), Some(&("t" | "self" | "s.T()" | "t.Context()"))) {
        arguments.remove(0);
    }
    let name = name.to_ascii_lowercase();
    if name.ends_with("expect") {
        let expected = call(rest.0, rest.1).map(|(_, arguments, _)| arguments).unwrap_or_default();
        return match (arguments.first(), expected.first()) {
            (Some(got), None) => is_constant(got),
            (Some(got), Some(expected)) => is_constant(got) && is_constant(expected),
            (None, _) => false,
        };
    }
    let (first, second) = (arguments.first().copied().unwrap_or_default(), arguments.get(1).copied());
    if ["eq", "equal", "equals", "same", "is", "deepequal", "strictequal", "identical"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return second.is_some_and(|second| same(first, second));
    }
    if ["false", "no", "refute", "not_true"].iter().any(|end| name.ends_with(end)) {
        return matches!(first, "false" | "False" | "0" | "null" | "nil" | "None");
    }
    let asserts = ["assert", "true", "ok", "truthy", "that", "check", "require"];
    asserts.iter().any(|end| name.ends_with(end)) && holds(first)
}

/// Whether a condition holds whatever the code does.
fn holds(condition: &str) -> bool {
    let condition = condition.trim();
    let condition = condition.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(condition).trim();
    let negated = ["!false", "not False", "!0", "not 0", "not None"].contains(&condition);
    let is_true =
        is_constant(condition) && !matches!(condition, "false" | "False" | "0" | "\"\"" | "''" | "None" | "null");
    let sides = ["===", "==", " is "].iter().find_map(|equals| condition.split_once(equals));
    negated
        || is_true
        || sides.is_some_and(|(left, right)| !condition.contains("&&") && same(left.trim(), right.trim()))
        || ["|| true", "or True", "or true"].iter().any(|end| condition.ends_with(end))
}

/// Whether two values are the same by how they are written; what is called twice may differ.
fn same(left: &str, right: &str) -> bool {
    !left.is_empty() && left == right && (is_constant(left) || !left.contains('('))
}

/// Whether a value is written out: a number, a truth value, or one string.
fn is_constant(value: &str) -> bool {
    let value = value.trim();
    let number = value.strip_prefix('-').unwrap_or(value).replace('_', "");
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'));
    matches!(value, "true" | "false" | "True" | "False" | "null" | "nil" | "None" | "undefined")
        || number.parse::<f64>().is_ok_and(f64::is_finite)
        || quote.is_some_and(|quote| {
            value.len() > 1 && value.ends_with(quote) && value.matches(quote).count() == 2 && !value.contains("${")
        })
}

/// The first call in a statement: its name, its arguments, and what stands behind it.
fn call<'a>(text: &'a str, code: &'a str) -> Option<(&'a str, Vec<&'a str>, (&'a str, &'a str))> {
    let open = code.find('(')?;
    let before = code.get(..open)?.trim_end().trim_end_matches('!');
    let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    let name = before.get(start..).filter(|name| !name.is_empty() && *name != "not")?;
    let (mut depth, mut from, mut arguments) = (0_u32, open + 1, Vec::new());
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => {
                arguments.push(text.get(from..at)?.trim());
                from = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            let last = text.get(from..at)?.trim();
            arguments.extend((!last.is_empty()).then_some(last));
            return Some((name, arguments, (text.get(at + 1..)?, code.get(at + 1..)?)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::blank::blank;
    use super::super::language::Language;
    use super::*;
    use proptest::prelude::*;

    fn trivial(language: Language, text: &str) -> bool {
        is_trivial(text, &blank(text, language.syntax()))
    }

    #[test]
    fn what_holds_anyway_is_trivial_and_nothing_else_is() {
        use Language::{Go, Java, JavaScript, Python, Rust};
        let yes = [
            (Rust, "assert!(true);"),
            (Rust, "assert!(true, \"it works\");"),
            (Rust, "assert_eq!(1, 1);"),
            (Rust, "assert_eq!(total, total);"),
            (Rust, "assert!(1 == 1);"),
            (Rust, "assert!(open() || true);"),
            (Python, "assert True"),
            (Python, "assert True, 'fine'"),
            (Python, "assert 1 == 1"),
            (Python, "assert not False"),
            (Python, "assert \"a, b\""),
            (Python, "self.assertTrue(True)"),
            (Python, "self.assertEqual(1, 1)"),
            (Python, "assert total() == 3 or True"),
            (JavaScript, "expect(true).toBe(true);"),
            (JavaScript, "expect(1).toEqual(1)"),
            (JavaScript, "expect('a').toBeTruthy()"),
            (JavaScript, "assert(true)"),
            (JavaScript, "assert.ok(true)"),
            (JavaScript, "assert.strictEqual(1, 1)"),
            (Go, "assert.True(t, true)"),
            (Go, "require.Equal(t, 1, 1)"),
            (Java, "assertTrue(true);"),
            (Java, "Assertions.assertEquals(2, 2);"),
            (Java, "assertFalse(false);"),
        ];
        let no = [
            (Rust, "assert!(open());"),
            (Rust, "assert_eq!(a(), 1);"),
            (Rust, "assert_eq!(next(), next());"),
            (Rust, "assert_ne!(1, total);"),
            (Rust, "assert_eq!(\"a\", \"b\");"),
            (Rust, "assert!(\"a\" == name);"),
            (Rust, "assert!(matches!(x, Some(1)));"),
            (Rust, "assert!(false);"),
            (Python, "assert x"),
            (Python, "assert total() == 3"),
            (Python, "assert (a, b) == (1, 2)"),
            (Python, "assert 1 in found"),
            (Python, "self.assertEqual(total(), 1)"),
            (Python, "self.assertTrue(is_open)"),
            (Python, "assert False, 'not reached'"),
            (Python, "with pytest.raises(ValueError):"),
            (JavaScript, "expect(total).toBe(true);"),
            (JavaScript, "expect(200).toBe(response.status);"),
            (JavaScript, "expect(total()).toBeTruthy()"),
            (JavaScript, "assert.equal(total, 1)"),
            (Go, "assert.True(t, ok)"),
            (Go, "t.Errorf(\"got %d\", n)"),
            (Go, "t.Fatal(err)"),
            (Java, "assertTrue(cart.isEmpty());"),
        ];
        for (language, text) in yes {
            assert!(trivial(language, text), "{text}");
        }
        for (language, text) in no {
            assert!(!trivial(language, text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in r#"(assert|expect|!|\(|\)|,|==|true|"|'|é| |a|1){0,30}"#) {
            for language in Language::ALL {
                let _ = trivial(language, &text);
            }
        }
    }
}
