//! Enforces the egress policy for every request of a plug. A request that is not granted is denied
//! before name resolution; a name that resolves to a denied address is denied before connecting.
//!
//! | module | purpose |
//! |---|---|
//! | `hooks` | wasmtime's hooks for requests of an instance: [`Egress`] |
//! | `network` | the egress of one plug across its instances: checks and sends requests, limits responses |
//! | `reach` | the granted origins that one instance may reach |
//! | `connect` | resolves names, checks addresses, connects, tunnels through a proxy, encrypts |
//! | `keyring` | secrets and certificates, reloaded when their files change |
//! | `tls` | trusted authorities and client certificates |
//! | `body` | limits, masks and records bodies |
//! | `gunzip` | decompresses responses |
//! | `failure` | why an exchange failed |
//! | `wasi` | converts failures to error codes of `wasi:http` |
//! | `audit` | logs and counts denied requests |
//! | `health` | logs which servers stop answering, and answer again |

mod audit;
mod body;
mod connect;
pub(crate) mod failure;
mod gunzip;
mod health;
mod hooks;
mod keyring;
mod network;
mod reach;
mod sent;
#[cfg(test)]
mod testing;
mod tls;
mod wasi;

pub(crate) use hooks::Egress;
pub(crate) use network::{InFlight, Network};
pub(crate) use reach::{JobReach, Reach};
