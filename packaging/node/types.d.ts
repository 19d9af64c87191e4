// SPDX-License-Identifier: MIT
// Made from plug.yaml by `cargo xtask generate`; a test compares.

/** An active alert of a rule. */
export interface ActiveAlert {
  /** When it became active. */
  active_since: string;
  /** The alert's labels. */
  labels: LabelPairs;
  /** `pending` or `firing`. */
  state: string;
  /** The expression's value, as formatted by the server. */
  value: string;
}

/** An alert. */
export interface Alert {
  /** The label `alertname`. */
  alert_name?: Text;
  /** Annotations. */
  annotations?: Labels;
  /** An alias of `ends_at`, as in the API. */
  endsAt?: Moment;
  /** When it ended, or when it expires unless it is sent again. */
  ends_at?: Moment;
  /** An alias of `generator_url`, as in the API. */
  generatorURL?: Text;
  /** A URL of the source of the alert. */
  generator_url?: Text;
  /** The labels, which identify the alert. */
  labels?: Labels;
  /** The label `severity`. */
  severity?: Text;
  /** An alias of `starts_at`, as in the API. */
  startsAt?: Moment;
  /** When it started; the server's current time by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any UTF-8 text. */
  utf8?: Flag;
}

/** `alert_config` of input_schema. */
export interface AlertConfig {
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** Annotations; values may be templates; a summary by default. */
  annotations?: Labels;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** How long the expression must return a series before its alert fires; 5m by default. */
  duration?: Duration;
  /** The PromQL expression; each series in its result is an alert. */
  expression?: Text;
  /** An alias of `duration`. */
  for?: Duration;
  /** The group; `plugpipe` by default. */
  group?: Text;
  /** The group's evaluation interval; the server's default by default. */
  interval?: Duration;
  /** How long the alert keeps firing after the series is gone; 0s by default. */
  keep_firing_for?: Duration;
  /** Labels to set; values may be templates. */
  labels?: Labels;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file's name, for targets that read files. */
  rules_file?: Text;
  /** The annotation `runbook_url`, unless `annotations` has one. */
  runbook_url?: Text;
  /** The label `severity`, unless `labels` has one; `warning` by default. */
  severity?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
  /** The webhook that is notified when the rule is created. */
  webhook_url?: Text;
}

/** An alerting rule: for `create_alert`, and an item of `alerts`. */
export interface AlertRule {
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** Annotations; values may be templates; a summary by default. */
  annotations?: Labels;
  /** How long the expression must return a series before its alert fires; 5m by default. */
  duration?: Duration;
  /** The PromQL expression; each series in its result is an alert. */
  expression?: Text;
  /** An alias of `duration`. */
  for?: Duration;
  /** How long the alert keeps firing after the series is gone; 0s by default. */
  keep_firing_for?: Duration;
  /** Labels to set; values may be templates. */
  labels?: Labels;
  /** The annotation `runbook_url`, unless `annotations` has one. */
  runbook_url?: Text;
  /** The label `severity`, unless `labels` has one; `warning` by default. */
  severity?: Text;
}

/**
 * The state of an alert. `inactive`: The expression returns nothing. `pending`: The expression
 * returns series, but not for long enough. `firing`: The alert fires. `not_found`: The server has
 * no such rule. `unknown`: The server does not report the state.
 */
export type AlertState = 'inactive' | 'pending' | 'firing' | 'not_found' | 'unknown';

/** A rule template that the plug provides. */
export interface AlertTemplate {
  /** The names of its alerts. */
  alerts: string[];
  /** Its purpose. */
  description: string;
  /** Its name, for `template`. */
  name: string;
  /** Its parameters. */
  parameters: TemplateParameter[];
}

/** `alertmanager_status`: show Alertmanager's version, cluster and configuration. */
export interface AlertmanagerStatusRequest extends AnyRequest {}

/** The result of `alertmanager_status`. */
export interface AlertmanagerStatusResult extends AnyResult {
  /** Version, cluster and configuration in the format of Alertmanager's API. */
  status: { [key: string]: unknown };
}

/** Alertmanagers, listed or discovered like the targets of a job. */
export interface AlertmanagerTargets {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A token file on the Prometheus server. */
  bearer_token_file?: Text;
  /** Paths of targets files. */
  file_sd?: string[] | null;
  /** URLs of service discovery endpoints. */
  http_sd?: string[] | null;
  /** Labels of the listed Alertmanagers. */
  labels?: Labels;
  /** The path prefix of their API. */
  path_prefix?: Text;
  /** The proxy's URL. */
  proxy_url?: Text;
  /** How often files and endpoints are reread. */
  refresh_interval?: Duration;
  /** `http` or `https`. */
  scheme?: Text;
  /** Alertmanagers as `host:port`. */
  targets?: string[] | null;
  /** The timeout of a request. */
  timeout?: Duration;
  /** TLS settings. */
  tls?: TlsFiles | null;
}

/** A number; NaN and the infinities as text, because JSON has no numbers for them. */
export type Amount = number | string;

/** `annotate`: mark a moment or a region of time in Grafana's dashboards, or change a mark. */
export interface AnnotateRequest extends AnyRequest {
  /** The annotation to change; a new one by default. */
  annotation_id?: WholeNumber;
  /** The dashboard; all dashboards of the organization by default. */
  dashboard_uid?: Text;
  /** The panel of that dashboard. */
  panel_id?: WholeNumber;
  /** Tags; dashboards query annotations by tag. An empty list removes all tags. */
  tags?: Texts;
  /** The annotation's text. */
  text?: Text;
  /** The time, or the start of a region; now by default. */
  time?: Moment;
  /** The end of a region. */
  time_end?: Moment;
}

/** The result of `annotate`. */
export interface AnnotateResult extends AnyResult {
  /** Whether the annotation is saved in Grafana. */
  annotated: boolean;
  /** Its id, for later changes. */
  annotation_id?: number;
  /** Its end, in milliseconds since the Unix epoch; absent if it has none or it is unchanged. */
  time_end_ms?: number;
  /** Its time or start, in milliseconds since the Unix epoch; absent if unchanged. */
  time_ms?: number;
}

/**
 * The default operation is record_metric if there is a metric_name, else health_check. Settings
 * given here apply to one call. A runtime's own keys, such as pipe and run_id, have no effect,
 * except that errors about a metric name the step_id or step that recorded it.
 */
export interface AnyRequest extends Settings {
  context?: unknown;
  metadata?: unknown;
  pipe?: unknown;
  pipe_name?: unknown;
  pipeline?: unknown;
  pipeline_id?: unknown;
  previous_step?: unknown;
  /** Nested settings, which take precedence over flat ones. */
  prometheus_config?: Settings | null;
  run_id?: unknown;
  step?: unknown;
  step_id?: unknown;
  step_name?: unknown;
  trace_id?: unknown;
}

/**
 * Members of any result: the outcome of pushes that the call triggered, and the duration of
 * requests to servers.
 */
export interface AnyResult {
  /** The first conflicts because of which the gateway would reject the push. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push lowered, reset or removed.
   */
  counters_replaced?: number;
  /** Why they were downgraded. */
  downgrade_reason?: string;
  /** Native histograms that were pushed with only their sum and count. */
  downgraded?: string[];
  /** Absent if no request was sent. */
  exchange?: Exchange;
  /**
   * How the pushes of groups went that the call is not about, because they have keys of their own.
   */
  groups_pushed?: GroupPush[];
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed?: boolean;
  /** Whether `mock_mode` is on, so no server was contacted. */
  mock?: boolean;
  /** Why the push was not checked for conflicts. */
  preflight_skipped?: string;
  /** Why an automatic push failed. The values remain recorded. */
  push_error?: string;
  /** The error code of `push_error`. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** The first of those counters. */
  replaced?: Replaced[];
}

/**
 * `apply_alerts`: install a whole file or namespace of rules; rules missing from the request are
 * deleted.
 */
export interface ApplyAlertsRequest extends AnyRequest {
  /** Fields missing from it are read from the top level. Rule definitions belong in `alerts`. */
  alert_config?: AlertConfig | null;
  /** The alerting rules of one group. */
  alerts?: AlertRule[] | null;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** Whether to only report what would change; false by default. */
  dry_run?: Flag;
  /** The group of `alerts`; `plugpipe` by default. */
  group?: Text;
  /** Groups in rule-file format, including fields that only some servers support. */
  groups?: RuleGroup[] | null;
  /** The evaluation interval of the group of `alerts`; the server's default by default. */
  interval?: Duration;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The template's parameters. */
  parameters?: { [key: string]: unknown } | null;
  /** The rule file that the host has read. */
  rules_current?: RulesCurrent | null;
  /** The rule file's name; `plugpipe_rules.yml` by default. */
  rules_file?: Text;
  /** Whether the host has written the file as instructed by the previous result. */
  rules_written?: Flag;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
  /** The name of a template. */
  template?: Text;
}

/** The result of `apply_alerts`. */
export interface ApplyAlertsResult extends AnyResult {
  /** Whether the server lists all rules as requested. Absent with `dry_run`. */
  applied?: boolean;
  /** Files that the caller must write or remove if the host does not. */
  artifacts?: Artifact[];
  /** How many rules were changed. */
  changed: number;
  /** The changes by group and rule. */
  changes: RuleChange[];
  /** How many rules were created. */
  created: number;
  /** Whether nothing was changed because of `dry_run`. */
  dry_run?: boolean;
  /** For the other targets: the namespace or folder of the groups. */
  namespace?: string;
  /** What remains to be done. */
  pending?: string;
  /** If reloading failed: whether the server rejected the file's contents. */
  reload_refused?: boolean;
  /** How many rules were removed. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** Set by hosts with a rules folder: whether the file was removed and not restored. */
  rules_file_removed?: boolean;
  /** Set by hosts with a rules folder: whether the file was written and kept. */
  rules_file_written?: boolean;
  /** The installation status. */
  status: InstallStatus;
  /** The target. */
  target: InstallTarget;
  /** How many rules already matched the request. */
  unchanged: number;
}

/**
 * `apply_dashboards`: save dashboards and templates in Grafana: created, updated, unchanged or
 * conflict.
 */
export interface ApplyDashboardsRequest extends AnyRequest {
  /** An alias of `dashboards`. */
  dashboard_config?: unknown;
  /** One dashboard as for `create_dashboard`, or a list. */
  dashboards?: unknown;
  /** The uid or name of the initially selected data source; Grafana's default by default. */
  datasource?: Text;
  /** Whether to report differences; false by default. */
  diff?: Flag;
  /**
   * The folder's title, or the titles of nested folders, outermost first. Without it, an existing
   * dashboard stays in its folder.
   */
  folder?: Text | LabelValue[];
  /** The uid of the innermost folder, or of an existing folder. */
  folder_uid?: Text;
  /** The message in the version history; the plug's name and version by default. */
  message?: Text;
  /** Whether dashboards created or changed by others are overwritten; false by default. */
  overwrite?: Flag;
  /** The prefix of a template's metric names; `plugpipe` by default. */
  prefix?: Text;
  /** The names of templates; `all` selects every template. */
  templates?: LabelValues;
  /**
   * Whether each dashboard is read and compared even if its fingerprint matches; false by default.
   */
  verify?: Flag;
}

/** The result of `apply_dashboards`. */
export interface ApplyDashboardsResult extends AnyResult {
  /** How many differ in Grafana but must not be replaced. */
  conflict: number;
  /** How many were created. */
  created: number;
  /** The dashboards: given ones first, then templates. */
  dashboards: DashboardOutcome[];
  /** How many failed. */
  failed: number;
  /** How many were not attempted. */
  not_tried: number;
  /** How many were unchanged. */
  unchanged: number;
  /** How many were updated. */
  updated: number;
}

/** A file to write or remove. */
export interface Artifact {
  /** Its text. Absent if the file is to be removed. */
  content?: string;
  /** Always `rules_file`. */
  kind: string;
  /** Its name. */
  name: string;
  /** Whether to remove the file. */
  remove?: boolean;
}

/** Basic authentication. */
export interface BasicAuth {
  /** A file with the password, on the Prometheus server. */
  password_file?: Text;
  /** The user's name. */
  username?: Text;
}

/** `batch_record` of input_schema. */
export interface BatchRecord {
  /**
   * Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
   * buckets. A final `+Inf` is optional.
   */
  buckets?: (number | string)[] | null;
  /** An alias of `help`. */
  description?: Text;
  /** Series without new values for this long are removed. */
  expire_after?: Duration;
  /** The text of the `# HELP` line. The first one given is kept. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /**
   * How a gauge combines the values of several writers; `last` by default. `last`: The value that
   * was set last, by any writer. `sum`: The sum of each writer's last value. `min`: The minimum of
   * each writer's last value. `max`: The maximum of each writer's last value. `live_sum`: The sum
   * of the last values of writers that have not ended.
   */
  mode?: 'last' | 'sum' | 'min' | 'max' | 'live_sum' | '' | null;
  /** The metric's name. */
  name: LabelValue | null;
  /** Settings of a native histogram. */
  native?: Native | null;
  /** Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them. */
  quantiles?: (number | string)[] | null;
  /** The maximum number of series of the metric; beyond it, values go to an overflow series. */
  series_limit?: WholeNumber;
  /** The states of a state set. */
  states?: string[] | null;
  /** The metric's kind; `gauge` by default. */
  type?: Kind;
  /** The unit, such as `seconds`; the metric's name must end with it. */
  unit?: Text;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
  /** The value: added to a counter, set on a gauge, observed by other kinds. */
  value?: MetricValue;
  /** Observations of a histogram or summary, instead of `value`. */
  values?: MetricValue[] | null;
  /** The time window of a summary's quantiles. */
  window?: Duration;
}

/**
 * What happens to a group or a rule. `created`: It is created. `changed`: It is changed.
 * `unchanged`: It already matches the request. `removed`: It is removed.
 */
export type Change = 'created' | 'changed' | 'unchanged' | 'removed';

/** `clear_metrics`: remove all metrics. */
export interface ClearMetricsRequest extends AnyRequest {}

/** The result of `clear_metrics`. */
export interface ClearMetricsResult extends AnyResult {
  /** How many series were removed. */
  series_removed: number;
}

/**
 * Settings are flat or nested in prometheus_config, which takes precedence. Empty text means not
 * set. Unknown keys cause warnings.
 */
export interface Configuration extends ConfigurationSettings {
  /** Defaults for alerts. */
  alert_config?: AlertConfig | null;
  /** Nested settings, which take precedence over flat ones. */
  prometheus_config?: ConfigurationSettings | null;
}

/** `settings` of config_schema. */
export interface ConfigurationSettings {
  /** Sent to the origin of the server's URL only. */
  alertmanager_auth?: Credentials;
  /** Where alerts are sent and silences are created. */
  alertmanager_url?: Url;
  /**
   * The version whose defaults and members of results apply. With `1.0.0`, servers that are not
   * mentioned are those of the Python plug (`gateway_url` is `http://127.0.0.1:9091`,
   * `prometheus_url` `http://127.0.0.1:9090`, `grafana_url` `http://127.0.0.1:3000`; null is none),
   * `instance` is `plugpipe-instance`, and a `${NAME}` that the host did not replace is text. Only
   * in the configuration. `1.0.0`: The Python plug. `2.0.0`: This one. Default `"2.0.0"`.
   */
  compatibility?: '1.0.0' | '2.0.0' | '' | null;
  /** For establishing a connection. Default `"1s"`. */
  connect_timeout?: Duration;
  /** For hosts: whether to write debug logs. Only in the configuration. */
  debug?: Flag;
  /**
   * Whether PlugPipe's own metrics are registered. Only in the configuration. Default `false`.
   */
  default_metrics?: Flag;
  /** Whether `cleanup` deletes pushed groups. Only in the configuration. Default `true`. */
  delete_on_cleanup?: Flag;
  /**
   * Whether to read the group before the first push to it, and list the counters that the push does
   * not increase. Default `false`.
   */
  detect_resets?: Flag;
  /**
   * Accepted for compatibility with the Python plug; has no effect. Only in the configuration.
   */
  enable_alerting?: unknown;
  /** For `scrape_config.endpoint_url`. */
  endpoint_auth?: Credentials;
  /** An endpoint to scrape; also as `scrape_config.endpoint_url`. */
  endpoint_url?: Text;
  /** Labels added to remote-written series. */
  external_labels?: Labels | '' | null;
  /** Sent to the origin of the server's URL only. */
  gateway_auth?: Credentials;
  /** The Pushgateway; without one nothing is pushed. */
  gateway_url?: Url;
  /**
   * The API for Grafana's folders and dashboards. `api`: The API under `/api`. `k8s`: The resource
   * API under `/apis`, which needs Grafana 12 or later. Default `"api"`.
   */
  grafana_api?: 'api' | 'k8s' | '' | null;
  /** Sent to the origin of the server's URL only. */
  grafana_auth?: Credentials;
  /** The Grafana organization. */
  grafana_org_id?: WholeNumber;
  /** Where dashboards live. */
  grafana_url?: Url;
  /** Additional labels of the grouping key. */
  grouping_key?: Labels | '' | null;
  /**
   * Buckets of histograms that specify none. Only in the configuration. Default
   * `[0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300]`.
   */
  histogram_buckets?: (number | string)[] | '' | null;
  /** The instance of pushed groups and remote-written series. */
  instance?: Text;
  /** The job of pushed groups and remote-written series. Default `"plugpipe"`. */
  job_name?: Text;
  /** The maximum size of a server's response. Default `16777216`. */
  max_response_bytes?: WholeNumber;
  /** The maximum delay before any attempt. Default `"2s"`. */
  max_retry_delay?: Duration;
  /** Whether to contact no server; results then have `mock`. Default `false`. */
  mock_mode?: Flag;
  /** Sent to the origin of the server's URL only. */
  otlp_auth?: Credentials;
  /** Whether OTLP exports are compressed with gzip. Default `false`. */
  otlp_gzip?: Flag;
  /**
   * What counters and histograms in OTLP exports count from. `cumulative`: Their start. `delta`:
   * The last export that the receiver accepted. Default `"cumulative"`.
   */
  otlp_temporality?: 'cumulative' | 'delta' | '' | null;
  /** An OTLP metrics receiver, including its path. */
  otlp_url?: Url;
  /** Whether `plugpipe_monitoring_*` metrics are exposed too. Default `false`. */
  own_metrics?: Flag;
  /**
   * Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
   * only.
   */
  preflight?: Flag;
  /** Sent to the origin of the server's URL only. */
  prometheus_auth?: Credentials;
  /** Where queries go. */
  prometheus_url?: Url;
  /** Whether pushes are compressed with gzip. Default `false`. */
  push_gzip?: Flag;
  /** With the policy `interval`: the time between pushes. Default `"15s"`. */
  push_interval?: Duration;
  /**
   * How a push treats existing metrics of the group. `replace`: Replaces all metrics of the group
   * (`PUT`). `add`: Replaces metrics with the same names and keeps the others (`POST`). Default
   * `"replace"`.
   */
  push_mode?: 'replace' | 'add' | '' | null;
  /**
   * When recorded metrics are pushed. `on_record`: With each record. `manual`: Only on request.
   * `interval`: With the first call after `push_interval` if something was recorded since the last
   * push. Default `"on_record"`.
   */
  push_policy?: 'on_record' | 'manual' | 'interval' | '' | null;
  /** For a push that follows a record. Default `"1500ms"`. */
  push_timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  remote_write_auth?: Credentials;
  /**
   * The maximum number of values queued for an unavailable receiver; the oldest are dropped.
   * Default `500000`.
   */
  remote_write_capacity?: WholeNumber;
  /**
   * The age at which values queued for an unavailable receiver are dropped. Default `"7200s"`.
   */
  remote_write_max_age?: Duration;
  /** For one remote-write request. Default `"10s"`. */
  remote_write_timeout?: Duration;
  /** A remote-write receiver, including its path. */
  remote_write_url?: Url;
  /** The remote-write protocol version. Default `"auto"`. */
  remote_write_version?: 'auto' | '2.0' | '2' | 2 | '1.0' | '1' | 1 | '' | null;
  /**
   * Attributes of the resource in OTLP exports, such as `deployment.environment.name`; they
   * override external labels.
   */
  resource_attributes?: Labels | '' | null;
  /** The maximum number of attempts of an operation that a caller waits for. Default `3`. */
  retry_attempts?: WholeNumber;
  /** The maximum delay before the second attempt. Default `"100ms"`. */
  retry_delay?: Duration;
  /** Sent to the origin of the server's URL only. */
  ruler_auth?: Credentials;
  /** The server that evaluates rules, if not Prometheus. */
  ruler_url?: Url;
  /** The fields of `scrape_endpoint`. */
  scrape_config?: { [key: string]: unknown } | null;
  /** Prometheus's scrape interval. Default `"15s"`. */
  scrape_interval?: Duration;
  /** For an operation that sends requests to a server. Default `"10s"`. */
  timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  webhook_auth?: Credentials;
  /**
   * The body format of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`:
   * `{alert_data, timestamp, source}`, as sent by the published Python plug. Default
   * `"alertmanager"`.
   */
  webhook_format?: 'alertmanager' | 'plugpipe' | '' | null;
  /** The key that signs webhooks. Only in the configuration. */
  webhook_secret?: Text;
  /** The webhook for calls that name none. */
  webhook_url?: Url;
}

/** A conflict because of which a gateway would reject a push. */
export interface Conflict {
  /** The conflicting group; absent if the conflict is within the push or with the gateway. */
  group?: string;
  /** The metric to change. */
  metric: string;
  /** What conflicts with what, and what to do. */
  problem: string;
  /** The kind of conflict. */
  reason: ConflictReason;
}

/** `conflict_reason` of output_schema. */
export type ConflictReason =
  | 'type'
  | 'help'
  | 'name_suffix'
  | 'duplicate_series'
  | 'timestamp'
  | 'label_name';

/**
 * `create_alert`: check an alerting rule, install it at target, and confirm it by reading it back.
 */
export interface CreateAlertRequest extends AnyRequest {
  /** The alert. Fields missing from it are read from the top level. */
  alert_config?: AlertConfig | null;
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** Annotations; values may be templates; a summary by default. */
  annotations?: Labels;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** How long the expression must return a series before its alert fires; 5m by default. */
  duration?: Duration;
  /** The PromQL expression; each series in its result is an alert. */
  expression?: Text;
  /** An alias of `duration`. */
  for?: Duration;
  /** The group; `plugpipe` by default. */
  group?: Text;
  /** The group's evaluation interval; the server's default by default. */
  interval?: Duration;
  /** How long the alert keeps firing after the series is gone; 0s by default. */
  keep_firing_for?: Duration;
  /** Labels to set; values may be templates. */
  labels?: Labels;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file that the host has read. */
  rules_current?: RulesCurrent | null;
  /** The rule file's name, for targets that read files. */
  rules_file?: Text;
  /** Whether the host has written the file as instructed by the previous result. */
  rules_written?: Flag;
  /** The annotation `runbook_url`, unless `annotations` has one. */
  runbook_url?: Text;
  /** The label `severity`, unless `labels` has one; `warning` by default. */
  severity?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
}

/** The result of `create_alert`. */
export interface CreateAlertResult extends AnyResult {
  /**
   * Whether the server lists the rule as requested. Until then, `pending` tells what is missing.
   */
  alert_created: boolean;
  /** Its group and its name: `GROUP/NAME`. */
  alert_id: string;
  /** The alert's name. */
  alert_name: string;
  /** Files that the caller must write or remove if the host does not. */
  artifacts?: Artifact[];
  /** How many rules were changed. */
  changed: number;
  /** The changes by group and rule. */
  changes: RuleChange[];
  /** How many rules were created. */
  created: number;
  /** Its PromQL expression. */
  expression: string;
  /** For the other targets: the namespace or folder of the groups. */
  namespace?: string;
  /** What remains to be done. */
  pending?: string;
  /** If reloading failed: whether the server rejected the file's contents. */
  reload_refused?: boolean;
  /** How many rules were removed. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** Set by hosts with a rules folder: whether the file was removed and not restored. */
  rules_file_removed?: boolean;
  /** Set by hosts with a rules folder: whether the file was written and kept. */
  rules_file_written?: boolean;
  /** The rule's state, if the server lists it: `inactive`, `pending` or `firing`. */
  state?: string;
  /** The installation status. */
  status: InstallStatus;
  /** The target. */
  target: InstallTarget;
  /** How many rules already matched the request. */
  unchanged: number;
  /** With `webhook_url`: the outcome of the notification. */
  webhook?: Webhook;
}

/** `create_dashboard`: save a dashboard from dashboard_config or a template in Grafana. */
export interface CreateDashboardRequest extends AnyRequest {
  /** An alias of `dashboard_config`. */
  dashboard?: unknown;
  /** A full or partial Grafana JSON model; it needs a title. */
  dashboard_config?: unknown;
  /** The uid or name of the initially selected data source; Grafana's default by default. */
  datasource?: Text;
  /** Whether to report differences; false by default. */
  diff?: Flag;
  /** Whether to only return the dashboard as it would be saved; false by default. */
  dry_run?: Flag;
  /**
   * The folder's title, or the titles of nested folders, outermost first. Without it, an existing
   * dashboard stays in its folder.
   */
  folder?: Text | LabelValue[];
  /** The uid of the innermost folder, or of an existing folder. */
  folder_uid?: Text;
  /** The message in the version history; the plug's name and version by default. */
  message?: Text;
  /** Whether dashboards created or changed by others are overwritten; false by default. */
  overwrite?: Flag;
  /** The prefix of a template's metric names; `plugpipe` by default. */
  prefix?: Text;
  /** The name of a template, instead of a dashboard. */
  template?: Text;
  /**
   * Whether each dashboard is read and compared even if its fingerprint matches; false by default.
   */
  verify?: Flag;
}

/** The result of `create_dashboard`. */
export interface CreateDashboardResult extends AnyResult {
  /** The action taken or planned. */
  action?: DashboardAction;
  /** With `diff`: the first differences. */
  changes?: DashboardChange[];
  /** With `conflict`: why the dashboard in Grafana was not replaced. */
  conflict?: string;
  /** If Grafana was not contacted: the dashboard's JSON model as it would be saved. */
  dashboard?: { [key: string]: unknown };
  /** Whether the dashboard is saved in Grafana. */
  dashboard_created: boolean;
  /** Whether Grafana was not contacted because of `dry_run`. */
  dry_run?: boolean;
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable error code. */
  error_code?: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The requested folder. */
  folder_uid?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Its title. */
  title: string;
  /** Its uid: the given one, or one derived from its folders and title. */
  uid: string;
  /** The dashboard's URL. */
  url?: string;
  /** The dashboard's version in Grafana, if known. */
  version?: number;
  /** Corrections and suspicious fields, each beginning with its path. */
  warnings: string[];
  /** Values that were written before the error. */
  written?: number;
}

/** `create_silence`: silence matching alerts for a time. */
export interface CreateSilenceRequest extends AnyRequest {
  /** The reason for the silence. */
  comment: Text;
  /** The author; the plug's name by default. */
  created_by?: Text;
  /** The duration, unless `ends_at` is given. */
  duration?: Duration;
  /** The end. */
  ends_at?: Moment;
  /** Matchers; an alert is muted if its labels satisfy all of them. */
  matchers: Matchers;
  /** The silence to change; a new one by default. Alertmanager may replace it with a new id. */
  silence_id?: Text;
  /** The start; now by default. */
  starts_at?: Moment;
}

/** The result of `create_silence`. */
export interface CreateSilenceResult extends AnyResult {
  /** When it ends. */
  ends_at: Rfc3339;
  /** Its matchers, such as `severity="warning"`; it mutes alerts that match all of them. */
  matchers: string[];
  /** Its id. A changed silence may have a new id. Absent in `mock_mode`. */
  silence_id?: string;
  /** When the silence begins. */
  starts_at: Rfc3339;
}

/** User:password or a token as text; or an object. */
export type Credentials = string | null | CredentialsObject;

/**
 * Credentials by name: `username` and `password`, or a token; `headers` and a tenant with either,
 * or alone. Any other field is an error, so that no misspelled secret goes unused.
 */
export interface CredentialsObject {
  /** Another name for `token`. */
  api_key?: Text;
  /** Another name for `token`. */
  api_token?: Text;
  /** Sent verbatim; they replace the plug's own headers of the same name. */
  headers?: Labels;
  /** Another name for `tenant`. */
  org_id?: Text;
  /** For `Authorization: Basic`. */
  password?: Text;
  /** Sent as `X-Scope-OrgID`. */
  tenant?: Text;
  /** For `Authorization: Bearer`. */
  token?: Text;
  /** `basic` or `bearer`; by default derived from the other fields. */
  type?: Text;
  /** For `Authorization: Basic`. */
  username?: Text;
}

/**
 * The action for a dashboard. `created`: Grafana had none with its uid. `updated`: It replaced an
 * existing one. `unchanged`: Grafana already had it. `conflict`: Grafana has a different one that
 * must not be replaced. `failed`: Grafana rejected it or could not be reached. `not_tried`: Not
 * attempted because of an earlier failure.
 */
export type DashboardAction =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'conflict'
  | 'failed'
  | 'not_tried';

/** A difference from the current state in Grafana. */
export interface DashboardChange {
  /** The path, such as `panels[0].title`. */
  path: string;
  /** The requested value as shortened JSON; absent if there is none. */
  wanted?: string;
  /** The current value as shortened JSON; absent if there is none. */
  was?: string;
}

/** A dashboard and its outcome. */
export interface DashboardOutcome {
  /** The action taken or planned. */
  action: DashboardAction;
  /** With `diff`: the first differences. */
  changes?: DashboardChange[];
  /** With `conflict`: why the dashboard in Grafana was not replaced. */
  conflict?: string;
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable error code. */
  error_code?: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The requested folder. */
  folder_uid?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Its title. */
  title: string;
  /** Its uid: the given one, or one derived from its folders and title. */
  uid: string;
  /** The dashboard's URL. */
  url?: string;
  /** The dashboard's version in Grafana, if known. */
  version?: number;
  /** Corrections and suspicious fields, each beginning with its path. */
  warnings: string[];
  /** Values that were written before the error. */
  written?: number;
}

/**
 * The state of Grafana's database. `ok`: Grafana can reach its database. `failing`: Grafana cannot
 * reach its database.
 */
export type DatabaseStatus = 'ok' | 'failing';

/**
 * The action for a data source. `created`: Grafana had none with its uid. `updated`: The existing
 * one was changed. `unchanged`: The existing one was as requested.
 */
export type DatasourceAction = 'created' | 'updated' | 'unchanged';

/** `datasource_health`: check whether Grafana can reach the server of a data source. */
export interface DatasourceHealthRequest extends AnyRequest {
  /** The name, unique in an organization; `Prometheus` by default. */
  name?: Text;
  /** The uid that dashboards reference; derived from the name by default. */
  uid?: Text;
}

/** The result of `datasource_health`. */
export interface DatasourceHealthResult extends AnyResult {
  /** Whether Grafana can reach the server of the data source. */
  healthy: boolean;
  /** Grafana's message about it. */
  message?: string;
  /** The uid that dashboards reference. */
  uid: string;
}

/** `delete_alert`: remove a rule that create_alert installed. */
export interface DeleteAlertRequest extends AnyRequest {
  /** The same as for `create_alert`. Fields missing from it are read from the top level. */
  alert_config?: AlertConfig | null;
  /** The alert's name. */
  alert_name?: Text;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** The alert's group; `plugpipe` by default. */
  group?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file that the host has read. */
  rules_current?: RulesCurrent | null;
  /** The rule file that contains the alert, if not its own. */
  rules_file?: Text;
  /** Whether the host has written the file as instructed by the previous result. */
  rules_written?: Flag;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
}

/** The result of `delete_alert`. */
export interface DeleteAlertResult extends AnyResult {
  /** The alert's name. */
  alert_name: string;
  /** Files that the caller must write or remove if the host does not. */
  artifacts?: Artifact[];
  /** How many rules were changed. */
  changed?: number;
  /** The changes by group and rule. */
  changes?: RuleChange[];
  /** How many rules were created. */
  created?: number;
  /** Whether this call removed the rule and the server no longer lists it. */
  deleted: boolean;
  /** For the other targets: the namespace or folder of the groups. */
  namespace?: string;
  /** What remains to be done. */
  pending?: string;
  /** If reloading failed: whether the server rejected the file's contents. */
  reload_refused?: boolean;
  /** How many rules were removed. */
  removed?: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** Set by hosts with a rules folder: whether the file was removed and not restored. */
  rules_file_removed?: boolean;
  /** Set by hosts with a rules folder: whether the file was written and kept. */
  rules_file_written?: boolean;
  /** The installation status. */
  status?: InstallStatus;
  /** The target. */
  target?: InstallTarget;
  /** How many rules already matched the request. */
  unchanged?: number;
  /** Whether the rule existed in the file or on the server. Absent in `mock_mode`. */
  was_there?: boolean;
}

/** `delete_dashboard`: delete a dashboard from Grafana. */
export interface DeleteDashboardRequest extends AnyRequest {
  /** The dashboard's uid. */
  uid: Text;
}

/** The result of `delete_dashboard`. */
export interface DeleteDashboardResult extends AnyResult {
  /** Whether Grafana had a dashboard with that uid and deleted it. */
  deleted: boolean;
  /** The requested uid. */
  uid: string;
}

/** `delete_metrics`: delete this plug's group from the Pushgateway. */
export interface DeleteMetricsRequest extends AnyRequest {}

/** The result of `delete_metrics`. */
export interface DeleteMetricsResult extends AnyResult {
  /** Whether the group no longer exists on the gateway. */
  deleted: boolean;
  /** The group's URL. */
  group?: string;
}

/** The outcome of a webhook notification. */
export interface Delivery {
  /** Whether the receiver responded with a 2xx status. */
  delivered: boolean;
  /** The HTTP status of the receiver's response. */
  http_status?: number;
  /** Whether `mock_mode` is on, so no server was contacted. */
  mock?: boolean;
  /** Whether the body was signed with `webhook_secret`. */
  signed?: boolean;
  /** The webhook's URL, redacted. */
  webhook_url: string;
}

/** `describe`: what this plug is. */
export interface DescribeRequest extends AnyRequest {}

/** The result of `describe`. */
export interface DescribeResult extends AnyResult {
  /** The plug's description. */
  description: string;
  /** The plug's name. */
  name: string;
  /** The operations and their descriptions. */
  operations: LabelPairs;
  /** The plug's version. */
  version: string;
}

/**
 * `discover_targets`: list targets from an http_sd endpoint or a list, and whether Prometheus
 * scrapes them.
 */
export interface DiscoverTargetsRequest extends AnyRequest {
  /** The URL of an http_sd endpoint. */
  sd_url?: Text;
  /**
   * Instead of `sd_url`, a list of `host:port`, or of groups in the format of an http_sd endpoint.
   */
  targets?: unknown[] | null;
}

/** The result of `discover_targets`. */
export interface DiscoverTargetsResult extends AnyResult {
  /** How many of the targets Prometheus scrapes. */
  active?: number;
  /** Whether the targets were compared with those of Prometheus. */
  compared: boolean;
  /** The targets, grouped by their labels. */
  groups: ResponseTargetGroup[];
  /** How many Prometheus does not scrape. */
  missing?: number;
  /** The service discovery endpoint, without user, password and query. */
  sd_url?: string;
  /** How many targets there are. */
  targets: number;
}

/** A target and, if compared, its state in Prometheus. */
export interface DiscoveredTarget {
  /** Its `host:port`. */
  address: string;
  /** `up`, `down` or `unknown`. */
  health?: string;
  /** The job that scrapes it. */
  job?: string;
  /** Why the last scrape failed. */
  last_error?: string;
  /** The URL that is scraped. */
  scrape_url?: string;
  /** Whether Prometheus scrapes it. */
  state?: TargetState;
}

/**
 * In Prometheus's format (15s, 1h30m, 500ms), a decimal with one unit (1.5h), or a number of
 * seconds.
 */
export type Duration = string | number | null;

/** `end_writer`: forget the values of a writer that has ended in gauges of mode live_sum. */
export interface EndWriterRequest extends AnyRequest {
  /** The id of a writer that records no more. */
  writer: Text;
}

/** The result of `end_writer`. */
export interface EndWriterResult extends AnyResult {
  /** How many gauges lost its value. */
  gauges_changed: number;
  /** Whether the writer was known. */
  known: boolean;
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed: boolean;
}

/** `ensure_datasource`: create or update a Prometheus data source in Grafana. */
export interface EnsureDatasourceRequest extends AnyRequest {
  /** The user for basic authentication with the server; the URL's user by default. */
  basic_auth_user?: Text;
  /** The server's URL as seen by Grafana; `prometheus_url` by default. */
  datasource_url?: Text;
  /** Whether this is the default data source; unchanged by default. */
  default?: Flag;
  /** Whether to report differences; false by default. */
  diff?: Flag;
  /** Whether to only report what would be done; false by default. */
  dry_run?: Flag;
  /** An object with settings of the data source type: `httpMethod`, `timeInterval`, … */
  json_data?: { [key: string]: unknown } | null;
  /** The name, unique in an organization; `Prometheus` by default. */
  name?: Text;
  /** Whether secrets are sent even if Grafana already has some; false by default. */
  renew_secrets?: Flag;
  /** Secrets, which Grafana never returns: `basicAuthPassword`, `httpHeaderValue1`, … */
  secure_json_data?: Labels;
  /** The uid that dashboards reference; derived from the name by default. */
  uid?: Text;
}

/** The result of `ensure_datasource`. */
export interface EnsureDatasourceResult extends AnyResult {
  /** The action taken, or planned with `dry_run`; absent if Grafana was not contacted. */
  action?: DatasourceAction;
  /** With `diff`: the first differences, without secrets. */
  changes?: DashboardChange[];
  /** Whether the data source in Grafana is as requested. */
  datasource_ready: boolean;
  /** Whether nothing was changed because of `dry_run`. */
  dry_run?: boolean;
  /** The name. */
  name: string;
  /** The uid that dashboards reference. */
  uid: string;
}

/** `error_code` of output_schema. */
export type ErrorCode =
  | 'invalid_json'
  | 'unknown_operation'
  | 'missing_field'
  | 'invalid_field'
  | 'metric_conflict'
  | 'unknown_series'
  | 'limit_reached'
  | 'not_configured'
  | 'not_granted'
  | 'unreachable'
  | 'timeout'
  | 'tls_failed'
  | 'answer_too_long'
  | 'refused'
  | 'push_conflict'
  | 'query_failed'
  | 'bad_answer'
  | 'interrupted'
  | 'unknown_outcome'
  | 'unhealthy';

/** Requests to servers. */
export interface Exchange {
  /** How many requests were sent, including retries. */
  attempts: number;
  /** Their total duration, in milliseconds. */
  elapsed_ms: number;
}

/** An exemplar. */
export interface Exemplar {
  /** Its labels, such as a trace id. */
  labels: LabelPairs;
  /** The timestamp in seconds since the Unix epoch. */
  timestamp?: Amount;
  /** The observed value. */
  value: Amount;
}

/**
 * `expire_groups`: delete groups whose last push is older than older_than; dry_run (the default)
 * only lists them.
 */
export interface ExpireGroupsRequest extends AnyRequest {
  /** Whether to only report what would be deleted; true by default. */
  dry_run?: Flag;
  /** Only groups with these labels. */
  labels?: Labels;
  /** The minimum time since the last push to a group. */
  older_than: Duration;
}

/** The result of `expire_groups`. */
export interface ExpireGroupsResult extends AnyResult {
  /** How many groups are listed. */
  count?: number;
  /** `expire_groups`: how many of them were deleted. */
  deleted?: number;
  /** Whether nothing was changed. */
  dry_run: boolean;
  /** The groups. */
  groups?: Group[];
}

/** `expire_silence`: expire a silence. */
export interface ExpireSilenceRequest extends AnyRequest {
  /** The silence to expire. */
  silence_id: Text;
}

/** The result of `expire_silence`. */
export interface ExpireSilenceResult extends AnyResult {
  /** Whether Alertmanager expired it; false if it has no silence with that id. */
  expired: boolean;
  /** The silence's id. */
  silence_id: string;
}

/**
 * `export_dashboards`: export dashboards as files for Grafana provisioning, or as ConfigMaps for
 * Kubernetes.
 */
export interface ExportDashboardsRequest extends AnyRequest {
  /** An alias of `dashboards`. */
  dashboard_config?: unknown;
  /** One dashboard as for `create_dashboard`, or a list. */
  dashboards?: unknown;
  /** The uid or name of the initially selected data source; Grafana's default by default. */
  datasource?: Text;
  /**
   * The folder's title, or the titles of nested folders, outermost first. Without it, an existing
   * dashboard stays in its folder.
   */
  folder?: Text | LabelValue[];
  /** The uid of the innermost folder, or of an existing folder. */
  folder_uid?: Text;
  /**
   * Whether to export ConfigMaps for Grafana's sidecar, one for each dashboard, and their metadata.
   */
  kubernetes?: Flag | Kubernetes;
  /** The prefix of a template's metric names; `plugpipe` by default. */
  prefix?: Text;
  /** The names of templates; `all` selects every template. */
  templates?: LabelValues;
  /** The uids of dashboards in Grafana; without them, the given dashboards are exported. */
  uids?: LabelValues | null;
}

/** The result of `export_dashboards`. */
export interface ExportDashboardsResult extends AnyResult {
  /** A file for each dashboard: its JSON model, or with `kubernetes` its ConfigMap. */
  files: File[];
  /** The `uids` that do not exist in Grafana. */
  missing: string[];
  /**
   * The YAML provider file that makes Grafana load the other files. Absent with `kubernetes`.
   */
  provider?: string;
  /**
   * Corrections and suspicious fields in dashboards; with `kubernetes` also what a ConfigMap cannot
   * express.
   */
  warnings: string[];
}

/** `export_format` of output_schema. */
export type ExportFormat =
  | 'prometheus'
  | 'openmetrics'
  | 'openmetrics2'
  | 'protobuf'
  | 'json'
  | 'csv';

/**
 * `export_metrics`: export recorded metrics as prometheus, openmetrics, openmetrics2, protobuf,
 * json or csv.
 */
export interface ExportMetricsRequest extends AnyRequest {
  /**
   * `prometheus` (the default), `openmetrics` (1.0), `openmetrics2` (2.0, which is experimental),
   * `protobuf`, `json` or `csv`.
   */
  export_format?: Text;
}

/** The result of `export_metrics`. */
export interface ExportMetricsResult extends AnyResult {
  /** The `Content-Type` of the exposition. */
  content_type: string;
  /** The format. */
  export_format: ExportFormat;
  /** When, in RFC 3339. With `compatibility: "1.0.0"` only. */
  export_timestamp?: string;
  /** The exposition, if it is text. */
  exported_data?: string;
  /** The exposition as base64, if it is binary. */
  exported_data_base64?: string;
  /** How many series there are. */
  series: number;
}

/** `export_otlp`: export what was recorded to an OTLP receiver. */
export interface ExportOtlpRequest extends AnyRequest {
  /**
   * Whether to send nothing if nothing changed since the receiver accepted everything; false by
   * default. Once in two minutes everything is sent all the same, because Prometheus takes a series
   * for gone that has had no sample for five.
   */
  if_changed?: Flag;
}

/** The result of `export_otlp`. */
export interface ExportOtlpResult extends AnyResult {
  /** How many of them the receiver accepted. */
  accepted?: number;
  /** How many data points were sent. */
  data_points: number;
  /** The receiver's message about them. */
  message?: string;
  /** The receiver's URL. */
  receiver?: string;
  /** How many of them it rejected. */
  rejected_data_points?: number;
  /**
   * With `if_changed`: whether nothing was sent, because nothing changed since the receiver
   * accepted everything.
   */
  unchanged?: boolean;
}

/** `export_rules`: a rule file, or a PrometheusRule for Kubernetes. */
export interface ExportRulesRequest extends AnyRequest {
  /** Fields missing from it are read from the top level. Rule definitions belong in `alerts`. */
  alert_config?: AlertConfig | null;
  /** The alerting rules of one group. */
  alerts?: AlertRule[] | null;
  /** The group of `alerts`; `plugpipe` by default. */
  group?: Text;
  /** Groups in rule-file format, including fields that only some servers support. */
  groups?: RuleGroup[] | null;
  /** The evaluation interval of the group of `alerts`; the server's default by default. */
  interval?: Duration;
  /** Whether to export a PrometheusRule of the Prometheus operator, and its metadata. */
  kubernetes?: Flag | Kubernetes;
  /** The template's parameters. */
  parameters?: { [key: string]: unknown } | null;
  /** The rule file's name; `plugpipe_rules.yml` by default. */
  rules_file?: Text;
  /** The server that evaluates the rules, as for `create_alert`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`. */
  target_version?: Text;
  /** The name of a template. */
  template?: Text;
}

/** The result of `export_rules`. */
export interface ExportRulesResult extends AnyResult {
  /** The rule file's text; with `kubernetes` that of a PrometheusRule. */
  exported_rules: string;
  /** How many groups there are. */
  groups: number;
  /** How many rules they have. */
  rules: number;
  /** A suggested file name. */
  rules_file: string;
}

/** The error of a failed notification. */
export interface FailedDelivery {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** Always false. */
  delivered: boolean;
  /** What was wrong, what was expected, and what to do. */
  error: string;
  /** A stable error code. */
  error_code: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Values that were written before the error. */
  written?: number;
}

/** `failure` of output_schema. */
export interface Failure {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error: string;
  /** A stable error code. */
  error_code: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** Absent if no request was sent. */
  exchange?: Exchange;
  /** The path of the field to correct. */
  field?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** Main settings of the configuration. */
  monitoring_metadata: Metadata;
  /** The operation; absent if the request names no known one. */
  operation?: string;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** Of a health check that found a server not healthy: how each one is. */
  result?: FailureResult;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  success: false;
  /**
   * Warnings about ignored or adjusted input, such as an unknown field. Absent if there are none.
   */
  warnings?: string[];
  /** Values that were written before the error. */
  written?: number;
}

/** Of a health check that found a server not healthy: how each one is. */
export interface FailureResult {
  /** Alertmanager. */
  alertmanager_status: Health;
  /** The responses of the checked servers. */
  details: HealthDetails;
  /** Absent if no request was sent. */
  exchange?: Exchange;
  /** Grafana. */
  grafana_status: Health;
  /** Whether all configured servers are healthy. */
  healthy: boolean;
  /** Whether `mock_mode` is on, so no server was contacted. */
  mock?: boolean;
  /** Prometheus. */
  prometheus_status: Health;
  /** The Pushgateway. */
  pushgateway_status: Health;
  /** How many series are stored. */
  series: number;
  /** Whether some values have not reached a gateway. */
  unpushed: boolean;
}

/** A metric family, without its samples. */
export interface Family {
  /** Its help text; empty if there is none. */
  help: string;
  /** Its name. */
  name: string;
  /** How many samples it has. */
  samples: number;
  /** Its type, by OpenMetrics's names. */
  type: string;
  /** Its unit. */
  unit?: string;
}

/** `federate`: fetch series from Prometheus's /federate; optionally import or push them. */
export interface FederateRequest extends Omit<AnyRequest, 'scrape_config'> {
  /**
   * The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for only
   * in this way), `prometheus` or `protobuf`.
   */
  accept?: Text;
  /**
   * Whether remote writes have the classic histograms that are imported as native ones with custom
   * buckets, as after a scrape by Prometheus with this setting; false by default.
   */
  convert_classic_histograms_to_nhcb?: Flag;
  /** Whether to import it into the registry; false by default. */
  import?: Flag;
  /** Whether the result includes samples; false by default. */
  include_samples?: Flag;
  /**
   * The maximum number of metric families and of lint findings in the result; 300 by default.
   */
  limit?: WholeNumber;
  /** Selectors such as `{job="a"}`; a series must match at least one. */
  match?: Texts;
  /** An alias of `match`, as in the API. */
  'match[]'?: Texts;
  /** Whether to push it as a separate group; false by default. */
  push?: Flag;
  /** The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`. */
  reexport?: Text;
  /** The maximum number of samples in the result; 1,000 by default. */
  sample_limit?: WholeNumber;
  /** They take precedence over fields at the top level. */
  scrape_config?: ScrapedEndpoint | null;
  /**
   * The job of that group and of the scrape configuration; by default derived from host and port.
   */
  scrape_job?: Text;
  /** Whether to import untyped metrics as gauges; they stay untyped by default. */
  unknown_as_gauge?: Flag;
}

/** The result of `federate`. */
export interface FederateResult extends AnyResult {
  /** The size of the exposition, uncompressed. */
  bytes?: number;
  /** The content type of `exported_data`. */
  content_type?: string;
  /** The duration of fetching and parsing, in milliseconds. */
  duration_ms?: number;
  /** The number of dropped exemplars. */
  exemplars_dropped?: number;
  /** With `reexport`: the format of `exported_data`. */
  export_format?: string;
  /** The converted exposition. */
  exported_data?: string;
  /** The first metric families. */
  families?: Family[];
  /** The number of metric families. */
  families_count?: number;
  /** Whether series were fetched. */
  federated: boolean;
  /** The format: `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`. */
  format?: string;
  /** With `import`: the outcome of the import. */
  imported?: Imported;
  /** The selectors. */
  match?: string[];
  /** How many samples there are. */
  metrics_count: number;
  /** The server's URL, without credentials. */
  prometheus_url?: string;
  /** With `push`: the outcome of the push. */
  pushed?: PassedOn;
  /** With `include_samples`: the first samples. */
  samples?: Sample[];
  /**
   * The number of samples whose timestamps were dropped when converting, pushing or importing.
   */
  timestamps_dropped?: number;
  /** Whether there are more metric families or samples than listed. */
  truncated?: boolean;
}

/** A file for Grafana's provisioning. */
export interface File {
  /** Its contents. */
  content: string;
  /** Its name. */
  path: string;
}

/** True or false, which may be text. */
export type Flag = boolean | string | null;

/** `flush_metrics`: push what no gateway has accepted yet, unless push_policy is manual. */
export interface FlushMetricsRequest extends AnyRequest {
  /**
   * Whether to push nothing and only report the expected outcome, or what would be lost without a
   * push; false by default.
   */
  dry_run?: Flag;
}

/** The result of `flush_metrics`. */
export interface FlushMetricsResult extends AnyResult {
  /** Whether some values have not reached a gateway. */
  unpushed: boolean;
  /** Why they have not. */
  unpushed_reason?: UnpushedReason;
}

/** `format_query`: format a PromQL expression. */
export interface FormatQueryRequest extends AnyRequest {
  /** The PromQL expression. */
  query: Text;
}

/** The result of `format_query`. */
export interface FormatQueryResult extends AnyResult {
  /** The formatted expression. */
  formatted: string;
  /** The server's info annotations. */
  infos?: string[];
  /** The PromQL expression. */
  query: string;
  /** The server's warnings. */
  warnings?: string[];
}

/** A dashboard that a search found. */
export interface FoundDashboard {
  /** That folder's title; empty for none. */
  folder: string;
  /** The uid of its folder; empty for none. */
  folder_uid: string;
  /** Its tags. */
  tags: string[];
  /** Its title. */
  title: string;
  /** Its uid. */
  uid: string;
  /** Its URL. */
  url?: string;
}

/**
 * `generate_config`: generate a prometheus.yml, or parts of it, and targets files; or monitors for
 * Kubernetes.
 */
export interface GenerateConfigRequest extends AnyRequest {
  /** The environment whose defaults apply: `development`, `testing` or `production`. */
  environment?: Text;
  /** The oldest version of Prometheus to support; `2.42` by default. */
  for_version?: Text;
  /** The contents of the parts. */
  generate?: GeneratedSections | null;
  /**
   * Whether to write resources of the Prometheus operator, one for each job, and their metadata.
   */
  kubernetes?: Flag | KubernetesMonitors;
  /** The parts to write; by default all non-empty ones. */
  parts?: string[] | null;
}

/** The result of `generate_config`. */
export interface GenerateConfigResult extends AnyResult {
  /**
   * The text of `prometheus.yml`, or with `kubernetes` of the operator's resources; absent if all
   * parts are empty.
   */
  config?: string;
  /** The environment whose defaults apply, or `default`. */
  environment: string;
  /** The usual name of the file; absent without `config`. */
  file_name?: string;
  /** The targets as JSON, for a file in `file_sd_configs`. */
  file_sd?: string;
  /** The oldest version of Prometheus that accepts the configuration, such as `2.42`. */
  for_version: string;
  /** The same targets as the response of an `http_sd_configs` endpoint. */
  http_sd?: HttpSd;
  /**
   * Fields that the version does not support: their path and the version that introduced them.
   */
  left_out: string[];
  /** Command-line flags that the server needs. */
  needs_flags: string[];
}

/** The contents of the parts of a `prometheus.yml`. */
export interface GeneratedSections {
  /** Alertmanagers that receive alerts. */
  alertmanagers?: AlertmanagerTargets[] | null;
  /** Jobs that scrape `/federate` of other servers, each with `match`. */
  federate?: ScrapeJob[] | null;
  /** The job of the Pushgateway; false omits it. */
  gateway?: Flag | ScrapeJob;
  /** Settings for all jobs. */
  global?: GlobalSection | null;
  /** The job of the plug; false omits it. */
  plug?: Flag | ScrapeJob;
  /** Remote-read endpoints. */
  remote_read?: RemoteEndpoint[] | null;
  /** Remote-write endpoints. */
  remote_write?: RemoteEndpoint[] | null;
  /** Paths of rule files; in production `plugpipe_alerts.yml` by default. */
  rule_files?: string[] | null;
  /** Other jobs. */
  scrape?: ScrapeJob[] | null;
  /** The groups of a targets file. */
  sd_targets?: TargetGroup[] | null;
}

/** `get_alert_state`: tell whether an alert is inactive, pending or firing, and since when. */
export interface GetAlertStateRequest extends AnyRequest {
  /** Fields missing from it are read from the top level. */
  alert_config?: AlertConfig | null;
  /** The alert's name. */
  alert_name?: Text;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
}

/** The result of `get_alert_state`. */
export interface GetAlertStateResult extends AnyResult {
  /** When it became pending or firing. */
  active_since?: string;
  /** The alert's name. */
  alert_name: string;
  /** The rules with that name. Absent in `mock_mode`. */
  rules?: InstalledRule[];
  /** The most severe state of all rules with that name. */
  state: AlertState;
}

/** `get_dashboard`: a dashboard as Grafana holds it. */
export type GetDashboardRequest = DeleteDashboardRequest;

/** The result of `get_dashboard`. */
export interface GetDashboardResult extends AnyResult {
  /** Its JSON model. */
  dashboard?: { [key: string]: unknown };
  /** The uid of its folder; empty for none. */
  folder_uid?: string;
  /** Whether Grafana has a dashboard with that uid. */
  found: boolean;
  /** The dashboard's title. */
  title?: string;
  /** The requested uid. */
  uid: string;
  /** Its URL. */
  url?: string;
  /** Its version. */
  version?: number;
}

/** Settings for all jobs. */
export interface GlobalSection {
  /** The rule evaluation interval; 15 seconds by default. */
  evaluation_interval?: Duration;
  /** Labels added to series and alerts sent to other systems. */
  external_labels?: Labels;
  /**
   * The scrape interval; by default the setting of that name, else the environment's default.
   */
  scrape_interval?: Duration;
  /** The scrape timeout, at most the interval. */
  scrape_timeout?: Duration;
}

/** `grafana_status`: show Grafana's version, database state and organization. */
export interface GrafanaStatusRequest extends AnyRequest {}

/** The result of `grafana_status`. */
export interface GrafanaStatusResult extends AnyResult {
  /** The state of Grafana's database. */
  database?: DatabaseStatus;
  /** The organization of the plug's credentials, or why it is unknown. */
  organization?: Organization;
  /** Grafana's version; absent if Grafana hides it. */
  version?: string;
}

/** A group on a Pushgateway. */
export interface Group {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** `expire_groups`: whether it was deleted. */
  deleted?: boolean;
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable error code. */
  error_code?: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** Its URL; absent if the grouping key cannot be written as a URL. */
  group?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Its grouping key, including `job`. */
  labels: LabelPairs;
  /** The time of the last rejected push. */
  last_failure?: Rfc3339;
  /** The time of the last accepted push. */
  last_push?: Rfc3339;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** How many metrics it has, except those about its pushes. */
  metrics: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** How many series they have. */
  series: number;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Values that were written before the error. */
  written?: number;
}

/** The outcome of pushing another group. */
export interface GroupPush {
  /** The first conflicts because of which the gateway would reject the push. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push lowered, reset or removed.
   */
  counters_replaced?: number;
  /** Why they were downgraded. */
  downgrade_reason?: string;
  /** Native histograms that were pushed with only their sum and count. */
  downgraded?: string[];
  /** The group's URL. */
  group: string;
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed?: boolean;
  /** Why the push was not checked for conflicts. */
  preflight_skipped?: string;
  /** Why an automatic push failed. The values remain recorded. */
  push_error?: string;
  /** The error code of `push_error`. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** The first of those counters. */
  replaced?: Replaced[];
}

/**
 * How a server is. `healthy`: It responded with 200. `unhealthy`: It responded with another status.
 * `unreachable`: It did not respond. `not_granted`: The host's grants do not allow requests to it.
 * `not_configured`: No URL is configured. `mock`: `mock_mode` is on.
 */
export type Health =
  | 'healthy'
  | 'unhealthy'
  | 'unreachable'
  | 'not_granted'
  | 'not_configured'
  | 'mock';

/** `health_check`: ask every configured server whether it is well. */
export interface HealthCheckRequest extends AnyRequest {}

/** The result of `health_check`. */
export interface HealthCheckResult extends AnyResult {
  /** Alertmanager. */
  alertmanager_status: Health;
  /** The responses of the checked servers. */
  details: HealthDetails;
  /** Grafana. */
  grafana_status: Health;
  /** Whether all configured servers are healthy. */
  healthy: boolean;
  /** Prometheus. */
  prometheus_status: Health;
  /** The Pushgateway. */
  pushgateway_status: Health;
  /** How many series are stored. */
  series: number;
  /** Whether some values have not reached a gateway. */
  unpushed: boolean;
}

/** The responses of the checked servers. */
export interface HealthDetails {
  /** Alertmanager. */
  alertmanager?: ServerHealth;
  /** Grafana. */
  grafana?: ServerHealth;
  /** Prometheus. */
  prometheus?: ServerHealth;
  /** The Pushgateway. */
  pushgateway?: ServerHealth;
}

/** The response of an endpoint. */
export interface HttpSd {
  /** The body. */
  body: string;
  /** The `Content-Type`. */
  content_type: string;
}

/** The outcome of an import into the registry. */
export interface Imported {
  /** The first conflicts because of which the gateway would reject the push. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push lowered, reset or removed.
   */
  counters_replaced?: number;
  /** Why they were downgraded. */
  downgrade_reason?: string;
  /** Native histograms that were pushed with only their sum and count. */
  downgraded?: string[];
  /**
   * The number of their exemplars that were dropped: the registry stores the latest of a counter
   * and of each bucket of a classic histogram.
   */
  exemplars_dropped: number;
  /**
   * How the pushes of groups went that the call is not about, because they have keys of their own.
   */
  groups_pushed?: GroupPush[];
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed?: boolean;
  /** The number of metrics with imported series. */
  metrics: number;
  /** Whether `mock_mode` is on, so no server was contacted. */
  mock?: boolean;
  /** Why the push was not checked for conflicts. */
  preflight_skipped?: string;
  /** Why an automatic push failed. The values remain recorded. */
  push_error?: string;
  /** The error code of `push_error`. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** The first rejected metrics, by metric and reason. */
  refused: Refused[];
  /** The number of entries that `refused` would have without a limit. */
  refused_count: number;
  /** The first of those counters. */
  replaced?: Replaced[];
  /** The number of imported series. */
  series: number;
}

/**
 * `include_metrics`: expose and send what another library has recorded, replacing what it had
 * before.
 */
export interface IncludeMetricsRequest extends AnyRequest {
  /** The format of `text`: `openmetrics` (the default), `openmetrics2` or `prometheus`. */
  format?: Text;
  /**
   * Who has these metrics, such as `prometheus_client`. What the source included before is replaced
   * as a whole.
   */
  source: Text;
  /** All of the source's metrics as an exposition. An empty exposition removes them. */
  text: Text;
}

/** The result of `include_metrics`. */
export interface IncludeMetricsResult extends AnyResult {
  /** The number of dropped exemplars. */
  exemplars_dropped: number;
  /** The number of metrics with included series. */
  metrics: number;
  /** The first rejected metrics, by metric and reason; they are warnings too. */
  refused: Refused[];
  /** The number of entries that `refused` would have without a limit. */
  refused_count: number;
  /** The number of series that the source does not have anymore, and that were removed. */
  removed: number;
  /** The number of included series. */
  series: number;
  /** Who has the metrics. */
  source: string;
  /** The number of series whose timestamps were dropped. */
  timestamps_dropped: number;
}

/**
 * The installation status of rules. `installed`: Installed; the server lists the rules as
 * requested. `unchanged`: The rules already matched the request. `planned`: With `dry_run`: the
 * rules would be changed. `pending`: Not installed yet. `unverified`: Possibly installed: the
 * server does not return everything needed to compare the rules.
 */
export type InstallStatus = 'installed' | 'unchanged' | 'planned' | 'pending' | 'unverified';

/**
 * Where rules are installed, and how. `file`: A rule file, written by the host, and a reload:
 * Prometheus, vmalert and Thanos. `mimir`: Mimir's ruler. `cortex`: Cortex's ruler. `grafana`:
 * Grafana, through its import API for Prometheus rules.
 */
export type InstallTarget = 'file' | 'mimir' | 'cortex' | 'grafana';

/** An alerting rule on a server. */
export interface InstalledRule {
  /** Its active alerts. */
  active: ActiveAlert[];
  /** The alert's name. */
  alert_name: string;
  /** The rule's annotations. */
  annotations: LabelPairs;
  /** The expression, as formatted by the server. */
  expression: string;
  /** The group's file or namespace. */
  file: string;
  /** The rule's `for` duration, in seconds. */
  for_seconds: Amount;
  /** Its group. */
  group: string;
  /** The outcome of the last evaluation: `ok`, `err` or `unknown`. */
  health: string;
  /** The rule's labels. */
  labels: LabelPairs;
  /** Why the last evaluation failed. Absent if it did not. */
  last_error?: string;
  /** `inactive`, `pending` or `firing`. */
  state: string;
}

/** `kind` of input_schema. */
export type Kind =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'summary'
  | 'native_histogram'
  | 'info'
  | 'stateset'
  | ''
  | null;

/** `kind_name` of output_schema. */
export type KindName =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'summary'
  | 'native_histogram'
  | 'info'
  | 'stateset';

/** The metadata of Kubernetes resources. */
export interface Kubernetes {
  /** Annotations of the resources. */
  annotations?: Labels;
  /** Labels of the resources, such as those by which the operator selects them. */
  labels?: Labels;
  /**
   * The resource's name, or what the names of several begin with; made of the file, dashboard or
   * job by default.
   */
  name?: Text;
  /** The namespace; by default that of whoever applies the resource. */
  namespace?: Text;
}

/**
 * Monitors and scrape configurations of the Prometheus operator: their metadata, and how it finds
 * the plug.
 */
export interface KubernetesMonitors {
  /** Annotations of the resources. */
  annotations?: Labels;
  /**
   * The resource for the plug's job: `service_monitor` (the default), `pod_monitor` or
   * `scrape_config`.
   */
  kind?: Text;
  /** Labels of the resources, such as those by which the operator selects them. */
  labels?: Labels;
  /** What the resources' names begin with; made of the jobs' names by default. */
  name?: Text;
  /** The namespace; by default that of whoever applies the resources. */
  namespace?: Text;
  /** The namespaces of the Service or pods; by default that of the monitor. */
  namespaces?: string[] | null;
  /** The name of the port in the Service or pods; `http` by default. */
  port?: Text;
  /** The labels of the plug's Service or pods; `app.kubernetes.io/name: plugpipe` by default. */
  selector?: Labels;
}

/** Name-value pairs. */
export type LabelPairs = { [key: string]: string };

/** A text, which may be empty; a number or a boolean counts as its text. */
export type LabelValue = string | number | boolean;

/** `label_values` of input_schema. */
export type LabelValues = LabelValue | '' | null | LabelValue[];

/** `label_values`: list the values of a label in Prometheus. */
export interface LabelValuesRequest extends AnyRequest {
  /** The end of the range. */
  end?: Moment;
  /** The label's name. */
  label: Text;
  /** The maximum number of items in the result. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series must match at least one. */
  match?: Texts;
  /** An alias of `match`, as in the API. */
  'match[]'?: Texts;
  /** The start of the range. */
  start?: Moment;
}

/** The result of `label_values`. */
export interface LabelValuesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** The server's info annotations. */
  infos?: string[];
  /** The label's name. */
  label: string;
  /** Its values. */
  values: string[];
  /** The server's warnings. */
  warnings?: string[];
}

/** String pairs; a number or a boolean counts as its text. */
export type Labels = { [key: string]: string | number | boolean } | null;

/** A violation of metric conventions. */
export interface Lint {
  /** The metric's name. */
  metric: string;
  /** The problem and its solution. */
  problem: string;
  /** A stable name of the rule, such as `help`. */
  rule: string;
}

/** `list_alert_groups`: list Alertmanager's alerts, grouped by receiver. */
export interface ListAlertGroupsRequest extends AnyRequest {
  /** Whether alerts that are neither silenced nor inhibited are listed; true by default. */
  active?: Flag;
  /** Matchers that an alert's labels must satisfy. */
  filter?: Matchers;
  /** Whether inhibited alerts are listed; true by default. */
  inhibited?: Flag;
  /** A regular expression for the names of receivers. */
  receiver?: Text;
  /** Whether silenced alerts are listed; true by default. */
  silenced?: Flag;
}

/** The result of `list_alert_groups`. */
export interface ListAlertGroupsResult extends AnyResult {
  /** Alert groups in the format of Alertmanager's API. */
  groups: { [key: string]: unknown }[];
}

/** `list_alert_templates`: list the built-in rule templates and their parameters. */
export interface ListAlertTemplatesRequest extends AnyRequest {}

/** The result of `list_alert_templates`. */
export interface ListAlertTemplatesResult extends AnyResult {
  /** The available templates. */
  templates: AlertTemplate[];
}

/** `list_alerts`: list the alerting rules on the server, and their states. */
export interface ListAlertsRequest extends AnyRequest {
  /** Fields missing from it are read from the top level. */
  alert_config?: AlertConfig | null;
  /** The Grafana data source that expressions query. */
  datasource_uid?: Text;
  /** Only alerts of this group; all groups by default. */
  group?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's version, such as `3.5`, if it cannot be queried. */
  target_version?: Text;
}

/** The result of `list_alerts`. */
export interface ListAlertsResult extends AnyResult {
  /** The alerting rules on the server. */
  alerts: InstalledRule[];
}

/** `list_dashboards`: search dashboards in Grafana. */
export interface ListDashboardsRequest extends AnyRequest {
  /** The uid of its folder. */
  folder_uid?: Text;
  /** A substring of the title. */
  search?: Text;
  /** One of its tags. */
  tag?: Text;
}

/** The result of `list_dashboards`. */
export interface ListDashboardsResult extends AnyResult {
  /** How many were found. */
  count: number;
  /** The dashboards. */
  dashboards: FoundDashboard[];
}

/** `list_groups`: list the groups on the Pushgateway, with their last push. */
export interface ListGroupsRequest extends AnyRequest {
  /** Only groups with these labels. */
  labels?: Labels;
}

/** The result of `list_groups`. */
export interface ListGroupsResult extends AnyResult {
  /** How many groups are listed. */
  count?: number;
  /** `expire_groups`: how many of them were deleted. */
  deleted?: number;
  /** The groups. */
  groups?: Group[];
}

/** `list_labels`: list label names in Prometheus. */
export interface ListLabelsRequest extends AnyRequest {
  /** The end of the range. */
  end?: Moment;
  /** The maximum number of items in the result. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series must match at least one. */
  match?: Texts;
  /** An alias of `match`, as in the API. */
  'match[]'?: Texts;
  /** The start of the range. */
  start?: Moment;
}

/** The result of `list_labels`. */
export interface ListLabelsResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** The server's info annotations. */
  infos?: string[];
  /** The names. */
  labels: string[];
  /** The server's warnings. */
  warnings?: string[];
}

/** `list_metadata`: list type, help and unit of metrics in Prometheus. */
export interface ListMetadataRequest extends AnyRequest {
  /** The maximum number of metrics. */
  limit?: WholeNumber;
  /** The maximum number of entries per metric. */
  limit_per_metric?: WholeNumber;
  /** The metric; all metrics by default. */
  metric?: Text;
}

/** The result of `list_metadata`. */
export interface ListMetadataResult extends AnyResult {
  /** The server's info annotations. */
  infos?: string[];
  /** For each metric, the `type`, `help` and `unit` that its targets report. */
  metadata: { [key: string]: unknown };
  /** The server's warnings. */
  warnings?: string[];
}

/** `list_notified_alerts`: list Alertmanager's alerts. */
export interface ListNotifiedAlertsRequest extends AnyRequest {
  /** Whether alerts that are neither silenced nor inhibited are listed; true by default. */
  active?: Flag;
  /** Matchers that an alert's labels must satisfy. */
  filter?: Matchers;
  /** Whether inhibited alerts are listed; true by default. */
  inhibited?: Flag;
  /** A regular expression for the names of receivers. */
  receiver?: Text;
  /** Whether silenced alerts are listed; true by default. */
  silenced?: Flag;
  /** Whether alerts that Alertmanager has not processed yet are listed; true by default. */
  unprocessed?: Flag;
}

/** The result of `list_notified_alerts`. */
export interface ListNotifiedAlertsResult extends AnyResult {
  /** Alerts in the format of Alertmanager's API. */
  alerts: { [key: string]: unknown }[];
}

/** `list_prometheus_alerts`: list pending and firing alerts in Prometheus. */
export interface ListPrometheusAlertsRequest extends AnyRequest {}

/** The result of `list_prometheus_alerts`. */
export interface ListPrometheusAlertsResult extends AnyResult {
  /** Pending and firing alerts, in Prometheus's format. */
  alerts: { [key: string]: unknown }[];
  /** How many there are. */
  count: number;
  /** The server's info annotations. */
  infos?: string[];
  /** The server's warnings. */
  warnings?: string[];
}

/** `list_receivers`: list Alertmanager's receivers. */
export interface ListReceiversRequest extends AnyRequest {}

/** The result of `list_receivers`. */
export interface ListReceiversResult extends AnyResult {
  /** Receivers in the format of Alertmanager's API. */
  receivers: { [key: string]: unknown }[];
}

/** `list_rules`: list Prometheus's rule groups. */
export interface ListRulesRequest extends AnyRequest {
  /** Whether to omit the active alerts of rules. */
  exclude_alerts?: Flag;
  /** Only rules in these files. */
  file?: Texts;
  /** Only rules whose labels match one of these selectors. */
  match?: Texts;
  /** An alias of `match`, as in the API. */
  'match[]'?: Texts;
  /** Only rules in groups with these names. */
  rule_group?: Texts;
  /** Only rules with these names. */
  rule_name?: Texts;
  /** Only rules of this kind. `alert`: Alerting rules. `record`: Recording rules. */
  type?: 'alert' | 'record' | '' | null;
}

/** The result of `list_rules`. */
export interface ListRulesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** Rule groups, in Prometheus's format. */
  groups: { [key: string]: unknown }[];
  /** The server's info annotations. */
  infos?: string[];
  /** The server's warnings. */
  warnings?: string[];
}

/** `list_series`: list matching series in Prometheus. */
export interface ListSeriesRequest extends AnyRequest {
  /** The end of the range. */
  end?: Moment;
  /** The maximum number of items in the result. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series must match at least one. */
  match?: Texts;
  /** An alias of `match`, as in the API. */
  'match[]'?: Texts;
  /** The start of the range. */
  start?: Moment;
}

/** The result of `list_series`. */
export interface ListSeriesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** The server's info annotations. */
  infos?: string[];
  /** The labels of each series. */
  series: LabelPairs[];
  /** The server's warnings. */
  warnings?: string[];
}

/** `list_silences`: list Alertmanager's silences. */
export interface ListSilencesRequest extends AnyRequest {
  /** Matchers that a silence must have. */
  filter?: Matchers;
}

/** The result of `list_silences`. */
export interface ListSilencesResult extends AnyResult {
  /** Silences in the format of Alertmanager's API. */
  silences: { [key: string]: unknown }[];
}

/** `list_targets`: list Prometheus's scrape targets and their state. */
export interface ListTargetsRequest extends AnyRequest {
  /** Only targets of this scrape pool. */
  scrape_pool?: Text;
  /**
   * Which targets to list; all of them by default. `any`: All of them. `active`: Targets that are
   * scraped. `dropped`: Targets that relabeling dropped.
   */
  state?: 'any' | 'active' | 'dropped' | '' | null;
}

/** The result of `list_targets`. */
export interface ListTargetsResult extends AnyResult {
  /** The server's info annotations. */
  infos?: string[];
  /** `activeTargets` and `droppedTargets`, in Prometheus's format. */
  targets: { [key: string]: unknown };
  /** The server's warnings. */
  warnings?: string[];
}

/** A condition on a label. */
export interface Matcher {
  /** An alias of `is_equal`, as in the API. */
  isEqual?: Flag;
  /** An alias of `is_regex`, as in the API. */
  isRegex?: Flag;
  /** Whether it must match; true by default. */
  is_equal?: Flag;
  /**
   * Whether `value` is a regular expression, which must match the whole value; false by default.
   */
  is_regex?: Flag;
  /** The label's name. */
  name: Text;
  /** The value to compare with. Empty text matches a missing label. */
  value: LabelValue | null;
}

/** `matchers` of input_schema. */
export type Matchers = Text | Matcher | (Text | Matcher)[];

/** `metadata` of output_schema. */
export interface Metadata {
  /** `create_alert`: the rule. */
  alert_rule?: MetadataAlertRule;
  /** `health_check`: when, in RFC 3339. */
  check_timestamp?: string;
  /** The Pushgateway's URL. */
  gateway_url?: string;
  /** `health_check`: Grafana's URL. */
  grafana_url?: string;
  /** The instance. */
  instance?: string;
  /** The job of pushed metrics. */
  job_name: string;
  /** `health_check`: whether all configured servers are healthy. */
  overall_healthy?: boolean;
  /** Prometheus's URL. */
  prometheus_url?: string;
  /** `query_metrics`: `instant` or `range`. */
  query_type?: string;
  /** The scrape interval. */
  scrape_interval: string;
  /** `scrape_endpoint`: when, in RFC 3339. */
  scrape_timestamp?: string;
}

/** `create_alert`: the rule. */
export interface MetadataAlertRule {
  /** The alert's name. */
  alert: string;
  /** Its annotations. */
  annotations: LabelPairs;
  /** Its expression, if known. */
  expr?: string;
  /** Its `for` duration, in Prometheus's syntax. */
  for?: string;
  /** Its labels. */
  labels: LabelPairs;
}

/** `metric` of input_schema. */
export interface Metric {
  /**
   * Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
   * buckets. A final `+Inf` is optional.
   */
  buckets?: (number | string)[] | null;
  /** An alias of `help`. */
  description?: Text;
  /** Series without new values for this long are removed. */
  expire_after?: Duration;
  /** The text of the `# HELP` line. The first one given is kept. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** An alias of `name`. */
  metric_name?: LabelValue | null;
  /** An alias of `type`. */
  metric_type?: Kind;
  /** An alias of `value`. */
  metric_value?: MetricValue;
  /** The metric's name. */
  name?: LabelValue | null;
  /** Settings of a native histogram. */
  native?: Native | null;
  /** Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them. */
  quantiles?: (number | string)[] | null;
  /** The maximum number of series of the metric; beyond it, values go to an overflow series. */
  series_limit?: WholeNumber;
  /** The states of a state set. */
  states?: string[] | null;
  /** The metric's kind; `gauge` by default. */
  type?: Kind;
  /** The unit, such as `seconds`; the metric's name must end with it. */
  unit?: Text;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
  /** The value, as for one record. */
  value?: MetricValue;
  /** The time window of a summary's quantiles. */
  window?: Duration;
}

/** A number; templates may produce text instead. true and false count as 1 and 0. */
export type MetricValue = number | string | boolean | null;

/** RFC 3339, Unix seconds, or relative to now: now, now-1h, now+2d. */
export type Moment = string | number | null;

/** What happens to a rule. */
export interface NamedChange {
  /** The change. */
  change: Change;
  /** The name of the alert or of the recorded metric. */
  name: string;
}

/** Settings of a native histogram, with Prometheus's defaults. */
export interface Native {
  /** The maximum number of buckets; beyond it, the resolution is reduced. */
  max_buckets?: WholeNumber;
  /** The resolution: an integer from -4 to 8. */
  schema?: Number;
  /** Values up to this magnitude count as zero. */
  zero_threshold?: Number;
}

/** A bucket of a native histogram. */
export interface NativeBucket {
  /** The number of observations in it. */
  count: Amount;
  /** Its index: the upper bound is 2^(2^-schema) to the power of this. */
  index: number;
}

/** A native histogram. */
export interface NativeSample {
  /** The number of observations. */
  count: Amount;
  /** The buckets of negative observations. */
  negative: NativeBucket[];
  /** The buckets of positive observations. */
  positive: NativeBucket[];
  /**
   * The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
   */
  schema: number;
  /** The sum of observations. */
  sum: Amount;
  /** The number of observations that count as zero. */
  zero_count: Amount;
  /** Observations up to this magnitude count as zero. */
  zero_threshold: Amount;
}

/** `notify_webhook`: post alerts to a webhook, in Alertmanager's format. */
export interface NotifyWebhookRequest extends AnyRequest {
  /** The label `alertname`. */
  alert_name?: Text;
  /** The alerts; by default the single alert at the top level. */
  alerts?: Alert[] | null;
  /** Annotations. */
  annotations?: Labels;
  /** An alias of `ends_at`, as in the API. */
  endsAt?: Moment;
  /** When it ended, or when it expires unless it is sent again. */
  ends_at?: Moment;
  /** An alias of `generator_url`, as in the API. */
  generatorURL?: Text;
  /** A URL of the source of the alert. */
  generator_url?: Text;
  /** The labels, which identify the alert. */
  labels?: Labels;
  /** The receiver named in the body; the plug's name by default. */
  receiver?: Text;
  /** The label `severity`. */
  severity?: Text;
  /** An alias of `starts_at`, as in the API. */
  startsAt?: Moment;
  /** When it started; the server's current time by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any UTF-8 text. */
  utf8?: Flag;
}

/** The result of `notify_webhook`. */
export interface NotifyWebhookResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** Whether the receiver responded with a 2xx status. */
  delivered: boolean;
  /** The HTTP status of the receiver's response. */
  http_status?: number;
  /** Whether the body was signed with `webhook_secret`. */
  signed?: boolean;
  /** The webhook's URL, redacted. */
  webhook_url: string;
}

/** A number; templates may produce text instead. */
export type Number = number | string | null;

/** A Grafana organization, or why it is unknown. */
export interface Organization {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable error code. */
  error_code?: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Its id. */
  id?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** Its name. */
  name?: string;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Values that were written before the error. */
  written?: number;
}

/** The series limit was reached, and the value went to the metric's overflow series. */
export interface Overflow {
  /** How many values that label has. */
  distinct_values: number;
  /** The label with the most values. */
  label: string;
  /** The metric. */
  metric: string;
  /** The same as a message. */
  text: string;
}

/** `parse_query`: parse a PromQL expression into a syntax tree (Prometheus 3). */
export type ParseQueryRequest = FormatQueryRequest;

/** The result of `parse_query`. */
export interface ParseQueryResult extends AnyResult {
  /** The server's info annotations. */
  infos?: string[];
  /** The PromQL expression. */
  query: string;
  /** The syntax tree from the server's parser. */
  syntax_tree: { [key: string]: unknown };
  /** The server's warnings. */
  warnings?: string[];
}

/** The outcome of pushing a scrape. */
export interface PassedOn {
  /** The group's URL. */
  group: string;
  /** Whether the gateway accepted it. */
  metric_pushed: boolean;
  /** How many metrics were pushed. */
  metrics?: number;
  /** Why the push was not checked for conflicts. */
  preflight_skipped?: string;
  /** Why nothing was pushed. */
  reason?: string;
  /** How many samples were pushed. */
  samples?: number;
}

/** `plan_alerts`: show what apply_alerts would change. */
export type PlanAlertsRequest = ApplyAlertsRequest;

/** The result of `plan_alerts`. */
export interface PlanAlertsResult extends AnyResult {
  /** Files that the caller must write or remove if the host does not. */
  artifacts?: Artifact[];
  /** How many rules were changed. */
  changed: number;
  /** The changes by group and rule. */
  changes: RuleChange[];
  /** How many rules were created. */
  created: number;
  /** Always true: nothing was changed. */
  dry_run: boolean;
  /** For the other targets: the namespace or folder of the groups. */
  namespace?: string;
  /** What remains to be done. */
  pending?: string;
  /** If reloading failed: whether the server rejected the file's contents. */
  reload_refused?: boolean;
  /** How many rules were removed. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** Set by hosts with a rules folder: whether the file was removed and not restored. */
  rules_file_removed?: boolean;
  /** Set by hosts with a rules folder: whether the file was written and kept. */
  rules_file_written?: boolean;
  /** The installation status. */
  status: InstallStatus;
  /** The target. */
  target: InstallTarget;
  /** How many rules already matched the request. */
  unchanged: number;
}

/** `plan_dashboards`: show what apply_dashboards would do. */
export type PlanDashboardsRequest = ApplyDashboardsRequest;

/** The result of `plan_dashboards`. */
export type PlanDashboardsResult = ApplyDashboardsResult;

/** A position in a text, counted from 1. */
export interface Position {
  /** The column, in bytes of UTF-8. */
  column: number;
  /** The line. */
  line: number;
}

/** `prometheus_status`: show the status of the Prometheus server. */
export interface PrometheusStatusRequest extends AnyRequest {
  /** The parts to return; `build`, `runtime` and `tsdb` by default. */
  include?: StatusParts;
}

/** The result of `prometheus_status`. */
export interface PrometheusStatusResult extends AnyResult {
  /** Version and build information. */
  build?: { [key: string]: unknown };
  /** The configuration, with secrets redacted by the server. */
  config?: { [key: string]: unknown };
  /** Command-line flags. */
  flags?: { [key: string]: unknown };
  /** Runtime information. */
  runtime?: { [key: string]: unknown };
  /** TSDB statistics. */
  tsdb?: { [key: string]: unknown };
  /** Parts that the server does not provide, and why. */
  unavailable?: LabelPairs;
}

/** `push_metrics`: push recorded metrics to this plug's group on the Pushgateway. */
export type PushMetricsRequest = FlushMetricsRequest;

/** The result of `push_metrics`. */
export interface PushMetricsResult extends AnyResult {
  /** With `push_mode: delete`: whether the group was deleted. */
  deleted?: boolean;
  /** Whether nothing was sent because of `dry_run`. */
  dry_run?: boolean;
  /** The group's URL. */
  group?: string;
  /** How many series the group has. */
  series?: number;
  /** With `dry_run`: whether the gateway would accept the push. */
  would_be_accepted?: boolean;
}

/** `query_exemplars`: query exemplars of an expression's series. */
export interface QueryExemplarsRequest extends AnyRequest {
  /** The end of the range. */
  end?: Moment;
  /** The PromQL expression. */
  query: Text;
  /** The start of the range. */
  start?: Moment;
}

/** The result of `query_exemplars`. */
export interface QueryExemplarsResult extends AnyResult {
  /** The labels and exemplars of each series, in Prometheus's format. */
  exemplars: { [key: string]: unknown }[];
  /** The server's info annotations. */
  infos?: string[];
  /** The server's warnings. */
  warnings?: string[];
}

/** `query_metrics`: run a PromQL instant or range query. */
export interface QueryMetricsRequest extends AnyRequest {
  /** The maximum number of series; supported by Prometheus 3.0 and later. */
  limit?: WholeNumber;
  /** The lookback delta. */
  lookback_delta?: Duration;
  /** The PromQL expression. */
  query: Text;
  /** Whether to return query statistics; `all` includes them per step. */
  stats?: Text;
  /** The evaluation time, unless there is a `time_range`; now by default. */
  time?: Moment;
  /** The range of a range query. */
  time_range?: TimeRange | null;
}

/** The result of `query_metrics`. */
export interface QueryMetricsResult extends AnyResult {
  /** The server's info annotations. */
  infos?: string[];
  /** The number of requests, if the range was split. */
  parts?: number;
  /** The PromQL expression. */
  query: string;
  /** The expression's value. */
  query_result: QueryResult;
  /** With `stats`: the query statistics; for a split range, those of the first part. */
  stats?: { [key: string]: unknown };
  /** The step, if it was raised to limit the number of points. */
  step_raised_to_seconds?: Amount;
  /** When the query was sent. */
  timestamp: Rfc3339;
  /** The server's warnings. */
  warnings?: string[];
}

/** The value of an expression, in the format of Prometheus's API. */
export interface QueryResult {
  /**
   * The value: timestamps are numbers in seconds, sample values are strings, including `NaN` and
   * `+Inf`.
   */
  result: unknown[];
  /** The type of the value. */
  resultType: 'vector' | 'matrix' | 'scalar' | 'string';
}

/** `record_batch`: record a writer's batch once; several writers add up in one registry. */
export interface RecordBatchRequest extends AnyRequest {
  /** The records. One that is refused is reported, and the others are recorded. */
  metrics: BatchRecord[] | null;
  /**
   * The batch's number, which rises with each batch of the writer. A batch with the number of an
   * earlier one, or a lower one, is not recorded again.
   */
  number: WholeNumber;
  /** The writer's id, unique for each process, such as a UUID. */
  writer: Text;
}

/** The result of `record_batch`. */
export interface RecordBatchResult extends AnyResult {
  /**
   * Whether a batch of the writer with this number, or a later one, was recorded before. Then this
   * one was not.
   */
  duplicate: boolean;
  /** The records that were refused. */
  refused?: RefusedRecord[];
  /** How many values were recorded. */
  values_recorded: number;
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed: boolean;
}

/** `record_counter`: add to a counter. */
export interface RecordCounterRequest extends AnyRequest {
  /**
   * Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
   * buckets. A final `+Inf` is optional.
   */
  buckets?: (number | string)[] | null;
  /** An alias of `help`. */
  description?: Text;
  /** Exemplar labels, such as a trace id: at most 128 characters in total. */
  exemplar?: Labels;
  /** Series without new values for this long are removed. */
  expire_after?: Duration;
  /** The text of the `# HELP` line. The first one given is kept. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** The kind for `record_metric`; `gauge` by default. */
  metric_type?: Kind;
  /**
   * The value: added to a counter, set on a gauge, observed by other kinds. Optional for info
   * metrics and state sets.
   */
  metric_value: MetricValue;
  /** Settings of a native histogram. */
  native?: Native | null;
  /** Whether the state is on; true by default. */
  on?: Flag;
  /** Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them. */
  quantiles?: (number | string)[] | null;
  /** The maximum number of series of the metric; beyond it, values go to an overflow series. */
  series_limit?: WholeNumber;
  /** The state of a state set to change. */
  state?: Text;
  /** The states of a state set. */
  states?: string[] | null;
  /** When the value was taken. It is repeated in the result, not exposed. */
  timestamp?: Moment;
  /** The unit, such as `seconds`; the metric's name must end with it. */
  unit?: Text;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
  /** The time window of a summary's quantiles. */
  window?: Duration;
}

/** The result of `record_counter`. */
export interface RecordCounterResult extends AnyResult {
  /** The number of observations of a histogram or summary. */
  count?: number;
  /** The value of a counter or gauge. */
  current_value?: Amount;
  /** The series' labels, as given. */
  labels: LabelPairs;
  /** The metric's name. */
  metric_name: string;
  /** The metric's kind. */
  metric_type: KindName;
  /** The recorded value: added to a counter, set on a gauge, observed by other kinds. */
  metric_value: Amount;
  /** The overflow that took the value, if the metric's series limit was reached. */
  overflow?: Overflow;
  /** The states of a state set that are on. */
  states_on?: string[];
  /** The sum of observations. */
  sum?: Amount;
  /** When the value was taken: the request's `timestamp`, else now. */
  timestamp: Rfc3339;
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed: boolean;
}

/** `record_gauge`: set a gauge. */
export type RecordGaugeRequest = RecordCounterRequest;

/** The result of `record_gauge`. */
export type RecordGaugeResult = RecordCounterResult;

/** `record_histogram`: observe a value in a histogram. */
export type RecordHistogramRequest = RecordCounterRequest;

/** The result of `record_histogram`. */
export type RecordHistogramResult = RecordCounterResult;

/** `record_metric`: record a value; metric_type says as what (default gauge). */
export interface RecordMetricRequest extends AnyRequest {
  /**
   * Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
   * buckets. A final `+Inf` is optional.
   */
  buckets?: (number | string)[] | null;
  /** An alias of `help`. */
  description?: Text;
  /** Exemplar labels, such as a trace id: at most 128 characters in total. */
  exemplar?: Labels;
  /** Series without new values for this long are removed. */
  expire_after?: Duration;
  /** The text of the `# HELP` line. The first one given is kept. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** The kind for `record_metric`; `gauge` by default. */
  metric_type?: Kind;
  /**
   * The value: added to a counter, set on a gauge, observed by other kinds. Optional for info
   * metrics and state sets.
   */
  metric_value?: MetricValue;
  /** Settings of a native histogram. */
  native?: Native | null;
  /** Whether the state is on; true by default. */
  on?: Flag;
  /** Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them. */
  quantiles?: (number | string)[] | null;
  /** The maximum number of series of the metric; beyond it, values go to an overflow series. */
  series_limit?: WholeNumber;
  /** The state of a state set to change. */
  state?: Text;
  /** The states of a state set. */
  states?: string[] | null;
  /** When the value was taken. It is repeated in the result, not exposed. */
  timestamp?: Moment;
  /** The unit, such as `seconds`; the metric's name must end with it. */
  unit?: Text;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
  /** The time window of a summary's quantiles. */
  window?: Duration;
}

/** The result of `record_metric`. */
export type RecordMetricResult = RecordCounterResult;

/** `record_multiple_metrics`: record a list of metrics, all or none, with one push. */
export interface RecordMultipleMetricsRequest extends AnyRequest {
  /** The metrics to record, all or none of them. */
  metrics: Metric[];
  /** When the values were taken. It is repeated in the result, not exposed. */
  timestamp?: Moment;
}

/** The result of `record_multiple_metrics`. */
export interface RecordMultipleMetricsResult extends AnyResult {
  /** The recorded metrics, in the request's order. */
  metrics: Recorded[];
  /** The number of recorded metrics: all of the request. */
  metrics_recorded: number;
  /** When the value was taken: the request's `timestamp`, else now. */
  timestamp: Rfc3339;
  /** Whether the gateway has accepted all recorded values. */
  metric_pushed: boolean;
}

/** `record_summary`: observe a value in a summary. */
export type RecordSummaryRequest = RecordCounterRequest;

/** The result of `record_summary`. */
export type RecordSummaryResult = RecordCounterResult;

/** A recorded metric and the current state of its series. */
export interface Recorded {
  /** The number of observations of a histogram or summary. */
  count?: number;
  /** The value of a counter or gauge. */
  current_value?: Amount;
  /** The series' labels, as given. */
  labels: LabelPairs;
  /** The metric's name. */
  metric_name: string;
  /** The metric's kind. */
  metric_type: KindName;
  /** The recorded value: added to a counter, set on a gauge, observed by other kinds. */
  metric_value: Amount;
  /** The overflow that took the value, if the metric's series limit was reached. */
  overflow?: Overflow;
  /** The states of a state set that are on. */
  states_on?: string[];
  /** The sum of observations. */
  sum?: Amount;
}

/** Series of a metric that were not imported. */
export interface Refused {
  /** The metric's name. */
  metric: string;
  /** Why, and what to do. */
  reason: string;
  /** The number of rejected series. */
  series: number;
}

/** A record of a batch that was refused. */
export interface RefusedRecord {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error: string;
  /** A stable error code. */
  error_code: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Its index in `metrics`. */
  index: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Values that were written before the error. */
  written?: number;
}

/** `register_metric`: define a metric before recording to it. */
export interface RegisterMetricRequest extends AnyRequest {
  /**
   * Bucket bounds of a histogram, in increasing order; of a native histogram, besides its own
   * buckets. A final `+Inf` is optional.
   */
  buckets?: (number | string)[] | null;
  /** An alias of `help`. */
  description?: Text;
  /** Series without new values for this long are removed. */
  expire_after?: Duration;
  /** The text of the `# HELP` line. The first one given is kept. */
  help?: Text;
  /** The names of its labels. */
  label_names?: string[] | null;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** The metric's kind; `gauge` by default. */
  metric_type?: Kind;
  /** Settings of a native histogram. */
  native?: Native | null;
  /** Quantiles of a summary, from 0 to 1 in increasing order; an empty list disables them. */
  quantiles?: (number | string)[] | null;
  /** The maximum number of series of the metric; beyond it, values go to an overflow series. */
  series_limit?: WholeNumber;
  /** The states of a state set. */
  states?: string[] | null;
  /** The unit, such as `seconds`; the metric's name must end with it. */
  unit?: Text;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
  /** The time window of a summary's quantiles. */
  window?: Duration;
}

/** The result of `register_metric`. */
export interface RegisterMetricResult extends AnyResult {
  /** The family id for the typed interfaces. */
  family: number;
  /** The metric's name. */
  metric_name: string;
  /** The metric's kind. */
  metric_type: KindName;
}

/** A remote-write or remote-read endpoint. */
export interface RemoteEndpoint {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A token file on the Prometheus server. */
  bearer_token_file?: Text;
  /** Remote write only: whether exemplars are sent. */
  exemplars?: Flag;
  /** Additional headers; they must not contain secrets. */
  headers?: Labels;
  /** A unique name. */
  name?: Text;
  /** Remote write only: whether native histograms are sent. */
  native_histograms?: Flag;
  /** Remote write only: `1.0` (the default) or `2.0`. */
  protocol?: Text;
  /** The proxy's URL. */
  proxy_url?: Text;
  /** Remote read only: whether to read time ranges that the local storage should cover. */
  read_recent?: Flag;
  /** The tenant, sent as `X-Scope-OrgID`. */
  tenant?: Text;
  /** The timeout of a request. */
  timeout?: Duration;
  /** TLS settings. */
  tls?: TlsFiles | null;
  /** Its URL. */
  url: Text;
}

/** `remote_write_metrics`: write what was recorded to a remote-write receiver. */
export type RemoteWriteMetricsRequest = ExportOtlpRequest;

/** The result of `remote_write_metrics`. */
export interface RemoteWriteMetricsResult extends AnyResult {
  /** Whether the receiver reported how much it wrote. */
  confirmed?: boolean;
  /** Values that were dropped because the send queue was full. */
  dropped?: number;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The receiver's URL. */
  receiver?: string;
  /** How many requests were sent. */
  requests?: number;
  /**
   * With `if_changed`: whether nothing was sent, because nothing changed since the receiver
   * accepted everything.
   */
  unchanged?: boolean;
  /** The protocol's version. */
  version?: string;
  /** The values that the receiver wrote, or those sent if it does not report that. */
  written: Written;
}

/** `remove_metric`: remove one series. */
export interface RemoveMetricRequest extends AnyRequest {
  /** The full label set of the series. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** Whether metric and label names may be any UTF-8 text. */
  utf8?: Flag;
}

/** The result of `remove_metric`. */
export interface RemoveMetricResult extends AnyResult {
  /** The metric's name. */
  metric_name: string;
  /** Whether the series existed. */
  removed: boolean;
}

/** A counter of a group that a push did not increase. */
export interface Replaced {
  /** The pushed value; absent if the push removed the series. */
  pushed?: Amount;
  /** The series, as PromQL would select it. */
  series: string;
  /** The value on the gateway. */
  stored: Amount;
}

/** The request of each operation. */
export interface Requests {
  alertmanager_status: AlertmanagerStatusRequest;
  annotate: AnnotateRequest;
  apply_alerts: ApplyAlertsRequest;
  apply_dashboards: ApplyDashboardsRequest;
  clear_metrics: ClearMetricsRequest;
  create_alert: CreateAlertRequest;
  create_dashboard: CreateDashboardRequest;
  create_silence: CreateSilenceRequest;
  datasource_health: DatasourceHealthRequest;
  delete_alert: DeleteAlertRequest;
  delete_dashboard: DeleteDashboardRequest;
  delete_metrics: DeleteMetricsRequest;
  describe: DescribeRequest;
  discover_targets: DiscoverTargetsRequest;
  end_writer: EndWriterRequest;
  ensure_datasource: EnsureDatasourceRequest;
  expire_groups: ExpireGroupsRequest;
  expire_silence: ExpireSilenceRequest;
  export_dashboards: ExportDashboardsRequest;
  export_metrics: ExportMetricsRequest;
  export_otlp: ExportOtlpRequest;
  export_rules: ExportRulesRequest;
  federate: FederateRequest;
  flush_metrics: FlushMetricsRequest;
  format_query: FormatQueryRequest;
  generate_config: GenerateConfigRequest;
  get_alert_state: GetAlertStateRequest;
  get_dashboard: GetDashboardRequest;
  grafana_status: GrafanaStatusRequest;
  health_check: HealthCheckRequest;
  include_metrics: IncludeMetricsRequest;
  label_values: LabelValuesRequest;
  list_alert_groups: ListAlertGroupsRequest;
  list_alert_templates: ListAlertTemplatesRequest;
  list_alerts: ListAlertsRequest;
  list_dashboards: ListDashboardsRequest;
  list_groups: ListGroupsRequest;
  list_labels: ListLabelsRequest;
  list_metadata: ListMetadataRequest;
  list_notified_alerts: ListNotifiedAlertsRequest;
  list_prometheus_alerts: ListPrometheusAlertsRequest;
  list_receivers: ListReceiversRequest;
  list_rules: ListRulesRequest;
  list_series: ListSeriesRequest;
  list_silences: ListSilencesRequest;
  list_targets: ListTargetsRequest;
  notify_webhook: NotifyWebhookRequest;
  parse_query: ParseQueryRequest;
  plan_alerts: PlanAlertsRequest;
  plan_dashboards: PlanDashboardsRequest;
  prometheus_status: PrometheusStatusRequest;
  push_metrics: PushMetricsRequest;
  query_exemplars: QueryExemplarsRequest;
  query_metrics: QueryMetricsRequest;
  record_batch: RecordBatchRequest;
  record_counter: RecordCounterRequest;
  record_gauge: RecordGaugeRequest;
  record_histogram: RecordHistogramRequest;
  record_metric: RecordMetricRequest;
  record_multiple_metrics: RecordMultipleMetricsRequest;
  record_summary: RecordSummaryRequest;
  register_metric: RegisterMetricRequest;
  remote_write_metrics: RemoteWriteMetricsRequest;
  remove_metric: RemoveMetricRequest;
  resolve_alerts: ResolveAlertsRequest;
  restore_metrics: RestoreMetricsRequest;
  scrape_endpoint: ScrapeEndpointRequest;
  send_alerts: SendAlertsRequest;
  snapshot_metrics: SnapshotMetricsRequest;
}

/** `resolve_alerts`: send resolved alerts to Alertmanager. */
export interface ResolveAlertsRequest extends AnyRequest {
  /** The label `alertname`. */
  alert_name?: Text;
  /** The alerts; by default the single alert at the top level. */
  alerts?: Alert[] | null;
  /** Annotations. */
  annotations?: Labels;
  /** An alias of `ends_at`, as in the API. */
  endsAt?: Moment;
  /** When it ended, or when it expires unless it is sent again. */
  ends_at?: Moment;
  /** An alias of `generator_url`, as in the API. */
  generatorURL?: Text;
  /** A URL of the source of the alert. */
  generator_url?: Text;
  /** The labels, which identify the alert. */
  labels?: Labels;
  /** The label `severity`. */
  severity?: Text;
  /** An alias of `starts_at`, as in the API. */
  startsAt?: Moment;
  /** When it started; the server's current time by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any UTF-8 text. */
  utf8?: Flag;
}

/** The result of `resolve_alerts`. */
export interface ResolveAlertsResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** How many alerts Alertmanager accepted as resolved; 0 in `mock_mode`. */
  alerts_resolved: number;
}

/** An entry of `scrape_configs`. */
export interface ResponseScrapeJob {
  /** The job's name. */
  job_name: string;
  /** The path. */
  metrics_path: string;
  /** The URL's query parameters. */
  params?: { [key: string]: string[] };
  /** `http` or `https`. */
  scheme: string;
  /** The scrape interval. */
  scrape_interval: string;
  /** The scrape timeout; at most the interval, because Prometheus rejects more. */
  scrape_timeout: string;
  /** The target. */
  static_configs: StaticTargets[];
}

/** Targets that share their labels. */
export interface ResponseTargetGroup {
  /** Their labels. Names that begin with `__` control the scrape. */
  labels: LabelPairs;
  /** The targets. */
  targets: DiscoveredTarget[];
}

/** `restore_metrics`: replace all stored metrics with a snapshot. */
export interface RestoreMetricsRequest extends AnyRequest {
  /** The `snapshot` from `snapshot_metrics`, in base64. */
  snapshot: Text;
}

/** The result of `restore_metrics`. */
export interface RestoreMetricsResult extends AnyResult {
  /** How many series there are. */
  series: number;
}

/** The result of each operation. */
export interface Results {
  alertmanager_status: AlertmanagerStatusResult;
  annotate: AnnotateResult;
  apply_alerts: ApplyAlertsResult;
  apply_dashboards: ApplyDashboardsResult;
  clear_metrics: ClearMetricsResult;
  create_alert: CreateAlertResult;
  create_dashboard: CreateDashboardResult;
  create_silence: CreateSilenceResult;
  datasource_health: DatasourceHealthResult;
  delete_alert: DeleteAlertResult;
  delete_dashboard: DeleteDashboardResult;
  delete_metrics: DeleteMetricsResult;
  describe: DescribeResult;
  discover_targets: DiscoverTargetsResult;
  end_writer: EndWriterResult;
  ensure_datasource: EnsureDatasourceResult;
  expire_groups: ExpireGroupsResult;
  expire_silence: ExpireSilenceResult;
  export_dashboards: ExportDashboardsResult;
  export_metrics: ExportMetricsResult;
  export_otlp: ExportOtlpResult;
  export_rules: ExportRulesResult;
  federate: FederateResult;
  flush_metrics: FlushMetricsResult;
  format_query: FormatQueryResult;
  generate_config: GenerateConfigResult;
  get_alert_state: GetAlertStateResult;
  get_dashboard: GetDashboardResult;
  grafana_status: GrafanaStatusResult;
  health_check: HealthCheckResult;
  include_metrics: IncludeMetricsResult;
  label_values: LabelValuesResult;
  list_alert_groups: ListAlertGroupsResult;
  list_alert_templates: ListAlertTemplatesResult;
  list_alerts: ListAlertsResult;
  list_dashboards: ListDashboardsResult;
  list_groups: ListGroupsResult;
  list_labels: ListLabelsResult;
  list_metadata: ListMetadataResult;
  list_notified_alerts: ListNotifiedAlertsResult;
  list_prometheus_alerts: ListPrometheusAlertsResult;
  list_receivers: ListReceiversResult;
  list_rules: ListRulesResult;
  list_series: ListSeriesResult;
  list_silences: ListSilencesResult;
  list_targets: ListTargetsResult;
  notify_webhook: NotifyWebhookResult;
  parse_query: ParseQueryResult;
  plan_alerts: PlanAlertsResult;
  plan_dashboards: PlanDashboardsResult;
  prometheus_status: PrometheusStatusResult;
  push_metrics: PushMetricsResult;
  query_exemplars: QueryExemplarsResult;
  query_metrics: QueryMetricsResult;
  record_batch: RecordBatchResult;
  record_counter: RecordCounterResult;
  record_gauge: RecordGaugeResult;
  record_histogram: RecordHistogramResult;
  record_metric: RecordMetricResult;
  record_multiple_metrics: RecordMultipleMetricsResult;
  record_summary: RecordSummaryResult;
  register_metric: RegisterMetricResult;
  remote_write_metrics: RemoteWriteMetricsResult;
  remove_metric: RemoveMetricResult;
  resolve_alerts: ResolveAlertsResult;
  restore_metrics: RestoreMetricsResult;
  scrape_endpoint: ScrapeEndpointResult;
  send_alerts: SendAlertsResult;
  snapshot_metrics: SnapshotMetricsResult;
}

/** `rfc3339` of output_schema. */
export type Rfc3339 = string;

/** A rule of a rule file, with the fields that all servers support. */
export interface Rule {
  /** The alert name of an alerting rule. */
  alert?: LabelValue | null;
  /** Annotations of an alert. */
  annotations?: Labels;
  /** The expression: PromQL, or another language that the server supports. */
  expr?: Text;
  /** How long the expression must return a series before its alert fires; 0s by default. */
  for?: Duration;
  /** How long the alert keeps firing after the series is gone; 0s by default. */
  keep_firing_for?: Duration;
  /** Labels to set. */
  labels?: Labels;
  /** The metric name of a recording rule. */
  record?: LabelValue | null;
}

/** What happens to a group of rules. */
export interface RuleChange {
  /** The change to the group as a whole. */
  change: Change;
  /** The group's name. */
  group: string;
  /** The changes to its rules. */
  rules: NamedChange[];
}

/** A group of a rule file, with the fields that all servers support. */
export interface RuleGroup {
  /** The evaluation interval; the server's default by default. */
  interval?: Duration;
  /** Labels of all its rules. */
  labels?: Labels;
  /** The group's name. */
  name?: LabelValue | null;
  /** Its rules, including fields that only some servers support. */
  rules?: Rule[] | null;
}

/** A rule file that a host has read. */
export interface RulesCurrent {
  /** The file's content; null if there is no such file. */
  content?: string | null;
}

/** `rules_target` of input_schema. */
export type RulesTarget =
  | 'file'
  | 'prometheus'
  | 'vmalert'
  | 'thanos'
  | 'mimir'
  | 'cortex'
  | 'grafana'
  | ''
  | null;

/** A sample. */
export interface Sample {
  /** Its created timestamp in seconds since the Unix epoch, if exposed. */
  created?: Amount;
  /** Its exemplar; the first, if there are several. */
  exemplar?: Exemplar;
  /** All its exemplars, if there are several. */
  exemplars?: Exemplar[];
  /** Its labels. */
  labels: LabelPairs;
  /** The metric's name, with the sample's suffix. */
  name: string;
  /** The buckets of a native histogram. */
  native?: NativeSample;
  /** Its timestamp in seconds since the Unix epoch, if exposed. */
  timestamp?: Amount;
  /** Its value; for a native histogram, the count. */
  value: Amount;
}

/**
 * `scrape_endpoint`: scrape and strictly parse an endpoint; optionally import or push its metrics.
 */
export interface ScrapeEndpointRequest extends Omit<AnyRequest, 'scrape_config'> {
  /**
   * The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for only
   * in this way), `prometheus` or `protobuf`.
   */
  accept?: Text;
  /**
   * Whether remote writes have the classic histograms that are imported as native ones with custom
   * buckets, as after a scrape by Prometheus with this setting; false by default.
   */
  convert_classic_histograms_to_nhcb?: Flag;
  /**
   * The format of a response whose `Content-Type` is missing or not a metrics format: `prometheus`,
   * `openmetrics`, `openmetrics2` or `protobuf`. Without it, that is an error.
   */
  fallback_format?: Text;
  /** Whether to import it into the registry; false by default. */
  import?: Flag;
  /** Whether the result includes samples; false by default. */
  include_samples?: Flag;
  /**
   * The scrape interval in the returned scrape configuration; the setting `scrape_interval` by
   * default.
   */
  interval?: Duration;
  /**
   * The maximum number of metric families and of lint findings in the result; 300 by default.
   */
  limit?: WholeNumber;
  /** Appended to the URL's path, unless that already ends with it; `/metrics` by default. */
  path?: Text;
  /** Whether to push it as a separate group; false by default. */
  push?: Flag;
  /** The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`. */
  reexport?: Text;
  /** The maximum number of samples in the result; 1,000 by default. */
  sample_limit?: WholeNumber;
  /** They take precedence over fields at the top level. */
  scrape_config?: ScrapedEndpoint | null;
  /**
   * The job of that group and of the scrape configuration; by default derived from host and port.
   */
  scrape_job?: Text;
  /** Whether to import untyped metrics as gauges; they stay untyped by default. */
  unknown_as_gauge?: Flag;
}

/** The result of `scrape_endpoint`. */
export interface ScrapeEndpointResult extends AnyResult {
  /** The size of the exposition, uncompressed. */
  bytes?: number;
  /** The content type of `exported_data`. */
  content_type?: string;
  /** The duration of fetching and parsing, in milliseconds. */
  duration_ms?: number;
  /** Whether the endpoint was scraped. */
  endpoint_scraped: boolean;
  /** The scraped URL, without credentials and query. */
  endpoint_url: string;
  /** The number of dropped exemplars. */
  exemplars_dropped?: number;
  /** With `reexport`: the format of `exported_data`. */
  export_format?: string;
  /** The converted exposition. */
  exported_data?: string;
  /** The first metric families. */
  families?: Family[];
  /** The number of metric families. */
  families_count?: number;
  /** The format: `prometheus`, `openmetrics`, `openmetrics2` or `protobuf`. */
  format?: string;
  /** With `import`: the outcome of the import. */
  imported?: Imported;
  /** The first lint findings. */
  lint?: Lint[];
  /** The number of lint findings. */
  lint_count?: number;
  /** The number of samples. */
  metrics_count: number;
  /** With `push`: the outcome of the push. */
  pushed?: PassedOn;
  /** With `include_samples`: the first samples. */
  samples?: Sample[];
  /** An entry of `scrape_configs` for the endpoint. */
  scrape_config: ResponseScrapeJob;
  /** The same entry as YAML for `prometheus.yml`. */
  scrape_config_yaml: string;
  /**
   * The number of samples whose timestamps were dropped when converting, pushing or importing.
   */
  timestamps_dropped?: number;
  /** Whether there are more metric families or samples than listed. */
  truncated?: boolean;
}

/**
 * A scrape job. Its targets are listed in `targets`, or discovered by `file_sd` or `http_sd`.
 */
export interface ScrapeJob {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A token file on the Prometheus server. */
  bearer_token_file?: Text;
  /** With `kubernetes` only: the Secret with the token. */
  bearer_token_secret?: SecretKey | null;
  /** Paths of targets files. */
  file_sd?: string[] | null;
  /** Whether labels from the target take precedence over the job's. */
  honor_labels?: Flag;
  /** Whether timestamps from the target are used. */
  honor_timestamps?: Flag;
  /** URLs of service discovery endpoints. */
  http_sd?: string[] | null;
  /** The scrape interval. */
  interval?: Duration;
  /** The job's name. */
  job?: Text;
  /** Labels of the listed targets. */
  labels?: Labels;
  /**
   * Selectors such as `{job="plugpipe"}`: required in jobs of `federate`, not allowed in others.
   */
  match?: string[] | null;
  /** Whether native histograms are scraped. */
  native_histograms?: Flag;
  /** URL parameters, each a string or a list of strings. */
  params?: { [key: string]: Texts } | null;
  /** The path of the metrics, such as `/metrics`. */
  path?: Text;
  /** Scrape protocols, by Prometheus's names. */
  protocols?: string[] | null;
  /** The proxy's URL. */
  proxy_url?: Text;
  /** How often files and endpoints are reread. */
  refresh_interval?: Duration;
  /** The maximum number of samples per scrape; 0 for no limit. */
  sample_limit?: WholeNumber;
  /** `http` or `https`. */
  scheme?: Text;
  /** Targets as `host:port`. */
  targets?: string[] | null;
  /** The scrape timeout, at most the interval. */
  timeout?: Duration;
  /** TLS settings. */
  tls?: TlsFiles | null;
}

/** `ScrapedEndpoint` of input_schema. */
export interface ScrapedEndpoint {
  /**
   * The preferred format: `openmetrics` (the default), `openmetrics2` (2.0, which is asked for only
   * in this way), `prometheus` or `protobuf`.
   */
  accept?: Text;
  /**
   * Whether remote writes have the classic histograms that are imported as native ones with custom
   * buckets, as after a scrape by Prometheus with this setting; false by default.
   */
  convert_classic_histograms_to_nhcb?: Flag;
  /** Credentials for the endpoint. */
  endpoint_auth?: Credentials;
  /** The endpoint's URL, with path and query if needed. */
  endpoint_url?: Text;
  /**
   * The format of a response whose `Content-Type` is missing or not a metrics format: `prometheus`,
   * `openmetrics`, `openmetrics2` or `protobuf`. Without it, that is an error.
   */
  fallback_format?: Text;
  /** Whether to import it into the registry; false by default. */
  import?: Flag;
  /** Whether the result includes samples; false by default. */
  include_samples?: Flag;
  /**
   * The scrape interval in the returned scrape configuration; the setting `scrape_interval` by
   * default.
   */
  interval?: Duration;
  /**
   * The maximum number of metric families and of lint findings in the result; 300 by default.
   */
  limit?: WholeNumber;
  /** Appended to the URL's path, unless that already ends with it; `/metrics` by default. */
  path?: Text;
  /** Whether to push it as a separate group; false by default. */
  push?: Flag;
  /** The format to convert the exposition to: `prometheus`, `openmetrics` or `openmetrics2`. */
  reexport?: Text;
  /** The maximum number of samples in the result; 1,000 by default. */
  sample_limit?: WholeNumber;
  /**
   * The job of that group and of the scrape configuration; by default derived from host and port.
   */
  scrape_job?: Text;
  /** The timeout of the scrape; the setting of that name by default. */
  timeout?: Duration;
  /** Whether to import untyped metrics as gauges; they stay untyped by default. */
  unknown_as_gauge?: Flag;
}

/** A key of a Secret in the namespace of the resource that refers to it. */
export interface SecretKey {
  /** The key in the Secret. */
  key?: Text;
  /** The Secret's name. */
  name?: Text;
}

/** `send_alerts`: send firing alerts to Alertmanager. */
export type SendAlertsRequest = ResolveAlertsRequest;

/** The result of `send_alerts`. */
export interface SendAlertsResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** How many alerts Alertmanager accepted; 0 in `mock_mode`. */
  alerts_sent: number;
}

/** One alert of a request. */
export interface SentAlert {
  /** Alertmanager's fingerprint of its labels, in hexadecimal. */
  fingerprint: string;
  /** Its labels, with `alertname` and `severity`. */
  labels: LabelPairs;
}

/** The response of a server. */
export interface ServerHealth {
  /** The first conflicts because of which a gateway would reject a push. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable error code. */
  error_code?: ErrorCode;
  /** The kind of a query error, by Prometheus's names: `bad_data`, `timeout` and so on. */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The HTTP status of the server's response. */
  http_status?: number;
  /** Values that the receiver rejected or that did not fit in the queue. */
  lost?: number;
  /** The origin of the server. */
  origin?: string;
  /** Values that are queued for the next write. */
  pending?: number;
  /** The position of the error in the query. */
  position?: Position;
  /** The server's own name for the kind, if different. */
  server_error_type?: string;
  /** Its URL. */
  url: string;
  /** Values that were written before the error. */
  written?: number;
}

/** Settings that a configuration and a request may contain. */
export interface Settings {
  /** Sent to the origin of the server's URL only. */
  alertmanager_auth?: Credentials;
  /** Where alerts are sent and silences are created. */
  alertmanager_url?: Url;
  /** For establishing a connection. */
  connect_timeout?: Duration;
  /**
   * Whether to read the group before the first push to it, and list the counters that the push does
   * not increase.
   */
  detect_resets?: Flag;
  /** For `scrape_config.endpoint_url`. */
  endpoint_auth?: Credentials;
  /** An endpoint to scrape; also as `scrape_config.endpoint_url`. */
  endpoint_url?: Text;
  /** Labels added to remote-written series. */
  external_labels?: Labels | '' | null;
  /** Sent to the origin of the server's URL only. */
  gateway_auth?: Credentials;
  /** The Pushgateway; without one nothing is pushed. */
  gateway_url?: Url;
  /**
   * The API for Grafana's folders and dashboards. `api`: The API under `/api`. `k8s`: The resource
   * API under `/apis`, which needs Grafana 12 or later.
   */
  grafana_api?: 'api' | 'k8s' | '' | null;
  /** Sent to the origin of the server's URL only. */
  grafana_auth?: Credentials;
  /** The Grafana organization. */
  grafana_org_id?: WholeNumber;
  /** Where dashboards live. */
  grafana_url?: Url;
  /** Additional labels of the grouping key. */
  grouping_key?: Labels | '' | null;
  /** The instance of pushed groups and remote-written series. */
  instance?: Text;
  /** The job of pushed groups and remote-written series. */
  job_name?: Text;
  /** The maximum size of a server's response. */
  max_response_bytes?: WholeNumber;
  /** The maximum delay before any attempt. */
  max_retry_delay?: Duration;
  /** Whether to contact no server; results then have `mock`. */
  mock_mode?: Flag;
  /** Sent to the origin of the server's URL only. */
  otlp_auth?: Credentials;
  /** Whether OTLP exports are compressed with gzip. */
  otlp_gzip?: Flag;
  /**
   * What counters and histograms in OTLP exports count from. `cumulative`: Their start. `delta`:
   * The last export that the receiver accepted.
   */
  otlp_temporality?: 'cumulative' | 'delta' | '' | null;
  /** An OTLP metrics receiver, including its path. */
  otlp_url?: Url;
  /** Whether `plugpipe_monitoring_*` metrics are exposed too. */
  own_metrics?: Flag;
  /**
   * Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
   * only.
   */
  preflight?: Flag;
  /** Sent to the origin of the server's URL only. */
  prometheus_auth?: Credentials;
  /** Where queries go. */
  prometheus_url?: Url;
  /** Whether pushes are compressed with gzip. */
  push_gzip?: Flag;
  /** With the policy `interval`: the time between pushes. */
  push_interval?: Duration;
  /**
   * How a push treats existing metrics of the group. `replace`: Replaces all metrics of the group
   * (`PUT`). `add`: Replaces metrics with the same names and keeps the others (`POST`). `delete`:
   * Deletes the group and pushes nothing (`DELETE`). In a request only.
   */
  push_mode?: 'replace' | 'add' | 'delete' | '' | null;
  /**
   * When recorded metrics are pushed. `on_record`: With each record. `manual`: Only on request.
   * `interval`: With the first call after `push_interval` if something was recorded since the last
   * push.
   */
  push_policy?: 'on_record' | 'manual' | 'interval' | '' | null;
  /** For a push that follows a record. */
  push_timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  remote_write_auth?: Credentials;
  /** The maximum number of values queued for an unavailable receiver; the oldest are dropped. */
  remote_write_capacity?: WholeNumber;
  /** The age at which values queued for an unavailable receiver are dropped. */
  remote_write_max_age?: Duration;
  /** For one remote-write request. */
  remote_write_timeout?: Duration;
  /** A remote-write receiver, including its path. */
  remote_write_url?: Url;
  /** The remote-write protocol version. */
  remote_write_version?: 'auto' | '2.0' | '2' | 2 | '1.0' | '1' | 1 | '' | null;
  /**
   * Attributes of the resource in OTLP exports, such as `deployment.environment.name`; they
   * override external labels.
   */
  resource_attributes?: Labels | '' | null;
  /** The maximum number of attempts of an operation that a caller waits for. */
  retry_attempts?: WholeNumber;
  /** The maximum delay before the second attempt. */
  retry_delay?: Duration;
  /** Sent to the origin of the server's URL only. */
  ruler_auth?: Credentials;
  /** The server that evaluates rules, if not Prometheus. */
  ruler_url?: Url;
  /** The fields of `scrape_endpoint`. */
  scrape_config?: { [key: string]: unknown } | null;
  /** Prometheus's scrape interval. */
  scrape_interval?: Duration;
  /** For an operation that sends requests to a server. */
  timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  webhook_auth?: Credentials;
  /**
   * The body format of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`:
   * `{alert_data, timestamp, source}`, as sent by the published Python plug.
   */
  webhook_format?: 'alertmanager' | 'plugpipe' | '' | null;
  /** The webhook for calls that name none. */
  webhook_url?: Url;
}

/** `snapshot_metrics`: export all stored metrics for restore_metrics. */
export interface SnapshotMetricsRequest extends AnyRequest {}

/** The result of `snapshot_metrics`. */
export interface SnapshotMetricsResult extends AnyResult {
  /** How many series there are. */
  series: number;
  /** All stored metrics as base64, for `restore_metrics`. */
  snapshot: string;
}

/** Static targets. */
export interface StaticTargets {
  /** Host and port. */
  targets: string[];
}

/** `status_parts` of input_schema. */
export type StatusParts =
  | 'build'
  | 'runtime'
  | 'tsdb'
  | 'flags'
  | 'config'
  | ''
  | null
  | ('build' | 'runtime' | 'tsdb' | 'flags' | 'config')[];

/** A group of a targets file. */
export interface TargetGroup {
  /** Their labels. Names may begin with `__`. */
  labels?: Labels;
  /** Targets as `host:port`. */
  targets?: string[] | null;
}

/**
 * Whether Prometheus scrapes a target. `active`: It is scraped. `dropped`: It was dropped by
 * relabeling. `absent`: Prometheus does not have it.
 */
export type TargetState = 'active' | 'dropped' | 'absent';

/** A parameter of a template. */
export interface TemplateParameter {
  /** Its default value. Absent if there is none. */
  default?: string;
  /** Its meaning and unit. */
  description: string;
  /** Its name in `parameters`. */
  name: string;
  /** Whether it is required. */
  required: boolean;
}

/** Text; templates may produce a number instead. */
export type Text = string | number | boolean | null;

/** `texts` of input_schema. */
export type Texts = Text | Text[];

/** A time range with a step. */
export interface TimeRange {
  /** The last evaluation time is not after it; now by default. */
  end?: Moment;
  /**
   * What to do if the range has more points than servers return in one response; `raise_step` by
   * default. `raise_step`: Multiply the step until the range has few enough points. `split`: Split
   * the range into several requests and merge their results. `error`: Fail with an error.
   */
  on_too_many_points?: 'raise_step' | 'split' | 'error' | '' | null;
  /** The first evaluation time. */
  start: Moment;
  /** The step; 15 seconds by default. */
  step?: Duration;
}

/** TLS settings; files are on the Prometheus server. */
export interface TlsFiles {
  /** Trusted CA certificates. */
  ca_file?: Text;
  /** The client certificate; needs `key_file`. */
  cert_file?: Text;
  /** Whether to skip verification of the server's certificate. */
  insecure_skip_verify?: Flag;
  /** The client certificate's key. */
  key_file?: Text;
  /** The name to verify in the server's certificate. */
  server_name?: Text;
}

/**
 * Why values have reached no gateway. `no_gateway`: No gateway is configured. `manual`:
 * `push_policy` leaves pushing to `push_metrics`. `mock_mode`: `mock_mode` is on. `delete_mode`:
 * `push_mode` is `delete`. `not_accepted`: No push was attempted yet, or the gateway did not accept
 * it.
 */
export type UnpushedReason =
  | 'no_gateway'
  | 'manual'
  | 'mock_mode'
  | 'delete_mode'
  | 'not_accepted';

/** An http or https URL, such as http://127.0.0.1:9090. */
export type Url = string | null;

/** The outcome of a notification whose failure does not fail the operation. */
export type Webhook = Delivery | FailedDelivery;

/** A number; templates may produce text instead. */
export type WholeNumber = number | string | null;

/** Values by kind. */
export interface Written {
  /** Exemplars. */
  exemplars: number;
  /** Native histograms. */
  histograms: number;
  /** Float samples. */
  samples: number;
}

/** The name of an operation. */
export type Operation = keyof Requests;

/** The response of an operation that succeeded. */
export interface Success<O extends Operation = Operation> {
  operation: O;
  result: Results[O];
  /** Main settings of the configuration. */
  monitoring_metadata: Metadata;
  success: true;
  /**
   * Warnings about ignored or adjusted input, such as an unknown field. Absent if there are none.
   */
  warnings?: string[];
}

/** What a call returns; `success` says which it is. */
export type Response<O extends Operation = Operation> = Success<O> | Failure;

/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export interface Process {
  /** Without an operation, a call with a metric's name is `record_metric`. */
  (ctx: { operation?: null } & RecordMetricRequest, cfg?: Configuration): Response<'record_metric'>;
  /** Without an operation and a metric's name, a call is `health_check`. */
  (
    ctx: { operation?: null; metric_name?: null } & HealthCheckRequest,
    cfg?: Configuration,
  ): Response<'health_check'>;
  <O extends Operation>(ctx: { operation: O } & Requests[O], cfg?: Configuration): Response<O>;
}

/** Checks every configured server. */
export type HealthCheck = () => Response<'health_check'>;
