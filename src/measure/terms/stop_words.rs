//! Words that say nothing of an activity.

use hashbrown::HashSet;

use super::words::{Folder, Map};

/// Words that neither count on their own nor begin or end a phrase.
///
/// Given in any spelling: case, accents and the plural do not matter. The default holds French and English articles,
/// prepositions, pronouns and auxiliaries. Words that turn a meaning round (`sans`, `hors`, `sauf`, `non`, `without`,
/// `not`) are left out on purpose.
///
/// ```
/// use vigie::measure::terms::stop_words::StopWords;
/// assert!(StopWords::default().contains("Les") && StopWords::default().contains("the"));
/// assert!(!StopWords::default().contains("sans"));
/// assert!(StopWords::new(["activité"]).contains("ACTIVITES"));
/// ```
#[derive(Debug, Clone)]
pub struct StopWords(HashSet<u64, Map>);

impl StopWords {
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let mut folder = Folder::default();
        Self(words.into_iter().map(|word| folder.key_of(word.as_ref())).collect())
    }

    /// These words too.
    ///
    /// ```
    /// use vigie::measure::terms::stop_words::StopWords;
    /// let more = StopWords::default().with(["commerce"]);
    /// assert!(more.contains("Commerces") && more.contains("les"));
    /// ```
    pub fn with<S: AsRef<str>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.0.extend(Self::new(words).0);
        self
    }

    /// Whether this is read as one word; `auto-école` is two.
    pub fn is_word(word: &str) -> bool {
        Folder::default().is_one(word)
    }

    /// Whether this word is one of them.
    pub fn contains(&self, word: &str) -> bool {
        self.has(Folder::default().key_of(word))
    }

    pub(super) fn has(&self, key: u64) -> bool {
        self.0.contains(&key)
    }
}

impl Default for StopWords {
    fn default() -> Self {
        Self::new(FRENCH.split_whitespace().chain(ENGLISH.split_whitespace()))
    }
}

/// Single letters never count, so that most elisions (`l'`, `d'`, `s'`) need no entry.
const FRENCH: &str = "
    le la les un une des du de au aux et ou en dans par pour sur sous avec chez vers entre depuis pendant durant
    avant apres contre selon afin ainsi aussi alors comme dont que qui quoi quand lorsque puisque quel quelle quels
    quelles lequel laquelle lesquels lesquelles auquel auxquels duquel desquels qu jusqu jusque lorsqu puisqu quoiqu
    quelqu presqu ce cet cette ces cela ceci ceux celle celles celui ci il elle ils elles on nous vous je tu me te se
    lui leur leurs mon ma mes ton ta tes son sa ses notre nos votre vos moi toi soi eux ne ni si mais car donc or
    est sont ete etre etant etais etait etaient sera seront soit soient suis sommes ai as avons avez ont avoir avait
    avaient aura auront fait faire fais tout toute tous toutes autre autres meme memes chaque plus moins tres bien
    tel telle tels telles etc via lors deux trois aujourd'hui notamment egalement divers diverses plusieurs quelques
    compris inclus
";

const ENGLISH: &str = "
    an the and or of to in on at by for from with into onto over under between about as than that this these those
    it its is are was were be been being has have had do does did will would can could should may might must which
    who whom whose what when where how he she they them their his her our your we you my me us if then so such also
    other others all any each both more most some etc
";
