use std::borrow::Cow;

use memchr::memchr2;

use crate::event::EventTime;

/// What a replay must know of a line to give it a key and a moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Bytes of `prediction_id`.
    pub key: Option<Cow<'a, [u8]>>,
    /// `predicted_at` or `corrected_at`, whichever comes first.
    pub time: Option<EventTime>,
}

/// Looks at the fields of the outermost object until it has both, and no further.
///
/// No parser: a line that is cut short or broken behind these fields had its key in production too, and keeps it here.
/// There is no recursion that deep nesting could exhaust.
pub fn glance(line: &[u8]) -> Glance<'_> {
    let mut found = Glance::default();
    let (mut depth, mut at, mut previous) = (0_u32, 0, 0_u8);
    let mut name: &[u8] = b"";
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => {
                let Some(length) = string_length(&line[at + 1..]) else { break };
                let inside = &line[at + 1..at + 1 + length];
                match previous {
                    b'{' | b',' if depth == 1 => name = inside,
                    b':' if depth == 1 => {
                        match name {
                            b"prediction_id" if found.key.is_none() => found.key = unescaped(inside),
                            b"predicted_at" | b"corrected_at" if found.time.is_none() => found.time = time(inside),
                            _ => {}
                        }
                        if found.key.is_some() && found.time.is_some() {
                            break;
                        }
                    }
                    _ => {}
                }
                at += length + 1;
            }
            b'{' | b'[' => {
                depth += 1;
                previous = byte;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                previous = byte;
            }
            b',' | b':' => previous = byte,
            _ => {}
        }
        at += 1;
    }
    found
}

/// Bytes up to the quote that ends a string; `None` when it does not end.
fn string_length(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

fn unescaped(inside: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !inside.contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    let quoted = [b"\"", inside, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).ok().map(|text| Cow::Owned(text.into_bytes()))
}

fn time(inside: &[u8]) -> Option<EventTime> {
    EventTime::parse(std::str::from_utf8(&unescaped(inside)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> (Option<String>, Option<String>) {
        let found = glance(line.as_bytes());
        (found.key.map(|k| String::from_utf8_lossy(&k).into_owned()), found.time.map(|t| t.to_string()))
    }

    fn both(key: &str, time: &str) -> (Option<String>, Option<String>) {
        (Some(key.to_owned()), Some(time.to_owned()))
    }

    #[test]
    fn key_and_time_of_both_kinds() {
        let line = r#"{"prediction_id":"p-1","model":"m","predicted_at":"2026-06-01T08:18:02+02:00","status":"ok"}"#;
        assert_eq!(told(line), both("p-1", "2026-06-01T06:18:02Z"));
        let line = r#" { "correction_id" : "c" , "corrected_at" : "2026-06-02T00:00:00Z" , "prediction_id" : "p-1" } "#;
        assert_eq!(told(line), both("p-1", "2026-06-02T00:00:00Z"));
    }

    #[test]
    fn only_the_outermost_object_counts() {
        let line = r#"{"attributes":{"prediction_id":"no","predicted_at":"2026-01-01T00:00:00Z"},"text":"\"prediction_id\":\"no\",{[","candidates":[{"code":"prediction_id"}],"prediction_id":"yes"}"#;
        assert_eq!(told(line), (Some("yes".to_owned()), None));
        assert_eq!(told(r#"{"text":"prediction_id","code":"x"}"#), (None, None));
    }

    #[test]
    fn escapes_are_undone_so_that_the_key_is_the_one_the_contract_names() {
        assert_eq!(told(r#"{"prediction_id":"caf\u00e9 \"1\" \\"}"#).0.as_deref(), Some(r#"café "1" \"#));
        assert_eq!(told(r#"{"prediction_id":"\ud800"}"#), (None, None));
    }

    #[test]
    fn a_broken_line_keeps_what_stands_before_the_break() {
        assert_eq!(told(r#"{"prediction_id":"p-1","model":"m","candidates":[{"co"#).0.as_deref(), Some("p-1"));
        assert_eq!(told(r#"{"prediction_id":"p-1"#), (None, None));
        assert_eq!(told(r#"{"prediction_id":"p\"#), (None, None));
        assert_eq!(told(r#"{"prediction_id":17,"predicted_at":"yesterday"}"#), (None, None));
        assert_eq!(glance(b"\xff\xfe{not json"), Glance::default());
        assert_eq!(glance(b""), Glance::default());
    }

    #[test]
    fn deep_nesting_is_walked_not_climbed() {
        let deep = format!(r#"{{"x":{},"prediction_id":"p"}}"#, "[".repeat(1 << 20));
        assert_eq!(told(&deep), (None, None));
    }
}
