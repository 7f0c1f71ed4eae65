//! The reference in docs/configuration.md, held to the schema. `UPDATE_DOCS=1` writes it anew.

use loopdash::app::config::config_schema;
use serde_json::Value;
use std::fmt::Write;

const START: &str = "<!-- reference:start -->\n";
const END: &str = "<!-- reference:end -->\n";

fn definition(name: &str) -> &'static Value {
    config_schema().pointer(&format!("/$defs/{name}")).unwrap()
}

/// What may be written for a key, in a few words.
fn kind(schema: &Value) -> String {
    let (schema, name) = match schema["$ref"].as_str() {
        Some(reference) => (definition(&reference[8..]), &reference[8..]),
        None => (schema, ""),
    };
    match name {
        "Duration" => return "duration".to_owned(),
        "Dollars" => return "dollars".to_owned(),
        "Percent" => return "percent".to_owned(),
        _ => {}
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let words: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice["const"])).collect();
        return words.join(", ");
    }
    if schema["anyOf"].is_array() {
        return "string or array".to_owned();
    }
    match (schema["type"].as_str().unwrap(), schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        ("integer", Some(least), Some(most)) => format!("{least} to {most}"),
        ("object", ..) => "table".to_owned(),
        (kind, ..) => kind.to_owned(),
    }
}

fn table(text: &mut String, title: &str, name: &str) {
    let schema = definition(name);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    writeln!(text, "### `{title}`\n\n{}\n", schema["description"].as_str().unwrap().replace('\n', " ")).unwrap();
    text.push_str("| key | value | default | |\n|---|---|---|---|\n");
    let keys = schema["properties"].as_object().unwrap();
    let mut keys: Vec<(&String, &Value)> =
        keys.iter().filter(|(key, _)| !["limits", "gate"].contains(&key.as_str())).collect();
    keys.sort_by_key(|(key, _)| *key != "name");
    for (key, value) in keys {
        let default = match &value["default"] {
            Value::Null if required.contains(&key.as_str()) => "must be given".to_owned(),
            Value::Null => String::new(),
            default => format!("`{default}`"),
        };
        let words = value["description"].as_str().unwrap().replace('\n', " ");
        writeln!(text, "| `{key}` | {} | {default} | {words} |", kind(value)).unwrap();
    }
    text.push('\n');
}

fn reference() -> String {
    let mut text = String::from("\n");
    for (title, name) in [
        ("[engine]", "Engine"),
        ("[ui]", "Ui"),
        ("[agents.NAME]", "Agent"),
        ("[agents.NAME.watch]", "WatchLimits"),
        ("[prices.\"MODEL\"]", "Price"),
        ("[profiles.NAME]", "Profile"),
        ("[notify]", "Notify"),
        ("[hooks]", "Hooks"),
        ("[[loop]]", "Loop"),
        ("[stuck]` and `[loop.stuck]", "Stuck"),
        ("[loop.limits]", "LoopLimits"),
        ("[[loop.gate]]", "Gate"),
    ] {
        table(&mut text, title, name);
    }
    text
}

#[test]
fn the_reference_is_what_the_schema_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let reference = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{START}{reference}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, reference, "run the test with UPDATE_DOCS=1");
}

#[test]
fn every_variable_is_documented() {
    let page = include_str!("../../docs/configuration.md");
    for (section, name) in [("ENGINE", "Engine"), ("UI", "Ui")] {
        for key in definition(name)["properties"].as_object().unwrap().keys() {
            let variable = format!("`LOOPDASH_{section}_{}`", key.to_uppercase());
            assert!(page.contains(&variable), "{variable}");
        }
    }
}
