//! FNV-1a: the hash for identifiers that must be the same in every version of the plug, and in
//! Alertmanager.

/// The 64-bit hash of the bytes.
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
