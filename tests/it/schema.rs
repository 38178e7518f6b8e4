//! As much of JSON Schema 2020-12 as `docs/contracts/` uses. A keyword that is not known here is a panic: a schema must
//! not say more than the tests check.

use serde_json::Value;
use vigie::event::EventTime;

/// Words that say something to people only.
const ANNOTATIONS: [&str; 7] = ["$schema", "$id", "$defs", "title", "description", "examples", "default"];

pub struct Schema {
    root: Value,
}

impl Schema {
    pub fn read(path: &str) -> Schema {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        Schema { root: serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}")) }
    }

    pub fn examples(&self) -> &[Value] {
        self.root["examples"].as_array().expect("examples")
    }

    /// Everything that is wrong with a value; empty = valid.
    pub fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.root, value, "$", &mut errors);
        errors
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        let keywords = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in keywords {
            let holds = match keyword.as_str() {
                word if ANNOTATIONS.contains(&word) => true,
                "type" => types(rule).any(|t| is(t, value)),
                "const" => rule == value,
                "enum" => rule.as_array().expect("enum").contains(value),
                "format" => {
                    assert_eq!(rule, "date-time");
                    value.as_str().is_none_or(|t| EventTime::parse(t).is_ok())
                }
                "minLength" => value.as_str().is_none_or(|t| t.chars().count() as u64 >= whole(rule)),
                "maxLength" => value.as_str().is_none_or(|t| t.chars().count() as u64 <= whole(rule)),
                "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= whole(rule)),
                "maxItems" => value.as_array().is_none_or(|a| a.len() as u64 <= whole(rule)),
                "minimum" => value.as_f64().is_none_or(|x| x >= number(rule)),
                "exclusiveMinimum" => value.as_f64().is_none_or(|x| x > number(rule)),
                "maximum" => value.as_f64().is_none_or(|x| x <= number(rule)),
                "required" => {
                    let has = |name: &Value| value.get(name.as_str().expect("a name")).is_some();
                    !value.is_object() || rule.as_array().expect("required").iter().all(has)
                }
                "properties" => {
                    for (name, schema) in rule.as_object().expect("properties") {
                        if let Some(inner) = value.get(name) {
                            self.check(schema, inner, &format!("{at}.{name}"), errors);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let named = keywords.get("properties").and_then(Value::as_object);
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        if named.is_none_or(|n| !n.contains_key(name)) {
                            self.check(rule, inner, &format!("{at}.{name}"), errors);
                        }
                    }
                    true
                }
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{i}]"), errors);
                    }
                    true
                }
                "$ref" => {
                    let pointer = rule.as_str().and_then(|r| r.strip_prefix('#')).expect("a reference inside the file");
                    self.check(self.root.pointer(pointer).expect("its target"), value, at, errors);
                    true
                }
                "if" => {
                    let mut unmet = Vec::new();
                    self.check(rule, value, at, &mut unmet);
                    if unmet.is_empty() {
                        self.check(&schema["then"], value, at, errors);
                    }
                    true
                }
                "then" => true,
                unknown => panic!("{at}: the checker does not know the keyword `{unknown}`"),
            };
            if !holds {
                errors.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
            }
        }
    }
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let one = rule.as_str();
    one.into_iter().chain(rule.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is(type_name: &str, value: &Value) -> bool {
    match type_name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|x| x.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type `{other}` in JSON"),
    }
}

fn whole(rule: &Value) -> u64 {
    rule.as_u64().expect("a whole number")
}

fn number(rule: &Value) -> f64 {
    rule.as_f64().expect("a number")
}
