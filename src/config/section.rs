use std::{
    cell::RefCell,
    ops::Range,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::{ConfigErrors, Problem};

/// A configuration file being read, and what was found wrong with it so far.
pub(super) struct Source<'t> {
    name: &'t str,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

/// One table of the file. Asking for a key makes it known; what nobody asked for is refused at the end.
pub(super) struct Section<'s> {
    source: &'s Source<'s>,
    path: String,
    /// `None`: the file does not have it.
    table: Option<&'s DeTable<'s>>,
    known: RefCell<Vec<&'static str>>,
}

/// A value where it stands.
#[derive(Clone)]
pub(super) struct Found<'s> {
    source: &'s Source<'s>,
    pub path: String,
    span: Range<usize>,
    value: &'s DeValue<'s>,
}

impl<'t> Source<'t> {
    pub fn new(name: &'t str, text: &'t str) -> Self {
        Source { name, text, problems: RefCell::default() }
    }

    /// # Errors
    /// Everything that is not TOML; then nothing else is looked at, since half of it may be missing.
    pub fn parse(&self) -> Result<DeTable<'t>, ConfigErrors> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            self.note(error.span().unwrap_or_default(), "", format!("not TOML: {}", error.message()));
        }
        if errors.is_empty() { Ok(root.into_inner()) } else { Err(self.sorted()) }
    }

    pub fn whole<T>(&'t self, root: &'t DeTable<'t>, read: impl FnOnce(&Section<'t>) -> T) -> T {
        Section::open(self, String::new(), Some(root), read)
    }

    pub fn finish<T>(&self, made: T) -> Result<T, ConfigErrors> {
        if self.problems.borrow().is_empty() { Ok(made) } else { Err(self.sorted()) }
    }

    fn sorted(&self) -> ConfigErrors {
        let mut problems = self.problems.take();
        problems.sort();
        problems.dedup();
        ConfigErrors { all: problems }
    }

    fn note(&self, span: Range<usize>, key: &str, message: String) {
        let file = self.name.to_owned();
        let line = Some(self.line(span.start));
        self.problems.borrow_mut().push(Problem { file, line, key: key.to_owned(), message });
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }
}

impl<'s> Section<'s> {
    fn open<T>(
        source: &'s Source<'s>,
        path: String,
        table: Option<&'s DeTable<'s>>,
        read: impl FnOnce(&Section<'s>) -> T,
    ) -> T {
        let section = Section { source, path, table, known: RefCell::default() };
        let made = read(&section);
        for (key, _) in section.table.into_iter().flatten() {
            let known = section.known.borrow();
            if !known.contains(&key.get_ref().as_ref()) {
                let message = format!("unknown key; {}", suggest(key.get_ref(), &known));
                source.note(key.span(), &section.at(key.get_ref()), message);
            }
        }
        made
    }

    fn at(&self, key: &str) -> String {
        let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    /// Reads a table inside this one; where the file has none, `read` sees an empty one.
    pub fn section<T>(&self, key: &'static str, read: impl FnOnce(&Section<'s>) -> T) -> T {
        let table = self.value(key).and_then(|v| v.table());
        Section::open(self.source, self.at(key), table, read)
    }

    /// Names and values of a table whose keys are the user's own.
    pub fn entries(&self, key: &'static str) -> Vec<(&'s str, Found<'s>)> {
        let Some(table) = self.value(key).and_then(|v| v.table()) else { return Vec::new() };
        let inside = |name: &str| {
            Section { source: self.source, path: self.at(key), table: None, known: RefCell::default() }.at(name)
        };
        let entries = table.iter().map(|(name, value)| {
            let name = name.get_ref().as_ref();
            (name, Found { source: self.source, path: inside(name), span: value.span(), value: value.get_ref() })
        });
        entries.collect()
    }

    pub fn value(&self, key: &'static str) -> Option<Found<'s>> {
        self.known.borrow_mut().push(key);
        let (_, value) = self.table?.iter().find(|(k, _)| k.get_ref() == key)?;
        Some(Found { source: self.source, path: self.at(key), span: value.span(), value: value.get_ref() })
    }

    pub fn text(&self, key: &'static str) -> Option<&'s str> {
        self.value(key)?.text()
    }

    /// Notes what is wrong with the table as a whole.
    pub fn note(&self, message: String) {
        let start = self.table.into_iter().flatten().map(|(key, _)| key.span().start).min().unwrap_or(0);
        self.source.note(start..start, &self.path, message);
    }

    /// A text that `read` makes sense of; `allowed` says what it accepts.
    pub fn parsed<T>(&self, key: &'static str, allowed: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let found = self.value(key)?;
        let made = read(found.text()?);
        if made.is_none() {
            found.refuse(allowed);
        }
        made
    }

    /// One of a few words.
    pub fn choice<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let allowed = names.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", ");
        self.parsed(key, &allowed, |text| words.iter().find(|(word, _)| *word == text).map(|(_, made)| made.clone()))
    }

    pub fn number(&self, key: &'static str, allowed: &str, is: impl FnOnce(f64) -> bool) -> Option<f64> {
        self.value(key)?.number(allowed, is)
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        self.value(key)?.flag()
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        self.texts_that(key, "", |_| true)
    }

    /// Texts that are all something; `allowed` says what.
    pub fn texts_that(&self, key: &'static str, allowed: &str, is: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        self.value(key).map(|v| v.texts(allowed, is))
    }

    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(|t| self.beside(t))
    }

    /// A path of the file, which starts where the file is.
    pub fn beside(&self, path: &str) -> PathBuf {
        beside(self.source, path)
    }

    pub fn zone(&self, key: &'static str) -> Option<(String, TimeZone)> {
        let found = self.value(key)?;
        let name = found.text()?;
        match TimeZone::get(name) {
            Ok(zone) => Some((name.to_owned(), zone)),
            Err(_) => {
                let zones: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
                let near = nearest(name, zones.iter().map(String::as_str)).map(|z| format!("; did you mean {z:?}?"));
                found.refuse(&format!("IANA names such as \"Europe/Paris\"{}", near.unwrap_or_default()));
                None
            }
        }
    }
}

impl<'s> Found<'s> {
    /// Notes that the value is none of what is allowed.
    pub fn refuse(&self, allowed: &str) {
        let raw = self.source.text.get(self.span.clone()).unwrap_or_default();
        let mut shown: String = raw.lines().next().unwrap_or_default().chars().take(60).collect();
        if shown.len() < raw.len() {
            shown.push('…');
        }
        self.note(format!("found {shown}; allowed: {allowed}"));
    }

    pub fn note(&self, message: String) {
        self.source.note(self.span.clone(), &self.path, message);
    }

    /// The text without complaint, for keys that take several types.
    pub fn as_text(&self) -> Option<&'s str> {
        self.value.as_str()
    }

    pub fn is_false(&self) -> bool {
        matches!(self.value, DeValue::Boolean(false))
    }

    pub fn flag(&self) -> Option<bool> {
        let flag = self.value.as_bool();
        if flag.is_none() {
            self.refuse("true or false");
        }
        flag
    }

    /// A text, number or boolean as a text, without complaint.
    pub fn scalar(&self) -> Option<String> {
        match self.value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(b) => Some(b.to_string()),
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n.to_string()),
            DeValue::Float(x) => Some(x.to_string()),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self.value {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
            DeValue::Float(x) => x.as_str().parse().ok(),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&'s str> {
        let text = self.as_text();
        if text.is_none() {
            self.refuse("a text in quotes");
        }
        text
    }

    /// A text that is not blank: names of columns, models, sources.
    pub fn name(&self) -> Option<&'s str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.refuse("a text that is not empty");
            return None;
        }
        Some(text)
    }

    pub fn number(&self, allowed: &str, is: impl FnOnce(f64) -> bool) -> Option<f64> {
        let number = self.as_number().filter(|x| is(*x));
        if number.is_none() {
            self.refuse(allowed);
        }
        number
    }

    fn texts(&self, allowed: &str, is: impl Fn(&str) -> bool) -> Vec<String> {
        let Some(items) = self.value.as_array() else {
            self.refuse("a list of texts, such as [\"audit\"]");
            return Vec::new();
        };
        let items = items.iter().map(|item| Found { span: item.span(), value: item.get_ref(), ..self.clone() });
        let named = items.filter_map(|item| Some((item.name()?, item)));
        let mut texts = Vec::new();
        for (text, item) in named {
            if is(text) {
                texts.push(text.to_owned());
            } else {
                item.refuse(allowed);
            }
        }
        texts
    }

    fn table(&self) -> Option<&'s DeTable<'s>> {
        let table = self.value.as_table();
        if table.is_none() {
            self.refuse("a table");
        }
        table
    }

    /// Reads this value as a table with keys of its own.
    pub fn section<T>(&self, read: impl FnOnce(&Section<'s>) -> T) -> Option<T> {
        self.table().map(|table| Section::open(self.source, self.path.clone(), Some(table), read))
    }

    pub fn beside(&self, path: &str) -> PathBuf {
        beside(self.source, path)
    }
}

fn beside(source: &Source<'_>, path: &str) -> PathBuf {
    Path::new(source.name).parent().unwrap_or(Path::new("")).join(path)
}

/// "did you mean" where a name is near, and all names where they are few.
pub(super) fn suggest(found: &str, known: &[&str]) -> String {
    let all = || known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    match nearest(found, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "none is allowed here".to_owned(),
        None => format!("allowed: {}", all()),
    }
}

fn nearest<'k>(found: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let likeness = |k: &str| strsim::jaro_winkler(&found.to_lowercase(), &k.to_lowercase());
    let scored = known.map(|k| (likeness(k), k)).filter(|(score, _)| *score > 0.85);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, k)| k)
}
