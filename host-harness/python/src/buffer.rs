//! Increments that are summed here and handed over together, each 100 ms and before each export.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use plugpipe_runtime::session::{Outcome, Session};
use plugpipe_runtime::{Error, SharedPlug};

/// How long an increment is at most kept here.
const INTERVAL: Duration = Duration::from_millis(100);

/// How soon the plug is tried again where somebody has it.
const AGAIN: Duration = Duration::from_millis(1);

/// The sum of a series' increments: the bits of an `f64`.
#[derive(Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    /// Adds to the sum.
    #[inline]
    pub(crate) fn add(&self, amount: f64) {
        let mut bits = self.0.load(Ordering::Relaxed);
        loop {
            let sum = (f64::from_bits(bits) + amount).to_bits();
            match self.0.compare_exchange_weak(bits, sum, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => bits = now,
            }
        }
    }

    /// Takes the sum.
    pub(crate) fn take(&self) -> f64 {
        f64::from_bits(self.0.swap(0, Ordering::Relaxed))
    }
}

/// The cells of a plug in one process: also those whose metric is gone, until they are handed over.
#[derive(Default)]
pub(crate) struct Buffer(Mutex<Vec<(u32, Arc<Cell>)>>);

impl Buffer {
    pub(crate) fn add(&self, series: u32, cell: &Arc<Cell>) {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The same cell of a series that was made anew.
        cells.retain(|(_, known)| !Arc::ptr_eq(known, cell));
        cells.push((series, Arc::clone(cell)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        let cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cells.iter().all(|(_, cell)| cell.0.load(Ordering::Relaxed) == 0)
    }

    fn take(&self) -> Vec<(u32, f64)> {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums = Vec::new();
        cells.retain(|(series, cell)| {
            // Nobody adds to one that only the buffer has.
            let is_used = Arc::strong_count(cell) > 1;
            let sum = cell.take();
            if sum != 0.0 {
                sums.push((*series, sum));
            }
            is_used
        });
        sums
    }

    /// Hands over what is here. An error says what became of it.
    pub(crate) async fn hand_over(&self, session: &mut Session) -> Result<(), Error> {
        let sums = self.take();
        if sums.is_empty() {
            return Ok(());
        }
        let (series, values): (Vec<u32>, Vec<f64>) = sums.iter().copied().unzip();
        if session.record_many(&series, &values).await.is_ok() {
            return Ok(());
        }
        // One of them was removed, and nothing was recorded: one by one.
        let (mut failed, mut why) = (0_u64, String::new());
        for (series, sum) in sums {
            match session.add(series, sum).await {
                Ok(Outcome::Recorded) => {}
                other => {
                    failed += 1;
                    why = other.map_or_else(|error| error.to_string(), |outcome| format!("{outcome:?}"));
                }
            }
        }
        if failed == 0 {
            return Ok(());
        }
        Err(Error::Plug { problem: format!("buffered increments of {failed} series are lost ({why})") })
    }
}

/// Hands over at intervals, until the buffer's plug ends.
pub(crate) async fn hand_over_at_intervals(buffer: Weak<Buffer>, plug: SharedPlug) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        loop {
            let Some(buffer) = buffer.upgrade() else { return };
            let Some(mut turn) = plug.try_turn() else {
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            if let Err(error) = turn.call(async |session| buffer.hand_over(session).await) {
                tracing::warn!(%error, "buffered increments could not be handed over");
            }
            break;
        }
    }
}
