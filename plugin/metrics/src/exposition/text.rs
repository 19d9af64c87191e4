//! Prometheus text exposition, versions 0.0.4 and 1.0.0.
//!
//! Families are sorted by name and series by label values, so that output is deterministic. Names
//! outside the classic character set are written according to the client's [`Escaping`]; unescaped
//! ones are quoted, a metric name inside the braces: `{"my.metric",a="x"} 1`. Label values and help
//! are escaped. The two versions produce the same text.
//!
//! The format has only five types: an info is a gauge `<name>_info` with value 1; a state set is a
//! gauge with a label named after the metric, one sample per state; a native histogram is a
//! histogram with only the bucket `+Inf`, the sum and the count; the samples of a gauge histogram
//! are untyped.
//!
//! An [`Encoder`] caches its output, because most of an exposition is the same at each scrape:
//! names, labels, most values. The cache stores the text and, for each sample, the bytes before its
//! value (`gap`), the bytes of its value and line feed (`len`), and the number written (`shown`).
//! The next encoding compares the numbers and moves the text once, inserting the new values; if no
//! number changed, the text is reused as is. Lengths are relative, so the text of a family can be
//! moved, and the text of a series inserted or removed, without touching the rest.
//!
//! There is one buffer, large enough for every value at its maximum length. The text is at the
//! start or the end of the buffer. Moving it reads from the near end and writes from the far end:
//! writes never overtake reads, because the buffer always has space for the remaining values at
//! their maximum length.

use super::escaping::{Escaping, is_plain_label_name, is_plain_metric_name};
use super::template::{MAX_NUMBER_LEN, Template, append};
use crate::error::Error;
use crate::float::Number;
use crate::registry::{FamilyId, Kind, Registry};
use crate::sort::sorted_by;

/// `Content-Type` of version 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Block size of short copies, in bytes.
const BLOCK: usize = 32;

/// Slack in the buffer, so that block copies may overrun by less than a block.
const SPILL: usize = 2 * BLOCK;

/// Number of samples fetched and compared at a time.
const BATCH: usize = 512;

/// Encodes a registry repeatedly, reusing its last output.
#[derive(Debug, Default)]
pub struct Encoder {
    /// The last encoded registry, with its version, shape and time.
    identity: u64,
    version: u64,
    shape: u64,
    now_ms: u64,
    /// The escaping used, and whether all names are classic, so that the other escapings give the
    /// same output (except dots, which changes classic names).
    escaping: Escaping,
    plain: bool,
    sections: Vec<Section>,
    /// Per sample, in text order: bytes from the end of the previous value, or of the family's
    /// head, to this value.
    gaps: Vec<u32>,
    /// Per sample: bytes of the value and its line feed.
    lens: Vec<u8>,
    /// Per sample: the bits of the number written.
    shown: Vec<u64>,
    /// Holds the text in `len` bytes from `start`, at the beginning or the end.
    buffer: Vec<u8>,
    start: usize,
    len: usize,
    /// The numbers of one batch; kept to reuse the allocation.
    batch: Vec<f64>,
}

/// The cached output of one family.
#[derive(Debug)]
struct Section {
    family: FamilyId,
    /// The registry's shape at the family's last change.
    shape: u64,
    /// Length of the `# HELP` and `# TYPE` lines.
    head: usize,
    /// Samples per series.
    width: usize,
    scalar: bool,
    /// The series, sorted.
    handles: Vec<u32>,
}

impl Encoder {
    /// Creates an encoder with an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes the registry as of its current time. Empty families are omitted; an empty registry
    /// is an empty string. The cache of another escaping is reused only if no name needs escaping.
    /// The only error is running out of memory, which resets the encoder.
    pub fn encode(&mut self, registry: &Registry, escaping: Escaping) -> Result<&[u8], Error> {
        // The dots scheme changes classic names too.
        let reusable = self.plain && self.shape == registry.shape() && escaping != Escaping::Dots;
        let same = self.identity == registry.identity() && (self.escaping == escaping || reusable);
        let timed = registry.is_timed() && self.now_ms != registry.now_ms();
        if !same || self.version != registry.version() || timed {
            if !same {
                *self = Self { escaping, ..Self::default() };
            }
            let done = self.update(registry);
            if let Err(error) = done {
                *self = Self::default();
                return Err(error);
            }
        }
        Ok(self.text())
    }

    fn text(&self) -> &[u8] {
        self.buffer.get(self.start..self.start + self.len).unwrap_or_default()
    }

    /// The cached text of each family.
    pub(crate) fn sections(&self) -> Vec<(FamilyId, &[u8])> {
        let (mut sample, mut rest) = (0, self.text());
        let mut sections = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            let samples = section.handles.len() * section.width;
            let size = section.head + self.bytes(sample, samples);
            sample += samples;
            let Some((text, after)) = rest.split_at_checked(size) else { break };
            sections.push((section.family, text));
            rest = after;
        }
        sections
    }

    /// Memory used by the cache, in bytes.
    pub fn memory(&self) -> usize {
        let handles: usize = self.sections.iter().map(|section| section.handles.capacity() * 4).sum();
        self.buffer.capacity()
            + self.gaps.capacity() * 4
            + self.lens.capacity()
            + self.shown.capacity() * 8
            + self.sections.capacity() * size_of::<Section>()
            + handles
    }

    fn update(&mut self, registry: &Registry) -> Result<(), Error> {
        if self.shape != registry.shape() {
            self.rebuild(registry)?;
        }
        self.refresh(registry)?;
        self.identity = registry.identity();
        self.version = registry.version();
        self.shape = registry.shape();
        self.now_ms = registry.now_ms();
        Ok(())
    }

    /// Writes changed numbers. The cached families and series must match the registry.
    fn refresh(&mut self, registry: &Registry) -> Result<(), Error> {
        if self.start == 0 { self.pass::<true>(registry) } else { self.pass::<false>(registry) }
    }

    /// Makes one pass over the samples: backward if the text is at the beginning of the buffer, so
    /// that it can move to the end; else forward.
    fn pass<const BACKWARD: bool>(&mut self, registry: &Registry) -> Result<(), Error> {
        let now_ms = registry.now_ms();
        let (read, write) = match BACKWARD {
            true => (self.len, self.buffer.len()),
            false => (self.start, 0),
        };
        let mut mover = Mover::<'_, BACKWARD> { buffer: &mut self.buffer, read, pending: 0, write, moving: false };
        let mut samples = (self.gaps.as_slice(), self.lens.as_mut_slice(), self.shown.as_mut_slice());
        let mut number = Number::default();
        for section in directed::<BACKWARD, _>(self.sections.iter()) {
            if !BACKWARD {
                mover.pending += section.head;
            }
            // A batch consists of whole series.
            let batch = (BATCH / section.width.max(1)).max(1);
            let batches = section.handles.len().div_ceil(batch);
            for nth in directed::<BACKWARD, _>(0..batches) {
                let handles = section.handles.get(nth * batch..section.handles.len().min((nth + 1) * batch));
                let handles = handles.unwrap_or_default();
                self.batch.clear();
                if section.scalar {
                    registry.scalars(handles, &mut self.batch);
                } else {
                    handles.iter().for_each(|handle| registry.samples(*handle, now_ms, &mut self.batch));
                }
                let (gaps, lens, shown);
                ((gaps, lens, shown), samples) = take::<BACKWARD>(samples, self.batch.len()).ok_or_else(out_of_step)?;
                let step = |(((value, gap), len), shown): (((&f64, &u32), &mut u8), &mut u64)| {
                    let bits = value.to_bits();
                    if bits == *shown {
                        mover.pending += *gap as usize + *len as usize;
                        return;
                    }
                    let text = number.text(*value);
                    mover.replace(*gap as usize, *len as usize, text);
                    *len = text.len() as u8 + 1;
                    *shown = bits;
                };
                let together = self.batch.iter().zip(gaps).zip(lens).zip(shown);
                if BACKWARD { together.rev().for_each(step) } else { together.for_each(step) }
            }
            if BACKWARD {
                mover.pending += section.head;
            }
        }
        if mover.moving {
            mover.flush();
            let write = mover.write;
            (self.start, self.len) = if BACKWARD { (write, self.buffer.len() - write) } else { (0, write) };
        }
        Ok(())
    }

    /// Inserts new families and series and removes deleted ones. Cached numbers are kept.
    fn rebuild(&mut self, registry: &Registry) -> Result<(), Error> {
        let old = std::mem::take(self);
        let mut next = Rebuild { old: &old, text: old.text(), out: Vec::new(), rebuilt: Self::default() };
        let members = registry.members();
        let starts = old.starts();
        let mut seen = Vec::new();
        let (mut bytes, mut samples) = (SPILL, 0);
        let mut plans = Vec::new();
        let mut plain = old.escaping != Escaping::Dots;
        for index in registry.sorted_families() {
            let Some((family, definition, shape)) = registry.family_at(index) else { continue };
            let live = members.of(index);
            if live.is_empty() {
                continue;
            }
            let before =
                starts.binary_search_by_key(&family, |(family, ..)| *family).ok().and_then(|at| starts.get(at));
            let before = before.and_then(|start| Some((old.sections.get(start.1)?, *start)));
            let handles = match before {
                Some((section, _)) if section.shape == shape => section.handles.clone(),
                Some((section, _)) => merged(registry, &section.handles, live, &mut seen),
                None => {
                    let mut handles = live.to_vec();
                    registry.sort(&mut handles);
                    handles
                }
            };
            plain = plain
                && is_plain_metric_name(definition.name.as_str())
                && (definition.kind != Kind::StateSet || is_plain_label_name(definition.name.as_str()))
                && definition.label_names.iter().all(|label| is_plain_label_name(label.as_str()));
            let template = Template::new(definition, old.escaping);
            samples += handles.len() * template.samples.len();
            bytes += template.bytes(registry, &handles);
            plans.push((family, shape, definition.kind, template, handles, before));
        }
        reserve(&mut next.out, bytes)?;
        reserve(&mut next.rebuilt.gaps, samples)?;
        reserve(&mut next.rebuilt.lens, samples)?;
        reserve(&mut next.rebuilt.shown, samples)?;
        let mut last_head = Vec::new();
        for (family, shape, kind, template, handles, before) in plans {
            let width = template.samples.len();
            let scalar = Registry::is_scalar(kind);
            // Families of one metric are adjacent and share a head.
            let head = if template.head == last_head { 0 } else { template.head.len() };
            next.out.extend_from_slice(template.head.get(..head).unwrap_or_default());
            match before {
                Some((section, (_, _, sample, at))) if section.width == width => {
                    next.merge(registry, &template, &handles, section, sample, at + section.head);
                }
                _ => handles.iter().for_each(|handle| next.render(registry, &template, *handle)),
            }
            next.rebuilt.sections.push(Section { family, shape, head, width, scalar, handles });
            last_head = template.head;
        }
        let Rebuild { mut out, mut rebuilt, .. } = next;
        rebuilt.len = out.len();
        // Space for every value at its maximum length, and slack for block copies.
        let headroom: usize = rebuilt.lens.iter().map(|len| MAX_NUMBER_LEN - (*len as usize).min(MAX_NUMBER_LEN)).sum();
        let size = rebuilt.len + headroom + SPILL;
        reserve(&mut out, size - rebuilt.len)?;
        out.resize(size, 0);
        rebuilt.buffer = out;
        rebuilt.batch = old.batch;
        (rebuilt.escaping, rebuilt.plain) = (old.escaping, plain);
        *self = rebuilt;
        Ok(())
    }

    /// The start of each section: family, index, first sample, first byte; sorted by family.
    fn starts(&self) -> Vec<(FamilyId, usize, usize, usize)> {
        let (mut sample, mut byte) = (0, 0);
        let starts = self
            .sections
            .iter()
            .enumerate()
            .map(|(index, section)| {
                let start = (section.family, index, sample, byte);
                let samples = section.handles.len() * section.width;
                byte += section.head + self.bytes(sample, samples);
                sample += samples;
                start
            })
            .collect();
        sorted_by(starts, |(a, ..), (b, ..)| a.cmp(b))
    }

    /// Length of the lines of some samples.
    fn bytes(&self, first: usize, samples: usize) -> usize {
        let gaps = self.gaps.get(first..first + samples).unwrap_or_default();
        let lens = self.lens.get(first..first + samples).unwrap_or_default();
        gaps.iter().zip(lens).map(|(gap, len)| *gap as usize + *len as usize).sum()
    }
}

/// The sorted handles of a family whose series changed: the previous ones that still exist, and the
/// new ones.
fn merged(registry: &Registry, before: &[u32], live: &[u32], seen: &mut Vec<bool>) -> Vec<u32> {
    seen.resize(registry.rows(), false);
    let mut kept = Vec::with_capacity(before.len());
    for handle in before {
        if let Some(seen) = registry.row_of(*handle).and_then(|row| seen.get_mut(row)) {
            *seen = true;
            kept.push(*handle);
        }
    }
    let is_new = |handle: &u32| registry.row_of(*handle).is_some_and(|row| !seen.get(row).copied().unwrap_or(false));
    let mut new: Vec<u32> = live.iter().copied().filter(is_new).collect();
    registry.sort(&mut new);
    for handle in &kept {
        if let Some(seen) = registry.row_of(*handle).and_then(|row| seen.get_mut(row)) {
            *seen = false;
        }
    }
    registry.merge(&kept, &new)
}

/// Iterates from the back or the front.
fn directed<const BACKWARD: bool, I: DoubleEndedIterator>(mut items: I) -> impl Iterator<Item = I::Item> {
    std::iter::from_fn(move || if BACKWARD { items.next_back() } else { items.next() })
}

/// Gaps, lengths and shown numbers of some samples.
type Samples<'a> = (&'a [u32], &'a mut [u8], &'a mut [u64]);

/// Splits off `count` samples from the end or the beginning; returns them first and the remainder
/// second.
fn take<const BACKWARD: bool>((gaps, lens, shown): Samples<'_>, count: usize) -> Option<(Samples<'_>, Samples<'_>)> {
    let at = if BACKWARD { gaps.len().checked_sub(count)? } else { count };
    let (gaps, lens, shown) =
        (gaps.split_at_checked(at)?, lens.split_at_mut_checked(at)?, shown.split_at_mut_checked(at)?);
    let (before, after) = ((gaps.0, lens.0, shown.0), (gaps.1, lens.1, shown.1));
    Some(if BACKWARD { (after, before) } else { (before, after) })
}

/// A pass over the text. Nothing moves before the first value that changes its length; everything
/// does afterward. Positions mark the boundary of the processed part: going backward, `read` and
/// `write` decrease.
struct Mover<'a, const BACKWARD: bool> {
    buffer: &'a mut [u8],
    read: usize,
    /// Unchanged bytes next to `read`, not yet moved.
    pending: usize,
    write: usize,
    moving: bool,
}

impl<const BACKWARD: bool> Mover<'_, BACKWARD> {
    /// Skips a gap and replaces the value and line feed that follow it: `len` bytes.
    #[inline]
    fn replace(&mut self, gap: usize, len: usize, text: &[u8]) {
        let line = text.len() + 1;
        self.moving |= line != len;
        if !BACKWARD {
            self.pending += gap;
        }
        let at = if self.moving {
            self.flush();
            if BACKWARD {
                self.read -= len;
                self.write -= line;
                self.write
            } else {
                self.read += len;
                self.write += line;
                self.write - line
            }
        } else {
            self.pending += len;
            if BACKWARD { self.read - self.pending } else { self.read + self.pending - len }
        };
        if let Some((end, place)) = self.buffer.get_mut(at..at + line).and_then(<[u8]>::split_last_mut) {
            copy_short(place, text);
            *end = b'\n';
        }
        if BACKWARD {
            self.pending += gap;
        }
    }

    /// Moves what is pending.
    #[inline]
    fn flush(&mut self) {
        let len = self.pending;
        self.pending = 0;
        if BACKWARD {
            (self.read, self.write) = (self.read - len, self.write - len);
        }
        // A memmove call, which on wasm leaves the sandbox, costs more than a typical move: the
        // name and labels of a sample.
        if len > 8 * BLOCK || !self.move_blocks(len) {
            self.buffer.copy_within(self.read..self.read + len, self.write);
        }
        if !BACKWARD {
            (self.read, self.write) = (self.read + len, self.write + len);
        }
    }

    /// Moves a few bytes from `read` to `write` in whole blocks, if source and destination do not
    /// overlap. This overwrites less than a block next to the destination, which is unused space:
    /// there are always [`SPILL`] bytes of slack.
    #[inline]
    fn move_blocks(&mut self, len: usize) -> bool {
        let whole = len.next_multiple_of(BLOCK);
        let (from, to) = if BACKWARD {
            // Align blocks to the end of the moved bytes.
            let (Some(read), write) = ((self.read + len).checked_sub(whole), self.write + len) else { return false };
            let Some((below, to)) = self.buffer.split_at_mut_checked(write.saturating_sub(whole)) else { return false };
            (below.get(read..read + whole), to.get_mut(..whole))
        } else {
            let Some((below, from)) = self.buffer.split_at_mut_checked(self.read) else { return false };
            (from.get(..whole), below.get_mut(self.write..self.write + whole))
        };
        let (Some(from), Some(to)) = (from, to) else { return false };
        for (from, to) in from.as_chunks::<BLOCK>().0.iter().zip(to.as_chunks_mut::<BLOCK>().0) {
            // Word by word, because a 32-byte copy compiles to a call on wasm.
            if let ([a, b, c, d], [e, f, g, h]) = (from.as_chunks::<8>().0, to.as_chunks_mut::<8>().0) {
                (*e, *f, *g, *h) = (*a, *b, *c, *d);
            }
        }
        true
    }
}

/// Copies the text of a value: two slices of the same length, up to 24 bytes.
#[inline]
fn copy_short(to: &mut [u8], from: &[u8]) {
    // Three overlapping pieces: no loop, no call, and no branch on an unpredictable length.
    if let Some(last) = from.len().checked_sub(8) {
        copy_word(to, from, 0);
        copy_word(to, from, last.min(8));
        copy_word(to, from, last);
    } else if let (Some(first), Some(from_first)) = (to.first_chunk_mut::<4>(), from.first_chunk::<4>()) {
        *first = *from_first;
        if let (Some(to), Some(from)) = (to.last_chunk_mut::<4>(), from.last_chunk::<4>()) {
            *to = *from;
        }
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

#[inline]
fn copy_word(to: &mut [u8], from: &[u8], at: usize) {
    if let (Some(to), Some(from)) = (to.get_mut(at..at + 8), from.get(at..at + 8))
        && let (Some(to), Some(from)) = (to.first_chunk_mut::<8>(), from.first_chunk::<8>())
    {
        *to = *from;
    }
}

/// A rebuild in progress.
struct Rebuild<'a> {
    old: &'a Encoder,
    text: &'a [u8],
    out: Vec<u8>,
    rebuilt: Encoder,
}

impl Rebuild<'_> {
    /// Writes a previously cached family: copies existing series in runs and renders the others.
    /// `sample` and `at` are its first sample and the byte after its head.
    fn merge(
        &mut self,
        registry: &Registry,
        template: &Template,
        handles: &[u32],
        before: &Section,
        mut sample: usize,
        mut at: usize,
    ) {
        let mut old = before.handles.iter().peekable();
        let width = before.width;
        let mut run = 0;
        for handle in handles {
            // Both are sorted, so old series before a match were removed.
            while let Some(removed) = old.next_if(|old| **old != *handle && registry.row_of(**old).is_none()) {
                (sample, at) = self.copy(sample, at, run);
                run = 0;
                debug_assert!(registry.row_of(*removed).is_none());
                at += self.old.bytes(sample, width);
                sample += width;
            }
            if old.next_if(|old| *old == handle).is_some() {
                run += width;
            } else {
                (sample, at) = self.copy(sample, at, run);
                run = 0;
                self.render(registry, template, *handle);
            }
        }
        self.copy(sample, at, run);
    }

    /// Copies the lines of some samples and returns the position of the next ones.
    fn copy(&mut self, first: usize, at: usize, samples: usize) -> (usize, usize) {
        if samples == 0 {
            return (first, at);
        }
        let (last, end) = (first + samples, at + self.old.bytes(first, samples));
        self.out.extend_from_slice(self.text.get(at..end).unwrap_or_default());
        self.rebuilt.gaps.extend_from_slice(self.old.gaps.get(first..last).unwrap_or_default());
        self.rebuilt.lens.extend_from_slice(self.old.lens.get(first..last).unwrap_or_default());
        self.rebuilt.shown.extend_from_slice(self.old.shown.get(first..last).unwrap_or_default());
        (last, end)
    }

    fn render(&mut self, registry: &Registry, template: &Template, handle: u32) {
        let rebuilt = &mut self.rebuilt;
        rebuilt.batch.clear();
        registry.samples(handle, registry.now_ms(), &mut rebuilt.batch);
        let mut number = Number::default();
        let mut labels: Option<(usize, usize)> = None;
        for (sample, value) in template.samples.iter().zip(&rebuilt.batch) {
            let start = self.out.len();
            append(&mut self.out, &sample.name);
            // Labels are escaped for the first sample and copied for the others.
            match labels {
                Some((from, to)) => self.out.extend_from_within(from..to),
                None => {
                    let from = self.out.len();
                    template.frame.write_labels(registry.key_of_handle(handle), &mut self.out);
                    labels = Some((from, self.out.len()));
                }
            }
            append(&mut self.out, &sample.rest);
            // Fits: a line has at most 128 labels of some 50 KB.
            rebuilt.gaps.push((self.out.len() - start) as u32);
            let text = number.text(*value);
            append(&mut self.out, text);
            self.out.push(b'\n');
            rebuilt.lens.push(text.len() as u8 + 1);
            rebuilt.shown.push(value.to_bits());
        }
    }
}

fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    list.try_reserve_exact(more).map_err(|_| too_large())
}

/// Unreachable, since sections and samples are built together; if it happened, the encoder would
/// reset.
fn out_of_step() -> Error {
    Error::LimitReached { what: "samples of a series".into(), limit: 0, todo: "encode again" }
}

fn too_large() -> Error {
    Error::LimitReached {
        what: "memory for the exposition".into(),
        limit: isize::MAX as usize,
        todo: "record fewer series, or give the plug more memory",
    }
}

#[cfg(test)]
mod tests;
