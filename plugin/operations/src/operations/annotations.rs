//! `annotate`: a Grafana annotation of a time or a time region, such as a pipe run.

use super::call::Call;
use super::dashboards::verified;
use super::prometheus::moment;
use crate::error::Error;
use crate::servers::grafana::Annotation;
use plugpipe_contract::requests::Annotate;
use plugpipe_contract::responses::Annotated;
use plugpipe_contract::scalar::{Count, Moment};

/// Creates an annotation, or with `annotation_id` changes the given fields of one, such as the end
/// of a pipe run.
pub fn annotate(call: &mut Call, request: &Annotate) -> Result<Annotated, Error> {
    let known = id(request.annotation_id, "annotation_id")?;
    let mut annotation = given(request, call.unix_nanos)?;
    if known.is_none() {
        if annotation.text.is_none() {
            return Err(Error::missing("text", "the annotation's text"));
        }
        annotation.time_ms.get_or_insert(call.unix_nanos / 1_000_000);
    } else if annotation == Annotation::default() {
        return Err(Error::missing("time_end", "a field to change: time_end, text or tags"));
    }
    if let (Some(begin), Some(end)) = (annotation.time_ms, annotation.end_ms)
        && end < begin
    {
        return Err(Error::invalid("time_end", "is before time"));
    }
    if call.config.mock {
        return Ok(Annotated { mock: true, ..Annotated::default() });
    }
    let mut api = verified(call)?;
    let id = match known {
        Some(id) => api.change_annotation(id, &annotation).map(|()| id)?,
        None => api.annotate(&annotation)?,
    };
    Ok(Annotated {
        annotated: true,
        mock: false,
        annotation_id: Some(id),
        time_ms: annotation.time_ms,
        time_end_ms: annotation.end_ms,
    })
}

fn given(request: &Annotate, now: u64) -> Result<Annotation, Error> {
    let time = |given: &Moment, field: &str| -> Result<Option<u64>, Error> {
        let Some(moment) = moment(given, field, now)? else { return Ok(None) };
        u64::try_from(moment).map(Some).map_err(|_| Error::invalid(field, "is before 1970"))
    };
    let tags = request.tags.as_ref();
    Ok(Annotation {
        text: request.text.to_owned(),
        tags: tags.map(|tags| tags.iter().filter_map(|tag| tag.to_owned()).collect()),
        time_ms: time(&request.time, "time")?,
        end_ms: time(&request.time_end, "time_end")?,
        dashboard_uid: request.dashboard_uid.to_owned(),
        panel: id(request.panel_id, "panel_id")?,
    })
}

/// An optional id.
fn id(given: Count, field: &str) -> Result<Option<u64>, Error> {
    match given.get() {
        Some(0) => Err(Error::invalid(field, "is 0; expected a whole number of at least 1")),
        id => Ok(id),
    }
}
