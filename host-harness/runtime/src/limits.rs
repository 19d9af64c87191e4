//! How much a plug may use, and the watch over it while a call runs.
//!
//! A plug that reaches a limit is stopped, or the request for more fails; if that ends its call,
//! the error names the limit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder, Trap};

use crate::budget::{Budget, Share};
use crate::grants::GrantedLimits;

/// The plug's maximum stack, in bytes. The same for all plugs, because it belongs to the engine.
pub(crate) const STACK_BYTES: usize = 512 * 1024;

/// The maximum size of all header fields of a request or response. Servers rarely accept or send
/// more than 8 KiB.
pub(crate) const HEADER_BYTES: usize = 32 * 1024;

/// The size of a chunk of a request's body; up to two are buffered in the host.
pub(crate) const PIECE_BYTES: usize = 256 * 1024;

/// The maximum length of a request's method, scheme or authority.
pub(crate) const WORD_BYTES: usize = 4 * 1024;

/// What an element of a table takes, in bytes.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// The most that can be granted of [`Limits::instances`] and [`Limits::tables`].
pub(crate) const MAX_INSTANCES: usize = 1_000;

/// The most that can be granted of [`Limits::memories`], each of which takes 4 GiB of addresses in
/// every instance.
pub(crate) const MAX_MEMORIES: usize = 16;

/// The most that can be granted of [`Limits::table_elements`].
pub(crate) const MAX_TABLE_ELEMENTS: usize = 10_000_000;

/// Bounds of one plug. Start from [`Limits::default`] and change them with the `with_` functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The plug's maximum memory, in bytes: its recorder, its workers and the jobs on their way to
    /// them, together.
    pub memory_bytes: usize,
    /// The maximum duration of one job, including waits for servers.
    pub call: Duration,
    /// The maximum duration of a call of the recorder, which waits for nothing; never more than
    /// [`Limits::call`].
    pub recorder: Duration,
    /// The maximum number of bytes that the host copies out of the plug at once: a response, a
    /// snapshot, or arguments of a host call.
    pub answer_bytes: usize,
    /// The maximum number of host calls in one call: for the time, and for each step of a request.
    pub host_calls: u64,
    /// The maximum number of host resources held at once: requests, headers, bodies, responses,
    /// streams, pollables.
    pub resources: usize,
    /// The maximum number of elements in each table; tables also count as memory.
    pub table_elements: usize,
    /// The maximum number of core instances, of which a component may consist of several.
    pub instances: usize,
    /// The maximum number of tables of all core instances together.
    pub tables: usize,
    /// The maximum number of memories of all core instances together.
    pub memories: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 * 1024 * 1024,
            call: Duration::from_secs(60),
            recorder: Duration::from_secs(10),
            answer_bytes: 128 * 1024 * 1024,
            host_calls: 1_000_000,
            resources: 1_024,
            table_elements: 100_000,
            instances: 16,
            tables: 16,
            memories: 1,
        }
    }
}

impl Limits {
    /// These limits with another [`Limits::memory_bytes`].
    #[must_use]
    pub fn with_memory_bytes(self, memory_bytes: usize) -> Self {
        Self { memory_bytes, ..self }
    }

    /// These limits with another [`Limits::call`].
    #[must_use]
    pub fn with_call(self, call: Duration) -> Self {
        Self { call, ..self }
    }

    /// These limits with another [`Limits::recorder`].
    #[must_use]
    pub fn with_recorder(self, recorder: Duration) -> Self {
        Self { recorder, ..self }
    }

    /// How long a call of the recorder may last.
    pub(crate) fn recorder_call(&self) -> Duration {
        self.recorder.min(self.call)
    }

    /// These limits with another [`Limits::answer_bytes`].
    #[must_use]
    pub fn with_answer_bytes(self, answer_bytes: usize) -> Self {
        Self { answer_bytes, ..self }
    }

    /// These limits with another [`Limits::host_calls`].
    #[must_use]
    pub fn with_host_calls(self, host_calls: u64) -> Self {
        Self { host_calls, ..self }
    }

    /// These limits with another [`Limits::resources`].
    #[must_use]
    pub fn with_resources(self, resources: usize) -> Self {
        Self { resources, ..self }
    }

    /// These limits with another [`Limits::table_elements`].
    #[must_use]
    pub fn with_table_elements(self, table_elements: usize) -> Self {
        Self { table_elements, ..self }
    }

    /// These limits with another [`Limits::instances`].
    #[must_use]
    pub fn with_instances(self, instances: usize) -> Self {
        Self { instances, ..self }
    }

    /// These limits with another [`Limits::tables`].
    #[must_use]
    pub fn with_tables(self, tables: usize) -> Self {
        Self { tables, ..self }
    }

    /// These limits with another [`Limits::memories`].
    #[must_use]
    pub fn with_memories(self, memories: usize) -> Self {
        Self { memories, ..self }
    }

    /// These limits, replaced by what is granted.
    #[must_use]
    pub fn granted(self, granted: &GrantedLimits) -> Self {
        Self {
            memory_bytes: granted.memory_bytes.unwrap_or(self.memory_bytes),
            call: granted.call.unwrap_or(self.call),
            recorder: self.recorder,
            answer_bytes: granted.answer_bytes.unwrap_or(self.answer_bytes),
            host_calls: granted.host_calls.unwrap_or(self.host_calls),
            resources: granted.resources.unwrap_or(self.resources),
            table_elements: granted.table_elements.unwrap_or(self.table_elements),
            instances: granted.instances.unwrap_or(self.instances),
            tables: granted.tables.unwrap_or(self.tables),
            memories: granted.memories.unwrap_or(self.memories),
        }
    }

    /// The lower of each pair of limits.
    #[must_use]
    pub(crate) fn lowest(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            call: self.call.min(other.call),
            recorder: self.recorder.min(other.recorder),
            answer_bytes: self.answer_bytes.min(other.answer_bytes),
            host_calls: self.host_calls.min(other.host_calls),
            resources: self.resources.min(other.resources),
            table_elements: self.table_elements.min(other.table_elements),
            instances: self.instances.min(other.instances),
            tables: self.tables.min(other.tables),
            memories: self.memories.min(other.memories),
        }
    }
}

/// A limit that ended a call, with its value. A timeout has an error of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::memory_bytes`].
    Memory(usize),
    /// The stack of 512 KiB.
    Stack(usize),
    /// [`Limits::answer_bytes`].
    Answer(usize),
    /// [`Limits::host_calls`].
    HostCalls(u64),
    /// [`Limits::resources`].
    Resources(usize),
    /// [`Limits::table_elements`].
    Table(usize),
    /// [`Limits::instances`].
    Instances(usize),
    /// [`Limits::tables`].
    Tables(usize),
    /// [`Limits::memories`].
    Memories(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => {
                write!(
                    f,
                    "it needed more than {bytes} bytes of memory, with its jobs (limits.memory in the grants file)"
                )
            }
            Self::Stack(bytes) => {
                write!(f, "its calls nest deeper than a stack of {bytes} bytes (this limit is fixed)")
            }
            Self::Answer(bytes) => {
                write!(f, "it returned more than {bytes} bytes at once (limits.answer in the grants file)")
            }
            Self::HostCalls(calls) => {
                write!(
                    f,
                    "it called the host more than {calls} times in one call (limits.host_calls in the grants file)"
                )
            }
            Self::Resources(count) => write!(
                f,
                "it held more than {count} requests, headers, bodies, responses, streams and timers at once (limits.resources in the grants file)"
            ),
            Self::Table(count) => {
                write!(f, "it needed a table of more than {count} elements (limits.table_elements in the grants file)")
            }
            Self::Instances(count) => {
                write!(f, "it consists of more than {count} core instances (limits.instances in the grants file)")
            }
            Self::Tables(count) => write!(f, "it has more than {count} tables (limits.tables in the grants file)"),
            Self::Memories(count) => {
                write!(f, "it has more than {count} memories (limits.memories in the grants file)")
            }
        }
    }
}

/// Enforces the limits in one store.
pub(crate) struct Watch {
    limits: Limits,
    store: StoreLimits,
    /// All memory ever allocated: an instance frees none.
    memory: Share,
    host_calls: u64,
    /// The epochs that remain for the running call.
    epochs_left: u64,
    /// The limit that the running call has reached, which may be why it ends.
    refused: Option<Limit>,
}

/// What a running plug does at an epoch.
pub(crate) enum AtEpoch {
    GoOn,
    /// The deadline has passed.
    Stop,
    Passed(Limit),
}

impl Watch {
    pub(crate) fn new(limits: Limits, budget: &Arc<Budget>) -> Self {
        let store = StoreLimitsBuilder::new()
            .memory_size(limits.memory_bytes)
            .table_elements(limits.table_elements)
            .memories(limits.memories)
            .instances(limits.instances)
            .tables(limits.tables)
            .build();
        let memory = Share::of(budget);
        Self { limits, store, memory, host_calls: 0, epochs_left: u64::MAX, refused: None }
    }

    /// All memory that the instance ever allocated.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// Begins with the next call, which may compute for so many epochs.
    pub(crate) fn begin(&mut self, epochs: u64) {
        self.epochs_left = epochs;
        self.host_calls = 0;
        self.refused = None;
    }

    /// Counts a call of the host. A call of the host itself cannot be refused in all interfaces;
    /// [`Self::epoch`] does that.
    pub(crate) fn host_call(&mut self) {
        self.host_calls += 1;
    }

    /// Counts what is as much work as so many calls of the host.
    pub(crate) fn host_calls(&mut self, calls: u64) {
        self.host_calls = self.host_calls.saturating_add(calls);
    }

    pub(crate) fn epoch(&mut self) -> AtEpoch {
        if self.host_calls > self.limits.host_calls {
            return AtEpoch::Passed(Limit::HostCalls(self.limits.host_calls));
        }
        self.epochs_left = self.epochs_left.saturating_sub(1);
        if self.epochs_left == 0 { AtEpoch::Stop } else { AtEpoch::GoOn }
    }

    /// The limit that ended a call, if one did.
    pub(crate) fn passed(&self, trap: &wasmtime::Error) -> Option<Limit> {
        if let Some(Passed(limit)) = trap.downcast_ref() {
            return Some(*limit);
        }
        if trap.downcast_ref::<Trap>() == Some(&Trap::StackOverflow) {
            return Some(Limit::Stack(STACK_BYTES));
        }
        if matches!(trap.downcast_ref(), Some(ResourceTableError::Full)) {
            return Some(Limit::Resources(self.limits.resources));
        }
        // wasmtime keeps the types of these to itself.
        let cause = trap.root_cause().to_string();
        let limits = &self.limits;
        let by_message = [
            ("fuel allocated for hostcalls has been exhausted", Limit::Answer(limits.answer_bytes)),
            ("instance count too high", Limit::Instances(limits.instances)),
            ("table count too high", Limit::Tables(limits.tables)),
            ("memory count too high", Limit::Memories(limits.memories)),
        ];
        by_message.iter().find(|(words, _)| cause.contains(words)).map(|(_, limit)| *limit).or(self.refused)
    }
}

/// Ends a call that reached a limit.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Passed(pub(crate) Limit);

impl ResourceLimiter for Watch {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grows =
            self.store.memory_growing(current, desired, maximum)? && self.memory.grow(desired.saturating_sub(current));
        if !grows {
            self.refused = Some(Limit::Memory(self.limits.memory_bytes));
        }
        Ok(grows)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if !self.store.table_growing(current, desired, maximum)? {
            self.refused = Some(Limit::Table(self.limits.table_elements));
            return Ok(false);
        }
        // However many tables are allowed, their elements count.
        let grows = self.memory.grow(desired.saturating_sub(current).saturating_mul(ELEMENT_BYTES));
        if !grows {
            self.refused = Some(Limit::Memory(self.limits.memory_bytes));
        }
        Ok(grows)
    }

    fn instances(&self) -> usize {
        self.store.instances()
    }

    fn tables(&self) -> usize {
        self.store.tables()
    }

    fn memories(&self) -> usize {
        self.store.memories()
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Engine, Instance, Module, Store};

    use super::*;

    /// Rust has no way to say `table.grow`, so that the hostile component cannot try this.
    #[test]
    fn a_table_grows_to_its_limit_and_no_further() {
        let engine = Engine::default();
        let module = wat::parse_str(
            "(module (table 0 funcref) (func (export \"grow\") (param i32) (result i32)
                ref.null func local.get 0 table.grow))",
        )
        .unwrap();
        let limits = Limits { table_elements: 10, ..Limits::default() };
        let mut store = Store::new(&engine, Watch::new(limits, &Budget::new(limits.memory_bytes)));
        store.limiter(|watch| watch);
        let instance = Instance::new(&mut store, &Module::new(&engine, module).unwrap(), &[]).unwrap();
        let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
        assert_eq!(grow.call(&mut store, 10).unwrap(), 0);
        assert_eq!(store.data().refused, None);
        assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
        assert_eq!(store.data().refused, Some(Limit::Table(10)));
    }

    #[test]
    fn tables_count_as_memory() {
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str("(module (table 100 funcref))").unwrap()).unwrap();
        let limits = Limits { memory_bytes: 1_000, ..Limits::default() };
        let mut store = Store::new(&engine, Watch::new(limits, &Budget::new(limits.memory_bytes)));
        store.limiter(|watch| watch);
        Instance::new(&mut store, &module, &[]).unwrap();
        assert!(Instance::new(&mut store, &module, &[]).is_err());
        assert_eq!(store.data().refused, Some(Limit::Memory(1_000)));
    }

    /// wasmtime has no type for these errors, so that its words must stay as they are.
    #[test]
    fn more_instances_tables_or_memories_than_allowed_are_said_by_the_limit() {
        let engine = Engine::default();
        let few = Limits { instances: 2, tables: 2, memories: 2, ..Limits::default() };
        for (text, limits, expected) in [
            ("(module)", few, Limit::Instances(2)),
            ("(module (table 1 funcref))", Limits { instances: 9, ..few }, Limit::Tables(2)),
            ("(module (memory 1))", Limits { instances: 9, ..few }, Limit::Memories(2)),
        ] {
            let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
            let mut store = Store::new(&engine, Watch::new(limits, &Budget::new(limits.memory_bytes)));
            store.limiter(|watch| watch);
            for _ in 0..2 {
                Instance::new(&mut store, &module, &[]).unwrap();
            }
            let error = Instance::new(&mut store, &module, &[]).unwrap_err();
            assert_eq!(store.data().passed(&error), Some(expected), "{error:#}");
        }
    }

    #[test]
    fn what_is_granted_lowers_and_what_is_not_said_stays() {
        let limits = Limits::default();
        let granted = GrantedLimits { host_calls: Some(7), answer_bytes: Some(usize::MAX), ..GrantedLimits::default() };
        let lowest = limits.lowest(limits.granted(&granted));
        assert_eq!(lowest, Limits { host_calls: 7, ..limits });
    }
}
