use serde_json::{Map, Number, Value};

/// Deepest nesting read: a log of dictionaries in dictionaries needs three.
const MAX_DEPTH: usize = 32;

/// Reads what Python's `repr` writes of dictionaries, lists, tuples, texts, numbers, `True`, `False` and `None`.
///
/// Keys become texts (`1` is `"1"`), tuples lists, and `nan` and `inf` null: JSON has no word for them, and in these
/// logs they mean that there was no value.
///
/// # Errors
/// Says at which byte reading stopped and what was expected there.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.expected("nothing after the closing bracket")) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_ascii_start().len();
    }

    fn expected(&self, what: &str) -> String {
        match self.rest().chars().next() {
            Some(found) => format!("byte {}: expected {what}, found {found:?}", self.at),
            None => format!("the line ends where {what} was expected"),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("byte {}: more than {MAX_DEPTH} brackets inside one another", self.at));
        }
        self.blanks();
        match self.rest().bytes().next() {
            Some(b'{') => self.dictionary(depth),
            Some(b'[') => self.list(']', depth),
            Some(b'(') => self.list(')', depth),
            Some(b'\'' | b'"') => self.string().map(Value::String),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut map = Map::new();
        while !self.take("}") {
            let key = match self.value(depth + 1)? {
                Value::String(text) => text,
                key @ (Value::Number(_) | Value::Bool(_) | Value::Null) => key.to_string(),
                _ => return Err(self.expected("a key that is a text or a number")),
            };
            if !self.take(":") {
                return Err(self.expected("`:`"));
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if !self.take(",") && !self.rest().starts_with('}') {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(Value::Object(map))
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.take(close.encode_utf8(&mut [0; 4])) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") && !self.rest().starts_with(close) {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
        Ok(Value::Array(items))
    }

    fn word(&mut self) -> Result<Value, String> {
        let end = self.rest().find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest().len());
        let value = match &self.rest()[..end] {
            "None" | "nan" | "inf" => Value::Null,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => return Err(self.expected("a value")),
        };
        self.at += end;
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, String> {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let text = &self.rest()[..self.rest().find(|c| !part(c)).unwrap_or(self.rest().len())];
        let whole = text.parse::<i64>().ok().map(Number::from);
        let number = match text {
            "-inf" | "-nan" => Value::Null,
            // Rust's own words for infinity are no numbers here
            _ if text.bytes().any(|b| b.is_ascii_alphabetic() && b != b'e') => return Err(self.expected("a number")),
            _ => Value::Number(
                whole
                    .or_else(|| text.parse().ok().and_then(Number::from_f64))
                    .ok_or_else(|| self.expected("a number that fits a double"))?,
            ),
        };
        self.at += text.len();
        Ok(number)
    }

    fn string(&mut self) -> Result<String, String> {
        let quote = self.rest().chars().next();
        self.at += 1;
        let mut made = String::new();
        let unfinished = "the line ends inside a text";
        loop {
            let c = self.rest().chars().next().ok_or(unfinished)?;
            if Some(c) == quote {
                self.at += 1;
                return Ok(made);
            }
            if c.is_control() && c.is_ascii() && c != '\t' {
                // `repr` escapes them: a bare one says that the line was damaged
                return Err(format!("byte {}: a bare control character {c:?}", self.at));
            }
            self.at += c.len_utf8();
            if c == '\\' {
                self.escape(&mut made).ok_or_else(|| format!("byte {}: an escape that is not one", self.at))?;
            } else {
                made.push(c);
            }
        }
    }

    fn escape(&mut self, made: &mut String) -> Option<()> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        let meant = match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' | '\'' | '"' => c,
            'x' => self.scalar(2)?,
            'u' => self.scalar(4)?,
            'U' => self.scalar(8)?,
            _ => return None,
        };
        made.push(meant);
        Some(())
    }

    fn scalar(&mut self, digits: usize) -> Option<char> {
        let hex = self.rest().get(..digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let scalar = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
        self.at += digits;
        Some(scalar)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_repr_writes() {
        let line = r#"{'a': "l'eau", 'b': 'dit \"de lait\" \'ici\'', 1: {'x': -1.5e-05, 'y': (1, 2,), 'z': []}, 'n': None, 't': True, 's': nan, 'e': '\xe9\u2019\U0001f355\n'}"#;
        let read = read(line).unwrap();
        let expected = json!({"a": "l'eau", "b": "dit \"de lait\" 'ici'", "1": {"x": -1.5e-5, "y": [1, 2], "z": []},
            "n": null, "t": true, "s": null, "e": "é’🍕\n"});
        assert_eq!(read, expected);
    }

    #[test]
    fn says_where_it_stopped() {
        for (line, part) in [
            ("{'a': 1", "the line ends where"),
            ("{'a", "the line ends inside a text"),
            ("{'a': 1} {", "byte 9: expected nothing"),
            ("{'a': b'1'}", "byte 6: expected a value"),
            ("{'a': 0x1}", "byte 6: expected a number"),
            ("{'a': 1e999}", "fits a double"),
            ("{'a': '\\q'}", "an escape that is not one"),
            ("{'a': '\\ud83c'}", "an escape that is not one"),
            ("{'\0': 1}", "control character"),
            ("{[]: 1}", "a key that is"),
            ("{'a': Decimal('1')}", "expected a value"),
            (&"[".repeat(100_000), "brackets inside one another"),
        ] {
            let message = read(line).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(line in "[\\[\\](){}'\",:\\\\xuU0-9a-fNTe.+ é-]{0,60}") {
            let _ = read(&line);
        }
    }
}
