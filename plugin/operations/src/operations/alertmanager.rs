//! Operations on Alertmanager: alerts, groups, receivers, silences, status.

use super::call::Call;
use super::notify::{MAX_MOMENT, ask, instant};
use crate::NAME;
use crate::error::Error;
use crate::http::Segment;
use crate::servers::alertmanager::{self, Filter, Listing, Matcher, Silence};
use crate::time::rfc3339;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{
    CreateSilence, ExpireSilence, ListAlertGroups, ListNotifiedAlerts, ListSilences, MatcherFields, Matchers, NoFields,
};
use plugpipe_contract::responses::{
    AlertGroups, AlertmanagerStatus, CreatedSilence, ExpiredSilence, Mock, NotifiedAlerts, Receivers, Silences,
};
use plugpipe_contract::scalar::TextOr;

/// `list_notified_alerts`.
pub fn alerts(
    call: &mut Call,
    Both(request, own): &Both<ListAlertGroups, ListNotifiedAlerts>,
) -> Result<(Mock, NotifiedAlerts), Error> {
    let filter = Filter { unprocessed: own.unprocessed.get(), ..filter(request)? };
    let (mock, alerts) = ask(call, |client, base| alertmanager::list(client, base, Listing::Alerts, &filter))?;
    Ok((mock, NotifiedAlerts { alerts }))
}

/// `list_alert_groups`.
pub fn groups(call: &mut Call, request: &ListAlertGroups) -> Result<(Mock, AlertGroups), Error> {
    let filter = filter(request)?;
    let (mock, groups) = ask(call, |client, base| alertmanager::list(client, base, Listing::Groups, &filter))?;
    Ok((mock, AlertGroups { groups }))
}

/// `list_receivers`.
pub fn receivers(call: &mut Call, _: &NoFields) -> Result<(Mock, Receivers), Error> {
    let (mock, receivers) =
        ask(call, |client, base| alertmanager::list(client, base, Listing::Receivers, &Filter::default()))?;
    Ok((mock, Receivers { receivers }))
}

/// `list_silences`.
pub fn silences(call: &mut Call, request: &ListSilences) -> Result<(Mock, Silences), Error> {
    let filter = Filter { matchers: matchers(&request.filter, "filter")?, ..Filter::default() };
    let (mock, silences) = ask(call, |client, base| alertmanager::list(client, base, Listing::Silences, &filter))?;
    Ok((mock, Silences { silences }))
}

/// `alertmanager_status`.
pub fn status(call: &mut Call, _: &NoFields) -> Result<(Mock, AlertmanagerStatus), Error> {
    let (mock, status) =
        ask(call, |client, base| alertmanager::list(client, base, Listing::Status, &Filter::default()))?;
    Ok((mock, AlertmanagerStatus { status }))
}

fn filter(request: &ListAlertGroups) -> Result<Filter, Error> {
    Ok(Filter {
        matchers: matchers(&request.filter, "filter")?,
        receiver: request.receiver.to_owned(),
        active: request.active.get(),
        silenced: request.silenced.get(),
        inhibited: request.inhibited.get(),
        unprocessed: None,
    })
}

/// `create_silence`: mutes matching alerts from `starts_at` (now) until `ends_at` or for a
/// `duration`. With `silence_id`, changes an existing silence; Alertmanager may replace it with a
/// new id.
pub fn create_silence(call: &mut Call, request: &CreateSilence) -> Result<CreatedSilence, Error> {
    let now = call.unix_nanos;
    let matchers = matchers(&request.matchers, "matchers")?;
    if matchers.is_empty() {
        return Err(Error::missing("matchers", "a list such as [\"alertname=\\\"Down\\\"\"]"));
    }
    if matchers.iter().all(|matcher| matcher.is_equal && matcher.value.is_empty()) {
        return Err(Error::invalid("matchers", "all of them match empty text, so the silence would mute everything"));
    }
    let starts_at = instant(&[("starts_at", &request.starts_at)], now)?.unwrap_or(now);
    let ends_at = match (instant(&[("ends_at", &request.ends_at)], now)?, request.duration.get()) {
        (Some(_), Some(_)) => return Err(Error::invalid("duration", "conflicts with ends_at; give only one of them")),
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
        return Err(Error::invalid("ends_at", "is not after starts_at"));
    }
    if ends_at <= now {
        return Err(Error::invalid("ends_at", "is in the past"));
    }
    let silence = Silence {
        id: request.silence_id.to_owned(),
        matchers,
        starts_at: rfc3339(starts_at),
        ends_at: rfc3339(ends_at),
        created_by: request.created_by.get().unwrap_or(NAME).to_owned(),
        comment: request.comment.required("comment", "the reason for the silence")?.to_owned(),
    };
    let (Mock { mock }, silence_id) =
        ask(call, |client, base| alertmanager::post_silence(client, base, &silence).map(Some))?;
    let matchers = silence.matchers.iter().map(Matcher::shown).collect();
    Ok(CreatedSilence { mock, starts_at: silence.starts_at, ends_at: silence.ends_at, matchers, silence_id })
}

/// `expire_silence`: expires the silence `silence_id`.
pub fn expire_silence<'r>(call: &mut Call, request: &'r ExpireSilence) -> Result<ExpiredSilence<'r>, Error> {
    let silence_id = request.silence_id.required("silence_id", "a silence's id")?.trim();
    Segment::of(silence_id, "silence_id")?;
    let (Mock { mock }, expired) = ask(call, |client, base| alertmanager::expire_silence(client, base, silence_id))?;
    Ok(ExpiredSilence { mock, silence_id, expired })
}

fn matchers(given: &Matchers, field: &str) -> Result<Vec<Matcher>, Error> {
    let read = |(index, matcher): (usize, &TextOr<MatcherFields>)| {
        let path = format!("{field}[{index}]");
        match matcher {
            TextOr::Text(text) => {
                Matcher::parse(text.get().unwrap_or_default()).map_err(|problem| Error::invalid(path, problem))
            }
            TextOr::Parts(parts) => matcher_of(parts).map_err(|error| error.within(&path)),
        }
    };
    given.iter().enumerate().map(read).collect()
}

fn matcher_of(parts: &MatcherFields) -> Result<Matcher, Error> {
    let value = parts.value.as_ref().ok_or(Error::missing("value", "the value to compare with"))?;
    Ok(Matcher {
        name: parts.name.required("name", "a label's name")?.to_owned(),
        value: value.0.clone().into_owned(),
        is_regex: parts.is_regex.get().unwrap_or(parts.is_regex_of_api.or(false)),
        is_equal: parts.is_equal.get().unwrap_or(parts.is_equal_of_api.or(true)),
    })
}
