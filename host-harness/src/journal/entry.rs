//! A call that was acknowledged, as bytes: postcard, with its length in 4 bytes before it.

use std::borrow::Cow;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::plug::bindings::exports::plugpipe::monitoring::metrics::Definition;
use crate::plug::bindings::exports::plugpipe::monitoring::types::{Label, MetricKind};

use super::LENGTH;

/// A call with the time that the plug was told in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry<'a> {
    /// Nanoseconds since the Unix epoch; 0 where the plug did not ask.
    pub(crate) unix_nanos: u64,
    #[serde(borrow)]
    pub(crate) call: Call<'a>,
}

/// What was called, and the handle that was answered where that matters. New kinds go to the end: files hold the numbers of the
/// old ones.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call<'a> {
    Process {
        ctx: &'a str,
    },
    Configure {
        cfg: &'a str,
    },
    Cleanup,
    Looked,
    Register {
        definition: Box<Cow<'a, Definition>>,
        family: u32,
    },
    SeriesOf {
        family: u32,
        labels: Cow<'a, [Label]>,
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
        exemplar: Cow<'a, [Label]>,
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
        labels: Cow<'a, [Label]>,
        value: f64,
        series: u32,
    },
    Remove {
        series: u32,
    },
    Clear,
    Restore {
        snapshot: &'a [u8],
    },
}

/// Numbers as bytes, the little end first: written in one piece, where a list would be written number by number.
#[derive(Debug, PartialEq)]
pub(crate) struct Packed<'a>(Cow<'a, [u8]>);

impl Packed<'_> {
    pub(crate) fn of_handles(list: &[u32]) -> Self {
        let mut bytes = Vec::with_capacity(size_of_val(list));
        list.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        Self(Cow::Owned(bytes))
    }

    pub(crate) fn of_values(list: &[f64]) -> Self {
        let mut bytes = Vec::with_capacity(size_of_val(list));
        list.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        Self(Cow::Owned(bytes))
    }

    pub(crate) fn handles(&self) -> Vec<u32> {
        self.0.as_chunks().0.iter().copied().map(u32::from_le_bytes).collect()
    }

    pub(crate) fn values(&self) -> Vec<f64> {
        self.0.as_chunks().0.iter().copied().map(f64::from_le_bytes).collect()
    }
}

impl Serialize for Packed<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Packed<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(|bytes| Self(Cow::Borrowed(bytes)))
    }
}

/// Appends to a buffer that is there: postcard's own ways want to own it, or to make one for each call.
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
    out.extend_from_slice(&[0; LENGTH]);
    postcard::serialize_with_flavor(entry, Tail(out)).map_err(|error| not_kept(&error.to_string()))?;
    let length = u32::try_from(out.len() - start - LENGTH).map_err(|_| not_kept("it is longer than 4 GiB"))?;
    if let Some(place) = out.get_mut(start..start + LENGTH) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

pub(super) fn read(bytes: &[u8]) -> Result<Entry<'_>, Error> {
    postcard::from_bytes(bytes).map_err(|error| not_kept(&format!("an entry makes no sense: {error}")))
}

fn not_kept(problem: &str) -> Error {
    Error::State { place: "the journal".into(), problem: problem.into() }
}
