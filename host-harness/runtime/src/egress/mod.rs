//! The egress policy: every request of a plug passes here. One that is not granted is denied before
//! any name is looked up or connection made; a name that resolves to an address that is not
//! granted, before any connection is.
//!
//! | module | what it is for |
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
