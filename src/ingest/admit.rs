use hashbrown::HashMap;
use siphasher::sip128::SipHasher13;

use super::{Policies, Policy};
use crate::{
    event::{
        Candidates, Correction, CorrectionEntry, Fixed, JoinKey, MAX_RANK, NO_LATENCY, Prediction, PredictionEntry,
        Reason, Reject, Route, Scalar, Series, SeriesId, Status, Symbol, Symbols, Text, Weight, Wording,
    },
    measure::sketch,
    nomenclature::canonical,
};

/// Checks the rules of the contract and makes events compact.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    pub symbols: Symbols,
    policies: Policies,
    /// Symbols of codes as they are written, for codes of at most eight bytes.
    codes: HashMap<u64, Symbol, foldhash::fast::FixedState>,
    /// Series of the last prediction: streams come in long runs of one version.
    last: Option<LastSeries>,
    /// What bodies are hashed in, and wordings laid out.
    scratch: Vec<u8>,
}

#[derive(Debug, Clone)]
struct LastSeries {
    workspace: String,
    model: String,
    version: String,
    nomenclature: String,
    id: SeriesId,
    model_symbol: Symbol,
    policy: Policy,
}

const DEFAULT_WORKSPACE: &str = "default";
const MAX_CANDIDATES: usize = 100;
/// Probabilities this far outside [0, 1] are rounding (fastText says 1.0000000136); further out they are an error.
const PROBABILITY_SLACK: f64 = 0.001;

impl Admission {
    pub fn new(symbols: Symbols, policies: Policies) -> Self {
        Admission { symbols, policies, codes: HashMap::default(), last: None, scratch: Vec::new() }
    }

    /// # Errors
    /// Names the field, its value and what is allowed.
    pub fn prediction(&mut self, p: &Prediction<'_>) -> Result<(JoinKey, PredictionEntry), Reject> {
        bounded("prediction_id", &p.prediction_id, 256)?;
        bounded("model", &p.model, 256)?;
        bounded("model_version", &p.model_version, 256)?;
        bounded("nomenclature", &p.nomenclature, 256)?;
        let workspace = workspace(p.workspace.as_ref())?;
        let latency = match p.latency_ms {
            Some(ms) if ms.is_finite() && ms >= 0.0 => sketch::bin(ms),
            Some(ms) => return Err(invalid("latency_ms", ms, "a number >= 0")),
            None => NO_LATENCY,
        };
        let failed = p.status == Status::Error;
        let mut clips = 0u8;
        let mut clip = |x: f64| {
            let (fixed, clipped) = Fixed::clip(x);
            clips = clips.saturating_add(u8::from(clipped));
            fixed
        };
        let confidence = match p.confidence {
            Some(c) if c.is_finite() => Some(c),
            Some(c) => return Err(invalid("confidence", c, "a finite number")),
            None if failed => None,
            None => return Err(Reject::new(Reason::MissingField, "missing field `confidence` (status is ok)")),
        };
        if !failed && p.candidates.is_empty() {
            return Err(Reject::new(Reason::InvalidValue, "`candidates` is empty (status is ok: 1 to 100 expected)"));
        }
        if p.candidates.len() > MAX_CANDIDATES {
            let detail = format!("`candidates` holds {} (at most {MAX_CANDIDATES})", p.candidates.len());
            return Err(Reject::new(Reason::InvalidValue, detail));
        }
        let mut probability = Fixed(0);
        let mut candidates = Candidates::default();
        for (rank, c) in p.candidates.iter().enumerate() {
            bounded("code", &c.code, 64)?;
            if !(-PROBABILITY_SLACK..=1.0 + PROBABILITY_SLACK).contains(&c.probability) {
                return Err(invalid("probability", c.probability, "0 to 1"));
            }
            if rank == 0 {
                probability = clip(c.probability);
            }
            if rank < MAX_RANK {
                candidates.push(self.code(&c.code)?);
            }
        }
        let fixed_confidence = confidence.map_or(Fixed(0), &mut clip);
        let key = JoinKey::new(workspace, p.prediction_id.as_str());
        let (series, model, policy) = self.series(workspace, p)?;
        let (threshold, kept) = (policy.threshold, !failed && policy.keeps(key));
        let route = match (p.route, failed) {
            (_, true) => None,
            (Some(route), false) => Some(route),
            (None, false) => {
                threshold.zip(confidence).map(|(threshold, c)| if c >= threshold { Route::Auto } else { Route::Manual })
            }
        };
        let entry = PredictionEntry {
            model,
            series,
            body: body_of_prediction(p, &mut self.scratch),
            at: p.predicted_at.millis(),
            route,
            failed,
            confidence: fixed_confidence,
            probability,
            latency,
            clips,
            candidates,
            wording: if kept { Wording::of(p.text.as_ref(), p.attributes.as_ref(), &mut self.scratch) } else { None },
        };
        Ok((key, entry))
    }

    /// # Errors
    /// Names the field, its value and what is allowed.
    pub fn correction(&mut self, c: &Correction<'_>) -> Result<(JoinKey, CorrectionEntry), Reject> {
        bounded("correction_id", &c.correction_id, 256)?;
        bounded("prediction_id", &c.prediction_id, 256)?;
        bounded("source", &c.source, 64)?;
        let workspace = workspace(c.workspace.as_ref())?;
        let weight = match c.inclusion_probability {
            Some(pi) if pi > 0.0 && pi <= 1.0 => Some(Weight::from_inclusion(pi)),
            Some(pi) => return Err(invalid("inclusion_probability", pi, "above 0, at most 1")),
            None => None,
        };
        let code = match &c.code {
            Some(code) => {
                bounded("code", code, 64)?;
                Some(self.code(code)?)
            }
            None => None,
        };
        let model = match &c.model {
            Some(model) => {
                bounded("model", model, 256)?;
                Some(self.symbols.intern(model.as_str()))
            }
            None => None,
        };
        let annotator = match &c.annotator {
            Some(annotator) if !annotator.as_str().is_empty() => {
                bounded("annotator", annotator, 256)?;
                Some(self.name("annotator", annotator)?)
            }
            _ => None,
        };
        let entry = CorrectionEntry {
            model,
            id: c.correction_id.as_str().into(),
            body: body_of_correction(c, &mut self.scratch),
            revision: c.revision,
            at: c.corrected_at.nanos(),
            code,
            source: self.symbols.intern(c.source.as_str()),
            weight,
            retracted: c.retracted.unwrap_or(false),
            annotator,
        };
        Ok((JoinKey::new(workspace, c.prediction_id.as_str()), entry))
    }

    fn code(&mut self, code: &Text<'_>) -> Result<Symbol, Reject> {
        // codes are short: eight bytes are one number, found without hashing or comparing text
        let mut bytes = [0u8; 8];
        let short = code.as_str().as_bytes();
        let fits = bytes.get_mut(..short.len()).map(|room| room.copy_from_slice(short)).is_some();
        // a NUL inside a code would look like the padding behind a shorter one
        let packed = (fits && !short.contains(&0)).then(|| u64::from_le_bytes(bytes));
        if let Some(known) = packed.and_then(|p| self.codes.get(&p)) {
            return Ok(*known);
        }
        let symbol = self.new_code(code)?;
        if let Some(packed) = packed {
            self.codes.insert(packed, symbol);
        }
        Ok(symbol)
    }

    fn new_code(&mut self, code: &Text<'_>) -> Result<Symbol, Reject> {
        let canonical = canonical(code.as_str());
        if canonical.is_empty() {
            return Err(Reject::new(Reason::InvalidValue, "`code` has no letter or digit"));
        }
        if self.symbols.len() >= Symbols::MAX_SYMBOLS {
            return Err(Reject::new(Reason::InvalidValue, "`code`: more distinct codes than a store can hold"));
        }
        Ok(self.symbols.intern(&canonical))
    }

    fn name(&mut self, field: &str, text: &Text<'_>) -> Result<Symbol, Reject> {
        if self.symbols.len() >= Symbols::MAX_SYMBOLS && self.symbols.find(text.as_str()).is_none() {
            let detail = format!("`{field}`: more distinct names than a store can hold");
            return Err(Reject::new(Reason::InvalidValue, detail));
        }
        Ok(self.symbols.intern(text.as_str()))
    }

    /// The prediction's series, its model, and what is said of the model.
    fn series(&mut self, workspace: &str, p: &Prediction<'_>) -> Result<(SeriesId, Symbol, &Policy), Reject> {
        let (model, version, nomenclature) = (p.model.as_str(), p.model_version.as_str(), p.nomenclature.as_str());
        let same = |last: &LastSeries| {
            last.version == version
                && last.model == model
                && last.nomenclature == nomenclature
                && last.workspace == workspace
        };
        let last = match self.last.take() {
            Some(last) if same(&last) => last,
            _ => self.meet(workspace, p)?,
        };
        let last = self.last.insert(last);
        Ok((last.id, last.model_symbol, &last.policy))
    }

    fn meet(&mut self, workspace: &str, p: &Prediction<'_>) -> Result<LastSeries, Reject> {
        let (model, version, nomenclature) = (p.model.as_str(), p.model_version.as_str(), p.nomenclature.as_str());
        let series = Series {
            workspace: self.symbols.intern(workspace),
            model: self.symbols.intern(model),
            version: self.symbols.intern(version),
            nomenclature: self.symbols.intern(nomenclature),
        };
        let id = self.symbols.intern_series(series);
        if id.0 as usize >= Symbols::MAX_SERIES {
            let detail = format!("`model_version`: more than {} versions of all models", Symbols::MAX_SERIES);
            return Err(Reject::new(Reason::InvalidValue, detail));
        }
        Ok(LastSeries {
            workspace: workspace.to_owned(),
            model: model.to_owned(),
            version: version.to_owned(),
            nomenclature: nomenclature.to_owned(),
            id,
            model_symbol: series.model,
            policy: self.policies.of(model).clone(),
        })
    }
}

fn workspace<'a>(named: Option<&'a Text<'_>>) -> Result<&'a str, Reject> {
    match named {
        Some(text) => bounded("workspace", text, 64).map(|()| text.as_str()),
        None => Ok(DEFAULT_WORKSPACE),
    }
}

fn bounded(field: &str, text: &Text<'_>, max: usize) -> Result<(), Reject> {
    match text.as_str().len() {
        0 => Err(Reject::new(Reason::InvalidValue, format!("`{field}` is empty"))),
        n if n > max => Err(Reject::new(Reason::InvalidValue, format!("`{field}` is {n} bytes long (at most {max})"))),
        _ => Ok(()),
    }
}

fn invalid(field: &str, value: f64, allowed: &str) -> Reject {
    Reject::new(Reason::InvalidValue, format!("`{field}` is {value} (expected {allowed})"))
}

/// Hash of everything an event says, whatever the order of its fields or the format it came in. The parts are
/// laid end to end first: fed with each by itself, the hash took twice as long.
struct Body<'s>(&'s mut Vec<u8>);

impl<'s> Body<'s> {
    fn new(scratch: &'s mut Vec<u8>) -> Self {
        scratch.clear();
        Body(scratch)
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0xff); // not in UTF-8: neighbouring fields cannot run into each other
        self
    }

    fn optional(&mut self, text: Option<&Text<'_>>) -> &mut Self {
        self.0.push(u8::from(text.is_some()));
        self.text(text.map_or("", Text::as_str))
    }

    fn number(&mut self, x: Option<f64>) -> &mut Self {
        self.word(x.map_or(u64::MAX, |x| (x + 0.0).to_bits())) // -0 and 0 are one number
    }

    fn word(&mut self, x: u64) -> &mut Self {
        self.0.extend_from_slice(&x.to_le_bytes());
        self
    }

    fn finish(&self) -> u64 {
        SipHasher13::new().hash(self.0).h1
    }
}

fn body_of_prediction(p: &Prediction<'_>, scratch: &mut Vec<u8>) -> u64 {
    let mut body = Body::new(scratch);
    body.text(p.model.as_str()).text(p.model_version.as_str()).text(p.nomenclature.as_str());
    body.word(p.predicted_at.nanos() as u64).word(u64::from(p.status == Status::Error));
    body.number(p.latency_ms).number(p.confidence);
    for c in &p.candidates {
        body.text(c.code.as_str()).number(Some(c.probability)).optional(c.label.as_ref());
    }
    body.optional(p.text.as_ref());
    for (name, value) in p.attributes.iter().flat_map(|a| &a.0) {
        body.text(name.as_str());
        match value {
            Scalar::Null => body.word(0),
            Scalar::Bool(b) => body.word(1 + u64::from(*b)),
            Scalar::Number(x) => body.number(Some(*x)),
            Scalar::Text(t) => body.text(t.as_str()),
        };
    }
    body.word(p.route.map_or(0, |r| 1 + r as u64)).word(p.batch_size.map_or(0, |n| 1 + u64::from(n)));
    body.finish()
}

fn body_of_correction(c: &Correction<'_>, scratch: &mut Vec<u8>) -> u64 {
    let mut body = Body::new(scratch);
    body.text(c.correction_id.as_str()).optional(c.code.as_ref()).text(c.source.as_str());
    body.word(c.corrected_at.nanos() as u64).number(c.inclusion_probability).word(u64::from(c.revision));
    body.optional(c.annotator.as_ref()).word(u64::from(c.retracted.unwrap_or(false))).optional(c.model.as_ref());
    body.finish()
}
