//! The JSON Schema of the configuration, made from the types in [`super::file`].
//!
//! Editors get it from `loopdash schema config`; the checker in [`super::check`] walks the same document, so what an
//! editor underlines is what loopdash refuses.

use super::file::Config;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;
use std::sync::OnceLock;

/// Takes `null` out: TOML has none, and `Option` only means that a key may be absent.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    if schema.get(&key).is_none() {
                        schema.insert(key, value);
                    }
                }
            }
        }
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        transform_subschemas(self, schema);
    }
}

/// The JSON Schema (draft 2020-12) of a type as it is read, without `null`.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with_transform(WithoutNull);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema of the configuration file; made once.
pub fn config_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(schema_of::<Config>)
}

/// Follows `$ref` inside `root`, and gives the name of the definition it led to.
pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return (schema, None) };
    let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
    (target.unwrap_or(schema), reference.rsplit('/').next())
}

/// The schema of `section.key` for a key of a plain table such as `engine`.
pub(super) fn property<'a>(root: &'a Value, schema: &'a Value, key: &str) -> Option<&'a Value> {
    resolve(root, schema).0.get("properties")?.get(key)
}

/// The keys of the table that `schema` describes, sorted.
pub(super) fn keys<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    resolve(root, schema)
        .0
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default()
}
