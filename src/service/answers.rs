use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::Service;
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
    service: Arc<Service>,
    kept: Mutex<VecDeque<(String, Arc<Assessment>)>>,
    turn: Semaphore,
}

impl Answers {
    pub fn new(service: Arc<Service>) -> Self {
        Answers { service, kept: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// The assessment that a request asks for, over what the store holds now.
    ///
    /// # Errors
    /// When the request cannot be met or the store cannot be read.
    pub async fn ask(&self, request: Request, now: String) -> Result<Arc<Assessment>, AskError> {
        let key = |offset: u64| {
            let r = &request;
            format!("{offset} {:?}", (&r.workspace, &r.model, &r.version, r.from, r.to, &r.reference, &r.level))
        };
        if let Some(found) = self.find(&key(self.service.status.offset())) {
            return Ok(found);
        }
        let _turn = self.turn.acquire().await.map_err(|_| AskError::Stopping)?;
        let offset = self.service.status.offset();
        if let Some(found) = self.find(&key(offset)) {
            return Ok(found);
        }
        let (store, naming) = (self.service.store.clone(), self.service.naming.clone());
        let asked = request.clone();
        // reading and measuring take a core for a while: not on the threads that answer health checks
        let work = tokio::task::spawn_blocking(move || -> Result<Assessment, AskError> {
            let facts = StoreFacts::new(store, naming)?;
            let plan = plan(&facts, asked)?;
            let (engine, ledger) = facts.engine(&plan)?;
            Ok(tokio::runtime::Handle::current().block_on(assess(&plan, &engine, &ledger, now))?)
        });
        let made = Arc::new(work.await.map_err(|_| AskError::Stopping)??);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((key(offset), made.clone()));
        kept.truncate(KEPT);
        Ok(made)
    }

    fn find(&self, key: &str) -> Option<Arc<Assessment>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(k, _)| k == key).map(|(_, a)| a.clone())
    }

    /// Models that have predictions.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn models(&self) -> Result<Vec<String>, AskError> {
        Ok(StoreFacts::new(self.service.store.clone(), self.service.naming.clone())?.models())
    }
}
