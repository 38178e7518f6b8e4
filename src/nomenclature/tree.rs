use hashbrown::HashMap;

use super::canonical;

/// One entry of a nomenclature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Canonical code.
    pub code: Box<str>,
    pub label: Box<str>,
    pub parent: Option<u32>,
    /// 1 = coarsest.
    pub level: u8,
}

/// Where a code stands at some level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RollUp<'a> {
    /// Its ancestor (or itself) at that level.
    At(&'a str),
    /// The code is coarser than the level: it says nothing there.
    Coarser,
    /// The nomenclature does not know it: it stands for itself.
    Unknown,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TreeError {
    #[error("code `{0}` appears twice (codes are compared without dots and in upper case)")]
    Duplicate(String),
    #[error("code `{code}` names the parent `{parent}`, which is not among the codes")]
    UnknownParent { code: String, parent: String },
    #[error("code `{0}` is its own ancestor")]
    Cycle(String),
    #[error("there is no code")]
    Empty,
    #[error("code `{code}` has more than {allowed} levels above it")]
    TooDeep { code: String, allowed: u8 },
}

impl TreeError {
    /// The code to look for in the file.
    pub fn code(&self) -> Option<&str> {
        match self {
            TreeError::Duplicate(code)
            | TreeError::UnknownParent { code, .. }
            | TreeError::Cycle(code)
            | TreeError::TooDeep { code, .. } => Some(code),
            TreeError::Empty => None,
        }
    }
}

/// Counts the nodes from `i` up to its root.
fn depth_of(nodes: &[Node], i: usize) -> Result<u8, TreeError> {
    let up = |at: usize| nodes[at].parent.map(|p| p as usize);
    let levels = std::iter::successors(Some(i), |at| up(*at)).take(nodes.len() + 1);
    match levels.clone().count() {
        n if n <= usize::from(Nomenclature::MAX_LEVELS) && n <= nodes.len() => Ok(n as u8),
        // after as many steps as there are nodes one is on the cycle, if there is one
        n if n > nodes.len() => {
            Err(TreeError::Cycle(levels.last().map_or(String::new(), |at| nodes[at].code.to_string())))
        }
        _ => Err(TreeError::TooDeep { code: nodes[i].code.to_string(), allowed: Nomenclature::MAX_LEVELS - 1 }),
    }
}

/// A tree of codes, at most [`Nomenclature::MAX_LEVELS`] deep; branches may end at different levels.
#[derive(Debug, Clone)]
pub struct Nomenclature {
    name: String,
    level_names: Vec<String>,
    nodes: Vec<Node>,
    by_code: HashMap<Box<str>, u32>,
    /// NAF 2025 sub-classes are a class plus a letter: where the list of them is not given, any letter is taken.
    lettered_leaves: bool,
}

impl Nomenclature {
    pub const MAX_LEVELS: u8 = 9;

    /// Builds from (code, label, parent); codes in any form, parents in any order.
    ///
    /// # Errors
    /// Names the first code that breaks the tree.
    pub fn new(
        name: &str,
        level_names: &[&str],
        entries: impl IntoIterator<Item = (String, String, Option<String>)>,
    ) -> Result<Self, TreeError> {
        let entries: Vec<_> = entries.into_iter().collect();
        let mut by_code = HashMap::with_capacity(entries.len());
        let mut nodes = Vec::with_capacity(entries.len());
        for (i, (code, label, _)) in entries.iter().enumerate() {
            let code: Box<str> = canonical(code).into();
            if by_code.insert(code.clone(), i as u32).is_some() {
                return Err(TreeError::Duplicate(code.into()));
            }
            nodes.push(Node { code, label: label.trim().into(), parent: None, level: 0 });
        }
        for (i, (code, _, parent)) in entries.iter().enumerate() {
            if let Some(parent) = parent {
                let found = by_code.get(&*canonical(parent)).copied();
                nodes[i].parent =
                    Some(found.ok_or_else(|| TreeError::UnknownParent { code: code.clone(), parent: parent.clone() })?);
            }
        }
        for i in 0..nodes.len() {
            nodes[i].level = depth_of(&nodes, i)?;
        }
        let depth = nodes.iter().map(|n| n.level).max().ok_or(TreeError::Empty)?;
        let level_names = (0..depth as usize)
            .map(|i| level_names.get(i).map_or_else(|| format!("level_{}", i + 1), |s| (*s).to_owned()))
            .collect();
        Ok(Nomenclature { name: name.to_owned(), level_names, nodes, by_code, lettered_leaves: false })
    }

    /// A nomenclature of which only the name is known: every code stands for itself, at one level.
    pub fn flat(name: &str) -> Self {
        Nomenclature {
            name: name.to_owned(),
            level_names: vec!["code".to_owned()],
            nodes: Vec::new(),
            by_code: HashMap::new(),
            lettered_leaves: false,
        }
    }

    /// Adds a level of `class + letter` leaves that need not be listed.
    pub(super) fn with_lettered_leaves(mut self, name: &str, level_name: &str) -> Self {
        self.name = name.to_owned();
        self.level_names.push(level_name.to_owned());
        self.lettered_leaves = true;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Coarsest first; level n is at index n - 1.
    pub fn level_names(&self) -> &[String] {
        &self.level_names
    }

    pub fn depth(&self) -> u8 {
        self.level_names.len() as u8
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether codes are listed at all (a [`Nomenclature::flat`] one knows none and accepts any).
    pub fn is_flat(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Codes listed at a level.
    pub fn count(&self, level: u8) -> usize {
        self.nodes.iter().filter(|n| n.level == level).count()
    }

    pub fn node(&self, code: &str) -> Option<&Node> {
        self.by_code.get(code).map(|i| &self.nodes[*i as usize])
    }

    /// Position of a code among [`Nomenclature::nodes`].
    pub fn index(&self, code: &str) -> Option<u32> {
        self.by_code.get(code).copied()
    }

    /// The parent of an unlisted but well-formed leaf.
    fn lettered_parent(&self, code: &str) -> Option<&Node> {
        let (class, letter) = code.split_at_checked(code.len().checked_sub(1)?)?;
        let leaf = self.lettered_leaves && letter.bytes().all(|b| b.is_ascii_uppercase());
        if leaf { self.node(class).filter(|n| n.level + 1 == self.depth()) } else { None }
    }

    /// `code` must be canonical.
    pub fn knows(&self, code: &str) -> bool {
        self.is_flat() || self.by_code.contains_key(code) || self.lettered_parent(code).is_some()
    }

    /// The code's own level; `None` when unknown.
    pub fn level_of(&self, code: &str) -> Option<u8> {
        if let Some(node) = self.node(code) {
            return Some(node.level);
        }
        self.lettered_parent(code).map(|p| p.level + 1)
    }

    /// Empty when there is none.
    pub fn label(&self, code: &str) -> &str {
        match self.node(code) {
            Some(node) => &node.label,
            None => self.lettered_parent(code).map_or("", |p| &p.label),
        }
    }

    /// Where `code` (canonical) stands at `level`.
    pub fn roll_up<'a>(&'a self, code: &'a str, level: u8) -> RollUp<'a> {
        let mut node = match self.node(code) {
            Some(node) => node,
            None => match self.lettered_parent(code) {
                Some(parent) if level == parent.level + 1 => return RollUp::At(code),
                Some(parent) => parent,
                None => return RollUp::Unknown,
            },
        };
        if node.level < level {
            return RollUp::Coarser;
        }
        while node.level > level {
            match node.parent {
                Some(parent) => node = &self.nodes[parent as usize],
                None => return RollUp::Coarser,
            }
        }
        RollUp::At(&node.code)
    }
}
