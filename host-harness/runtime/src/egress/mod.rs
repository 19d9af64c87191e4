//! Enforces the egress policy for every request of a plug. A request that is not granted is denied
//! before name resolution; a name that resolves to a denied address is denied before connecting.
//!
//! | module | purpose |
//! |---|---|
//! | `hooks` | what wasmtime calls for each request of an instance: [`Egress`] |
//! | `network` | the egress of one plug, over all its instances: admits requests, sends them, bounds responses |
//! | `reach` | what an instance may reach of what is granted |
//! | `connect` | connections: resolves, checks the address, tunnels through a proxy, encrypts |
//! | `keyring` | secrets and certificates, read again when their files change |
//! | `tls` | certificates that are trusted and shown |
//! | `body` | bodies on their way: bounded in length and time, masked, recorded |
//! | `gunzip` | compressed responses, taken apart |
//! | `failure` | why no response came |
//! | `wasi` | failures as error codes of `wasi:http` |
//! | `audit` | denied requests, in the log and as counts |

mod audit;
mod body;
mod connect;
pub(crate) mod failure;
mod gunzip;
mod hooks;
mod keyring;
mod network;
mod reach;
mod sent;
mod tls;
mod wasi;

pub(crate) use hooks::Egress;
pub(crate) use network::Network;
pub(crate) use reach::{JobReach, Reach};
