//! A call that was acknowledged, as bytes: postcard, with its length in 4 bytes before it.

use std::borrow::Cow;

use bytemuck::NoUninit;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::frame::LENGTH;
use crate::error::Error;

/// A call with its time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry<'a> {
    /// Nanoseconds since the Unix epoch: the moment of a hosting call, or what a typed call was told; 0
    /// where it did not ask.
    pub(crate) unix_nanos: u64,
    #[serde(borrow)]
    pub(crate) call: Call<'a>,
}

/// What was called, and the handle that was answered where that matters. New kinds go to the end:
/// files hold the numbers of the old ones.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call<'a> {
    Start {
        seed: u64,
        ticket: u64,
        #[serde(borrow)]
        request: Request<'a>,
        cfg: &'a str,
    },
    Take {
        seed: u64,
        lane: &'a str,
    },
    Complete {
        seed: u64,
        lane: &'a str,
        #[serde(borrow)]
        outcome: Outcome<'a>,
    },
    Release {
        seed: u64,
        ticket: u64,
    },
    /// Ticket numbers below this one are not given again.
    Reserve {
        tickets: u64,
    },
    Looked,
    Register {
        #[serde(borrow)]
        definition: Box<Definition<'a>>,
        family: u32,
    },
    SeriesOf {
        family: u32,
        #[serde(borrow)]
        labels: Vec<Label<'a>>,
        series: u32,
    },
    Add {
        series: u32,
        amount: f64,
    },
    Set {
        series: u32,
        value: f64,
    },
    Observe {
        series: u32,
        value: f64,
    },
    ObserveWithExemplar {
        series: u32,
        value: f64,
        #[serde(borrow)]
        exemplar: Vec<Label<'a>>,
    },
    SetState {
        series: u32,
        state: &'a str,
        on: bool,
    },
    RecordMany {
        #[serde(borrow)]
        series: Packed<'a>,
        #[serde(borrow)]
        values: Packed<'a>,
    },
    Record {
        name: &'a str,
        kind: MetricKind,
        #[serde(borrow)]
        labels: Vec<Label<'a>>,
        value: f64,
        series: u32,
    },
    Remove {
        series: u32,
    },
    Clear,
    Restore {
        #[serde(borrow)]
        snapshot: Bytes<'a>,
    },
}

/// A request, as it may be written to a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Request<'a> {
    Call(&'a str),
    Deliver(&'a str),
    Health,
    Cleanup,
}

/// How a job ended, without what only serves answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Outcome<'a> {
    Ran {
        #[serde(borrow)]
        effect: Bytes<'a>,
    },
    FilePut {
        #[serde(borrow)]
        before: Option<Bytes<'a>>,
    },
    /// The reason; none if no folder was granted.
    FileNotPut {
        problem: Option<&'a str>,
    },
    Lost {
        reason: &'a str,
    },
}

/// Bytes, written in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Self)
    }
}

/// A label of a series or exemplar. Like all types of entries this is the journal's own, not the
/// one of `wit/`: files hold its fields in this order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

/// A metric kind. Files hold the positions of the variants: add new ones at the end.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
    NativeHistogram,
    Summary,
    Info,
    StateSet,
    GaugeHistogram,
    Unknown,
}

/// The bounds of native histograms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NativeBuckets {
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) max_buckets: u32,
    pub(crate) custom_bounds: Option<Vec<f64>>,
}

/// A metric family as it was registered. Files hold the fields in this order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Definition<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: MetricKind,
    #[serde(borrow)]
    pub(crate) help: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) unit: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) label_names: Vec<&'a str>,
    pub(crate) buckets: Option<Vec<f64>>,
    pub(crate) native: Option<NativeBuckets>,
    pub(crate) quantiles: Option<Vec<f64>>,
    pub(crate) window_seconds: Option<f64>,
    #[serde(borrow)]
    pub(crate) states: Vec<&'a str>,
    pub(crate) series_limit: Option<u32>,
    pub(crate) expire_after_seconds: Option<f64>,
}

/// Numbers, which are written as bytes, the little end first: in one piece, where a list would be
/// written number by number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packed<'a> {
    /// As they were read.
    Bytes(&'a [u8]),
    /// To be written.
    Handles(&'a [u32]),
    /// To be written.
    Values(&'a [f64]),
}

impl<'a> Packed<'a> {
    pub(crate) fn of_handles(list: &'a [u32]) -> Self {
        Self::Handles(list)
    }

    pub(crate) fn of_values(list: &'a [f64]) -> Self {
        Self::Values(list)
    }

    pub(crate) fn handles(&self) -> Vec<u32> {
        self.bytes().as_chunks().0.iter().copied().map(u32::from_le_bytes).collect()
    }

    pub(crate) fn values(&self) -> Vec<f64> {
        self.bytes().as_chunks().0.iter().copied().map(f64::from_le_bytes).collect()
    }

    fn bytes(&self) -> Cow<'a, [u8]> {
        if let Self::Bytes(bytes) = self {
            return Cow::Borrowed(bytes);
        }
        let mut bytes = Vec::new();
        self.append_to(&mut bytes);
        Cow::Owned(bytes)
    }

    /// How many bytes they are.
    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Handles(list) => size_of_val(*list),
            Self::Values(list) => size_of_val(*list),
        }
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
            Self::Handles(list) => append_numbers(out, list, u32::to_le_bytes),
            Self::Values(list) => append_numbers(out, list, f64::to_le_bytes),
        }
    }
}

/// In one piece where the machine has them in this order already.
fn append_numbers<T: NoUninit, const SIZE: usize>(out: &mut Vec<u8>, list: &[T], bytes: impl Fn(T) -> [u8; SIZE]) {
    if cfg!(target_endian = "little") {
        out.extend_from_slice(bytemuck::must_cast_slice(list));
    } else {
        out.extend(list.iter().flat_map(|number| bytes(*number)));
    }
}

impl Serialize for Packed<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Packed<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Self::Bytes)
    }
}

/// Appends to a buffer that is there: postcard's own ways want to own it, or to make one for each
/// call.
struct Tail<'v>(&'v mut Vec<u8>);

impl Flavor for Tail<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends an entry with its length. After an error the end of `out` is to be cut by the caller.
pub(super) fn append(out: &mut Vec<u8>, entry: &Entry) -> Result<(), Error> {
    let start = out.len();
    if !append_often(out, entry) {
        out.extend_from_slice(&[0; LENGTH]);
        postcard::serialize_with_flavor(entry, Tail(out)).map_err(|error| not_kept(&error.to_string()))?;
    }
    let length = u32::try_from(out.len() - start - LENGTH).map_err(|_| not_kept("it is longer than 4 GiB"))?;
    if let Some(place) = out.get_mut(start..start + LENGTH) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// Appends an entry of the kinds that come often, with room for its length: what postcard would
/// write, without its way of doing so number by number. Says whether it is of such a kind.
fn append_often(out: &mut Vec<u8>, Entry { unix_nanos, call }: &Entry) -> bool {
    let mut begin = Begin::after(LENGTH);
    begin.number(*unix_nanos);
    match call {
        Call::Start { seed, ticket, request: Request::Call(ctx), cfg: "" } => {
            begin.kind(0).number(*seed).number(*ticket).kind(0).number(ctx.len() as u64);
            out.reserve(ROOM + ctx.len() + 1);
            out.extend_from_slice(begin.bytes());
            out.extend_from_slice(ctx.as_bytes());
            // The length of the empty configuration.
            out.push(0);
        }
        Call::Add { series, amount: value } => out.extend_from_slice(begin.kind(8).update(*series, *value)),
        Call::Set { series, value } => out.extend_from_slice(begin.kind(9).update(*series, *value)),
        Call::Observe { series, value } => out.extend_from_slice(begin.kind(10).update(*series, *value)),
        Call::RecordMany { series, values } => {
            out.reserve(series.size() + values.size() + 2 * ROOM);
            begin.kind(13).number(series.size() as u64);
            out.extend_from_slice(begin.bytes());
            series.append_to(out);
            out.extend_from_slice(Begin::after(0).number(values.size() as u64).bytes());
            values.append_to(out);
        }
        _ => return false,
    }
    true
}

/// Room for a length, a time, two kinds and three numbers.
const ROOM: usize = 48;

/// The begin of an entry in the making: put together in one place, so that it is appended in one
/// piece.
struct Begin {
    room: [u8; ROOM],
    end: usize,
}

impl Begin {
    /// Goes on from so many bytes.
    fn after(end: usize) -> Self {
        Self { room: [0; ROOM], end }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.room.get_mut(self.end) {
            *place = byte;
            self.end += 1;
        }
    }

    /// Which of the calls it is.
    fn kind(&mut self, kind: u8) -> &mut Self {
        self.byte(kind);
        self
    }

    /// Seven bits a byte, the low ones first; all bytes but the last have the high bit.
    fn number(&mut self, mut number: u64) -> &mut Self {
        while number > 0x7f {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
        self
    }

    fn update(&mut self, series: u32, value: f64) -> &[u8] {
        self.number(series.into());
        if let Some(place) = self.room.get_mut(self.end..).and_then(<[u8]>::first_chunk_mut) {
            *place = value.to_le_bytes();
            self.end += place.len();
        }
        self.bytes()
    }

    fn bytes(&self) -> &[u8] {
        self.room.get(..self.end).unwrap_or_default()
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Entry<'_>, Error> {
    postcard::from_bytes(bytes).map_err(|error| not_kept(&format!("an entry cannot be decoded: {error}")))
}

fn not_kept(problem: &str) -> Error {
    Error::State { place: "the journal".into(), problem: problem.into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_come_often_are_what_postcard_writes() {
        let handles: Vec<u32> = (0..300).map(|n| n * n * n * 150).collect();
        let values: Vec<f64> = (0..300).map(|n| f64::from(n) / 7.0).collect();
        let text = "x".repeat(20_000);
        for unix_nanos in [0, 127, 128, 1_704_067_200_123_456_789, u64::MAX] {
            let mut calls = Vec::new();
            for ctx in ["", &text] {
                for number in [0, 128, u64::MAX] {
                    calls.push(Call::Start { seed: number, ticket: number, request: Request::Call(ctx), cfg: "" });
                }
            }
            for series in [0, 127, 128, u32::MAX] {
                for value in [0.0, -0.0, 1.5, f64::NEG_INFINITY] {
                    calls.push(Call::Add { series, amount: value });
                    calls.push(Call::Set { series, value });
                    calls.push(Call::Observe { series, value });
                }
            }
            for count in [0, 1, 31, 32, 300] {
                let (series, values) = (Packed::of_handles(&handles[..count]), Packed::of_values(&values[..count]));
                calls.push(Call::RecordMany { series, values });
            }
            for call in calls {
                let entry = Entry { unix_nanos, call };
                let mut often = b"before".to_vec();
                assert!(append_often(&mut often, &entry));
                let theirs = postcard::to_allocvec(&entry).unwrap();
                assert_eq!(often[6 + LENGTH..], theirs, "{entry:?}");
                let mut whole = Vec::new();
                append(&mut whole, &entry).unwrap();
                assert_eq!(whole[LENGTH..], theirs);
                assert_eq!(whole[..LENGTH], (theirs.len() as u32).to_le_bytes());
                assert_eq!(format!("{:?}", read(&theirs).unwrap().unix_nanos), unix_nanos.to_string());
            }
        }
        let packed = Packed::of_handles(&handles);
        assert_eq!((packed.handles(), Packed::of_values(&values).values()), (handles.clone(), values.clone()));
    }

    /// Every kind of call, with every field set at least once.
    fn each_kind<'a>(definition: Definition<'a>, labels: &[Label<'a>]) -> Vec<Call<'a>> {
        vec![
            Call::Start { seed: 1, ticket: 2, request: Request::Call("{}"), cfg: "" },
            Call::Start { seed: 300, ticket: 2, request: Request::Deliver("d"), cfg: "{\"a\":1}" },
            Call::Start { seed: 1, ticket: 2, request: Request::Health, cfg: "" },
            Call::Start { seed: 1, ticket: 2, request: Request::Cleanup, cfg: "" },
            Call::Take { seed: 3, lane: "l" },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::Ran { effect: Bytes(b"e") } },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::FilePut { before: None } },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::FilePut { before: Some(Bytes(b"b")) } },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::FileNotPut { problem: None } },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::FileNotPut { problem: Some("p") } },
            Call::Complete { seed: 4, lane: "l", outcome: Outcome::Lost { reason: "r" } },
            Call::Release { seed: 5, ticket: 6 },
            Call::Reserve { tickets: 7 },
            Call::Looked,
            Call::Register { definition: Box::new(definition), family: 300 },
            Call::SeriesOf { family: 1, labels: labels.into(), series: 2 },
            Call::Add { series: 3, amount: 1.5 },
            Call::Set { series: 4, value: -1.0 },
            Call::Observe { series: 5, value: 0.25 },
            Call::ObserveWithExemplar { series: 6, value: 2.0, exemplar: labels.into() },
            Call::SetState { series: 7, state: "on", on: true },
            Call::RecordMany { series: Packed::of_handles(&[8, 9]), values: Packed::of_values(&[1.0]) },
            Call::Record { name: "n", kind: MetricKind::StateSet, labels: labels.into(), value: 3.0, series: 10 },
            Call::Remove { series: 11 },
            Call::Clear,
            Call::Restore { snapshot: Bytes(b"snap") },
        ]
    }

    /// Files that earlier builds wrote must be read: these bytes never change.
    #[test]
    fn the_format_of_entries_is_fixed() {
        let definition = Definition {
            name: "h",
            kind: MetricKind::NativeHistogram,
            help: Some("help"),
            unit: Some("s"),
            label_names: vec!["l"],
            buckets: Some(vec![0.5]),
            native: Some(NativeBuckets { schema: -4, zero_threshold: 1e-3, max_buckets: 160, custom_bounds: None }),
            quantiles: Some(vec![0.9]),
            window_seconds: Some(60.0),
            states: vec!["on"],
            series_limit: Some(7),
            expire_after_seconds: Some(1.0),
        };
        let labels = [Label { name: "l", value: "v" }];
        let written: Vec<String> = each_kind(definition, &labels)
            .into_iter()
            .map(|call| {
                let mut bytes = Vec::new();
                append(&mut bytes, &Entry { unix_nanos: 1_000, call }).unwrap();
                // What was written is read as the same.
                let again = read(&bytes[LENGTH..]).unwrap();
                assert_eq!(postcard::to_allocvec(&again).unwrap(), bytes[LENGTH..]);
                bytes.iter().map(|byte| format!("{byte:02x}")).collect()
            })
            .collect();
        assert_eq!(written, ENTRIES);
        let kinds = [
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
            MetricKind::NativeHistogram,
            MetricKind::Summary,
            MetricKind::Info,
            MetricKind::StateSet,
            MetricKind::GaugeHistogram,
            MetricKind::Unknown,
        ];
        assert_eq!(kinds.map(|kind| postcard::to_allocvec(&kind).unwrap()[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    const ENTRIES: &[&str] = &[
        "0a000000e80700010200027b7d00",
        "11000000e80700ac0202010164077b2261223a317d",
        "07000000e8070001020200",
        "07000000e8070001020300",
        "06000000e8070103016c",
        "09000000e8070204016c000165",
        "08000000e8070204016c0100",
        "0a000000e8070204016c01010162",
        "08000000e8070204016c0200",
        "0a000000e8070204016c02010170",
        "09000000e8070204016c030172",
        "05000000e807030506",
        "04000000e8070407",
        "03000000e80705",
        "4d000000e80706016803010468656c7001017301016c0101000000000000e03f0107fc\
         a9f1d24d62503fa001000101cdccccccccccec3f010000000000004e4001026f6e0107\
         01000000000000f03fac02",
        "0a000000e807070101016c017602",
        "0c000000e8070803000000000000f83f",
        "0c000000e8070904000000000000f0bf",
        "0c000000e8070a05000000000000d03f",
        "11000000e8070b06000000000000004001016c0176",
        "08000000e8070c07026f6e01",
        "15000000e8070d08080000000900000008000000000000f03f",
        "14000000e8070e016e0601016c017600000000000008400a",
        "04000000e8070f0b",
        "03000000e80710",
        "08000000e8071104736e6170",
    ];
}
