//! Delivers to a plug's sinks at intervals, as the member `delivery` of a configuration says.
//!
//! A sink that fails is tried less often, up to [`MAX_FACTOR`] and [`MAX_BACKOFF`]. The log says
//! once that it fails and once that it works again; a warning of the plug is there once for as long
//! as each delivery has one.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr as _;
use std::time::Duration;

use plugpipe_runtime::printable::counted;
use plugpipe_runtime::{Answer, Error, PlugHandle};
use plugpipe_time::PrometheusDuration;
use plugpipe_yaml::nearest;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::{NOT_CONFIGURED, NOT_SENT};

/// The member of a configuration that this module reads.
pub const MEMBER: &str = "delivery";

const EVERY: &str = "every";
const SINKS: &str = "sinks";
const STOP_WITHIN: &str = "stop_within";

/// A shorter interval would mostly measure itself.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// How many intervals a pause after failures is long at most. It is small since a sink may take a
/// sample with each attempt, as remote write does, which an outage is to leave dense enough.
const MAX_FACTOR: u32 = 4;

/// The longest pause after failures, unless the interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// The default of [`Schedule::stop_within`]. With the server's 5 s for pending requests, a stop
/// stays within the 30 s after which Kubernetes kills a process.
const DEFAULT_STOP_WITHIN: Duration = Duration::from_secs(10);

/// When to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    every: Option<Duration>,
    sinks: BTreeMap<String, Duration>,
    /// How long the last delivery may take.
    pub stop_within: Duration,
}

impl Schedule {
    /// Takes the member `delivery` out of a configuration, since it is for the host and plugs do
    /// not know it. None if there is none.
    ///
    /// # Errors
    /// Text that begins with the path of what is invalid.
    pub fn take(config: &mut Value) -> Result<Option<Self>, String> {
        let delivery = config.as_object_mut().and_then(|config| config.remove(MEMBER));
        delivery.as_ref().map(Self::read).transpose()
    }

    fn read(delivery: &Value) -> Result<Self, String> {
        let expected = "expected a map, such as {every: 15s}";
        let members = delivery.as_object().ok_or_else(|| format!("{MEMBER}: {expected}"))?;
        let mut schedule = Self { every: None, sinks: BTreeMap::new(), stop_within: DEFAULT_STOP_WITHIN };
        for (name, value) in members {
            let path = format!("{MEMBER}.{name}");
            match name.as_str() {
                EVERY => schedule.every = Some(interval(&path, value)?),
                STOP_WITHIN => schedule.stop_within = duration(&path, value)?,
                SINKS => {
                    let expected = "expected a map of sinks to intervals, such as {otlp: 1m}";
                    for (sink, every) in value.as_object().ok_or_else(|| format!("{path}: {expected}"))? {
                        schedule.sinks.insert(sink.clone(), interval(&format!("{path}.{sink}"), every)?);
                    }
                }
                _ => {
                    let near = nearest(name, [EVERY, SINKS, STOP_WITHIN]);
                    return Err(format!("{path}: unknown field; expected {EVERY}, {SINKS} or {STOP_WITHIN}{near}"));
                }
            }
        }
        if schedule.every.is_none() && schedule.sinks.is_empty() {
            return Err(format!("{MEMBER}: has no interval; {expected}"));
        }
        Ok(schedule)
    }

    /// Checks that the plug has the sinks that this names.
    ///
    /// # Errors
    /// Text that begins with the path of one that it does not have.
    pub fn check(&self, known: &[String]) -> Result<(), String> {
        match self.sinks.keys().find(|sink| !known.contains(sink)) {
            None => Ok(()),
            Some(sink) => {
                let near = nearest(sink, known.iter().map(String::as_str));
                let advice = match (near.is_empty(), known.is_empty()) {
                    (false, _) => near,
                    (true, false) => format!("; expected one of {}", known.join(", ")),
                    (true, true) => "; the plug has no sinks".to_owned(),
                };
                Err(format!("{MEMBER}.{SINKS}.{sink}: unknown sink{advice}"))
            }
        }
    }

    /// Starts the deliveries to a plug's sinks.
    pub fn start(&self, plug: &PlugHandle) -> Deliveries {
        let mut tasks = JoinSet::new();
        for sink in &plug.describe().sinks {
            let named = self.sinks.get(sink).copied();
            if let Some(every) = named.or(self.every) {
                let (is_named, state, warns) = (named.is_some(), State::Unknown, false);
                let repeated = Repeated { sink: sink.clone(), every, is_named, state, warns };
                tasks.spawn(repeated.run(plug.clone()));
            }
        }
        Deliveries { _tasks: tasks }
    }
}

fn duration(path: &str, value: &Value) -> Result<Duration, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let duration = PrometheusDuration::from_str(text.trim()).map_err(|error| format!("{path}: {error}"))?;
    Ok(duration.get())
}

fn interval(path: &str, value: &Value) -> Result<Duration, String> {
    let every = duration(path, value)?;
    if every < MIN_INTERVAL {
        return Err(format!("{path}: expected an interval of at least {MIN_INTERVAL:?}, got {every:?}"));
    }
    Ok(every)
}

/// Running deliveries; they end when this is dropped. What a server is being sent then arrives or
/// not, and the plug knows which.
#[derive(Debug)]
pub struct Deliveries {
    _tasks: JoinSet<()>,
}

/// What the last delivery came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// There was none.
    Unknown,
    /// The server accepted everything, or nothing had changed.
    Healthy,
    /// The configuration lets nothing be sent.
    Idle,
    /// So many deliveries in a row have failed.
    Failing(u32),
}

/// The deliveries to one sink.
struct Repeated {
    sink: String,
    every: Duration,
    /// Whether the schedule names the sink, and not only an interval for all.
    is_named: bool,
    state: State,
    /// Whether the last delivery had warnings.
    warns: bool,
}

impl Repeated {
    async fn run(mut self, plug: PlugHandle) {
        // Processes that start together do not deliver together.
        sleep(self.every.mul_f64(fraction())).await;
        loop {
            match plug.deliver(&self.sink).await {
                Err(Error::Ended) => return,
                outcome => self.note(&outcome),
            }
            sleep(self.pause().mul_f64(0.9 + 0.2 * fraction())).await;
        }
    }

    /// Until the next delivery: doubled by each failure.
    fn pause(&self) -> Duration {
        let State::Failing(failures) = self.state else { return self.every };
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1)).min(MAX_FACTOR);
        self.every.saturating_mul(factor).min(MAX_BACKOFF.max(self.every))
    }

    /// Logs what changed.
    fn note(&mut self, outcome: &Result<Answer, Error>) {
        let sink = self.sink.as_str();
        if let Ok(Answer { warnings, .. }) = outcome {
            let were_there = std::mem::replace(&mut self.warns, !warnings.is_empty());
            for warning in warnings {
                if were_there {
                    debug!("delivery to {sink}: {warning}");
                } else {
                    warn!("delivery to {sink}: {warning}");
                }
            }
        }
        let (problem, pending) = match outcome {
            Ok(Answer { error: None, .. }) => {
                if let State::Failing(failures) = self.state {
                    let failed = counted(failures.into(), "failed delivery", "failed deliveries");
                    info!("delivery to {sink}: healthy again after {failed}");
                }
                self.state = State::Healthy;
                return;
            }
            Ok(Answer { error: Some(problem), .. }) if [NOT_CONFIGURED, NOT_SENT].contains(&problem.code.as_str()) => {
                if self.state != State::Idle && (self.is_named || problem.code == NOT_SENT) {
                    warn!("delivery to {sink}: {}", problem.message);
                }
                self.state = State::Idle;
                return;
            }
            Ok(Answer { error: Some(problem), unsent, .. }) => (problem.message.clone(), *unsent),
            Err(error) => (error.to_string(), 0),
        };
        let failures = if let State::Failing(failures) = self.state { failures.saturating_add(1) } else { 1 };
        self.state = State::Failing(failures);
        let pause = self.pause();
        if failures == 1 {
            let pending = match pending {
                0 => String::new(),
                pending => format!("{} pending, ", counted(pending, "value is", "values are")),
            };
            warn!("delivery to {sink}: unhealthy: {problem}; {pending}next attempt in {pause:?}");
        } else {
            debug!("delivery to {sink}: failed {failures} times in a row: {problem}; next attempt in {pause:?}");
        }
    }
}

/// A random number from 0 to 1.
fn fraction() -> f64 {
    // The keys of each state are random. A u16 is fine enough, and converts without loss.
    let [a, b, ..] = RandomState::new().hash_one(0_u8).to_le_bytes();
    f64::from(u16::from_le_bytes([a, b])) / f64::from(u16::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(delivery: Value) -> Result<Schedule, String> {
        let mut config = json!({"job_name": "j", "delivery": delivery});
        let schedule = Schedule::take(&mut config);
        assert_eq!(config, json!({"job_name": "j"}));
        schedule.map(Option::unwrap)
    }

    #[test]
    fn a_schedule_has_an_interval_for_all_sinks_or_for_each() {
        let seconds = Duration::from_secs;
        let schedule = read(json!({"every": "15s", "sinks": {"otlp": "1m"}, "stop_within": 3})).unwrap();
        assert_eq!(
            (schedule.every, schedule.sinks.get("otlp"), schedule.stop_within),
            (Some(seconds(15)), Some(&seconds(60)), seconds(3))
        );
        assert_eq!(schedule.check(&["otlp".into()]), Ok(()));
        assert_eq!(
            schedule.check(&["otpl".into()]).unwrap_err(),
            "delivery.sinks.otlp: unknown sink; did you mean otpl?"
        );
        assert_eq!(Schedule::take(&mut json!({})), Ok(None));
        for (invalid, problem) in [
            (json!("15s"), "delivery: expected a map"),
            (json!({}), "delivery: has no interval"),
            (
                json!({"evry": "15s"}),
                "delivery.evry: unknown field; expected every, sinks or stop_within; did you mean every?",
            ),
            (json!({"every": "soon"}), "delivery.every: expected a duration"),
            (json!({"every": "10ms"}), "delivery.every: expected an interval of at least 1s"),
            (json!({"sinks": {"otlp": 0}}), "delivery.sinks.otlp: expected an interval of at least 1s"),
            (json!({"sinks": ["otlp"]}), "delivery.sinks: expected a map"),
        ] {
            let error = read(invalid).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn failures_double_the_pause_up_to_a_bound() {
        let pause = |every: u64, failures| {
            let repeated = Repeated {
                sink: "s".into(),
                every: Duration::from_secs(every),
                is_named: false,
                state: State::Failing(failures),
                warns: false,
            };
            repeated.pause().as_secs()
        };
        assert_eq!([1, 2, 3, 4, u32::MAX].map(|failures| pause(15, failures)), [15, 30, 60, 60, 60]);
        assert_eq!([1, 2, 3, u32::MAX].map(|failures| pause(120, failures)), [120, 240, 300, 300]);
        assert_eq!([1, 2, u32::MAX].map(|failures| pause(600, failures)), [600; 3]);
    }

    #[test]
    fn random_fractions_differ() {
        let fractions: Vec<f64> = (0..8).map(|_| fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        assert!(fractions.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
