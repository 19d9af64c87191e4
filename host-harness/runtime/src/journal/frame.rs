//! Entries one after the other, each with its length before it.

/// The bytes before each entry that say how long it is.
pub(super) const LENGTH: usize = 4;

/// The bytes of the entry at `position`, and where the next one begins.
pub(super) fn split(entries: &[u8], position: usize) -> Option<(&[u8], usize)> {
    let (length, rest) = entries.get(position..)?.split_first_chunk::<LENGTH>()?;
    let length = u32::from_le_bytes(*length) as usize;
    Some((rest.get(..length)?, position + LENGTH + length))
}
