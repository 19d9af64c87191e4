//! Grafana dashboards: made from the short form or from the plug's templates, brought to Grafana,
//! read and deleted there, and written as files.

use super::{Answer, Call};
use crate::dashboards::diff::Change;
use crate::dashboards::plan::{Action, Folder};
use crate::dashboards::read::{one, several};
use crate::dashboards::{Dashboard, Options, Place, files};
use crate::error::Error;
use crate::http::{Segment, Url};
use crate::servers::grafana::{Api, Apply, Compared, Found, Outcome};
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{
    ApplyDashboards, CreateDashboard, DashboardUid, ExportDashboards, HeldDashboards, ListDashboards, NoFields,
    SaveFields,
};

/// `create_dashboard`: one dashboard, from `dashboard_config` or a `template`.
pub(super) fn create(
    call: &mut Call,
    Both(request, Both(options, fields)): &CreateDashboard,
    answer: &mut Answer,
) -> Result<(), Error> {
    let options = Options::read(options)?;
    let dashboard = one(request, &options)?;
    let dry_run = request.dry_run.or(false);
    if dry_run || call.config.mock {
        answer.flag("dashboard_created", false);
        tell(&dashboard, answer);
        answer.raw("dashboard", &dashboard.model.json());
        answer.flag(if dry_run { "dry_run" } else { "mock" }, true);
        return Ok(());
    }
    let dashboards = [dashboard];
    let (folder, outcomes) = bring(call, &dashboards, &options.place, fields, true)?;
    let ([dashboard], Some(outcome)) = (&dashboards, outcomes.into_iter().next()) else { return Ok(()) };
    if let Outcome::Failed(error) = outcome {
        return Err(error.into());
    }
    answer.flag("dashboard_created", matches!(outcome.name(), "created" | "updated" | "unchanged"));
    tell(dashboard, answer);
    tell_outcome(call.config.grafana_url.as_ref(), &folder, &outcome, fields.diff.or(false), answer);
    Ok(())
}

/// `plan_dashboards`: what `apply_dashboards` would do.
pub(super) fn plan(call: &mut Call, request: &ApplyDashboards, answer: &mut Answer) -> Result<(), Error> {
    apply_or_plan(call, request, answer, false)
}

/// `apply_dashboards`: brings dashboards to Grafana.
pub(super) fn apply(call: &mut Call, request: &ApplyDashboards, answer: &mut Answer) -> Result<(), Error> {
    apply_or_plan(call, request, answer, true)
}

fn apply_or_plan(
    call: &mut Call,
    Both(wanted, Both(options, fields)): &ApplyDashboards,
    answer: &mut Answer,
    write: bool,
) -> Result<(), Error> {
    let options = Options::read(options)?;
    let dashboards = several(wanted, &options)?;
    let (folder, outcomes) = if call.config.mock {
        answer.flag("mock", true);
        (Folder::Any, dashboards.iter().map(|_| Outcome::NotTried).collect())
    } else {
        bring(call, &dashboards, &options.place, fields, write)?
    };
    for name in ["created", "updated", "unchanged", "conflict", "failed", "not_tried"] {
        answer.count(name, outcomes.iter().filter(|outcome| outcome.name() == name).count() as u64);
    }
    answer.open_list("dashboards");
    for (dashboard, outcome) in dashboards.iter().zip(&outcomes) {
        answer.open_item();
        tell(dashboard, answer);
        tell_outcome(call.config.grafana_url.as_ref(), &folder, outcome, fields.diff.or(false), answer);
        answer.close();
    }
    answer.close_list();
    Ok(())
}

/// Has Grafana hold these dashboards; without `write`, only compares.
fn bring(
    call: &mut Call,
    dashboards: &[Dashboard],
    place: &Place,
    fields: &SaveFields,
    write: bool,
) -> Result<(Folder, Vec<Outcome>), Error> {
    let version = format!("{} {}", crate::NAME, crate::VERSION);
    let how = Apply {
        place,
        message: fields.message.get().unwrap_or(&version),
        overwrite: fields.overwrite.or(false),
        verify: fields.verify.or(false),
        write,
    };
    Ok(keeping(call)?.apply(dashboards, &how)?)
}

/// `get_dashboard`: one dashboard as Grafana holds it.
pub(super) fn get(call: &mut Call, request: &DashboardUid, answer: &mut Answer) -> Result<(), Error> {
    let uid = uid(request)?;
    answer.text("uid", uid);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("found", false);
        return Ok(());
    }
    let held = keeping(call)?.dashboard(uid)?;
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
pub(super) fn list(call: &mut Call, request: &ListDashboards, answer: &mut Answer) -> Result<(), Error> {
    let ListDashboards { search, tag, folder_uid } = request;
    let given = [("query", search), ("tag", tag), ("folderUIDs", folder_uid)];
    let mut filters = vec![("type", "dash-db")];
    filters.extend(given.iter().filter_map(|(name, value)| Some((*name, value.get()?))));
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
pub(super) fn delete(call: &mut Call, request: &DashboardUid, answer: &mut Answer) -> Result<(), Error> {
    let uid = uid(request)?;
    answer.text("uid", uid);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let deleted = keeping(call)?.delete(uid)?;
    answer.flag("deleted", deleted);
    Ok(())
}

/// `export_dashboards`: files for Grafana's provisioning: the dashboards of `uids` as Grafana holds
/// them, or templates and dashboards as they would be applied.
pub(super) fn export(
    call: &mut Call,
    Both(held, Both(wanted, options)): &ExportDashboards,
    answer: &mut Answer,
) -> Result<(), Error> {
    let options = Options::read(options)?;
    let (mut exported, mut missing, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(uids) = uids(held)? {
        if call.config.mock {
            answer.flag("mock", true);
        } else {
            let mut api = keeping(call)?;
            for uid in uids {
                match api.dashboard(uid)? {
                    Some(held) => exported.push((files::name(uid), files::content(held.model))),
                    None => missing.push(uid),
                }
            }
        }
    } else {
        for dashboard in several(wanted, &options)? {
            exported.push((files::name(&dashboard.uid), dashboard.model.json()));
            warnings.extend(dashboard.warnings);
        }
    }
    answer.open_list("files");
    for (path, content) in &exported {
        answer.open_item();
        answer.text("path", path);
        answer.text("content", content);
        answer.close();
    }
    answer.close_list();
    let organisation = call.config.grafana_org_id.unwrap_or(1);
    answer.text("provider", &files::provider(&options.place, organisation));
    answer.texts("missing", missing);
    answer.texts("warnings", warnings.iter().map(String::as_str));
    Ok(())
}

/// `grafana_status`: which Grafana answers, and for which organisation.
pub(super) fn status(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
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

fn api<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    let config = call.config;
    let base = config.grafana_url.clone().ok_or(Error::NotConfigured {
        field: "grafana_url",
        todo: "set it to Grafana's URL, such as http://127.0.0.1:3000",
    })?;
    let organisation = config.grafana_org_id;
    Ok(Api { client: call.client(config.limits(), true), base, organisation, resources: None })
}

/// For what writes, and never for another organisation than the one that was asked for; and for
/// what reads, or another one's dashboards would be told.
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

/// The uid that is asked for. An older Grafana took others than the plug makes, but none that
/// cannot stand in a path.
fn uid<'r>(request: &'r DashboardUid) -> Result<&'r str, Error> {
    let uid = request.uid.required("uid", "the dashboard's uid")?;
    Segment::of(uid, "uid")?;
    Ok(uid)
}

/// The same for several, if some are asked for.
fn uids<'r>(request: &'r HeldDashboards) -> Result<Option<Vec<&'r str>>, Error> {
    let Some(uids) = &request.uids else { return Ok(None) };
    for (index, uid) in uids.iter().enumerate() {
        Segment::of(&uid.0, &format!("uids[{index}]"))?;
    }
    Ok(Some(uids.iter().map(|uid| &*uid.0).collect()))
}

fn tell(dashboard: &Dashboard, answer: &mut Answer) {
    answer.text("uid", &dashboard.uid);
    answer.text("title", &dashboard.title);
    answer.texts("warnings", dashboard.warnings.iter().map(String::as_str));
}

fn tell_outcome(base: Option<&Url>, folder: &Folder, outcome: &Outcome, diff: bool, answer: &mut Answer) {
    answer.text("action", outcome.name());
    match outcome {
        Outcome::Compared(Compared { action: Action::Conflict(why), .. }) => answer.text("conflict", why),
        Outcome::Failed(error) => Error::from(error.clone()).write_into(answer),
        _ => {}
    }
    if let Folder::Of(uid) = folder {
        answer.text("folder_uid", uid);
    }
    let mut differing: &[Change] = &[];
    if let Outcome::Compared(Compared { changes, version, url, .. }) = outcome {
        if let Some(version) = version {
            answer.count("version", *version);
        }
        write_url(base, url, answer);
        differing = changes;
    }
    if diff {
        tell_changes(differing, answer);
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
