//! The engine that compiles and runs components, and its epochs.

use std::time::Duration;

use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm};

use crate::limits::STACK_BYTES;

/// How often a running plug checks its deadline.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);

/// The settings that affect compiled code, which must be the same in each process that compiles.
pub(crate) fn config() -> Config {
    let mut config = optimized();
    if cfg!(debug_assertions) {
        // The compiler itself is not optimized then; with fewer passes it takes a third less time.
        config.cranelift_opt_level(OptLevel::None);
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    }
    config
}

/// The settings for compiling for another machine: one of this target, with only what all of its
/// processors have. What is shipped is optimized, whatever compiles it.
pub(crate) fn config_for(target: &str) -> wasmtime::Result<Config> {
    let mut config = optimized();
    // Also keeps the compiler from using what this machine's processor has.
    config.target(target)?;
    Ok(config)
}

fn optimized() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(STACK_BYTES);
    config
}

/// An engine whose epoch advances every [`EPOCH`].
pub(crate) fn start() -> wasmtime::Result<Engine> {
    let engine = Engine::new(&config())?;
    let weak = engine.weak();
    // Ends with the engine.
    std::thread::Builder::new().name("plug-epochs".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    })?;
    Ok(engine)
}
