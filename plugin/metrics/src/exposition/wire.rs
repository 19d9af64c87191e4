//! The protobuf wire format, shared by [`super::protobuf`], [`super::remote_write`] and
//! [`super::otlp`].
//!
//! A nested message starts with [`open_field`] and ends with [`close`]. Inlining these functions at
//! their many call sites would add kilobytes to the component.

const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const LENGTH_AND_BYTES: u32 = 2;

fn tag(field: u32, wire_type: u32, out: &mut Vec<u8>) {
    varint(u64::from(field << 3 | wire_type), out);
}

#[inline(never)]
pub(super) fn unsigned(field: u32, value: u64, out: &mut Vec<u8>) {
    tag(field, VARINT, out);
    varint(value, out);
}

#[inline(never)]
pub(super) fn signed(field: u32, value: i64, out: &mut Vec<u8>) {
    unsigned(field, zigzag(value), out);
}

#[inline(never)]
pub(super) fn double(field: u32, value: f64, out: &mut Vec<u8>) {
    tag(field, EIGHT_BYTES, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// An integer of eight bytes: `fixed64`.
#[inline(never)]
pub(super) fn fixed(field: u32, value: u64, out: &mut Vec<u8>) {
    tag(field, EIGHT_BYTES, out);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline(never)]
pub(super) fn text(field: u32, value: &str, out: &mut Vec<u8>) {
    tag(field, LENGTH_AND_BYTES, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value.as_bytes());
}

#[inline(never)]
pub(super) fn open_field(field: u32, out: &mut Vec<u8>) -> usize {
    tag(field, LENGTH_AND_BYTES, out);
    open(out)
}

/// Reserves one byte for the length; most messages are short, and then [`close`] moves nothing.
pub(super) fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length of the message that begins at `start`, as returned by [`open`].
#[inline(never)]
pub(super) fn close(start: usize, out: &mut Vec<u8>) {
    out.splice(start - 1..start, varint_bytes((out.len() - start) as u64));
}

#[inline(never)]
pub(super) fn varint(value: u64, out: &mut Vec<u8>) {
    out.extend(varint_bytes(value));
}

/// Seven bits per byte, lowest first; the top bit is set if more bytes follow.
fn varint_bytes(value: u64) -> impl Iterator<Item = u8> {
    let rest = |rest: &u64| (*rest >= 0x80).then(|| rest >> 7);
    std::iter::successors(Some(value), rest).map(|rest| if rest >= 0x80 { rest as u8 | 0x80 } else { rest as u8 })
}

/// Zigzag encoding: maps small numbers of either sign to small unsigned ones.
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// Takes a field off the front of a message: its number, its value if it is a varint, and its bytes
/// otherwise. `None` if the message is malformed.
#[inline(never)]
pub(super) fn take_field<'a>(message: &mut &'a [u8]) -> Option<(u64, u64, &'a [u8])> {
    let tag = take_varint(message)?;
    let (mut number, mut bytes) = (0, &[][..]);
    match tag & 7 {
        0 => number = take_varint(message)?,
        1 => bytes = take_bytes(8, message)?,
        2 => bytes = take_bytes(take_varint(message)?, message)?,
        5 => bytes = take_bytes(4, message)?,
        _ => return None,
    }
    Some((tag >> 3, number, bytes))
}

fn take_bytes<'a>(length: u64, message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (bytes, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
    *message = rest;
    Some(bytes)
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
