//! Remote-write receivers and their send queues.

use core::time::Duration;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::config::Remote;
use crate::error::{ClientError, Error};
use crate::http::{Client, Url, redacted};
use crate::send_queue::{Amounts, SendQueue};
use crate::servers::remote_write::{Conversation, Refusal, Version};

/// Values in one request at most: what Prometheus sends by default.
pub const MAX_VALUES: usize = 2_000;

/// About the size of a request, in bytes before compression.
pub const MAX_BYTES: usize = 1_000_000;

/// The maximum number of rejected requests per call, while bisecting a batch for the values that
/// cause the rejection. A single value among [`MAX_VALUES`] needs 12; the next call continues the
/// search.
const MAX_REFUSED_REQUESTS: u32 = 500;

/// There are few receivers, but their URLs come from requests.
const MAX_RECEIVERS: usize = 8;

/// What a queue keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The most values.
    capacity: u64,
    max_age: Duration,
}

impl Kept {
    /// Of a configuration.
    pub fn of(remote: &Remote) -> Self {
        Self { capacity: remote.write_capacity as u64, max_age: remote.write_max_age }
    }

    /// Drops what a queue does not keep.
    pub fn bound(self, queue: &mut SendQueue, now_ms: u64) {
        let max_age = u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX);
        queue.bound(usize::try_from(self.capacity).unwrap_or(usize::MAX), now_ms.saturating_sub(max_age));
    }
}

/// All remote-write receivers.
#[derive(Debug, Default)]
pub struct Receivers(pub Vec<Receiver>);

/// A remote-write receiver.
#[derive(Debug)]
pub struct Receiver {
    /// Its URL.
    pub url: Url,
    /// The protocol version that it last accepted.
    pub spoken: Option<Version>,
    /// Its send queue.
    pub send_queue: SendQueue,
}

/// The outcome of a delivery.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The values that the receiver wrote.
    pub written: Amounts,
    /// Values that the receiver rejected.
    pub refused: u64,
    /// How many requests were sent.
    pub requests: u64,
    /// Whether the receiver reported how much it wrote for every request.
    pub confirmed: bool,
    /// The first error.
    pub error: Option<Box<ClientError>>,
    /// Whether the receiver takes no native histograms, and how many were given up for that.
    pub histograms: Option<u64>,
    /// How the values concerned are found by halving.
    pub halving: Halving,
}

/// How far values that a receiver refuses have been found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halving {
    /// The most values in the next request.
    pub most: usize,
    /// Requests that were refused.
    pub refused: u32,
}

impl Default for Halving {
    fn default() -> Self {
        Self { most: MAX_VALUES, refused: 0 }
    }
}

impl Receivers {
    /// The receiver with this URL; created if needed.
    ///
    /// # Errors
    /// There are too many receivers.
    pub fn of(&mut self, url: &Url, seed: u64) -> Result<&mut Receiver, Error> {
        let same = self.0.iter().position(|receiver| receiver.url == *url);
        // A restart forgot user and query.
        let shown = redacted(url);
        let same = same.or_else(|| self.0.iter().position(|receiver| receiver.url.to_string() == shown));
        let place = match same {
            Some(place) => {
                if let Some(receiver) = self.0.get_mut(place) {
                    receiver.url = url.clone();
                }
                place
            }
            None if self.0.len() < MAX_RECEIVERS => {
                let send_queue = SendQueue::new(FixedState::with_seed(seed));
                self.0.push(Receiver { url: url.clone(), spoken: None, send_queue });
                self.0.len() - 1
            }
            None => MAX_RECEIVERS,
        };
        self.0.get_mut(place).ok_or_else(|| {
            plugpipe_metrics::Error::LimitReached {
                what: "remote_write_url".into(),
                limit: MAX_RECEIVERS,
                todo: "write to fewer receivers, or reset the plug with cleanup",
            }
            .into()
        })
    }
}

impl Receiver {
    /// Bounds what waits behind values that are on their way. What is not behind any is bounded
    /// once it was tried to send it.
    pub fn bound_behind(&mut self, kept: Kept, now_ms: u64) {
        if self.send_queue.is_in_flight() {
            kept.bound(&mut self.send_queue, now_ms);
        }
    }

    /// Sends what waits, the oldest first, until nothing waits, the receiver does not answer, or
    /// the time is up.
    pub fn deliver(&mut self, client: &mut Client, wanted: Option<Version>, halving: Halving) -> Delivery {
        let started = client.transport.monotonic();
        let mut delivery = Delivery { confirmed: true, ..Delivery::default() };
        let mut talk = Conversation { url: &self.url, wanted, spoken: &mut self.spoken, requests: 0 };
        let (mut batch_size, mut refused_requests, mut refusal) = (halving.most.max(1), halving.refused, None);
        while self.send_queue.pending() > 0 && refused_requests < MAX_REFUSED_REQUESTS {
            if client.transport.monotonic().saturating_sub(started) >= client.limits.total {
                break;
            }
            let (series, count) = self.send_queue.batch(batch_size, MAX_BYTES);
            match talk.write(client, &series, &self.send_queue.hasher()) {
                Ok(written) => {
                    let sent = self.send_queue.remove(count);
                    delivery.confirmed &= written.is_some();
                    delivery.written += written.unwrap_or(sent);
                    batch_size = MAX_VALUES.min(2 * batch_size);
                }
                // Without a report of what was written, nothing was, and all but one value may be
                // valid.
                Err(Refusal::Values(error, None)) if count > 1 => {
                    refused_requests += 1;
                    batch_size = count / 2;
                    refusal = Some(error);
                }
                Err(Refusal::Values(error, written)) => {
                    refused_requests += 1;
                    let sent = self.send_queue.remove(count);
                    let written = written.unwrap_or_default();
                    delivery.refused += sent.values().saturating_sub(written.values());
                    delivery.written += written;
                    delivery.error.get_or_insert(error);
                }
                Err(Refusal::Histograms(error)) => {
                    let refused = self.send_queue.remove_histograms();
                    delivery.histograms = Some(delivery.histograms.unwrap_or(0) + refused);
                    delivery.error.get_or_insert(error);
                    if refused == 0 {
                        break;
                    }
                }
                Err(Refusal::Otherwise(error)) => {
                    delivery.error = Some(error);
                    break;
                }
            }
        }
        // The limit was reached before the rejected values were found.
        if refused_requests >= MAX_REFUSED_REQUESTS && delivery.error.is_none() {
            delivery.error = refusal;
        }
        delivery.requests = talk.requests;
        delivery.halving = Halving { most: batch_size, refused: refused_requests };
        delivery
    }
}
