use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    event::{SeriesId, Symbols},
    ingest::Policies,
    nomenclature::{Nomenclature, builtin, canonical},
    store::Rules,
};

/// Finds the nomenclature that an event names: the user's own first, then the built-in ones, then a flat one.
#[derive(Debug, Clone, Default)]
pub struct NomenclatureBook {
    own: HashMap<String, Arc<Nomenclature>>,
    /// Used for every event, whatever it names (`--nomenclature`).
    forced: Option<Arc<Nomenclature>>,
}

impl NomenclatureBook {
    pub fn add(&mut self, name: &str, nomenclature: Arc<Nomenclature>) {
        self.own.insert(plain(name), nomenclature);
    }

    pub fn force(&mut self, nomenclature: Arc<Nomenclature>) {
        self.forced = Some(nomenclature);
    }

    pub fn find(&self, name: &str) -> Arc<Nomenclature> {
        if let Some(forced) = &self.forced {
            return forced.clone();
        }
        let own = self.own.get(&plain(name)).cloned();
        own.or_else(|| builtin(name)).unwrap_or_else(|| Arc::new(Nomenclature::flat(name)))
    }

    /// The nomenclature of a series: the one that the model's policy names, else the one that its events name.
    pub fn of_series(&self, symbols: &Symbols, policies: &Policies, id: SeriesId) -> Arc<Nomenclature> {
        let series = symbols.series(id);
        let model = series.map_or("", |s| symbols.text(s.model));
        let named = series.map_or("", |s| symbols.text(s.nomenclature));
        self.find(policies.of(model).nomenclature.as_deref().unwrap_or(named))
    }
}

/// What facts depend on besides events.
pub fn rules(book: &NomenclatureBook, policies: &Policies) -> Rules {
    let models = policies.models.iter().map(|(name, p)| (name.clone(), p.threshold));
    let mut thresholds: Vec<_> = models.chain([(String::new(), policies.default.threshold)]).collect();
    thresholds.sort_by(|a, b| a.0.cmp(&b.0));
    Rules { naming: digest(book, policies), thresholds }
}

/// Raised whenever facts are made or numbered in another way: stores that were made before are made anew.
const FACTS: u8 = 1;

/// [`FACTS`], nomenclatures, review rates, shares of texts and whether annotators are named, as one number.
fn digest(book: &NomenclatureBook, policies: &Policies) -> u64 {
    use std::hash::Hasher;
    let mut h = siphasher::sip::SipHasher13::new();
    h.write_u8(FACTS);
    let mut write = |text: &str| {
        h.write(text.as_bytes());
        h.write_u8(0xff);
    };
    let mut names: Vec<_> = book.own.keys().collect();
    names.sort_unstable();
    let listed = names.into_iter().map(|name| (name.as_str(), &book.own[name]));
    for (name, nomenclature) in listed.chain(book.forced.as_ref().map(|f| ("", f))) {
        write(name);
        for node in nomenclature.nodes() {
            write(&node.code);
            write(&format!("{:?}", node.parent));
        }
    }
    for (name, policy) in policies.models.iter().map(|(n, p)| (n.as_str(), p)).chain([("", &policies.default)]) {
        write(name);
        write(&format!("{:?} {:?} {:?} {}", policy.nomenclature, policy.review_rates, policy.texts, policy.annotators));
    }
    h.finish()
}

fn plain(name: &str) -> String {
    canonical(name).chars().filter(|c| c.is_alphanumeric()).collect()
}
