//! Grafana dashboards: built from the short form or from templates, saved, read and deleted in
//! Grafana, and exported as files.

use core::slice;

use super::call::Call;
use crate::dashboards::members::Members as _;
use crate::dashboards::plan::Folder;
use crate::dashboards::read::{one, several};
use crate::dashboards::{Dashboard, Options, Place, files};
use crate::error::Error;
use crate::http::{Segment, Url};
use crate::servers::grafana::{Api, Apply, Compared, Outcome};
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{
    ApplyDashboards, CreateDashboard, DashboardUid, ExportDashboards, ExportSelection, KubernetesMetadata,
    ListDashboards, NoFields, SaveFields,
};
use plugpipe_contract::responses::{
    AppliedDashboard, AppliedDashboards, CreatedDashboard, DashboardAction, DashboardOutcome, DatabaseStatus,
    DeletedDashboard, ExportedDashboards, FetchedDashboard, FoundDashboard, GrafanaStatus, ListedDashboards,
    MadeDashboard, Mock, OrganizationStatus,
};
use plugpipe_provisioning::kubernetes::{self, Metadata};

/// A dashboard and, if Grafana was contacted, its outcome.
pub type Created = (CreatedDashboard, (MadeDashboard, Option<DashboardOutcome>));

/// `create_dashboard`: one dashboard, from `dashboard_config` or a `template`.
pub fn create(call: &mut Call, Both(request, Both(options, fields)): &CreateDashboard) -> Result<Created, Error> {
    let options = Options::read(options)?;
    let dashboard = one(request, &options)?;
    let dry_run = request.dry_run.or(false);
    if dry_run || call.config.mock {
        let model = Some(dashboard.model.clone());
        let created = CreatedDashboard { dashboard: model, dry_run, mock: !dry_run, ..CreatedDashboard::default() };
        return Ok((created, (made(dashboard), None)));
    }
    let (folder, outcomes) = save_or_compare(call, slice::from_ref(&dashboard), &options.place, fields, true)?;
    let outcome = outcomes.into_iter().next().unwrap_or(Outcome::NotTried);
    if let Outcome::Failed(error) = outcome {
        return Err(error.into());
    }
    let outcome = report(call.config.grafana_url.as_ref(), &folder, outcome, fields.diff.or(false));
    let dashboard_created = !matches!(outcome.action, DashboardAction::Conflict | DashboardAction::NotTried);
    Ok((CreatedDashboard { dashboard_created, ..CreatedDashboard::default() }, (made(dashboard), Some(outcome))))
}

/// `plan_dashboards`: what `apply_dashboards` would do.
pub fn plan(call: &mut Call, request: &ApplyDashboards) -> Result<AppliedDashboards, Error> {
    apply_or_plan(call, request, false)
}

/// `apply_dashboards`: saves dashboards in Grafana.
pub fn apply(call: &mut Call, request: &ApplyDashboards) -> Result<AppliedDashboards, Error> {
    apply_or_plan(call, request, true)
}

fn apply_or_plan(
    call: &mut Call,
    Both(wanted, Both(options, fields)): &ApplyDashboards,
    write: bool,
) -> Result<AppliedDashboards, Error> {
    let options = Options::read(options)?;
    let dashboards = several(wanted, &options)?;
    let mock = call.config.mock;
    let (folder, outcomes) = if mock {
        (Folder::Any, dashboards.iter().map(|_| Outcome::NotTried).collect())
    } else {
        save_or_compare(call, &dashboards, &options.place, fields, write)?
    };
    let mut applied = AppliedDashboards { mock, ..AppliedDashboards::default() };
    for (dashboard, outcome) in dashboards.into_iter().zip(outcomes) {
        let outcome = report(call.config.grafana_url.as_ref(), &folder, outcome, fields.diff.or(false));
        *match outcome.action {
            DashboardAction::Created => &mut applied.created,
            DashboardAction::Updated => &mut applied.updated,
            DashboardAction::Unchanged => &mut applied.unchanged,
            DashboardAction::Conflict => &mut applied.conflict,
            DashboardAction::Failed => &mut applied.failed,
            DashboardAction::NotTried => &mut applied.not_tried,
        } += 1;
        applied.dashboards.push(AppliedDashboard { made: made(dashboard), outcome });
    }
    Ok(applied)
}

/// Saves these dashboards in Grafana; without `write`, only compares them.
fn save_or_compare(
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
    Ok(dashboards_api(call)?.apply(dashboards, &how)?)
}

/// `get_dashboard`: one dashboard in Grafana.
pub fn get<'r>(call: &mut Call, request: &'r DashboardUid) -> Result<FetchedDashboard<'r>, Error> {
    let uid = uid(request)?;
    let mock = call.config.mock;
    let held = if mock { None } else { dashboards_api(call)?.dashboard(uid)? };
    let mut fetched = FetchedDashboard { uid, found: held.is_some(), mock, ..FetchedDashboard::default() };
    if let Some(held) = held {
        fetched.title = Some(held.model.text("title").unwrap_or_default().to_owned());
        fetched.version = Some(held.version());
        fetched.folder_uid = Some(held.folder_uid);
        fetched.url = page_url(call.config.grafana_url.as_ref(), &held.url);
        fetched.dashboard = Some(held.model);
    }
    Ok(fetched)
}

/// `list_dashboards`: searches dashboards in Grafana.
pub fn list(call: &mut Call, request: &ListDashboards) -> Result<ListedDashboards, Error> {
    let ListDashboards { search, tag, folder_uid } = request;
    let given = [("query", search), ("tag", tag), ("folderUIDs", folder_uid)];
    let mut filters = vec![("type", "dash-db")];
    filters.extend(given.iter().filter_map(|(name, value)| Some((*name, value.get()?))));
    let mut dashboards = Vec::new();
    let (mock, base) = (call.config.mock, call.config.grafana_url.as_ref());
    if !mock {
        verified(call)?.search(&filters, |found| {
            dashboards.push(FoundDashboard {
                url: page_url(base, &found.url),
                uid: found.uid,
                title: found.title,
                folder_uid: found.folder_uid,
                folder: found.folder_title,
                tags: found.tags,
            });
            true
        })?;
    }
    Ok(ListedDashboards { mock, count: dashboards.len() as u64, dashboards })
}

/// `delete_dashboard`: one dashboard, by its uid.
pub fn delete<'r>(call: &mut Call, request: &'r DashboardUid) -> Result<DeletedDashboard<'r>, Error> {
    let uid = uid(request)?;
    let mock = call.config.mock;
    Ok(DeletedDashboard { uid, deleted: !mock && dashboards_api(call)?.delete(uid)?, mock })
}

/// `export_dashboards`: files for Grafana provisioning, or ConfigMaps: the dashboards `uids` in Grafana, or
/// templates and dashboards as they would be applied.
pub fn export<'r>(
    call: &mut Call,
    Both(held, Both(wanted, options)): &'r ExportDashboards,
) -> Result<ExportedDashboards<'r>, Error> {
    let options = Options::read(options)?;
    let metadata = KubernetesMetadata::default();
    let metadata = held.kubernetes.if_set(&metadata).map(Metadata::read).transpose()?;
    let organization = call.config.grafana_org_id;
    let mut exported = ExportedDashboards::default();
    if metadata.is_none() {
        exported.provider = Some(files::provider(&options.place, organization.unwrap_or(1)));
    }
    if let Some(uids) = uids(held)? {
        if call.config.mock {
            return Ok(ExportedDashboards { mock: true, ..exported });
        }
        let mut api = dashboards_api(call)?;
        for uid in uids {
            match api.dashboard(uid)? {
                Some(held) => exported.files.push(files::file(uid, held.model)),
                None => exported.missing.push(uid),
            }
        }
    } else {
        for dashboard in several(wanted, &options)? {
            exported.files.push(files::file(&dashboard.uid, dashboard.model));
            exported.warnings.extend(dashboard.warnings);
        }
    }
    if let Some(metadata) = metadata {
        let (files, warnings) = kubernetes::config_maps(&exported.files, &metadata, &options.place)?;
        exported.files = files;
        exported.warnings.extend(warnings);
        if organization.is_some() {
            let problem =
                "grafana_org_id: a ConfigMap has no field for it; set the organization of the sidecar's provider";
            exported.warnings.push(problem.to_owned());
        }
    }
    Ok(exported)
}

/// `grafana_status`: Grafana's version, database and organization.
pub fn status(call: &mut Call, _: &NoFields) -> Result<(Mock, Option<GrafanaStatus>), Error> {
    if call.config.mock {
        return Ok((Mock { mock: true }, None));
    }
    let mut api = api(call)?;
    let (version, database) = api.health()?;
    let database = if database { DatabaseStatus::Ok } else { DatabaseStatus::Failing };
    let organization = match api.verify_organization() {
        Ok((id, name)) => OrganizationStatus { id: Some(id), name: Some(name), error: None },
        Err(error) => OrganizationStatus { error: Some(Error::from(error).report()), ..OrganizationStatus::default() },
    };
    Ok((Mock::default(), Some(GrafanaStatus { version, database, organization })))
}

fn api<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    let config = call.config;
    let base = config.grafana_url.clone().ok_or(Error::NotConfigured {
        field: "grafana_url",
        todo: "set it to Grafana's URL, such as http://127.0.0.1:3000",
    })?;
    let organization = config.grafana_org_id;
    Ok(Api { client: call.client(config.limits(), true), base, organization, resources: None })
}

/// The API after verifying the configured organization, so that nothing is read from or written to
/// another one.
pub fn verified<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    let mut api = api(call)?;
    if api.organization.is_some() {
        api.verify_organization()?;
    }
    Ok(api)
}

/// Like [`verified`], for folders and dashboards with the configured API.
fn dashboards_api<'a>(call: &'a mut Call) -> Result<Api<'a>, Error> {
    if !call.config.grafana_resources {
        return verified(call);
    }
    let mut api = api(call)?;
    api.use_resources()?;
    Ok(api)
}

/// The requested uid. Older Grafana versions accepted uids that the plug would not generate, but
/// all are valid in a path.
fn uid<'r>(request: &'r DashboardUid) -> Result<&'r str, Error> {
    let uid = request.uid.required("uid", "the dashboard's uid")?;
    Segment::of(uid, "uid")?;
    Ok(uid)
}

/// The requested uids, if any.
fn uids<'r>(request: &'r ExportSelection) -> Result<Option<Vec<&'r str>>, Error> {
    let Some(uids) = &request.uids else { return Ok(None) };
    for (index, uid) in uids.iter().enumerate() {
        Segment::of(&uid.0, &format!("uids[{index}]"))?;
    }
    Ok(Some(uids.iter().map(|uid| &*uid.0).collect()))
}

fn made(dashboard: Dashboard) -> MadeDashboard {
    let Dashboard { uid, title, warnings, .. } = dashboard;
    MadeDashboard { uid, title, warnings }
}

fn report(base: Option<&Url>, folder: &Folder, outcome: Outcome, diff: bool) -> DashboardOutcome {
    let mut report = DashboardOutcome {
        action: outcome.action(),
        conflict: None,
        error: None,
        folder_uid: folder.uid().map(str::to_owned),
        version: None,
        url: None,
        changes: diff.then(Vec::new),
    };
    match outcome {
        Outcome::Compared(Compared { action, changes, version, url }) => {
            report.conflict = action.into_conflict();
            report.version = version;
            report.url = page_url(base, &url);
            report.changes = diff.then_some(changes);
        }
        Outcome::Failed(error) => report.error = Some(Box::new(Error::from(error).report())),
        Outcome::NotTried => {}
    }
    report
}

/// The URL of a page. Grafana returns its path, including the path prefix of the server.
fn page_url(base: Option<&Url>, path: &str) -> Option<String> {
    let base = base.filter(|_| path.starts_with('/'))?;
    Some(format!("{}://{}{path}", base.scheme(), base.authority()))
}
