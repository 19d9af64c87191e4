//! Applies random operations to the registry and to a simple model and compares them, including the
//! text of a long-lived encoder with one written naively from the model. `MODEL_OPERATIONS` sets
//! the number of operations.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use plugpipe_metrics::exposition::{escaping::Escaping, text::Encoder};
use plugpipe_metrics::number::write_number;
use plugpipe_metrics::registry::{
    Buckets, Definition, FamilyId, Kind, LabelName, Labels, MetricName, OVERFLOW_VALUE, Recording, Registry, SeriesId,
};

const BOUNDS: [f64; 3] = [-1.0, 0.5, 10.0];
const STATES: [&str; 3] = ["idle", "busy \"x\"", ""];
const LIMIT: usize = 6;

/// xorshift64*, so that every run performs the same operations.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn value(&mut self) -> f64 {
        match self.below(12) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::NAN,
            3 => f64::INFINITY,
            4 => f64::MIN_POSITIVE,
            5 => -1e300,
            6..=8 => self.below(1_000) as f64,
            _ => (self.below(2_000_000) as f64 - 500_000.0) / 700.0,
        }
    }
}

#[derive(Clone)]
struct ModelSeries {
    handle: SeriesId,
    value: f64,
    counts: [u64; 4],
    states: [bool; 3],
}

#[derive(Clone)]
struct ModelFamily {
    id: FamilyId,
    kind: Kind,
    help: Option<String>,
    labels: usize,
    limited: bool,
    series: BTreeMap<Vec<String>, ModelSeries>,
    overflow: Option<SeriesId>,
}

type Model = BTreeMap<String, ModelFamily>;

fn definition(name: &str, kind: Kind, labels: usize, limited: bool, help: Option<String>) -> Definition {
    let mut definition = Definition::new(MetricName::new(name, "name").unwrap(), kind);
    definition.quantiles = (kind == Kind::Summary).then(Vec::new);
    definition.label_names = (0..labels).map(|index| LabelName::new(&format!("l{index}"), "labels").unwrap()).collect();
    definition.help = help;
    definition.series_limit = limited.then_some(LIMIT);
    if kind == Kind::Histogram {
        definition.buckets = Some(Buckets::new(&BOUNDS, "buckets").unwrap());
    }
    if kind == Kind::StateSet {
        definition.states = STATES.map(Into::into).into();
    }
    definition
}

fn takes(kind: Kind, value: f64) -> bool {
    match kind {
        Kind::Counter => value >= 0.0 && value.is_finite(),
        Kind::Gauge => true,
        Kind::Histogram | Kind::Summary => !value.is_nan(),
        _ => false,
    }
}

fn apply(kind: Kind, series: &mut ModelSeries, value: f64) {
    match kind {
        Kind::Counter => series.value += value,
        Kind::Gauge => series.value = value,
        _ => {
            series.value += value;
            series.counts[BOUNDS.iter().filter(|bound| **bound < value).count()] += 1;
        }
    }
}

fn number(value: f64) -> String {
    let mut out = Vec::new();
    write_number(value, &mut out);
    String::from_utf8(out).unwrap()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

fn naive(model: &Model) -> String {
    let mut out = String::new();
    for (name, family) in model.iter().filter(|(_, family)| !family.series.is_empty()) {
        let (shown, kind) = match family.kind {
            Kind::Info => (format!("{name}_info"), "gauge"),
            Kind::StateSet => (name.clone(), "gauge"),
            kind => (name.clone(), kind.name()),
        };
        if let Some(help) = &family.help {
            out += &format!("# HELP {shown} {}\n", help.replace('\\', "\\\\").replace('\n', "\\n"));
        }
        out += &format!("# TYPE {shown} {kind}\n");
        for (values, series) in &family.series {
            let mut line = |suffix: &str, own: Option<(&str, &str)>, value: f64| {
                let mut labels: Vec<String> = values
                    .iter()
                    .enumerate()
                    .map(|(index, value)| format!("l{index}=\"{}\"", escaped(value)))
                    .collect();
                labels.extend(own.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))));
                let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                out += &format!("{name}{suffix}{labels} {}\n", number(value));
            };
            let count: u64 = series.counts.iter().sum();
            match family.kind {
                Kind::Info => line("_info", None, 1.0),
                Kind::StateSet => {
                    for (state, on) in STATES.iter().zip(series.states) {
                        line("", Some((name, state)), f64::from(u8::from(on)));
                    }
                }
                Kind::Histogram => {
                    for (index, bound) in BOUNDS.iter().chain(&[f64::INFINITY]).enumerate() {
                        let below: u64 = series.counts[..=index].iter().sum();
                        line("_bucket", Some(("le", &number(*bound))), below as f64);
                    }
                    line("_sum", None, series.value);
                    line("_count", None, count as f64);
                }
                Kind::Summary => {
                    line("_sum", None, series.value);
                    line("_count", None, count as f64);
                }
                _ => line("", None, series.value),
            }
        }
    }
    out
}

/// Finds or creates the model's series like the registry should, and returns its key.
fn find_or_create(family: &mut ModelFamily, values: Vec<String>, handle: SeriesId) -> Vec<String> {
    let held = family.series.len() - usize::from(family.overflow.is_some());
    let full = family.limited && held >= LIMIT && !family.series.contains_key(&values);
    let key = if full { vec![OVERFLOW_VALUE.to_owned(); family.labels] } else { values };
    if full {
        family.overflow = Some(handle);
    }
    let series = family.series.entry(key.clone()).or_insert(ModelSeries {
        handle,
        value: 0.0,
        counts: [0; 4],
        states: [false; 3],
    });
    assert_eq!(series.handle, handle);
    key
}

#[test]
fn random_operations_match_the_model() {
    let operations = std::env::var("MODEL_OPERATIONS").map_or(20_000, |count| count.parse().unwrap());
    // Long runs compare the text less often, since encoding dominates.
    let every = (operations / 100_000).max(4);
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut registry = Registry::with_seed(3);
    let mut encoder = Encoder::new();
    let mut model = Model::new();
    let mut stale: Vec<SeriesId> = Vec::new();
    let kinds = [
        Kind::Counter,
        Kind::Gauge,
        Kind::Histogram,
        Kind::Summary,
        Kind::Info,
        Kind::StateSet,
        Kind::Gauge,
        Kind::Counter,
    ];
    let words = ["", "a", "ab", "a\"b", "line\nfeed", "back\\slash", "é", "\0", "zz", "10", "9"];
    for step in 0..operations {
        let family_number = random.below(16);
        let name = format!("m{family_number}");
        let (kind, labels) = (kinds[family_number % 8], family_number % 4);
        let limited = family_number % 5 == 3 && labels > 0;
        let values: Vec<String> = (0..labels).map(|_| words[random.below(words.len())].to_owned()).collect();
        match random.below(100) {
            0..=4 => {
                let help = (random.below(2) == 0).then(|| format!("Help \\ of\n{name}"));
                let id = registry.register(definition(&name, kind, labels, limited, help.clone())).unwrap();
                let family = model.entry(name).or_insert(ModelFamily {
                    id,
                    kind,
                    help: None,
                    labels,
                    limited,
                    series: BTreeMap::new(),
                    overflow: None,
                });
                family.help = family.help.take().or(help);
                assert_eq!(family.id, id);
            }
            5..=34 => {
                let Some(family) = model.get_mut(&name) else { continue };
                let borrowed: Vec<&str> = values.iter().map(String::as_str).collect();
                let handle = registry.series(family.id, &borrowed).unwrap();
                assert!(!stale.contains(&handle), "a handle came twice");
                find_or_create(family, values, handle);
            }
            35..=69 => {
                let mut all: Vec<(&Kind, &mut ModelSeries)> = model
                    .values_mut()
                    .flat_map(|family| {
                        let kind = &family.kind;
                        family.series.values_mut().map(move |series| (kind, series))
                    })
                    .collect();
                let count = random.below(20).min(all.len());
                let mut places: Vec<usize> = (0..count).map(|_| random.below(all.len())).collect();
                if random.below(4) > 0 {
                    places.retain(|place| matches!(all[*place].0, Kind::Counter | Kind::Gauge));
                }
                let ids: Vec<u32> = places.iter().map(|place| all[*place].1.handle.raw()).collect();
                let mut amounts: Vec<f64> = places.iter().map(|_| random.value()).collect();
                if random.below(3) > 0 {
                    for (place, amount) in places.iter().zip(&mut amounts) {
                        if !takes(*all[*place].0, *amount) {
                            *amount = 1.5;
                        }
                    }
                }
                let invalid = places.iter().zip(&amounts).position(|(place, amount)| !takes(*all[*place].0, *amount));
                let done = registry.record_many(&ids, &amounts);
                assert_eq!(done.map_err(|(index, _)| index).err(), invalid);
                if invalid.is_none() {
                    for (place, amount) in places.iter().zip(&amounts) {
                        let (kind, series) = &mut all[*place];
                        apply(**kind, series, *amount);
                    }
                }
            }
            70..=84 => {
                let Some(family) = model.get_mut(&name) else { continue };
                let count = family.series.len();
                let Some(series) = family.series.values_mut().nth(random.below(count.max(1))) else { continue };
                let value = random.value();
                let done = match random.below(4) {
                    0 => {
                        let done = registry.add(series.handle, value);
                        let allowed = kind == Kind::Gauge || (kind == Kind::Counter && takes(kind, value));
                        assert_eq!(done.is_ok(), allowed);
                        if allowed {
                            series.value += value;
                        }
                        continue;
                    }
                    1 => (registry.set(series.handle, value), kind == Kind::Gauge),
                    2 => (
                        registry.observe(series.handle, value),
                        matches!(kind, Kind::Histogram | Kind::Summary) && !value.is_nan(),
                    ),
                    _ => {
                        let (state, on) = (random.below(3), random.below(2) == 0);
                        let done = registry.set_state(series.handle, STATES[state], on);
                        assert_eq!(done.is_ok(), kind == Kind::StateSet);
                        if done.is_ok() {
                            series.states[state] = on;
                        }
                        continue;
                    }
                };
                assert_eq!(done.0.is_ok(), done.1);
                if done.1 {
                    apply(kind, series, value);
                }
            }
            85..=91 => {
                let Some(family) = model.get_mut(&name) else { continue };
                let Some(key) = family.series.keys().nth(random.below(family.series.len().max(1))).cloned() else {
                    continue;
                };
                let removed = family.series.remove(&key).unwrap().handle;
                if family.overflow == Some(removed) {
                    family.overflow = None;
                }
                if random.below(2) == 0 {
                    registry.remove(removed).unwrap();
                } else {
                    let pairs: Vec<(String, &str)> = key
                        .iter()
                        .enumerate()
                        .rev()
                        .map(|(index, value)| (format!("l{index}"), value.as_str()))
                        .collect();
                    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                    assert!(registry.remove_series(family.id, &pairs).unwrap());
                }
                stale.push(removed);
            }
            92..=97 => {
                // A batch of recordings, half the time with one that fails and rolls back the
                // batch.
                let fail = random.below(2) == 0;
                let mut trial = model.clone();
                let mut recordings = Vec::new();
                for _ in 0..random.below(6) {
                    let family_number = random.below(16);
                    let (kind, labels) = (kinds[family_number % 8], family_number % 4);
                    let limited = family_number % 5 == 3 && labels > 0;
                    if matches!(kind, Kind::Info | Kind::StateSet) {
                        continue;
                    }
                    let values: Vec<String> =
                        (0..labels).map(|_| words[random.below(words.len())].to_owned()).collect();
                    let pairs: Vec<(String, &str)> =
                        values.iter().enumerate().map(|(index, value)| (format!("l{index}"), value.as_str())).collect();
                    recordings.push(Recording {
                        definition: definition(&format!("m{family_number}"), kind, labels, limited, None),
                        labels: Labels::new(pairs.iter().map(|(name, value)| (name.as_str(), *value)), "labels")
                            .unwrap(),
                        amount: 2.5,
                    });
                }
                if fail {
                    recordings.push(Recording {
                        definition: definition("fails", Kind::Counter, 0, false, None),
                        labels: Labels::default(),
                        amount: -1.0,
                    });
                    assert_eq!(registry.record_all(&recordings).unwrap_err().0, recordings.len() - 1);
                } else {
                    let ids = registry.record_all(&recordings).unwrap();
                    for (recording, handle) in recordings.iter().zip(ids) {
                        let name = recording.definition.name.as_str();
                        let labels = recording.labels.names().len();
                        let family = trial.entry(name.to_owned()).or_insert_with(|| ModelFamily {
                            id: registry.family(name).unwrap(),
                            kind: recording.definition.kind,
                            help: None,
                            labels,
                            limited: recording.definition.series_limit.is_some(),
                            series: BTreeMap::new(),
                            overflow: None,
                        });
                        assert!(!stale.contains(&handle), "a handle came twice");
                        let values = recording.labels.iter().map(|(_, value)| value.to_owned()).collect();
                        let key = find_or_create(family, values, handle);
                        apply(family.kind, family.series.get_mut(&key).unwrap(), recording.amount);
                    }
                    model = trial;
                }
            }
            98 => {
                for _ in 0..3.min(stale.len()) {
                    let old = stale[random.below(stale.len())];
                    assert!(registry.set(old, 1.0).is_err() && registry.point(old).is_none());
                    assert!(registry.record_many(&[old.raw()], &[1.0]).is_err() && registry.remove(old).is_err());
                }
                // Restore from a snapshot, as after a trap.
                let mut bytes = Vec::new();
                registry.snapshot(&mut bytes);
                registry = Registry::restore(&bytes, step as u64).unwrap();
                let mut again = Vec::new();
                registry.snapshot(&mut again);
                assert!(bytes == again, "a snapshot of what was restored differs");
            }
            _ => {
                if random.below(12) == 0 {
                    stale.extend(model.values().flat_map(|family| family.series.values().map(|series| series.handle)));
                    registry.clear();
                    model.clear();
                }
            }
        }
        // Keep only the newest, since each new handle is compared with all of them.
        if stale.len() > 4_000 {
            stale.drain(..2_000);
        }
        assert_eq!(registry.len(), model.values().map(|family| family.series.len()).sum::<usize>());
        if step % every == 0 {
            let text = str::from_utf8(encoder.encode(&registry, Escaping::Underscores).unwrap()).unwrap();
            assert_eq!(text, naive(&model), "after operation {step}");
        }
    }
}

#[test]
fn damaged_snapshots_are_rejected() {
    let mut registry = Registry::with_seed(1);
    registry.set_now(99);
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let mut wanted = definition(&format!("m{index}"), kind, 2, false, Some("Help".into()));
        if kind == Kind::Summary {
            wanted.quantiles = Some(vec![0.5, 0.9]);
        }
        let id = registry.register(wanted).unwrap();
        for value in ["a", "b", "c"] {
            let series = registry.series(id, &[value, ""]).unwrap();
            let _ = registry.record(series, 1.25);
            if value == "b" {
                registry.remove(series).unwrap();
            }
        }
    }
    let mut bytes = Vec::new();
    registry.snapshot(&mut bytes);
    let restored = Registry::restore(&bytes, 9).unwrap();
    assert_eq!(format!("{:?}", restored.read(99)), format!("{:?}", registry.read(99)));
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << bit;
            assert!(Registry::restore(&damaged, 9).is_err(), "{position}.{bit}");
        }
        assert!(Registry::restore(&bytes[..position], 9).is_err());
    }
    assert!(Registry::restore(&[&bytes[..], &[0]].concat(), 9).is_err());
    // Even with a matching checksum, invalid data is rejected or yields a valid registry; it never
    // panics.
    let mut random = Random(77);
    for _ in 0..20_000 {
        let mut forged = bytes[..bytes.len() - 8].to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(forged.len());
            forged[at] = random.below(256) as u8;
        }
        let sum = checksum(&forged);
        forged.extend_from_slice(&sum.to_le_bytes());
        if let Ok(mut forged) = Registry::restore(&forged, 9) {
            Encoder::new().encode(&forged, Escaping::Underscores).unwrap();
            forged.clear();
        }
    }
}

/// The checksum documented for snapshots.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, word: u64| {
        let sum = (sum ^ word).wrapping_mul(0x0100_0000_01b3);
        sum ^ (sum >> 32)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| step(sum, u64::from_le_bytes(*word)));
    step(rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte))), bytes.len() as u64)
}
