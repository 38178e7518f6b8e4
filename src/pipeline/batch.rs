use super::{NomenclatureBook, Rejected, Tabulator};
use crate::{
    event::{Kind, Symbols},
    fact::Facts,
    ingest::{Admission, FileError, FileFormat, Input, Policies, Row, each_row},
    store::{Memory, StoreError},
};

/// What to read for one report.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub predictions: Vec<Input>,
    pub corrections: Vec<Input>,
    /// Files that hold both kinds.
    pub events: Vec<Input>,
    pub predictions_format: FileFormat,
    pub corrections_format: FileFormat,
}

impl Sources {
    /// Every input with the kind of its events (`None` = each line tells) and its layout: predictions first, so that
    /// few corrections wait.
    pub fn each(&self) -> impl Iterator<Item = (&Input, Option<Kind>, &FileFormat)> {
        let predictions = self.predictions.iter().map(|i| (i, Some(Kind::Prediction), &self.predictions_format));
        let corrections = self.corrections.iter().map(|i| (i, Some(Kind::Correction), &self.corrections_format));
        let events = self.events.iter().map(|i| (i, None, &self.predictions_format));
        predictions.chain(corrections).chain(events)
    }
}

/// What hears of every row: its file, its number there, the row, and why it was refused if it was.
pub type OnRow<'a> = dyn FnMut(&Input, u64, &Row<'_>, Option<&Rejected>) + 'a;

/// The facts of some files, and what names them.
#[derive(Debug)]
pub struct FilesRead {
    pub facts: Facts,
    pub symbols: Symbols,
}

#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads files into facts, in memory. `on_row` hears of every row (file, number, refusal) as it goes.
///
/// # Errors
/// When a file as a whole cannot be read. Bad rows are counted and reported through `on_row`.
pub fn tabulate_files(
    sources: &Sources,
    policies: &Policies,
    book: NomenclatureBook,
    on_row: &mut OnRow<'_>,
) -> Result<FilesRead, BatchError> {
    let admission = Admission::new(Symbols::default(), policies.clone());
    let mut tabulator = Tabulator::new(admission, policies.clone(), book);
    let mut state = Memory::default();
    for (input, kind, format) in sources.each() {
        let mut failed: Option<StoreError> = None;
        each_row(input, kind, format, &mut |number, row| match tabulator.take(&mut state, &row, kind) {
            Ok(rejected) => on_row(input, number, &row, rejected.as_ref()),
            Err(e) => failed = Some(e),
        })?;
        if let Some(e) = failed {
            return Err(e.into());
        }
    }
    let mut facts = tabulator.take_facts();
    facts.settle();
    Ok(FilesRead { facts, symbols: tabulator.admission.symbols })
}
