# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
# Made from plug.yaml by `cargo xtask generate`; a test compares.
"""Types of the plug's requests, settings and responses."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, TypedDict, Union


class ActiveAlert(TypedDict):
    """An active alert of a rule."""

    # When it became active.
    active_since: str
    # The alert's labels.
    labels: LabelPairs
    # `pending` or `firing`.
    state: str
    # The expression's value, as formatted by the server.
    value: str


class Alert(TypedDict, total=False):
    """An alert."""

    # The label `alertname`.
    alert_name: Text
    # Annotations.
    annotations: Labels
    # An alias of `ends_at`, as in the API.
    endsAt: Moment
    # When it ended, or when it expires unless it is sent again.
    ends_at: Moment
    # An alias of `generator_url`, as in the API.
    generatorURL: Text
    # A URL of the source of the alert.
    generator_url: Text
    # The labels, which identify the alert.
    labels: Labels
    # The label `severity`.
    severity: Text
    # An alias of `starts_at`, as in the API.
    startsAt: Moment
    # When it started; the server's current time by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any UTF-8 text.
    utf8: Flag


_AlertConfigKeys = TypedDict(
    "_AlertConfigKeys",
    {
        # An alias of `duration`.
        "for": "Duration",
    },
    total=False,
)


class AlertConfig(_AlertConfigKeys, total=False):
    """`alert_config` of input_schema."""

    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # Annotations; values may be templates; a summary by default.
    annotations: Labels
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # How long the expression must return a series before its alert fires; 5m by default.
    duration: Duration
    # The PromQL expression; each series in its result is an alert.
    expression: Text
    # The group; `plugpipe` by default.
    group: Text
    # The group's evaluation interval; the server's default by default.
    interval: Duration
    # How long the alert keeps firing after the series is gone; 0s by default.
    keep_firing_for: Duration
    # Labels to set; values may be templates.
    labels: Labels
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file's name, for targets that read files.
    rules_file: Text
    # The annotation `runbook_url`, unless `annotations` has one.
    runbook_url: Text
    # The label `severity`, unless `labels` has one; `warning` by default.
    severity: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text
    # The webhook that is notified when the rule is created.
    webhook_url: Text


_AlertRuleKeys = TypedDict(
    "_AlertRuleKeys",
    {
        # An alias of `duration`.
        "for": "Duration",
    },
    total=False,
)


class AlertRule(_AlertRuleKeys, total=False):
    """An alerting rule: for `create_alert`, and an item of `alerts`."""

    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # Annotations; values may be templates; a summary by default.
    annotations: Labels
    # How long the expression must return a series before its alert fires; 5m by default.
    duration: Duration
    # The PromQL expression; each series in its result is an alert.
    expression: Text
    # How long the alert keeps firing after the series is gone; 0s by default.
    keep_firing_for: Duration
    # Labels to set; values may be templates.
    labels: Labels
    # The annotation `runbook_url`, unless `annotations` has one.
    runbook_url: Text
    # The label `severity`, unless `labels` has one; `warning` by default.
    severity: Text


# The state of an alert. `inactive`: The expression returns nothing. `pending`: The expression
# returns series, but not for long enough. `firing`: The alert fires. `not_found`: The server has no
# such rule. `unknown`: The server does not report the state.
AlertState = Literal["inactive", "pending", "firing", "not_found", "unknown"]


class AlertTemplate(TypedDict):
    """A rule template that the plug provides."""

    # The names of its alerts.
    alerts: List[str]
    # Its purpose.
    description: str
    # Its name, for `template`.
    name: str
    # Its parameters.
    parameters: List[TemplateParameter]


class Settings(TypedDict, total=False):
    """Settings that a configuration and a request may contain."""

    # Sent to the origin of the server's URL only.
    alertmanager_auth: Credentials
    # Where alerts are sent and silences are created.
    alertmanager_url: Url
    # For establishing a connection.
    connect_timeout: Duration
    # Whether to read the group before the first push to it, and list the counters that the push
    # does not increase.
    detect_resets: Flag
    # For `scrape_config.endpoint_url`.
    endpoint_auth: Credentials
    # An endpoint to scrape; also as `scrape_config.endpoint_url`.
    endpoint_url: Text
    # Labels added to remote-written series.
    external_labels: Union[Literal[""], Labels, None]
    # Sent to the origin of the server's URL only.
    gateway_auth: Credentials
    # The Pushgateway; without one nothing is pushed.
    gateway_url: Url
    # The API for Grafana's folders and dashboards. `api`: The API under `/api`. `k8s`: The resource
    # API under `/apis`, which needs Grafana 12 or later.
    grafana_api: Union[Literal["api", "k8s", ""], None]
    # Sent to the origin of the server's URL only.
    grafana_auth: Credentials
    # The Grafana organization.
    grafana_org_id: WholeNumber
    # Where dashboards live.
    grafana_url: Url
    # Additional labels of the grouping key.
    grouping_key: Union[Literal[""], Labels, None]
    # The instance of pushed groups and remote-written series.
    instance: Text
    # The job of pushed groups and remote-written series.
    job_name: Text
    # The maximum size of a server's response.
    max_response_bytes: WholeNumber
    # The maximum delay before any attempt.
    max_retry_delay: Duration
    # Whether to contact no server; results then have `mock`.
    mock_mode: Flag
    # Sent to the origin of the server's URL only.
    otlp_auth: Credentials
    # Whether OTLP exports are compressed with gzip.
    otlp_gzip: Flag
    # What counters and histograms in OTLP exports count from. `cumulative`: Their start. `delta`:
    # The last export that the receiver accepted.
    otlp_temporality: Union[Literal["cumulative", "delta", ""], None]
    # An OTLP metrics receiver, including its path.
    otlp_url: Url
    # Whether `plugpipe_monitoring_*` metrics are exposed too.
    own_metrics: Flag
    # Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    # only.
    preflight: Flag
    # Sent to the origin of the server's URL only.
    prometheus_auth: Credentials
    # Where queries go.
    prometheus_url: Url
    # Whether pushes are compressed with gzip.
    push_gzip: Flag
    # With the policy `interval`: the time between pushes.
    push_interval: Duration
    # How a push treats existing metrics of the group. `replace`: Replaces all metrics of the group
    # (`PUT`). `add`: Replaces metrics with the same names and keeps the others (`POST`). `delete`:
    # Deletes the group and pushes nothing (`DELETE`). In a request only.
    push_mode: Union[Literal["replace", "add", "delete", ""], None]
    # When recorded metrics are pushed. `on_record`: With each record. `manual`: Only on request.
    # `interval`: With the first call after `push_interval` if something was recorded since the last
    # push.
    push_policy: Union[Literal["on_record", "manual", "interval", ""], None]
    # For a push that follows a record.
    push_timeout: Duration
    # Sent to the origin of the server's URL only.
    remote_write_auth: Credentials
    # The maximum number of values queued for an unavailable receiver; the oldest are dropped.
    remote_write_capacity: WholeNumber
    # The age at which values queued for an unavailable receiver are dropped.
    remote_write_max_age: Duration
    # For one remote-write request.
    remote_write_timeout: Duration
    # A remote-write receiver, including its path.
    remote_write_url: Url
    # The remote-write protocol version.
    remote_write_version: Union[Literal["auto", "2.0", "2", 2, "1.0", "1", 1, ""], None]
    # Attributes of the resource in OTLP exports, such as `deployment.environment.name`; they
    # override external labels.
    resource_attributes: Union[Literal[""], Labels, None]
    # The maximum number of attempts of an operation that a caller waits for.
    retry_attempts: WholeNumber
    # The maximum delay before the second attempt.
    retry_delay: Duration
    # Sent to the origin of the server's URL only.
    ruler_auth: Credentials
    # The server that evaluates rules, if not Prometheus.
    ruler_url: Url
    # The fields of `scrape_endpoint`.
    scrape_config: Union[Dict[str, Any], None]
    # Prometheus's scrape interval.
    scrape_interval: Duration
    # For an operation that sends requests to a server.
    timeout: Duration
    # Sent to the origin of the server's URL only.
    webhook_auth: Credentials
    # The body format of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`:
    # `{alert_data, timestamp, source}`, as sent by the published Python plug.
    webhook_format: Union[Literal["alertmanager", "plugpipe", ""], None]
    # The webhook for calls that name none.
    webhook_url: Url


class AnyRequest(Settings, total=False):
    """The default operation is record_metric if there is a metric_name, else health_check.
    Settings given here apply to one call. A runtime's own keys, such as pipe and run_id, have
    no effect, except that errors about a metric name the step_id or step that recorded it.
    """

    context: Any
    metadata: Any
    pipe: Any
    pipe_name: Any
    pipeline: Any
    pipeline_id: Any
    previous_step: Any
    # Nested settings, which take precedence over flat ones.
    prometheus_config: Union[Settings, None]
    run_id: Any
    step: Any
    step_id: Any
    step_name: Any
    trace_id: Any


class AlertmanagerStatusRequest(AnyRequest):
    """`alertmanager_status`: show Alertmanager's version, cluster and configuration."""

    operation: Literal["alertmanager_status"]


class AnyResult(TypedDict, total=False):
    """Members of any result: the outcome of pushes that the call triggered, and the duration of
    requests to servers.
    """

    # The first conflicts because of which the gateway would reject the push.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push lowered, reset or removed.
    counters_replaced: int
    # Why they were downgraded.
    downgrade_reason: str
    # Native histograms that were pushed with only their sum and count.
    downgraded: List[str]
    # Absent if no request was sent.
    exchange: Exchange
    # How the pushes of groups went that the call is not about, because they have keys of their own.
    groups_pushed: List[GroupPush]
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool
    # Whether `mock_mode` is on, so no server was contacted.
    mock: bool
    # Why the push was not checked for conflicts.
    preflight_skipped: str
    # Why an automatic push failed. The values remain recorded.
    push_error: str
    # The error code of `push_error`.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


class AlertmanagerStatusResult(AnyResult):
    """The result of `alertmanager_status`."""

    # Version, cluster and configuration in the format of Alertmanager's API.
    status: Dict[str, Any]


class AlertmanagerTargets(TypedDict, total=False):
    """Alertmanagers, listed or discovered like the targets of a job."""

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A token file on the Prometheus server.
    bearer_token_file: Text
    # Paths of targets files.
    file_sd: Union[List[str], None]
    # URLs of service discovery endpoints.
    http_sd: Union[List[str], None]
    # Labels of the listed Alertmanagers.
    labels: Labels
    # The path prefix of their API.
    path_prefix: Text
    # The proxy's URL.
    proxy_url: Text
    # How often files and endpoints are reread.
    refresh_interval: Duration
    # `http` or `https`.
    scheme: Text
    # Alertmanagers as `host:port`.
    targets: Union[List[str], None]
    # The timeout of a request.
    timeout: Duration
    # TLS settings.
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
    # The dashboard; all dashboards of the organization by default.
    dashboard_uid: Text
    # The panel of that dashboard.
    panel_id: WholeNumber
    # Tags; dashboards query annotations by tag. An empty list removes all tags.
    tags: Texts
    # The annotation's text.
    text: Text
    # The time, or the start of a region; now by default.
    time: Moment
    # The end of a region.
    time_end: Moment


class _AnnotateResultRequired(TypedDict):
    """What AnnotateResult must have."""

    # Whether the annotation is saved in Grafana.
    annotated: bool


class AnnotateResult(AnyResult, _AnnotateResultRequired, total=False):
    """The result of `annotate`."""

    # Its id, for later changes.
    annotation_id: int
    # Its end, in milliseconds since the Unix epoch; absent if it has none or it is unchanged.
    time_end_ms: int
    # Its time or start, in milliseconds since the Unix epoch; absent if unchanged.
    time_ms: int


class _ApplyAlertsRequestRequired(TypedDict):
    """What ApplyAlertsRequest must have."""

    operation: Literal["apply_alerts", "plan_alerts"]


class ApplyAlertsRequest(AnyRequest, _ApplyAlertsRequestRequired, total=False):
    """`apply_alerts`: install a whole file or namespace of rules; rules missing from the request
    are deleted.
    """

    # Fields missing from it are read from the top level. Rule definitions belong in `alerts`.
    alert_config: Union[AlertConfig, None]
    # The alerting rules of one group.
    alerts: Union[List[AlertRule], None]
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # Whether to only report what would change; false by default.
    dry_run: Flag
    # The group of `alerts`; `plugpipe` by default.
    group: Text
    # Groups in rule-file format, including fields that only some servers support.
    groups: Union[List[RuleGroup], None]
    # The evaluation interval of the group of `alerts`; the server's default by default.
    interval: Duration
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The template's parameters.
    parameters: Union[Dict[str, Any], None]
    # The rule file that the host has read.
    rules_current: Union[RulesCurrent, None]
    # The rule file's name; `plugpipe_rules.yml` by default.
    rules_file: Text
    # Whether the host has written the file as instructed by the previous result.
    rules_written: Flag
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text
    # The name of a template.
    template: Text


class _ApplyAlertsResultRequired(TypedDict):
    """What ApplyAlertsResult must have."""

    # How many rules were changed.
    changed: int
    # The changes by group and rule.
    changes: List[RuleChange]
    # How many rules were created.
    created: int
    # How many rules were removed.
    removed: int
    # The installation status.
    status: InstallStatus
    # The target.
    target: InstallTarget
    # How many rules already matched the request.
    unchanged: int


class ApplyAlertsResult(AnyResult, _ApplyAlertsResultRequired, total=False):
    """The result of `apply_alerts`."""

    # Whether the server lists all rules as requested. Absent with `dry_run`.
    applied: bool
    # Files that the caller must write or remove if the host does not.
    artifacts: List[Artifact]
    # Whether nothing was changed because of `dry_run`.
    dry_run: bool
    # For the other targets: the namespace or folder of the groups.
    namespace: str
    # What remains to be done.
    pending: str
    # If reloading failed: whether the server rejected the file's contents.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # Set by hosts with a rules folder: whether the file was removed and not restored.
    rules_file_removed: bool
    # Set by hosts with a rules folder: whether the file was written and kept.
    rules_file_written: bool


class _ApplyDashboardsRequestRequired(TypedDict):
    """What ApplyDashboardsRequest must have."""

    operation: Literal["apply_dashboards", "plan_dashboards"]


class ApplyDashboardsRequest(AnyRequest, _ApplyDashboardsRequestRequired, total=False):
    """`apply_dashboards`: save dashboards and templates in Grafana: created, updated, unchanged
    or conflict.
    """

    # An alias of `dashboards`.
    dashboard_config: Any
    # One dashboard as for `create_dashboard`, or a list.
    dashboards: Any
    # The uid or name of the initially selected data source; Grafana's default by default.
    datasource: Text
    # Whether to report differences; false by default.
    diff: Flag
    # The folder's title, or the titles of nested folders, outermost first. Without it, an existing
    # dashboard stays in its folder.
    folder: Union[Text, List[LabelValue]]
    # The uid of the innermost folder, or of an existing folder.
    folder_uid: Text
    # The message in the version history; the plug's name and version by default.
    message: Text
    # Whether dashboards created or changed by others are overwritten; false by default.
    overwrite: Flag
    # The prefix of a template's metric names; `plugpipe` by default.
    prefix: Text
    # The names of templates; `all` selects every template.
    templates: LabelValues
    # Whether each dashboard is read and compared even if its fingerprint matches; false by default.
    verify: Flag


class ApplyDashboardsResult(AnyResult):
    """The result of `apply_dashboards`."""

    # How many differ in Grafana but must not be replaced.
    conflict: int
    # How many were created.
    created: int
    # The dashboards: given ones first, then templates.
    dashboards: List[DashboardOutcome]
    # How many failed.
    failed: int
    # How many were not attempted.
    not_tried: int
    # How many were unchanged.
    unchanged: int
    # How many were updated.
    updated: int


class _ArtifactRequired(TypedDict):
    """What Artifact must have."""

    # Always `rules_file`.
    kind: str
    # Its name.
    name: str


class Artifact(_ArtifactRequired, total=False):
    """A file to write or remove."""

    # Its text. Absent if the file is to be removed.
    content: str
    # Whether to remove the file.
    remove: bool


class BasicAuth(TypedDict, total=False):
    """Basic authentication."""

    # A file with the password, on the Prometheus server.
    password_file: Text
    # The user's name.
    username: Text


class _BatchRecordRequired(TypedDict):
    """What BatchRecord must have."""

    # The metric's name.
    name: Union[LabelValue, None]


class BatchRecord(_BatchRecordRequired, total=False):
    """`batch_record` of input_schema."""

    # Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    # buckets. A final `+Inf` is optional.
    buckets: Union[List[Union[float, str]], None]
    # An alias of `help`.
    description: Text
    # Series without new values for this long are removed.
    expire_after: Duration
    # The text of the `# HELP` line. The first one given is kept.
    help: Text
    # The series' labels.
    labels: Labels
    # How a gauge combines the values of several writers; `last` by default. `last`: The value that
    # was set last, by any writer. `sum`: The sum of each writer's last value. `min`: The minimum of
    # each writer's last value. `max`: The maximum of each writer's last value. `live_sum`: The sum
    # of the last values of writers that have not ended.
    mode: Union[Literal["last", "sum", "min", "max", "live_sum", ""], None]
    # Settings of a native histogram.
    native: Union[Native, None]
    # Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    quantiles: Union[List[Union[float, str]], None]
    # The maximum number of series of the metric; beyond it, values go to an overflow series.
    series_limit: WholeNumber
    # The states of a state set.
    states: Union[List[str], None]
    # The metric's kind; `gauge` by default.
    type: Kind
    # The unit, such as `seconds`; the metric's name must end with it.
    unit: Text
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag
    # The value: added to a counter, set on a gauge, observed by other kinds.
    value: MetricValue
    # Observations of a histogram or summary, instead of `value`.
    values: Union[List[MetricValue], None]
    # The time window of a summary's quantiles.
    window: Duration


# What happens to a group or a rule. `created`: It is created. `changed`: It is changed.
# `unchanged`: It already matches the request. `removed`: It is removed.
Change = Literal["created", "changed", "unchanged", "removed"]


class ClearMetricsRequest(AnyRequest):
    """`clear_metrics`: remove all metrics."""

    operation: Literal["clear_metrics"]


class ClearMetricsResult(AnyResult):
    """The result of `clear_metrics`."""

    # How many series were removed.
    series_removed: int


class ConfigurationSettings(TypedDict, total=False):
    """`settings` of config_schema."""

    # Sent to the origin of the server's URL only.
    alertmanager_auth: Credentials
    # Where alerts are sent and silences are created.
    alertmanager_url: Url
    # The version whose defaults and members of results apply. With `1.0.0`, servers that are not
    # mentioned are those of the Python plug (`gateway_url` is `http://127.0.0.1:9091`,
    # `prometheus_url` `http://127.0.0.1:9090`, `grafana_url` `http://127.0.0.1:3000`; null is
    # none), `instance` is `plugpipe-instance`, and a `${NAME}` that the host did not replace is
    # text. Only in the configuration. `1.0.0`: The Python plug. `2.0.0`: This one. Default
    # `"2.0.0"`.
    compatibility: Union[Literal["1.0.0", "2.0.0", ""], None]
    # For establishing a connection. Default `"1s"`.
    connect_timeout: Duration
    # For hosts: whether to write debug logs. Only in the configuration.
    debug: Flag
    # Whether PlugPipe's own metrics are registered. Only in the configuration. Default `false`.
    default_metrics: Flag
    # Whether `cleanup` deletes pushed groups. Only in the configuration. Default `true`.
    delete_on_cleanup: Flag
    # Whether to read the group before the first push to it, and list the counters that the push
    # does not increase. Default `false`.
    detect_resets: Flag
    # Accepted for compatibility with the Python plug; has no effect. Only in the configuration.
    enable_alerting: Any
    # For `scrape_config.endpoint_url`.
    endpoint_auth: Credentials
    # An endpoint to scrape; also as `scrape_config.endpoint_url`.
    endpoint_url: Text
    # Labels added to remote-written series.
    external_labels: Union[Literal[""], Labels, None]
    # Sent to the origin of the server's URL only.
    gateway_auth: Credentials
    # The Pushgateway; without one nothing is pushed.
    gateway_url: Url
    # The API for Grafana's folders and dashboards. `api`: The API under `/api`. `k8s`: The resource
    # API under `/apis`, which needs Grafana 12 or later. Default `"api"`.
    grafana_api: Union[Literal["api", "k8s", ""], None]
    # Sent to the origin of the server's URL only.
    grafana_auth: Credentials
    # The Grafana organization.
    grafana_org_id: WholeNumber
    # Where dashboards live.
    grafana_url: Url
    # Additional labels of the grouping key.
    grouping_key: Union[Literal[""], Labels, None]
    # Buckets of histograms that specify none. Only in the configuration. Default
    # `[0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300]`.
    histogram_buckets: Union[Literal[""], List[Union[float, str]], None]
    # The instance of pushed groups and remote-written series.
    instance: Text
    # The job of pushed groups and remote-written series. Default `"plugpipe"`.
    job_name: Text
    # The maximum size of a server's response. Default `16777216`.
    max_response_bytes: WholeNumber
    # The maximum delay before any attempt. Default `"2s"`.
    max_retry_delay: Duration
    # Whether to contact no server; results then have `mock`. Default `false`.
    mock_mode: Flag
    # Sent to the origin of the server's URL only.
    otlp_auth: Credentials
    # Whether OTLP exports are compressed with gzip. Default `false`.
    otlp_gzip: Flag
    # What counters and histograms in OTLP exports count from. `cumulative`: Their start. `delta`:
    # The last export that the receiver accepted. Default `"cumulative"`.
    otlp_temporality: Union[Literal["cumulative", "delta", ""], None]
    # An OTLP metrics receiver, including its path.
    otlp_url: Url
    # Whether `plugpipe_monitoring_*` metrics are exposed too. Default `false`.
    own_metrics: Flag
    # Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    # only.
    preflight: Flag
    # Sent to the origin of the server's URL only.
    prometheus_auth: Credentials
    # Where queries go.
    prometheus_url: Url
    # Whether pushes are compressed with gzip. Default `false`.
    push_gzip: Flag
    # With the policy `interval`: the time between pushes. Default `"15s"`.
    push_interval: Duration
    # How a push treats existing metrics of the group. `replace`: Replaces all metrics of the group
    # (`PUT`). `add`: Replaces metrics with the same names and keeps the others (`POST`). Default
    # `"replace"`.
    push_mode: Union[Literal["replace", "add", ""], None]
    # When recorded metrics are pushed. `on_record`: With each record. `manual`: Only on request.
    # `interval`: With the first call after `push_interval` if something was recorded since the last
    # push. Default `"on_record"`.
    push_policy: Union[Literal["on_record", "manual", "interval", ""], None]
    # For a push that follows a record. Default `"1500ms"`.
    push_timeout: Duration
    # Sent to the origin of the server's URL only.
    remote_write_auth: Credentials
    # The maximum number of values queued for an unavailable receiver; the oldest are dropped.
    # Default `500000`.
    remote_write_capacity: WholeNumber
    # The age at which values queued for an unavailable receiver are dropped. Default `"7200s"`.
    remote_write_max_age: Duration
    # For one remote-write request. Default `"10s"`.
    remote_write_timeout: Duration
    # A remote-write receiver, including its path.
    remote_write_url: Url
    # The remote-write protocol version. Default `"auto"`.
    remote_write_version: Union[Literal["auto", "2.0", "2", 2, "1.0", "1", 1, ""], None]
    # Attributes of the resource in OTLP exports, such as `deployment.environment.name`; they
    # override external labels.
    resource_attributes: Union[Literal[""], Labels, None]
    # The maximum number of attempts of an operation that a caller waits for. Default `3`.
    retry_attempts: WholeNumber
    # The maximum delay before the second attempt. Default `"100ms"`.
    retry_delay: Duration
    # Sent to the origin of the server's URL only.
    ruler_auth: Credentials
    # The server that evaluates rules, if not Prometheus.
    ruler_url: Url
    # The fields of `scrape_endpoint`.
    scrape_config: Union[Dict[str, Any], None]
    # Prometheus's scrape interval. Default `"15s"`.
    scrape_interval: Duration
    # For an operation that sends requests to a server. Default `"10s"`.
    timeout: Duration
    # Sent to the origin of the server's URL only.
    webhook_auth: Credentials
    # The body format of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`:
    # `{alert_data, timestamp, source}`, as sent by the published Python plug. Default
    # `"alertmanager"`.
    webhook_format: Union[Literal["alertmanager", "plugpipe", ""], None]
    # The key that signs webhooks. Only in the configuration.
    webhook_secret: Text
    # The webhook for calls that name none.
    webhook_url: Url


class Configuration(ConfigurationSettings, total=False):
    """Settings are flat or nested in prometheus_config, which takes precedence. Empty text means
    not set. Unknown keys cause warnings.
    """

    # Defaults for alerts.
    alert_config: Union[AlertConfig, None]
    # Nested settings, which take precedence over flat ones.
    prometheus_config: Union[ConfigurationSettings, None]


class _ConflictRequired(TypedDict):
    """What Conflict must have."""

    # The metric to change.
    metric: str
    # What conflicts with what, and what to do.
    problem: str
    # The kind of conflict.
    reason: ConflictReason


class Conflict(_ConflictRequired, total=False):
    """A conflict because of which a gateway would reject a push."""

    # The conflicting group; absent if the conflict is within the push or with the gateway.
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
        # An alias of `duration`.
        "for": "Duration",
    },
    total=False,
)


class _CreateAlertRequestRequired(TypedDict):
    """What CreateAlertRequest must have."""

    operation: Literal["create_alert"]


class CreateAlertRequest(AnyRequest, _CreateAlertRequestKeys, _CreateAlertRequestRequired, total=False):
    """`create_alert`: check an alerting rule, install it at target, and confirm it by reading it
    back.
    """

    # The alert. Fields missing from it are read from the top level.
    alert_config: Union[AlertConfig, None]
    # The alert's name, which becomes the label `alertname`.
    alert_name: Text
    # Annotations; values may be templates; a summary by default.
    annotations: Labels
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # How long the expression must return a series before its alert fires; 5m by default.
    duration: Duration
    # The PromQL expression; each series in its result is an alert.
    expression: Text
    # The group; `plugpipe` by default.
    group: Text
    # The group's evaluation interval; the server's default by default.
    interval: Duration
    # How long the alert keeps firing after the series is gone; 0s by default.
    keep_firing_for: Duration
    # Labels to set; values may be templates.
    labels: Labels
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file that the host has read.
    rules_current: Union[RulesCurrent, None]
    # The rule file's name, for targets that read files.
    rules_file: Text
    # Whether the host has written the file as instructed by the previous result.
    rules_written: Flag
    # The annotation `runbook_url`, unless `annotations` has one.
    runbook_url: Text
    # The label `severity`, unless `labels` has one; `warning` by default.
    severity: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text


class _CreateAlertResultRequired(TypedDict):
    """What CreateAlertResult must have."""

    # Whether the server lists the rule as requested. Until then, `pending` tells what is missing.
    alert_created: bool
    # Its group and its name: `GROUP/NAME`.
    alert_id: str
    # The alert's name.
    alert_name: str
    # How many rules were changed.
    changed: int
    # The changes by group and rule.
    changes: List[RuleChange]
    # How many rules were created.
    created: int
    # Its PromQL expression.
    expression: str
    # How many rules were removed.
    removed: int
    # The installation status.
    status: InstallStatus
    # The target.
    target: InstallTarget
    # How many rules already matched the request.
    unchanged: int


class CreateAlertResult(AnyResult, _CreateAlertResultRequired, total=False):
    """The result of `create_alert`."""

    # Files that the caller must write or remove if the host does not.
    artifacts: List[Artifact]
    # For the other targets: the namespace or folder of the groups.
    namespace: str
    # What remains to be done.
    pending: str
    # If reloading failed: whether the server rejected the file's contents.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # Set by hosts with a rules folder: whether the file was removed and not restored.
    rules_file_removed: bool
    # Set by hosts with a rules folder: whether the file was written and kept.
    rules_file_written: bool
    # The rule's state, if the server lists it: `inactive`, `pending` or `firing`.
    state: str
    # With `webhook_url`: the outcome of the notification.
    webhook: Webhook


class _CreateDashboardRequestRequired(TypedDict):
    """What CreateDashboardRequest must have."""

    operation: Literal["create_dashboard"]


class CreateDashboardRequest(AnyRequest, _CreateDashboardRequestRequired, total=False):
    """`create_dashboard`: save a dashboard from dashboard_config or a template in Grafana."""

    # An alias of `dashboard_config`.
    dashboard: Any
    # A full or partial Grafana JSON model; it needs a title.
    dashboard_config: Any
    # The uid or name of the initially selected data source; Grafana's default by default.
    datasource: Text
    # Whether to report differences; false by default.
    diff: Flag
    # Whether to only return the dashboard as it would be saved; false by default.
    dry_run: Flag
    # The folder's title, or the titles of nested folders, outermost first. Without it, an existing
    # dashboard stays in its folder.
    folder: Union[Text, List[LabelValue]]
    # The uid of the innermost folder, or of an existing folder.
    folder_uid: Text
    # The message in the version history; the plug's name and version by default.
    message: Text
    # Whether dashboards created or changed by others are overwritten; false by default.
    overwrite: Flag
    # The prefix of a template's metric names; `plugpipe` by default.
    prefix: Text
    # The name of a template, instead of a dashboard.
    template: Text
    # Whether each dashboard is read and compared even if its fingerprint matches; false by default.
    verify: Flag


class _CreateDashboardResultRequired(TypedDict):
    """What CreateDashboardResult must have."""

    # Whether the dashboard is saved in Grafana.
    dashboard_created: bool
    # Its title.
    title: str
    # Its uid: the given one, or one derived from its folders and title.
    uid: str
    # Corrections and suspicious fields, each beginning with its path.
    warnings: List[str]


class CreateDashboardResult(AnyResult, _CreateDashboardResultRequired, total=False):
    """The result of `create_dashboard`."""

    # The action taken or planned.
    action: DashboardAction
    # With `diff`: the first differences.
    changes: List[DashboardChange]
    # With `conflict`: why the dashboard in Grafana was not replaced.
    conflict: str
    # If Grafana was not contacted: the dashboard's JSON model as it would be saved.
    dashboard: Dict[str, Any]
    # Whether Grafana was not contacted because of `dry_run`.
    dry_run: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The requested folder.
    folder_uid: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # The dashboard's URL.
    url: str
    # The dashboard's version in Grafana, if known.
    version: int
    # Values that were written before the error.
    written: int


class _CreateSilenceRequestRequired(TypedDict):
    """What CreateSilenceRequest must have."""

    operation: Literal["create_silence"]
    # The reason for the silence.
    comment: Text
    # Matchers; an alert is muted if its labels satisfy all of them.
    matchers: Matchers


class CreateSilenceRequest(AnyRequest, _CreateSilenceRequestRequired, total=False):
    """`create_silence`: silence matching alerts for a time."""

    # The author; the plug's name by default.
    created_by: Text
    # The duration, unless `ends_at` is given.
    duration: Duration
    # The end.
    ends_at: Moment
    # The silence to change; a new one by default. Alertmanager may replace it with a new id.
    silence_id: Text
    # The start; now by default.
    starts_at: Moment


class _CreateSilenceResultRequired(TypedDict):
    """What CreateSilenceResult must have."""

    # When it ends.
    ends_at: Rfc3339
    # Its matchers, such as `severity="warning"`; it mutes alerts that match all of them.
    matchers: List[str]
    # When the silence begins.
    starts_at: Rfc3339


class CreateSilenceResult(AnyResult, _CreateSilenceResultRequired, total=False):
    """The result of `create_silence`."""

    # Its id. A changed silence may have a new id. Absent in `mock_mode`.
    silence_id: str


# User:password or a token as text; or an object.
Credentials = Union[str, None, "CredentialsObject"]


class CredentialsObject(TypedDict, total=False):
    """Credentials by name: `username` and `password`, or a token; `headers` and a tenant with
    either, or alone. Any other field is an error, so that no misspelled secret goes unused.
    """

    # Another name for `token`.
    api_key: Text
    # Another name for `token`.
    api_token: Text
    # Sent verbatim; they replace the plug's own headers of the same name.
    headers: Labels
    # Another name for `tenant`.
    org_id: Text
    # For `Authorization: Basic`.
    password: Text
    # Sent as `X-Scope-OrgID`.
    tenant: Text
    # For `Authorization: Bearer`.
    token: Text
    # `basic` or `bearer`; by default derived from the other fields.
    type: Text
    # For `Authorization: Basic`.
    username: Text


# The action for a dashboard. `created`: Grafana had none with its uid. `updated`: It replaced an
# existing one. `unchanged`: Grafana already had it. `conflict`: Grafana has a different one that
# must not be replaced. `failed`: Grafana rejected it or could not be reached. `not_tried`: Not
# attempted because of an earlier failure.
DashboardAction = Literal["created", "updated", "unchanged", "conflict", "failed", "not_tried"]


class _DashboardChangeRequired(TypedDict):
    """What DashboardChange must have."""

    # The path, such as `panels[0].title`.
    path: str


class DashboardChange(_DashboardChangeRequired, total=False):
    """A difference from the current state in Grafana."""

    # The requested value as shortened JSON; absent if there is none.
    wanted: str
    # The current value as shortened JSON; absent if there is none.
    was: str


class _DashboardOutcomeRequired(TypedDict):
    """What DashboardOutcome must have."""

    # The action taken or planned.
    action: DashboardAction
    # Its title.
    title: str
    # Its uid: the given one, or one derived from its folders and title.
    uid: str
    # Corrections and suspicious fields, each beginning with its path.
    warnings: List[str]


class DashboardOutcome(_DashboardOutcomeRequired, total=False):
    """A dashboard and its outcome."""

    # With `diff`: the first differences.
    changes: List[DashboardChange]
    # With `conflict`: why the dashboard in Grafana was not replaced.
    conflict: str
    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The requested folder.
    folder_uid: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # The dashboard's URL.
    url: str
    # The dashboard's version in Grafana, if known.
    version: int
    # Values that were written before the error.
    written: int


# The state of Grafana's database. `ok`: Grafana can reach its database. `failing`: Grafana cannot
# reach its database.
DatabaseStatus = Literal["ok", "failing"]


# The action for a data source. `created`: Grafana had none with its uid. `updated`: The existing
# one was changed. `unchanged`: The existing one was as requested.
DatasourceAction = Literal["created", "updated", "unchanged"]


class _DatasourceHealthRequestRequired(TypedDict):
    """What DatasourceHealthRequest must have."""

    operation: Literal["datasource_health"]


class DatasourceHealthRequest(AnyRequest, _DatasourceHealthRequestRequired, total=False):
    """`datasource_health`: check whether Grafana can reach the server of a data source."""

    # The name, unique in an organization; `Prometheus` by default.
    name: Text
    # The uid that dashboards reference; derived from the name by default.
    uid: Text


class _DatasourceHealthResultRequired(TypedDict):
    """What DatasourceHealthResult must have."""

    # Whether Grafana can reach the server of the data source.
    healthy: bool
    # The uid that dashboards reference.
    uid: str


class DatasourceHealthResult(AnyResult, _DatasourceHealthResultRequired, total=False):
    """The result of `datasource_health`."""

    # Grafana's message about it.
    message: str


class _DeleteAlertRequestRequired(TypedDict):
    """What DeleteAlertRequest must have."""

    operation: Literal["delete_alert"]


class DeleteAlertRequest(AnyRequest, _DeleteAlertRequestRequired, total=False):
    """`delete_alert`: remove a rule that create_alert installed."""

    # The same as for `create_alert`. Fields missing from it are read from the top level.
    alert_config: Union[AlertConfig, None]
    # The alert's name.
    alert_name: Text
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # The alert's group; `plugpipe` by default.
    group: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # The rule file that the host has read.
    rules_current: Union[RulesCurrent, None]
    # The rule file that contains the alert, if not its own.
    rules_file: Text
    # Whether the host has written the file as instructed by the previous result.
    rules_written: Flag
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text


class _DeleteAlertResultRequired(TypedDict):
    """What DeleteAlertResult must have."""

    # The alert's name.
    alert_name: str
    # Whether this call removed the rule and the server no longer lists it.
    deleted: bool


class DeleteAlertResult(AnyResult, _DeleteAlertResultRequired, total=False):
    """The result of `delete_alert`."""

    # Files that the caller must write or remove if the host does not.
    artifacts: List[Artifact]
    # How many rules were changed.
    changed: int
    # The changes by group and rule.
    changes: List[RuleChange]
    # How many rules were created.
    created: int
    # For the other targets: the namespace or folder of the groups.
    namespace: str
    # What remains to be done.
    pending: str
    # If reloading failed: whether the server rejected the file's contents.
    reload_refused: bool
    # How many rules were removed.
    removed: int
    # For the target `file`: the rule file's name.
    rules_file: str
    # Set by hosts with a rules folder: whether the file was removed and not restored.
    rules_file_removed: bool
    # Set by hosts with a rules folder: whether the file was written and kept.
    rules_file_written: bool
    # The installation status.
    status: InstallStatus
    # The target.
    target: InstallTarget
    # How many rules already matched the request.
    unchanged: int
    # Whether the rule existed in the file or on the server. Absent in `mock_mode`.
    was_there: bool


class DeleteDashboardRequest(AnyRequest):
    """`delete_dashboard`: delete a dashboard from Grafana."""

    operation: Literal["delete_dashboard", "get_dashboard"]
    # The dashboard's uid.
    uid: Text


class DeleteDashboardResult(AnyResult):
    """The result of `delete_dashboard`."""

    # Whether Grafana had a dashboard with that uid and deleted it.
    deleted: bool
    # The requested uid.
    uid: str


class DeleteMetricsRequest(AnyRequest):
    """`delete_metrics`: delete this plug's group from the Pushgateway."""

    operation: Literal["delete_metrics"]


class _DeleteMetricsResultRequired(TypedDict):
    """What DeleteMetricsResult must have."""

    # Whether the group no longer exists on the gateway.
    deleted: bool


class DeleteMetricsResult(AnyResult, _DeleteMetricsResultRequired, total=False):
    """The result of `delete_metrics`."""

    # The group's URL.
    group: str


class _DeliveryRequired(TypedDict):
    """What Delivery must have."""

    # Whether the receiver responded with a 2xx status.
    delivered: bool
    # The webhook's URL, redacted.
    webhook_url: str


class Delivery(_DeliveryRequired, total=False):
    """The outcome of a webhook notification."""

    # The HTTP status of the receiver's response.
    http_status: int
    # Whether `mock_mode` is on, so no server was contacted.
    mock: bool
    # Whether the body was signed with `webhook_secret`.
    signed: bool


class DescribeRequest(AnyRequest):
    """`describe`: what this plug is."""

    operation: Literal["describe"]


class DescribeResult(AnyResult):
    """The result of `describe`."""

    # The plug's description.
    description: str
    # The plug's name.
    name: str
    # The operations and their descriptions.
    operations: LabelPairs
    # The plug's version.
    version: str


class _DiscoverTargetsRequestRequired(TypedDict):
    """What DiscoverTargetsRequest must have."""

    operation: Literal["discover_targets"]


class DiscoverTargetsRequest(AnyRequest, _DiscoverTargetsRequestRequired, total=False):
    """`discover_targets`: list targets from an http_sd endpoint or a list, and whether
    Prometheus scrapes them.
    """

    # The URL of an http_sd endpoint.
    sd_url: Text
    # Instead of `sd_url`, a list of `host:port`, or of groups in the format of an http_sd endpoint.
    targets: Union[List[Any], None]


class _DiscoverTargetsResultRequired(TypedDict):
    """What DiscoverTargetsResult must have."""

    # Whether the targets were compared with those of Prometheus.
    compared: bool
    # The targets, grouped by their labels.
    groups: List[ResponseTargetGroup]
    # How many targets there are.
    targets: int


class DiscoverTargetsResult(AnyResult, _DiscoverTargetsResultRequired, total=False):
    """The result of `discover_targets`."""

    # How many of the targets Prometheus scrapes.
    active: int
    # How many Prometheus does not scrape.
    missing: int
    # The service discovery endpoint, without user, password and query.
    sd_url: str


class _DiscoveredTargetRequired(TypedDict):
    """What DiscoveredTarget must have."""

    # Its `host:port`.
    address: str


class DiscoveredTarget(_DiscoveredTargetRequired, total=False):
    """A target and, if compared, its state in Prometheus."""

    # `up`, `down` or `unknown`.
    health: str
    # The job that scrapes it.
    job: str
    # Why the last scrape failed.
    last_error: str
    # The URL that is scraped.
    scrape_url: str
    # Whether Prometheus scrapes it.
    state: TargetState


# In Prometheus's format (15s, 1h30m, 500ms), a decimal with one unit (1.5h), or a number of
# seconds.
Duration = Union[str, float, None]


class EndWriterRequest(AnyRequest):
    """`end_writer`: forget the values of a writer that has ended in gauges of mode live_sum."""

    operation: Literal["end_writer"]
    # The id of a writer that records no more.
    writer: Text


class EndWriterResult(AnyResult):
    """The result of `end_writer`."""

    # How many gauges lost its value.
    gauges_changed: int
    # Whether the writer was known.
    known: bool
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool  # type: ignore[misc]


class _EnsureDatasourceRequestRequired(TypedDict):
    """What EnsureDatasourceRequest must have."""

    operation: Literal["ensure_datasource"]


class EnsureDatasourceRequest(AnyRequest, _EnsureDatasourceRequestRequired, total=False):
    """`ensure_datasource`: create or update a Prometheus data source in Grafana."""

    # The user for basic authentication with the server; the URL's user by default.
    basic_auth_user: Text
    # The server's URL as seen by Grafana; `prometheus_url` by default.
    datasource_url: Text
    # Whether this is the default data source; unchanged by default.
    default: Flag
    # Whether to report differences; false by default.
    diff: Flag
    # Whether to only report what would be done; false by default.
    dry_run: Flag
    # An object with settings of the data source type: `httpMethod`, `timeInterval`, …
    json_data: Union[Dict[str, Any], None]
    # The name, unique in an organization; `Prometheus` by default.
    name: Text
    # Whether secrets are sent even if Grafana already has some; false by default.
    renew_secrets: Flag
    # Secrets, which Grafana never returns: `basicAuthPassword`, `httpHeaderValue1`, …
    secure_json_data: Labels
    # The uid that dashboards reference; derived from the name by default.
    uid: Text


class _EnsureDatasourceResultRequired(TypedDict):
    """What EnsureDatasourceResult must have."""

    # Whether the data source in Grafana is as requested.
    datasource_ready: bool
    # The name.
    name: str
    # The uid that dashboards reference.
    uid: str


class EnsureDatasourceResult(AnyResult, _EnsureDatasourceResultRequired, total=False):
    """The result of `ensure_datasource`."""

    # The action taken, or planned with `dry_run`; absent if Grafana was not contacted.
    action: DatasourceAction
    # With `diff`: the first differences, without secrets.
    changes: List[DashboardChange]
    # Whether nothing was changed because of `dry_run`.
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
    "unhealthy",
]


class Exchange(TypedDict):
    """Requests to servers."""

    # How many requests were sent, including retries.
    attempts: int
    # Their total duration, in milliseconds.
    elapsed_ms: int


class _ExemplarRequired(TypedDict):
    """What Exemplar must have."""

    # Its labels, such as a trace id.
    labels: LabelPairs
    # The observed value.
    value: Amount


class Exemplar(_ExemplarRequired, total=False):
    """An exemplar."""

    # The timestamp in seconds since the Unix epoch.
    timestamp: Amount


class _ExpireGroupsRequestRequired(TypedDict):
    """What ExpireGroupsRequest must have."""

    operation: Literal["expire_groups"]
    # The minimum time since the last push to a group.
    older_than: Duration


class ExpireGroupsRequest(AnyRequest, _ExpireGroupsRequestRequired, total=False):
    """`expire_groups`: delete groups whose last push is older than older_than; dry_run (the
    default) only lists them.
    """

    # Whether to only report what would be deleted; true by default.
    dry_run: Flag
    # Only groups with these labels.
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
    """`expire_silence`: expire a silence."""

    operation: Literal["expire_silence"]
    # The silence to expire.
    silence_id: Text


class ExpireSilenceResult(AnyResult):
    """The result of `expire_silence`."""

    # Whether Alertmanager expired it; false if it has no silence with that id.
    expired: bool
    # The silence's id.
    silence_id: str


class _ExportDashboardsRequestRequired(TypedDict):
    """What ExportDashboardsRequest must have."""

    operation: Literal["export_dashboards"]


class ExportDashboardsRequest(AnyRequest, _ExportDashboardsRequestRequired, total=False):
    """`export_dashboards`: export dashboards as files for Grafana provisioning, or as ConfigMaps
    for Kubernetes.
    """

    # An alias of `dashboards`.
    dashboard_config: Any
    # One dashboard as for `create_dashboard`, or a list.
    dashboards: Any
    # The uid or name of the initially selected data source; Grafana's default by default.
    datasource: Text
    # The folder's title, or the titles of nested folders, outermost first. Without it, an existing
    # dashboard stays in its folder.
    folder: Union[Text, List[LabelValue]]
    # The uid of the innermost folder, or of an existing folder.
    folder_uid: Text
    # Whether to export ConfigMaps for Grafana's sidecar, one for each dashboard, and their
    # metadata.
    kubernetes: Union[Flag, Kubernetes]
    # The prefix of a template's metric names; `plugpipe` by default.
    prefix: Text
    # The names of templates; `all` selects every template.
    templates: LabelValues
    # The uids of dashboards in Grafana; without them, the given dashboards are exported.
    uids: Union[LabelValues, None]


class _ExportDashboardsResultRequired(TypedDict):
    """What ExportDashboardsResult must have."""

    # A file for each dashboard: its JSON model, or with `kubernetes` its ConfigMap.
    files: List[File]
    # The `uids` that do not exist in Grafana.
    missing: List[str]
    # Corrections and suspicious fields in dashboards; with `kubernetes` also what a ConfigMap
    # cannot express.
    warnings: List[str]


class ExportDashboardsResult(AnyResult, _ExportDashboardsResultRequired, total=False):
    """The result of `export_dashboards`."""

    # The YAML provider file that makes Grafana load the other files. Absent with `kubernetes`.
    provider: str


# `export_format` of output_schema.
ExportFormat = Literal["prometheus", "openmetrics", "openmetrics2", "protobuf", "json", "csv"]


class _ExportMetricsRequestRequired(TypedDict):
    """What ExportMetricsRequest must have."""

    operation: Literal["export_metrics"]


class ExportMetricsRequest(AnyRequest, _ExportMetricsRequestRequired, total=False):
    """`export_metrics`: export recorded metrics as prometheus, openmetrics, openmetrics2,
    protobuf, json or csv.
    """

    # `prometheus` (the default), `openmetrics` (1.0), `openmetrics2` (2.0, which is experimental),
    # `protobuf`, `json` or `csv`.
    export_format: Text


class _ExportMetricsResultRequired(TypedDict):
    """What ExportMetricsResult must have."""

    # The `Content-Type` of the exposition.
    content_type: str
    # The format.
    export_format: ExportFormat
    # How many series there are.
    series: int


class ExportMetricsResult(AnyResult, _ExportMetricsResultRequired, total=False):
    """The result of `export_metrics`."""

    # When, in RFC 3339. With `compatibility: "1.0.0"` only.
    export_timestamp: str
    # The exposition, if it is text.
    exported_data: str
    # The exposition as base64, if it is binary.
    exported_data_base64: str


class _ExportOtlpRequestRequired(TypedDict):
    """What ExportOtlpRequest must have."""

    operation: Literal["export_otlp", "remote_write_metrics"]


class ExportOtlpRequest(AnyRequest, _ExportOtlpRequestRequired, total=False):
    """`export_otlp`: export what was recorded to an OTLP receiver."""

    # Whether to send nothing if nothing changed since the receiver accepted everything; false by
    # default. Once in two minutes everything is sent all the same, because Prometheus takes a
    # series for gone that has had no sample for five.
    if_changed: Flag


class _ExportOtlpResultRequired(TypedDict):
    """What ExportOtlpResult must have."""

    # How many data points were sent.
    data_points: int


class ExportOtlpResult(AnyResult, _ExportOtlpResultRequired, total=False):
    """The result of `export_otlp`."""

    # How many of them the receiver accepted.
    accepted: int
    # The receiver's message about them.
    message: str
    # The receiver's URL.
    receiver: str
    # How many of them it rejected.
    rejected_data_points: int
    # With `if_changed`: whether nothing was sent, because nothing changed since the receiver
    # accepted everything.
    unchanged: bool


class _ExportRulesRequestRequired(TypedDict):
    """What ExportRulesRequest must have."""

    operation: Literal["export_rules"]


class ExportRulesRequest(AnyRequest, _ExportRulesRequestRequired, total=False):
    """`export_rules`: a rule file, or a PrometheusRule for Kubernetes."""

    # Fields missing from it are read from the top level. Rule definitions belong in `alerts`.
    alert_config: Union[AlertConfig, None]
    # The alerting rules of one group.
    alerts: Union[List[AlertRule], None]
    # The group of `alerts`; `plugpipe` by default.
    group: Text
    # Groups in rule-file format, including fields that only some servers support.
    groups: Union[List[RuleGroup], None]
    # The evaluation interval of the group of `alerts`; the server's default by default.
    interval: Duration
    # Whether to export a PrometheusRule of the Prometheus operator, and its metadata.
    kubernetes: Union[Flag, Kubernetes]
    # The template's parameters.
    parameters: Union[Dict[str, Any], None]
    # The rule file's name; `plugpipe_rules.yml` by default.
    rules_file: Text
    # The server that evaluates the rules, as for `create_alert`.
    target: RulesTarget
    # The server's version, such as `3.5`.
    target_version: Text
    # The name of a template.
    template: Text


class ExportRulesResult(AnyResult):
    """The result of `export_rules`."""

    # The rule file's text; with `kubernetes` that of a PrometheusRule.
    exported_rules: str
    # How many groups there are.
    groups: int
    # How many rules they have.
    rules: int
    # A suggested file name.
    rules_file: str


class _FailedDeliveryRequired(TypedDict):
    """What FailedDelivery must have."""

    # Always false.
    delivered: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode


class FailedDelivery(_FailedDeliveryRequired, total=False):
    """The error of a failed notification."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # Values that were written before the error.
    written: int


class _FailureRequired(TypedDict):
    """What Failure must have."""

    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # Main settings of the configuration.
    monitoring_metadata: Metadata
    success: Literal[False]


class Failure(_FailureRequired, total=False):
    """`failure` of output_schema."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # Absent if no request was sent.
    exchange: Exchange
    # The path of the field to correct.
    field: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The operation; absent if the request names no known one.
    operation: str
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # Of a health check that found a server not healthy: how each one is.
    result: FailureResult
    # The server's own name for the kind, if different.
    server_error_type: str
    # Warnings about ignored or adjusted input, such as an unknown field. Absent if there are none.
    warnings: List[str]
    # Values that were written before the error.
    written: int


class _FailureResultRequired(TypedDict):
    """What FailureResult must have."""

    # Alertmanager.
    alertmanager_status: Health
    # The responses of the checked servers.
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
    # Whether some values have not reached a gateway.
    unpushed: bool


class FailureResult(_FailureResultRequired, total=False):
    """Of a health check that found a server not healthy: how each one is."""

    # Absent if no request was sent.
    exchange: Exchange
    # Whether `mock_mode` is on, so no server was contacted.
    mock: bool


class _FamilyRequired(TypedDict):
    """What Family must have."""

    # Its help text; empty if there is none.
    help: str
    # Its name.
    name: str
    # How many samples it has.
    samples: int
    # Its type, by OpenMetrics's names.
    type: str


class Family(_FamilyRequired, total=False):
    """A metric family, without its samples."""

    # Its unit.
    unit: str


_FederateRequestKeys = TypedDict(
    "_FederateRequestKeys",
    {
        # Whether to import it into the registry; false by default.
        "import": "Flag",
        # An alias of `match`, as in the API.
        "match[]": "Texts",
    },
    total=False,
)


class _FederateRequestRequired(TypedDict):
    """What FederateRequest must have."""

    operation: Literal["federate"]


class FederateRequest(AnyRequest, _FederateRequestKeys, _FederateRequestRequired, total=False):
    """`federate`: fetch series from Prometheus's /federate; optionally import or push them."""

    # The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for
    # only in this way), `prometheus` or `protobuf`.
    accept: Text
    # Whether remote writes have the classic histograms that are imported as native ones with custom
    # buckets, as after a scrape by Prometheus with this setting; false by default.
    convert_classic_histograms_to_nhcb: Flag
    # Whether the result includes samples; false by default.
    include_samples: Flag
    # The maximum number of metric families and of lint findings in the result; 300 by default.
    limit: WholeNumber
    # Selectors such as `{job="a"}`; a series must match at least one.
    match: Texts
    # Whether to push it as a separate group; false by default.
    push: Flag
    # The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`.
    reexport: Text
    # The maximum number of samples in the result; 1,000 by default.
    sample_limit: WholeNumber
    # They take precedence over fields at the top level.
    scrape_config: Union[ScrapedEndpoint, None]  # type: ignore[misc]
    # The job of that group and of the scrape configuration; by default derived from host and port.
    scrape_job: Text
    # Whether to import untyped metrics as gauges; they stay untyped by default.
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
    # The content type of `exported_data`.
    content_type: str
    # The duration of fetching and parsing, in milliseconds.
    duration_ms: int
    # The number of dropped exemplars.
    exemplars_dropped: int
    # With `reexport`: the format of `exported_data`.
    export_format: str
    # The converted exposition.
    exported_data: str
    # The first metric families.
    families: List[Family]
    # The number of metric families.
    families_count: int
    # The format: `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`.
    format: str
    # With `import`: the outcome of the import.
    imported: Imported
    # The selectors.
    match: List[str]
    # The server's URL, without credentials.
    prometheus_url: str
    # With `push`: the outcome of the push.
    pushed: PassedOn
    # With `include_samples`: the first samples.
    samples: List[Sample]
    # The number of samples whose timestamps were dropped when converting, pushing or importing.
    timestamps_dropped: int
    # Whether there are more metric families or samples than listed.
    truncated: bool


class File(TypedDict):
    """A file for Grafana's provisioning."""

    # Its contents.
    content: str
    # Its name.
    path: str


# True or false, which may be text.
Flag = Union[bool, str, None]


class _FlushMetricsRequestRequired(TypedDict):
    """What FlushMetricsRequest must have."""

    operation: Literal["flush_metrics", "push_metrics"]


class FlushMetricsRequest(AnyRequest, _FlushMetricsRequestRequired, total=False):
    """`flush_metrics`: push what no gateway has accepted yet, unless push_policy is manual."""

    # Whether to push nothing and only report the expected outcome, or what would be lost without a
    # push; false by default.
    dry_run: Flag


class _FlushMetricsResultRequired(TypedDict):
    """What FlushMetricsResult must have."""

    # Whether some values have not reached a gateway.
    unpushed: bool


class FlushMetricsResult(AnyResult, _FlushMetricsResultRequired, total=False):
    """The result of `flush_metrics`."""

    # Why they have not.
    unpushed_reason: UnpushedReason


class FormatQueryRequest(AnyRequest):
    """`format_query`: format a PromQL expression."""

    operation: Literal["format_query", "parse_query"]
    # The PromQL expression.
    query: Text


class _FormatQueryResultRequired(TypedDict):
    """What FormatQueryResult must have."""

    # The formatted expression.
    formatted: str
    # The PromQL expression.
    query: str


class FormatQueryResult(AnyResult, _FormatQueryResultRequired, total=False):
    """The result of `format_query`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _FoundDashboardRequired(TypedDict):
    """What FoundDashboard must have."""

    # That folder's title; empty for none.
    folder: str
    # The uid of its folder; empty for none.
    folder_uid: str
    # Its tags.
    tags: List[str]
    # Its title.
    title: str
    # Its uid.
    uid: str


class FoundDashboard(_FoundDashboardRequired, total=False):
    """A dashboard that a search found."""

    # Its URL.
    url: str


class _GenerateConfigRequestRequired(TypedDict):
    """What GenerateConfigRequest must have."""

    operation: Literal["generate_config"]


class GenerateConfigRequest(AnyRequest, _GenerateConfigRequestRequired, total=False):
    """`generate_config`: generate a prometheus.yml, or parts of it, and targets files; or
    monitors for Kubernetes.
    """

    # The environment whose defaults apply: `development`, `testing` or `production`.
    environment: Text
    # The oldest version of Prometheus to support; `2.42` by default.
    for_version: Text
    # The contents of the parts.
    generate: Union[GeneratedSections, None]
    # Whether to write resources of the Prometheus operator, one for each job, and their metadata.
    kubernetes: Union[Flag, KubernetesMonitors]
    # The parts to write; by default all non-empty ones.
    parts: Union[List[str], None]


class _GenerateConfigResultRequired(TypedDict):
    """What GenerateConfigResult must have."""

    # The environment whose defaults apply, or `default`.
    environment: str
    # The oldest version of Prometheus that accepts the configuration, such as `2.42`.
    for_version: str
    # Fields that the version does not support: their path and the version that introduced them.
    left_out: List[str]
    # Command-line flags that the server needs.
    needs_flags: List[str]


class GenerateConfigResult(AnyResult, _GenerateConfigResultRequired, total=False):
    """The result of `generate_config`."""

    # The text of `prometheus.yml`, or with `kubernetes` of the operator's resources; absent if all
    # parts are empty.
    config: str
    # The usual name of the file; absent without `config`.
    file_name: str
    # The targets as JSON, for a file in `file_sd_configs`.
    file_sd: str
    # The same targets as the response of an `http_sd_configs` endpoint.
    http_sd: HttpSd


_GeneratedSectionsKeys = TypedDict(
    "_GeneratedSectionsKeys",
    {
        # Settings for all jobs.
        "global": Union["GlobalSection", None],
    },
    total=False,
)


class GeneratedSections(_GeneratedSectionsKeys, total=False):
    """The contents of the parts of a `prometheus.yml`."""

    # Alertmanagers that receive alerts.
    alertmanagers: Union[List[AlertmanagerTargets], None]
    # Jobs that scrape `/federate` of other servers, each with `match`.
    federate: Union[List[ScrapeJob], None]
    # The job of the Pushgateway; false omits it.
    gateway: Union[Flag, ScrapeJob]
    # The job of the plug; false omits it.
    plug: Union[Flag, ScrapeJob]
    # Remote-read endpoints.
    remote_read: Union[List[RemoteEndpoint], None]
    # Remote-write endpoints.
    remote_write: Union[List[RemoteEndpoint], None]
    # Paths of rule files; in production `plugpipe_alerts.yml` by default.
    rule_files: Union[List[str], None]
    # Other jobs.
    scrape: Union[List[ScrapeJob], None]
    # The groups of a targets file.
    sd_targets: Union[List[TargetGroup], None]


class _GetAlertStateRequestRequired(TypedDict):
    """What GetAlertStateRequest must have."""

    operation: Literal["get_alert_state"]


class GetAlertStateRequest(AnyRequest, _GetAlertStateRequestRequired, total=False):
    """`get_alert_state`: tell whether an alert is inactive, pending or firing, and since when."""

    # Fields missing from it are read from the top level.
    alert_config: Union[AlertConfig, None]
    # The alert's name.
    alert_name: Text
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text


class _GetAlertStateResultRequired(TypedDict):
    """What GetAlertStateResult must have."""

    # The alert's name.
    alert_name: str
    # The most severe state of all rules with that name.
    state: AlertState


class GetAlertStateResult(AnyResult, _GetAlertStateResultRequired, total=False):
    """The result of `get_alert_state`."""

    # When it became pending or firing.
    active_since: str
    # The rules with that name. Absent in `mock_mode`.
    rules: List[InstalledRule]


# `get_dashboard`: a dashboard as Grafana holds it.
GetDashboardRequest = DeleteDashboardRequest


class _GetDashboardResultRequired(TypedDict):
    """What GetDashboardResult must have."""

    # Whether Grafana has a dashboard with that uid.
    found: bool
    # The requested uid.
    uid: str


class GetDashboardResult(AnyResult, _GetDashboardResultRequired, total=False):
    """The result of `get_dashboard`."""

    # Its JSON model.
    dashboard: Dict[str, Any]
    # The uid of its folder; empty for none.
    folder_uid: str
    # The dashboard's title.
    title: str
    # Its URL.
    url: str
    # Its version.
    version: int


class GlobalSection(TypedDict, total=False):
    """Settings for all jobs."""

    # The rule evaluation interval; 15 seconds by default.
    evaluation_interval: Duration
    # Labels added to series and alerts sent to other systems.
    external_labels: Labels
    # The scrape interval; by default the setting of that name, else the environment's default.
    scrape_interval: Duration
    # The scrape timeout, at most the interval.
    scrape_timeout: Duration


class GrafanaStatusRequest(AnyRequest):
    """`grafana_status`: show Grafana's version, database state and organization."""

    operation: Literal["grafana_status"]


class GrafanaStatusResult(AnyResult, total=False):
    """The result of `grafana_status`."""

    # The state of Grafana's database.
    database: DatabaseStatus
    # The organization of the plug's credentials, or why it is unknown.
    organization: Organization
    # Grafana's version; absent if Grafana hides it.
    version: str


class _GroupRequired(TypedDict):
    """What Group must have."""

    # Its grouping key, including `job`.
    labels: LabelPairs
    # How many metrics it has, except those about its pushes.
    metrics: int
    # How many series they have.
    series: int


class Group(_GroupRequired, total=False):
    """A group on a Pushgateway."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # `expire_groups`: whether it was deleted.
    deleted: bool
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # Its URL; absent if the grouping key cannot be written as a URL.
    group: str
    # The HTTP status of the server's response.
    http_status: int
    # The time of the last rejected push.
    last_failure: Rfc3339
    # The time of the last accepted push.
    last_push: Rfc3339
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # Values that were written before the error.
    written: int


class _GroupPushRequired(TypedDict):
    """What GroupPush must have."""

    # The group's URL.
    group: str


class GroupPush(_GroupPushRequired, total=False):
    """The outcome of pushing another group."""

    # The first conflicts because of which the gateway would reject the push.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push lowered, reset or removed.
    counters_replaced: int
    # Why they were downgraded.
    downgrade_reason: str
    # Native histograms that were pushed with only their sum and count.
    downgraded: List[str]
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool
    # Why the push was not checked for conflicts.
    preflight_skipped: str
    # Why an automatic push failed. The values remain recorded.
    push_error: str
    # The error code of `push_error`.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


# How a server is. `healthy`: It responded with 200. `unhealthy`: It responded with another status.
# `unreachable`: It did not respond. `not_granted`: The host's grants do not allow requests to it.
# `not_configured`: No URL is configured. `mock`: `mock_mode` is on.
Health = Literal["healthy", "unhealthy", "unreachable", "not_granted", "not_configured", "mock"]


class HealthCheckRequest(AnyRequest):
    """`health_check`: ask every configured server whether it is well."""

    operation: Literal["health_check"]


class HealthCheckResult(AnyResult):
    """The result of `health_check`."""

    # Alertmanager.
    alertmanager_status: Health
    # The responses of the checked servers.
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
    # Whether some values have not reached a gateway.
    unpushed: bool


class HealthDetails(TypedDict, total=False):
    """The responses of the checked servers."""

    # Alertmanager.
    alertmanager: ServerHealth
    # Grafana.
    grafana: ServerHealth
    # Prometheus.
    prometheus: ServerHealth
    # The Pushgateway.
    pushgateway: ServerHealth


class HttpSd(TypedDict):
    """The response of an endpoint."""

    # The body.
    body: str
    # The `Content-Type`.
    content_type: str


class _ImportedRequired(TypedDict):
    """What Imported must have."""

    # The number of their exemplars that were dropped: the registry stores the latest of a counter
    # and of each bucket of a classic histogram.
    exemplars_dropped: int
    # The number of metrics with imported series.
    metrics: int
    # The first rejected metrics, by metric and reason.
    refused: List[Refused]
    # The number of entries that `refused` would have without a limit.
    refused_count: int
    # The number of imported series.
    series: int


class Imported(_ImportedRequired, total=False):
    """The outcome of an import into the registry."""

    # The first conflicts because of which the gateway would reject the push.
    conflicts: List[Conflict]
    # With `detect_resets`: how many counters of the group this push lowered, reset or removed.
    counters_replaced: int
    # Why they were downgraded.
    downgrade_reason: str
    # Native histograms that were pushed with only their sum and count.
    downgraded: List[str]
    # How the pushes of groups went that the call is not about, because they have keys of their own.
    groups_pushed: List[GroupPush]
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool
    # Whether `mock_mode` is on, so no server was contacted.
    mock: bool
    # Why the push was not checked for conflicts.
    preflight_skipped: str
    # Why an automatic push failed. The values remain recorded.
    push_error: str
    # The error code of `push_error`.
    push_error_code: str
    # The gateway's origin.
    push_origin: str
    # The first of those counters.
    replaced: List[Replaced]


class _IncludeMetricsRequestRequired(TypedDict):
    """What IncludeMetricsRequest must have."""

    operation: Literal["include_metrics"]
    # Who has these metrics, such as `prometheus_client`. What the source included before is
    # replaced as a whole.
    source: Text
    # All of the source's metrics as an exposition. An empty exposition removes them.
    text: Text


class IncludeMetricsRequest(AnyRequest, _IncludeMetricsRequestRequired, total=False):
    """`include_metrics`: expose and send what another library has recorded, replacing what it
    had before.
    """

    # The format of `text`: `openmetrics` (the default), `openmetrics2` or `prometheus`.
    format: Text


class IncludeMetricsResult(AnyResult):
    """The result of `include_metrics`."""

    # The number of dropped exemplars.
    exemplars_dropped: int
    # The number of metrics with included series.
    metrics: int
    # The first rejected metrics, by metric and reason; they are warnings too.
    refused: List[Refused]
    # The number of entries that `refused` would have without a limit.
    refused_count: int
    # The number of series that the source does not have anymore, and that were removed.
    removed: int
    # The number of included series.
    series: int
    # Who has the metrics.
    source: str
    # The number of series whose timestamps were dropped.
    timestamps_dropped: int


# The installation status of rules. `installed`: Installed; the server lists the rules as requested.
# `unchanged`: The rules already matched the request. `planned`: With `dry_run`: the rules would be
# changed. `pending`: Not installed yet. `unverified`: Possibly installed: the server does not
# return everything needed to compare the rules.
InstallStatus = Literal["installed", "unchanged", "planned", "pending", "unverified"]


# Where rules are installed, and how. `file`: A rule file, written by the host, and a reload:
# Prometheus, vmalert and Thanos. `mimir`: Mimir's ruler. `cortex`: Cortex's ruler. `grafana`:
# Grafana, through its import API for Prometheus rules.
InstallTarget = Literal["file", "mimir", "cortex", "grafana"]


class _InstalledRuleRequired(TypedDict):
    """What InstalledRule must have."""

    # Its active alerts.
    active: List[ActiveAlert]
    # The alert's name.
    alert_name: str
    # The rule's annotations.
    annotations: LabelPairs
    # The expression, as formatted by the server.
    expression: str
    # The group's file or namespace.
    file: str
    # The rule's `for` duration, in seconds.
    for_seconds: Amount
    # Its group.
    group: str
    # The outcome of the last evaluation: `ok`, `err` or `unknown`.
    health: str
    # The rule's labels.
    labels: LabelPairs
    # `inactive`, `pending` or `firing`.
    state: str


class InstalledRule(_InstalledRuleRequired, total=False):
    """An alerting rule on a server."""

    # Why the last evaluation failed. Absent if it did not.
    last_error: str


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


class Kubernetes(TypedDict, total=False):
    """The metadata of Kubernetes resources."""

    # Annotations of the resources.
    annotations: Labels
    # Labels of the resources, such as those by which the operator selects them.
    labels: Labels
    # The resource's name, or what the names of several begin with; made of the file, dashboard or
    # job by default.
    name: Text
    # The namespace; by default that of whoever applies the resource.
    namespace: Text


class KubernetesMonitors(TypedDict, total=False):
    """Monitors and scrape configurations of the Prometheus operator: their metadata, and how it
    finds the plug.
    """

    # Annotations of the resources.
    annotations: Labels
    # The resource for the plug's job: `service_monitor` (the default), `pod_monitor` or
    # `scrape_config`.
    kind: Text
    # Labels of the resources, such as those by which the operator selects them.
    labels: Labels
    # What the resources' names begin with; made of the jobs' names by default.
    name: Text
    # The namespace; by default that of whoever applies the resources.
    namespace: Text
    # The namespaces of the Service or pods; by default that of the monitor.
    namespaces: Union[List[str], None]
    # The name of the port in the Service or pods; `http` by default.
    port: Text
    # The labels of the plug's Service or pods; `app.kubernetes.io/name: plugpipe` by default.
    selector: Labels


# Name-value pairs.
LabelPairs = Dict[str, str]


# A text, which may be empty; a number or a boolean counts as its text.
LabelValue = Union[str, float, bool]


# `label_values` of input_schema.
LabelValues = Union[Literal[""], "LabelValue", None, List["LabelValue"]]


_LabelValuesRequestKeys = TypedDict(
    "_LabelValuesRequestKeys",
    {
        # An alias of `match`, as in the API.
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
    """`label_values`: list the values of a label in Prometheus."""

    # The end of the range.
    end: Moment
    # The maximum number of items in the result.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series must match at least one.
    match: Texts
    # The start of the range.
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

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


# String pairs; a number or a boolean counts as its text.
Labels = Union[Dict[str, Union[str, float, bool]], None]


class Lint(TypedDict):
    """A violation of metric conventions."""

    # The metric's name.
    metric: str
    # The problem and its solution.
    problem: str
    # A stable name of the rule, such as `help`.
    rule: str


class _ListAlertGroupsRequestRequired(TypedDict):
    """What ListAlertGroupsRequest must have."""

    operation: Literal["list_alert_groups"]


class ListAlertGroupsRequest(AnyRequest, _ListAlertGroupsRequestRequired, total=False):
    """`list_alert_groups`: list Alertmanager's alerts, grouped by receiver."""

    # Whether alerts that are neither silenced nor inhibited are listed; true by default.
    active: Flag
    # Matchers that an alert's labels must satisfy.
    filter: Matchers
    # Whether inhibited alerts are listed; true by default.
    inhibited: Flag
    # A regular expression for the names of receivers.
    receiver: Text
    # Whether silenced alerts are listed; true by default.
    silenced: Flag


class ListAlertGroupsResult(AnyResult):
    """The result of `list_alert_groups`."""

    # Alert groups in the format of Alertmanager's API.
    groups: List[Dict[str, Any]]


class ListAlertTemplatesRequest(AnyRequest):
    """`list_alert_templates`: list the built-in rule templates and their parameters."""

    operation: Literal["list_alert_templates"]


class ListAlertTemplatesResult(AnyResult):
    """The result of `list_alert_templates`."""

    # The available templates.
    templates: List[AlertTemplate]


class _ListAlertsRequestRequired(TypedDict):
    """What ListAlertsRequest must have."""

    operation: Literal["list_alerts"]


class ListAlertsRequest(AnyRequest, _ListAlertsRequestRequired, total=False):
    """`list_alerts`: list the alerting rules on the server, and their states."""

    # Fields missing from it are read from the top level.
    alert_config: Union[AlertConfig, None]
    # The Grafana data source that expressions query.
    datasource_uid: Text
    # Only alerts of this group; all groups by default.
    group: Text
    # A ruler's namespace or Grafana's folder; `plugpipe` by default.
    namespace: Text
    # `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`.
    target: RulesTarget
    # The server's version, such as `3.5`, if it cannot be queried.
    target_version: Text


class ListAlertsResult(AnyResult):
    """The result of `list_alerts`."""

    # The alerting rules on the server.
    alerts: List[InstalledRule]


class _ListDashboardsRequestRequired(TypedDict):
    """What ListDashboardsRequest must have."""

    operation: Literal["list_dashboards"]


class ListDashboardsRequest(AnyRequest, _ListDashboardsRequestRequired, total=False):
    """`list_dashboards`: search dashboards in Grafana."""

    # The uid of its folder.
    folder_uid: Text
    # A substring of the title.
    search: Text
    # One of its tags.
    tag: Text


class ListDashboardsResult(AnyResult):
    """The result of `list_dashboards`."""

    # How many were found.
    count: int
    # The dashboards.
    dashboards: List[FoundDashboard]


class _ListGroupsRequestRequired(TypedDict):
    """What ListGroupsRequest must have."""

    operation: Literal["list_groups"]


class ListGroupsRequest(AnyRequest, _ListGroupsRequestRequired, total=False):
    """`list_groups`: list the groups on the Pushgateway, with their last push."""

    # Only groups with these labels.
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
        # An alias of `match`, as in the API.
        "match[]": "Texts",
    },
    total=False,
)


class _ListLabelsRequestRequired(TypedDict):
    """What ListLabelsRequest must have."""

    operation: Literal["list_labels"]


class ListLabelsRequest(AnyRequest, _ListLabelsRequestKeys, _ListLabelsRequestRequired, total=False):
    """`list_labels`: list label names in Prometheus."""

    # The end of the range.
    end: Moment
    # The maximum number of items in the result.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series must match at least one.
    match: Texts
    # The start of the range.
    start: Moment


class _ListLabelsResultRequired(TypedDict):
    """What ListLabelsResult must have."""

    # How many there are.
    count: int
    # The names.
    labels: List[str]


class ListLabelsResult(AnyResult, _ListLabelsResultRequired, total=False):
    """The result of `list_labels`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _ListMetadataRequestRequired(TypedDict):
    """What ListMetadataRequest must have."""

    operation: Literal["list_metadata"]


class ListMetadataRequest(AnyRequest, _ListMetadataRequestRequired, total=False):
    """`list_metadata`: list type, help and unit of metrics in Prometheus."""

    # The maximum number of metrics.
    limit: WholeNumber
    # The maximum number of entries per metric.
    limit_per_metric: WholeNumber
    # The metric; all metrics by default.
    metric: Text


class _ListMetadataResultRequired(TypedDict):
    """What ListMetadataResult must have."""

    # For each metric, the `type`, `help` and `unit` that its targets report.
    metadata: Dict[str, Any]


class ListMetadataResult(AnyResult, _ListMetadataResultRequired, total=False):
    """The result of `list_metadata`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _ListNotifiedAlertsRequestRequired(TypedDict):
    """What ListNotifiedAlertsRequest must have."""

    operation: Literal["list_notified_alerts"]


class ListNotifiedAlertsRequest(AnyRequest, _ListNotifiedAlertsRequestRequired, total=False):
    """`list_notified_alerts`: list Alertmanager's alerts."""

    # Whether alerts that are neither silenced nor inhibited are listed; true by default.
    active: Flag
    # Matchers that an alert's labels must satisfy.
    filter: Matchers
    # Whether inhibited alerts are listed; true by default.
    inhibited: Flag
    # A regular expression for the names of receivers.
    receiver: Text
    # Whether silenced alerts are listed; true by default.
    silenced: Flag
    # Whether alerts that Alertmanager has not processed yet are listed; true by default.
    unprocessed: Flag


class ListNotifiedAlertsResult(AnyResult):
    """The result of `list_notified_alerts`."""

    # Alerts in the format of Alertmanager's API.
    alerts: List[Dict[str, Any]]


class ListPrometheusAlertsRequest(AnyRequest):
    """`list_prometheus_alerts`: list pending and firing alerts in Prometheus."""

    operation: Literal["list_prometheus_alerts"]


class _ListPrometheusAlertsResultRequired(TypedDict):
    """What ListPrometheusAlertsResult must have."""

    # Pending and firing alerts, in Prometheus's format.
    alerts: List[Dict[str, Any]]
    # How many there are.
    count: int


class ListPrometheusAlertsResult(AnyResult, _ListPrometheusAlertsResultRequired, total=False):
    """The result of `list_prometheus_alerts`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class ListReceiversRequest(AnyRequest):
    """`list_receivers`: list Alertmanager's receivers."""

    operation: Literal["list_receivers"]


class ListReceiversResult(AnyResult):
    """The result of `list_receivers`."""

    # Receivers in the format of Alertmanager's API.
    receivers: List[Dict[str, Any]]


_ListRulesRequestKeys = TypedDict(
    "_ListRulesRequestKeys",
    {
        # An alias of `match`, as in the API.
        "match[]": "Texts",
    },
    total=False,
)


class _ListRulesRequestRequired(TypedDict):
    """What ListRulesRequest must have."""

    operation: Literal["list_rules"]


class ListRulesRequest(AnyRequest, _ListRulesRequestKeys, _ListRulesRequestRequired, total=False):
    """`list_rules`: list Prometheus's rule groups."""

    # Whether to omit the active alerts of rules.
    exclude_alerts: Flag
    # Only rules in these files.
    file: Texts
    # Only rules whose labels match one of these selectors.
    match: Texts
    # Only rules in groups with these names.
    rule_group: Texts
    # Only rules with these names.
    rule_name: Texts
    # Only rules of this kind. `alert`: Alerting rules. `record`: Recording rules.
    type: Union[Literal["alert", "record", ""], None]


class _ListRulesResultRequired(TypedDict):
    """What ListRulesResult must have."""

    # How many there are.
    count: int
    # Rule groups, in Prometheus's format.
    groups: List[Dict[str, Any]]


class ListRulesResult(AnyResult, _ListRulesResultRequired, total=False):
    """The result of `list_rules`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


_ListSeriesRequestKeys = TypedDict(
    "_ListSeriesRequestKeys",
    {
        # An alias of `match`, as in the API.
        "match[]": "Texts",
    },
    total=False,
)


class _ListSeriesRequestRequired(TypedDict):
    """What ListSeriesRequest must have."""

    operation: Literal["list_series"]


class ListSeriesRequest(AnyRequest, _ListSeriesRequestKeys, _ListSeriesRequestRequired, total=False):
    """`list_series`: list matching series in Prometheus."""

    # The end of the range.
    end: Moment
    # The maximum number of items in the result.
    limit: WholeNumber
    # Selectors such as `up{job="a"}`; a series must match at least one.
    match: Texts
    # The start of the range.
    start: Moment


class _ListSeriesResultRequired(TypedDict):
    """What ListSeriesResult must have."""

    # How many there are.
    count: int
    # The labels of each series.
    series: List[LabelPairs]


class ListSeriesResult(AnyResult, _ListSeriesResultRequired, total=False):
    """The result of `list_series`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _ListSilencesRequestRequired(TypedDict):
    """What ListSilencesRequest must have."""

    operation: Literal["list_silences"]


class ListSilencesRequest(AnyRequest, _ListSilencesRequestRequired, total=False):
    """`list_silences`: list Alertmanager's silences."""

    # Matchers that a silence must have.
    filter: Matchers


class ListSilencesResult(AnyResult):
    """The result of `list_silences`."""

    # Silences in the format of Alertmanager's API.
    silences: List[Dict[str, Any]]


class _ListTargetsRequestRequired(TypedDict):
    """What ListTargetsRequest must have."""

    operation: Literal["list_targets"]


class ListTargetsRequest(AnyRequest, _ListTargetsRequestRequired, total=False):
    """`list_targets`: list Prometheus's scrape targets and their state."""

    # Only targets of this scrape pool.
    scrape_pool: Text
    # Which targets to list; all of them by default. `any`: All of them. `active`: Targets that are
    # scraped. `dropped`: Targets that relabeling dropped.
    state: Union[Literal["any", "active", "dropped", ""], None]


class _ListTargetsResultRequired(TypedDict):
    """What ListTargetsResult must have."""

    # `activeTargets` and `droppedTargets`, in Prometheus's format.
    targets: Dict[str, Any]


class ListTargetsResult(AnyResult, _ListTargetsResultRequired, total=False):
    """The result of `list_targets`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _MatcherRequired(TypedDict):
    """What Matcher must have."""

    # The label's name.
    name: Text
    # The value to compare with. Empty text matches a missing label.
    value: Union[LabelValue, None]


class Matcher(_MatcherRequired, total=False):
    """A condition on a label."""

    # An alias of `is_equal`, as in the API.
    isEqual: Flag
    # An alias of `is_regex`, as in the API.
    isRegex: Flag
    # Whether it must match; true by default.
    is_equal: Flag
    # Whether `value` is a regular expression, which must match the whole value; false by default.
    is_regex: Flag


# `matchers` of input_schema.
Matchers = Union["Text", "Matcher", List[Union["Text", "Matcher"]]]


class _MetadataRequired(TypedDict):
    """What Metadata must have."""

    # The job of pushed metrics.
    job_name: str
    # The scrape interval.
    scrape_interval: str


class Metadata(_MetadataRequired, total=False):
    """`metadata` of output_schema."""

    # `create_alert`: the rule.
    alert_rule: MetadataAlertRule
    # `health_check`: when, in RFC 3339.
    check_timestamp: str
    # The Pushgateway's URL.
    gateway_url: str
    # `health_check`: Grafana's URL.
    grafana_url: str
    # The instance.
    instance: str
    # `health_check`: whether all configured servers are healthy.
    overall_healthy: bool
    # Prometheus's URL.
    prometheus_url: str
    # `query_metrics`: `instant` or `range`.
    query_type: str
    # `scrape_endpoint`: when, in RFC 3339.
    scrape_timestamp: str


_MetadataAlertRuleKeys = TypedDict(
    "_MetadataAlertRuleKeys",
    {
        # Its `for` duration, in Prometheus's syntax.
        "for": str,
    },
    total=False,
)


class _MetadataAlertRuleRequired(TypedDict):
    """What MetadataAlertRule must have."""

    # The alert's name.
    alert: str
    # Its annotations.
    annotations: LabelPairs
    # Its labels.
    labels: LabelPairs


class MetadataAlertRule(_MetadataAlertRuleKeys, _MetadataAlertRuleRequired, total=False):
    """`create_alert`: the rule."""

    # Its expression, if known.
    expr: str


class Metric(TypedDict, total=False):
    """`metric` of input_schema."""

    # Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    # buckets. A final `+Inf` is optional.
    buckets: Union[List[Union[float, str]], None]
    # An alias of `help`.
    description: Text
    # Series without new values for this long are removed.
    expire_after: Duration
    # The text of the `# HELP` line. The first one given is kept.
    help: Text
    # The series' labels.
    labels: Labels
    # An alias of `name`.
    metric_name: Union[LabelValue, None]
    # An alias of `type`.
    metric_type: Kind
    # An alias of `value`.
    metric_value: MetricValue
    # The metric's name.
    name: Union[LabelValue, None]
    # Settings of a native histogram.
    native: Union[Native, None]
    # Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    quantiles: Union[List[Union[float, str]], None]
    # The maximum number of series of the metric; beyond it, values go to an overflow series.
    series_limit: WholeNumber
    # The states of a state set.
    states: Union[List[str], None]
    # The metric's kind; `gauge` by default.
    type: Kind
    # The unit, such as `seconds`; the metric's name must end with it.
    unit: Text
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag
    # The value, as for one record.
    value: MetricValue
    # The time window of a summary's quantiles.
    window: Duration


# A number; templates may produce text instead. true and false count as 1 and 0.
MetricValue = Union[float, str, bool, None]


# RFC 3339, Unix seconds, or relative to now: now, now-1h, now+2d.
Moment = Union[str, float, None]


class NamedChange(TypedDict):
    """What happens to a rule."""

    # The change.
    change: Change
    # The name of the alert or of the recorded metric.
    name: str


class Native(TypedDict, total=False):
    """Settings of a native histogram, with Prometheus's defaults."""

    # The maximum number of buckets; beyond it, the resolution is reduced.
    max_buckets: WholeNumber
    # The resolution: an integer from -4 to 8.
    schema: Number
    # Values up to this magnitude count as zero.
    zero_threshold: Number


class NativeBucket(TypedDict):
    """A bucket of a native histogram."""

    # The number of observations in it.
    count: Amount
    # Its index: the upper bound is 2^(2^-schema) to the power of this.
    index: int


class NativeSample(TypedDict):
    """A native histogram."""

    # The number of observations.
    count: Amount
    # The buckets of negative observations.
    negative: List[NativeBucket]
    # The buckets of positive observations.
    positive: List[NativeBucket]
    # The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
    schema: int
    # The sum of observations.
    sum: Amount
    # The number of observations that count as zero.
    zero_count: Amount
    # Observations up to this magnitude count as zero.
    zero_threshold: Amount


class _NotifyWebhookRequestRequired(TypedDict):
    """What NotifyWebhookRequest must have."""

    operation: Literal["notify_webhook"]


class NotifyWebhookRequest(AnyRequest, _NotifyWebhookRequestRequired, total=False):
    """`notify_webhook`: post alerts to a webhook, in Alertmanager's format."""

    # The label `alertname`.
    alert_name: Text
    # The alerts; by default the single alert at the top level.
    alerts: Union[List[Alert], None]
    # Annotations.
    annotations: Labels
    # An alias of `ends_at`, as in the API.
    endsAt: Moment
    # When it ended, or when it expires unless it is sent again.
    ends_at: Moment
    # An alias of `generator_url`, as in the API.
    generatorURL: Text
    # A URL of the source of the alert.
    generator_url: Text
    # The labels, which identify the alert.
    labels: Labels
    # The receiver named in the body; the plug's name by default.
    receiver: Text
    # The label `severity`.
    severity: Text
    # An alias of `starts_at`, as in the API.
    startsAt: Moment
    # When it started; the server's current time by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any UTF-8 text.
    utf8: Flag


class _NotifyWebhookResultRequired(TypedDict):
    """What NotifyWebhookResult must have."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # Whether the receiver responded with a 2xx status.
    delivered: bool
    # The webhook's URL, redacted.
    webhook_url: str


class NotifyWebhookResult(AnyResult, _NotifyWebhookResultRequired, total=False):
    """The result of `notify_webhook`."""

    # The HTTP status of the receiver's response.
    http_status: int
    # Whether the body was signed with `webhook_secret`.
    signed: bool


# A number; templates may produce text instead.
Number = Union[float, str, None]


class Organization(TypedDict, total=False):
    """A Grafana organization, or why it is unknown."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The HTTP status of the server's response.
    http_status: int
    # Its id.
    id: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # Its name.
    name: str
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # Values that were written before the error.
    written: int


class Overflow(TypedDict):
    """The series limit was reached, and the value went to the metric's overflow series."""

    # How many values that label has.
    distinct_values: int
    # The label with the most values.
    label: str
    # The metric.
    metric: str
    # The same as a message.
    text: str


# `parse_query`: parse a PromQL expression into a syntax tree (Prometheus 3).
ParseQueryRequest = FormatQueryRequest


class _ParseQueryResultRequired(TypedDict):
    """What ParseQueryResult must have."""

    # The PromQL expression.
    query: str
    # The syntax tree from the server's parser.
    syntax_tree: Dict[str, Any]


class ParseQueryResult(AnyResult, _ParseQueryResultRequired, total=False):
    """The result of `parse_query`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _PassedOnRequired(TypedDict):
    """What PassedOn must have."""

    # The group's URL.
    group: str
    # Whether the gateway accepted it.
    metric_pushed: bool


class PassedOn(_PassedOnRequired, total=False):
    """The outcome of pushing a scrape."""

    # How many metrics were pushed.
    metrics: int
    # Why the push was not checked for conflicts.
    preflight_skipped: str
    # Why nothing was pushed.
    reason: str
    # How many samples were pushed.
    samples: int


# `plan_alerts`: show what apply_alerts would change.
PlanAlertsRequest = ApplyAlertsRequest


class _PlanAlertsResultRequired(TypedDict):
    """What PlanAlertsResult must have."""

    # How many rules were changed.
    changed: int
    # The changes by group and rule.
    changes: List[RuleChange]
    # How many rules were created.
    created: int
    # Always true: nothing was changed.
    dry_run: bool
    # How many rules were removed.
    removed: int
    # The installation status.
    status: InstallStatus
    # The target.
    target: InstallTarget
    # How many rules already matched the request.
    unchanged: int


class PlanAlertsResult(AnyResult, _PlanAlertsResultRequired, total=False):
    """The result of `plan_alerts`."""

    # Files that the caller must write or remove if the host does not.
    artifacts: List[Artifact]
    # For the other targets: the namespace or folder of the groups.
    namespace: str
    # What remains to be done.
    pending: str
    # If reloading failed: whether the server rejected the file's contents.
    reload_refused: bool
    # For the target `file`: the rule file's name.
    rules_file: str
    # Set by hosts with a rules folder: whether the file was removed and not restored.
    rules_file_removed: bool
    # Set by hosts with a rules folder: whether the file was written and kept.
    rules_file_written: bool


# `plan_dashboards`: show what apply_dashboards would do.
PlanDashboardsRequest = ApplyDashboardsRequest


# The result of `plan_dashboards`.
PlanDashboardsResult = ApplyDashboardsResult


class Position(TypedDict):
    """A position in a text, counted from 1."""

    # The column, in bytes of UTF-8.
    column: int
    # The line.
    line: int


class _PrometheusStatusRequestRequired(TypedDict):
    """What PrometheusStatusRequest must have."""

    operation: Literal["prometheus_status"]


class PrometheusStatusRequest(AnyRequest, _PrometheusStatusRequestRequired, total=False):
    """`prometheus_status`: show the status of the Prometheus server."""

    # The parts to return; `build`, `runtime` and `tsdb` by default.
    include: StatusParts


class PrometheusStatusResult(AnyResult, total=False):
    """The result of `prometheus_status`."""

    # Version and build information.
    build: Dict[str, Any]
    # The configuration, with secrets redacted by the server.
    config: Dict[str, Any]
    # Command-line flags.
    flags: Dict[str, Any]
    # Runtime information.
    runtime: Dict[str, Any]
    # TSDB statistics.
    tsdb: Dict[str, Any]
    # Parts that the server does not provide, and why.
    unavailable: LabelPairs


# `push_metrics`: push recorded metrics to this plug's group on the Pushgateway.
PushMetricsRequest = FlushMetricsRequest


class PushMetricsResult(AnyResult, total=False):
    """The result of `push_metrics`."""

    # With `push_mode: delete`: whether the group was deleted.
    deleted: bool
    # Whether nothing was sent because of `dry_run`.
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
    """`query_exemplars`: query exemplars of an expression's series."""

    # The end of the range.
    end: Moment
    # The start of the range.
    start: Moment


class _QueryExemplarsResultRequired(TypedDict):
    """What QueryExemplarsResult must have."""

    # The labels and exemplars of each series, in Prometheus's format.
    exemplars: List[Dict[str, Any]]


class QueryExemplarsResult(AnyResult, _QueryExemplarsResultRequired, total=False):
    """The result of `query_exemplars`."""

    # The server's info annotations.
    infos: List[str]
    # The server's warnings.
    warnings: List[str]


class _QueryMetricsRequestRequired(TypedDict):
    """What QueryMetricsRequest must have."""

    operation: Literal["query_metrics"]
    # The PromQL expression.
    query: Text


class QueryMetricsRequest(AnyRequest, _QueryMetricsRequestRequired, total=False):
    """`query_metrics`: run a PromQL instant or range query."""

    # The maximum number of series; supported by Prometheus 3.0 and later.
    limit: WholeNumber
    # The lookback delta.
    lookback_delta: Duration
    # Whether to return query statistics; `all` includes them per step.
    stats: Text
    # The evaluation time, unless there is a `time_range`; now by default.
    time: Moment
    # The range of a range query.
    time_range: Union[TimeRange, None]


class _QueryMetricsResultRequired(TypedDict):
    """What QueryMetricsResult must have."""

    # The PromQL expression.
    query: str
    # The expression's value.
    query_result: QueryResult
    # When the query was sent.
    timestamp: Rfc3339


class QueryMetricsResult(AnyResult, _QueryMetricsResultRequired, total=False):
    """The result of `query_metrics`."""

    # The server's info annotations.
    infos: List[str]
    # The number of requests, if the range was split.
    parts: int
    # With `stats`: the query statistics; for a split range, those of the first part.
    stats: Dict[str, Any]
    # The step, if it was raised to limit the number of points.
    step_raised_to_seconds: Amount
    # The server's warnings.
    warnings: List[str]


class QueryResult(TypedDict):
    """The value of an expression, in the format of Prometheus's API."""

    # The value: timestamps are numbers in seconds, sample values are strings, including `NaN` and
    # `+Inf`.
    result: List[Any]
    # The type of the value.
    resultType: Literal["vector", "matrix", "scalar", "string"]


class RecordBatchRequest(AnyRequest):
    """`record_batch`: record a writer's batch once; several writers add up in one registry."""

    operation: Literal["record_batch"]
    # The records. One that is refused is reported, and the others are recorded.
    metrics: Union[List[BatchRecord], None]
    # The batch's number, which rises with each batch of the writer. A batch with the number of an
    # earlier one, or a lower one, is not recorded again.
    number: WholeNumber
    # The writer's id, unique for each process, such as a UUID.
    writer: Text


class _RecordBatchResultRequired(TypedDict):
    """What RecordBatchResult must have."""

    # Whether a batch of the writer with this number, or a later one, was recorded before. Then this
    # one was not.
    duplicate: bool
    # How many values were recorded.
    values_recorded: int
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool


class RecordBatchResult(AnyResult, _RecordBatchResultRequired, total=False):  # type: ignore[misc]
    """The result of `record_batch`."""

    # The records that were refused.
    refused: List[RefusedRecord]


class _RecordCounterRequestRequired(TypedDict):
    """What RecordCounterRequest must have."""

    operation: Literal["record_counter", "record_gauge", "record_histogram", "record_summary"]
    # The metric's name.
    metric_name: Union[LabelValue, None]
    # The value: added to a counter, set on a gauge, observed by other kinds. Optional for info
    # metrics and state sets.
    metric_value: MetricValue


class RecordCounterRequest(AnyRequest, _RecordCounterRequestRequired, total=False):
    """`record_counter`: add to a counter."""

    # Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    # buckets. A final `+Inf` is optional.
    buckets: Union[List[Union[float, str]], None]
    # An alias of `help`.
    description: Text
    # Exemplar labels, such as a trace id: at most 128 characters in total.
    exemplar: Labels
    # Series without new values for this long are removed.
    expire_after: Duration
    # The text of the `# HELP` line. The first one given is kept.
    help: Text
    # The series' labels.
    labels: Labels
    # The kind for `record_metric`; `gauge` by default.
    metric_type: Kind
    # Settings of a native histogram.
    native: Union[Native, None]
    # Whether the state is on; true by default.
    on: Flag
    # Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    quantiles: Union[List[Union[float, str]], None]
    # The maximum number of series of the metric; beyond it, values go to an overflow series.
    series_limit: WholeNumber
    # The state of a state set to change.
    state: Text
    # The states of a state set.
    states: Union[List[str], None]
    # When the value was taken. It is repeated in the result, not exposed.
    timestamp: Moment
    # The unit, such as `seconds`; the metric's name must end with it.
    unit: Text
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag
    # The time window of a summary's quantiles.
    window: Duration


class _RecordCounterResultRequired(TypedDict):
    """What RecordCounterResult must have."""

    # The series' labels, as given.
    labels: LabelPairs
    # The metric's name.
    metric_name: str
    # The metric's kind.
    metric_type: KindName
    # The recorded value: added to a counter, set on a gauge, observed by other kinds.
    metric_value: Amount
    # When the value was taken: the request's `timestamp`, else now.
    timestamp: Rfc3339
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool


class RecordCounterResult(AnyResult, _RecordCounterResultRequired, total=False):  # type: ignore[misc]
    """The result of `record_counter`."""

    # The number of observations of a histogram or summary.
    count: int
    # The value of a counter or gauge.
    current_value: Amount
    # The overflow that took the value, if the metric's series limit was reached.
    overflow: Overflow
    # The states of a state set that are on.
    states_on: List[str]
    # The sum of observations.
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
    # Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    # buckets. A final `+Inf` is optional.
    buckets: Union[List[Union[float, str]], None]
    # An alias of `help`.
    description: Text
    # Exemplar labels, such as a trace id: at most 128 characters in total.
    exemplar: Labels
    # Series without new values for this long are removed.
    expire_after: Duration
    # The text of the `# HELP` line. The first one given is kept.
    help: Text
    # The series' labels.
    labels: Labels
    # The kind for `record_metric`; `gauge` by default.
    metric_type: Kind
    # The value: added to a counter, set on a gauge, observed by other kinds. Optional for info
    # metrics and state sets.
    metric_value: MetricValue
    # Settings of a native histogram.
    native: Union[Native, None]
    # Whether the state is on; true by default.
    on: Flag
    # Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    quantiles: Union[List[Union[float, str]], None]
    # The maximum number of series of the metric; beyond it, values go to an overflow series.
    series_limit: WholeNumber
    # The state of a state set to change.
    state: Text
    # The states of a state set.
    states: Union[List[str], None]
    # When the value was taken. It is repeated in the result, not exposed.
    timestamp: Moment
    # The unit, such as `seconds`; the metric's name must end with it.
    unit: Text
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag
    # The time window of a summary's quantiles.
    window: Duration


# The result of `record_metric`.
RecordMetricResult = RecordCounterResult


class _RecordMultipleMetricsRequestRequired(TypedDict):
    """What RecordMultipleMetricsRequest must have."""

    operation: Literal["record_multiple_metrics"]
    # The metrics to record, all or none of them.
    metrics: List[Metric]


class RecordMultipleMetricsRequest(AnyRequest, _RecordMultipleMetricsRequestRequired, total=False):
    """`record_multiple_metrics`: record a list of metrics, all or none, with one push."""

    # When the values were taken. It is repeated in the result, not exposed.
    timestamp: Moment


class RecordMultipleMetricsResult(AnyResult):
    """The result of `record_multiple_metrics`."""

    # The recorded metrics, in the request's order.
    metrics: List[Recorded]
    # The number of recorded metrics: all of the request.
    metrics_recorded: int
    # When the value was taken: the request's `timestamp`, else now.
    timestamp: Rfc3339
    # Whether the gateway has accepted all recorded values.
    metric_pushed: bool  # type: ignore[misc]


# `record_summary`: observe a value in a summary.
RecordSummaryRequest = RecordCounterRequest


# The result of `record_summary`.
RecordSummaryResult = RecordCounterResult


class _RecordedRequired(TypedDict):
    """What Recorded must have."""

    # The series' labels, as given.
    labels: LabelPairs
    # The metric's name.
    metric_name: str
    # The metric's kind.
    metric_type: KindName
    # The recorded value: added to a counter, set on a gauge, observed by other kinds.
    metric_value: Amount


class Recorded(_RecordedRequired, total=False):
    """A recorded metric and the current state of its series."""

    # The number of observations of a histogram or summary.
    count: int
    # The value of a counter or gauge.
    current_value: Amount
    # The overflow that took the value, if the metric's series limit was reached.
    overflow: Overflow
    # The states of a state set that are on.
    states_on: List[str]
    # The sum of observations.
    sum: Amount


class Refused(TypedDict):
    """Series of a metric that were not imported."""

    # The metric's name.
    metric: str
    # Why, and what to do.
    reason: str
    # The number of rejected series.
    series: int


class _RefusedRecordRequired(TypedDict):
    """What RefusedRecord must have."""

    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # Its index in `metrics`.
    index: int


class RefusedRecord(_RefusedRecordRequired, total=False):
    """A record of a batch that was refused."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # Values that were written before the error.
    written: int


class _RegisterMetricRequestRequired(TypedDict):
    """What RegisterMetricRequest must have."""

    operation: Literal["register_metric"]
    # The metric's name.
    metric_name: Union[LabelValue, None]


class RegisterMetricRequest(AnyRequest, _RegisterMetricRequestRequired, total=False):
    """`register_metric`: define a metric before recording to it."""

    # Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
    # buckets. A final `+Inf` is optional.
    buckets: Union[List[Union[float, str]], None]
    # An alias of `help`.
    description: Text
    # Series without new values for this long are removed.
    expire_after: Duration
    # The text of the `# HELP` line. The first one given is kept.
    help: Text
    # The names of its labels.
    label_names: Union[List[str], None]
    # The metric's kind; `gauge` by default.
    metric_type: Kind
    # Settings of a native histogram.
    native: Union[Native, None]
    # Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them.
    quantiles: Union[List[Union[float, str]], None]
    # The maximum number of series of the metric; beyond it, values go to an overflow series.
    series_limit: WholeNumber
    # The states of a state set.
    states: Union[List[str], None]
    # The unit, such as `seconds`; the metric's name must end with it.
    unit: Text
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag
    # The time window of a summary's quantiles.
    window: Duration


class RegisterMetricResult(AnyResult):
    """The result of `register_metric`."""

    # The family id for the typed interfaces.
    family: int
    # The metric's name.
    metric_name: str
    # The metric's kind.
    metric_type: KindName


class _RemoteEndpointRequired(TypedDict):
    """What RemoteEndpoint must have."""

    # Its URL.
    url: Text


class RemoteEndpoint(_RemoteEndpointRequired, total=False):
    """A remote-write or remote-read endpoint."""

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A token file on the Prometheus server.
    bearer_token_file: Text
    # Remote write only: whether exemplars are sent.
    exemplars: Flag
    # Additional headers; they must not contain secrets.
    headers: Labels
    # A unique name.
    name: Text
    # Remote write only: whether native histograms are sent.
    native_histograms: Flag
    # Remote write only: `1.0` (the default) or `2.0`.
    protocol: Text
    # The proxy's URL.
    proxy_url: Text
    # Remote read only: whether to read time ranges that the local storage should cover.
    read_recent: Flag
    # The tenant, sent as `X-Scope-OrgID`.
    tenant: Text
    # The timeout of a request.
    timeout: Duration
    # TLS settings.
    tls: Union[TlsFiles, None]


# `remote_write_metrics`: write what was recorded to a remote-write receiver.
RemoteWriteMetricsRequest = ExportOtlpRequest


class _RemoteWriteMetricsResultRequired(TypedDict):
    """What RemoteWriteMetricsResult must have."""

    # The values that the receiver wrote, or those sent if it does not report that.
    written: Written


class RemoteWriteMetricsResult(AnyResult, _RemoteWriteMetricsResultRequired, total=False):
    """The result of `remote_write_metrics`."""

    # Whether the receiver reported how much it wrote.
    confirmed: bool
    # Values that were dropped because the send queue was full.
    dropped: int
    # Values that are queued for the next write.
    pending: int
    # The receiver's URL.
    receiver: str
    # How many requests were sent.
    requests: int
    # With `if_changed`: whether nothing was sent, because nothing changed since the receiver
    # accepted everything.
    unchanged: bool
    # The protocol's version.
    version: str


class _RemoveMetricRequestRequired(TypedDict):
    """What RemoveMetricRequest must have."""

    operation: Literal["remove_metric"]
    # The metric's name.
    metric_name: Union[LabelValue, None]


class RemoveMetricRequest(AnyRequest, _RemoveMetricRequestRequired, total=False):
    """`remove_metric`: remove one series."""

    # The full label set of the series.
    labels: Labels
    # Whether metric and label names may be any UTF-8 text.
    utf8: Flag


class RemoveMetricResult(AnyResult):
    """The result of `remove_metric`."""

    # The metric's name.
    metric_name: str
    # Whether the series existed.
    removed: bool


class _ReplacedRequired(TypedDict):
    """What Replaced must have."""

    # The series, as PromQL would select it.
    series: str
    # The value on the gateway.
    stored: Amount


class Replaced(_ReplacedRequired, total=False):
    """A counter of a group that a push did not increase."""

    # The pushed value; absent if the push removed the series.
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
    end_writer: EndWriterRequest
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
    include_metrics: IncludeMetricsRequest
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
    record_batch: RecordBatchRequest
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
    """`resolve_alerts`: send resolved alerts to Alertmanager."""

    # The label `alertname`.
    alert_name: Text
    # The alerts; by default the single alert at the top level.
    alerts: Union[List[Alert], None]
    # Annotations.
    annotations: Labels
    # An alias of `ends_at`, as in the API.
    endsAt: Moment
    # When it ended, or when it expires unless it is sent again.
    ends_at: Moment
    # An alias of `generator_url`, as in the API.
    generatorURL: Text
    # A URL of the source of the alert.
    generator_url: Text
    # The labels, which identify the alert.
    labels: Labels
    # The label `severity`.
    severity: Text
    # An alias of `starts_at`, as in the API.
    startsAt: Moment
    # When it started; the server's current time by default.
    starts_at: Moment
    # Whether names of labels and annotations may be any UTF-8 text.
    utf8: Flag


class ResolveAlertsResult(AnyResult):
    """The result of `resolve_alerts`."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # How many alerts Alertmanager accepted as resolved; 0 in `mock_mode`.
    alerts_resolved: int


class _ResponseScrapeJobRequired(TypedDict):
    """What ResponseScrapeJob must have."""

    # The job's name.
    job_name: str
    # The path.
    metrics_path: str
    # `http` or `https`.
    scheme: str
    # The scrape interval.
    scrape_interval: str
    # The scrape timeout; at most the interval, because Prometheus rejects more.
    scrape_timeout: str
    # The target.
    static_configs: List[StaticTargets]


class ResponseScrapeJob(_ResponseScrapeJobRequired, total=False):
    """An entry of `scrape_configs`."""

    # The URL's query parameters.
    params: Dict[str, List[str]]


class ResponseTargetGroup(TypedDict):
    """Targets that share their labels."""

    # Their labels. Names that begin with `__` control the scrape.
    labels: LabelPairs
    # The targets.
    targets: List[DiscoveredTarget]


class RestoreMetricsRequest(AnyRequest):
    """`restore_metrics`: replace all stored metrics with a snapshot."""

    operation: Literal["restore_metrics"]
    # The `snapshot` from `snapshot_metrics`, in base64.
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
    end_writer: EndWriterResult
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
    include_metrics: IncludeMetricsResult
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
    record_batch: RecordBatchResult
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
        # How long the expression must return a series before its alert fires; 0s by default.
        "for": "Duration",
    },
    total=False,
)


class Rule(_RuleKeys, total=False):
    """A rule of a rule file, with the fields that all servers support."""

    # The alert name of an alerting rule.
    alert: Union[LabelValue, None]
    # Annotations of an alert.
    annotations: Labels
    # The expression: PromQL, or another language that the server supports.
    expr: Text
    # How long the alert keeps firing after the series is gone; 0s by default.
    keep_firing_for: Duration
    # Labels to set.
    labels: Labels
    # The metric name of a recording rule.
    record: Union[LabelValue, None]


class RuleChange(TypedDict):
    """What happens to a group of rules."""

    # The change to the group as a whole.
    change: Change
    # The group's name.
    group: str
    # The changes to its rules.
    rules: List[NamedChange]


class RuleGroup(TypedDict, total=False):
    """A group of a rule file, with the fields that all servers support."""

    # The evaluation interval; the server's default by default.
    interval: Duration
    # Labels of all its rules.
    labels: Labels
    # The group's name.
    name: Union[LabelValue, None]
    # Its rules, including fields that only some servers support.
    rules: Union[List[Rule], None]


class RulesCurrent(TypedDict, total=False):
    """A rule file that a host has read."""

    # The file's content; null if there is no such file.
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
    # Its value; for a native histogram, the count.
    value: Amount


class Sample(_SampleRequired, total=False):
    """A sample."""

    # Its created timestamp in seconds since the Unix epoch, if exposed.
    created: Amount
    # Its exemplar; the first, if there are several.
    exemplar: Exemplar
    # All its exemplars, if there are several.
    exemplars: List[Exemplar]
    # The buckets of a native histogram.
    native: NativeSample
    # Its timestamp in seconds since the Unix epoch, if exposed.
    timestamp: Amount


_ScrapeEndpointRequestKeys = TypedDict(
    "_ScrapeEndpointRequestKeys",
    {
        # Whether to import it into the registry; false by default.
        "import": "Flag",
    },
    total=False,
)


class _ScrapeEndpointRequestRequired(TypedDict):
    """What ScrapeEndpointRequest must have."""

    operation: Literal["scrape_endpoint"]


class ScrapeEndpointRequest(AnyRequest, _ScrapeEndpointRequestKeys, _ScrapeEndpointRequestRequired, total=False):
    """`scrape_endpoint`: scrape and strictly parse an endpoint; optionally import or push its
    metrics.
    """

    # The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for
    # only in this way), `prometheus` or `protobuf`.
    accept: Text
    # Whether remote writes have the classic histograms that are imported as native ones with custom
    # buckets, as after a scrape by Prometheus with this setting; false by default.
    convert_classic_histograms_to_nhcb: Flag
    # The format of a response whose `Content-Type` is missing or not a metrics format:
    # `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`. Without it, that is an error.
    fallback_format: Text
    # Whether the result includes samples; false by default.
    include_samples: Flag
    # The scrape interval in the returned scrape configuration; the setting `scrape_interval` by
    # default.
    interval: Duration
    # The maximum number of metric families and of lint findings in the result; 300 by default.
    limit: WholeNumber
    # Appended to the URL's path, unless that already ends with it; `/metrics` by default.
    path: Text
    # Whether to push it as a separate group; false by default.
    push: Flag
    # The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`.
    reexport: Text
    # The maximum number of samples in the result; 1,000 by default.
    sample_limit: WholeNumber
    # They take precedence over fields at the top level.
    scrape_config: Union[ScrapedEndpoint, None]  # type: ignore[misc]
    # The job of that group and of the scrape configuration; by default derived from host and port.
    scrape_job: Text
    # Whether to import untyped metrics as gauges; they stay untyped by default.
    unknown_as_gauge: Flag


class _ScrapeEndpointResultRequired(TypedDict):
    """What ScrapeEndpointResult must have."""

    # Whether the endpoint was scraped.
    endpoint_scraped: bool
    # The scraped URL, without credentials and query.
    endpoint_url: str
    # The number of samples.
    metrics_count: int
    # An entry of `scrape_configs` for the endpoint.
    scrape_config: ResponseScrapeJob
    # The same entry as YAML for `prometheus.yml`.
    scrape_config_yaml: str


class ScrapeEndpointResult(AnyResult, _ScrapeEndpointResultRequired, total=False):
    """The result of `scrape_endpoint`."""

    # The size of the exposition, uncompressed.
    bytes: int
    # The content type of `exported_data`.
    content_type: str
    # The duration of fetching and parsing, in milliseconds.
    duration_ms: int
    # The number of dropped exemplars.
    exemplars_dropped: int
    # With `reexport`: the format of `exported_data`.
    export_format: str
    # The converted exposition.
    exported_data: str
    # The first metric families.
    families: List[Family]
    # The number of metric families.
    families_count: int
    # The format: `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`.
    format: str
    # With `import`: the outcome of the import.
    imported: Imported
    # The first lint findings.
    lint: List[Lint]
    # The number of lint findings.
    lint_count: int
    # With `push`: the outcome of the push.
    pushed: PassedOn
    # With `include_samples`: the first samples.
    samples: List[Sample]
    # The number of samples whose timestamps were dropped when converting, pushing or importing.
    timestamps_dropped: int
    # Whether there are more metric families or samples than listed.
    truncated: bool


class ScrapeJob(TypedDict, total=False):
    """A scrape job. Its targets are listed in `targets`, or discovered by `file_sd` or
    `http_sd`.
    """

    # User and password.
    basic_auth: Union[BasicAuth, None]
    # A token file on the Prometheus server.
    bearer_token_file: Text
    # With `kubernetes` only: the Secret with the token.
    bearer_token_secret: Union[SecretKey, None]
    # Paths of targets files.
    file_sd: Union[List[str], None]
    # Whether labels from the target take precedence over the job's.
    honor_labels: Flag
    # Whether timestamps from the target are used.
    honor_timestamps: Flag
    # URLs of service discovery endpoints.
    http_sd: Union[List[str], None]
    # The scrape interval.
    interval: Duration
    # The job's name.
    job: Text
    # Labels of the listed targets.
    labels: Labels
    # Selectors such as `{job="plugpipe"}`: required in jobs of `federate`, not allowed in others.
    match: Union[List[str], None]
    # Whether native histograms are scraped.
    native_histograms: Flag
    # URL parameters, each a string or a list of strings.
    params: Union[Dict[str, Texts], None]
    # The path of the metrics, such as `/metrics`.
    path: Text
    # Scrape protocols, by Prometheus's names.
    protocols: Union[List[str], None]
    # The proxy's URL.
    proxy_url: Text
    # How often files and endpoints are reread.
    refresh_interval: Duration
    # The maximum number of samples per scrape; 0 for no limit.
    sample_limit: WholeNumber
    # `http` or `https`.
    scheme: Text
    # Targets as `host:port`.
    targets: Union[List[str], None]
    # The scrape timeout, at most the interval.
    timeout: Duration
    # TLS settings.
    tls: Union[TlsFiles, None]


_ScrapedEndpointKeys = TypedDict(
    "_ScrapedEndpointKeys",
    {
        # Whether to import it into the registry; false by default.
        "import": "Flag",
    },
    total=False,
)


class ScrapedEndpoint(_ScrapedEndpointKeys, total=False):
    """`ScrapedEndpoint` of input_schema."""

    # The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for
    # only in this way), `prometheus` or `protobuf`.
    accept: Text
    # Whether remote writes have the classic histograms that are imported as native ones with custom
    # buckets, as after a scrape by Prometheus with this setting; false by default.
    convert_classic_histograms_to_nhcb: Flag
    # Credentials for the endpoint.
    endpoint_auth: Credentials
    # The endpoint's URL, with path and query if needed.
    endpoint_url: Text
    # The format of a response whose `Content-Type` is missing or not a metrics format:
    # `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`. Without it, that is an error.
    fallback_format: Text
    # Whether the result includes samples; false by default.
    include_samples: Flag
    # The scrape interval in the returned scrape configuration; the setting `scrape_interval` by
    # default.
    interval: Duration
    # The maximum number of metric families and of lint findings in the result; 300 by default.
    limit: WholeNumber
    # Appended to the URL's path, unless that already ends with it; `/metrics` by default.
    path: Text
    # Whether to push it as a separate group; false by default.
    push: Flag
    # The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`.
    reexport: Text
    # The maximum number of samples in the result; 1,000 by default.
    sample_limit: WholeNumber
    # The job of that group and of the scrape configuration; by default derived from host and port.
    scrape_job: Text
    # The timeout of the scrape; the setting of that name by default.
    timeout: Duration
    # Whether to import untyped metrics as gauges; they stay untyped by default.
    unknown_as_gauge: Flag


class SecretKey(TypedDict, total=False):
    """A key of a Secret in the namespace of the resource that refers to it."""

    # The key in the Secret.
    key: Text
    # The Secret's name.
    name: Text


# `send_alerts`: send firing alerts to Alertmanager.
SendAlertsRequest = ResolveAlertsRequest


class SendAlertsResult(AnyResult):
    """The result of `send_alerts`."""

    # The alerts, in the request's order.
    alerts: List[SentAlert]
    # How many alerts Alertmanager accepted; 0 in `mock_mode`.
    alerts_sent: int


class SentAlert(TypedDict):
    """One alert of a request."""

    # Alertmanager's fingerprint of its labels, in hexadecimal.
    fingerprint: str
    # Its labels, with `alertname` and `severity`.
    labels: LabelPairs


class _ServerHealthRequired(TypedDict):
    """What ServerHealth must have."""

    # Its URL.
    url: str


class ServerHealth(_ServerHealthRequired, total=False):
    """The response of a server."""

    # The first conflicts because of which a gateway would reject a push.
    conflicts: List[Conflict]
    # What was wrong, what was expected, and what to do.
    error: str
    # A stable error code.
    error_code: ErrorCode
    # The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on.
    error_type: str
    # The path of the field to correct.
    field: str
    # The HTTP status of the server's response.
    http_status: int
    # Values that the receiver rejected or that did not fit in the queue.
    lost: int
    # The origin of the server.
    origin: str
    # Values that are queued for the next write.
    pending: int
    # The position of the error in the query.
    position: Position
    # The server's own name for the kind, if different.
    server_error_type: str
    # Values that were written before the error.
    written: int


class SnapshotMetricsRequest(AnyRequest):
    """`snapshot_metrics`: export all stored metrics for restore_metrics."""

    operation: Literal["snapshot_metrics"]


class SnapshotMetricsResult(AnyResult):
    """The result of `snapshot_metrics`."""

    # How many series there are.
    series: int
    # All stored metrics as base64, for `restore_metrics`.
    snapshot: str


class StaticTargets(TypedDict):
    """Static targets."""

    # Host and port.
    targets: List[str]


# `status_parts` of input_schema.
StatusParts = Union[
    Literal["build", "runtime", "tsdb", "flags", "config", ""],
    None,
    List[Literal["build", "runtime", "tsdb", "flags", "config"]],
]


class TargetGroup(TypedDict, total=False):
    """A group of a targets file."""

    # Their labels. Names may begin with `__`.
    labels: Labels
    # Targets as `host:port`.
    targets: Union[List[str], None]


# Whether Prometheus scrapes a target. `active`: It is scraped. `dropped`: It was dropped by
# relabeling. `absent`: Prometheus does not have it.
TargetState = Literal["active", "dropped", "absent"]


class _TemplateParameterRequired(TypedDict):
    """What TemplateParameter must have."""

    # Its meaning and unit.
    description: str
    # Its name in `parameters`.
    name: str
    # Whether it is required.
    required: bool


class TemplateParameter(_TemplateParameterRequired, total=False):
    """A parameter of a template."""

    # Its default value. Absent if there is none.
    default: str


# Text; templates may produce a number instead.
Text = Union[str, float, bool, None]


# `texts` of input_schema.
Texts = Union["Text", List["Text"]]


class _TimeRangeRequired(TypedDict):
    """What TimeRange must have."""

    # The first evaluation time.
    start: Moment


class TimeRange(_TimeRangeRequired, total=False):
    """A time range with a step."""

    # The last evaluation time is not after it; now by default.
    end: Moment
    # What to do if the range has more points than servers return in one response; `raise_step` by
    # default. `raise_step`: Multiply the step until the range has few enough points. `split`: Split
    # the range into several requests and merge their results. `error`: Fail with an error.
    on_too_many_points: Union[Literal["raise_step", "split", "error", ""], None]
    # The step; 15 seconds by default.
    step: Duration


class TlsFiles(TypedDict, total=False):
    """TLS settings; files are on the Prometheus server."""

    # Trusted CA certificates.
    ca_file: Text
    # The client certificate; needs `key_file`.
    cert_file: Text
    # Whether to skip verification of the server's certificate.
    insecure_skip_verify: Flag
    # The client certificate's key.
    key_file: Text
    # The name to verify in the server's certificate.
    server_name: Text


# Why values have reached no gateway. `no_gateway`: No gateway is configured. `manual`:
# `push_policy` leaves pushing to `push_metrics`. `mock_mode`: `mock_mode` is on. `delete_mode`:
# `push_mode` is `delete`. `not_accepted`: No push was attempted yet, or the gateway did not accept
# it.
UnpushedReason = Literal["no_gateway", "manual", "mock_mode", "delete_mode", "not_accepted"]


# An http or https URL, such as http://127.0.0.1:9090.
Url = Union[str, None]


# The outcome of a notification whose failure does not fail the operation.
Webhook = Union["Delivery", "FailedDelivery"]


# A number; templates may produce text instead.
WholeNumber = Union[int, str, None]


class Written(TypedDict):
    """Values by kind."""

    # Exemplars.
    exemplars: int
    # Native histograms.
    histograms: int
    # Float samples.
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
    "end_writer",
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
    "include_metrics",
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
    "record_batch",
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

    # Main settings of the configuration.
    monitoring_metadata: Metadata
    success: Literal[True]


class Success(_SuccessRequired, total=False):
    """What the response of every operation that succeeded has."""

    # Warnings about ignored or adjusted input, such as an unknown field. Absent if there are none.
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


class EndWriterSuccess(Success):
    """The response of `end_writer` that succeeded."""

    operation: Literal["end_writer"]
    result: EndWriterResult


EndWriterResponse = Union[EndWriterSuccess, Failure]


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


class IncludeMetricsSuccess(Success):
    """The response of `include_metrics` that succeeded."""

    operation: Literal["include_metrics"]
    result: IncludeMetricsResult


IncludeMetricsResponse = Union[IncludeMetricsSuccess, Failure]


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


class RecordBatchSuccess(Success):
    """The response of `record_batch` that succeeded."""

    operation: Literal["record_batch"]
    result: RecordBatchResult


RecordBatchResponse = Union[RecordBatchSuccess, Failure]


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
