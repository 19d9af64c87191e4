//! `push_metrics` and `delete_metrics`, and the push that follows a record.

use serde_json::json;
use url::Url;

use super::{Answer, Call};
use crate::error::Error;
use crate::exposition::text;
use crate::http::{Limits, shown};
use crate::servers::pushgateway;

/// Replaces this plug's group on the gateway, now, and says whether the gateway took it.
pub(super) fn push(call: &mut Call) -> Result<Answer, Error> {
    let mut answer = Answer::new();
    answer.insert("series".into(), call.registry.len().into());
    if call.config.mock {
        answer.insert("mock".into(), true.into());
        answer.insert("metric_pushed".into(), false.into());
        return Ok(answer);
    }
    let gateway = gateway(call)?.clone();
    send(call, &gateway, call.config.limits(), true)?;
    answer.insert("metric_pushed".into(), true.into());
    answer.insert("group".into(), shown(&call.config.group()?.url(&gateway)).into());
    Ok(answer)
}

/// Deletes exactly this plug's group. What was recorded stays, and comes back with the next push.
pub(super) fn delete(call: &mut Call) -> Result<Answer, Error> {
    let mut answer = Answer::new();
    if call.config.mock {
        answer.insert("mock".into(), true.into());
        answer.insert("deleted".into(), false.into());
        return Ok(answer);
    }
    let gateway = gateway(call)?.clone();
    let group = call.config.group()?;
    pushgateway::delete(&mut call.client(call.config.limits(), true), &gateway, &group)?;
    *call.unpushed = !call.registry.is_empty();
    answer.insert("deleted".into(), true.into());
    answer.insert("group".into(), shown(&group.url(&gateway)).into());
    Ok(answer)
}

/// Pushes what was recorded, where a gateway is configured, and says in the record's answer how that went.
pub(super) fn after_record(call: &mut Call, answer: &mut Answer) {
    if call.config.mock {
        answer.insert("mock".into(), true.into());
    }
    let gateway = call.config.gateway_url.clone().filter(|_| !call.config.mock);
    let pushed = match gateway {
        None => Ok(false),
        Some(gateway) => send(call, &gateway, call.config.push_limits(), false).map(|()| true),
    };
    answer.insert("metric_pushed".into(), json!(pushed == Ok(true)));
    if let Err(error) = pushed {
        answer.insert(
            "push_error".into(),
            format!("Failed to push metrics to gateway: {error}. The value is kept and goes out with the next push.")
                .into(),
        );
        answer.insert("push_error_code".into(), error.code().into());
        if let Some(origin) = error.origin() {
            answer.insert("push_origin".into(), origin.into());
        }
    }
}

fn send(call: &mut Call, gateway: &Url, limits: Limits, insist: bool) -> Result<(), Error> {
    let mut body = Vec::new();
    text::encode(call.registry, &mut body);
    let group = call.config.group()?;
    pushgateway::push(&mut call.client(limits, insist), gateway, &group, body)?;
    *call.unpushed = false;
    Ok(())
}

fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "name a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}
