use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::{
    common::{DataFusionError, ParamValues, ScalarValue},
    datasource::MemTable,
    execution::runtime_env::RuntimeEnvBuilder,
    prelude::{SQLOptions, SessionConfig, SessionContext},
};

use super::{Answer, Parameter, Question, Tables};

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("{}", message(.0))]
    DataFusion(#[from] DataFusionError),
    #[error("facts cannot be shown as a table: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// What the person needs of a DataFusion error: the innermost message, without the engine's own nesting.
fn message(e: &DataFusionError) -> String {
    e.find_root().strip_backtrace()
}

/// Memory that one engine's queries may take before they fail with a clear message.
const MEMORY_LIMIT: usize = 512 << 20;

/// SQL over the facts.
pub struct Engine {
    context: SessionContext,
    before: Option<Box<Engine>>,
    texts_left_out: bool,
}

impl Engine {
    /// # Errors
    /// When a table cannot be registered.
    pub fn new(tables: Tables) -> Result<Self, QueryError> {
        // one partition: answers come in the order the SQL says, and a report leaves the other core alone
        let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(true);
        // more passes change nothing of queries as plain as these, and a page asks thirty of them
        config.options_mut().optimizer.max_passes = 1;
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY_LIMIT, 1.0).build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        for (name, batches) in tables.batches {
            let Some(schema) = batches.first().map(RecordBatch::schema) else { continue };
            context.register_table(name, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
        }
        Ok(Engine { context, before: None, texts_left_out: tables.texts_left_out })
    }

    /// With facts of the nomenclature before, which are asked by themselves.
    pub fn after(self, before: Option<Engine>) -> Self {
        Engine { before: before.map(Box::new), ..self }
    }

    /// Facts of the nomenclature before, where a crosswalk joins it to this one.
    pub fn before(&self) -> Option<&Engine> {
        self.before.as_deref()
    }

    /// Whether there are more texts than the table `specimen` holds.
    pub fn texts_left_out(&self) -> bool {
        self.texts_left_out
    }

    /// Runs one of the embedded queries.
    ///
    /// # Errors
    /// When a parameter is missing or the memory limit is reached.
    pub async fn ask(&self, question: Question, parameters: &[(&str, Parameter<'_>)]) -> Result<Answer, QueryError> {
        let values = parameters.iter().map(|(name, value)| {
            let value = match value {
                Parameter::Day(day) => ScalarValue::Date32(Some(*day)),
                Parameter::Int(n) => ScalarValue::Int32(Some(*n)),
                Parameter::Text(text) => ScalarValue::Utf8(Some((*text).to_owned())),
            };
            ((*name).to_owned(), value)
        });
        let values: std::collections::HashMap<String, ScalarValue> = values.collect();
        let frame = self.context.sql(question.sql()).await?;
        let batches = frame.with_param_values(ParamValues::from(values))?.collect().await?;
        Answer::new(batches)
    }

    /// Runs a user's own query: reading only.
    ///
    /// # Errors
    /// When the SQL is wrong, would change anything, or needs too much memory.
    pub async fn sql(&self, sql: &str) -> Result<Answer, QueryError> {
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = self.context.sql_with_options(sql, read_only).await?;
        let names: Vec<String> = frame.schema().fields().iter().map(|f| f.name().clone()).collect();
        Answer::shown(names, frame.collect().await?)
    }
}
