//! What the host guarantees: limits, grants, recovery, secrets.

pub mod compile;
pub mod damaged_state;
pub mod delivery;
pub mod hostile;
pub mod jobs;
pub mod outbound;
pub mod recovery;
pub mod resources;
pub mod sandbox;
pub mod secrets;
// Measures memory by /proc.
#[cfg(target_os = "linux")]
pub mod soak;
pub mod tls;
