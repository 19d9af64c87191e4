//! What the host guarantees: limits, grants, recovery, secrets.

pub mod compile;
pub mod composed;
pub mod damaged_state;
pub mod delivery;
pub mod empty_wasi;
pub mod guests;
pub mod hostile;
pub mod jobs;
pub mod kills;
pub mod load;
pub mod monitoring;
pub mod order;
pub mod outbound;
// Measures memory by /proc.
#[cfg(target_os = "linux")]
pub mod push_memory;
pub mod receiver_down;
pub mod recovery;
pub mod resources;
pub mod sandbox;
pub mod scheduled;
pub mod secrets;
// Measures memory by /proc.
#[cfg(target_os = "linux")]
pub mod soak;
pub mod tls;
