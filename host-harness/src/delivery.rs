//! Delivers recorded values at intervals and at the end of a process, and detects those that would
//! be lost when it exits, because no server has them.

mod schedule;

use std::fmt;
use std::time::Duration;

use plugpipe_runtime::printable::counted;
use plugpipe_runtime::session::{Format, VIOLATIONS};
use plugpipe_runtime::{Answer, Error, PlugHandle, Problem};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

pub use self::schedule::{Deliveries, MEMBER, Schedule};

/// The code of a problem of a sink for which no server is configured.
const NOT_CONFIGURED: &str = "not_configured";

/// The code of a problem of a sink to which the configuration lets nothing be sent.
const NOT_SENT: &str = "not_sent";

/// What the names of the plug's metrics about itself begin with. They tell of this process only, so
/// they are not counted as recorded.
const OWN_METRICS: &str = "plugpipe_monitoring_";

/// Values that were not delivered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// How many.
    pub amount: Amount,
    /// Why the values were not delivered.
    pub reason: Reason,
}

/// The number of undelivered values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// The plug stores this many series.
    Series(u64),
    /// The plug exposes no series, and says that this many values were not sent.
    Values(u64),
}

impl Amount {
    /// The verb that follows it: the first for one value, the second otherwise.
    pub fn verb<'v>(&self, one: &'v str, many: &'v str) -> &'v str {
        if *self == Self::Values(1) { one } else { many }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Series(count) => write!(f, "the values of {count} series"),
            Self::Values(count) => f.write_str(&counted(*count, "value", "values")),
        }
    }
}

/// Why values were not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The configuration names no server that takes them, and nobody scraped them.
    NoServer,
    /// The configuration lets nothing be sent; the text says which setting.
    HeldBack(String),
    /// A server did not take them; the text says why.
    Failed(String),
    /// The plug gives no reason.
    Unknown,
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        if problem.code == NOT_SENT { Self::HeldBack(problem.message) } else { Self::Failed(problem.message) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer => f.write_str("no gateway is configured"),
            Self::HeldBack(problem) => f.write_str(problem),
            Self::Failed(problem) => write!(f, "the push failed: {problem}"),
            Self::Unknown => f.write_str("no server has accepted them"),
        }
    }
}

/// The outcome of [`deliver`].
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Values that are lost if the process exits now.
    pub undelivered: Option<Undelivered>,
    /// The responses of the sinks that took something.
    pub answers: Vec<Answer>,
}

/// Delivers to the plug's sinks what was not sent, and says what would be lost if this process ended
/// now. `last` is the answer of a call that has just sent what it was to send: what that left unsent
/// is not sent again. Nothing is sent where nothing was recorded but denied requests: a push of their
/// counter alone would replace a group that others see.
///
/// # Errors
/// [`Error::Ended`] or another host error. A failed push is not an error; it is reported in
/// [`Undelivered::reason`].
pub async fn deliver(plug: &PlugHandle, last: Option<&Answer>) -> Result<Delivery, Error> {
    let mut answers = Vec::new();
    let (reason, unsent) = match last.map(|answer| answer.unsent) {
        Some(unsent) if unsent > 0 => (Some(Reason::Unknown), unsent),
        _ if is_only_denied(plug).await? => (None, 0),
        _ => to_sinks(plug, &mut answers).await?,
    };
    let undelivered = match reason {
        Some(reason) => undelivered(plug, reason, unsent).await?,
        None => None,
    };
    Ok(Delivery { undelivered, answers })
}

/// Delivers to all sinks at once, for at most `within`, and says what would be lost if this process
/// ended now.
///
/// # Errors
/// Like [`deliver`].
pub async fn deliver_within(plug: &PlugHandle, within: Duration) -> Result<Delivery, Error> {
    let mut running = JoinSet::new();
    for sink in plug.describe().sinks.clone() {
        let plug = plug.clone();
        running.spawn(async move { (plug.deliver(&sink).await, sink) });
    }
    let mut outcomes = Outcomes::default();
    let mut pending = plug.describe().sinks.clone();
    let deadline = Instant::now() + within;
    while let Ok(Some(ended)) = timeout_at(deadline, running.join_next()).await {
        // A task is neither cancelled nor panics.
        let Ok((answer, sink)) = ended else { continue };
        pending.retain(|waiting| *waiting != sink);
        outcomes.add(answer?);
    }
    for sink in pending {
        let problem = format!("{sink}: no response within {within:?}");
        outcomes.reason.get_or_insert(Reason::Failed(problem));
        outcomes.is_configured = true;
    }
    let undelivered = match outcomes.reason(plug) {
        Some(reason) => undelivered(plug, reason, outcomes.unsent).await?,
        None => None,
    };
    Ok(Delivery { undelivered, answers: outcomes.answers })
}

/// Delivers to one sink after the other until one has everything. Why none has, and how many values
/// were not sent; no reason if there is none to lose.
async fn to_sinks(plug: &PlugHandle, answers: &mut Vec<Answer>) -> Result<(Option<Reason>, u64), Error> {
    let mut outcomes = Outcomes::default();
    for sink in &plug.describe().sinks {
        outcomes.add(plug.deliver(sink).await?);
        if outcomes.is_complete {
            break;
        }
    }
    let reason = outcomes.reason(plug);
    answers.append(&mut outcomes.answers);
    Ok((reason, outcomes.unsent))
}

/// What deliveries to sinks came to.
#[derive(Default)]
struct Outcomes {
    reason: Option<Reason>,
    unsent: u64,
    /// Whether a server is configured for any sink.
    is_configured: bool,
    /// Whether a sink has everything.
    is_complete: bool,
    answers: Vec<Answer>,
}

impl Outcomes {
    fn add(&mut self, mut answer: Answer) {
        let is_all = answer.unsent == 0;
        match answer.error.take() {
            Some(problem) if problem.code == NOT_CONFIGURED => {
                self.unsent = answer.unsent;
                return;
            }
            Some(problem) => self.reason = self.reason.take().or(Some(problem.into())),
            // What an earlier sink could not take counts only if it is still unsent.
            None if is_all => self.reason = None,
            None => {}
        }
        self.unsent = answer.unsent;
        self.is_configured = true;
        self.answers.push(answer);
        self.is_complete |= is_all && self.reason.is_none();
    }

    /// Why values would be lost; none if there are none to lose.
    fn reason(&self, plug: &PlugHandle) -> Option<Reason> {
        if self.is_complete {
            return None;
        }
        let has_sinks = !plug.describe().sinks.is_empty();
        let otherwise = match self.is_configured {
            true => (self.unsent > 0).then_some(Reason::Unknown),
            false => has_sinks.then_some(Reason::NoServer),
        };
        self.reason.clone().or(otherwise)
    }
}

async fn undelivered(plug: &PlugHandle, reason: Reason, unsent: u64) -> Result<Option<Undelivered>, Error> {
    if plug.with(|session| Box::pin(async move { Ok(session.is_scraped()) })).await? {
        return Ok(None);
    }
    let amount = match series(plug).await {
        Ok(series) => Amount::Series(series),
        Err(Error::NotExported { .. }) => Amount::Values(unsent),
        Err(error) => return Err(error),
    };
    let (Amount::Series(count) | Amount::Values(count)) = amount;
    Ok((count > 0).then_some(Undelivered { amount, reason }))
}

/// Whether the host's counter of denied requests is all that the plug stores.
async fn is_only_denied(plug: &PlugHandle) -> Result<bool, Error> {
    match families(plug).await {
        Ok(families) => {
            let mut families = families.iter().filter(|family| !family.name.starts_with(OWN_METRICS)).peekable();
            Ok(families.peek().is_some() && families.all(|family| family.name == VIOLATIONS))
        }
        // A plug whose metrics cannot be listed may have some.
        Err(Error::NotExported { .. } | Error::Answer { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number of stored series, excluding the host's own counter of denied requests.
///
/// # Errors
/// The errors of [`PlugHandle::with`], and [`Error::Answer`] for an exposition that cannot be
/// parsed.
pub async fn series(plug: &PlugHandle) -> Result<u64, Error> {
    let is_recorded = |name: &str| name != VIOLATIONS && !name.starts_with(OWN_METRICS);
    let families = families(plug).await?;
    Ok(families.iter().filter(|family| is_recorded(&family.name)).map(|family| family.series.len() as u64).sum())
}

/// A family of the plug's JSON exposition.
#[derive(Deserialize)]
struct Family {
    name: String,
    series: Vec<IgnoredAny>,
}

async fn families(plug: &PlugHandle) -> Result<Vec<Family>, Error> {
    #[derive(Deserialize)]
    struct Stored {
        families: Vec<Family>,
    }
    let stored = plug.with(|session| Box::pin(session.encode(Format::Json))).await?;
    let Stored { families } =
        serde_json::from_slice(&stored).map_err(|error| Error::Answer { problem: error.to_string() })?;
    Ok(families)
}
