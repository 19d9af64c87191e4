//! Grafana dashboards: made from the short form or from the plug's templates, compared with what Grafana holds, brought there, read and
//! deleted there, and written as files.

use std::collections::BTreeMap;

use super::{Answer, Call};
use crate::dashboards::diff::{Change, changes};
use crate::dashboards::{Dashboard, Options, build, build_all, is_fingerprint, templates, uid};
use crate::error::{ClientError, Error, excerpt};
use crate::fields;
use crate::http::{Segment, Url};
use crate::json::Json;
use crate::servers::grafana::{Api, Found, Held, SaveOutcome};
use crate::yaml::Yaml;

/// Up to so many dashboards are read one by one; more are looked for in a search first.
const FEW: usize = 3;

/// Most dashboards in one call.
const MAX: usize = 1_000;

/// Most changes that are told of one dashboard.
const MAX_CHANGES: usize = 50;

/// Longest title of a folder, in bytes.
const MAX_FOLDER_LEN: usize = 255;

/// Where dashboards lie.
struct Place {
    /// The titles of the folders, the outermost first.
    titles: Vec<String>,
    /// Where it was given.
    uid: Option<String>,
}

/// The folder that dashboards go to.
#[derive(Debug, PartialEq)]
enum Folder {
    /// None was named: each stays where it is, and a new one goes to the root.
    Any,
    /// One that is not there yet.
    Missing,
    /// The one of this uid.
    Of(String),
}

impl Folder {
    /// Where a dashboard goes that lies in `now`, if it is there.
    fn for_one<'f>(&'f self, now: Option<&'f str>) -> &'f str {
        match self {
            Self::Of(uid) => uid,
            Self::Any | Self::Missing => now.unwrap_or_default(),
        }
    }

    /// Whether what lies in `now` may stay there.
    fn takes(&self, now: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Missing => false,
            Self::Of(uid) => uid == now,
        }
    }
}

/// What is to be done with dashboards.
struct ApplyRequest {
    place: Place,
    message: String,
    /// Whether what somebody else made or changed may be replaced.
    overwrite: bool,
    /// Whether each dashboard is read and compared, also where its fingerprint is the right one.
    verify: bool,
    /// Whether the changes are told.
    diff: bool,
    /// Whether anything is written.
    write: bool,
}

/// What was done, or would be.
#[derive(Debug, PartialEq)]
enum Action {
    Created,
    Updated,
    Unchanged,
    Conflict(String),
    Failed(Error),
    /// Because of an earlier failure.
    NotTried,
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Conflict(_) => "conflict",
            Self::Failed(_) => "failed",
            Self::NotTried => "not_tried",
        }
    }
}

struct Outcome {
    action: Action,
    changes: Vec<Change>,
    version: Option<u64>,
    /// A path.
    url: String,
}

impl Outcome {
    fn of(action: Action) -> Self {
        Self { action, changes: Vec::new(), version: None, url: String::new() }
    }
}

/// `create_dashboard`: one dashboard, from `dashboard_config` or a `template`.
pub(super) fn create(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let wish = wish(call, true)?;
    let options = options(call, &wish.place)?;
    let given = call.ctx.any(&["dashboard_config", "dashboard"]);
    let dashboard = match (given, call.ctx.text_or_none("template", "a template's name")?) {
        (Some((field, given)), None) => build(given, field, &options)?,
        (None, Some(name)) => template(call, &name, "template", &options)?,
        (Some(_), Some(_)) => {
            return Err(Error::invalid("template", "is given beside a dashboard; expected one of them"));
        }
        (None, None) => {
            return Err(Error::missing(
                "dashboard_config",
                "a dashboard such as {\"dashboard\": {\"title\": …, \"panels\": […]}}, or a template",
            ));
        }
    };
    let dry = call.ctx.flag_or("dry_run", false)?;
    if dry || call.config.mock {
        answer.flag("dashboard_created", false);
        tell(&dashboard, answer);
        answer.raw("dashboard", &dashboard.model.json());
        answer.flag(if dry { "dry_run" } else { "mock" }, true);
        return Ok(());
    }
    let dashboards = [dashboard];
    let (folder, outcomes) = conduct(call, &dashboards, &wish)?;
    let ([dashboard], Some(outcome)) = (&dashboards, outcomes.into_iter().next()) else { return Ok(()) };
    if let Action::Failed(error) = outcome.action {
        return Err(error);
    }
    let there = matches!(outcome.action, Action::Created | Action::Updated | Action::Unchanged);
    answer.flag("dashboard_created", there);
    tell(dashboard, answer);
    tell_outcome(call.config.grafana_url.as_ref(), &folder, &outcome, wish.diff, answer);
    Ok(())
}

/// `plan_dashboards`: what `apply_dashboards` would do.
pub(super) fn plan(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    several(call, answer, false)
}

/// `apply_dashboards`: brings dashboards to Grafana.
pub(super) fn apply(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    several(call, answer, true)
}

fn several(call: &mut Call, answer: &mut Answer, write: bool) -> Result<(), Error> {
    let wish = wish(call, write)?;
    let options = options(call, &wish.place)?;
    let dashboards = given(call, &options)?;
    let (folder, outcomes) = if call.config.mock {
        answer.flag("mock", true);
        (Folder::Any, dashboards.iter().map(|_| Outcome::of(Action::NotTried)).collect())
    } else {
        conduct(call, &dashboards, &wish)?
    };
    for name in ["created", "updated", "unchanged", "conflict", "failed", "not_tried"] {
        answer.count(name, outcomes.iter().filter(|outcome| outcome.action.name() == name).count() as u64);
    }
    answer.open_list("dashboards");
    for (dashboard, outcome) in dashboards.iter().zip(&outcomes) {
        answer.open_item();
        tell(dashboard, answer);
        tell_outcome(call.config.grafana_url.as_ref(), &folder, outcome, wish.diff, answer);
        answer.close();
    }
    answer.close_list();
    Ok(())
}

/// `get_dashboard`: one dashboard as Grafana holds it.
pub(super) fn get(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let uid = wanted_uid(call)?;
    answer.text("uid", &uid);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("found", false);
        return Ok(());
    }
    let held = keeping(call)?.dashboard(&uid)?;
    answer.flag("found", held.is_some());
    if let Some(held) = held {
        answer.text("title", held.model.text("title").unwrap_or_default());
        answer.count("version", held.version());
        answer.text("folder_uid", &held.folder_uid);
        write_url(call.config.grafana_url.as_ref(), &held.url, answer);
        answer.raw("dashboard", &held.model.json());
    }
    Ok(())
}

/// `list_dashboards`: the dashboards that Grafana finds.
pub(super) fn list(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let ctx = call.ctx;
    let query = ctx.text_or_none("search", "a part of the title")?;
    let tag = ctx.text_or_none("tag", "a tag")?;
    let folder = ctx.text_or_none("folder_uid", "a folder's uid")?;
    let mut filters = vec![("type", "dash-db")];
    let given = [("query", &query), ("tag", &tag), ("folderUIDs", &folder)];
    filters.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let mut all: Vec<Found> = Vec::new();
    if call.config.mock {
        answer.flag("mock", true);
    } else {
        verified(call)?.search(&filters, |found| {
            all.push(found);
            true
        })?;
    }
    answer.count("count", all.len() as u64);
    answer.open_list("dashboards");
    for found in &all {
        answer.open_item();
        answer.text("uid", &found.uid);
        answer.text("title", &found.title);
        answer.text("folder_uid", &found.folder_uid);
        answer.text("folder", &found.folder_title);
        write_url(call.config.grafana_url.as_ref(), &found.url, answer);
        answer.texts("tags", found.tags.iter().map(String::as_str));
        answer.close();
    }
    answer.close_list();
    Ok(())
}

/// `delete_dashboard`: one dashboard, by its uid.
pub(super) fn delete(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let uid = wanted_uid(call)?;
    answer.text("uid", &uid);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let deleted = keeping(call)?.delete(&uid)?;
    answer.flag("deleted", deleted);
    Ok(())
}

/// `export_dashboards`: files for Grafana's provisioning: the dashboards of `uids` as Grafana holds them, or templates and dashboards
/// as they would be applied.
pub(super) fn export(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let place = place(call)?;
    let mut files: Vec<(String, String)> = Vec::new();
    let mut missing = Vec::new();
    let mut warnings = Vec::new();
    if let Some(uids) = call.ctx.some("uids") {
        let uids = texts(uids, "uids")?;
        for (index, uid) in uids.iter().enumerate() {
            Segment::of(uid, &format!("uids[{index}]"))?;
        }
        if call.config.mock {
            answer.flag("mock", true);
        } else {
            let mut api = keeping(call)?;
            for uid in uids {
                match api.dashboard(&uid)? {
                    Some(Held { mut model, .. }) => {
                        for name in ["id", "version"] {
                            model.take(name);
                        }
                        files.push((file_name(&uid), model.json()));
                    }
                    None => missing.push(uid),
                }
            }
        }
    } else {
        let options = options(call, &place)?;
        for dashboard in given(call, &options)? {
            files.push((file_name(&dashboard.uid), dashboard.model.json()));
            warnings.extend(dashboard.warnings);
        }
    }
    answer.open_list("files");
    for (path, content) in &files {
        answer.open_item();
        answer.text("path", path);
        answer.text("content", content);
        answer.close();
    }
    answer.close_list();
    answer.text("provider", &provider(&place, call.config.grafana_org_id.unwrap_or(1)));
    answer.texts("missing", missing.iter().map(String::as_str));
    answer.texts("warnings", warnings.iter().map(String::as_str));
    Ok(())
}

/// `grafana_status`: which Grafana answers, and for which organisation.
pub(super) fn status(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if call.config.mock {
        answer.flag("mock", true);
        return Ok(());
    }
    let mut api = api(call)?;
    let (version, database) = api.health()?;
    if let Some(version) = &version {
        answer.text("version", version);
    }
    answer.text("database", if database { "ok" } else { "failing" });
    answer.open("organisation");
    match api.verify_organisation() {
        Ok((id, name)) => {
            answer.count("id", id);
            answer.text("name", &name);
        }
        Err(error) => Error::from(error).write_into(answer),
    }
    answer.close();
    Ok(())
}

/// The file that has Grafana read the others.
fn provider(place: &Place, organisation: u64) -> String {
    let mut provider = vec![
        ("name".to_owned(), Yaml::from("plugpipe")),
        ("orgId".into(), Yaml::Whole(i64::try_from(organisation).unwrap_or(1))),
        ("type".into(), "file".into()),
    ];
    if let Some(title) = place.titles.last() {
        provider.push(("folder".into(), title.as_str().into()));
    }
    if let Some(uid) = &place.uid {
        provider.push(("folderUid".into(), uid.as_str().into()));
    }
    provider.push(("disableDeletion".into(), false.into()));
    provider.push(("allowUiUpdates".into(), false.into()));
    let path = Yaml::Map(vec![("path".into(), "/var/lib/grafana/dashboards/plugpipe".into())]);
    provider.push(("options".into(), path));
    Yaml::Map(vec![("apiVersion".into(), Yaml::Whole(1)), ("providers".into(), Yaml::List(vec![Yaml::Map(provider)]))])
        .write()
}

/// A uid is safe as a file's name; one that Grafana holds may be older than that rule.
fn file_name(uid: &str) -> String {
    if uid::check(uid).is_ok() { format!("{uid}.json") } else { format!("{}.json", uid::derive(&[], uid)) }
}

fn api<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    let config = call.config;
    let base = config.grafana_url.clone().ok_or(Error::NotConfigured {
        field: "grafana_url",
        todo: "set it to Grafana's URL, such as http://127.0.0.1:3000",
    })?;
    let organisation = config.grafana_org_id;
    Ok(Api { client: call.client(config.limits(), true), base, organisation, resources: None })
}

/// For what writes, and never for another organisation than the one that was asked for; and for what reads, or another one's
/// dashboards would be told.
pub(super) fn verified<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    let mut api = api(call)?;
    if api.organisation.is_some() {
        api.verify_organisation()?;
    }
    Ok(api)
}

/// The same, for folders and dashboards in the form that is configured.
fn keeping<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    if !call.config.grafana_resources {
        return verified(call);
    }
    let mut api = api(call)?;
    api.use_resources()?;
    Ok(api)
}

fn wanted_uid(call: &Call) -> Result<String, Error> {
    let uid = call.ctx.text("uid", "the dashboard's uid")?;
    // An older Grafana took others than the plug makes, but none that cannot stand in a path.
    Segment::of(&uid, "uid")?;
    Ok(uid)
}

fn place(call: &Call) -> Result<Place, Error> {
    let titles = match call.ctx.some("folder") {
        None => Vec::new(),
        Some(Json::String(title)) if title.trim().is_empty() => Vec::new(),
        Some(Json::String(title)) => vec![title.trim().to_owned()],
        Some(list) => texts(list, "folder")?,
    };
    if let Some(long) = titles.iter().find(|title| title.is_empty() || title.len() > MAX_FOLDER_LEN) {
        return Err(Error::invalid("folder", format!("expected 1 to {MAX_FOLDER_LEN} bytes, got {}", long.len())));
    }
    let uid = call.ctx.text_or_none("folder_uid", "a folder's uid")?;
    if let Some(uid) = &uid {
        uid::check(uid).map_err(|problem| Error::invalid("folder_uid", problem))?;
    }
    Ok(Place { titles, uid })
}

fn wish(call: &Call, write: bool) -> Result<ApplyRequest, Error> {
    let ctx = call.ctx;
    Ok(ApplyRequest {
        place: place(call)?,
        message: ctx
            .text_or_none("message", "a text for the dashboard's history")?
            .unwrap_or_else(|| format!("{} {}", crate::NAME, crate::VERSION)),
        overwrite: ctx.flag_or("overwrite", false)?,
        verify: ctx.flag_or("verify", false)?,
        diff: ctx.flag_or("diff", false)?,
        write,
    })
}

fn options(call: &Call, place: &Place) -> Result<Options, Error> {
    let mut folders = place.titles.clone();
    if folders.is_empty() {
        folders.extend(place.uid.clone());
    }
    Ok(Options { folders, datasource: call.ctx.text_or_none("datasource", "a data source's uid or name")? })
}

pub(super) fn texts(list: &Json, field: &str) -> Result<Vec<String>, Error> {
    match list {
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                fields::scalar(item).ok_or_else(|| {
                    Error::invalid(format!("{field}[{index}]"), format!("expected text, got {}", fields::kind_of(item)))
                })
            })
            .collect(),
        Json::String(text) => Ok(vec![text.clone().into_owned()]),
        other => Err(Error::invalid(field, format!("expected a list of texts, got {}", fields::kind_of(other)))),
    }
}

fn template(call: &Call, name: &str, field: &str, options: &Options) -> Result<Dashboard, Error> {
    let prefix = call.ctx.text_or_none("prefix", "what metrics' names begin with")?;
    let prefix = prefix.as_deref().unwrap_or(templates::PREFIX);
    if crate::registry::MetricName::new(prefix, "prefix").is_err() {
        let problem = format!("expected letters, digits and _, such as plugpipe, got {:?}", excerpt(prefix, 100));
        return Err(Error::invalid("prefix", problem));
    }
    let found = templates::find(name, prefix, options).ok_or_else(|| {
        let names: Vec<&str> = templates::names().collect();
        let problem = format!("there is no template {:?}; there are {}", excerpt(name, 100), names.join(", "));
        Error::invalid(field, problem)
    })?;
    Ok(found?)
}

/// The dashboards that a call gives: `dashboards` and `templates`. No two have the same uid.
fn given(call: &Call, options: &Options) -> Result<Vec<Dashboard>, Error> {
    let mut all = Vec::new();
    if let Some((field, given)) = call.ctx.any(&["dashboards", "dashboard_config"]) {
        all = build_all(given, field, options)?;
    }
    if let Some(names) = call.ctx.some("templates") {
        let mut names = texts(names, "templates")?;
        if names.iter().any(|name| name == "all") {
            names = templates::names().map(str::to_owned).collect();
        }
        for (index, name) in names.iter().enumerate() {
            all.push(template(call, name, &format!("templates[{index}]"), options)?);
        }
    }
    if all.is_empty() {
        return Err(Error::missing("dashboards", "a list of dashboards, or templates"));
    }
    if all.len() > MAX {
        return Err(Error::invalid("dashboards", format!("holds {}; at most {MAX} are taken in one call", all.len())));
    }
    let mut uids: BTreeMap<&str, &str> = BTreeMap::new();
    for dashboard in &all {
        if let Some(other) = uids.insert(&dashboard.uid, &dashboard.title) {
            let (one, two) = (excerpt(other, 100), excerpt(&dashboard.title, 100));
            let problem = format!(
                "{one:?} and {two:?} have the same uid {}; give one of them another title or uid",
                dashboard.uid
            );
            return Err(Error::invalid("dashboards", problem));
        }
    }
    Ok(all)
}

/// The folder that was named. Makes what is missing, where something is written.
fn folder(api: &mut Api, place: &Place, write: bool) -> Result<Folder, Error> {
    let mut parent = String::new();
    for (depth, title) in place.titles.iter().enumerate() {
        let last = depth + 1 == place.titles.len();
        let own = place.uid.clone().filter(|_| last);
        let titles = place.titles.get(..depth).unwrap_or_default();
        let uid = own.clone().unwrap_or_else(|| uid::derive(titles, title));
        if api.has_folder(&uid)? {
            parent = uid;
            continue;
        }
        // One that people made has another uid.
        let found = if own.is_none() { api.folder_of_title(title, &parent)? } else { None };
        parent = match found {
            Some(found) => found,
            None if !write => return Ok(Folder::Missing),
            None => {
                api.make_folder(&uid, title, &parent)?;
                uid
            }
        };
    }
    match (&place.uid, place.titles.is_empty()) {
        (Some(uid), true) => match api.has_folder(uid)? {
            true => Ok(Folder::Of(uid.clone())),
            false => Err(Error::invalid(
                "folder_uid",
                "there is no such folder in Grafana; give its title in folder too, so that it is made",
            )),
        },
        (None, true) => Ok(Folder::Any),
        _ => Ok(Folder::Of(parent)),
    }
}

/// Compares dashboards with what Grafana holds, and brings them there if that is wished. Fails where nothing could be
/// done.
fn conduct(call: &mut Call, dashboards: &[Dashboard], wish: &ApplyRequest) -> Result<(Folder, Vec<Outcome>), Error> {
    let mut api = keeping(call)?;
    let folder = folder(&mut api, &wish.place, wish.write)?;
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let searched = dashboards.len() > FEW && !wish.verify && folder != Folder::Missing;
    if searched {
        let mut missing = dashboards.len();
        api.search(&[("type", "dash-db"), ("tag", crate::dashboards::TAG)], |one| {
            if dashboards.iter().any(|dashboard| dashboard.uid == one.uid)
                && found.insert(one.uid.clone(), one).is_none()
            {
                missing -= 1;
            }
            missing > 0
        })?;
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut stopped = false;
    for dashboard in dashboards {
        if stopped {
            outcomes.push(Outcome::of(Action::NotTried));
            continue;
        }
        let known = found.get(&dashboard.uid);
        let outcome = match known {
            Some(known) if is_current(dashboard, known, &folder) => {
                Ok(Outcome { url: known.url.clone(), ..Outcome::of(Action::Unchanged) })
            }
            // What the search did not find is probably not there. If it is, Grafana says so when it is saved.
            None if searched && wish.write => bring(&mut api, dashboard, None, &folder, wish),
            _ => api
                .dashboard(&dashboard.uid)
                .map_err(Error::from)
                .and_then(|held| bring(&mut api, dashboard, held, &folder, wish)),
        };
        outcomes.push(outcome.unwrap_or_else(|error| {
            // A dashboard that is refused says nothing of the next one; a server that is away does.
            stopped = !matches!(&error, Error::Client(ClientError::Refused { status: 400 | 422, .. }));
            Outcome::of(Action::Failed(error))
        }));
    }
    if let Some(Outcome { action: Action::Failed(error), .. }) = outcomes.first().filter(|_| {
        stopped && outcomes.iter().all(|outcome| matches!(outcome.action, Action::Failed(_) | Action::NotTried))
    }) {
        return Err(error.clone());
    }
    Ok((folder, outcomes))
}

/// Whether a search's item says that there is nothing to do.
fn is_current(dashboard: &Dashboard, found: &Found, folder: &Folder) -> bool {
    folder.takes(&found.folder_uid) && found.tags.contains(&dashboard.fingerprint)
}

/// Does what is to be done about one dashboard, over what Grafana holds of it.
fn bring(
    api: &mut Api,
    dashboard: &Dashboard,
    held: Option<Held>,
    folder: &Folder,
    wish: &ApplyRequest,
) -> Result<Outcome, Error> {
    let outcome = compare(dashboard, held.as_ref(), folder, wish.overwrite);
    if !wish.write || matches!(outcome.action, Action::Unchanged | Action::Conflict(_)) {
        return Ok(outcome);
    }
    let into = folder.for_one(held.as_ref().map(|held| held.folder_uid.as_str()));
    let said = match api.save(&dashboard.model, held.as_ref(), into, &wish.message, false)? {
        SaveOutcome::Done { version, url } => return Ok(Outcome { version: Some(version), url, ..outcome }),
        SaveOutcome::Conflict { said } => said,
    };
    // Somebody was faster, or the search did not find it.
    let held = api.dashboard(&dashboard.uid)?;
    let again = compare(dashboard, held.as_ref(), folder, wish.overwrite);
    let into = folder.for_one(held.as_ref().map(|held| held.folder_uid.as_str()));
    match again.action {
        Action::Unchanged | Action::Conflict(_) => Ok(again),
        _ if !wish.overwrite => Ok(Outcome { action: Action::Conflict(said), ..again }),
        _ => match api.save(&dashboard.model, held.as_ref(), into, &wish.message, true)? {
            SaveOutcome::Done { version, url } => Ok(Outcome { version: Some(version), url, ..again }),
            SaveOutcome::Conflict { said } => Ok(Outcome { action: Action::Conflict(said), ..again }),
        },
    }
}

/// What is to be done, given what Grafana holds.
fn compare(dashboard: &Dashboard, held: Option<&Held>, folder: &Folder, overwrite: bool) -> Outcome {
    let Some(held) = held else { return Outcome::of(Action::Created) };
    let mut found = changes(&dashboard.model, &held.model, MAX_CHANGES);
    let edited = !found.is_empty();
    if !folder.takes(&held.folder_uid) {
        let wanted = Some(folder.for_one(None).to_owned()).filter(|uid| !uid.is_empty());
        found.push(Change { path: "folder_uid".into(), was: Some(held.folder_uid.clone()), wanted });
    }
    let made_here = held.tags().any(is_fingerprint);
    let by_hand = edited && held.tags().any(|tag| tag == dashboard.fingerprint);
    let action = if found.is_empty() {
        Action::Unchanged
    } else if overwrite || (made_here && !by_hand) {
        Action::Updated
    } else if by_hand {
        Action::Conflict("it was changed in Grafana since it was applied; overwrite: true replaces it".into())
    } else {
        Action::Conflict(
            "Grafana holds another dashboard of this uid, which the plug did not make; overwrite: true replaces it"
                .into(),
        )
    };
    Outcome { action, changes: found, version: Some(held.version()), url: held.url.clone() }
}

fn tell(dashboard: &Dashboard, answer: &mut Answer) {
    answer.text("uid", &dashboard.uid);
    answer.text("title", &dashboard.title);
    answer.texts("warnings", dashboard.warnings.iter().map(String::as_str));
}

fn tell_outcome(base: Option<&Url>, folder: &Folder, outcome: &Outcome, diff: bool, answer: &mut Answer) {
    answer.text("action", outcome.action.name());
    match &outcome.action {
        Action::Conflict(why) => answer.text("conflict", why),
        Action::Failed(error) => error.write_into(answer),
        _ => {}
    }
    if let Folder::Of(uid) = folder {
        answer.text("folder_uid", uid);
    }
    if let Some(version) = outcome.version {
        answer.count("version", version);
    }
    write_url(base, &outcome.url, answer);
    if diff {
        tell_changes(&outcome.changes, answer);
    }
}

pub(super) fn tell_changes(changes: &[Change], answer: &mut Answer) {
    answer.open_list("changes");
    for change in changes {
        answer.open_item();
        answer.text("path", &change.path);
        for (name, value) in [("was", &change.was), ("wanted", &change.wanted)] {
            if let Some(value) = value {
                answer.text(name, value);
            }
        }
        answer.close();
    }
    answer.close_list();
}

/// The page for people: Grafana tells its path, with the one it lives under.
fn write_url(base: Option<&Url>, path: &str, answer: &mut Answer) {
    if let (Some(base), true) = (base, path.starts_with('/')) {
        answer.text("url", &format!("{}://{}{path}", base.scheme(), base.authority()));
    }
}
