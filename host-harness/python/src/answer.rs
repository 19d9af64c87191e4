//! What `process` returns.

use plugpipe_runtime::{Answer, Error};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::from_json;

/// The body of an answer, decoded; text that is not JSON stays text.
pub(crate) fn response<'py>(py: Python<'py>, answer: Result<Answer, Error>) -> PyResult<Bound<'py, PyAny>> {
    let Answer { error, body, .. } = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let code = match error {
                Error::Crashed { .. } | Error::Deadline { .. } | Error::Limit { .. } => "plug_crashed",
                _ => "host",
            };
            return failure(py, code, &error.to_string());
        }
    };
    match (from_json(py, &body), error) {
        (Some(body), _) => Ok(body),
        (None, Some(problem)) => failure(py, &problem.code, &problem.message),
        (None, None) => Ok(body.into_pyobject(py)?.into_any()),
    }
}

/// The answer to a request that the host could not carry out.
pub(crate) fn failure<'py>(py: Python<'py>, code: &str, problem: &str) -> PyResult<Bound<'py, PyAny>> {
    let response = PyDict::new(py);
    response.set_item("success", false)?;
    response.set_item("error", problem)?;
    response.set_item("error_code", code)?;
    Ok(response.into_any())
}
