//! `annotate`: a moment or a region of time, marked in Grafana's dashboards, such as the run of a pipe.

use super::dashboards::{texts, verified};
use super::prometheus::{count, moment};
use super::{Answer, Call};
use crate::error::Error;
use crate::servers::grafana::Annotation;

/// Makes an annotation, or with `annotation_id` changes what is given of one: its end, when a
/// pipe has run.
pub(super) fn annotate(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let known = id(call, "annotation_id")?;
    let mut annotation = given(call)?;
    if known.is_none() {
        if annotation.text.is_none() {
            return Err(Error::missing("text", "what people read at the mark"));
        }
        annotation.time_ms.get_or_insert(call.unix_nanos / 1_000_000);
    } else if annotation == Annotation::default() {
        return Err(Error::missing("time_end", "what is to change: time_end, text or tags"));
    }
    if let (Some(begin), Some(end)) = (annotation.time_ms, annotation.end_ms)
        && end < begin
    {
        return Err(Error::invalid("time_end", "is before time"));
    }
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("annotated", false);
        return Ok(());
    }
    let mut api = verified(call)?;
    let id = match known {
        Some(id) => api.change_annotation(id, &annotation).map(|()| id)?,
        None => api.annotate(&annotation)?,
    };
    answer.flag("annotated", true);
    answer.count("annotation_id", id);
    for (name, time) in [("time_ms", annotation.time_ms), ("time_end_ms", annotation.end_ms)] {
        if let Some(time) = time {
            answer.count(name, time);
        }
    }
    Ok(())
}

fn given(call: &Call) -> Result<Annotation, Error> {
    let ctx = &call.ctx;
    let time = |key: &str| -> Result<Option<u64>, Error> {
        let Some(moment) = moment(ctx, key, call.unix_nanos)? else { return Ok(None) };
        let before = |_| Error::invalid(key, "is before 1970");
        u64::try_from(moment).map(Some).map_err(before)
    };
    Ok(Annotation {
        text: ctx.text_or_none("text", "what people read at the mark")?,
        tags: ctx.some("tags").map(|tags| texts(tags, "tags")).transpose()?,
        time_ms: time("time")?,
        end_ms: time("time_end")?,
        dashboard_uid: ctx.text_or_none("dashboard_uid", "a dashboard's uid")?,
        panel: id(call, "panel_id")?,
    })
}

/// An id, which may be missing.
fn id(call: &Call, key: &str) -> Result<Option<u64>, Error> {
    match count(&call.ctx, key)? {
        Some(0) => Err(Error::invalid(key, "is 0; expected a whole number from 1 on")),
        id => Ok(id),
    }
}
