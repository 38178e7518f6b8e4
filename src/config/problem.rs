use std::fmt;

/// One thing that is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: String,
    /// From 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// Dotted path of the key, such as `models.default.threshold`; empty where no key is meant.
    pub key: String,
    /// What was found, what is allowed, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with a configuration file, in the order of its lines; shown one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    pub all: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn of_file(file: &str, message: String) -> Self {
        ConfigErrors { all: vec![Problem { file: file.to_owned(), line: None, key: String::new(), message }] }
    }

    /// Each problem as a line of text.
    pub fn problems(&self) -> Vec<String> {
        self.all.iter().map(Problem::to_string).collect()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems().join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}
