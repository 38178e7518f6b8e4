use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::{
    Parts, Service,
    parts::{gather, positions},
    patiently,
};
use crate::{
    assess::{AssessError, PlanError, Request, SourceError, StoreFacts, assess, assessment::Assessment, plan},
    store::StoreError,
};

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Assess(#[from] AssessError),
    #[error("the service is stopping")]
    Stopping,
}

/// Assessments kept: a page that reloads itself for many readers is computed once.
const KEPT: usize = 16;

/// Computes assessments, one at a time, and remembers the latest.
pub struct Answers {
    parts: Arc<dyn Parts>,
    assessments: Kept<Assessment>,
    models: Kept<Vec<String>>,
    turn: Semaphore,
}

/// The newest answers, each under what was asked and how far all partitions were along.
struct Kept<T>(Mutex<VecDeque<(String, Arc<T>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// `key` is `None` while nobody tells of some partition: then nothing is known to be the newest.
    fn find(&self, key: Option<&str>) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(k, _)| Some(&**k) == key).map(|(_, answer)| answer.clone())
    }

    fn keep(&self, key: Option<String>, answer: T) -> Arc<T> {
        let answer = Arc::new(answer);
        let Some(key) = key else { return answer };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((key, answer.clone()));
        kept.truncate(KEPT);
        answer
    }
}

impl Answers {
    /// Over the one store of an embedded journal.
    pub fn new(service: Arc<Service>) -> Self {
        Answers::over(service)
    }

    /// Over the partitions held here and by other replicas.
    pub fn over(parts: Arc<dyn Parts>) -> Self {
        Answers { parts, assessments: Kept::default(), models: Kept::default(), turn: Semaphore::new(1) }
    }

    /// Where the answers come from.
    pub fn parts(&self) -> Arc<dyn Parts> {
        self.parts.clone()
    }

    /// The assessment that a request asks for, over what all partitions hold now.
    ///
    /// # Errors
    /// When the request cannot be met, a store cannot be read, or a partition is with no replica that answers.
    pub async fn ask(&self, request: Request, now: String) -> Result<Arc<Assessment>, AskError> {
        let key = |position: Option<String>| {
            let r = &request;
            let asked = (&r.workspace, &r.model, &r.version, r.from, r.to, &r.reference, &r.level);
            position.map(|position| format!("{position} {asked:?}"))
        };
        if let Some(found) = self.assessments.find(key(self.position().await?).as_deref()) {
            return Ok(found);
        }
        let _turn = self.turn.acquire().await.map_err(|_| AskError::Stopping)?;
        let key = key(self.position().await?);
        if let Some(found) = self.assessments.find(key.as_deref()) {
            return Ok(found);
        }
        let asked = request.clone();
        let made = self.read(move |facts| {
            let plan = plan(facts, asked.clone())?;
            let (engine, ledger) = facts.engine(&plan)?;
            Ok(tokio::runtime::Handle::current().block_on(assess(&plan, &engine, &ledger, now.clone()))?)
        });
        Ok(self.assessments.keep(key, made.await?))
    }

    /// Models that have predictions, in the order of their names.
    ///
    /// # Errors
    /// When a store cannot be read, or a partition is with no replica that answers.
    pub async fn models(&self) -> Result<Vec<String>, AskError> {
        let key = self.position().await?;
        if let Some(found) = self.models.find(key.as_deref()) {
            return Ok(found.to_vec());
        }
        let made = self.read(|facts| Ok(facts.models())).await?;
        Ok(self.models.keep(key, made).to_vec())
    }

    /// How far all partitions are along, as a word to remember answers by.
    async fn position(&self) -> Result<Option<String>, AskError> {
        let parts = self.parts.clone();
        let work = tokio::task::spawn_blocking(move || positions(&*parts));
        let positions = work.await.map_err(|_| AskError::Stopping)??;
        Ok(positions.map(|positions| format!("{positions:?}")))
    }

    /// Reading, asking others and measuring take a while: not on the threads that answer health checks.
    async fn read<T: Send + 'static>(
        &self,
        mut look: impl FnMut(&StoreFacts) -> Result<T, AskError> + Send + 'static,
    ) -> Result<T, AskError> {
        let parts = self.parts.clone();
        let work = tokio::task::spawn_blocking(move || {
            let may_pass = |e: &AskError| matches!(e, AskError::Source(e) if e.may_pass());
            patiently(|| look(&gather(&*parts)?), may_pass)
        });
        work.await.map_err(|_| AskError::Stopping)?
    }
}
