//! Prometheus text exposition, versions 0.0.4 and 1.0.0.
//!
//! Families come sorted by name and series by label values, so that the same registry always gives
//! the same bytes. Names that the older rules do not allow are written as the reader's [`Escaping`]
//! says; those that stay as they are come in quotes, a metric's within the braces:
//! `{"my.metric",a="x"} 1`. Label values and help are escaped. The two versions are the same text.
//!
//! Text knows five types only: an info is a gauge `<name>_info` that is 1; a state set is a gauge
//! with a label named like the metric, one sample for each state; a native histogram is a histogram
//! with the one bucket `+Inf`, beside its sum and count.
//!
//! An [`Encoder`] keeps what it wrote. Nearly all of an exposition is the same at each scrape:
//! names, labels, most values. So the text is kept with, for each sample, the bytes before its
//! value (`gap`), the bytes of its value and line feed (`len`), and the number that is shown. The
//! next encoding compares the numbers, and moves the text once, with the new values in it; where no
//! number changed, the text is as it was. Lengths are relative, so the text of a family can be
//! moved and the text of a series be put in or left out without touching the rest.
//!
//! There is one buffer, with room for every value at its longest. The text is at its start or at
//! its end. To move it, it is read from the near end and written from the far one: what is written
//! can never reach what is still to be read, because what is still to be written always has room
//! for the longest values.

mod template;

use self::template::{MAX_NUMBER_LEN, Template, put, put_value};
use super::escaping::{Escaping, is_plain_label_name, is_plain_metric_name};
use crate::error::Error;
use crate::float::Number;
use crate::registry::{FamilyId, Kind, Registry};
use crate::sort::sorted_by;

/// For `Content-Type`, of version 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bytes that a short copy moves at a time.
const BLOCK: usize = 32;

/// Room that is never written to on purpose, so that a copy in blocks may spill over by less than a
/// block.
const SPILL: usize = 2 * BLOCK;

/// Samples whose numbers are fetched and compared at a time.
const BATCH: usize = 512;

/// Writes one registry, again and again.
#[derive(Debug, Default)]
pub struct Encoder {
    /// The registry that was encoded, and its version, shape and time then.
    identity: u64,
    version: u64,
    shape: u64,
    now_ms: u64,
    /// How names were written, and whether every escaping that leaves plain names alone writes them
    /// so.
    escaping: Escaping,
    plain: bool,
    sections: Vec<Section>,
    /// By sample, in the order of the text: bytes from the end of the value before, or of the
    /// family's head, to this value.
    gaps: Vec<u32>,
    /// By sample: bytes of the value with its line feed.
    lens: Vec<u8>,
    /// By sample: the bits of the number that is shown.
    shown: Vec<u64>,
    /// The text, in `len` bytes from `start`: at the beginning or at the end.
    buffer: Vec<u8>,
    start: usize,
    len: usize,
    /// Numbers of one batch; kept for its memory.
    batch: Vec<f64>,
}

/// What is written of one family.
#[derive(Debug)]
struct Section {
    family: FamilyId,
    /// The registry's shape at the family's last change.
    shape: u64,
    /// Bytes of `# HELP` and `# TYPE`.
    head: usize,
    /// Samples of each series.
    width: usize,
    scalar: bool,
    /// The series, sorted.
    handles: Vec<u32>,
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry as text, as of the time that was set last. Empty families are left out, and an
    /// empty registry is an empty text. What was written with another escaping is of no use, unless
    /// no name needs any. The error is one of memory: then the encoder is as good as new.
    pub fn encode(&mut self, registry: &Registry, escaping: Escaping) -> Result<&[u8], Error> {
        // The dots' scheme changes plain names too.
        let any = self.plain && self.shape == registry.shape() && escaping != Escaping::Dots;
        let same = self.identity == registry.identity() && (self.escaping == escaping || any);
        let timed = registry.is_timed() && self.now_ms != registry.now_ms();
        if !same || self.version != registry.version() || timed {
            if !same {
                *self = Self { escaping, ..Self::default() };
            }
            let done = self.bring_up_to_date(registry);
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

    /// The text of each family that was written last.
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

    /// Bytes of memory that are kept for the next encoding.
    pub fn memory(&self) -> usize {
        let handles: usize = self.sections.iter().map(|section| section.handles.capacity() * 4).sum();
        self.buffer.capacity()
            + self.gaps.capacity() * 4
            + self.lens.capacity()
            + self.shown.capacity() * 8
            + self.sections.capacity() * size_of::<Section>()
            + handles
    }

    fn bring_up_to_date(&mut self, registry: &Registry) -> Result<(), Error> {
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

    /// Writes the numbers that changed. The families and series are those of the registry.
    fn refresh(&mut self, registry: &Registry) -> Result<(), Error> {
        if self.start == 0 { self.pass::<true>(registry) } else { self.pass::<false>(registry) }
    }

    /// Goes through the samples once: backward, where the text is at the beginning of the buffer,
    /// so that it can move to the end; else forward.
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
            // A batch is of whole series.
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

    /// Puts in families and series that are new, and leaves out those that are gone. Numbers that
    /// were shown stay as they were.
    fn rebuild(&mut self, registry: &Registry) -> Result<(), Error> {
        let old = std::mem::take(self);
        let mut next = Rebuild { old: &old, text: old.text(), out: Vec::new(), made: Self::default() };
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
        reserve(&mut next.made.gaps, samples)?;
        reserve(&mut next.made.lens, samples)?;
        reserve(&mut next.made.shown, samples)?;
        let mut last_head = Vec::new();
        for (family, shape, kind, template, handles, before) in plans {
            let width = template.samples.len();
            let scalar = Registry::is_scalar(kind);
            // Families of one metric stand next to each other, and have one head.
            let head = if template.head == last_head { 0 } else { template.head.len() };
            next.out.extend_from_slice(template.head.get(..head).unwrap_or_default());
            match before {
                Some((section, (_, _, sample, at))) if section.width == width => {
                    next.merge(registry, &template, &handles, section, sample, at + section.head);
                }
                _ => handles.iter().for_each(|handle| next.render(registry, &template, *handle)),
            }
            next.made.sections.push(Section { family, shape, head, width, scalar, handles });
            last_head = template.head;
        }
        let Rebuild { mut out, mut made, .. } = next;
        made.len = out.len();
        // Room for every value to become as long as any, and for the blocks of a copy.
        let room: usize = made.lens.iter().map(|len| MAX_NUMBER_LEN - (*len as usize).min(MAX_NUMBER_LEN)).sum();
        let size = made.len + room + SPILL;
        reserve(&mut out, size - made.len)?;
        out.resize(size, 0);
        made.buffer = out;
        made.batch = old.batch;
        (made.escaping, made.plain) = (old.escaping, plain);
        *self = made;
        Ok(())
    }

    /// Where each section begins: family, index, first sample, first byte; sorted by family.
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

    /// Bytes of some samples' lines.
    fn bytes(&self, first: usize, samples: usize) -> usize {
        let gaps = self.gaps.get(first..first + samples).unwrap_or_default();
        let lens = self.lens.get(first..first + samples).unwrap_or_default();
        gaps.iter().zip(lens).map(|(gap, len)| *gap as usize + *len as usize).sum()
    }
}

/// The handles of a family whose series changed, sorted: those of before that still live, and the
/// new ones.
fn merged(registry: &Registry, before: &[u32], live: &[u32], seen: &mut Vec<bool>) -> Vec<u32> {
    seen.resize(registry.rows(), false);
    let mut held = Vec::with_capacity(before.len());
    for handle in before {
        if let Some(seen) = registry.row_of(*handle).and_then(|row| seen.get_mut(row)) {
            *seen = true;
            held.push(*handle);
        }
    }
    let is_new = |handle: &u32| registry.row_of(*handle).is_some_and(|row| !seen.get(row).copied().unwrap_or(false));
    let mut new: Vec<u32> = live.iter().copied().filter(is_new).collect();
    registry.sort(&mut new);
    for handle in &held {
        if let Some(seen) = registry.row_of(*handle).and_then(|row| seen.get_mut(row)) {
            *seen = false;
        }
    }
    registry.merge(&held, &new)
}

/// The items from the last or from the first one on.
fn directed<const BACKWARD: bool, I: DoubleEndedIterator>(mut items: I) -> impl Iterator<Item = I::Item> {
    std::iter::from_fn(move || if BACKWARD { items.next_back() } else { items.next() })
}

/// Gaps, lengths and shown numbers of some samples.
type Samples<'a> = (&'a [u32], &'a mut [u8], &'a mut [u64]);

/// Splits off so many samples from the end or the beginning; what is left comes second.
fn take<const BACKWARD: bool>((gaps, lens, shown): Samples<'_>, count: usize) -> Option<(Samples<'_>, Samples<'_>)> {
    let at = if BACKWARD { gaps.len().checked_sub(count)? } else { count };
    let (gaps, lens, shown) =
        (gaps.split_at_checked(at)?, lens.split_at_mut_checked(at)?, shown.split_at_mut_checked(at)?);
    let (before, after) = ((gaps.0, lens.0, shown.0), (gaps.1, lens.1, shown.1));
    Some(if BACKWARD { (after, before) } else { (before, after) })
}

/// A pass over the text. Before the first value that changes its length nothing moves; from there
/// on, everything does. All positions are ends of what is done: going backward, `read` and `write`
/// fall.
struct Mover<'a, const BACKWARD: bool> {
    buffer: &'a mut [u8],
    read: usize,
    /// Bytes next to `read` that stay as they are.
    pending: usize,
    write: usize,
    moving: bool,
}

impl<const BACKWARD: bool> Mover<'_, BACKWARD> {
    /// Passes a gap, and replaces the value and line feed that follow it: `len` bytes.
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
            put_short(place, text);
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
        // A call of memmove, which on wasm leaves the sandbox, costs more than the usual move: the
        // name and labels of a sample.
        if len > 8 * BLOCK || !self.move_blocks(len) {
            self.buffer.copy_within(self.read..self.read + len, self.write);
        }
        if !BACKWARD {
            (self.read, self.write) = (self.read + len, self.write + len);
        }
    }

    /// Moves a few bytes from `read` to `write` in whole blocks, where what is read and what is
    /// written are apart. What is next to the place is overwritten by less than a block: that is
    /// room, because [`SPILL`] bytes always are.
    #[inline]
    fn move_blocks(&mut self, len: usize) -> bool {
        let whole = len.next_multiple_of(BLOCK);
        let (from, to) = if BACKWARD {
            // Ending where the moved bytes end.
            let (Some(read), write) = ((self.read + len).checked_sub(whole), self.write + len) else { return false };
            let Some((below, to)) = self.buffer.split_at_mut_checked(write.saturating_sub(whole)) else { return false };
            (below.get(read..read + whole), to.get_mut(..whole))
        } else {
            let Some((below, from)) = self.buffer.split_at_mut_checked(self.read) else { return false };
            (from.get(..whole), below.get_mut(self.write..self.write + whole))
        };
        let (Some(from), Some(to)) = (from, to) else { return false };
        for (from, to) in from.as_chunks::<BLOCK>().0.iter().zip(to.as_chunks_mut::<BLOCK>().0) {
            // Word by word, because a copy of 32 bytes is made a call on wasm.
            if let ([a, b, c, d], [e, f, g, h]) = (from.as_chunks::<8>().0, to.as_chunks_mut::<8>().0) {
                (*e, *f, *g, *h) = (*a, *b, *c, *d);
            }
        }
        true
    }
}

/// Copies the text of a value: two slices of the same length, up to 24 bytes.
#[inline]
fn put_short(to: &mut [u8], from: &[u8]) {
    // Three pieces that overlap: no loop, no call, and no branch on a length that cannot be
    // foreseen.
    if let Some(last) = from.len().checked_sub(8) {
        put_word(to, from, 0);
        put_word(to, from, last.min(8));
        put_word(to, from, last);
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
fn put_word(to: &mut [u8], from: &[u8], at: usize) {
    if let (Some(to), Some(from)) = (to.get_mut(at..at + 8), from.get(at..at + 8))
        && let (Some(to), Some(from)) = (to.first_chunk_mut::<8>(), from.first_chunk::<8>())
    {
        *to = *from;
    }
}

/// A rebuild on its way.
struct Rebuild<'a> {
    old: &'a Encoder,
    text: &'a [u8],
    out: Vec<u8>,
    made: Encoder,
}

impl Rebuild<'_> {
    /// Writes a family that was written before: copies series that still live, in runs, and renders
    /// the others. `sample` and `at` are its first sample and the byte after its head.
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
            // Both are sorted, so what comes before a series that stayed is gone.
            while let Some(gone) = old.next_if(|old| **old != *handle && registry.row_of(**old).is_none()) {
                (sample, at) = self.copy(sample, at, run);
                run = 0;
                debug_assert!(registry.row_of(*gone).is_none());
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

    /// Copies the lines of some samples; where the next ones are.
    fn copy(&mut self, first: usize, at: usize, samples: usize) -> (usize, usize) {
        if samples == 0 {
            return (first, at);
        }
        let (last, end) = (first + samples, at + self.old.bytes(first, samples));
        self.out.extend_from_slice(self.text.get(at..end).unwrap_or_default());
        self.made.gaps.extend_from_slice(self.old.gaps.get(first..last).unwrap_or_default());
        self.made.lens.extend_from_slice(self.old.lens.get(first..last).unwrap_or_default());
        self.made.shown.extend_from_slice(self.old.shown.get(first..last).unwrap_or_default());
        (last, end)
    }

    fn render(&mut self, registry: &Registry, template: &Template, handle: u32) {
        let made = &mut self.made;
        made.batch.clear();
        registry.samples(handle, registry.now_ms(), &mut made.batch);
        let mut number = Number::default();
        let mut labels: Option<(usize, usize)> = None;
        for (sample, value) in template.samples.iter().zip(&made.batch) {
            let start = self.out.len();
            put(&mut self.out, &sample.name);
            // The labels are escaped for the first sample, and copied for the others.
            match labels {
                Some((from, to)) => self.out.extend_from_within(from..to),
                None => {
                    let from = self.out.len();
                    let mut key = registry.key_of_handle(handle);
                    for before in &template.labels {
                        put(&mut self.out, before);
                        key = put_value(&mut self.out, key);
                    }
                    labels = Some((from, self.out.len()));
                }
            }
            put(&mut self.out, &sample.rest);
            // A line is at most 128 labels of some 50 KB.
            made.gaps.push((self.out.len() - start) as u32);
            let text = number.text(*value);
            put(&mut self.out, text);
            self.out.push(b'\n');
            made.lens.push(text.len() as u8 + 1);
            made.shown.push(value.to_bits());
        }
    }
}

fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    list.try_reserve_exact(more).map_err(|_| too_large())
}

/// Sections and samples are made together, so that this cannot be; and if it were, the encoder
/// would start anew.
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
