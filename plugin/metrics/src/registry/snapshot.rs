//! Snapshots: serializes the whole registry, including series handles and values, so that a host
//! can recreate a plug after a trap. Handles stay valid, and stale ones stay stale.
//!
//! Layout, version 1, or 2 if there are families of other sources, or 3 if native histograms have
//! classic buckets or exemplars, or classic ones custom buckets: magic and version; body; 8 bytes of checksum over everything before. The body consists of integers (LEB128), numbers (8 bytes),
//! and length-prefixed strings. The checksum applies FNV-1a's step to 8-byte words, folding in the
//! high half after each; each step is a bijection, so any single changed word is detected.
//!
//! Restoring treats its input as untrusted: definitions are validated as in registration, and
//! allocations are limited to a small multiple of the input.

use std::time::Duration;

use super::bytes::{take_unsigned, write_unsigned};
use super::composite::{Composite, Histogram, Native};
use super::definition::{Definition, NativeConfig};
use super::names::{LabelName, MAX_VALUE_LEN, MetricName};
use super::native::NativeHistogram;
use super::record::MAX_EXEMPLARS;
use super::series::{END, IMPORTED, MAX_ROWS, NewSeries, TIMED};
use super::summary::WindowedSummary;
use super::value::{Buckets, Kind};
use super::{FamilyEntry, Registry};
use crate::error::Error;
use crate::model::Exemplar;

const MAGIC: &[u8; 8] = b"ppmetric";
const VERSION: u64 = 1;
/// Each definition comes after the family's [`Origin`].
const WITH_SOURCES: u64 = 2;
/// The same, and native histograms have classic counts and exemplars, and definitions tell whether
/// buckets are custom.
const WITH_NATIVE_PARTS: u64 = 3;
const CHECKSUM_BYTES: usize = 8;

impl Registry {
    /// Appends the registry to `out`.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MAGIC);
        let version = match (self.has_native_parts(), self.has_sources()) {
            (true, _) => WITH_NATIVE_PARTS,
            (false, true) => WITH_SOURCES,
            (false, false) => VERSION,
        };
        for number in [version, self.now_ms, u64::from(self.first_family), self.series_limit as u64, self.dropped] {
            write_unsigned(out, number);
        }
        write_numbers(out, self.default_buckets.bounds());
        write_unsigned(out, self.families.len() as u64);
        for family in &self.families {
            if version >= WITH_SOURCES && !write_origin(out, family) {
                continue;
            }
            write_definition(out, &family.definition);
            if version >= WITH_NATIVE_PARTS {
                out.push(u8::from(family.definition.is_custom));
            }
            write_option(out, family.overflow, |out, handle| write_unsigned(out, u64::from(handle)));
        }
        write_unsigned(out, self.series.rows() as u64);
        for row in 0..self.series.rows() {
            self.write_row(out, row, version);
        }
        write_unsigned(out, self.series.free_rows().len() as u64);
        self.series.free_rows().for_each(|row| write_unsigned(out, u64::from(row)));
        let sum = checksum(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// Restores a registry written by [`Registry::snapshot`], with a new seed; see
    /// [`Registry::with_seed`]. Anything else is an error.
    pub fn restore(bytes: &[u8], seed: u64) -> Result<Self, Error> {
        let Some((body, sum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else {
            return Err(refused("it is too short"));
        };
        let Some(mut input) = body.strip_prefix(MAGIC) else { return Err(refused("its magic number is missing")) };
        let version = take_unsigned(&mut input);
        let version = version.unwrap_or_default();
        if !(VERSION..=WITH_NATIVE_PARTS).contains(&version) {
            return Err(refused(&format!("it has version {version}; expected {VERSION} to {WITH_NATIVE_PARTS}")));
        }
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err(refused("its checksum does not match: it is damaged or truncated"));
        }
        read(&mut Reader { rest: input, version }, seed)?.ok_or_else(|| refused("its contents are inconsistent"))
    }

    /// Whether some native histogram has classic buckets or exemplars, or a classic one is custom.
    fn has_native_parts(&self) -> bool {
        let has_parts = |native: &Native| !(native.counts.is_empty() && native.exemplars.is_empty());
        let mut composites = self.composites.iter().flatten();
        self.families.iter().any(|family| family.definition.is_custom)
            || composites.any(|composite| matches!(composite, Composite::Native(native) if has_parts(native)))
    }

    fn write_row(&self, out: &mut Vec<u8>, row: usize, version: u64) {
        out.push(self.series.generation(row));
        let kind = self.series.kind(row);
        let imported = self.series.state(row) & IMPORTED;
        out.push(kind.map_or(0, |kind| kind as u8 | imported as u8));
        if kind.is_none() {
            return;
        }
        write_unsigned(out, self.series.family(row) as u64);
        write_bytes(out, self.series.key(row));
        write_unsigned(out, self.series.created_ms(row));
        if self.series.state(row) & TIMED != 0 {
            write_unsigned(out, self.last_ms.get(row).copied().unwrap_or(0));
        }
        match self.composite(row) {
            None => {
                write_bits(out, self.series.cell(row));
                write_option(out, self.exemplars.get(&row), write_exemplar);
            }
            Some(Composite::Histogram(Histogram { counts, sum, exemplars })) => {
                write_bits(out, *sum);
                counts.iter().for_each(|count| write_unsigned(out, *count));
                out.push(u8::from(!exemplars.is_empty()));
                exemplars.iter().for_each(|exemplar| write_option(out, exemplar.as_ref(), write_exemplar));
            }
            Some(Composite::Native(native)) => {
                native.histogram.serialize(out);
                if version >= WITH_NATIVE_PARTS {
                    native.counts.iter().for_each(|count| write_unsigned(out, *count));
                    write_unsigned(out, native.exemplars.len() as u64);
                    native.exemplars.iter().for_each(|exemplar| write_exemplar(out, exemplar));
                }
            }
            Some(Composite::Summary { sum, count }) => {
                write_bits(out, *sum);
                write_unsigned(out, *count);
            }
            Some(Composite::Windowed(summary)) => summary.serialize(out),
            Some(Composite::States(states)) => out.extend(states.iter().map(|(_, on)| u8::from(*on))),
        }
    }
}

/// Decodes the registry; `None` if the bytes are inconsistent, an error if validation fails.
fn read(input: &mut Reader, seed: u64) -> Result<Option<Registry>, Error> {
    let mut registry = Registry::with_seed(seed);
    let Some((now_ms, first_family, limit, dropped, bounds)) =
        (|| Some((input.unsigned()?, input.small()?, input.size()?, input.unsigned()?, input.numbers()?)))()
    else {
        return Ok(None);
    };
    registry.first_family = first_family;
    registry.default_buckets = Buckets::new(&bounds, "snapshot")?;
    // Do not apply the limit while restoring: it may have been lowered after the series were
    // created.
    registry.series_limit = MAX_ROWS;
    let Some(families) = input.size() else { return Ok(None) };
    if first_family.checked_add(families.try_into().unwrap_or(u32::MAX)).is_none() {
        return Ok(None);
    }
    let mut overflows = Vec::new();
    for index in 0..families {
        let origin = if input.version >= WITH_SOURCES { input.origin() } else { Some(Origin::Own) };
        let source = match origin {
            None => return Ok(None),
            Some(Origin::Own) => None,
            Some(Origin::Source(source)) => Some(source),
            Some(Origin::Discarded) => {
                registry.add_discarded();
                overflows.push(None);
                continue;
            }
        };
        let Some(definition) = input.definition()? else { return Ok(None) };
        if registry.register_from(definition, source)? != registry.id(index) {
            return Ok(None);
        }
        let Some(overflow) = input.option(Reader::small) else { return Ok(None) };
        overflows.push(overflow);
    }
    if read_rows(&mut registry, input).is_none() || !input.rest.is_empty() {
        return Ok(None);
    }
    for (index, handle) in overflows.into_iter().enumerate() {
        let Some(handle) = handle else { continue };
        let own = registry.series.row(handle).is_some_and(|row| registry.series.family(row) == index);
        match registry.families.get_mut(index) {
            Some(family) if own => {
                family.overflow = Some(handle);
                family.live -= 1;
            }
            _ => return Ok(None),
        }
    }
    // The notices were reported when the families were created.
    registry.take_notices();
    registry.now_ms = now_ms;
    registry.dropped = dropped;
    registry.set_series_limit(limit);
    Ok(Some(registry))
}

fn read_rows(registry: &mut Registry, input: &mut Reader) -> Option<()> {
    let rows = input.size().filter(|rows| *rows <= MAX_ROWS)?;
    for row in 0..rows {
        let (generation, number) = (input.byte()?, input.byte()?);
        registry.series.push_free_row(generation);
        if number > 0 {
            let imported = u16::from(number) & IMPORTED;
            read_series(registry, input, row, Kind::from_number(number & !(IMPORTED as u8))?, imported)?;
        }
    }
    let free = input.size().filter(|free| *free <= rows)?;
    let mut seen = vec![false; rows];
    for _ in 0..free {
        let row = input.small()?;
        let seen = seen.get_mut(row as usize)?;
        if *seen || registry.series.state(row as usize) != 0 {
            return None;
        }
        *seen = true;
        registry.series.set_free(row);
    }
    Some(())
}

fn read_series(registry: &mut Registry, input: &mut Reader, row: usize, kind: Kind, imported: u16) -> Option<()> {
    let index = input.size()?;
    let family = registry.families.get(index).filter(|family| family.definition.kind == kind)?;
    let definition = &family.definition;
    let key = input.bytes()?;
    let mut values = 0;
    for value in key.split_inclusive(|byte| *byte == END) {
        let value = value.strip_suffix(&[END])?;
        if value.len() > MAX_VALUE_LEN || str::from_utf8(value).is_err() {
            return None;
        }
        values += 1;
    }
    let known = || registry.series.find(index as u32, key).or_else(|| registry.find_in_other_set(index, key));
    if values != definition.label_names.len() || known().is_some() {
        return None;
    }
    let created_ms = input.unsigned()?;
    let mut state = kind as u16 | imported;
    let mut last_ms = None;
    if definition.ttl.is_some() {
        state |= TIMED;
        last_ms = Some(input.unsigned()?);
    }
    let (mut cell, mut exemplar, mut composite) = (0.0, None, None);
    match Composite::new(definition) {
        None => {
            cell = input.number()?;
            exemplar = input.option(Reader::exemplar)?;
        }
        Some(empty) => composite = Some(input.composite(empty)?),
    }
    if (kind == Kind::Info && cell != 1.0) || (kind != Kind::Counter && exemplar.is_some()) {
        return None;
    }
    if let Some(composite) = composite {
        cell = f64::from_bits(registry.composites.len() as u64);
        registry.composites.push(Some(composite));
    }
    let new = NewSeries { family: index as u32, state, cell, created_ms };
    registry.series.occupy(row, new, key).ok()?;
    registry.exemplars.extend(exemplar.map(|exemplar| (row, exemplar)));
    registry.families.get_mut(index)?.live += 1;
    if let Some(last_ms) = last_ms {
        registry.touch(row);
        *registry.last_ms.get_mut(row)? = last_ms;
    }
    Some(())
}

/// Whose a family is.
enum Origin<'a> {
    Own,
    Source(&'a str),
    /// Nobody's anymore; no definition follows.
    Discarded,
}

/// Appends a family's origin. Returns whether its definition follows.
fn write_origin(out: &mut Vec<u8>, family: &FamilyEntry) -> bool {
    match &family.source {
        _ if family.is_discarded() => out.push(2),
        None => out.push(0),
        Some(source) => {
            out.push(1);
            write_bytes(out, source.as_bytes());
        }
    }
    !family.is_discarded()
}

/// The error for bytes that are not a valid snapshot.
pub fn refused(why: &str) -> Error {
    Error::invalid(
        "snapshot",
        format!("cannot restore this snapshot: {why}; use another one or start with an empty registry"),
    )
}

/// FNV-1a's step over 8-byte words, folding in the high half.
pub fn checksum(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |sum: u64, word: u64| {
        let sum = (sum ^ word).wrapping_mul(PRIME);
        sum ^ (sum >> 32)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(OFFSET, |sum, word| step(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)));
    step(sum, bytes.len() as u64)
}

fn write_bits(out: &mut Vec<u8>, number: f64) {
    // Unlike `bytes`, this preserves the bits of a gauge's NaN, since the stale marker is one.
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_bytes(out, text.as_bytes());
}

fn write_numbers(out: &mut Vec<u8>, numbers: &[f64]) {
    write_unsigned(out, numbers.len() as u64);
    numbers.iter().for_each(|number| write_bits(out, *number));
}

fn write_duration(out: &mut Vec<u8>, time: Duration) {
    write_unsigned(out, time.as_secs());
    write_unsigned(out, u64::from(time.subsec_nanos()));
}

fn write_option<T>(out: &mut Vec<u8>, item: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(item.is_some()));
    if let Some(item) = item {
        put(out, item);
    }
}

fn write_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    write_unsigned(out, exemplar.labels.len() as u64);
    for (name, value) in &exemplar.labels {
        write_text(out, name);
        write_text(out, value);
    }
    write_bits(out, exemplar.value);
    write_option(out, exemplar.unix_ms, write_unsigned);
}

fn write_definition(out: &mut Vec<u8>, definition: &Definition) {
    write_text(out, definition.name.as_str());
    out.push(definition.kind as u8);
    write_option(out, definition.help.as_deref(), write_text);
    write_option(out, definition.unit.as_deref(), write_text);
    write_unsigned(out, definition.label_names.len() as u64);
    definition.label_names.iter().for_each(|name| write_text(out, name.as_str()));
    write_option(out, definition.buckets.as_ref(), |out, buckets| write_numbers(out, buckets.bounds()));
    write_option(out, definition.native, |out, native| {
        write_unsigned(out, native.schema.cast_unsigned().into());
        write_bits(out, native.zero_threshold);
        write_unsigned(out, native.max_buckets as u64);
    });
    write_option(out, definition.quantiles.as_deref(), write_numbers);
    write_option(out, definition.window, write_duration);
    write_unsigned(out, definition.states.len() as u64);
    definition.states.iter().for_each(|state| write_text(out, state));
    write_option(out, definition.series_limit, |out, limit| write_unsigned(out, limit as u64));
    write_option(out, definition.ttl, write_duration);
}

/// The remaining input. Each method takes an item off the front; `None` if it is missing or
/// invalid.
struct Reader<'a> {
    rest: &'a [u8],
    version: u64,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        take_unsigned(&mut self.rest)
    }

    fn small(&mut self) -> Option<u32> {
        self.unsigned()?.try_into().ok()
    }

    fn size(&mut self) -> Option<usize> {
        self.unsigned()?.try_into().ok()
    }

    fn number(&mut self) -> Option<f64> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(f64::from_bits(u64::from_le_bytes(*bytes)))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.size()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.bytes()?).ok()
    }

    /// Takes a list, without trusting its length for allocation.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.size()?;
        let mut list = Vec::new();
        for _ in 0..len {
            list.push(item(self)?);
        }
        Some(list)
    }

    fn numbers(&mut self) -> Option<Vec<f64>> {
        self.list(Self::number)
    }

    fn option<T>(&mut self, item: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => item(self).map(Some),
            _ => None,
        }
    }

    fn duration(&mut self) -> Option<Duration> {
        let (seconds, nanos) = (self.unsigned()?, self.small()?);
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
    }

    fn exemplar(&mut self) -> Option<Exemplar> {
        let labels = self.list(|input| Some((input.text()?.into(), input.text()?.into())))?;
        Some(Exemplar { labels, value: self.number()?, unix_ms: self.option(Self::unsigned)? })
    }

    fn origin(&mut self) -> Option<Origin<'a>> {
        match self.byte()? {
            0 => Some(Origin::Own),
            1 => self.text().map(Origin::Source),
            2 => Some(Origin::Discarded),
            _ => None,
        }
    }

    /// Takes a definition. The error is about its names; registration validates the rest.
    fn definition(&mut self) -> Result<Option<Definition>, Error> {
        let (Some(name), Some(kind)) = (self.text(), self.byte().and_then(Kind::from_number)) else { return Ok(None) };
        let mut definition = Definition::new(MetricName::new_utf8(name, "snapshot")?, kind);
        let Some((help, unit, labels)) =
            (|| Some((self.option(Self::text)?, self.option(Self::text)?, self.list(Self::text)?)))()
        else {
            return Ok(None);
        };
        definition.help = help.map(str::to_owned);
        definition.unit = unit.map(str::to_owned);
        definition.label_names =
            labels.into_iter().map(|name| LabelName::new_utf8(name, "snapshot")).collect::<Result<_, _>>()?;
        let Some(buckets) = self.option(Self::numbers) else { return Ok(None) };
        definition.buckets = buckets.map(|bounds| Buckets::new(&bounds, "snapshot")).transpose()?;
        Ok(self.options(definition))
    }

    fn options(&mut self, mut definition: Definition) -> Option<Definition> {
        definition.native = self.option(|input| {
            let schema = input.small()?.cast_signed();
            Some(NativeConfig { schema, zero_threshold: input.number()?, max_buckets: input.size()? })
        })?;
        definition.quantiles = self.option(Self::numbers)?;
        if definition.kind == Kind::Summary {
            // Before default quantiles existed, summaries with only sum and count had none.
            definition.quantiles.get_or_insert_default();
        }
        definition.window = self.option(Self::duration)?;
        definition.states = self.list(|input| input.text().map(Into::into))?;
        definition.series_limit = self.option(Self::size)?;
        definition.ttl = self.option(Self::duration)?;
        definition.is_custom = match self.version >= WITH_NATIVE_PARTS {
            true => self.option(|_| Some(()))?.is_some(),
            false => false,
        };
        Some(definition)
    }

    /// Takes the state of a series that is not a single number, with the shape of `empty`.
    fn composite(&mut self, empty: Composite) -> Option<Composite> {
        Some(match empty {
            Composite::Histogram(mut histogram) => {
                histogram.sum = self.number()?;
                for count in &mut histogram.counts {
                    *count = self.unsigned()?;
                }
                // The total must not overflow.
                histogram.counts.iter().try_fold(0u64, |total, count| total.checked_add(*count))?;
                if self.byte()? == 1 {
                    histogram.exemplars =
                        histogram.counts.iter().map(|_| self.option(Self::exemplar)).collect::<Option<_>>()?;
                }
                Composite::Histogram(histogram)
            }
            Composite::Native(mut native) => {
                let histogram = NativeHistogram::deserialize(&mut self.rest)?;
                let empty = &native.histogram;
                if histogram.max_buckets() != empty.max_buckets() || histogram.schema() > empty.schema() {
                    return None;
                }
                if self.version >= WITH_NATIVE_PARTS {
                    for count in &mut native.counts {
                        *count = self.unsigned()?;
                    }
                    native.exemplars = self.list(Self::exemplar)?;
                }
                let mut counts = native.counts.iter();
                let counted = counts.try_fold(0u64, |total, count| total.checked_add(*count))?;
                if native.exemplars.len() > MAX_EXEMPLARS || !(native.counts.is_empty() || counted == histogram.count())
                {
                    return None;
                }
                native.histogram = histogram;
                Composite::Native(native)
            }
            Composite::Summary { .. } => Composite::Summary { sum: self.number()?, count: self.unsigned()? },
            Composite::Windowed(empty) => {
                let summary = WindowedSummary::deserialize(&mut self.rest)?;
                let same = summary.ranks() == empty.ranks() && summary.window_ms() == empty.window_ms();
                same.then(|| Composite::Windowed(Box::new(summary)))?
            }
            Composite::States(mut states) => {
                for (_, on) in &mut states {
                    *on = match self.byte()? {
                        0 => false,
                        1 => true,
                        _ => return None,
                    };
                }
                Composite::States(states)
            }
        })
    }
}
