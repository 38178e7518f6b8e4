//! As much of Rust as the rules need: words and punctuation without comments and literals, and the paths they form.

/// One file, named relative to the folder that was walked.
pub struct Source {
    pub path: String,
    pub lines: usize,
    pub tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Source { path: path.replace('\\', "/"), lines: text.lines().count(), tokens: tokens(text) }
    }

    /// `ingest` for `ingest.rs` and `ingest/journal.rs`.
    pub fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.text == text)
    }

    /// How many `super`s lead from this file to the crate's root.
    fn depth(&self) -> usize {
        self.path.split('/').count() - usize::from(self.path.ends_with("/mod.rs"))
    }

    /// What is named directly below the crate's root, `*` and `self` included: through `crate::`, or enough `super::`s.
    pub fn names_below_root(&self) -> Vec<Token> {
        let mut found = Vec::new();
        let mut inline = Vec::new(); // brace depths at which `mod name { .. }` began
        let mut braces = 0usize;
        let mut i = 0;
        while i < self.tokens.len() {
            match self.tokens[i].text.as_str() {
                "{" => {
                    if i >= 2 && self.is(i - 2, "mod") {
                        inline.push(braces);
                    }
                    braces += 1;
                }
                "}" => {
                    braces = braces.saturating_sub(1);
                    if inline.last() == Some(&braces) {
                        inline.pop();
                    }
                }
                "crate" if self.is(i + 1, "as") => found.push(Token { text: "self".into(), line: self.tokens[i].line }),
                "crate" if self.is(i + 1, "::") => self.heads(i + 2, &mut found),
                "super" if !(i > 0 && self.is(i - 1, "::")) => {
                    let mut supers = 1;
                    while self.is(i + 2 * supers - 1, "::") && self.is(i + 2 * supers, "super") {
                        supers += 1;
                    }
                    i += 2 * supers - 1;
                    if supers == self.depth() + inline.len() && self.is(i, "::") {
                        self.heads(i + 1, &mut found);
                    }
                    continue;
                }
                _ => {}
            }
            i += 1;
        }
        found
    }

    /// First words of a path or of each branch of `{a::b, c}`, wherever in the tree the branch begins.
    fn heads(&self, at: usize, found: &mut Vec<Token>) {
        if !self.is(at, "{") {
            found.extend(self.tokens.get(at).cloned());
            return;
        }
        let mut depth = 0;
        let mut expected = false;
        for token in &self.tokens[at..] {
            match token.text.as_str() {
                "{" => {
                    depth += 1;
                    expected = depth == 1;
                }
                "}" if depth == 1 => return,
                "}" => depth -= 1,
                "," => expected = depth == 1,
                _ if expected => {
                    found.push(token.clone());
                    expected = false;
                }
                _ => {}
            }
        }
    }

    /// Where a crate is used by name: `polars::..`, `::polars::..`, `use polars;`, `use {polars::.., ..}`, `#[tokio::main]`.
    pub fn uses_of_crate(&self, name: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for (i, token) in self.tokens.iter().enumerate() {
            if token.text != name {
                continue;
            }
            let before = |n: usize| i.checked_sub(n).map_or("", |at| self.tokens[at].text.as_str());
            let arrow = before(2) == ">" && matches!(before(3), "-" | "=");
            let keyword = matches!(before(2), "use" | "as" | "in" | "mut" | "dyn" | "impl" | "return" | "");
            let continues = before(2).chars().all(|c| c.is_alphanumeric() || c == '_' || c == '>');
            let head = before(1) == "::" && (arrow || keyword || !continues);
            let starts = before(1) != "::" && before(1) != ".";
            let imported = matches!(before(1), "use" | "crate") && (self.is(i + 1, ";") || self.is(i + 1, "as"));
            if head || starts && (self.is(i + 1, "::") || imported) {
                found.push(token.line);
            }
        }
        found
    }
}

/// Rooms in the order of their `mod` lines.
pub fn rooms(lib: &str) -> Vec<String> {
    let tokens = tokens(lib);
    let named = |w: &[Token]| (w[0].text == "mod" && w[2].text == ";").then(|| w[1].text.clone());
    tokens.windows(3).filter_map(named).collect()
}

/// Words, `::`, and single signs.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let end = skip(&chars, i);
        if end > i {
            line += chars[i..end].iter().filter(|c| **c == '\n').count();
            i = end;
            continue;
        }
        let word = chars[i..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
        let length = match chars[i] {
            _ if word > 0 => word,
            ':' if chars.get(i + 1) == Some(&':') => 2,
            _ => 1,
        };
        out.push(Token { text: chars[i..i + length].iter().collect(), line });
        i += length;
    }
    out
}

/// End of the blank, comment, literal or lifetime that begins here; `at` itself when none does.
fn skip(chars: &[char], at: usize) -> usize {
    let is = |i: usize, c: char| chars.get(i) == Some(&c);
    let until =
        |from: usize, stop: &dyn Fn(usize) -> bool| (from..chars.len()).find(|i| stop(*i)).unwrap_or(chars.len());
    match chars[at] {
        c if c.is_whitespace() => at + 1,
        '/' if is(at + 1, '/') => until(at, &|i| is(i, '\n')),
        '/' if is(at + 1, '*') => {
            let (mut depth, mut i) = (0, at);
            while i < chars.len() {
                if is(i, '/') && is(i + 1, '*') {
                    depth += 1;
                    i += 2;
                } else if is(i, '*') && is(i + 1, '/') {
                    depth -= 1;
                    i += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    i += 1;
                }
            }
            i
        }
        '"' => quoted(chars, at + 1, '"'),
        '\'' if is(at + 1, '\\') => quoted(chars, at + 1, '\''),
        '\'' if is(at + 2, '\'') => at + 3,
        '\'' => at + 1, // a lifetime: its name is left as a word
        'r' | 'b' | 'c' if !at.checked_sub(1).is_some_and(|p| chars[p].is_alphanumeric() || chars[p] == '_') => {
            let raw = at + usize::from(!is(at, 'r') && is(at + 1, 'r'));
            let hashes = chars[raw + 1..].iter().take_while(|c| **c == '#').count();
            if is(raw, 'r') && is(raw + 1 + hashes, '"') {
                let closes = |i: usize| is(i, '"') && (1..=hashes).all(|h| is(i + h, '#'));
                (until(raw + 2 + hashes, &closes) + 1 + hashes).min(chars.len())
            } else if is(raw, 'r') && hashes == 1 {
                raw + 2 // r#word
            } else if !is(at, 'r') && is(at + 1, '"') {
                quoted(chars, at + 2, '"')
            } else {
                at
            }
        }
        _ => at,
    }
}

fn quoted(chars: &[char], mut i: usize, close: char) -> usize {
    while i < chars.len() && chars[i] != close {
        i += 1 + usize::from(chars[i] == '\\');
    }
    (i + 1).min(chars.len())
}
