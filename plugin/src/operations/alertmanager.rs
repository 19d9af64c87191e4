//! What Alertmanager holds: alerts, groups, receivers, silences, status.

use core::time::Duration;

use super::notify::{MAX_MOMENT, alertmanager_url, instant};
use super::{Answer, Call};
use crate::NAME;
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::http::Segment;
use crate::json::Json;
use crate::servers::alertmanager::{self, Filter, Listing, Matcher, Silence};
use crate::time::rfc3339;

pub(super) fn alerts(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    list(call, answer, Listing::Alerts, "alerts")
}

pub(super) fn groups(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    list(call, answer, Listing::Groups, "groups")
}

pub(super) fn receivers(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    list(call, answer, Listing::Receivers, "receivers")
}

pub(super) fn silences(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    list(call, answer, Listing::Silences, "silences")
}

pub(super) fn status(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    list(call, answer, Listing::Status, "status")
}

fn list(call: &mut Call, answer: &mut Answer, listing: Listing, name: &'static str) -> Result<(), Error> {
    let ctx = &call.ctx;
    let flag = |key: &str| {
        ctx.some(key)
            .map(|value| {
                fields::flag(value).ok_or_else(|| {
                    Error::invalid(ctx.path(key), format!("expected true or false, got {}", value.shown()))
                })
            })
            .transpose()
    };
    let filter = match listing {
        Listing::Receivers | Listing::Status => Filter::default(),
        Listing::Silences => Filter { matchers: matchers(ctx, "filter")?, ..Filter::default() },
        Listing::Alerts | Listing::Groups => Filter {
            matchers: matchers(ctx, "filter")?,
            receiver: ctx.text_or_none("receiver", "a regular expression")?,
            active: flag("active")?,
            silenced: flag("silenced")?,
            inhibited: flag("inhibited")?,
            // The groups' endpoint has no such flag.
            unprocessed: if listing == Listing::Alerts { flag("unprocessed")? } else { None },
        },
    };
    let base = alertmanager_url(call)?;
    if call.config.mock {
        answer.flag("mock", true);
        answer.raw(name, if listing == Listing::Status { "{}" } else { "[]" });
        return Ok(());
    }
    let listed = alertmanager::list(&mut call.client(call.config.limits(), true), &base, listing, &filter)?;
    answer.raw(name, &listed);
    Ok(())
}

/// `create_silence`: mutes what matches, from `starts_at` (now) until `ends_at`, or for a `duration`. With `silence_id` an
/// existing one is changed; Alertmanager gives it a new id where it must.
pub(super) fn create_silence(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let ctx = &call.ctx;
    let matchers = matchers(ctx, "matchers")?;
    if matchers.is_empty() {
        return Err(Error::missing("matchers", "a list such as [\"alertname=\\\"Down\\\"\"]"));
    }
    if matchers.iter().all(|matcher| matcher.is_equal && matcher.value.is_empty()) {
        return Err(Error::invalid(
            "matchers",
            "all of them match the empty text, so that the silence would mute everything",
        ));
    }
    let starts_at = instant(ctx, &["starts_at"], call.unix_nanos)?.unwrap_or(call.unix_nanos);
    let ends_at = match (instant(ctx, &["ends_at"], call.unix_nanos)?, ctx.duration("duration")?) {
        (Some(_), Some(_)) => return Err(Error::invalid("duration", "is given beside ends_at; give one of them")),
        (Some(end), None) => end,
        (None, Some(duration)) => starts_at.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        (None, None) => {
            return Err(Error::missing("duration", "a duration such as 2h, or ends_at"));
        }
    };
    if ends_at >= MAX_MOMENT {
        return Err(Error::invalid("duration", "ends after the year 2500"));
    }
    if ends_at <= starts_at {
        return Err(Error::invalid("ends_at", "does not lie after starts_at"));
    }
    if Duration::from_nanos(ends_at) <= Duration::from_nanos(call.unix_nanos) {
        return Err(Error::invalid("ends_at", "lies in the past"));
    }
    let silence = Silence {
        id: ctx.text_or_none("silence_id", "a silence's id")?,
        matchers,
        starts_at,
        ends_at,
        created_by: ctx.text_or_none("created_by", "a name")?.unwrap_or_else(|| NAME.into()),
        comment: ctx.text("comment", "why it is silenced")?,
    };
    let base = alertmanager_url(call)?;
    answer.text("starts_at", &rfc3339(starts_at));
    answer.text("ends_at", &rfc3339(ends_at));
    answer
        .texts("matchers", silence.matchers.iter().map(Matcher::shown).collect::<Vec<_>>().iter().map(String::as_str));
    if call.config.mock {
        answer.flag("mock", true);
        return Ok(());
    }
    let id = alertmanager::post_silence(&mut call.client(call.config.limits(), true), &base, &silence)?;
    answer.text("silence_id", &id);
    Ok(())
}

/// `expire_silence`: ends the silence `silence_id` now. `expired` is false where there is none.
pub(super) fn expire_silence(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let id = call.ctx.text("silence_id", "a silence's id")?.trim().to_owned();
    Segment::of(&id, "silence_id")?;
    let base = alertmanager_url(call)?;
    answer.text("silence_id", &id);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("expired", false);
        return Ok(());
    }
    let expired = alertmanager::expire_silence(&mut call.client(call.config.limits(), true), &base, &id)?;
    answer.flag("expired", expired);
    Ok(())
}

/// A list of matchers, each a text (`severity="warning"`) or an object `{name, value, is_regex, is_equal}`.
fn matchers(fields: &Fields, key: &str) -> Result<Vec<Matcher>, Error> {
    let path = fields.path(key);
    let list = match fields.some(key) {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list.as_slice(),
        Some(one @ (Json::String(_) | Json::Object(_))) => std::slice::from_ref(one),
        Some(other) => {
            return Err(Error::invalid(path, format!("expected a list of matchers, got {}", fields::kind_of(other))));
        }
    };
    list.iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("{path}[{index}]");
            match item {
                Json::String(text) => Matcher::parse(text).map_err(|problem| Error::invalid(path, problem)),
                Json::Object(map) => {
                    let fields = Fields::new(map, &path);
                    let flag = |keys: [&str; 2], default| match fields.any(&keys) {
                        None => Ok(default),
                        Some((key, value)) => fields::flag(value)
                            .ok_or_else(|| Error::invalid(fields.path(key), "expected true or false")),
                    };
                    Ok(Matcher {
                        name: fields.text("name", "a label's name")?,
                        // An empty value is one too.
                        value: fields
                            .some("value")
                            .and_then(fields::scalar)
                            .ok_or_else(|| Error::missing(fields.path("value"), "the value to compare with"))?,
                        is_regex: flag(["is_regex", "isRegex"], false)?,
                        is_equal: flag(["is_equal", "isEqual"], true)?,
                    })
                }
                other => Err(Error::invalid(path, format!("expected a matcher, got {}", fields::kind_of(other)))),
            }
        })
        .collect()
}
