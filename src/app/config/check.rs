//! Holds a TOML document against the configuration's schema and reports every unknown key and wrong type at once.
//!
//! Deserialising stops at the first mistake; [`check`] walks the whole document, so that one run shows them all.

use super::diagnostics::{Place, Problem, Problems, Source};
use super::schema::resolve;
use crate::loops::core::duration::Span;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reports what in `document` does not fit the schema `root`.
pub(super) fn check(root: &Value, source: &Arc<Source>, document: &Spanned<DeTable<'_>>, problems: &mut Problems) {
    let mut walk = Walk { root, source, problems };
    walk.table(root, document.get_ref(), document.span(), "the file");
}

struct Walk<'a> {
    root: &'a Value,
    source: &'a Arc<Source>,
    problems: &'a mut Problems,
}

impl Walk<'_> {
    fn report(&mut self, span: Range<usize>, problem: Problem) {
        self.problems.0.push(problem.at(Some(Place { source: Arc::clone(self.source), span })));
    }

    fn table(&mut self, schema: &Value, table: &DeTable<'_>, span: Range<usize>, name: &str) {
        let none = serde_json::Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let others = schema.get("additionalProperties");
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            match (known.get(word), others) {
                (Some(inner), _) => self.value(inner, value, word),
                (None, Some(inner)) if inner.is_object() => self.value(inner, value, word),
                _ => {
                    let problem = Problem::new(format!("unknown key `{word}` in {name}"))
                        .label("not a key here")
                        .nearest(word, known.keys().map(String::as_str), "known keys");
                    self.report(key.span(), problem);
                }
            }
        }
        for missing in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !table.iter().any(|(key, _)| key.get_ref() == missing) {
                let problem = Problem::new(format!("{name} has no `{missing}`")).label(format!("add `{missing} = …`"));
                self.report(span.clone(), problem);
            }
        }
    }

    fn value(&mut self, schema: &Value, value: &Spanned<DeValue<'_>>, name: &str) {
        let (schema, definition) = resolve(self.root, schema);
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let fitting = choices.iter().find(|choice| {
                let wanted = resolve(self.root, choice).0.get("type").and_then(Value::as_str);
                wanted.is_none_or(|wanted| fits(wanted, value.get_ref()))
            });
            return match fitting {
                Some(choice) => self.value(choice, value, name),
                None => {
                    let wanted: Vec<&str> = choices.iter().map(|choice| wanted(resolve(self.root, choice).0)).collect();
                    self.wrong_type(value, name, &wanted.join(" or "));
                }
            };
        }
        if let Some(words) = words_of(schema) {
            return self.word(&words, value, name);
        }
        let expected = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        if !expected.is_empty() && !fits(expected, value.get_ref()) {
            return self.wrong_type(value, name, wanted(schema));
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(schema, table, value.span(), &format!("`{name}`")),
            DeValue::Array(items) => {
                for item in items {
                    self.value(schema.get("items").unwrap_or(&Value::Null), item, name);
                }
            }
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                self.range(schema, number, value, name);
            }
            DeValue::String(text) if definition == Some("Duration") => {
                if let Err(error) = Span::parse(text) {
                    let problem = Problem::new(format!("`{name}` is no duration")).label(error.to_string());
                    self.report(value.span(), problem);
                }
            }
            DeValue::String(text) => {
                let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or_default();
                if (text.chars().count() as u64) < least {
                    self.report(value.span(), Problem::new(format!("`{name}` is empty")).label("write something"));
                }
            }
            _ => {}
        }
    }

    fn range(&mut self, schema: &Value, number: Option<i64>, value: &Spanned<DeValue<'_>>, name: &str) {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if number.is_none_or(|number| number < least || number > most) {
            let problem = Problem::new(format!("`{name}` is out of range")).label(format!("must be {least} to {most}"));
            self.report(value.span(), problem);
        }
    }

    fn word(&mut self, words: &[&str], value: &Spanned<DeValue<'_>>, name: &str) {
        let DeValue::String(text) = value.get_ref() else {
            return self.wrong_type(value, name, "a string");
        };
        if !words.contains(&text.as_ref()) {
            let problem = Problem::new(format!("`{name}` cannot be `{text}`")).label("unknown value").nearest(
                text,
                words.iter().copied(),
                "known values",
            );
            self.report(value.span(), problem);
        }
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, name: &str, wanted: &str) {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        let problem = Problem::new(format!("`{name}` must be {wanted}")).label(format!("this is {article} {found}"));
        self.report(value.span(), problem);
    }
}

/// Whether a TOML value is of a JSON type; a whole number is a number.
fn fits(wanted: &str, value: &DeValue<'_>) -> bool {
    let found = type_of(value);
    wanted == found || (wanted == "number" && found == "integer")
}

/// The JSON type that a TOML value is.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
        // JSON has no such type, so no schema asks for it.
        DeValue::Datetime(_) => "datetime",
    }
}

/// How a schema's type is called in a message.
fn wanted(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "a string",
        Some("integer") => "an integer",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        Some("array") => "an array",
        Some("object") => "a table",
        _ => "something else",
    }
}

/// The words of an enumeration, however the schema spells it.
fn words_of(schema: &Value) -> Option<Vec<&str>> {
    let listed = schema.get("enum").and_then(Value::as_array).map(|words| words.iter().collect::<Vec<_>>());
    let words = match (listed, schema.get("const"), schema.get("oneOf").and_then(Value::as_array)) {
        (Some(words), ..) => words,
        (_, Some(word), _) => vec![word],
        (.., Some(choices)) => choices.iter().filter_map(|choice| choice.get("const")).collect(),
        _ => return None,
    };
    Some(words.into_iter().filter_map(Value::as_str).collect())
}
