# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
# Made from plug.yaml by `cargo xtask generate`; a test compares.
"""Types of the plug's requests, settings and responses."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, TypedDict, Union


class ActiveAlert(TypedDict):
    """An alert that a rule raises now."""

    # Since when.
    active_since: str
    # The alert's labels.
    labels: LabelPairs
    # `pending` or `firing`.
    state: str
    # The expression's value, as the server writes it.
    value: str


class Alert(TypedDict, total=False):
    """One alert."""

    # The label `alertname`.
    alert_name: Text
    # What people are told.
    annotations: Labels
    # Another name for `ends_at`, as the API has it.
    endsAt: Moment
    # When it ended, or will have ended if nobody says more.
    ends_at: Moment
    # Another name for `generator_url`, as the API has it.
    generatorURL: Text
    # Where people see what made it.
    generator_url: Text
    # Who it is: two alerts with the same labels are the same.
    labels: Labels
    # The label `severity`.
    severity: Text
    # Another name for `starts_at`, as the API has it.
    startsAt: Moment
    # Since when it holds; the server's now by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any text.
    utf8: Flag


_AlertConfigKeys = TypedDict(
    "_AlertConfigKeys",
    {
        # Another name for `duration`.
        "for": "Duration",
    },
    total=False,
)


class AlertConfig(_AlertConfigKeys, total=False):
    """`alert_config` of input_schema."""

    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # What people are told, which may be templates; a summary by default.
    annotations: Labels
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # How long a series must be there before its alert fires; 5m by default.
    duration: Duration
    # PromQL; each series that it yields is an alert.
    expression: Text
    # The group; `plugpipe` by default.
    group: Text
    # How often the group is evaluated; as often as the server does by default.
    interval: Duration
    # How long the alert goes on when the series is gone; not at all by default.
    keep_firing_for: Duration
    # Labels to set, whose values may be templates.
    labels: Labels
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file's name, for targets that read files.
    rules_file: Text
    # The annotation `runbook_url`, where `annotations` has none.
    runbook_url: Text
    # The label `severity`, where `labels` has none; `warning` by default.
    severity: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text
    # Told of the alert when it is made.
    webhook_url: Text


_AlertRuleKeys = TypedDict(
    "_AlertRuleKeys",
    {
        # Another name for `duration`.
        "for": "Duration",
    },
    total=False,
)


class AlertRule(_AlertRuleKeys, total=False):
    """What an alert is: for `create_alert`, and each of a list of alerts."""

    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # What people are told, which may be templates; a summary by default.
    annotations: Labels
    # How long a series must be there before its alert fires; 5m by default.
    duration: Duration
    # PromQL; each series that it yields is an alert.
    expression: Text
    # How long the alert goes on when the series is gone; not at all by default.
    keep_firing_for: Duration
    # Labels to set, whose values may be templates.
    labels: Labels
    # The annotation `runbook_url`, where `annotations` has none.
    runbook_url: Text
    # The label `severity`, where `labels` has none; `warning` by default.
    severity: Text


# The state of an alert. `inactive`: Its expression finds nothing. `pending`: It holds, but not for
# long enough. `firing`: It holds. `not_found`: The server has no such rule. `unknown`: The server
# does not say.
AlertState = Literal["inactive", "pending", "firing", "not_found", "unknown"]


class AlertTemplate(TypedDict):
    """Rules that the plug ships."""

    # The names of its alerts.
    alerts: List[str]
    # What it is for.
    description: str
    # What `template` names it.
    name: str
    # What `parameters` may give.
    parameters: List[TemplateParameter]


class Settings(TypedDict, total=False):
    """Settings that a configuration and a request may hold."""

    # Sent to the origin of the server's URL only.
    alertmanager_auth: Credentials
    # Where alerts are sent and silences made.
    alertmanager_url: Url
    # For any connection to be made.
    connect_timeout: Duration
    # Whether to read the group before the first push to it, and list the counters that the push
    # does not raise.
    detect_resets: Flag
    # For `scrape_config.endpoint_url`.
    endpoint_auth: Credentials
    # An endpoint to scrape; `scrape_config.endpoint_url` too.
    endpoint_url: Text
    # Put on what is remote-written.
    external_labels: Union[Literal[""], Labels, None]
    # Sent to the origin of the server's URL only.
    gateway_auth: Credentials
    # The Pushgateway; without one nothing is pushed.
    gateway_url: Url
    # How Grafana's folders and dashboards are asked for. `api`: Below `/api`. `k8s`: As resources
    # of `/apis`, which needs Grafana 12 or later.
    grafana_api: Union[Literal["api", "k8s", ""], None]
    # Sent to the origin of the server's URL only.
    grafana_auth: Credentials
    # An organisation of Grafana.
    grafana_org_id: WholeNumber
    # Where dashboards live.
    grafana_url: Url
    # Further labels of the group of pushes.
    grouping_key: Union[Literal[""], Labels, None]
    # The instance of pushes, and of remote-written series.
    instance: Text
    # The job of pushes, and of remote-written series.
    job_name: Text
    # The longest answer of a server that is read.
    max_response_bytes: WholeNumber
    # The longest wait before any attempt.
    max_retry_delay: Duration
    # Whether no server is reached; answers say `mock` then.
    mock_mode: Flag
    # Sent to the origin of the server's URL only.
    otlp_auth: Credentials
    # An OTLP receiver of metrics, with its path.
    otlp_url: Url
    # Whether `plugpipe_monitoring_*` are exposed too.
    own_metrics: Flag
    # Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    # only.
    preflight: Flag
    # Sent to the origin of the server's URL only.
    prometheus_auth: Credentials
    # Where queries go.
    prometheus_url: Url
    # Whether what is pushed is compressed.
    push_gzip: Flag
    # For the policy `interval`: from one push to the next.
    push_interval: Duration
    # What becomes of what the group holds. `replace`: All of it goes (`PUT`). `add`: Metrics of the
    # same names go, the others stay (`POST`). `delete`: The group is deleted, and nothing comes
    # (`DELETE`). In a request only.
    push_mode: Union[Literal["replace", "add", "delete", ""], None]
    # When what was recorded is pushed. `on_record`: With each record. `manual`: When somebody asks
    # for it. `interval`: With the first call after `push_interval`, where something was recorded
    # since the last push.
    push_policy: Union[Literal["on_record", "manual", "interval", ""], None]
    # For a push that follows a record.
    push_timeout: Duration
    # Sent to the origin of the server's URL only.
    remote_write_auth: Credentials
    # Values kept for a receiver that is away.
    remote_write_capacity: WholeNumber
    # For one remote write.
    remote_write_timeout: Duration
    # A remote-write receiver, with its path.
    remote_write_url: Url
    # The version of remote write to speak.
    remote_write_version: Union[Literal["auto", "2.0", "2", 2, "1.0", "1", 1, ""], None]
    # How often an operation that somebody waits for is tried.
    retry_attempts: WholeNumber
    # The longest wait before the second attempt.
    retry_delay: Duration
    # Sent to the origin of the server's URL only.
    ruler_auth: Credentials
    # Who evaluates rules, where that is not Prometheus.
    ruler_url: Url
    # What `scrape_endpoint` takes.
    scrape_config: Union[Dict[str, Any], None]
    # How often Prometheus scrapes.
    scrape_interval: Duration
    # For an operation that speaks to a server.
    timeout: Duration
    # Sent to the origin of the server's URL only.
    webhook_auth: Credentials
    # The body of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`: `{alert_data,
    # timestamp, source}`, as the published Python plug sends it.
    webhook_format: Union[Literal["alertmanager", "plugpipe", ""], None]
    # Who is notified, where a call names nobody.
    webhook_url: Url


class AnyRequest(Settings, total=False):
    """Without an operation, a metric_name means record_metric, and nothing health_check.
    Settings may stand here too, for one call. A runtime's own keys, such as pipe and run_id,
    have no effect; errors about a metric name the step_id, or step, that recorded it.
    """

    context: Any
    metadata: Any
    pipe: Any
    pipe_name: Any
    pipeline: Any
    pipeline_id: Any
    previous_step: Any
    # More settings, which win over flat ones.
    prometheus_config: Union[Settings, None]
    run_id: Any
    step: Any
    step_id: Any
    step_name: Any
    trace_id: Any


class AlertmanagerStatusRequest(AnyRequest):
    """`alertmanager_status`: Alertmanager's version, cluster and configuration."""

    operation: Literal["alertmanager_status"]


class AnyResult(TypedDict, total=False):
    """What any result may have: how pushes that came with the call went, and how long servers
    took.
    """

    # What the gateway would refuse, the first of it.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push did not raise, or removed.
    counters_replaced: int
    # Why.
    downgrade_reason: str
    # Native histograms of which only sum and count were pushed.
    downgraded: List[str]
    # Absent where none was asked.
    exchange: Exchange
    # How the pushes of groups went that the call is not about, because they have keys of their own.
    groups_pushed: List[GroupPush]
    # Whether the gateway has accepted what was recorded.
    metric_pushed: bool
    # Whether the configuration says `mock_mode`, so that no server was asked.
    mock: bool
    # Why the push was not checked for conflicts before.
    preflight_skipped: str
    # Why a push that nobody asked for by name failed. The values stay recorded.
    push_error: str
    # The same as an error code.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


class AlertmanagerStatusResult(AnyResult):
    """The result of `alertmanager_status`."""

    # Version, cluster and configuration as Alertmanager's API has them.
    status: Dict[str, Any]


class AlertmanagerTargets(TypedDict, total=False):
    """Alertmanagers, named or found as the targets of a job are."""

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A file with a token, on the Prometheus server.
    bearer_token_file: Text
    # Files of targets, as paths.
    file_sd: Union[List[str], None]
    # Endpoints that answer targets, as URLs.
    http_sd: Union[List[str], None]
    # Labels of the Alertmanagers that are named.
    labels: Labels
    # The path that they live under.
    path_prefix: Text
    # A proxy to go through, as a URL.
    proxy_url: Text
    # How often files and endpoints are read again.
    refresh_interval: Duration
    # `http` or `https`.
    scheme: Text
    # Alertmanagers as `host:port`.
    targets: Union[List[str], None]
    # For one request.
    timeout: Duration
    # Certificates.
    tls: Union[TlsFiles, None]


# A number; NaN and the infinities as text, because JSON has no numbers for them.
Amount = Union[float, str]


class _AnnotateRequestRequired(TypedDict):
    """What AnnotateRequest must have."""

    operation: Literal["annotate"]


class AnnotateRequest(AnyRequest, _AnnotateRequestRequired, total=False):
    """`annotate`: mark a moment or a region of time in Grafana's dashboards, or change a mark."""

    # The annotation to change; a new one by default.
    annotation_id: WholeNumber
    # The dashboard that shows it; all of the organisation by default.
    dashboard_uid: Text
    # The panel of that dashboard.
    panel_id: WholeNumber
    # To find it by; a dashboard shows those that it asks for. An empty list takes them away.
    tags: Texts
    # What people read at the mark.
    text: Text
    # When, or from when on; now by default.
    time: Moment
    # Till when, for a region.
    time_end: Moment


class _AnnotateResultRequired(TypedDict):
    """What AnnotateResult must have."""

    # Whether Grafana holds the annotation now.
    annotated: bool


class AnnotateResult(AnyResult, _AnnotateResultRequired, total=False):
    """The result of `annotate`."""

    # Its id, to change it by.
    annotation_id: int
    # When it ends, in milliseconds since the Unix epoch; absent where it has no end, or that was
    # not changed.
    time_end_ms: int
    # When it is, or begins, in milliseconds since the Unix epoch; absent where that was not
    # changed.
    time_ms: int


class _ApplyAlertsRequestRequired(TypedDict):
    """What ApplyAlertsRequest must have."""

    operation: Literal["apply_alerts", "plan_alerts"]


class ApplyAlertsRequest(AnyRequest, _ApplyAlertsRequestRequired, total=False):
    """`apply_alerts`: bring a whole file or namespace of rules to the server; what is no more
    wanted goes.
    """

    # What is not in it may stand beside it. What an alert is may not: `alerts` says that.
    alert_config: Union[AlertConfig, None]
    # Alerts of one group, with what an alert is and nothing else.
    alerts: Union[List[AlertRule], None]
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # Whether only to say what would change; false by default.
    dry_run: Flag
    # The group of `alerts`; `plugpipe` by default.
    group: Text
    # Groups as a rule file has them, with what only some servers take too.
    groups: Union[List[RuleGroup], None]
    # How often the group of `alerts` is evaluated; as often as the server does by default.
    interval: Duration
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The template's parameters, of which each has its own.
    parameters: Union[Dict[str, Any], None]
    # The rule file as it is, where the host has read it.
    rules_current: Union[RulesCurrent, None]
    # The rule file's name; `plugpipe_rules.yml` by default.
    rules_file: Text
    # Whether the host has written the file as the answer before said.
    rules_written: Flag
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text
    # The name of a template.
    template: Text


class _ApplyAlertsResultRequired(TypedDict):
    """What ApplyAlertsResult must have."""

    # How many rules were there otherwise.
    changed: int
    # The same by group and rule.
    changes: List[RuleChange]
    # How many rules were not there.
    created: int
    # How many rules were there, and are no longer wanted.
    removed: int
    # How it stands.
    status: InstallStatus
    # Where the rules go.
    target: InstallTarget
    # How many rules were there as they are wanted.
    unchanged: int


class ApplyAlertsResult(AnyResult, _ApplyAlertsResultRequired, total=False):
    """The result of `apply_alerts`."""

    # Whether a server lists all rules as they are wanted. Absent with `dry_run`.
    applied: bool
    # Files to be written or removed where no host does that.
    artifacts: List[Artifact]
    # Whether nothing was changed, because the request says `dry_run`.
    dry_run: bool
    # For the other targets: the groups' namespace, or folder.
    namespace: str
    # What is missing.
    pending: str
    # Where reloading failed: whether the server refused what is in the file.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # By hosts with a rules folder: whether the file was removed, and stays so.
    rules_file_removed: bool
    # By hosts with a rules folder: whether the file was written, and stays.
    rules_file_written: bool


class _ApplyDashboardsRequestRequired(TypedDict):
    """What ApplyDashboardsRequest must have."""

    operation: Literal["apply_dashboards", "plan_dashboards"]


class ApplyDashboardsRequest(AnyRequest, _ApplyDashboardsRequestRequired, total=False):
    """`apply_dashboards`: bring dashboards and templates to Grafana: created, updated, unchanged
    or conflict.
    """

    # Another name for `dashboards`.
    dashboard_config: Any
    # A list of what `create_dashboard` takes, or one.
    dashboards: Any
    # The uid or name of the data source that is chosen at first; Grafana's default one by default.
    datasource: Text
    # Whether differences are told; false by default.
    diff: Flag
    # The folder's title, or those of folders within one another, the outermost first. Without one a
    # dashboard stays where it is.
    folder: Union[Text, List[LabelValue]]
    # The uid of the last folder, or of one that is there.
    folder_uid: Text
    # For the dashboard's history; the plug's name and version by default.
    message: Text
    # Whether what somebody else made or changed is replaced; false by default.
    overwrite: Flag
    # What the names of a template's metrics begin with; `plugpipe` by default.
    prefix: Text
    # The names of templates; `all` among them means every one.
    templates: LabelValues
    # Whether each dashboard is read and compared, also where its fingerprint is the right one;
    # false by default.
    verify: Flag


class ApplyDashboardsResult(AnyResult):
    """The result of `apply_dashboards`."""

    # How many Grafana holds otherwise, which were not to be replaced.
    conflict: int
    # How many were created.
    created: int
    # Each of them: those that were given, then those of templates.
    dashboards: List[DashboardOutcome]
    # How many failed.
    failed: int
    # How many were not tried.
    not_tried: int
    # How many Grafana held already.
    unchanged: int
    # How many were updated.
    updated: int


class _ArtifactRequired(TypedDict):
    """What Artifact must have."""

    # What it is: `rules_file`.
    kind: str
    # Its name.
    name: str


class Artifact(_ArtifactRequired, total=False):
    """A file to be written or removed."""

    # Its text. Absent where it is to be removed.
    content: str
    # Whether it is to be removed.
    remove: bool


class BasicAuth(TypedDict, total=False):
    """A user, and where the password is."""

    # A file with the password, on the Prometheus server.
    password_file: Text
    # The user's name.
    username: Text


# What happens to a group or a rule. `created`: It is not there. `changed`: It is there, and
# otherwise. `unchanged`: It is there as it is wanted. `removed`: It is there, and no longer wanted.
Change = Literal["created", "changed", "unchanged", "removed"]


class ClearMetricsRequest(AnyRequest):
    """`clear_metrics`: remove all metrics."""

    operation: Literal["clear_metrics"]


class ClearMetricsResult(AnyResult):
    """The result of `clear_metrics`."""

    # How many series there were.
    series_removed: int


class ConfigurationSettings(TypedDict, total=False):
    """`settings` of config_schema."""

    # Sent to the origin of the server's URL only.
    alertmanager_auth: Credentials
    # Where alerts are sent and silences made.
    alertmanager_url: Url
    # For any connection to be made. Default `"1s"`.
    connect_timeout: Duration
    # For hosts: write debug logs. In the configuration only.
    debug: Flag
    # Whether PlugPipe's own metrics are registered. In the configuration only. Default `false`.
    default_metrics: Flag
    # Whether `cleanup` deletes the groups that were pushed. In the configuration only. Default
    # `true`.
    delete_on_cleanup: Flag
    # Whether to read the group before the first push to it, and list the counters that the push
    # does not raise. Default `false`.
    detect_resets: Flag
    # Taken for the Python plug's sake, and without effect. In the configuration only.
    enable_alerting: Any
    # For `scrape_config.endpoint_url`.
    endpoint_auth: Credentials
    # An endpoint to scrape; `scrape_config.endpoint_url` too.
    endpoint_url: Text
    # Put on what is remote-written.
    external_labels: Union[Literal[""], Labels, None]
    # Sent to the origin of the server's URL only.
    gateway_auth: Credentials
    # The Pushgateway; without one nothing is pushed.
    gateway_url: Url
    # How Grafana's folders and dashboards are asked for. `api`: Below `/api`. `k8s`: As resources
    # of `/apis`, which needs Grafana 12 or later. Default `"api"`.
    grafana_api: Union[Literal["api", "k8s", ""], None]
    # Sent to the origin of the server's URL only.
    grafana_auth: Credentials
    # An organisation of Grafana.
    grafana_org_id: WholeNumber
    # Where dashboards live.
    grafana_url: Url
    # Further labels of the group of pushes.
    grouping_key: Union[Literal[""], Labels, None]
    # For histograms that name none. In the configuration only. Default
    # `[0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300]`.
    histogram_buckets: Union[Literal[""], List[Union[float, str]], None]
    # The instance of pushes, and of remote-written series.
    instance: Text
    # The job of pushes, and of remote-written series. Default `"plugpipe"`.
    job_name: Text
    # The longest answer of a server that is read. Default `16777216`.
    max_response_bytes: WholeNumber
    # The longest wait before any attempt. Default `"2s"`.
    max_retry_delay: Duration
    # Whether no server is reached; answers say `mock` then. Default `false`.
    mock_mode: Flag
    # Sent to the origin of the server's URL only.
    otlp_auth: Credentials
    # An OTLP receiver of metrics, with its path.
    otlp_url: Url
    # Whether `plugpipe_monitoring_*` are exposed too. Default `false`.
    own_metrics: Flag
    # Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    # only.
    preflight: Flag
    # Sent to the origin of the server's URL only.
    prometheus_auth: Credentials
    # Where queries go.
    prometheus_url: Url
    # Whether what is pushed is compressed. Default `false`.
    push_gzip: Flag
    # For the policy `interval`: from one push to the next. Default `"15s"`.
    push_interval: Duration
    # What becomes of what the group holds. `replace`: All of it goes (`PUT`). `add`: Metrics of the
    # same names go, the others stay (`POST`). Default `"replace"`.
    push_mode: Union[Literal["replace", "add", ""], None]
    # When what was recorded is pushed. `on_record`: With each record. `manual`: When somebody asks
    # for it. `interval`: With the first call after `push_interval`, where something was recorded
    # since the last push. Default `"on_record"`.
    push_policy: Union[Literal["on_record", "manual", "interval", ""], None]
    # For a push that follows a record. Default `"1500ms"`.
    push_timeout: Duration
    # Sent to the origin of the server's URL only.
    remote_write_auth: Credentials
    # Values kept for a receiver that is away. Default `100000`.
    remote_write_capacity: WholeNumber
    # For one remote write. Default `"10s"`.
    remote_write_timeout: Duration
    # A remote-write receiver, with its path.
    remote_write_url: Url
    # The version of remote write to speak. Default `"auto"`.
    remote_write_version: Union[Literal["auto", "2.0", "2", 2, "1.0", "1", 1, ""], None]
    # How often an operation that somebody waits for is tried. Default `3`.
    retry_attempts: WholeNumber
    # The longest wait before the second attempt. Default `"100ms"`.
    retry_delay: Duration
    # Sent to the origin of the server's URL only.
    ruler_auth: Credentials
    # Who evaluates rules, where that is not Prometheus.
    ruler_url: Url
    # What `scrape_endpoint` takes.
    scrape_config: Union[Dict[str, Any], None]
    # How often Prometheus scrapes. Default `"15s"`.
    scrape_interval: Duration
    # For an operation that speaks to a server. Default `"10s"`.
    timeout: Duration
    # Sent to the origin of the server's URL only.
    webhook_auth: Credentials
    # The body of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`: `{alert_data,
    # timestamp, source}`, as the published Python plug sends it. Default `"alertmanager"`.
    webhook_format: Union[Literal["alertmanager", "plugpipe", ""], None]
    # Signs webhooks. In the configuration only.
    webhook_secret: Text
    # Who is notified, where a call names nobody.
    webhook_url: Url


class Configuration(ConfigurationSettings, total=False):
    """Flat, or nested in prometheus_config, which wins. An empty text means not set. An unknown
    key is a warning.
    """

    # What an alert has that a call does not say.
    alert_config: Union[AlertConfig, None]
    # More settings, which win over flat ones.
    prometheus_config: Union[ConfigurationSettings, None]


class _ConflictRequired(TypedDict):
    """What Conflict must have."""

    # The metric to change.
    metric: str
    # What conflicts with what, and what to do.
    problem: str
    # What it is about.
    reason: ConflictReason


class Conflict(_ConflictRequired, total=False):
    """Something that a gateway would refuse."""

    # The group that it conflicts with; none if that is the push itself, or the gateway.
    group: str


# `conflict_reason` of output_schema.
ConflictReason = Literal[
    "type",
    "help",
    "name_suffix",
    "duplicate_series",
    "timestamp",
    "label_name",
]


_CreateAlertRequestKeys = TypedDict(
    "_CreateAlertRequestKeys",
    {
        # Another name for `duration`.
        "for": "Duration",
    },
    total=False,
)


class _CreateAlertRequestRequired(TypedDict):
    """What CreateAlertRequest must have."""

    operation: Literal["create_alert"]


class CreateAlertRequest(AnyRequest, _CreateAlertRequestKeys, _CreateAlertRequestRequired, total=False):
    """`create_alert`: an alerting rule, checked, installed where target says, and confirmed by
    reading back.
    """

    # The alert. What is not in it may stand beside it.
    alert_config: Union[AlertConfig, None]
    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # What people are told, which may be templates; a summary by default.
    annotations: Labels
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # How long a series must be there before its alert fires; 5m by default.
    duration: Duration
    # PromQL; each series that it yields is an alert.
    expression: Text
    # The group; `plugpipe` by default.
    group: Text
    # How often the group is evaluated; as often as the server does by default.
    interval: Duration
    # How long the alert goes on when the series is gone; not at all by default.
    keep_firing_for: Duration
    # Labels to set, whose values may be templates.
    labels: Labels
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file as it is, where the host has read it.
    rules_current: Union[RulesCurrent, None]
    # The rule file's name, for targets that read files.
    rules_file: Text
    # Whether the host has written the file as the answer before said.
    rules_written: Flag
    # The annotation `runbook_url`, where `annotations` has none.
    runbook_url: Text
    # The label `severity`, where `labels` has none; `warning` by default.
    severity: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text


class _CreateAlertResultRequired(TypedDict):
    """What CreateAlertResult must have."""

    # Whether a server lists the rule as it is wanted. Until then `pending` says what is missing.
    alert_created: bool
    # Its group and its name: `GROUP/NAME`.
    alert_id: str
    # The alert's name.
    alert_name: str
    # How many rules were there otherwise.
    changed: int
    # The same by group and rule.
    changes: List[RuleChange]
    # How many rules were not there.
    created: int
    # Its PromQL expression.
    expression: str
    # How many rules were there, and are no longer wanted.
    removed: int
    # How it stands.
    status: InstallStatus
    # Where the rules go.
    target: InstallTarget
    # How many rules were there as they are wanted.
    unchanged: int


class CreateAlertResult(AnyResult, _CreateAlertResultRequired, total=False):
    """The result of `create_alert`."""

    # Files to be written or removed where no host does that.
    artifacts: List[Artifact]
    # For the other targets: the groups' namespace, or folder.
    namespace: str
    # What is missing.
    pending: str
    # Where reloading failed: whether the server refused what is in the file.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # By hosts with a rules folder: whether the file was removed, and stays so.
    rules_file_removed: bool
    # By hosts with a rules folder: whether the file was written, and stays.
    rules_file_written: bool
    # The rule's state on the server, where the server lists it: `inactive`, `pending` or `firing`.
    state: str
    # With `webhook_url`: what became of the notification.
    webhook: Webhook


class _CreateDashboardRequestRequired(TypedDict):
    """What CreateDashboardRequest must have."""

    operation: Literal["create_dashboard"]


class CreateDashboardRequest(AnyRequest, _CreateDashboardRequestRequired, total=False):
    """`create_dashboard`: bring one dashboard to Grafana, from dashboard_config or a template."""

    # Another name for `dashboard_config`.
    dashboard: Any
    # Any part of Grafana's JSON model that has a title.
    dashboard_config: Any
    # The uid or name of the data source that is chosen at first; Grafana's default one by default.
    datasource: Text
    # Whether differences are told; false by default.
    diff: Flag
    # Whether only to tell the dashboard, as it would be saved; false by default.
    dry_run: Flag
    # The folder's title, or those of folders within one another, the outermost first. Without one a
    # dashboard stays where it is.
    folder: Union[Text, List[LabelValue]]
    # The uid of the last folder, or of one that is there.
    folder_uid: Text
    # For the dashboard's history; the plug's name and version by default.
    message: Text
    # Whether what somebody else made or changed is replaced; false by default.
    overwrite: Flag
    # What the names of a template's metrics begin with; `plugpipe` by default.
    prefix: Text
    # The name of a template, in place of a dashboard.
    template: Text
    # Whether each dashboard is read and compared, also where its fingerprint is the right one;
    # false by default.
    verify: Flag


class _CreateDashboardResultRequired(TypedDict):
    """What CreateDashboardResult must have."""

    # Whether Grafana holds the dashboard now.
    dashboard_created: bool
    # Its title.
    title: str
    # Its uid: the one that was given, or one made of its folders and its title.
    uid: str
    # What was mended in it, and what is odd. Each begins with the path of what it is about.
    warnings: List[str]


class CreateDashboardResult(AnyResult, _CreateDashboardResultRequired, total=False):
    """The result of `create_dashboard`."""

    # What was done with the dashboard, or would be.
    action: DashboardAction
    # With `diff`: what differed, the first of it.
    changes: List[DashboardChange]
    # With `conflict`: why what Grafana holds was not replaced.
    conflict: str
    # Where Grafana was not asked: the dashboard's JSON model, as it would be saved.
    dashboard: Dict[str, Any]
    # Whether Grafana was not asked, because of `dry_run`.
    dry_run: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # The folder that was asked for.
    folder_uid: str
    # The status that the server responded with.
    http_status: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # The dashboard's page.
    url: str
    # How often Grafana has saved the dashboard, where that is known.
    version: int
    # Values that were written nevertheless.
    written: int


class _CreateSilenceRequestRequired(TypedDict):
    """What CreateSilenceRequest must have."""

    operation: Literal["create_silence"]
    # Why it is silenced.
    comment: Text
    # What an alert's labels must meet, all of them, to be muted.
    matchers: Matchers


class CreateSilenceRequest(AnyRequest, _CreateSilenceRequestRequired, total=False):
    """`create_silence`: mute alerts that match, for a time."""

    # Who wants it; the plug's name by default.
    created_by: Text
    # For how long, unless `ends_at` says until when.
    duration: Duration
    # Until when.
    ends_at: Moment
    # The silence to change; a new one by default. Alertmanager gives it a new id where it must.
    silence_id: Text
    # From when on; now by default.
    starts_at: Moment


class _CreateSilenceResultRequired(TypedDict):
    """What CreateSilenceResult must have."""

    # When it ends.
    ends_at: Rfc3339
    # What it mutes: matchers such as `severity="warning"`, all of which must match.
    matchers: List[str]
    # When the silence begins.
    starts_at: Rfc3339


class CreateSilenceResult(AnyResult, _CreateSilenceResultRequired, total=False):
    """The result of `create_silence`."""

    # Its id. One that was changed may have got a new id. Absent in `mock_mode`.
    silence_id: str


# User:password or a token as text; or an object.
Credentials = Union[str, None, "CredentialsObject"]


class CredentialsObject(TypedDict, total=False):
    """Credentials by name. `username` and `password`, or a token; `headers` and a tenant go with
    either, or alone. Any other field is an error: what was meant as a secret is not to go
    unused.
    """

    # Another name for `token`.
    api_key: Text
    # Another name for `token`.
    api_token: Text
    # Sent as they are, in place of the plug's own of that name.
    headers: Labels
    # Another name for `tenant`.
    org_id: Text
    # For `Authorization: Basic`.
    password: Text
    # Sent as `X-Scope-OrgID`.
    tenant: Text
    # For `Authorization: Bearer`.
    token: Text
    # `basic` or `bearer`; without it the other fields tell.
    type: Text
    # For `Authorization: Basic`.
    username: Text


# What is done with a dashboard. `created`: Grafana held none of its uid. `updated`: It took the
# place of another one. `unchanged`: Grafana held it already. `conflict`: Grafana holds another one
# that was not to be replaced. `failed`: Grafana refused it, or could not be asked. `not_tried`:
# Grafana was not asked, because of an earlier failure.
DashboardAction = Literal["created", "updated", "unchanged", "conflict", "failed", "not_tried"]


class _DashboardChangeRequired(TypedDict):
    """What DashboardChange must have."""

    # Where, such as `panels[0].title`.
    path: str


class DashboardChange(_DashboardChangeRequired, total=False):
    """One thing that differs from what Grafana holds."""

    # What is wanted, as JSON and shortened; absent where nothing is.
    wanted: str
    # What Grafana holds, as JSON and shortened; absent where it holds nothing.
    was: str


class _DashboardOutcomeRequired(TypedDict):
    """What DashboardOutcome must have."""

    # What was done with the dashboard, or would be.
    action: DashboardAction
    # Its title.
    title: str
    # Its uid: the one that was given, or one made of its folders and its title.
    uid: str
    # What was mended in it, and what is odd. Each begins with the path of what it is about.
    warnings: List[str]


class DashboardOutcome(_DashboardOutcomeRequired, total=False):
    """A dashboard, and what came of it."""

    # With `diff`: what differed, the first of it.
    changes: List[DashboardChange]
    # With `conflict`: why what Grafana holds was not replaced.
    conflict: str
    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # The folder that was asked for.
    folder_uid: str
    # The status that the server responded with.
    http_status: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # The dashboard's page.
    url: str
    # How often Grafana has saved the dashboard, where that is known.
    version: int
    # Values that were written nevertheless.
    written: int


# How a Grafana's database is. `ok`: It is well. `failing`: It is not.
DatabaseStatus = Literal["ok", "failing"]


# What is done with a data source. `created`: Grafana held none of its uid. `updated`: The one that
# Grafana held was changed. `unchanged`: Grafana held it as it was given.
DatasourceAction = Literal["created", "updated", "unchanged"]


class _DatasourceHealthRequestRequired(TypedDict):
    """What DatasourceHealthRequest must have."""

    operation: Literal["datasource_health"]


class DatasourceHealthRequest(AnyRequest, _DatasourceHealthRequestRequired, total=False):
    """`datasource_health`: whether Grafana reaches the server behind a data source."""

    # What people read, unique in an organisation; `Prometheus` by default.
    name: Text
    # What dashboards refer to; made from the name by default.
    uid: Text


class _DatasourceHealthResultRequired(TypedDict):
    """What DatasourceHealthResult must have."""

    # Whether Grafana reaches the server behind the data source.
    healthy: bool
    # What dashboards refer to.
    uid: str


class DatasourceHealthResult(AnyResult, _DatasourceHealthResultRequired, total=False):
    """The result of `datasource_health`."""

    # Grafana's message about it.
    message: str


class _DeleteAlertRequestRequired(TypedDict):
    """What DeleteAlertRequest must have."""

    operation: Literal["delete_alert"]


class DeleteAlertRequest(AnyRequest, _DeleteAlertRequestRequired, total=False):
    """`delete_alert`: take a rule out of where create_alert put it."""

    # As it was given to `create_alert`. What is not in it may stand beside it.
    alert_config: Union[AlertConfig, None]
    # The alert's name.
    alert_name: Text
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # The alert's group; `plugpipe` by default.
    group: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file as it is, where the host has read it.
    rules_current: Union[RulesCurrent, None]
    # The rule file that the alert is in, where that is not its own.
    rules_file: Text
    # Whether the host has written the file as the answer before said.
    rules_written: Flag
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text


class _DeleteAlertResultRequired(TypedDict):
    """What DeleteAlertResult must have."""

    # The alert's name.
    alert_name: str
    # Whether this call took the rule out, and the server lists it no more.
    deleted: bool


class DeleteAlertResult(AnyResult, _DeleteAlertResultRequired, total=False):
    """The result of `delete_alert`."""

    # Files to be written or removed where no host does that.
    artifacts: List[Artifact]
    # How many rules were there otherwise.
    changed: int
    # The same by group and rule.
    changes: List[RuleChange]
    # How many rules were not there.
    created: int
    # For the other targets: the groups' namespace, or folder.
    namespace: str
    # What is missing.
    pending: str
    # Where reloading failed: whether the server refused what is in the file.
    reload_refused: bool
    # How many rules were there, and are no longer wanted.
    removed: int
    # For the target `file`: the rule file's name.
    rules_file: str
    # By hosts with a rules folder: whether the file was removed, and stays so.
    rules_file_removed: bool
    # By hosts with a rules folder: whether the file was written, and stays.
    rules_file_written: bool
    # How it stands.
    status: InstallStatus
    # Where the rules go.
    target: InstallTarget
    # How many rules were there as they are wanted.
    unchanged: int
    # Whether the rule was in the file or on the server. Absent in `mock_mode`.
    was_there: bool


class DeleteDashboardRequest(AnyRequest):
    """`delete_dashboard`: delete a dashboard from Grafana."""

    operation: Literal["delete_dashboard", "get_dashboard"]
    # The dashboard's uid.
    uid: Text


class DeleteDashboardResult(AnyResult):
    """The result of `delete_dashboard`."""

    # Whether Grafana held a dashboard of that uid, which it deleted.
    deleted: bool
    # The uid that was asked for.
    uid: str


class DeleteMetricsRequest(AnyRequest):
    """`delete_metrics`: delete this plug's group from the Pushgateway."""

    operation: Literal["delete_metrics"]


class _DeleteMetricsResultRequired(TypedDict):
    """What DeleteMetricsResult must have."""

    # Whether the gateway deleted the group; it has none then.
    deleted: bool


class DeleteMetricsResult(AnyResult, _DeleteMetricsResultRequired, total=False):
    """The result of `delete_metrics`."""

    # The group's URL.
    group: str


class _DeliveryRequired(TypedDict):
    """What Delivery must have."""

    # Whether the receiver responded with a status of 2xx.
    delivered: bool
    # The receiver, without its secrets.
    webhook_url: str


class Delivery(_DeliveryRequired, total=False):
    """How a webhook took a notification."""

    # The status that the receiver responded with.
    http_status: int
    # Whether the configuration says `mock_mode`, so that no server was asked.
    mock: bool
    # Whether the body was signed with `webhook_secret`.
    signed: bool


class DescribeRequest(AnyRequest):
    """`describe`: what this plug is."""

    operation: Literal["describe"]


class DescribeResult(AnyResult):
    """The result of `describe`."""

    # What the plug is.
    description: str
    # The plug's name.
    name: str
    # The operations, and what each does.
    operations: LabelPairs
    # The plug's version.
    version: str


class _DiscoverTargetsRequestRequired(TypedDict):
    """What DiscoverTargetsRequest must have."""

    operation: Literal["discover_targets"]


class DiscoverTargetsRequest(AnyRequest, _DiscoverTargetsRequestRequired, total=False):
    """`discover_targets`: targets of an http_sd endpoint or a list, and whether Prometheus
    scrapes them.
    """

    # The URL of an http_sd endpoint.
    sd_url: Text
    # In the place of `sd_url`, a list of `host:port`, or of groups as an http_sd endpoint answers
    # them. Who reads such an answer reads this too.
    targets: Union[List[Any], None]


class _DiscoverTargetsResultRequired(TypedDict):
    """What DiscoverTargetsResult must have."""

    # Whether Prometheus was asked for the targets that it knows.
    compared: bool
    # The targets, those with the same labels together.
    groups: List[ResponseTargetGroup]
    # How many targets there are.
    targets: int


class DiscoverTargetsResult(AnyResult, _DiscoverTargetsResultRequired, total=False):
    """The result of `discover_targets`."""

    # How many of the targets Prometheus scrapes.
    active: int
    # How many it does not scrape.
    missing: int
    # The endpoint that was asked, without user, password and query.
    sd_url: str


class _DiscoveredTargetRequired(TypedDict):
    """What DiscoveredTarget must have."""

    # Its `host:port`.
    address: str


class DiscoveredTarget(_DiscoveredTargetRequired, total=False):
    """A target, and where it was compared what Prometheus knows of it."""

    # `up`, `down` or `unknown`.
    health: str
    # The job that scrapes it.
    job: str
    # Why the last scrape failed.
    last_error: str
    # Where it is scraped.
    scrape_url: str
    # Whether Prometheus scrapes it.
    state: TargetState


# As Prometheus has it (15s, 1h30m, 500ms), a decimal with one unit (1.5h), or a number of seconds.
Duration = Union[str, float, None]


class _EnsureDatasourceRequestRequired(TypedDict):
    """What EnsureDatasourceRequest must have."""

    operation: Literal["ensure_datasource"]


class EnsureDatasourceRequest(AnyRequest, _EnsureDatasourceRequestRequired, total=False):
    """`ensure_datasource`: a Prometheus data source in Grafana, made or changed where it is not
    as given.
    """

    # Who Grafana is to the server, by basic credentials; the URL's user by default.
    basic_auth_user: Text
    # Where Grafana reaches the server; the `prometheus_url` by default.
    datasource_url: Text
    # Whether panels that name no data source use this one; left as it is by default.
    default: Flag
    # Whether differences are told; false by default.
    diff: Flag
    # Whether it is only said what would be done; false by default.
    dry_run: Flag
    # Settings of the type, an object: `httpMethod`, `timeInterval`, …
    json_data: Union[Dict[str, Any], None]
    # What people read, unique in an organisation; `Prometheus` by default.
    name: Text
    # Whether secrets are sent although Grafana has some; false by default.
    renew_secrets: Flag
    # What Grafana never tells again: `basicAuthPassword`, `httpHeaderValue1`, …
    secure_json_data: Labels
    # What dashboards refer to; made from the name by default.
    uid: Text


class _EnsureDatasourceResultRequired(TypedDict):
    """What EnsureDatasourceResult must have."""

    # Whether Grafana holds the data source now, as it was given.
    datasource_ready: bool
    # What people read.
    name: str
    # What dashboards refer to.
    uid: str


class EnsureDatasourceResult(AnyResult, _EnsureDatasourceResultRequired, total=False):
    """The result of `ensure_datasource`."""

    # What was done, or with `dry_run` would be; absent where Grafana was not asked.
    action: DatasourceAction
    # With `diff`: what differed, the first of it. Secrets are never shown.
    changes: List[DashboardChange]
    # Whether nothing was written, because of `dry_run`.
    dry_run: bool


# `error_code` of output_schema.
ErrorCode = Literal[
    "invalid_json",
    "unknown_operation",
    "missing_field",
    "invalid_field",
    "metric_conflict",
    "unknown_series",
    "limit_reached",
    "not_configured",
    "not_granted",
    "unreachable",
    "timeout",
    "tls_failed",
    "answer_too_long",
    "refused",
    "push_conflict",
    "query_failed",
    "bad_answer",
    "interrupted",
    "unknown_outcome",
]


class Exchange(TypedDict):
    """Requests to servers."""

    # How many requests were sent, repetitions among them.
    attempts: int
    # How long they took together, in milliseconds.
    elapsed_ms: int


class _ExemplarRequired(TypedDict):
    """What Exemplar must have."""

    # Labels of the example, such as a trace's id.
    labels: LabelPairs
    # What was observed.
    value: Amount


class Exemplar(_ExemplarRequired, total=False):
    """An example of an observation."""

    # When, in seconds since the epoch.
    timestamp: Amount


class _ExpireGroupsRequestRequired(TypedDict):
    """What ExpireGroupsRequest must have."""

    operation: Literal["expire_groups"]
    # How long ago the last push of a group must be.
    older_than: Duration


class ExpireGroupsRequest(AnyRequest, _ExpireGroupsRequestRequired, total=False):
    """`expire_groups`: delete groups that nobody pushed to for older_than; dry_run (the default)
    only lists them.
    """

    # Whether to say only what would be deleted; true by default.
    dry_run: Flag
    # Only groups that have these.
    labels: Labels


class _ExpireGroupsResultRequired(TypedDict):
    """What ExpireGroupsResult must have."""

    # Whether nothing was changed.
    dry_run: bool


class ExpireGroupsResult(AnyResult, _ExpireGroupsResultRequired, total=False):
    """The result of `expire_groups`."""

    # How many groups are listed.
    count: int
    # `expire_groups`: how many of them were deleted.
    deleted: int
    # The groups.
    groups: List[Group]


class ExpireSilenceRequest(AnyRequest):
    """`expire_silence`: end a silence now."""

    operation: Literal["expire_silence"]
    # The silence to end.
    silence_id: Text


class ExpireSilenceResult(AnyResult):
    """The result of `expire_silence`."""

    # Whether Alertmanager ended it; false if it has none with that id.
    expired: bool
    # The silence's id.
    silence_id: str


class _ExportDashboardsRequestRequired(TypedDict):
    """What ExportDashboardsRequest must have."""

    operation: Literal["export_dashboards"]


class ExportDashboardsRequest(AnyRequest, _ExportDashboardsRequestRequired, total=False):
    """`export_dashboards`: dashboards as files for Grafana's provisioning."""

    # Another name for `dashboards`.
    dashboard_config: Any
    # A list of what `create_dashboard` takes, or one.
    dashboards: Any
    # The uid or name of the data source that is chosen at first; Grafana's default one by default.
    datasource: Text
    # The folder's title, or those of folders within one another, the outermost first. Without one a
    # dashboard stays where it is.
    folder: Union[Text, List[LabelValue]]
    # The uid of the last folder, or of one that is there.
    folder_uid: Text
    # What the names of a template's metrics begin with; `plugpipe` by default.
    prefix: Text
    # The names of templates; `all` among them means every one.
    templates: LabelValues
    # The uids of dashboards that Grafana holds; without them those that are given are exported.
    uids: Union[LabelValues, None]


class ExportDashboardsResult(AnyResult):
    """The result of `export_dashboards`."""

    # A file for each dashboard.
    files: List[File]
    # Those of `uids` of which Grafana holds no dashboard.
    missing: List[str]
    # The file, in YAML, that has Grafana read the others.
    provider: str
    # What was mended in dashboards, and what is odd.
    warnings: List[str]


# `export_format` of output_schema.
ExportFormat = Literal["prometheus", "openmetrics", "protobuf", "json", "csv"]


class _ExportMetricsRequestRequired(TypedDict):
    """What ExportMetricsRequest must have."""

    operation: Literal["export_metrics"]


class ExportMetricsRequest(AnyRequest, _ExportMetricsRequestRequired, total=False):
    """`export_metrics`: what was recorded, as prometheus, openmetrics, protobuf, json or csv."""

    # `prometheus` (the default), `openmetrics`, `protobuf`, `json` or `csv`.
    export_format: Text


class _ExportMetricsResultRequired(TypedDict):
    """What ExportMetricsResult must have."""

    # What an HTTP server would say of it.
    content_type: str
    # The format.
    export_format: ExportFormat
    # How many series there are.
    series: int


class ExportMetricsResult(AnyResult, _ExportMetricsResultRequired, total=False):
    """The result of `export_metrics`."""

    # The exposition, where it is text.
    exported_data: str
    # The exposition as base64, where it is binary.
    exported_data_base64: str


class ExportOtlpRequest(AnyRequest):
    """`export_otlp`: export what was recorded to an OTLP receiver."""

    operation: Literal["export_otlp"]


class _ExportOtlpResultRequired(TypedDict):
    """What ExportOtlpResult must have."""

    # How many data points were sent.
    data_points: int


class ExportOtlpResult(AnyResult, _ExportOtlpResultRequired, total=False):
    """The result of `export_otlp`."""

    # How many of them the receiver accepted.
    accepted: int
    # What the receiver said about them.
    message: str
    # The receiver's URL.
    receiver: str
    # How many of them it rejected.
    rejected_data_points: int


class _ExportRulesRequestRequired(TypedDict):
    """What ExportRulesRequest must have."""

    operation: Literal["export_rules"]


class ExportRulesRequest(AnyRequest, _ExportRulesRequestRequired, total=False):
    """`export_rules`: a rule file."""

    # What is not in it may stand beside it. What an alert is may not: `alerts` says that.
    alert_config: Union[AlertConfig, None]
    # Alerts of one group, with what an alert is and nothing else.
    alerts: Union[List[AlertRule], None]
    # The group of `alerts`; `plugpipe` by default.
    group: Text
    # Groups as a rule file has them, with what only some servers take too.
    groups: Union[List[RuleGroup], None]
    # How often the group of `alerts` is evaluated; as often as the server does by default.
    interval: Duration
    # The template's parameters, of which each has its own.
    parameters: Union[Dict[str, Any], None]
    # The rule file's name; `plugpipe_rules.yml` by default.
    rules_file: Text
    # Who evaluates the rules, as for `create_alert`.
    target: RulesTarget
    # The server's release, such as `3.5`.
    target_version: Text
    # The name of a template.
    template: Text


class ExportRulesResult(AnyResult):
    """The result of `export_rules`."""

    # The rule file's text.
    exported_rules: str
    # How many groups there are.
    groups: int
    # How many rules they have.
    rules: int
    # A name for the file.
    rules_file: str


class _FailedDeliveryRequired(TypedDict):
    """What FailedDelivery must have."""

    # False.
    delivered: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode


class FailedDelivery(_FailedDeliveryRequired, total=False):
    """Why a webhook has no notification."""

    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # The status that the server responded with.
    http_status: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # Values that were written nevertheless.
    written: int


class _FailureRequired(TypedDict):
    """What Failure must have."""

    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What the configuration is.
    monitoring_metadata: Metadata
    success: Literal[False]


class Failure(_FailureRequired, total=False):
    """`failure` of output_schema."""

    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # Absent where none was asked.
    exchange: Exchange
    # The path of the field to correct.
    field: str
    # The status that the server responded with.
    http_status: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The operation; absent where the request names none that there is.
    operation: str
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # What was ignored or done otherwise than asked, such as an unknown field. Absent where there is
    # nothing to say.
    warnings: List[str]
    # Values that were written nevertheless.
    written: int


class _FamilyRequired(TypedDict):
    """What Family must have."""

    # What it measures; empty where the endpoint does not say.
    help: str
    # Its name.
    name: str
    # How many samples it has.
    samples: int
    # Its type, as OpenMetrics names it.
    type: str


class Family(_FamilyRequired, total=False):
    """A metric, without its samples."""

    # Its unit.
    unit: str


_FederateRequestKeys = TypedDict(
    "_FederateRequestKeys",
    {
        # Whether it is imported into the registry; false by default.
        "import": "Flag",
        # Another name for `match`, as the API has it.
        "match[]": "Texts",
    },
    total=False,
)


class _FederateRequestRequired(TypedDict):
    """What FederateRequest must have."""

    operation: Literal["federate"]


class FederateRequest(AnyRequest, _FederateRequestKeys, _FederateRequestRequired, total=False):
    """`federate`: series of Prometheus as its /federate has them; imported or pushed if asked."""

    # What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`.
    accept: Text
    # Whether the answer has samples; false by default.
    include_samples: Flag
    # The most families and lint findings of the answer; 300 by default.
    limit: WholeNumber
    # Selectors such as `{job="a"}`; a series that one of them finds counts.
    match: Texts
    # Whether it is pushed as a group of its own; false by default.
    push: Flag
    # The format in which all of it is written again: `prometheus` or `openmetrics`.
    reexport: Text
    # The most samples of the answer; 1,000 by default.
    sample_limit: WholeNumber
    # They win over those beside it.
    scrape_config: Union[ScrapedEndpoint, None]  # type: ignore[misc]
    # The job of that group and of the scrape configuration; by default named after host and port.
    scrape_job: Text
    # Whether metrics without a type are imported as gauges; they are refused by default.
    unknown_as_gauge: Flag


class _FederateResultRequired(TypedDict):
    """What FederateResult must have."""

    # Whether series were fetched.
    federated: bool
    # How many samples there are.
    metrics_count: int


class FederateResult(AnyResult, _FederateResultRequired, total=False):
    """The result of `federate`."""

    # The size of the exposition, uncompressed.
    bytes: int
    # Its content type.
    content_type: str
    # How long fetching and reading took, in milliseconds.
    duration_ms: int
    # Exemplars that were left out of it.
    exemplars_dropped: int
    # With `reexport`: the format of `exported_data`.
    export_format: str
    # All that was received, written again.
    exported_data: str
    # The first of them.
    families: List[Family]
    # How many metrics there are.
    families_count: int
    # The format: `prometheus`, `openmetrics` or `protobuf`.
    format: str
    # With `import`: what became of that.
    imported: Imported
    # The selectors.
    match: List[str]
    # The server's URL, without credentials.
    prometheus_url: str
    # With `push`: what became of that.
    pushed: PassedOn
    # With `include_samples`: the first samples.
    samples: List[Sample]
    # Samples whose timestamps were left out of what was written again, pushed or imported.
    timestamps_dropped: int
    # Whether there are more metrics or samples than are listed.
    truncated: bool


class File(TypedDict):
    """A file for Grafana's provisioning."""

    # What is in it.
    content: str
    # Its name.
    path: str


# True or false, also as text.
Flag = Union[bool, str, None]


class _FlushMetricsRequestRequired(TypedDict):
    """What FlushMetricsRequest must have."""

    operation: Literal["flush_metrics", "push_metrics"]


class FlushMetricsRequest(AnyRequest, _FlushMetricsRequestRequired, total=False):
    """`flush_metrics`: push what no gateway has accepted yet, unless push_policy is manual."""

    # Whether to push nothing, and say only what a push would come to, or what would be lost without
    # one; false by default.
    dry_run: Flag


class _FlushMetricsResultRequired(TypedDict):
    """What FlushMetricsResult must have."""

    # Whether values have reached no gateway.
    unpushed: bool


class FlushMetricsResult(AnyResult, _FlushMetricsResultRequired, total=False):
    """The result of `flush_metrics`."""

    # Why.
    unpushed_reason: UnpushedReason


class FormatQueryRequest(AnyRequest):
    """`format_query`: a PromQL expression, laid out."""

    operation: Literal["format_query", "parse_query"]
    # The PromQL expression.
    query: Text


class _FormatQueryResultRequired(TypedDict):
    """What FormatQueryResult must have."""

    # The same, laid out.
    formatted: str
    # The PromQL expression.
    query: str


class FormatQueryResult(AnyResult, _FormatQueryResultRequired, total=False):
    """The result of `format_query`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _FoundDashboardRequired(TypedDict):
    """What FoundDashboard must have."""

    # That folder's title; empty for none.
    folder: str
    # The folder that it lies in; empty for none.
    folder_uid: str
    # Its tags.
    tags: List[str]
    # Its title.
    title: str
    # Its uid.
    uid: str


class FoundDashboard(_FoundDashboardRequired, total=False):
    """A dashboard that a search found."""

    # Its page.
    url: str


class _GenerateConfigRequestRequired(TypedDict):
    """What GenerateConfigRequest must have."""

    operation: Literal["generate_config"]


class GenerateConfigRequest(AnyRequest, _GenerateConfigRequestRequired, total=False):
    """`generate_config`: a prometheus.yml, or parts of it, and files of targets."""

    # `development`, `testing` or `production`: whose defaults hold.
    environment: Text
    # The oldest version of Prometheus that is to read it; `2.42` by default.
    for_version: Text
    # What stands in the parts.
    generate: Union[GeneratedSections, None]
    # The parts that are written; by default all that have something in them.
    parts: Union[List[str], None]


class _GenerateConfigResultRequired(TypedDict):
    """What GenerateConfigResult must have."""

    # The environment whose values were taken, or `default`.
    environment: str
    # The oldest version of Prometheus that reads the configuration, such as `2.42`.
    for_version: str
    # What the version does not have: the path, and since when there is one.
    left_out: List[str]
    # Flags that the server needs.
    needs_flags: List[str]


class GenerateConfigResult(AnyResult, _GenerateConfigResultRequired, total=False):
    """The result of `generate_config`."""

    # The text of `prometheus.yml`; absent where no part has anything in it.
    config: str
    # What Prometheus calls the file by default; absent without `config`.
    file_name: str
    # The targets as JSON, for a file that `file_sd_configs` names.
    file_sd: str
    # The same targets as an endpoint of `http_sd_configs` serves them.
    http_sd: HttpSd


_GeneratedSectionsKeys = TypedDict(
    "_GeneratedSectionsKeys",
    {
        # What holds for all jobs.
        "global": Union["GlobalSection", None],
    },
    total=False,
)


class GeneratedSections(_GeneratedSectionsKeys, total=False):
    """What stands in the parts of a `prometheus.yml`."""

    # Alertmanagers to tell of alerts.
    alertmanagers: Union[List[AlertmanagerTargets], None]
    # Jobs that scrape `/federate` of other servers, each with `match`.
    federate: Union[List[ScrapeJob], None]
    # The job of the Pushgateway; false leaves it out.
    gateway: Union[Flag, ScrapeJob]
    # The job of the plug; false leaves it out.
    plug: Union[Flag, ScrapeJob]
    # Where older samples are read.
    remote_read: Union[List[RemoteEndpoint], None]
    # Where samples are written.
    remote_write: Union[List[RemoteEndpoint], None]
    # Paths of rule files; in production `plugpipe_alerts.yml` by default.
    rule_files: Union[List[str], None]
    # Other jobs.
    scrape: Union[List[ScrapeJob], None]
    # The groups of a file of targets.
    sd_targets: Union[List[TargetGroup], None]


class _GetAlertStateRequestRequired(TypedDict):
    """What GetAlertStateRequest must have."""

    operation: Literal["get_alert_state"]


class GetAlertStateRequest(AnyRequest, _GetAlertStateRequestRequired, total=False):
    """`get_alert_state`: whether an alert is inactive, pending or firing, and since when."""

    # What is not in it may stand beside it.
    alert_config: Union[AlertConfig, None]
    # The alert's name.
    alert_name: Text
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text


class _GetAlertStateResultRequired(TypedDict):
    """What GetAlertStateResult must have."""

    # The alert's name.
    alert_name: str
    # Of several rules with that name, the state that matters most.
    state: AlertState


class GetAlertStateResult(AnyResult, _GetAlertStateResultRequired, total=False):
    """The result of `get_alert_state`."""

    # Since when it is pending or firing.
    active_since: str
    # The rules with that name. Absent in `mock_mode`.
    rules: List[HeldAlert]


# `get_dashboard`: a dashboard as Grafana holds it.
GetDashboardRequest = DeleteDashboardRequest


class _GetDashboardResultRequired(TypedDict):
    """What GetDashboardResult must have."""

    # Whether Grafana holds a dashboard of that uid.
    found: bool
    # The uid that was asked for.
    uid: str


class GetDashboardResult(AnyResult, _GetDashboardResultRequired, total=False):
    """The result of `get_dashboard`."""

    # Its JSON model.
    dashboard: Dict[str, Any]
    # The folder that it lies in; empty for none.
    folder_uid: str
    # The dashboard's title.
    title: str
    # Its page.
    url: str
    # How often it was saved.
    version: int


class GlobalSection(TypedDict, total=False):
    """What holds for all jobs."""

    # Between evaluations of rules; 15 seconds by default.
    evaluation_interval: Duration
    # Put on what leaves the server.
    external_labels: Labels
    # Between scrapes; by default the setting of that name, else the environment's.
    scrape_interval: Duration
    # For one scrape, at most the interval.
    scrape_timeout: Duration


class GrafanaStatusRequest(AnyRequest):
    """`grafana_status`: which Grafana answers, and for which organisation."""

    operation: Literal["grafana_status"]


class GrafanaStatusResult(AnyResult, total=False):
    """The result of `grafana_status`."""

    # Whether Grafana reaches its database.
    database: DatabaseStatus
    # The organisation that the plug speaks for, or why that is not known.
    organisation: Organisation
    # Grafana's version; absent where it does not disclose it.
    version: str


class _GroupRequired(TypedDict):
    """What Group must have."""

    # Its key, `job` among it.
    labels: LabelPairs
    # How many metrics it has, without those about its pushes.
    metrics: int
    # How many series they have.
    series: int


class Group(_GroupRequired, total=False):
    """A group on a Pushgateway."""

    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # `expire_groups`: whether it was deleted.
    deleted: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # Its URL; absent where its key cannot be written as one.
    group: str
    # The status that the server responded with.
    http_status: int
    # When a push to it was last refused.
    last_failure: Rfc3339
    # When a push to it was last accepted.
    last_push: Rfc3339
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # Values that were written nevertheless.
    written: int


class _GroupPushRequired(TypedDict):
    """What GroupPush must have."""

    # The group's URL.
    group: str


class GroupPush(_GroupPushRequired, total=False):
    """How the push of another group went."""

    # What the gateway would refuse, the first of it.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push did not raise, or removed.
    counters_replaced: int
    # Why.
    downgrade_reason: str
    # Native histograms of which only sum and count were pushed.
    downgraded: List[str]
    # Whether the gateway has accepted what was recorded.
    metric_pushed: bool
    # Why the push was not checked for conflicts before.
    preflight_skipped: str
    # Why a push that nobody asked for by name failed. The values stay recorded.
    push_error: str
    # The same as an error code.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


# How a server is. `healthy`: It responded with 200. `unhealthy`: It responded with another status.
# `unreachable`: It did not respond. `not_granted`: The host's grants do not allow asking it.
# `not_configured`: No URL is configured. `mock`: `mock_mode` is on.
Health = Literal["healthy", "unhealthy", "unreachable", "not_granted", "not_configured", "mock"]


class HealthCheckRequest(AnyRequest):
    """`health_check`: ask every configured server whether it is well."""

    operation: Literal["health_check"]


class HealthCheckResult(AnyResult):
    """The result of `health_check`."""

    # Alertmanager.
    alertmanager_status: Health
    # What each server that was asked responded.
    details: HealthDetails
    # Grafana.
    grafana_status: Health
    # Whether all configured servers are healthy.
    healthy: bool
    # Prometheus.
    prometheus_status: Health
    # The Pushgateway.
    pushgateway_status: Health
    # How many series are stored.
    series: int
    # Whether values have reached no gateway.
    unpushed: bool


class HealthDetails(TypedDict, total=False):
    """What each server that was asked responded."""

    # Alertmanager.
    alertmanager: ServerHealth
    # Grafana.
    grafana: ServerHealth
    # Prometheus.
    prometheus: ServerHealth
    # The Pushgateway.
    pushgateway: ServerHealth


class _HeldAlertRequired(TypedDict):
    """What HeldAlert must have."""

    # The alerts that it raises now.
    active: List[ActiveAlert]
    # The alert's name.
    alert_name: str
    # The rule's annotations.
    annotations: LabelPairs
    # The expression, as the server writes it.
    expression: str
    # The group's file or namespace.
    file: str
    # For how many seconds it must hold before the alert fires.
    for_seconds: Amount
    # Its group.
    group: str
    # Whether the rule could be evaluated: `ok`, `err` or `unknown`.
    health: str
    # The rule's labels.
    labels: LabelPairs
    # `inactive`, `pending` or `firing`.
    state: str


class HeldAlert(_HeldAlertRequired, total=False):
    """An alerting rule as a server holds it."""

    # Why the last evaluation failed. Absent if it did not.
    last_error: str


class HttpSd(TypedDict):
    """What an endpoint serves."""

    # The body.
    body: str
    # The `Content-Type`.
    content_type: str


class _ImportedRequired(TypedDict):
    """What Imported must have."""

    # Exemplars of those series; they were not.
    exemplars_dropped: int
    # Metrics of which series were imported.
    metrics: int
    # What was refused, by metric and reason: the first of it.
    refused: List[Refused]
    # How many entries `refused` would have without a bound.
    refused_count: int
    # Series that were imported.
    series: int


class Imported(_ImportedRequired, total=False):
    """What was imported into the registry."""

    # What the gateway would refuse, the first of it.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push did not raise, or removed.
    counters_replaced: int
    # Why.
    downgrade_reason: str
    # Native histograms of which only sum and count were pushed.
    downgraded: List[str]
    # How the pushes of groups went that the call is not about, because they have keys of their own.
    groups_pushed: List[GroupPush]
    # Whether the gateway has accepted what was recorded.
    metric_pushed: bool
    # Whether the configuration says `mock_mode`, so that no server was asked.
    mock: bool
    # Why the push was not checked for conflicts before.
    preflight_skipped: str
    # Why a push that nobody asked for by name failed. The values stay recorded.
    push_error: str
    # The same as an error code.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


# How it stands with rules. `installed`: They are installed, and the server lists them as they are
# wanted. `unchanged`: They were there as they are wanted. `planned`: With `dry_run`: they would be
# changed. `pending`: They are not there yet. `unverified`: They may be there: the server does not
# say all that would have to be compared.
InstallStatus = Literal["installed", "unchanged", "planned", "pending", "unverified"]


# Where rules are installed, and how. `file`: A rule file, which the host writes; then `/-/reload`.
# Prometheus, vmalert and Thanos. `mimir`: Mimir's ruler. `cortex`: Cortex's ruler. `grafana`:
# Grafana, through its converter of Prometheus's rules.
InstallTarget = Literal["file", "mimir", "cortex", "grafana"]


# `kind` of input_schema.
Kind = Union[
    Literal["counter", "gauge", "histogram", "summary", "native_histogram", "info", "stateset", ""],
    None,
]


# `kind_name` of output_schema.
KindName = Literal[
    "counter",
    "gauge",
    "histogram",
    "summary",
    "native_histogram",
    "info",
    "stateset",
]


# Names and values.
LabelPairs = Dict[str, str]


# A text, which may be empty; a number or a flag counts as its text.
LabelValue = Union[str, float, bool]


# `label_values` of input_schema.
LabelValues = Union[Literal[""], "LabelValue", None, List["LabelValue"]]


_LabelValuesRequestKeys = TypedDict(
    "_LabelValuesRequestKeys",
    {
        # Another name for `match`, as the API has it.
        "match[]": "Texts",
    },
    total=False,
)


class _LabelValuesRequestRequired(TypedDict):
    """What LabelValuesRequest must have."""

    operation: Literal["label_values"]
    # The label's name.
    label: Text


class LabelValuesRequest(AnyRequest, _LabelValuesRequestKeys, _LabelValuesRequestRequired, total=False):
    """`label_values`: the values of a label in Prometheus."""

    # The last moment.
    end: Moment
    # The most items of the answer.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series that one of them finds counts.
    match: Texts
    # The first moment.
    start: Moment


class _LabelValuesResultRequired(TypedDict):
    """What LabelValuesResult must have."""

    # How many there are.
    count: int
    # The label's name.
    label: str
    # Its values.
    values: List[str]


class LabelValuesResult(AnyResult, _LabelValuesResultRequired, total=False):
    """The result of `label_values`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


# Names and texts; a number or a flag counts as its text.
Labels = Union[Dict[str, Union[str, float, bool]], None]


class Lint(TypedDict):
    """Something that conventions for metrics advise against."""

    # The metric's name.
    metric: str
    # What was found, and what to do.
    problem: str
    # A stable word for the rule, such as `help`.
    rule: str


class _ListAlertGroupsRequestRequired(TypedDict):
    """What ListAlertGroupsRequest must have."""

    operation: Literal["list_alert_groups"]


class ListAlertGroupsRequest(AnyRequest, _ListAlertGroupsRequestRequired, total=False):
    """`list_alert_groups`: Alertmanager's alerts as it groups them for receivers."""

    # Whether alerts that are neither silenced nor inhibited are listed; true by default.
    active: Flag
    # Matchers that an alert's labels meet.
    filter: Matchers
    # Whether inhibited alerts are listed; true by default.
    inhibited: Flag
    # A regular expression for the names of the receivers that are told.
    receiver: Text
    # Whether silenced alerts are listed; true by default.
    silenced: Flag


class ListAlertGroupsResult(AnyResult):
    """The result of `list_alert_groups`."""

    # Groups of alerts as Alertmanager's API lists them.
    groups: List[Dict[str, Any]]


class ListAlertTemplatesRequest(AnyRequest):
    """`list_alert_templates`: the rules that the plug ships, and their parameters."""

    operation: Literal["list_alert_templates"]


class ListAlertTemplatesResult(AnyResult):
    """The result of `list_alert_templates`."""

    # What `template` may name.
    templates: List[AlertTemplate]


class _ListAlertsRequestRequired(TypedDict):
    """What ListAlertsRequest must have."""

    operation: Literal["list_alerts"]


class ListAlertsRequest(AnyRequest, _ListAlertsRequestRequired, total=False):
    """`list_alerts`: the alerting rules that the server holds, and their states."""

    # What is not in it may stand beside it.
    alert_config: Union[AlertConfig, None]
    # Grafana's data source that expressions are asked of.
    datasource_uid: Text
    # Only the alerts of this group; those of all by default.
    group: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's release, such as `3.5`, where it cannot be asked.
    target_version: Text


class ListAlertsResult(AnyResult):
    """The result of `list_alerts`."""

    # The alerting rules that the server holds.
    alerts: List[HeldAlert]


class _ListDashboardsRequestRequired(TypedDict):
    """What ListDashboardsRequest must have."""

    operation: Literal["list_dashboards"]


class ListDashboardsRequest(AnyRequest, _ListDashboardsRequestRequired, total=False):
    """`list_dashboards`: the dashboards that Grafana finds."""

    # The uid of the folder that it lies in.
    folder_uid: Text
    # A part of the title.
    search: Text
    # One of its tags.
    tag: Text


class ListDashboardsResult(AnyResult):
    """The result of `list_dashboards`."""

    # How many were found.
    count: int
    # Each of them.
    dashboards: List[FoundDashboard]


class _ListGroupsRequestRequired(TypedDict):
    """What ListGroupsRequest must have."""

    operation: Literal["list_groups"]


class ListGroupsRequest(AnyRequest, _ListGroupsRequestRequired, total=False):
    """`list_groups`: every group on the Pushgateway, with its last push."""

    # Only groups that have these.
    labels: Labels


class ListGroupsResult(AnyResult, total=False):
    """The result of `list_groups`."""

    # How many groups are listed.
    count: int
    # `expire_groups`: how many of them were deleted.
    deleted: int
    # The groups.
    groups: List[Group]


_ListLabelsRequestKeys = TypedDict(
    "_ListLabelsRequestKeys",
    {
        # Another name for `match`, as the API has it.
        "match[]": "Texts",
    },
    total=False,
)


class _ListLabelsRequestRequired(TypedDict):
    """What ListLabelsRequest must have."""

    operation: Literal["list_labels"]


class ListLabelsRequest(AnyRequest, _ListLabelsRequestKeys, _ListLabelsRequestRequired, total=False):
    """`list_labels`: the names of labels in Prometheus."""

    # The last moment.
    end: Moment
    # The most items of the answer.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series that one of them finds counts.
    match: Texts
    # The first moment.
    start: Moment


class _ListLabelsResultRequired(TypedDict):
    """What ListLabelsResult must have."""

    # How many there are.
    count: int
    # The names.
    labels: List[str]


class ListLabelsResult(AnyResult, _ListLabelsResultRequired, total=False):
    """The result of `list_labels`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _ListMetadataRequestRequired(TypedDict):
    """What ListMetadataRequest must have."""

    operation: Literal["list_metadata"]


class ListMetadataRequest(AnyRequest, _ListMetadataRequestRequired, total=False):
    """`list_metadata`: type, help and unit of metrics in Prometheus."""

    # The most metrics.
    limit: WholeNumber
    # The most entries of one metric.
    limit_per_metric: WholeNumber
    # The metric; all of them by default.
    metric: Text


class _ListMetadataResultRequired(TypedDict):
    """What ListMetadataResult must have."""

    # For each metric a list of what its targets say of it: `type`, `help` and `unit`.
    metadata: Dict[str, Any]


class ListMetadataResult(AnyResult, _ListMetadataResultRequired, total=False):
    """The result of `list_metadata`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _ListNotifiedAlertsRequestRequired(TypedDict):
    """What ListNotifiedAlertsRequest must have."""

    operation: Literal["list_notified_alerts"]


class ListNotifiedAlertsRequest(AnyRequest, _ListNotifiedAlertsRequestRequired, total=False):
    """`list_notified_alerts`: the alerts that Alertmanager holds."""

    # Whether alerts that are neither silenced nor inhibited are listed; true by default.
    active: Flag
    # Matchers that an alert's labels meet.
    filter: Matchers
    # Whether inhibited alerts are listed; true by default.
    inhibited: Flag
    # A regular expression for the names of the receivers that are told.
    receiver: Text
    # Whether silenced alerts are listed; true by default.
    silenced: Flag
    # Whether alerts that Alertmanager has not looked at yet are listed; true by default.
    unprocessed: Flag


class ListNotifiedAlertsResult(AnyResult):
    """The result of `list_notified_alerts`."""

    # Alerts as Alertmanager's API lists them.
    alerts: List[Dict[str, Any]]


class ListPrometheusAlertsRequest(AnyRequest):
    """`list_prometheus_alerts`: alerts that are pending or firing in Prometheus."""

    operation: Literal["list_prometheus_alerts"]


class _ListPrometheusAlertsResultRequired(TypedDict):
    """What ListPrometheusAlertsResult must have."""

    # Alerts that are pending or firing, as Prometheus has them.
    alerts: List[Dict[str, Any]]
    # How many there are.
    count: int


class ListPrometheusAlertsResult(AnyResult, _ListPrometheusAlertsResultRequired, total=False):
    """The result of `list_prometheus_alerts`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class ListReceiversRequest(AnyRequest):
    """`list_receivers`: Alertmanager's receivers."""

    operation: Literal["list_receivers"]


class ListReceiversResult(AnyResult):
    """The result of `list_receivers`."""

    # Receivers as Alertmanager's API lists them.
    receivers: List[Dict[str, Any]]


_ListRulesRequestKeys = TypedDict(
    "_ListRulesRequestKeys",
    {
        # Another name for `match`, as the API has it.
        "match[]": "Texts",
    },
    total=False,
)


class _ListRulesRequestRequired(TypedDict):
    """What ListRulesRequest must have."""

    operation: Literal["list_rules"]


class ListRulesRequest(AnyRequest, _ListRulesRequestKeys, _ListRulesRequestRequired, total=False):
    """`list_rules`: Prometheus's groups of rules."""

    # Whether the alerts that rules raised are left out.
    exclude_alerts: Flag
    # Only rules of these files.
    file: Texts
    # Only rules whose labels one of these selectors finds.
    match: Texts
    # Only rules of the groups of these names.
    rule_group: Texts
    # Only rules of these names.
    rule_name: Texts
    # Only rules of this kind. `alert`: Alerts. `record`: Series.
    type: Union[Literal["alert", "record", ""], None]


class _ListRulesResultRequired(TypedDict):
    """What ListRulesResult must have."""

    # How many there are.
    count: int
    # Groups of rules, as Prometheus has them.
    groups: List[Dict[str, Any]]


class ListRulesResult(AnyResult, _ListRulesResultRequired, total=False):
    """The result of `list_rules`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


_ListSeriesRequestKeys = TypedDict(
    "_ListSeriesRequestKeys",
    {
        # Another name for `match`, as the API has it.
        "match[]": "Texts",
    },
    total=False,
)


class _ListSeriesRequestRequired(TypedDict):
    """What ListSeriesRequest must have."""

    operation: Literal["list_series"]


class ListSeriesRequest(AnyRequest, _ListSeriesRequestKeys, _ListSeriesRequestRequired, total=False):
    """`list_series`: the series that match finds in Prometheus."""

    # The last moment.
    end: Moment
    # The most items of the answer.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series that one of them finds counts.
    match: Texts
    # The first moment.
    start: Moment


class _ListSeriesResultRequired(TypedDict):
    """What ListSeriesResult must have."""

    # How many there are.
    count: int
    # The labels of each series.
    series: List[LabelPairs]


class ListSeriesResult(AnyResult, _ListSeriesResultRequired, total=False):
    """The result of `list_series`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _ListSilencesRequestRequired(TypedDict):
    """What ListSilencesRequest must have."""

    operation: Literal["list_silences"]


class ListSilencesRequest(AnyRequest, _ListSilencesRequestRequired, total=False):
    """`list_silences`: Alertmanager's silences."""

    # Matchers that a silence has.
    filter: Matchers


class ListSilencesResult(AnyResult):
    """The result of `list_silences`."""

    # Silences as Alertmanager's API lists them.
    silences: List[Dict[str, Any]]


class _ListTargetsRequestRequired(TypedDict):
    """What ListTargetsRequest must have."""

    operation: Literal["list_targets"]


class ListTargetsRequest(AnyRequest, _ListTargetsRequestRequired, total=False):
    """`list_targets`: what Prometheus scrapes, and how that goes."""

    # Only those of this scrape pool.
    scrape_pool: Text
    # Which targets; all of them by default. `any`: All of them. `active`: Those that are scraped.
    # `dropped`: Those that relabelling dropped.
    state: Union[Literal["any", "active", "dropped", ""], None]


class _ListTargetsResultRequired(TypedDict):
    """What ListTargetsResult must have."""

    # `activeTargets` and `droppedTargets`, as Prometheus has them.
    targets: Dict[str, Any]


class ListTargetsResult(AnyResult, _ListTargetsResultRequired, total=False):
    """The result of `list_targets`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _MatcherRequired(TypedDict):
    """What Matcher must have."""

    # The label's name.
    name: Text
    # What it is compared with. An empty text is that of a label that is not there.
    value: Union[LabelValue, None]


class Matcher(_MatcherRequired, total=False):
    """One condition on one label."""

    # Another name for `is_equal`, as the API has it.
    isEqual: Flag
    # Another name for `is_regex`, as the API has it.
    isRegex: Flag
    # Whether it must match; true by default.
    is_equal: Flag
    # Whether `value` is a regular expression, which must match the whole; false by default.
    is_regex: Flag


# `matchers` of input_schema.
Matchers = Union["Text", "Matcher", List[Union["Text", "Matcher"]]]


class _MetadataRequired(TypedDict):
    """What Metadata must have."""

    # The job under which metrics are pushed.
    job_name: str
    # How often the plug's metrics are to be scraped.
    scrape_interval: str


class Metadata(_MetadataRequired, total=False):
    """What the configuration is, without credentials."""

    # The Pushgateway's URL.
    gateway_url: str
    # The instance.
    instance: str
    # Prometheus's URL.
    prometheus_url: str


class Metric(TypedDict, total=False):
    """`metric` of input_schema."""

    # Bounds of a histogram's buckets, rising. A last `+Inf` may be written.
    buckets: Union[List[Union[float, str]], None]
    # Another name for `help`.
    description: Text
    # A series that nothing was recorded to for so long is removed.
    expire_after: Duration
    # What the metric means, for its `# HELP` line. The first text given stays.
    help: Text
    # The series' labels.
    labels: Labels
    # Another name for `name`.
    metric_name: Union[LabelValue, None]
    # Another name for `type`.
    metric_type: Kind
    # Another name for `value`.
    metric_value: Number
    # The metric's name.
    name: Union[LabelValue, None]
    # The form of a native histogram.
    native: Union[Native, None]
    # Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
    quantiles: Union[List[Union[float, str]], None]
    # The most series of the metric; past it, an overflow series takes what is recorded to more.
    series_limit: WholeNumber
    # The names of a state set's states.
    states: Union[List[str], None]
    # What is recorded as; `gauge` by default.
    type: Kind
    # What is measured in, such as `seconds`; the metric's name ends with it.
    unit: Text
    # Whether names of the metric and of labels may be any text.
    utf8: Flag
    # The value, as for one record.
    value: Number
    # How far back a summary's quantiles look.
    window: Duration


# RFC 3339, Unix seconds, or relative to now: now, now-1h, now+2d.
Moment = Union[str, float, None]


class NamedChange(TypedDict):
    """What happens to a rule."""

    # What happens to it.
    change: Change
    # The name of the alert or of the recorded metric.
    name: str


class Native(TypedDict, total=False):
    """The form of a native histogram; what is not given has Prometheus's default."""

    # With more buckets than these, the schema becomes coarser.
    max_buckets: WholeNumber
    # How fine the buckets are: a whole number from -4 to 8.
    schema: Number
    # Values no farther from zero count as zero.
    zero_threshold: Number


class NativeBucket(TypedDict):
    """A bucket of a native histogram."""

    # How many observations are in it.
    count: Amount
    # Its place: the upper bound is 2^(2^-schema) to the power of this.
    index: int


class NativeSample(TypedDict):
    """A native histogram."""

    # How many observations there are.
    count: Amount
    # The buckets of negative ones.
    negative: List[NativeBucket]
    # The buckets of positive observations.
    positive: List[NativeBucket]
    # The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
    schema: int
    # The sum of observations.
    sum: Amount
    # Observations that count as zero.
    zero_count: Amount
    # Up to this magnitude an observation counts as zero.
    zero_threshold: Amount


class _NotifyWebhookRequestRequired(TypedDict):
    """What NotifyWebhookRequest must have."""

    operation: Literal["notify_webhook"]


class NotifyWebhookRequest(AnyRequest, _NotifyWebhookRequestRequired, total=False):
    """`notify_webhook`: post alerts to a webhook, in Alertmanager's form."""

    # The label `alertname`.
    alert_name: Text
    # The alerts; without them the one that stands beside is meant.
    alerts: Union[List[Alert], None]
    # What people are told.
    annotations: Labels
    # Another name for `ends_at`, as the API has it.
    endsAt: Moment
    # When it ended, or will have ended if nobody says more.
    ends_at: Moment
    # Another name for `generator_url`, as the API has it.
    generatorURL: Text
    # Where people see what made it.
    generator_url: Text
    # Who it is: two alerts with the same labels are the same.
    labels: Labels
    # What the body names as its receiver; the plug's name by default.
    receiver: Text
    # The label `severity`.
    severity: Text
    # Another name for `starts_at`, as the API has it.
    startsAt: Moment
    # Since when it holds; the server's now by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any text.
    utf8: Flag


class _NotifyWebhookResultRequired(TypedDict):
    """What NotifyWebhookResult must have."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # Whether the receiver responded with a status of 2xx.
    delivered: bool
    # The receiver, without its secrets.
    webhook_url: str


class NotifyWebhookResult(AnyResult, _NotifyWebhookResultRequired, total=False):
    """The result of `notify_webhook`."""

    # The status that the receiver responded with.
    http_status: int
    # Whether the body was signed with `webhook_secret`.
    signed: bool


# Templates may give a text for a number.
Number = Union[float, str, None]


class Organisation(TypedDict, total=False):
    """An organisation of a Grafana, or why it is not known."""

    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # The status that the server responded with.
    http_status: int
    # Its id.
    id: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # Its name.
    name: str
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # Values that were written nevertheless.
    written: int


class Overflow(TypedDict):
    """A limit of series was reached, and the value went to the metric's overflow series."""

    # How many values that label has.
    distinct_values: int
    # The label with the most values.
    label: str
    # The metric.
    metric: str
    # The same as a sentence.
    text: str


# `parse_query`: a PromQL expression as a tree (Prometheus 3).
ParseQueryRequest = FormatQueryRequest


class _ParseQueryResultRequired(TypedDict):
    """What ParseQueryResult must have."""

    # The PromQL expression.
    query: str
    # The tree that the server's parser makes of it.
    syntax_tree: Dict[str, Any]


class ParseQueryResult(AnyResult, _ParseQueryResultRequired, total=False):
    """The result of `parse_query`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _PassedOnRequired(TypedDict):
    """What PassedOn must have."""

    # The group's URL.
    group: str
    # Whether the gateway has accepted it.
    metric_pushed: bool


class PassedOn(_PassedOnRequired, total=False):
    """How the push of a scrape went."""

    # How many metrics were pushed.
    metrics: int
    # Why the push was not checked for conflicts before.
    preflight_skipped: str
    # Why nothing was pushed.
    reason: str
    # How many samples were pushed.
    samples: int


# `plan_alerts`: what apply_alerts would change.
PlanAlertsRequest = ApplyAlertsRequest


class _PlanAlertsResultRequired(TypedDict):
    """What PlanAlertsResult must have."""

    # How many rules were there otherwise.
    changed: int
    # The same by group and rule.
    changes: List[RuleChange]
    # How many rules were not there.
    created: int
    # True: nothing was changed.
    dry_run: bool
    # How many rules were there, and are no longer wanted.
    removed: int
    # How it stands.
    status: InstallStatus
    # Where the rules go.
    target: InstallTarget
    # How many rules were there as they are wanted.
    unchanged: int


class PlanAlertsResult(AnyResult, _PlanAlertsResultRequired, total=False):
    """The result of `plan_alerts`."""

    # Files to be written or removed where no host does that.
    artifacts: List[Artifact]
    # For the other targets: the groups' namespace, or folder.
    namespace: str
    # What is missing.
    pending: str
    # Where reloading failed: whether the server refused what is in the file.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # By hosts with a rules folder: whether the file was removed, and stays so.
    rules_file_removed: bool
    # By hosts with a rules folder: whether the file was written, and stays.
    rules_file_written: bool


# `plan_dashboards`: what apply_dashboards would do.
PlanDashboardsRequest = ApplyDashboardsRequest


# The result of `plan_dashboards`.
PlanDashboardsResult = ApplyDashboardsResult


class Position(TypedDict):
    """A place in a text, counted from 1."""

    # The column, in bytes of UTF-8.
    column: int
    # The line.
    line: int


class _PrometheusStatusRequestRequired(TypedDict):
    """What PrometheusStatusRequest must have."""

    operation: Literal["prometheus_status"]


class PrometheusStatusRequest(AnyRequest, _PrometheusStatusRequestRequired, total=False):
    """`prometheus_status`: what the Prometheus server is and how it runs."""

    # What is to be told; `build`, `runtime` and `tsdb` by default.
    include: StatusParts


class PrometheusStatusResult(AnyResult, total=False):
    """The result of `prometheus_status`."""

    # The version and how it was built.
    build: Dict[str, Any]
    # Its configuration, secrets hidden by the server.
    config: Dict[str, Any]
    # Its command line.
    flags: Dict[str, Any]
    # How the server runs.
    runtime: Dict[str, Any]
    # What its database holds.
    tsdb: Dict[str, Any]
    # Parts that the server does not give, and why.
    unavailable: LabelPairs


# `push_metrics`: put what was recorded into this plug's group on the Pushgateway.
PushMetricsRequest = FlushMetricsRequest


class PushMetricsResult(AnyResult, total=False):
    """The result of `push_metrics`."""

    # With `push_mode: delete`: whether the group was deleted.
    deleted: bool
    # Whether nothing was sent, because `dry_run` says so.
    dry_run: bool
    # The group's URL.
    group: str
    # How many series the group has.
    series: int
    # With `dry_run`: whether the gateway would accept the push.
    would_be_accepted: bool


class _QueryExemplarsRequestRequired(TypedDict):
    """What QueryExemplarsRequest must have."""

    operation: Literal["query_exemplars"]
    # The PromQL expression.
    query: Text


class QueryExemplarsRequest(AnyRequest, _QueryExemplarsRequestRequired, total=False):
    """`query_exemplars`: the exemplars of an expression's series."""

    # The last moment.
    end: Moment
    # The first moment.
    start: Moment


class _QueryExemplarsResultRequired(TypedDict):
    """What QueryExemplarsResult must have."""

    # For each series its labels and exemplars, as Prometheus has them.
    exemplars: List[Dict[str, Any]]


class QueryExemplarsResult(AnyResult, _QueryExemplarsResultRequired, total=False):
    """The result of `query_exemplars`."""

    # What the server remarked.
    infos: List[str]
    # What the server warned of.
    warnings: List[str]


class _QueryMetricsRequestRequired(TypedDict):
    """What QueryMetricsRequest must have."""

    operation: Literal["query_metrics"]
    # The PromQL expression.
    query: Text


class QueryMetricsRequest(AnyRequest, _QueryMetricsRequestRequired, total=False):
    """`query_metrics`: PromQL, at an instant or over a time_range."""

    # The most series; Prometheus takes it from 3.0 on.
    limit: WholeNumber
    # How old a sample may be to count.
    lookback_delta: Duration
    # Whether to tell what the query cost: `all` for each step too.
    stats: Text
    # The instant to evaluate it at, unless there is a `time_range`; now by default.
    time: Moment
    # The range to evaluate it over.
    time_range: Union[TimeRange, None]


class _QueryMetricsResultRequired(TypedDict):
    """What QueryMetricsResult must have."""

    # The PromQL expression.
    query: str
    # What the expression's value is.
    query_result: QueryResult
    # When the plug asked.
    timestamp: Rfc3339


class QueryMetricsResult(AnyResult, _QueryMetricsResultRequired, total=False):
    """The result of `query_metrics`."""

    # What the server remarked.
    infos: List[str]
    # How many requests the range was split into, where it was.
    parts: int
    # With `stats`: what the query cost; of a range in parts, what the first part did.
    stats: Dict[str, Any]
    # The step, where it was raised because there would have been too many points.
    step_raised_to_seconds: Amount
    # What the server warned of.
    warnings: List[str]


class QueryResult(TypedDict):
    """The value of an expression, in the form of Prometheus's API."""

    # The value: its times are numbers of seconds, its numbers texts, among them `NaN` and `+Inf`.
    result: List[Any]
    # What kind of value it is.
    resultType: Literal["vector", "matrix", "scalar", "string"]


class _RecordCounterRequestRequired(TypedDict):
    """What RecordCounterRequest must have."""

    operation: Literal["record_counter", "record_gauge", "record_histogram", "record_summary"]
    # The metric's name.
    metric_name: Union[LabelValue, None]
    # Added to a counter, set on a gauge, observed by the others. An info and a state set need none.
    metric_value: Number


class RecordCounterRequest(AnyRequest, _RecordCounterRequestRequired, total=False):
    """`record_counter`: add to a counter."""

    # Bounds of a histogram's buckets, rising. A last `+Inf` may be written.
    buckets: Union[List[Union[float, str]], None]
    # Another name for `help`.
    description: Text
    # An example of what was recorded, such as a trace's id: labels of at most 128 characters
    # together.
    exemplar: Labels
    # A series that nothing was recorded to for so long is removed.
    expire_after: Duration
    # What the metric means, for its `# HELP` line. The first text given stays.
    help: Text
    # The series' labels.
    labels: Labels
    # What `record_metric` records as; `gauge` by default.
    metric_type: Kind
    # The form of a native histogram.
    native: Union[Native, None]
    # Whether the state holds; true by default.
    on: Flag
    # Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
    quantiles: Union[List[Union[float, str]], None]
    # The most series of the metric; past it, an overflow series takes what is recorded to more.
    series_limit: WholeNumber
    # The state of a state set to switch.
    state: Text
    # The names of a state set's states.
    states: Union[List[str], None]
    # When the value was taken. It is said in the answer, not exposed.
    timestamp: Moment
    # What is measured in, such as `seconds`; the metric's name ends with it.
    unit: Text
    # Whether names of the metric and of labels may be any text.
    utf8: Flag
    # How far back a summary's quantiles look.
    window: Duration


class _RecordCounterResultRequired(TypedDict):
    """What RecordCounterResult must have."""

    # The series' labels, as they were given.
    labels: LabelPairs
    # The metric's name.
    metric_name: str
    # What it was recorded as.
    metric_type: KindName
    # What was recorded: added to a counter, set on a gauge, observed by the others.
    metric_value: Amount
    # When the value was taken: what the request said, else now.
    timestamp: Rfc3339
    # Whether the gateway has accepted what was recorded.
    metric_pushed: bool


class RecordCounterResult(AnyResult, _RecordCounterResultRequired, total=False):  # type: ignore[misc]
    """The result of `record_counter`."""

    # How many values a histogram or summary observed.
    count: int
    # The value of a counter or gauge.
    current_value: Amount
    # Where the value went, if the metric's limit of series kept it from its own one.
    overflow: Overflow
    # Which states of a state set hold.
    states_on: List[str]
    # The sum of what they observed.
    sum: Amount


# `record_gauge`: set a gauge.
RecordGaugeRequest = RecordCounterRequest


# The result of `record_gauge`.
RecordGaugeResult = RecordCounterResult


# `record_histogram`: observe a value in a histogram.
RecordHistogramRequest = RecordCounterRequest


# The result of `record_histogram`.
RecordHistogramResult = RecordCounterResult


class _RecordMetricRequestRequired(TypedDict):
    """What RecordMetricRequest must have."""

    # The metric's name.
    metric_name: Union[LabelValue, None]


class RecordMetricRequest(AnyRequest, _RecordMetricRequestRequired, total=False):
    """`record_metric`: record a value; metric_type says as what (default gauge)."""

    operation: Union[Literal["record_metric"], None]
    # Bounds of a histogram's buckets, rising. A last `+Inf` may be written.
    buckets: Union[List[Union[float, str]], None]
    # Another name for `help`.
    description: Text
    # An example of what was recorded, such as a trace's id: labels of at most 128 characters
    # together.
    exemplar: Labels
    # A series that nothing was recorded to for so long is removed.
    expire_after: Duration
    # What the metric means, for its `# HELP` line. The first text given stays.
    help: Text
    # The series' labels.
    labels: Labels
    # What `record_metric` records as; `gauge` by default.
    metric_type: Kind
    # Added to a counter, set on a gauge, observed by the others. An info and a state set need none.
    metric_value: Number
    # The form of a native histogram.
    native: Union[Native, None]
    # Whether the state holds; true by default.
    on: Flag
    # Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
    quantiles: Union[List[Union[float, str]], None]
    # The most series of the metric; past it, an overflow series takes what is recorded to more.
    series_limit: WholeNumber
    # The state of a state set to switch.
    state: Text
    # The names of a state set's states.
    states: Union[List[str], None]
    # When the value was taken. It is said in the answer, not exposed.
    timestamp: Moment
    # What is measured in, such as `seconds`; the metric's name ends with it.
    unit: Text
    # Whether names of the metric and of labels may be any text.
    utf8: Flag
    # How far back a summary's quantiles look.
    window: Duration


# The result of `record_metric`.
RecordMetricResult = RecordCounterResult


class _RecordMultipleMetricsRequestRequired(TypedDict):
    """What RecordMultipleMetricsRequest must have."""

    operation: Literal["record_multiple_metrics"]
    # What to record, all or none.
    metrics: List[Metric]


class RecordMultipleMetricsRequest(AnyRequest, _RecordMultipleMetricsRequestRequired, total=False):
    """`record_multiple_metrics`: record a list of metrics, all or none, with one push."""

    # When the values were taken. It is said in the answer, not exposed.
    timestamp: Moment


class RecordMultipleMetricsResult(AnyResult):
    """The result of `record_multiple_metrics`."""

    # Each of them, in the request's order.
    metrics: List[Recorded]
    # How many metrics were recorded: all of the request.
    metrics_recorded: int
    # When the value was taken: what the request said, else now.
    timestamp: Rfc3339
    # Whether the gateway has accepted what was recorded.
    metric_pushed: bool  # type: ignore[misc]


# `record_summary`: observe a value in a summary.
RecordSummaryRequest = RecordCounterRequest


# The result of `record_summary`.
RecordSummaryResult = RecordCounterResult


class _RecordedRequired(TypedDict):
    """What Recorded must have."""

    # The series' labels, as they were given.
    labels: LabelPairs
    # The metric's name.
    metric_name: str
    # What it was recorded as.
    metric_type: KindName
    # What was recorded: added to a counter, set on a gauge, observed by the others.
    metric_value: Amount


class Recorded(_RecordedRequired, total=False):
    """One recorded metric, and what its series holds now."""

    # How many values a histogram or summary observed.
    count: int
    # The value of a counter or gauge.
    current_value: Amount
    # Where the value went, if the metric's limit of series kept it from its own one.
    overflow: Overflow
    # Which states of a state set hold.
    states_on: List[str]
    # The sum of what they observed.
    sum: Amount


class Refused(TypedDict):
    """What was not imported of a metric."""

    # The metric's name.
    metric: str
    # Why, and what to do.
    reason: str
    # How many of its series are concerned.
    series: int


class _RegisterMetricRequestRequired(TypedDict):
    """What RegisterMetricRequest must have."""

    operation: Literal["register_metric"]
    # The metric's name.
    metric_name: Union[LabelValue, None]


class RegisterMetricRequest(AnyRequest, _RegisterMetricRequestRequired, total=False):
    """`register_metric`: say what a metric is before anything is recorded to it."""

    # Bounds of a histogram's buckets, rising. A last `+Inf` may be written.
    buckets: Union[List[Union[float, str]], None]
    # Another name for `help`.
    description: Text
    # A series that nothing was recorded to for so long is removed.
    expire_after: Duration
    # What the metric means, for its `# HELP` line. The first text given stays.
    help: Text
    # The names of its labels.
    label_names: Union[List[str], None]
    # The metric's kind; `gauge` by default.
    metric_type: Kind
    # The form of a native histogram.
    native: Union[Native, None]
    # Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
    quantiles: Union[List[Union[float, str]], None]
    # The most series of the metric; past it, an overflow series takes what is recorded to more.
    series_limit: WholeNumber
    # The names of a state set's states.
    states: Union[List[str], None]
    # What is measured in, such as `seconds`; the metric's name ends with it.
    unit: Text
    # Whether names of the metric and of labels may be any text.
    utf8: Flag
    # How far back a summary's quantiles look.
    window: Duration


class RegisterMetricResult(AnyResult):
    """The result of `register_metric`."""

    # The family's number, for the typed interfaces.
    family: int
    # The metric's name.
    metric_name: str
    # What it will be recorded as.
    metric_type: KindName


class _RemoteEndpointRequired(TypedDict):
    """What RemoteEndpoint must have."""

    # Its URL.
    url: Text


class RemoteEndpoint(_RemoteEndpointRequired, total=False):
    """An endpoint of remote write or remote read."""

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A file with a token, on the Prometheus server.
    bearer_token_file: Text
    # To write only: whether exemplars are sent.
    exemplars: Flag
    # Further headers, none of which is a secret.
    headers: Labels
    # A name, which no other one has.
    name: Text
    # To write only: whether native histograms are sent.
    native_histograms: Flag
    # To write only: `1.0` (the default) or `2.0`.
    protocol: Text
    # A proxy to go through, as a URL.
    proxy_url: Text
    # To read only: whether samples are read that the server should have itself.
    read_recent: Flag
    # Sent as `X-Scope-OrgID`.
    tenant: Text
    # For one request.
    timeout: Duration
    # Certificates.
    tls: Union[TlsFiles, None]


class RemoteWriteMetricsRequest(AnyRequest):
    """`remote_write_metrics`: write what was recorded to a remote-write receiver."""

    operation: Literal["remote_write_metrics"]


class _RemoteWriteMetricsResultRequired(TypedDict):
    """What RemoteWriteMetricsResult must have."""

    # What the receiver wrote; what was sent, where it does not say.
    written: Written


class RemoteWriteMetricsResult(AnyResult, _RemoteWriteMetricsResultRequired, total=False):
    """The result of `remote_write_metrics`."""

    # Whether the receiver said how much it wrote.
    confirmed: bool
    # Values that were given up, because the send queue was full.
    dropped: int
    # Values that go out with the next write.
    pending: int
    # The receiver's URL.
    receiver: str
    # How many requests were sent.
    requests: int
    # The protocol's version.
    version: str


class _RemoveMetricRequestRequired(TypedDict):
    """What RemoveMetricRequest must have."""

    operation: Literal["remove_metric"]
    # The metric's name.
    metric_name: Union[LabelValue, None]


class RemoveMetricRequest(AnyRequest, _RemoveMetricRequestRequired, total=False):
    """`remove_metric`: remove one series."""

    # All labels of the series.
    labels: Labels
    # Whether names of the metric and of labels may be any text.
    utf8: Flag


class RemoveMetricResult(AnyResult):
    """The result of `remove_metric`."""

    # The metric's name.
    metric_name: str
    # Whether there was such a series.
    removed: bool


class _ReplacedRequired(TypedDict):
    """What Replaced must have."""

    # The series, as PromQL would select it.
    series: str
    # What the gateway had.
    stored: Amount


class Replaced(_ReplacedRequired, total=False):
    """A counter of a group that a push did not raise."""

    # What was pushed; absent where the push removed the series.
    pushed: Amount


class Requests(TypedDict):
    """The request of each operation."""

    alertmanager_status: AlertmanagerStatusRequest
    annotate: AnnotateRequest
    apply_alerts: ApplyAlertsRequest
    apply_dashboards: ApplyDashboardsRequest
    clear_metrics: ClearMetricsRequest
    create_alert: CreateAlertRequest
    create_dashboard: CreateDashboardRequest
    create_silence: CreateSilenceRequest
    datasource_health: DatasourceHealthRequest
    delete_alert: DeleteAlertRequest
    delete_dashboard: DeleteDashboardRequest
    delete_metrics: DeleteMetricsRequest
    describe: DescribeRequest
    discover_targets: DiscoverTargetsRequest
    ensure_datasource: EnsureDatasourceRequest
    expire_groups: ExpireGroupsRequest
    expire_silence: ExpireSilenceRequest
    export_dashboards: ExportDashboardsRequest
    export_metrics: ExportMetricsRequest
    export_otlp: ExportOtlpRequest
    export_rules: ExportRulesRequest
    federate: FederateRequest
    flush_metrics: FlushMetricsRequest
    format_query: FormatQueryRequest
    generate_config: GenerateConfigRequest
    get_alert_state: GetAlertStateRequest
    get_dashboard: GetDashboardRequest
    grafana_status: GrafanaStatusRequest
    health_check: HealthCheckRequest
    label_values: LabelValuesRequest
    list_alert_groups: ListAlertGroupsRequest
    list_alert_templates: ListAlertTemplatesRequest
    list_alerts: ListAlertsRequest
    list_dashboards: ListDashboardsRequest
    list_groups: ListGroupsRequest
    list_labels: ListLabelsRequest
    list_metadata: ListMetadataRequest
    list_notified_alerts: ListNotifiedAlertsRequest
    list_prometheus_alerts: ListPrometheusAlertsRequest
    list_receivers: ListReceiversRequest
    list_rules: ListRulesRequest
    list_series: ListSeriesRequest
    list_silences: ListSilencesRequest
    list_targets: ListTargetsRequest
    notify_webhook: NotifyWebhookRequest
    parse_query: ParseQueryRequest
    plan_alerts: PlanAlertsRequest
    plan_dashboards: PlanDashboardsRequest
    prometheus_status: PrometheusStatusRequest
    push_metrics: PushMetricsRequest
    query_exemplars: QueryExemplarsRequest
    query_metrics: QueryMetricsRequest
    record_counter: RecordCounterRequest
    record_gauge: RecordGaugeRequest
    record_histogram: RecordHistogramRequest
    record_metric: RecordMetricRequest
    record_multiple_metrics: RecordMultipleMetricsRequest
    record_summary: RecordSummaryRequest
    register_metric: RegisterMetricRequest
    remote_write_metrics: RemoteWriteMetricsRequest
    remove_metric: RemoveMetricRequest
    resolve_alerts: ResolveAlertsRequest
    restore_metrics: RestoreMetricsRequest
    scrape_endpoint: ScrapeEndpointRequest
    send_alerts: SendAlertsRequest
    snapshot_metrics: SnapshotMetricsRequest


class _ResolveAlertsRequestRequired(TypedDict):
    """What ResolveAlertsRequest must have."""

    operation: Literal["resolve_alerts", "send_alerts"]


class ResolveAlertsRequest(AnyRequest, _ResolveAlertsRequestRequired, total=False):
    """`resolve_alerts`: tell Alertmanager that alerts have ended."""

    # The label `alertname`.
    alert_name: Text
    # The alerts; without them the one that stands beside is meant.
    alerts: Union[List[Alert], None]
    # What people are told.
    annotations: Labels
    # Another name for `ends_at`, as the API has it.
    endsAt: Moment
    # When it ended, or will have ended if nobody says more.
    ends_at: Moment
    # Another name for `generator_url`, as the API has it.
    generatorURL: Text
    # Where people see what made it.
    generator_url: Text
    # Who it is: two alerts with the same labels are the same.
    labels: Labels
    # The label `severity`.
    severity: Text
    # Another name for `starts_at`, as the API has it.
    startsAt: Moment
    # Since when it holds; the server's now by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any text.
    utf8: Flag


class ResolveAlertsResult(AnyResult):
    """The result of `resolve_alerts`."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # How many alerts Alertmanager took as ended; 0 in `mock_mode`.
    alerts_resolved: int


class _ResponseScrapeJobRequired(TypedDict):
    """What ResponseScrapeJob must have."""

    # The job's name.
    job_name: str
    # The path.
    metrics_path: str
    # `http` or `https`.
    scheme: str
    # Between two scrapes.
    scrape_interval: str
    # For a whole scrape; never more than the interval, which Prometheus would refuse.
    scrape_timeout: str
    # The target.
    static_configs: List[StaticTargets]


class ResponseScrapeJob(_ResponseScrapeJobRequired, total=False):
    """An entry of `scrape_configs`."""

    # The fields of the URL's query.
    params: Dict[str, List[str]]


class ResponseTargetGroup(TypedDict):
    """Targets that share their labels."""

    # Their labels. Names that begin with `__` steer the scrape.
    labels: LabelPairs
    # Each of them.
    targets: List[DiscoveredTarget]


class RestoreMetricsRequest(AnyRequest):
    """`restore_metrics`: replace all that is held by a snapshot."""

    operation: Literal["restore_metrics"]
    # What `snapshot_metrics` answered, in base64.
    snapshot: Text


class RestoreMetricsResult(AnyResult):
    """The result of `restore_metrics`."""

    # How many series there are.
    series: int


class Results(TypedDict):
    """The result of each operation."""

    alertmanager_status: AlertmanagerStatusResult
    annotate: AnnotateResult
    apply_alerts: ApplyAlertsResult
    apply_dashboards: ApplyDashboardsResult
    clear_metrics: ClearMetricsResult
    create_alert: CreateAlertResult
    create_dashboard: CreateDashboardResult
    create_silence: CreateSilenceResult
    datasource_health: DatasourceHealthResult
    delete_alert: DeleteAlertResult
    delete_dashboard: DeleteDashboardResult
    delete_metrics: DeleteMetricsResult
    describe: DescribeResult
    discover_targets: DiscoverTargetsResult
    ensure_datasource: EnsureDatasourceResult
    expire_groups: ExpireGroupsResult
    expire_silence: ExpireSilenceResult
    export_dashboards: ExportDashboardsResult
    export_metrics: ExportMetricsResult
    export_otlp: ExportOtlpResult
    export_rules: ExportRulesResult
    federate: FederateResult
    flush_metrics: FlushMetricsResult
    format_query: FormatQueryResult
    generate_config: GenerateConfigResult
    get_alert_state: GetAlertStateResult
    get_dashboard: GetDashboardResult
    grafana_status: GrafanaStatusResult
    health_check: HealthCheckResult
    label_values: LabelValuesResult
    list_alert_groups: ListAlertGroupsResult
    list_alert_templates: ListAlertTemplatesResult
    list_alerts: ListAlertsResult
    list_dashboards: ListDashboardsResult
    list_groups: ListGroupsResult
    list_labels: ListLabelsResult
    list_metadata: ListMetadataResult
    list_notified_alerts: ListNotifiedAlertsResult
    list_prometheus_alerts: ListPrometheusAlertsResult
    list_receivers: ListReceiversResult
    list_rules: ListRulesResult
    list_series: ListSeriesResult
    list_silences: ListSilencesResult
    list_targets: ListTargetsResult
    notify_webhook: NotifyWebhookResult
    parse_query: ParseQueryResult
    plan_alerts: PlanAlertsResult
    plan_dashboards: PlanDashboardsResult
    prometheus_status: PrometheusStatusResult
    push_metrics: PushMetricsResult
    query_exemplars: QueryExemplarsResult
    query_metrics: QueryMetricsResult
    record_counter: RecordCounterResult
    record_gauge: RecordGaugeResult
    record_histogram: RecordHistogramResult
    record_metric: RecordMetricResult
    record_multiple_metrics: RecordMultipleMetricsResult
    record_summary: RecordSummaryResult
    register_metric: RegisterMetricResult
    remote_write_metrics: RemoteWriteMetricsResult
    remove_metric: RemoveMetricResult
    resolve_alerts: ResolveAlertsResult
    restore_metrics: RestoreMetricsResult
    scrape_endpoint: ScrapeEndpointResult
    send_alerts: SendAlertsResult
    snapshot_metrics: SnapshotMetricsResult


# `rfc3339` of output_schema.
Rfc3339 = str


_RuleKeys = TypedDict(
    "_RuleKeys",
    {
        # How long a series must be there before its alert fires; 0s by default.
        "for": "Duration",
    },
    total=False,
)


class Rule(_RuleKeys, total=False):
    """A rule of a rule file, as far as all servers know it."""

    # The name of an alert.
    alert: Union[LabelValue, None]
    # What people are told of an alert.
    annotations: Labels
    # PromQL, or what the server takes beside it.
    expr: Text
    # How long the alert goes on when the series is gone; 0s by default.
    keep_firing_for: Duration
    # Labels to set.
    labels: Labels
    # The metric of a rule that makes series.
    record: Union[LabelValue, None]


class RuleChange(TypedDict):
    """What happens to a group of rules."""

    # What happens to the group as a whole.
    change: Change
    # The group's name.
    group: str
    # What happens to its rules.
    rules: List[NamedChange]


class RuleGroup(TypedDict, total=False):
    """A group of a rule file, as far as all servers know it."""

    # How often it is evaluated; as often as the server does by default.
    interval: Duration
    # Labels of all its rules.
    labels: Labels
    # The group's name.
    name: Union[LabelValue, None]
    # Its rules, with what only some servers take too.
    rules: Union[List[Rule], None]


class RulesCurrent(TypedDict, total=False):
    """A rule file that a host has read."""

    # The file's content; none where there is no such file.
    content: Union[str, None]


# `rules_target` of input_schema.
RulesTarget = Union[
    Literal["file", "prometheus", "vmalert", "thanos", "mimir", "cortex", "grafana", ""],
    None,
]


class _SampleRequired(TypedDict):
    """What Sample must have."""

    # Its labels.
    labels: LabelPairs
    # The metric's name, with the sample's suffix.
    name: str
    # Its value; of a native histogram, the count.
    value: Amount


class Sample(_SampleRequired, total=False):
    """A sample."""

    # When the series began, in seconds since the epoch, where the endpoint says so.
    created: Amount
    # An example of an observation.
    exemplar: Exemplar
    # The buckets of a native histogram.
    native: NativeSample
    # When it was measured, in seconds since the epoch, where the endpoint says so.
    timestamp: Amount


_ScrapeEndpointRequestKeys = TypedDict(
    "_ScrapeEndpointRequestKeys",
    {
        # Whether it is imported into the registry; false by default.
        "import": "Flag",
    },
    total=False,
)


class _ScrapeEndpointRequestRequired(TypedDict):
    """What ScrapeEndpointRequest must have."""

    operation: Literal["scrape_endpoint"]


class ScrapeEndpointRequest(AnyRequest, _ScrapeEndpointRequestKeys, _ScrapeEndpointRequestRequired, total=False):
    """`scrape_endpoint`: the metrics that an endpoint exposes, read strictly; imported or pushed
    if asked.
    """

    # What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`.
    accept: Text
    # What an answer is whose `Content-Type` is missing or of no metrics: `prometheus`,
    # `openmetrics` or `protobuf`. Without it such an answer is an error.
    fallback_format: Text
    # Whether the answer has samples; false by default.
    include_samples: Flag
    # Between scrapes, in the scrape configuration of the answer; the setting `scrape_interval` by
    # default.
    interval: Duration
    # The most families and lint findings of the answer; 300 by default.
    limit: WholeNumber
    # Put after the URL's own path, unless that ends with it; `/metrics` by default.
    path: Text
    # Whether it is pushed as a group of its own; false by default.
    push: Flag
    # The format in which all of it is written again: `prometheus` or `openmetrics`.
    reexport: Text
    # The most samples of the answer; 1,000 by default.
    sample_limit: WholeNumber
    # They win over those beside it.
    scrape_config: Union[ScrapedEndpoint, None]  # type: ignore[misc]
    # The job of that group and of the scrape configuration; by default named after host and port.
    scrape_job: Text
    # Whether metrics without a type are imported as gauges; they are refused by default.
    unknown_as_gauge: Flag


class _ScrapeEndpointResultRequired(TypedDict):
    """What ScrapeEndpointResult must have."""

    # Whether the endpoint was scraped.
    endpoint_scraped: bool
    # What was scraped, without credentials and query.
    endpoint_url: str
    # How many samples the endpoint exposes.
    metrics_count: int
    # The entry of `scrape_configs` by which Prometheus scrapes the endpoint.
    scrape_config: ResponseScrapeJob
    # The same as a part of a `prometheus.yml`.
    scrape_config_yaml: str


class ScrapeEndpointResult(AnyResult, _ScrapeEndpointResultRequired, total=False):
    """The result of `scrape_endpoint`."""

    # The size of the exposition, uncompressed.
    bytes: int
    # Its content type.
    content_type: str
    # How long fetching and reading took, in milliseconds.
    duration_ms: int
    # Exemplars that were left out of it.
    exemplars_dropped: int
    # With `reexport`: the format of `exported_data`.
    export_format: str
    # All that was received, written again.
    exported_data: str
    # The first of them.
    families: List[Family]
    # How many metrics there are.
    families_count: int
    # The format: `prometheus`, `openmetrics` or `protobuf`.
    format: str
    # With `import`: what became of that.
    imported: Imported
    # The first of the findings.
    lint: List[Lint]
    # How many findings of the linter there are.
    lint_count: int
    # With `push`: what became of that.
    pushed: PassedOn
    # With `include_samples`: the first samples.
    samples: List[Sample]
    # Samples whose timestamps were left out of what was written again, pushed or imported.
    timestamps_dropped: int
    # Whether there are more metrics or samples than are listed.
    truncated: bool


class ScrapeJob(TypedDict, total=False):
    """A scrape job. Its targets are named in `targets`, or found through `file_sd` or `http_sd`."""

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A file with a token, on the Prometheus server.
    bearer_token_file: Text
    # Files of targets, as paths.
    file_sd: Union[List[str], None]
    # Whether labels of the target win over the job's own.
    honor_labels: Flag
    # Whether timestamps of the target count.
    honor_timestamps: Flag
    # Endpoints that answer targets, as URLs.
    http_sd: Union[List[str], None]
    # Between scrapes.
    interval: Duration
    # The job's name.
    job: Text
    # Labels of the targets that are named.
    labels: Labels
    # Selectors such as `{job="plugpipe"}`: of a job in `federate`, which needs them, and of no
    # other.
    match: Union[List[str], None]
    # Whether native histograms are scraped.
    native_histograms: Flag
    # Parameters of the URL, each with a text or a list of texts.
    params: Union[Dict[str, Texts], None]
    # The path of the metrics, such as `/metrics`.
    path: Text
    # Formats to ask for, by Prometheus's names.
    protocols: Union[List[str], None]
    # A proxy to go through, as a URL.
    proxy_url: Text
    # How often files and endpoints are read again.
    refresh_interval: Duration
    # The most samples of one scrape; 0 for no limit.
    sample_limit: WholeNumber
    # `http` or `https`.
    scheme: Text
    # Targets as `host:port`.
    targets: Union[List[str], None]
    # For one scrape, at most the interval.
    timeout: Duration
    # Certificates.
    tls: Union[TlsFiles, None]


_ScrapedEndpointKeys = TypedDict(
    "_ScrapedEndpointKeys",
    {
        # Whether it is imported into the registry; false by default.
        "import": "Flag",
    },
    total=False,
)


class ScrapedEndpoint(_ScrapedEndpointKeys, total=False):
    """`ScrapedEndpoint` of input_schema."""

    # What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`.
    accept: Text
    # Credentials, which are read with the settings.
    endpoint_auth: Credentials
    # The server, with any path and query that the metrics live under.
    endpoint_url: Text
    # What an answer is whose `Content-Type` is missing or of no metrics: `prometheus`,
    # `openmetrics` or `protobuf`. Without it such an answer is an error.
    fallback_format: Text
    # Whether the answer has samples; false by default.
    include_samples: Flag
    # Between scrapes, in the scrape configuration of the answer; the setting `scrape_interval` by
    # default.
    interval: Duration
    # The most families and lint findings of the answer; 300 by default.
    limit: WholeNumber
    # Put after the URL's own path, unless that ends with it; `/metrics` by default.
    path: Text
    # Whether it is pushed as a group of its own; false by default.
    push: Flag
    # The format in which all of it is written again: `prometheus` or `openmetrics`.
    reexport: Text
    # The most samples of the answer; 1,000 by default.
    sample_limit: WholeNumber
    # The job of that group and of the scrape configuration; by default named after host and port.
    scrape_job: Text
    # For the whole scrape; the setting of that name by default.
    timeout: Duration
    # Whether metrics without a type are imported as gauges; they are refused by default.
    unknown_as_gauge: Flag


# `send_alerts`: tell Alertmanager of alerts that hold.
SendAlertsRequest = ResolveAlertsRequest


class SendAlertsResult(AnyResult):
    """The result of `send_alerts`."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # How many alerts Alertmanager took; 0 in `mock_mode`.
    alerts_sent: int


class SentAlert(TypedDict):
    """One alert of a request."""

    # The hash of its labels by which Alertmanager knows it, in hexadecimal.
    fingerprint: str
    # Its labels, with `alertname` and `severity`.
    labels: LabelPairs


class _ServerHealthRequired(TypedDict):
    """What ServerHealth must have."""

    # Its URL.
    url: str


class ServerHealth(_ServerHealthRequired, total=False):
    """What a server responded."""

    # What a gateway would refuse of a push, the first of them.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable word for programs.
    error_code: ErrorCode
    # What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
    error_type: str
    # The path of the field to correct.
    field: str
    # The status that the server responded with.
    http_status: int
    # Values that the receiver refused, or that there was no room to keep.
    lost: int
    # The origin of the server that was concerned.
    origin: str
    # Values that go out with the next write.
    pending: int
    # Where a query is wrong.
    position: Position
    # The same as the server said it, where that is another word.
    server_error_type: str
    # Values that were written nevertheless.
    written: int


class SnapshotMetricsRequest(AnyRequest):
    """`snapshot_metrics`: all that is held, for restore_metrics."""

    operation: Literal["snapshot_metrics"]


class SnapshotMetricsResult(AnyResult):
    """The result of `snapshot_metrics`."""

    # How many series there are.
    series: int
    # All that is stored, as base64, for `restore_metrics`.
    snapshot: str


class StaticTargets(TypedDict):
    """Targets that stand in the configuration."""

    # Host and port.
    targets: List[str]


# `status_parts` of input_schema.
StatusParts = Union[
    Literal["build", "runtime", "tsdb", "flags", "config", ""],
    None,
    List[Literal["build", "runtime", "tsdb", "flags", "config"]],
]


class TargetGroup(TypedDict, total=False):
    """A group of a file of targets."""

    # Their labels. Names may begin with `__`.
    labels: Labels
    # Targets as `host:port`.
    targets: Union[List[str], None]


# Whether Prometheus scrapes a target. `active`: It is scraped. `dropped`: Its relabeling dropped
# it. `absent`: Prometheus does not know it.
TargetState = Literal["active", "dropped", "absent"]


class _TemplateParameterRequired(TypedDict):
    """What TemplateParameter must have."""

    # What it is, with its unit.
    description: str
    # Its name in `parameters`.
    name: str
    # Whether it must be given.
    required: bool


class TemplateParameter(_TemplateParameterRequired, total=False):
    """A parameter of a template."""

    # Its value where it is not given. Absent where nothing is put in then.
    default: str


# Templates may give a number for a text.
Text = Union[str, float, bool, None]


# `texts` of input_schema.
Texts = Union["Text", List["Text"]]


class _TimeRangeRequired(TypedDict):
    """What TimeRange must have."""

    # The first point.
    start: Moment


class TimeRange(_TimeRangeRequired, total=False):
    """A range of time, in steps."""

    # The last point is not after it; now by default.
    end: Moment
    # What becomes of more points than servers give in one answer; `raise_step` by default.
    # `raise_step`: The step is multiplied until they are few enough. `split`: The range is asked in
    # parts, whose answers are put together: all points, for as many requests. `error`: The query is
    # refused.
    on_too_many_points: Union[Literal["raise_step", "split", "error", ""], None]
    # Between two points; 15 seconds by default.
    step: Duration


class TlsFiles(TypedDict, total=False):
    """How a server's certificate is checked, and the client's own; files on the Prometheus
    server.
    """

    # Certificates of authorities that are trusted.
    ca_file: Text
    # The client's certificate; needs `key_file`.
    cert_file: Text
    # Whether any certificate is taken.
    insecure_skip_verify: Flag
    # Its key.
    key_file: Text
    # The name that the server's certificate must have.
    server_name: Text


# Why values have reached no gateway. `no_gateway`: None is configured. `manual`: `push_policy`
# leaves pushing to `push_metrics`. `mock_mode`: `mock_mode` is on. `delete_mode`: `push_mode` is
# `delete`. `not_accepted`: No push was tried yet, or the gateway did not accept it.
UnpushedReason = Literal["no_gateway", "manual", "mock_mode", "delete_mode", "not_accepted"]


# An http or https URL, such as http://127.0.0.1:9090.
Url = Union[str, None]


# What became of a notification that is a part of something else, which holds without it.
Webhook = Union["Delivery", "FailedDelivery"]


# Templates may give a text for a number.
WholeNumber = Union[int, str, None]


class Written(TypedDict):
    """Values by their kind."""

    # Exemplars.
    exemplars: int
    # Native histograms.
    histograms: int
    # Numbers.
    samples: int


# The name of an operation.
Operation = Literal[
    "alertmanager_status",
    "annotate",
    "apply_alerts",
    "apply_dashboards",
    "clear_metrics",
    "create_alert",
    "create_dashboard",
    "create_silence",
    "datasource_health",
    "delete_alert",
    "delete_dashboard",
    "delete_metrics",
    "describe",
    "discover_targets",
    "ensure_datasource",
    "expire_groups",
    "expire_silence",
    "export_dashboards",
    "export_metrics",
    "export_otlp",
    "export_rules",
    "federate",
    "flush_metrics",
    "format_query",
    "generate_config",
    "get_alert_state",
    "get_dashboard",
    "grafana_status",
    "health_check",
    "label_values",
    "list_alert_groups",
    "list_alert_templates",
    "list_alerts",
    "list_dashboards",
    "list_groups",
    "list_labels",
    "list_metadata",
    "list_notified_alerts",
    "list_prometheus_alerts",
    "list_receivers",
    "list_rules",
    "list_series",
    "list_silences",
    "list_targets",
    "notify_webhook",
    "parse_query",
    "plan_alerts",
    "plan_dashboards",
    "prometheus_status",
    "push_metrics",
    "query_exemplars",
    "query_metrics",
    "record_counter",
    "record_gauge",
    "record_histogram",
    "record_metric",
    "record_multiple_metrics",
    "record_summary",
    "register_metric",
    "remote_write_metrics",
    "remove_metric",
    "resolve_alerts",
    "restore_metrics",
    "scrape_endpoint",
    "send_alerts",
    "snapshot_metrics",
]


class _SuccessRequired(TypedDict):
    """What Success must have."""

    # What the configuration is.
    monitoring_metadata: Metadata
    success: Literal[True]


class Success(_SuccessRequired, total=False):
    """What the response of every operation that succeeded has."""

    # What was ignored or done otherwise than asked, such as an unknown field. Absent where there is
    # nothing to say.
    warnings: List[str]


class AlertmanagerStatusSuccess(Success):
    """The response of `alertmanager_status` that succeeded."""

    operation: Literal["alertmanager_status"]
    result: AlertmanagerStatusResult


AlertmanagerStatusResponse = Union[AlertmanagerStatusSuccess, Failure]


class AnnotateSuccess(Success):
    """The response of `annotate` that succeeded."""

    operation: Literal["annotate"]
    result: AnnotateResult


AnnotateResponse = Union[AnnotateSuccess, Failure]


class ApplyAlertsSuccess(Success):
    """The response of `apply_alerts` that succeeded."""

    operation: Literal["apply_alerts"]
    result: ApplyAlertsResult


ApplyAlertsResponse = Union[ApplyAlertsSuccess, Failure]


class ApplyDashboardsSuccess(Success):
    """The response of `apply_dashboards` that succeeded."""

    operation: Literal["apply_dashboards"]
    result: ApplyDashboardsResult


ApplyDashboardsResponse = Union[ApplyDashboardsSuccess, Failure]


class ClearMetricsSuccess(Success):
    """The response of `clear_metrics` that succeeded."""

    operation: Literal["clear_metrics"]
    result: ClearMetricsResult


ClearMetricsResponse = Union[ClearMetricsSuccess, Failure]


class CreateAlertSuccess(Success):
    """The response of `create_alert` that succeeded."""

    operation: Literal["create_alert"]
    result: CreateAlertResult


CreateAlertResponse = Union[CreateAlertSuccess, Failure]


class CreateDashboardSuccess(Success):
    """The response of `create_dashboard` that succeeded."""

    operation: Literal["create_dashboard"]
    result: CreateDashboardResult


CreateDashboardResponse = Union[CreateDashboardSuccess, Failure]


class CreateSilenceSuccess(Success):
    """The response of `create_silence` that succeeded."""

    operation: Literal["create_silence"]
    result: CreateSilenceResult


CreateSilenceResponse = Union[CreateSilenceSuccess, Failure]


class DatasourceHealthSuccess(Success):
    """The response of `datasource_health` that succeeded."""

    operation: Literal["datasource_health"]
    result: DatasourceHealthResult


DatasourceHealthResponse = Union[DatasourceHealthSuccess, Failure]


class DeleteAlertSuccess(Success):
    """The response of `delete_alert` that succeeded."""

    operation: Literal["delete_alert"]
    result: DeleteAlertResult


DeleteAlertResponse = Union[DeleteAlertSuccess, Failure]


class DeleteDashboardSuccess(Success):
    """The response of `delete_dashboard` that succeeded."""

    operation: Literal["delete_dashboard"]
    result: DeleteDashboardResult


DeleteDashboardResponse = Union[DeleteDashboardSuccess, Failure]


class DeleteMetricsSuccess(Success):
    """The response of `delete_metrics` that succeeded."""

    operation: Literal["delete_metrics"]
    result: DeleteMetricsResult


DeleteMetricsResponse = Union[DeleteMetricsSuccess, Failure]


class DescribeSuccess(Success):
    """The response of `describe` that succeeded."""

    operation: Literal["describe"]
    result: DescribeResult


DescribeResponse = Union[DescribeSuccess, Failure]


class DiscoverTargetsSuccess(Success):
    """The response of `discover_targets` that succeeded."""

    operation: Literal["discover_targets"]
    result: DiscoverTargetsResult


DiscoverTargetsResponse = Union[DiscoverTargetsSuccess, Failure]


class EnsureDatasourceSuccess(Success):
    """The response of `ensure_datasource` that succeeded."""

    operation: Literal["ensure_datasource"]
    result: EnsureDatasourceResult


EnsureDatasourceResponse = Union[EnsureDatasourceSuccess, Failure]


class ExpireGroupsSuccess(Success):
    """The response of `expire_groups` that succeeded."""

    operation: Literal["expire_groups"]
    result: ExpireGroupsResult


ExpireGroupsResponse = Union[ExpireGroupsSuccess, Failure]


class ExpireSilenceSuccess(Success):
    """The response of `expire_silence` that succeeded."""

    operation: Literal["expire_silence"]
    result: ExpireSilenceResult


ExpireSilenceResponse = Union[ExpireSilenceSuccess, Failure]


class ExportDashboardsSuccess(Success):
    """The response of `export_dashboards` that succeeded."""

    operation: Literal["export_dashboards"]
    result: ExportDashboardsResult


ExportDashboardsResponse = Union[ExportDashboardsSuccess, Failure]


class ExportMetricsSuccess(Success):
    """The response of `export_metrics` that succeeded."""

    operation: Literal["export_metrics"]
    result: ExportMetricsResult


ExportMetricsResponse = Union[ExportMetricsSuccess, Failure]


class ExportOtlpSuccess(Success):
    """The response of `export_otlp` that succeeded."""

    operation: Literal["export_otlp"]
    result: ExportOtlpResult


ExportOtlpResponse = Union[ExportOtlpSuccess, Failure]


class ExportRulesSuccess(Success):
    """The response of `export_rules` that succeeded."""

    operation: Literal["export_rules"]
    result: ExportRulesResult


ExportRulesResponse = Union[ExportRulesSuccess, Failure]


class FederateSuccess(Success):
    """The response of `federate` that succeeded."""

    operation: Literal["federate"]
    result: FederateResult


FederateResponse = Union[FederateSuccess, Failure]


class FlushMetricsSuccess(Success):
    """The response of `flush_metrics` that succeeded."""

    operation: Literal["flush_metrics"]
    result: FlushMetricsResult


FlushMetricsResponse = Union[FlushMetricsSuccess, Failure]


class FormatQuerySuccess(Success):
    """The response of `format_query` that succeeded."""

    operation: Literal["format_query"]
    result: FormatQueryResult


FormatQueryResponse = Union[FormatQuerySuccess, Failure]


class GenerateConfigSuccess(Success):
    """The response of `generate_config` that succeeded."""

    operation: Literal["generate_config"]
    result: GenerateConfigResult


GenerateConfigResponse = Union[GenerateConfigSuccess, Failure]


class GetAlertStateSuccess(Success):
    """The response of `get_alert_state` that succeeded."""

    operation: Literal["get_alert_state"]
    result: GetAlertStateResult


GetAlertStateResponse = Union[GetAlertStateSuccess, Failure]


class GetDashboardSuccess(Success):
    """The response of `get_dashboard` that succeeded."""

    operation: Literal["get_dashboard"]
    result: GetDashboardResult


GetDashboardResponse = Union[GetDashboardSuccess, Failure]


class GrafanaStatusSuccess(Success):
    """The response of `grafana_status` that succeeded."""

    operation: Literal["grafana_status"]
    result: GrafanaStatusResult


GrafanaStatusResponse = Union[GrafanaStatusSuccess, Failure]


class HealthCheckSuccess(Success):
    """The response of `health_check` that succeeded."""

    operation: Literal["health_check"]
    result: HealthCheckResult


HealthCheckResponse = Union[HealthCheckSuccess, Failure]


class LabelValuesSuccess(Success):
    """The response of `label_values` that succeeded."""

    operation: Literal["label_values"]
    result: LabelValuesResult


LabelValuesResponse = Union[LabelValuesSuccess, Failure]


class ListAlertGroupsSuccess(Success):
    """The response of `list_alert_groups` that succeeded."""

    operation: Literal["list_alert_groups"]
    result: ListAlertGroupsResult


ListAlertGroupsResponse = Union[ListAlertGroupsSuccess, Failure]


class ListAlertTemplatesSuccess(Success):
    """The response of `list_alert_templates` that succeeded."""

    operation: Literal["list_alert_templates"]
    result: ListAlertTemplatesResult


ListAlertTemplatesResponse = Union[ListAlertTemplatesSuccess, Failure]


class ListAlertsSuccess(Success):
    """The response of `list_alerts` that succeeded."""

    operation: Literal["list_alerts"]
    result: ListAlertsResult


ListAlertsResponse = Union[ListAlertsSuccess, Failure]


class ListDashboardsSuccess(Success):
    """The response of `list_dashboards` that succeeded."""

    operation: Literal["list_dashboards"]
    result: ListDashboardsResult


ListDashboardsResponse = Union[ListDashboardsSuccess, Failure]


class ListGroupsSuccess(Success):
    """The response of `list_groups` that succeeded."""

    operation: Literal["list_groups"]
    result: ListGroupsResult


ListGroupsResponse = Union[ListGroupsSuccess, Failure]


class ListLabelsSuccess(Success):
    """The response of `list_labels` that succeeded."""

    operation: Literal["list_labels"]
    result: ListLabelsResult


ListLabelsResponse = Union[ListLabelsSuccess, Failure]


class ListMetadataSuccess(Success):
    """The response of `list_metadata` that succeeded."""

    operation: Literal["list_metadata"]
    result: ListMetadataResult


ListMetadataResponse = Union[ListMetadataSuccess, Failure]


class ListNotifiedAlertsSuccess(Success):
    """The response of `list_notified_alerts` that succeeded."""

    operation: Literal["list_notified_alerts"]
    result: ListNotifiedAlertsResult


ListNotifiedAlertsResponse = Union[ListNotifiedAlertsSuccess, Failure]


class ListPrometheusAlertsSuccess(Success):
    """The response of `list_prometheus_alerts` that succeeded."""

    operation: Literal["list_prometheus_alerts"]
    result: ListPrometheusAlertsResult


ListPrometheusAlertsResponse = Union[ListPrometheusAlertsSuccess, Failure]


class ListReceiversSuccess(Success):
    """The response of `list_receivers` that succeeded."""

    operation: Literal["list_receivers"]
    result: ListReceiversResult


ListReceiversResponse = Union[ListReceiversSuccess, Failure]


class ListRulesSuccess(Success):
    """The response of `list_rules` that succeeded."""

    operation: Literal["list_rules"]
    result: ListRulesResult


ListRulesResponse = Union[ListRulesSuccess, Failure]


class ListSeriesSuccess(Success):
    """The response of `list_series` that succeeded."""

    operation: Literal["list_series"]
    result: ListSeriesResult


ListSeriesResponse = Union[ListSeriesSuccess, Failure]


class ListSilencesSuccess(Success):
    """The response of `list_silences` that succeeded."""

    operation: Literal["list_silences"]
    result: ListSilencesResult


ListSilencesResponse = Union[ListSilencesSuccess, Failure]


class ListTargetsSuccess(Success):
    """The response of `list_targets` that succeeded."""

    operation: Literal["list_targets"]
    result: ListTargetsResult


ListTargetsResponse = Union[ListTargetsSuccess, Failure]


class NotifyWebhookSuccess(Success):
    """The response of `notify_webhook` that succeeded."""

    operation: Literal["notify_webhook"]
    result: NotifyWebhookResult


NotifyWebhookResponse = Union[NotifyWebhookSuccess, Failure]


class ParseQuerySuccess(Success):
    """The response of `parse_query` that succeeded."""

    operation: Literal["parse_query"]
    result: ParseQueryResult


ParseQueryResponse = Union[ParseQuerySuccess, Failure]


class PlanAlertsSuccess(Success):
    """The response of `plan_alerts` that succeeded."""

    operation: Literal["plan_alerts"]
    result: PlanAlertsResult


PlanAlertsResponse = Union[PlanAlertsSuccess, Failure]


class PlanDashboardsSuccess(Success):
    """The response of `plan_dashboards` that succeeded."""

    operation: Literal["plan_dashboards"]
    result: PlanDashboardsResult


PlanDashboardsResponse = Union[PlanDashboardsSuccess, Failure]


class PrometheusStatusSuccess(Success):
    """The response of `prometheus_status` that succeeded."""

    operation: Literal["prometheus_status"]
    result: PrometheusStatusResult


PrometheusStatusResponse = Union[PrometheusStatusSuccess, Failure]


class PushMetricsSuccess(Success):
    """The response of `push_metrics` that succeeded."""

    operation: Literal["push_metrics"]
    result: PushMetricsResult


PushMetricsResponse = Union[PushMetricsSuccess, Failure]


class QueryExemplarsSuccess(Success):
    """The response of `query_exemplars` that succeeded."""

    operation: Literal["query_exemplars"]
    result: QueryExemplarsResult


QueryExemplarsResponse = Union[QueryExemplarsSuccess, Failure]


class QueryMetricsSuccess(Success):
    """The response of `query_metrics` that succeeded."""

    operation: Literal["query_metrics"]
    result: QueryMetricsResult


QueryMetricsResponse = Union[QueryMetricsSuccess, Failure]


class RecordCounterSuccess(Success):
    """The response of `record_counter` that succeeded."""

    operation: Literal["record_counter"]
    result: RecordCounterResult


RecordCounterResponse = Union[RecordCounterSuccess, Failure]


class RecordGaugeSuccess(Success):
    """The response of `record_gauge` that succeeded."""

    operation: Literal["record_gauge"]
    result: RecordGaugeResult


RecordGaugeResponse = Union[RecordGaugeSuccess, Failure]


class RecordHistogramSuccess(Success):
    """The response of `record_histogram` that succeeded."""

    operation: Literal["record_histogram"]
    result: RecordHistogramResult


RecordHistogramResponse = Union[RecordHistogramSuccess, Failure]


class RecordMetricSuccess(Success):
    """The response of `record_metric` that succeeded."""

    operation: Literal["record_metric"]
    result: RecordMetricResult


RecordMetricResponse = Union[RecordMetricSuccess, Failure]


class RecordMultipleMetricsSuccess(Success):
    """The response of `record_multiple_metrics` that succeeded."""

    operation: Literal["record_multiple_metrics"]
    result: RecordMultipleMetricsResult


RecordMultipleMetricsResponse = Union[RecordMultipleMetricsSuccess, Failure]


class RecordSummarySuccess(Success):
    """The response of `record_summary` that succeeded."""

    operation: Literal["record_summary"]
    result: RecordSummaryResult


RecordSummaryResponse = Union[RecordSummarySuccess, Failure]


class RegisterMetricSuccess(Success):
    """The response of `register_metric` that succeeded."""

    operation: Literal["register_metric"]
    result: RegisterMetricResult


RegisterMetricResponse = Union[RegisterMetricSuccess, Failure]


class RemoteWriteMetricsSuccess(Success):
    """The response of `remote_write_metrics` that succeeded."""

    operation: Literal["remote_write_metrics"]
    result: RemoteWriteMetricsResult


RemoteWriteMetricsResponse = Union[RemoteWriteMetricsSuccess, Failure]


class RemoveMetricSuccess(Success):
    """The response of `remove_metric` that succeeded."""

    operation: Literal["remove_metric"]
    result: RemoveMetricResult


RemoveMetricResponse = Union[RemoveMetricSuccess, Failure]


class ResolveAlertsSuccess(Success):
    """The response of `resolve_alerts` that succeeded."""

    operation: Literal["resolve_alerts"]
    result: ResolveAlertsResult


ResolveAlertsResponse = Union[ResolveAlertsSuccess, Failure]


class RestoreMetricsSuccess(Success):
    """The response of `restore_metrics` that succeeded."""

    operation: Literal["restore_metrics"]
    result: RestoreMetricsResult


RestoreMetricsResponse = Union[RestoreMetricsSuccess, Failure]


class ScrapeEndpointSuccess(Success):
    """The response of `scrape_endpoint` that succeeded."""

    operation: Literal["scrape_endpoint"]
    result: ScrapeEndpointResult


ScrapeEndpointResponse = Union[ScrapeEndpointSuccess, Failure]


class SendAlertsSuccess(Success):
    """The response of `send_alerts` that succeeded."""

    operation: Literal["send_alerts"]
    result: SendAlertsResult


SendAlertsResponse = Union[SendAlertsSuccess, Failure]


class SnapshotMetricsSuccess(Success):
    """The response of `snapshot_metrics` that succeeded."""

    operation: Literal["snapshot_metrics"]
    result: SnapshotMetricsResult


SnapshotMetricsResponse = Union[SnapshotMetricsSuccess, Failure]
