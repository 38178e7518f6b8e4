use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::{event::Symbol, join::Held};

/// What several people said of one prediction, each on their own, in the order of its numbers. A row of its own: how far
/// people agree, and how sure that is, depends on which opinions are of the same prediction, and sums do not say it.
/// Predictions of one page of which the same is said are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Opinions(pub Box<[Opinion]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Opinion {
    /// Whose; `None` where the configuration does not ask for names.
    pub by: Option<Symbol>,
    /// `None` = uncodable.
    pub code: Option<Symbol>,
}

/// Opinions of one page, and of how many predictions each.
pub type OpinionPage = HashMap<Opinions, i64, foldhash::fast::FixedState>;

impl Opinions {
    fn new(mut opinions: Vec<Opinion>) -> Self {
        opinions.sort_unstable();
        Opinions(opinions.into())
    }

    /// `None` where fewer than two people said something.
    pub(super) fn of(held: &Held, model: Symbol, named: bool) -> Option<Self> {
        if held.corrections.len() < 2 {
            return None;
        }
        let opinions = held.opinions(model);
        let one = |(by, code): (Symbol, _)| Opinion { by: named.then_some(by), code };
        (opinions.len() > 1).then(|| Opinions::new(opinions.into_iter().map(one).collect()))
    }

    /// The same with the symbols of another table; `None` when one of them has no number there.
    pub fn renamed(&self, symbol: impl Fn(Symbol) -> Option<Symbol>) -> Option<Self> {
        let perhaps = |own: Option<Symbol>| match own {
            Some(own) => symbol(own).map(Some),
            None => Some(None),
        };
        let renamed = self.0.iter().map(|o| Some(Opinion { by: perhaps(o.by)?, code: perhaps(o.code)? }));
        Some(Opinions::new(renamed.collect::<Option<Vec<_>>>()?))
    }
}
