//! Values of templates, within limits of work and depth.

use minijinja::ErrorKind;
use minijinja::value::ValueKind;
use serde_json::Value;

/// Work limit of a template: about 1 per instruction and per 64 bytes of output. Typical templates
/// need some hundreds.
pub(super) const MAX_WORK: u64 = 1_000_000;

/// Maximum nesting of an expression's value. Plugs accept no deeper ones, and later processing does
/// not run on a stack of known size.
const MAX_VALUE_DEPTH: usize = 127;

/// The remaining budget for a value. Repeated lists are lazy, so a short expression can be a very
/// long list for which the engine counts no work.
pub(super) struct Budget {
    work: u64,
    depth: usize,
    /// Whether an undefined part is empty, and no error.
    lenient: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Self { work: MAX_WORK, depth: MAX_VALUE_DEPTH, lenient: false }
    }
}

impl Budget {
    /// The same, where an undefined part is empty if `lenient`.
    pub(super) fn of(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// Counts work like the engine: 1 per value and per 64 bytes.
    fn take(&mut self, bytes: usize) -> Result<(), minijinja::Error> {
        let left = self.work.checked_sub(1 + bytes as u64 / 64);
        self.work = left.ok_or_else(|| minijinja::Error::from(ErrorKind::OutOfFuel))?;
        Ok(())
    }

    /// Runs `inner` one nesting level deeper.
    fn nested<R>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<R, minijinja::Error>,
    ) -> Result<R, minijinja::Error> {
        let problem = || format!("the value nests deeper than {MAX_VALUE_DEPTH} levels");
        let depth = self.depth.checked_sub(1);
        self.depth = depth.ok_or_else(|| minijinja::Error::new(ErrorKind::BadSerialization, problem()))?;
        let outcome = inner(self);
        self.depth += 1;
        outcome
    }
}

/// Writes a value, with a budget: the engine counts the work for a list or mapping only after
/// writing all of it, which may be practically endless.
pub(super) fn write_bounded(
    out: &mut minijinja::Output,
    state: &mut minijinja::State,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    if value.as_object().is_some() {
        measure(value, &mut Budget::default())?;
    }
    minijinja::escape_formatter(out, state, value)
}

/// Traverses a value within the budget.
pub(super) fn measure(value: &minijinja::Value, budget: &mut Budget) -> Result<(), minijinja::Error> {
    budget.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            budget.nested(|budget| value.try_iter()?.try_for_each(|item| measure(&item, budget)))
        }
        ValueKind::Map => budget.nested(|budget| {
            value.try_iter()?.try_for_each(|key| {
                measure(&key, budget)?;
                measure(&value.get_item(&key)?, budget)
            })
        }),
        _ => Ok(()),
    }
}

/// Converts the value to JSON. Infinities and NaN become strings in Prometheus's spelling.
pub(super) fn to_json(value: &minijinja::Value, budget: &mut Budget) -> Result<Value, minijinja::Error> {
    budget.take(value.as_str().map_or(0, str::len))?;
    match value.kind() {
        ValueKind::Undefined if budget.lenient => Ok(Value::from("")),
        ValueKind::Undefined => Err(minijinja::Error::new(ErrorKind::UndefinedError, "part of the value is undefined")),
        ValueKind::Seq | ValueKind::Iterable => {
            budget.nested(|budget| value.try_iter()?.map(|item| to_json(&item, budget)).collect())
        }
        ValueKind::Map => budget.nested(|budget| {
            let fields = value.try_iter()?.map(|key| {
                measure(&key, budget)?;
                Ok((key.to_string(), to_json(&value.get_item(&key)?, budget)?))
            });
            fields.collect()
        }),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(number) if number.is_nan() => Ok(Value::from("NaN")),
            Ok(f64::INFINITY) => Ok(Value::from("+Inf")),
            Ok(f64::NEG_INFINITY) => Ok(Value::from("-Inf")),
            _ => scalar_to_json(value),
        },
        ValueKind::None | ValueKind::Bool | ValueKind::String => scalar_to_json(value),
        kind => Err(minijinja::Error::new(
            ErrorKind::BadSerialization,
            format!("the value is a {kind}, which has no JSON form"),
        )),
    }
}

fn scalar_to_json(value: &minijinja::Value) -> Result<Value, minijinja::Error> {
    serde_json::to_value(value).map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))
}
