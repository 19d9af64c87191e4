//! `push_metrics` and `delete_metrics`, and the push that follows a record.

use super::{Answer, Call};
use crate::error::Error;
use crate::exposition::negotiate::Format;
use crate::exposition::plain;
use crate::http::{Limits, Url, shown};
use crate::servers::pushgateway;

/// Replaces this plug's group on the gateway, now, and says whether the gateway took it.
pub(super) fn push(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    answer.count("series", call.registry.len() as u64);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("metric_pushed", false);
        return Ok(());
    }
    let gateway = gateway(call)?.clone();
    send(call, &gateway, call.config.limits(), true)?;
    answer.flag("metric_pushed", true);
    answer.text("group", &shown(&call.config.group()?.url(&gateway)));
    Ok(())
}

/// Deletes exactly this plug's group. What was recorded stays, and comes back with the next push.
pub(super) fn delete(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let gateway = gateway(call)?.clone();
    let group = call.config.group()?;
    pushgateway::delete(&mut call.client(call.config.limits(), true), &gateway, &group)?;
    *call.unpushed = !call.registry.is_empty();
    answer.flag("deleted", true);
    answer.text("group", &shown(&group.url(&gateway)));
    Ok(())
}

/// Pushes what was recorded, where a gateway is configured, and says in the record's answer how that went.
pub(super) fn after_record(call: &mut Call, answer: &mut Answer) {
    if call.config.mock {
        answer.flag("mock", true);
    }
    let gateway = call.config.gateway_url.clone().filter(|_| !call.config.mock);
    let pushed = match gateway {
        None => Ok(false),
        Some(gateway) => send(call, &gateway, call.config.push_limits(), false).map(|()| true),
    };
    answer.flag("metric_pushed", pushed == Ok(true));
    if let Err(error) = pushed {
        let text =
            format!("Failed to push metrics to gateway: {error}. The value is kept and goes out with the next push.");
        answer.text("push_error", &text);
        answer.text("push_error_code", error.code());
        if let Some(origin) = error.origin() {
            answer.text("push_origin", origin);
        }
    }
}

fn send(call: &mut Call, gateway: &Url, limits: Limits, insist: bool) -> Result<(), Error> {
    let (body, _) = call.expose(plain(Format::Text004))?;
    let group = call.config.group()?;
    let pushed = pushgateway::push(&mut call.client(limits, insist), gateway, &group, body);
    call.telemetry.pushes += u64::from(pushed.is_ok());
    call.telemetry.push_failures += u64::from(pushed.is_err());
    pushed?;
    *call.unpushed = false;
    Ok(())
}

fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "name a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}
