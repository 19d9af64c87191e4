// SPDX-License-Identifier: MIT
// Made from plug.yaml by `cargo xtask generate`; a test compares.

/** An alert that a rule raises now. */
export interface ActiveAlert {
  /** Since when. */
  active_since: string;
  /** The alert's labels. */
  labels: LabelPairs;
  /** `pending` or `firing`. */
  state: string;
  /** The expression's value, as the server writes it. */
  value: string;
}

/** One alert. */
export interface Alert {
  /** The label `alertname`. */
  alert_name?: Text;
  /** What people are told. */
  annotations?: Labels;
  /** Another name for `ends_at`, as the API has it. */
  endsAt?: Moment;
  /** When it ended, or will have ended if nobody says more. */
  ends_at?: Moment;
  /** Another name for `generator_url`, as the API has it. */
  generatorURL?: Text;
  /** Where people see what made it. */
  generator_url?: Text;
  /** Who it is: two alerts with the same labels are the same. */
  labels?: Labels;
  /** The label `severity`. */
  severity?: Text;
  /** Another name for `starts_at`, as the API has it. */
  startsAt?: Moment;
  /** Since when it holds; the server's now by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any text. */
  utf8?: Flag;
}

/** `alert_config` of input_schema. */
export interface AlertConfig {
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** What people are told, which may be templates; a summary by default. */
  annotations?: Labels;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** How long a series must be there before its alert fires; 5m by default. */
  duration?: Duration;
  /** PromQL; each series that it yields is an alert. */
  expression?: Text;
  /** Another name for `duration`. */
  for?: Duration;
  /** The group; `plugpipe` by default. */
  group?: Text;
  /** How often the group is evaluated; as often as the server does by default. */
  interval?: Duration;
  /** How long the alert goes on when the series is gone; not at all by default. */
  keep_firing_for?: Duration;
  /** Labels to set, whose values may be templates. */
  labels?: Labels;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file's name, for targets that read files. */
  rules_file?: Text;
  /** The annotation `runbook_url`, where `annotations` has none. */
  runbook_url?: Text;
  /** The label `severity`, where `labels` has none; `warning` by default. */
  severity?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
  /** Told of the alert when it is made. */
  webhook_url?: Text;
}

/** What an alert is: for `create_alert`, and each of a list of alerts. */
export interface AlertRule {
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** What people are told, which may be templates; a summary by default. */
  annotations?: Labels;
  /** How long a series must be there before its alert fires; 5m by default. */
  duration?: Duration;
  /** PromQL; each series that it yields is an alert. */
  expression?: Text;
  /** Another name for `duration`. */
  for?: Duration;
  /** How long the alert goes on when the series is gone; not at all by default. */
  keep_firing_for?: Duration;
  /** Labels to set, whose values may be templates. */
  labels?: Labels;
  /** The annotation `runbook_url`, where `annotations` has none. */
  runbook_url?: Text;
  /** The label `severity`, where `labels` has none; `warning` by default. */
  severity?: Text;
}

/**
 * The state of an alert. `inactive`: Its expression finds nothing. `pending`: It holds, but not for
 * long enough. `firing`: It holds. `not_found`: The server has no such rule. `unknown`: The server
 * does not say.
 */
export type AlertState = 'inactive' | 'pending' | 'firing' | 'not_found' | 'unknown';

/** Rules that the plug ships. */
export interface AlertTemplate {
  /** The names of its alerts. */
  alerts: string[];
  /** What it is for. */
  description: string;
  /** What `template` names it. */
  name: string;
  /** What `parameters` may give. */
  parameters: TemplateParameter[];
}

/** `alertmanager_status`: Alertmanager's version, cluster and configuration. */
export interface AlertmanagerStatusRequest extends AnyRequest {}

/** The result of `alertmanager_status`. */
export interface AlertmanagerStatusResult extends AnyResult {
  /** Version, cluster and configuration as Alertmanager's API has them. */
  status: { [key: string]: unknown };
}

/** Alertmanagers, named or found as the targets of a job are. */
export interface AlertmanagerTargets {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A file with a token, on the Prometheus server. */
  bearer_token_file?: Text;
  /** Files of targets, as paths. */
  file_sd?: string[] | null;
  /** Endpoints that answer targets, as URLs. */
  http_sd?: string[] | null;
  /** Labels of the Alertmanagers that are named. */
  labels?: Labels;
  /** The path that they live under. */
  path_prefix?: Text;
  /** A proxy to go through, as a URL. */
  proxy_url?: Text;
  /** How often files and endpoints are read again. */
  refresh_interval?: Duration;
  /** `http` or `https`. */
  scheme?: Text;
  /** Alertmanagers as `host:port`. */
  targets?: string[] | null;
  /** For one request. */
  timeout?: Duration;
  /** Certificates. */
  tls?: TlsFiles | null;
}

/** A number; NaN and the infinities as text, because JSON has no numbers for them. */
export type Amount = number | string;

/** `annotate`: mark a moment or a region of time in Grafana's dashboards, or change a mark. */
export interface AnnotateRequest extends AnyRequest {
  /** The annotation to change; a new one by default. */
  annotation_id?: WholeNumber;
  /** The dashboard that shows it; all of the organisation by default. */
  dashboard_uid?: Text;
  /** The panel of that dashboard. */
  panel_id?: WholeNumber;
  /** To find it by; a dashboard shows those that it asks for. An empty list takes them away. */
  tags?: Texts;
  /** What people read at the mark. */
  text?: Text;
  /** When, or from when on; now by default. */
  time?: Moment;
  /** Till when, for a region. */
  time_end?: Moment;
}

/** The result of `annotate`. */
export interface AnnotateResult extends AnyResult {
  /** Whether Grafana holds the annotation now. */
  annotated: boolean;
  /** Its id, to change it by. */
  annotation_id?: number;
  /**
   * When it ends, in milliseconds since the Unix epoch; absent where it has no end, or that was not
   * changed.
   */
  time_end_ms?: number;
  /**
   * When it is, or begins, in milliseconds since the Unix epoch; absent where that was not changed.
   */
  time_ms?: number;
}

/**
 * Without an operation, a metric_name means record_metric, and nothing health_check. Settings may
 * stand here too, for one call. A runtime's own keys, such as pipe and run_id, have no effect;
 * errors about a metric name the step_id, or step, that recorded it.
 */
export interface AnyRequest extends Settings {
  context?: unknown;
  metadata?: unknown;
  pipe?: unknown;
  pipe_name?: unknown;
  pipeline?: unknown;
  pipeline_id?: unknown;
  previous_step?: unknown;
  /** More settings, which win over flat ones. */
  prometheus_config?: Settings | null;
  run_id?: unknown;
  step?: unknown;
  step_id?: unknown;
  step_name?: unknown;
  trace_id?: unknown;
}

/**
 * What any result may have: how pushes that came with the call went, and how long servers took.
 */
export interface AnyResult {
  /** What the gateway would refuse, the first of it. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push did not raise, or removed.
   */
  counters_replaced?: number;
  /** Why. */
  downgrade_reason?: string;
  /** Native histograms of which only sum and count were pushed. */
  downgraded?: string[];
  /** Absent where none was asked. */
  exchange?: Exchange;
  /**
   * How the pushes of groups went that the call is not about, because they have keys of their own.
   */
  groups_pushed?: GroupPush[];
  /** Whether the gateway has accepted what was recorded. */
  metric_pushed?: boolean;
  /** Whether the configuration says `mock_mode`, so that no server was asked. */
  mock?: boolean;
  /** Why the push was not checked for conflicts before. */
  preflight_skipped?: string;
  /** Why a push that nobody asked for by name failed. The values stay recorded. */
  push_error?: string;
  /** The same as an error code. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** The first of those counters. */
  replaced?: Replaced[];
}

/**
 * `apply_alerts`: bring a whole file or namespace of rules to the server; what is no more wanted
 * goes.
 */
export interface ApplyAlertsRequest extends AnyRequest {
  /** What is not in it may stand beside it. What an alert is may not: `alerts` says that. */
  alert_config?: AlertConfig | null;
  /** Alerts of one group, with what an alert is and nothing else. */
  alerts?: AlertRule[] | null;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** Whether only to say what would change; false by default. */
  dry_run?: Flag;
  /** The group of `alerts`; `plugpipe` by default. */
  group?: Text;
  /** Groups as a rule file has them, with what only some servers take too. */
  groups?: RuleGroup[] | null;
  /** How often the group of `alerts` is evaluated; as often as the server does by default. */
  interval?: Duration;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The template's parameters, of which each has its own. */
  parameters?: { [key: string]: unknown } | null;
  /** The rule file as it is, where the host has read it. */
  rules_current?: RulesCurrent | null;
  /** The rule file's name; `plugpipe_rules.yml` by default. */
  rules_file?: Text;
  /** Whether the host has written the file as the answer before said. */
  rules_written?: Flag;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
  /** The name of a template. */
  template?: Text;
}

/** The result of `apply_alerts`. */
export interface ApplyAlertsResult extends AnyResult {
  /** Whether a server lists all rules as they are wanted. Absent with `dry_run`. */
  applied?: boolean;
  /** Files to be written or removed where no host does that. */
  artifacts?: Artifact[];
  /** How many rules were there otherwise. */
  changed: number;
  /** The same by group and rule. */
  changes: RuleChange[];
  /** How many rules were not there. */
  created: number;
  /** Whether nothing was changed, because the request says `dry_run`. */
  dry_run?: boolean;
  /** For the other targets: the groups' namespace, or folder. */
  namespace?: string;
  /** What is missing. */
  pending?: string;
  /** Where reloading failed: whether the server refused what is in the file. */
  reload_refused?: boolean;
  /** How many rules were there, and are no longer wanted. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** By hosts with a rules folder: whether the file was removed, and stays so. */
  rules_file_removed?: boolean;
  /** By hosts with a rules folder: whether the file was written, and stays. */
  rules_file_written?: boolean;
  /** How it stands. */
  status: InstallStatus;
  /** Where the rules go. */
  target: InstallTarget;
  /** How many rules were there as they are wanted. */
  unchanged: number;
}

/**
 * `apply_dashboards`: bring dashboards and templates to Grafana: created, updated, unchanged or
 * conflict.
 */
export interface ApplyDashboardsRequest extends AnyRequest {
  /** Another name for `dashboards`. */
  dashboard_config?: unknown;
  /** A list of what `create_dashboard` takes, or one. */
  dashboards?: unknown;
  /**
   * The uid or name of the data source that is chosen at first; Grafana's default one by default.
   */
  datasource?: Text;
  /** Whether differences are told; false by default. */
  diff?: Flag;
  /**
   * The folder's title, or those of folders within one another, the outermost first. Without one a
   * dashboard stays where it is.
   */
  folder?: Text | LabelValue[];
  /** The uid of the last folder, or of one that is there. */
  folder_uid?: Text;
  /** For the dashboard's history; the plug's name and version by default. */
  message?: Text;
  /** Whether what somebody else made or changed is replaced; false by default. */
  overwrite?: Flag;
  /** What the names of a template's metrics begin with; `plugpipe` by default. */
  prefix?: Text;
  /** The names of templates; `all` among them means every one. */
  templates?: LabelValues;
  /**
   * Whether each dashboard is read and compared, also where its fingerprint is the right one; false
   * by default.
   */
  verify?: Flag;
}

/** The result of `apply_dashboards`. */
export interface ApplyDashboardsResult extends AnyResult {
  /** How many Grafana holds otherwise, which were not to be replaced. */
  conflict: number;
  /** How many were created. */
  created: number;
  /** Each of them: those that were given, then those of templates. */
  dashboards: DashboardOutcome[];
  /** How many failed. */
  failed: number;
  /** How many were not tried. */
  not_tried: number;
  /** How many Grafana held already. */
  unchanged: number;
  /** How many were updated. */
  updated: number;
}

/** A file to be written or removed. */
export interface Artifact {
  /** Its text. Absent where it is to be removed. */
  content?: string;
  /** What it is: `rules_file`. */
  kind: string;
  /** Its name. */
  name: string;
  /** Whether it is to be removed. */
  remove?: boolean;
}

/** A user, and where the password is. */
export interface BasicAuth {
  /** A file with the password, on the Prometheus server. */
  password_file?: Text;
  /** The user's name. */
  username?: Text;
}

/**
 * What happens to a group or a rule. `created`: It is not there. `changed`: It is there, and
 * otherwise. `unchanged`: It is there as it is wanted. `removed`: It is there, and no longer
 * wanted.
 */
export type Change = 'created' | 'changed' | 'unchanged' | 'removed';

/** `clear_metrics`: remove all metrics. */
export interface ClearMetricsRequest extends AnyRequest {}

/** The result of `clear_metrics`. */
export interface ClearMetricsResult extends AnyResult {
  /** How many series there were. */
  series_removed: number;
}

/**
 * Flat, or nested in prometheus_config, which wins. An empty text means not set. An unknown key is
 * a warning.
 */
export interface Configuration extends ConfigurationSettings {
  /** What an alert has that a call does not say. */
  alert_config?: AlertConfig | null;
  /** More settings, which win over flat ones. */
  prometheus_config?: ConfigurationSettings | null;
}

/** `settings` of config_schema. */
export interface ConfigurationSettings {
  /** Sent to the origin of the server's URL only. */
  alertmanager_auth?: Credentials;
  /** Where alerts are sent and silences made. */
  alertmanager_url?: Url;
  /** For any connection to be made. Default `"1s"`. */
  connect_timeout?: Duration;
  /** For hosts: write debug logs. In the configuration only. */
  debug?: Flag;
  /**
   * Whether PlugPipe's own metrics are registered. In the configuration only. Default `false`.
   */
  default_metrics?: Flag;
  /**
   * Whether `cleanup` deletes the groups that were pushed. In the configuration only. Default
   * `true`.
   */
  delete_on_cleanup?: Flag;
  /**
   * Whether to read the group before the first push to it, and list the counters that the push does
   * not raise. Default `false`.
   */
  detect_resets?: Flag;
  /** Taken for the Python plug's sake, and without effect. In the configuration only. */
  enable_alerting?: unknown;
  /** For `scrape_config.endpoint_url`. */
  endpoint_auth?: Credentials;
  /** An endpoint to scrape; `scrape_config.endpoint_url` too. */
  endpoint_url?: Text;
  /** Put on what is remote-written. */
  external_labels?: Labels | '' | null;
  /** Sent to the origin of the server's URL only. */
  gateway_auth?: Credentials;
  /** The Pushgateway; without one nothing is pushed. */
  gateway_url?: Url;
  /**
   * How Grafana's folders and dashboards are asked for. `api`: Below `/api`. `k8s`: As resources of
   * `/apis`, which needs Grafana 12 or later. Default `"api"`.
   */
  grafana_api?: 'api' | 'k8s' | '' | null;
  /** Sent to the origin of the server's URL only. */
  grafana_auth?: Credentials;
  /** An organisation of Grafana. */
  grafana_org_id?: WholeNumber;
  /** Where dashboards live. */
  grafana_url?: Url;
  /** Further labels of the group of pushes. */
  grouping_key?: Labels | '' | null;
  /**
   * For histograms that name none. In the configuration only. Default
   * `[0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300]`.
   */
  histogram_buckets?: (number | string)[] | '' | null;
  /** The instance of pushes, and of remote-written series. */
  instance?: Text;
  /** The job of pushes, and of remote-written series. Default `"plugpipe"`. */
  job_name?: Text;
  /** The longest answer of a server that is read. Default `16777216`. */
  max_response_bytes?: WholeNumber;
  /** The longest wait before any attempt. Default `"2s"`. */
  max_retry_delay?: Duration;
  /** Whether no server is reached; answers say `mock` then. Default `false`. */
  mock_mode?: Flag;
  /** Sent to the origin of the server's URL only. */
  otlp_auth?: Credentials;
  /** An OTLP receiver of metrics, with its path. */
  otlp_url?: Url;
  /** Whether `plugpipe_monitoring_*` are exposed too. Default `false`. */
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
  /** Whether what is pushed is compressed. Default `false`. */
  push_gzip?: Flag;
  /** For the policy `interval`: from one push to the next. Default `"15s"`. */
  push_interval?: Duration;
  /**
   * What becomes of what the group holds. `replace`: All of it goes (`PUT`). `add`: Metrics of the
   * same names go, the others stay (`POST`). Default `"replace"`.
   */
  push_mode?: 'replace' | 'add' | '' | null;
  /**
   * When what was recorded is pushed. `on_record`: With each record. `manual`: When somebody asks
   * for it. `interval`: With the first call after `push_interval`, where something was recorded
   * since the last push. Default `"on_record"`.
   */
  push_policy?: 'on_record' | 'manual' | 'interval' | '' | null;
  /** For a push that follows a record. Default `"1500ms"`. */
  push_timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  remote_write_auth?: Credentials;
  /** Values kept for a receiver that is away. Default `100000`. */
  remote_write_capacity?: WholeNumber;
  /** For one remote write. Default `"10s"`. */
  remote_write_timeout?: Duration;
  /** A remote-write receiver, with its path. */
  remote_write_url?: Url;
  /** The version of remote write to speak. Default `"auto"`. */
  remote_write_version?: 'auto' | '2.0' | '2' | 2 | '1.0' | '1' | 1 | '' | null;
  /** How often an operation that somebody waits for is tried. Default `3`. */
  retry_attempts?: WholeNumber;
  /** The longest wait before the second attempt. Default `"100ms"`. */
  retry_delay?: Duration;
  /** Sent to the origin of the server's URL only. */
  ruler_auth?: Credentials;
  /** Who evaluates rules, where that is not Prometheus. */
  ruler_url?: Url;
  /** What `scrape_endpoint` takes. */
  scrape_config?: { [key: string]: unknown } | null;
  /** How often Prometheus scrapes. Default `"15s"`. */
  scrape_interval?: Duration;
  /** For an operation that speaks to a server. Default `"10s"`. */
  timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  webhook_auth?: Credentials;
  /**
   * The body of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`: `{alert_data,
   * timestamp, source}`, as the published Python plug sends it. Default `"alertmanager"`.
   */
  webhook_format?: 'alertmanager' | 'plugpipe' | '' | null;
  /** Signs webhooks. In the configuration only. */
  webhook_secret?: Text;
  /** Who is notified, where a call names nobody. */
  webhook_url?: Url;
}

/** Something that a gateway would refuse. */
export interface Conflict {
  /** The group that it conflicts with; none if that is the push itself, or the gateway. */
  group?: string;
  /** The metric to change. */
  metric: string;
  /** What conflicts with what, and what to do. */
  problem: string;
  /** What it is about. */
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
 * `create_alert`: an alerting rule, checked, installed where target says, and confirmed by reading
 * back.
 */
export interface CreateAlertRequest extends AnyRequest {
  /** The alert. What is not in it may stand beside it. */
  alert_config?: AlertConfig | null;
  /** The alert's name, which becomes the label `alertname`. */
  alert_name?: Text;
  /** What people are told, which may be templates; a summary by default. */
  annotations?: Labels;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** How long a series must be there before its alert fires; 5m by default. */
  duration?: Duration;
  /** PromQL; each series that it yields is an alert. */
  expression?: Text;
  /** Another name for `duration`. */
  for?: Duration;
  /** The group; `plugpipe` by default. */
  group?: Text;
  /** How often the group is evaluated; as often as the server does by default. */
  interval?: Duration;
  /** How long the alert goes on when the series is gone; not at all by default. */
  keep_firing_for?: Duration;
  /** Labels to set, whose values may be templates. */
  labels?: Labels;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file as it is, where the host has read it. */
  rules_current?: RulesCurrent | null;
  /** The rule file's name, for targets that read files. */
  rules_file?: Text;
  /** Whether the host has written the file as the answer before said. */
  rules_written?: Flag;
  /** The annotation `runbook_url`, where `annotations` has none. */
  runbook_url?: Text;
  /** The label `severity`, where `labels` has none; `warning` by default. */
  severity?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
}

/** The result of `create_alert`. */
export interface CreateAlertResult extends AnyResult {
  /**
   * Whether a server lists the rule as it is wanted. Until then `pending` says what is missing.
   */
  alert_created: boolean;
  /** Its group and its name: `GROUP/NAME`. */
  alert_id: string;
  /** The alert's name. */
  alert_name: string;
  /** Files to be written or removed where no host does that. */
  artifacts?: Artifact[];
  /** How many rules were there otherwise. */
  changed: number;
  /** The same by group and rule. */
  changes: RuleChange[];
  /** How many rules were not there. */
  created: number;
  /** Its PromQL expression. */
  expression: string;
  /** For the other targets: the groups' namespace, or folder. */
  namespace?: string;
  /** What is missing. */
  pending?: string;
  /** Where reloading failed: whether the server refused what is in the file. */
  reload_refused?: boolean;
  /** How many rules were there, and are no longer wanted. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** By hosts with a rules folder: whether the file was removed, and stays so. */
  rules_file_removed?: boolean;
  /** By hosts with a rules folder: whether the file was written, and stays. */
  rules_file_written?: boolean;
  /**
   * The rule's state on the server, where the server lists it: `inactive`, `pending` or `firing`.
   */
  state?: string;
  /** How it stands. */
  status: InstallStatus;
  /** Where the rules go. */
  target: InstallTarget;
  /** How many rules were there as they are wanted. */
  unchanged: number;
  /** With `webhook_url`: what became of the notification. */
  webhook?: Webhook;
}

/** `create_dashboard`: bring one dashboard to Grafana, from dashboard_config or a template. */
export interface CreateDashboardRequest extends AnyRequest {
  /** Another name for `dashboard_config`. */
  dashboard?: unknown;
  /** Any part of Grafana's JSON model that has a title. */
  dashboard_config?: unknown;
  /**
   * The uid or name of the data source that is chosen at first; Grafana's default one by default.
   */
  datasource?: Text;
  /** Whether differences are told; false by default. */
  diff?: Flag;
  /** Whether only to tell the dashboard, as it would be saved; false by default. */
  dry_run?: Flag;
  /**
   * The folder's title, or those of folders within one another, the outermost first. Without one a
   * dashboard stays where it is.
   */
  folder?: Text | LabelValue[];
  /** The uid of the last folder, or of one that is there. */
  folder_uid?: Text;
  /** For the dashboard's history; the plug's name and version by default. */
  message?: Text;
  /** Whether what somebody else made or changed is replaced; false by default. */
  overwrite?: Flag;
  /** What the names of a template's metrics begin with; `plugpipe` by default. */
  prefix?: Text;
  /** The name of a template, in place of a dashboard. */
  template?: Text;
  /**
   * Whether each dashboard is read and compared, also where its fingerprint is the right one; false
   * by default.
   */
  verify?: Flag;
}

/** The result of `create_dashboard`. */
export interface CreateDashboardResult extends AnyResult {
  /** What was done with the dashboard, or would be. */
  action?: DashboardAction;
  /** With `diff`: what differed, the first of it. */
  changes?: DashboardChange[];
  /** With `conflict`: why what Grafana holds was not replaced. */
  conflict?: string;
  /** Where Grafana was not asked: the dashboard's JSON model, as it would be saved. */
  dashboard?: { [key: string]: unknown };
  /** Whether Grafana holds the dashboard now. */
  dashboard_created: boolean;
  /** Whether Grafana was not asked, because of `dry_run`. */
  dry_run?: boolean;
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable word for programs. */
  error_code?: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The folder that was asked for. */
  folder_uid?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Its title. */
  title: string;
  /** Its uid: the one that was given, or one made of its folders and its title. */
  uid: string;
  /** The dashboard's page. */
  url?: string;
  /** How often Grafana has saved the dashboard, where that is known. */
  version?: number;
  /** What was mended in it, and what is odd. Each begins with the path of what it is about. */
  warnings: string[];
  /** Values that were written nevertheless. */
  written?: number;
}

/** `create_silence`: mute alerts that match, for a time. */
export interface CreateSilenceRequest extends AnyRequest {
  /** Why it is silenced. */
  comment: Text;
  /** Who wants it; the plug's name by default. */
  created_by?: Text;
  /** For how long, unless `ends_at` says until when. */
  duration?: Duration;
  /** Until when. */
  ends_at?: Moment;
  /** What an alert's labels must meet, all of them, to be muted. */
  matchers: Matchers;
  /**
   * The silence to change; a new one by default. Alertmanager gives it a new id where it must.
   */
  silence_id?: Text;
  /** From when on; now by default. */
  starts_at?: Moment;
}

/** The result of `create_silence`. */
export interface CreateSilenceResult extends AnyResult {
  /** When it ends. */
  ends_at: Rfc3339;
  /** What it mutes: matchers such as `severity="warning"`, all of which must match. */
  matchers: string[];
  /** Its id. One that was changed may have got a new id. Absent in `mock_mode`. */
  silence_id?: string;
  /** When the silence begins. */
  starts_at: Rfc3339;
}

/** User:password or a token as text; or an object. */
export type Credentials = string | null | CredentialsObject;

/**
 * Credentials by name. `username` and `password`, or a token; `headers` and a tenant go with
 * either, or alone. Any other field is an error: what was meant as a secret is not to go unused.
 */
export interface CredentialsObject {
  /** Another name for `token`. */
  api_key?: Text;
  /** Another name for `token`. */
  api_token?: Text;
  /** Sent as they are, in place of the plug's own of that name. */
  headers?: Labels;
  /** Another name for `tenant`. */
  org_id?: Text;
  /** For `Authorization: Basic`. */
  password?: Text;
  /** Sent as `X-Scope-OrgID`. */
  tenant?: Text;
  /** For `Authorization: Bearer`. */
  token?: Text;
  /** `basic` or `bearer`; without it the other fields tell. */
  type?: Text;
  /** For `Authorization: Basic`. */
  username?: Text;
}

/**
 * What is done with a dashboard. `created`: Grafana held none of its uid. `updated`: It took the
 * place of another one. `unchanged`: Grafana held it already. `conflict`: Grafana holds another one
 * that was not to be replaced. `failed`: Grafana refused it, or could not be asked. `not_tried`:
 * Grafana was not asked, because of an earlier failure.
 */
export type DashboardAction =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'conflict'
  | 'failed'
  | 'not_tried';

/** One thing that differs from what Grafana holds. */
export interface DashboardChange {
  /** Where, such as `panels[0].title`. */
  path: string;
  /** What is wanted, as JSON and shortened; absent where nothing is. */
  wanted?: string;
  /** What Grafana holds, as JSON and shortened; absent where it holds nothing. */
  was?: string;
}

/** A dashboard, and what came of it. */
export interface DashboardOutcome {
  /** What was done with the dashboard, or would be. */
  action: DashboardAction;
  /** With `diff`: what differed, the first of it. */
  changes?: DashboardChange[];
  /** With `conflict`: why what Grafana holds was not replaced. */
  conflict?: string;
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable word for programs. */
  error_code?: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The folder that was asked for. */
  folder_uid?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Its title. */
  title: string;
  /** Its uid: the one that was given, or one made of its folders and its title. */
  uid: string;
  /** The dashboard's page. */
  url?: string;
  /** How often Grafana has saved the dashboard, where that is known. */
  version?: number;
  /** What was mended in it, and what is odd. Each begins with the path of what it is about. */
  warnings: string[];
  /** Values that were written nevertheless. */
  written?: number;
}

/** How a Grafana's database is. `ok`: It is well. `failing`: It is not. */
export type DatabaseStatus = 'ok' | 'failing';

/**
 * What is done with a data source. `created`: Grafana held none of its uid. `updated`: The one that
 * Grafana held was changed. `unchanged`: Grafana held it as it was given.
 */
export type DatasourceAction = 'created' | 'updated' | 'unchanged';

/** `datasource_health`: whether Grafana reaches the server behind a data source. */
export interface DatasourceHealthRequest extends AnyRequest {
  /** What people read, unique in an organisation; `Prometheus` by default. */
  name?: Text;
  /** What dashboards refer to; made from the name by default. */
  uid?: Text;
}

/** The result of `datasource_health`. */
export interface DatasourceHealthResult extends AnyResult {
  /** Whether Grafana reaches the server behind the data source. */
  healthy: boolean;
  /** Grafana's message about it. */
  message?: string;
  /** What dashboards refer to. */
  uid: string;
}

/** `delete_alert`: take a rule out of where create_alert put it. */
export interface DeleteAlertRequest extends AnyRequest {
  /** As it was given to `create_alert`. What is not in it may stand beside it. */
  alert_config?: AlertConfig | null;
  /** The alert's name. */
  alert_name?: Text;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** The alert's group; `plugpipe` by default. */
  group?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** The rule file as it is, where the host has read it. */
  rules_current?: RulesCurrent | null;
  /** The rule file that the alert is in, where that is not its own. */
  rules_file?: Text;
  /** Whether the host has written the file as the answer before said. */
  rules_written?: Flag;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
}

/** The result of `delete_alert`. */
export interface DeleteAlertResult extends AnyResult {
  /** The alert's name. */
  alert_name: string;
  /** Files to be written or removed where no host does that. */
  artifacts?: Artifact[];
  /** How many rules were there otherwise. */
  changed?: number;
  /** The same by group and rule. */
  changes?: RuleChange[];
  /** How many rules were not there. */
  created?: number;
  /** Whether this call took the rule out, and the server lists it no more. */
  deleted: boolean;
  /** For the other targets: the groups' namespace, or folder. */
  namespace?: string;
  /** What is missing. */
  pending?: string;
  /** Where reloading failed: whether the server refused what is in the file. */
  reload_refused?: boolean;
  /** How many rules were there, and are no longer wanted. */
  removed?: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** By hosts with a rules folder: whether the file was removed, and stays so. */
  rules_file_removed?: boolean;
  /** By hosts with a rules folder: whether the file was written, and stays. */
  rules_file_written?: boolean;
  /** How it stands. */
  status?: InstallStatus;
  /** Where the rules go. */
  target?: InstallTarget;
  /** How many rules were there as they are wanted. */
  unchanged?: number;
  /** Whether the rule was in the file or on the server. Absent in `mock_mode`. */
  was_there?: boolean;
}

/** `delete_dashboard`: delete a dashboard from Grafana. */
export interface DeleteDashboardRequest extends AnyRequest {
  /** The dashboard's uid. */
  uid: Text;
}

/** The result of `delete_dashboard`. */
export interface DeleteDashboardResult extends AnyResult {
  /** Whether Grafana held a dashboard of that uid, which it deleted. */
  deleted: boolean;
  /** The uid that was asked for. */
  uid: string;
}

/** `delete_metrics`: delete this plug's group from the Pushgateway. */
export interface DeleteMetricsRequest extends AnyRequest {}

/** The result of `delete_metrics`. */
export interface DeleteMetricsResult extends AnyResult {
  /** Whether the gateway deleted the group; it has none then. */
  deleted: boolean;
  /** The group's URL. */
  group?: string;
}

/** How a webhook took a notification. */
export interface Delivery {
  /** Whether the receiver responded with a status of 2xx. */
  delivered: boolean;
  /** The status that the receiver responded with. */
  http_status?: number;
  /** Whether the configuration says `mock_mode`, so that no server was asked. */
  mock?: boolean;
  /** Whether the body was signed with `webhook_secret`. */
  signed?: boolean;
  /** The receiver, without its secrets. */
  webhook_url: string;
}

/** `describe`: what this plug is. */
export interface DescribeRequest extends AnyRequest {}

/** The result of `describe`. */
export interface DescribeResult extends AnyResult {
  /** What the plug is. */
  description: string;
  /** The plug's name. */
  name: string;
  /** The operations, and what each does. */
  operations: LabelPairs;
  /** The plug's version. */
  version: string;
}

/**
 * `discover_targets`: targets of an http_sd endpoint or a list, and whether Prometheus scrapes
 * them.
 */
export interface DiscoverTargetsRequest extends AnyRequest {
  /** The URL of an http_sd endpoint. */
  sd_url?: Text;
  /**
   * In the place of `sd_url`, a list of `host:port`, or of groups as an http_sd endpoint answers
   * them. Who reads such an answer reads this too.
   */
  targets?: unknown[] | null;
}

/** The result of `discover_targets`. */
export interface DiscoverTargetsResult extends AnyResult {
  /** How many of the targets Prometheus scrapes. */
  active?: number;
  /** Whether Prometheus was asked for the targets that it knows. */
  compared: boolean;
  /** The targets, those with the same labels together. */
  groups: ResponseTargetGroup[];
  /** How many it does not scrape. */
  missing?: number;
  /** The endpoint that was asked, without user, password and query. */
  sd_url?: string;
  /** How many targets there are. */
  targets: number;
}

/** A target, and where it was compared what Prometheus knows of it. */
export interface DiscoveredTarget {
  /** Its `host:port`. */
  address: string;
  /** `up`, `down` or `unknown`. */
  health?: string;
  /** The job that scrapes it. */
  job?: string;
  /** Why the last scrape failed. */
  last_error?: string;
  /** Where it is scraped. */
  scrape_url?: string;
  /** Whether Prometheus scrapes it. */
  state?: TargetState;
}

/**
 * As Prometheus has it (15s, 1h30m, 500ms), a decimal with one unit (1.5h), or a number of seconds.
 */
export type Duration = string | number | null;

/**
 * `ensure_datasource`: a Prometheus data source in Grafana, made or changed where it is not as
 * given.
 */
export interface EnsureDatasourceRequest extends AnyRequest {
  /** Who Grafana is to the server, by basic credentials; the URL's user by default. */
  basic_auth_user?: Text;
  /** Where Grafana reaches the server; the `prometheus_url` by default. */
  datasource_url?: Text;
  /** Whether panels that name no data source use this one; left as it is by default. */
  default?: Flag;
  /** Whether differences are told; false by default. */
  diff?: Flag;
  /** Whether it is only said what would be done; false by default. */
  dry_run?: Flag;
  /** Settings of the type, an object: `httpMethod`, `timeInterval`, … */
  json_data?: { [key: string]: unknown } | null;
  /** What people read, unique in an organisation; `Prometheus` by default. */
  name?: Text;
  /** Whether secrets are sent although Grafana has some; false by default. */
  renew_secrets?: Flag;
  /** What Grafana never tells again: `basicAuthPassword`, `httpHeaderValue1`, … */
  secure_json_data?: Labels;
  /** What dashboards refer to; made from the name by default. */
  uid?: Text;
}

/** The result of `ensure_datasource`. */
export interface EnsureDatasourceResult extends AnyResult {
  /** What was done, or with `dry_run` would be; absent where Grafana was not asked. */
  action?: DatasourceAction;
  /** With `diff`: what differed, the first of it. Secrets are never shown. */
  changes?: DashboardChange[];
  /** Whether Grafana holds the data source now, as it was given. */
  datasource_ready: boolean;
  /** Whether nothing was written, because of `dry_run`. */
  dry_run?: boolean;
  /** What people read. */
  name: string;
  /** What dashboards refer to. */
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
  | 'unknown_outcome';

/** Requests to servers. */
export interface Exchange {
  /** How many requests were sent, repetitions among them. */
  attempts: number;
  /** How long they took together, in milliseconds. */
  elapsed_ms: number;
}

/** An example of an observation. */
export interface Exemplar {
  /** Labels of the example, such as a trace's id. */
  labels: LabelPairs;
  /** When, in seconds since the epoch. */
  timestamp?: Amount;
  /** What was observed. */
  value: Amount;
}

/**
 * `expire_groups`: delete groups that nobody pushed to for older_than; dry_run (the default) only
 * lists them.
 */
export interface ExpireGroupsRequest extends AnyRequest {
  /** Whether to say only what would be deleted; true by default. */
  dry_run?: Flag;
  /** Only groups that have these. */
  labels?: Labels;
  /** How long ago the last push of a group must be. */
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

/** `expire_silence`: end a silence now. */
export interface ExpireSilenceRequest extends AnyRequest {
  /** The silence to end. */
  silence_id: Text;
}

/** The result of `expire_silence`. */
export interface ExpireSilenceResult extends AnyResult {
  /** Whether Alertmanager ended it; false if it has none with that id. */
  expired: boolean;
  /** The silence's id. */
  silence_id: string;
}

/** `export_dashboards`: dashboards as files for Grafana's provisioning. */
export interface ExportDashboardsRequest extends AnyRequest {
  /** Another name for `dashboards`. */
  dashboard_config?: unknown;
  /** A list of what `create_dashboard` takes, or one. */
  dashboards?: unknown;
  /**
   * The uid or name of the data source that is chosen at first; Grafana's default one by default.
   */
  datasource?: Text;
  /**
   * The folder's title, or those of folders within one another, the outermost first. Without one a
   * dashboard stays where it is.
   */
  folder?: Text | LabelValue[];
  /** The uid of the last folder, or of one that is there. */
  folder_uid?: Text;
  /** What the names of a template's metrics begin with; `plugpipe` by default. */
  prefix?: Text;
  /** The names of templates; `all` among them means every one. */
  templates?: LabelValues;
  /**
   * The uids of dashboards that Grafana holds; without them those that are given are exported.
   */
  uids?: LabelValues | null;
}

/** The result of `export_dashboards`. */
export interface ExportDashboardsResult extends AnyResult {
  /** A file for each dashboard. */
  files: File[];
  /** Those of `uids` of which Grafana holds no dashboard. */
  missing: string[];
  /** The file, in YAML, that has Grafana read the others. */
  provider: string;
  /** What was mended in dashboards, and what is odd. */
  warnings: string[];
}

/** `export_format` of output_schema. */
export type ExportFormat = 'prometheus' | 'openmetrics' | 'protobuf' | 'json' | 'csv';

/** `export_metrics`: what was recorded, as prometheus, openmetrics, protobuf, json or csv. */
export interface ExportMetricsRequest extends AnyRequest {
  /** `prometheus` (the default), `openmetrics`, `protobuf`, `json` or `csv`. */
  export_format?: Text;
}

/** The result of `export_metrics`. */
export interface ExportMetricsResult extends AnyResult {
  /** What an HTTP server would say of it. */
  content_type: string;
  /** The format. */
  export_format: ExportFormat;
  /** The exposition, where it is text. */
  exported_data?: string;
  /** The exposition as base64, where it is binary. */
  exported_data_base64?: string;
  /** How many series there are. */
  series: number;
}

/** `export_otlp`: export what was recorded to an OTLP receiver. */
export interface ExportOtlpRequest extends AnyRequest {}

/** The result of `export_otlp`. */
export interface ExportOtlpResult extends AnyResult {
  /** How many of them the receiver accepted. */
  accepted?: number;
  /** How many data points were sent. */
  data_points: number;
  /** What the receiver said about them. */
  message?: string;
  /** The receiver's URL. */
  receiver?: string;
  /** How many of them it rejected. */
  rejected_data_points?: number;
}

/** `export_rules`: a rule file. */
export interface ExportRulesRequest extends AnyRequest {
  /** What is not in it may stand beside it. What an alert is may not: `alerts` says that. */
  alert_config?: AlertConfig | null;
  /** Alerts of one group, with what an alert is and nothing else. */
  alerts?: AlertRule[] | null;
  /** The group of `alerts`; `plugpipe` by default. */
  group?: Text;
  /** Groups as a rule file has them, with what only some servers take too. */
  groups?: RuleGroup[] | null;
  /** How often the group of `alerts` is evaluated; as often as the server does by default. */
  interval?: Duration;
  /** The template's parameters, of which each has its own. */
  parameters?: { [key: string]: unknown } | null;
  /** The rule file's name; `plugpipe_rules.yml` by default. */
  rules_file?: Text;
  /** Who evaluates the rules, as for `create_alert`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`. */
  target_version?: Text;
  /** The name of a template. */
  template?: Text;
}

/** The result of `export_rules`. */
export interface ExportRulesResult extends AnyResult {
  /** The rule file's text. */
  exported_rules: string;
  /** How many groups there are. */
  groups: number;
  /** How many rules they have. */
  rules: number;
  /** A name for the file. */
  rules_file: string;
}

/** Why a webhook has no notification. */
export interface FailedDelivery {
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** False. */
  delivered: boolean;
  /** What was wrong, what was expected, and what to do. */
  error: string;
  /** A stable word for programs. */
  error_code: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Values that were written nevertheless. */
  written?: number;
}

/** `failure` of output_schema. */
export interface Failure {
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error: string;
  /** A stable word for programs. */
  error_code: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** Absent where none was asked. */
  exchange?: Exchange;
  /** The path of the field to correct. */
  field?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** What the configuration is. */
  monitoring_metadata: Metadata;
  /** The operation; absent where the request names none that there is. */
  operation?: string;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  success: false;
  /**
   * What was ignored or done otherwise than asked, such as an unknown field. Absent where there is
   * nothing to say.
   */
  warnings?: string[];
  /** Values that were written nevertheless. */
  written?: number;
}

/** A metric, without its samples. */
export interface Family {
  /** What it measures; empty where the endpoint does not say. */
  help: string;
  /** Its name. */
  name: string;
  /** How many samples it has. */
  samples: number;
  /** Its type, as OpenMetrics names it. */
  type: string;
  /** Its unit. */
  unit?: string;
}

/** `federate`: series of Prometheus as its /federate has them; imported or pushed if asked. */
export interface FederateRequest extends Omit<AnyRequest, 'scrape_config'> {
  /** What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`. */
  accept?: Text;
  /** Whether it is imported into the registry; false by default. */
  import?: Flag;
  /** Whether the answer has samples; false by default. */
  include_samples?: Flag;
  /** The most families and lint findings of the answer; 300 by default. */
  limit?: WholeNumber;
  /** Selectors such as `{job="a"}`; a series that one of them finds counts. */
  match?: Texts;
  /** Another name for `match`, as the API has it. */
  'match[]'?: Texts;
  /** Whether it is pushed as a group of its own; false by default. */
  push?: Flag;
  /** The format in which all of it is written again: `prometheus` or `openmetrics`. */
  reexport?: Text;
  /** The most samples of the answer; 1,000 by default. */
  sample_limit?: WholeNumber;
  /** They win over those beside it. */
  scrape_config?: ScrapedEndpoint | null;
  /**
   * The job of that group and of the scrape configuration; by default named after host and port.
   */
  scrape_job?: Text;
  /** Whether metrics without a type are imported as gauges; they are refused by default. */
  unknown_as_gauge?: Flag;
}

/** The result of `federate`. */
export interface FederateResult extends AnyResult {
  /** The size of the exposition, uncompressed. */
  bytes?: number;
  /** Its content type. */
  content_type?: string;
  /** How long fetching and reading took, in milliseconds. */
  duration_ms?: number;
  /** Exemplars that were left out of it. */
  exemplars_dropped?: number;
  /** With `reexport`: the format of `exported_data`. */
  export_format?: string;
  /** All that was received, written again. */
  exported_data?: string;
  /** The first of them. */
  families?: Family[];
  /** How many metrics there are. */
  families_count?: number;
  /** Whether series were fetched. */
  federated: boolean;
  /** The format: `prometheus`, `openmetrics` or `protobuf`. */
  format?: string;
  /** With `import`: what became of that. */
  imported?: Imported;
  /** The selectors. */
  match?: string[];
  /** How many samples there are. */
  metrics_count: number;
  /** The server's URL, without credentials. */
  prometheus_url?: string;
  /** With `push`: what became of that. */
  pushed?: PassedOn;
  /** With `include_samples`: the first samples. */
  samples?: Sample[];
  /** Samples whose timestamps were left out of what was written again, pushed or imported. */
  timestamps_dropped?: number;
  /** Whether there are more metrics or samples than are listed. */
  truncated?: boolean;
}

/** A file for Grafana's provisioning. */
export interface File {
  /** What is in it. */
  content: string;
  /** Its name. */
  path: string;
}

/** True or false, also as text. */
export type Flag = boolean | string | null;

/** `flush_metrics`: push what no gateway has accepted yet, unless push_policy is manual. */
export interface FlushMetricsRequest extends AnyRequest {
  /**
   * Whether to push nothing, and say only what a push would come to, or what would be lost without
   * one; false by default.
   */
  dry_run?: Flag;
}

/** The result of `flush_metrics`. */
export interface FlushMetricsResult extends AnyResult {
  /** Whether values have reached no gateway. */
  unpushed: boolean;
  /** Why. */
  unpushed_reason?: UnpushedReason;
}

/** `format_query`: a PromQL expression, laid out. */
export interface FormatQueryRequest extends AnyRequest {
  /** The PromQL expression. */
  query: Text;
}

/** The result of `format_query`. */
export interface FormatQueryResult extends AnyResult {
  /** The same, laid out. */
  formatted: string;
  /** What the server remarked. */
  infos?: string[];
  /** The PromQL expression. */
  query: string;
  /** What the server warned of. */
  warnings?: string[];
}

/** A dashboard that a search found. */
export interface FoundDashboard {
  /** That folder's title; empty for none. */
  folder: string;
  /** The folder that it lies in; empty for none. */
  folder_uid: string;
  /** Its tags. */
  tags: string[];
  /** Its title. */
  title: string;
  /** Its uid. */
  uid: string;
  /** Its page. */
  url?: string;
}

/** `generate_config`: a prometheus.yml, or parts of it, and files of targets. */
export interface GenerateConfigRequest extends AnyRequest {
  /** `development`, `testing` or `production`: whose defaults hold. */
  environment?: Text;
  /** The oldest version of Prometheus that is to read it; `2.42` by default. */
  for_version?: Text;
  /** What stands in the parts. */
  generate?: GeneratedSections | null;
  /** The parts that are written; by default all that have something in them. */
  parts?: string[] | null;
}

/** The result of `generate_config`. */
export interface GenerateConfigResult extends AnyResult {
  /** The text of `prometheus.yml`; absent where no part has anything in it. */
  config?: string;
  /** The environment whose values were taken, or `default`. */
  environment: string;
  /** What Prometheus calls the file by default; absent without `config`. */
  file_name?: string;
  /** The targets as JSON, for a file that `file_sd_configs` names. */
  file_sd?: string;
  /** The oldest version of Prometheus that reads the configuration, such as `2.42`. */
  for_version: string;
  /** The same targets as an endpoint of `http_sd_configs` serves them. */
  http_sd?: HttpSd;
  /** What the version does not have: the path, and since when there is one. */
  left_out: string[];
  /** Flags that the server needs. */
  needs_flags: string[];
}

/** What stands in the parts of a `prometheus.yml`. */
export interface GeneratedSections {
  /** Alertmanagers to tell of alerts. */
  alertmanagers?: AlertmanagerTargets[] | null;
  /** Jobs that scrape `/federate` of other servers, each with `match`. */
  federate?: ScrapeJob[] | null;
  /** The job of the Pushgateway; false leaves it out. */
  gateway?: Flag | ScrapeJob;
  /** What holds for all jobs. */
  global?: GlobalSection | null;
  /** The job of the plug; false leaves it out. */
  plug?: Flag | ScrapeJob;
  /** Where older samples are read. */
  remote_read?: RemoteEndpoint[] | null;
  /** Where samples are written. */
  remote_write?: RemoteEndpoint[] | null;
  /** Paths of rule files; in production `plugpipe_alerts.yml` by default. */
  rule_files?: string[] | null;
  /** Other jobs. */
  scrape?: ScrapeJob[] | null;
  /** The groups of a file of targets. */
  sd_targets?: TargetGroup[] | null;
}

/** `get_alert_state`: whether an alert is inactive, pending or firing, and since when. */
export interface GetAlertStateRequest extends AnyRequest {
  /** What is not in it may stand beside it. */
  alert_config?: AlertConfig | null;
  /** The alert's name. */
  alert_name?: Text;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
}

/** The result of `get_alert_state`. */
export interface GetAlertStateResult extends AnyResult {
  /** Since when it is pending or firing. */
  active_since?: string;
  /** The alert's name. */
  alert_name: string;
  /** The rules with that name. Absent in `mock_mode`. */
  rules?: HeldAlert[];
  /** Of several rules with that name, the state that matters most. */
  state: AlertState;
}

/** `get_dashboard`: a dashboard as Grafana holds it. */
export type GetDashboardRequest = DeleteDashboardRequest;

/** The result of `get_dashboard`. */
export interface GetDashboardResult extends AnyResult {
  /** Its JSON model. */
  dashboard?: { [key: string]: unknown };
  /** The folder that it lies in; empty for none. */
  folder_uid?: string;
  /** Whether Grafana holds a dashboard of that uid. */
  found: boolean;
  /** The dashboard's title. */
  title?: string;
  /** The uid that was asked for. */
  uid: string;
  /** Its page. */
  url?: string;
  /** How often it was saved. */
  version?: number;
}

/** What holds for all jobs. */
export interface GlobalSection {
  /** Between evaluations of rules; 15 seconds by default. */
  evaluation_interval?: Duration;
  /** Put on what leaves the server. */
  external_labels?: Labels;
  /** Between scrapes; by default the setting of that name, else the environment's. */
  scrape_interval?: Duration;
  /** For one scrape, at most the interval. */
  scrape_timeout?: Duration;
}

/** `grafana_status`: which Grafana answers, and for which organisation. */
export interface GrafanaStatusRequest extends AnyRequest {}

/** The result of `grafana_status`. */
export interface GrafanaStatusResult extends AnyResult {
  /** Whether Grafana reaches its database. */
  database?: DatabaseStatus;
  /** The organisation that the plug speaks for, or why that is not known. */
  organisation?: Organisation;
  /** Grafana's version; absent where it does not disclose it. */
  version?: string;
}

/** A group on a Pushgateway. */
export interface Group {
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** `expire_groups`: whether it was deleted. */
  deleted?: boolean;
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable word for programs. */
  error_code?: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** Its URL; absent where its key cannot be written as one. */
  group?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Its key, `job` among it. */
  labels: LabelPairs;
  /** When a push to it was last refused. */
  last_failure?: Rfc3339;
  /** When a push to it was last accepted. */
  last_push?: Rfc3339;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** How many metrics it has, without those about its pushes. */
  metrics: number;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** How many series they have. */
  series: number;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Values that were written nevertheless. */
  written?: number;
}

/** How the push of another group went. */
export interface GroupPush {
  /** What the gateway would refuse, the first of it. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push did not raise, or removed.
   */
  counters_replaced?: number;
  /** Why. */
  downgrade_reason?: string;
  /** Native histograms of which only sum and count were pushed. */
  downgraded?: string[];
  /** The group's URL. */
  group: string;
  /** Whether the gateway has accepted what was recorded. */
  metric_pushed?: boolean;
  /** Why the push was not checked for conflicts before. */
  preflight_skipped?: string;
  /** Why a push that nobody asked for by name failed. The values stay recorded. */
  push_error?: string;
  /** The same as an error code. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** The first of those counters. */
  replaced?: Replaced[];
}

/**
 * How a server is. `healthy`: It responded with 200. `unhealthy`: It responded with another status.
 * `unreachable`: It did not respond. `not_granted`: The host's grants do not allow asking it.
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
  /** What each server that was asked responded. */
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
  /** Whether values have reached no gateway. */
  unpushed: boolean;
}

/** What each server that was asked responded. */
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

/** An alerting rule as a server holds it. */
export interface HeldAlert {
  /** The alerts that it raises now. */
  active: ActiveAlert[];
  /** The alert's name. */
  alert_name: string;
  /** The rule's annotations. */
  annotations: LabelPairs;
  /** The expression, as the server writes it. */
  expression: string;
  /** The group's file or namespace. */
  file: string;
  /** For how many seconds it must hold before the alert fires. */
  for_seconds: Amount;
  /** Its group. */
  group: string;
  /** Whether the rule could be evaluated: `ok`, `err` or `unknown`. */
  health: string;
  /** The rule's labels. */
  labels: LabelPairs;
  /** Why the last evaluation failed. Absent if it did not. */
  last_error?: string;
  /** `inactive`, `pending` or `firing`. */
  state: string;
}

/** What an endpoint serves. */
export interface HttpSd {
  /** The body. */
  body: string;
  /** The `Content-Type`. */
  content_type: string;
}

/** What was imported into the registry. */
export interface Imported {
  /** What the gateway would refuse, the first of it. */
  conflicts?: Conflict[];
  /**
   * With `detect_resets`: how many counters of the group this push did not raise, or removed.
   */
  counters_replaced?: number;
  /** Why. */
  downgrade_reason?: string;
  /** Native histograms of which only sum and count were pushed. */
  downgraded?: string[];
  /** Exemplars of those series; they were not. */
  exemplars_dropped: number;
  /**
   * How the pushes of groups went that the call is not about, because they have keys of their own.
   */
  groups_pushed?: GroupPush[];
  /** Whether the gateway has accepted what was recorded. */
  metric_pushed?: boolean;
  /** Metrics of which series were imported. */
  metrics: number;
  /** Whether the configuration says `mock_mode`, so that no server was asked. */
  mock?: boolean;
  /** Why the push was not checked for conflicts before. */
  preflight_skipped?: string;
  /** Why a push that nobody asked for by name failed. The values stay recorded. */
  push_error?: string;
  /** The same as an error code. */
  push_error_code?: string;
  /** The gateway's origin. */
  push_origin?: string;
  /** What was refused, by metric and reason: the first of it. */
  refused: Refused[];
  /** How many entries `refused` would have without a bound. */
  refused_count: number;
  /** The first of those counters. */
  replaced?: Replaced[];
  /** Series that were imported. */
  series: number;
}

/**
 * How it stands with rules. `installed`: They are installed, and the server lists them as they are
 * wanted. `unchanged`: They were there as they are wanted. `planned`: With `dry_run`: they would be
 * changed. `pending`: They are not there yet. `unverified`: They may be there: the server does not
 * say all that would have to be compared.
 */
export type InstallStatus = 'installed' | 'unchanged' | 'planned' | 'pending' | 'unverified';

/**
 * Where rules are installed, and how. `file`: A rule file, which the host writes; then `/-/reload`.
 * Prometheus, vmalert and Thanos. `mimir`: Mimir's ruler. `cortex`: Cortex's ruler. `grafana`:
 * Grafana, through its converter of Prometheus's rules.
 */
export type InstallTarget = 'file' | 'mimir' | 'cortex' | 'grafana';

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

/** Names and values. */
export type LabelPairs = { [key: string]: string };

/** A text, which may be empty; a number or a flag counts as its text. */
export type LabelValue = string | number | boolean;

/** `label_values` of input_schema. */
export type LabelValues = LabelValue | '' | null | LabelValue[];

/** `label_values`: the values of a label in Prometheus. */
export interface LabelValuesRequest extends AnyRequest {
  /** The last moment. */
  end?: Moment;
  /** The label's name. */
  label: Text;
  /** The most items of the answer. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series that one of them finds counts. */
  match?: Texts;
  /** Another name for `match`, as the API has it. */
  'match[]'?: Texts;
  /** The first moment. */
  start?: Moment;
}

/** The result of `label_values`. */
export interface LabelValuesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** What the server remarked. */
  infos?: string[];
  /** The label's name. */
  label: string;
  /** Its values. */
  values: string[];
  /** What the server warned of. */
  warnings?: string[];
}

/** Names and texts; a number or a flag counts as its text. */
export type Labels = { [key: string]: string | number | boolean } | null;

/** Something that conventions for metrics advise against. */
export interface Lint {
  /** The metric's name. */
  metric: string;
  /** What was found, and what to do. */
  problem: string;
  /** A stable word for the rule, such as `help`. */
  rule: string;
}

/** `list_alert_groups`: Alertmanager's alerts as it groups them for receivers. */
export interface ListAlertGroupsRequest extends AnyRequest {
  /** Whether alerts that are neither silenced nor inhibited are listed; true by default. */
  active?: Flag;
  /** Matchers that an alert's labels meet. */
  filter?: Matchers;
  /** Whether inhibited alerts are listed; true by default. */
  inhibited?: Flag;
  /** A regular expression for the names of the receivers that are told. */
  receiver?: Text;
  /** Whether silenced alerts are listed; true by default. */
  silenced?: Flag;
}

/** The result of `list_alert_groups`. */
export interface ListAlertGroupsResult extends AnyResult {
  /** Groups of alerts as Alertmanager's API lists them. */
  groups: { [key: string]: unknown }[];
}

/** `list_alert_templates`: the rules that the plug ships, and their parameters. */
export interface ListAlertTemplatesRequest extends AnyRequest {}

/** The result of `list_alert_templates`. */
export interface ListAlertTemplatesResult extends AnyResult {
  /** What `template` may name. */
  templates: AlertTemplate[];
}

/** `list_alerts`: the alerting rules that the server holds, and their states. */
export interface ListAlertsRequest extends AnyRequest {
  /** What is not in it may stand beside it. */
  alert_config?: AlertConfig | null;
  /** Grafana's data source that expressions are asked of. */
  datasource_uid?: Text;
  /** Only the alerts of this group; those of all by default. */
  group?: Text;
  /** A ruler's namespace or Grafana's folder; `plugpipe` by default. */
  namespace?: Text;
  /** `file` (the default), `prometheus`, `vmalert`, `thanos`, `mimir`, `cortex` or `grafana`. */
  target?: RulesTarget;
  /** The server's release, such as `3.5`, where it cannot be asked. */
  target_version?: Text;
}

/** The result of `list_alerts`. */
export interface ListAlertsResult extends AnyResult {
  /** The alerting rules that the server holds. */
  alerts: HeldAlert[];
}

/** `list_dashboards`: the dashboards that Grafana finds. */
export interface ListDashboardsRequest extends AnyRequest {
  /** The uid of the folder that it lies in. */
  folder_uid?: Text;
  /** A part of the title. */
  search?: Text;
  /** One of its tags. */
  tag?: Text;
}

/** The result of `list_dashboards`. */
export interface ListDashboardsResult extends AnyResult {
  /** How many were found. */
  count: number;
  /** Each of them. */
  dashboards: FoundDashboard[];
}

/** `list_groups`: every group on the Pushgateway, with its last push. */
export interface ListGroupsRequest extends AnyRequest {
  /** Only groups that have these. */
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

/** `list_labels`: the names of labels in Prometheus. */
export interface ListLabelsRequest extends AnyRequest {
  /** The last moment. */
  end?: Moment;
  /** The most items of the answer. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series that one of them finds counts. */
  match?: Texts;
  /** Another name for `match`, as the API has it. */
  'match[]'?: Texts;
  /** The first moment. */
  start?: Moment;
}

/** The result of `list_labels`. */
export interface ListLabelsResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** What the server remarked. */
  infos?: string[];
  /** The names. */
  labels: string[];
  /** What the server warned of. */
  warnings?: string[];
}

/** `list_metadata`: type, help and unit of metrics in Prometheus. */
export interface ListMetadataRequest extends AnyRequest {
  /** The most metrics. */
  limit?: WholeNumber;
  /** The most entries of one metric. */
  limit_per_metric?: WholeNumber;
  /** The metric; all of them by default. */
  metric?: Text;
}

/** The result of `list_metadata`. */
export interface ListMetadataResult extends AnyResult {
  /** What the server remarked. */
  infos?: string[];
  /** For each metric a list of what its targets say of it: `type`, `help` and `unit`. */
  metadata: { [key: string]: unknown };
  /** What the server warned of. */
  warnings?: string[];
}

/** `list_notified_alerts`: the alerts that Alertmanager holds. */
export interface ListNotifiedAlertsRequest extends AnyRequest {
  /** Whether alerts that are neither silenced nor inhibited are listed; true by default. */
  active?: Flag;
  /** Matchers that an alert's labels meet. */
  filter?: Matchers;
  /** Whether inhibited alerts are listed; true by default. */
  inhibited?: Flag;
  /** A regular expression for the names of the receivers that are told. */
  receiver?: Text;
  /** Whether silenced alerts are listed; true by default. */
  silenced?: Flag;
  /** Whether alerts that Alertmanager has not looked at yet are listed; true by default. */
  unprocessed?: Flag;
}

/** The result of `list_notified_alerts`. */
export interface ListNotifiedAlertsResult extends AnyResult {
  /** Alerts as Alertmanager's API lists them. */
  alerts: { [key: string]: unknown }[];
}

/** `list_prometheus_alerts`: alerts that are pending or firing in Prometheus. */
export interface ListPrometheusAlertsRequest extends AnyRequest {}

/** The result of `list_prometheus_alerts`. */
export interface ListPrometheusAlertsResult extends AnyResult {
  /** Alerts that are pending or firing, as Prometheus has them. */
  alerts: { [key: string]: unknown }[];
  /** How many there are. */
  count: number;
  /** What the server remarked. */
  infos?: string[];
  /** What the server warned of. */
  warnings?: string[];
}

/** `list_receivers`: Alertmanager's receivers. */
export interface ListReceiversRequest extends AnyRequest {}

/** The result of `list_receivers`. */
export interface ListReceiversResult extends AnyResult {
  /** Receivers as Alertmanager's API lists them. */
  receivers: { [key: string]: unknown }[];
}

/** `list_rules`: Prometheus's groups of rules. */
export interface ListRulesRequest extends AnyRequest {
  /** Whether the alerts that rules raised are left out. */
  exclude_alerts?: Flag;
  /** Only rules of these files. */
  file?: Texts;
  /** Only rules whose labels one of these selectors finds. */
  match?: Texts;
  /** Another name for `match`, as the API has it. */
  'match[]'?: Texts;
  /** Only rules of the groups of these names. */
  rule_group?: Texts;
  /** Only rules of these names. */
  rule_name?: Texts;
  /** Only rules of this kind. `alert`: Alerts. `record`: Series. */
  type?: 'alert' | 'record' | '' | null;
}

/** The result of `list_rules`. */
export interface ListRulesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** Groups of rules, as Prometheus has them. */
  groups: { [key: string]: unknown }[];
  /** What the server remarked. */
  infos?: string[];
  /** What the server warned of. */
  warnings?: string[];
}

/** `list_series`: the series that match finds in Prometheus. */
export interface ListSeriesRequest extends AnyRequest {
  /** The last moment. */
  end?: Moment;
  /** The most items of the answer. */
  limit?: WholeNumber;
  /** Selectors such as `up{job="a"}`; a series that one of them finds counts. */
  match?: Texts;
  /** Another name for `match`, as the API has it. */
  'match[]'?: Texts;
  /** The first moment. */
  start?: Moment;
}

/** The result of `list_series`. */
export interface ListSeriesResult extends AnyResult {
  /** How many there are. */
  count: number;
  /** What the server remarked. */
  infos?: string[];
  /** The labels of each series. */
  series: LabelPairs[];
  /** What the server warned of. */
  warnings?: string[];
}

/** `list_silences`: Alertmanager's silences. */
export interface ListSilencesRequest extends AnyRequest {
  /** Matchers that a silence has. */
  filter?: Matchers;
}

/** The result of `list_silences`. */
export interface ListSilencesResult extends AnyResult {
  /** Silences as Alertmanager's API lists them. */
  silences: { [key: string]: unknown }[];
}

/** `list_targets`: what Prometheus scrapes, and how that goes. */
export interface ListTargetsRequest extends AnyRequest {
  /** Only those of this scrape pool. */
  scrape_pool?: Text;
  /**
   * Which targets; all of them by default. `any`: All of them. `active`: Those that are scraped.
   * `dropped`: Those that relabelling dropped.
   */
  state?: 'any' | 'active' | 'dropped' | '' | null;
}

/** The result of `list_targets`. */
export interface ListTargetsResult extends AnyResult {
  /** What the server remarked. */
  infos?: string[];
  /** `activeTargets` and `droppedTargets`, as Prometheus has them. */
  targets: { [key: string]: unknown };
  /** What the server warned of. */
  warnings?: string[];
}

/** One condition on one label. */
export interface Matcher {
  /** Another name for `is_equal`, as the API has it. */
  isEqual?: Flag;
  /** Another name for `is_regex`, as the API has it. */
  isRegex?: Flag;
  /** Whether it must match; true by default. */
  is_equal?: Flag;
  /** Whether `value` is a regular expression, which must match the whole; false by default. */
  is_regex?: Flag;
  /** The label's name. */
  name: Text;
  /** What it is compared with. An empty text is that of a label that is not there. */
  value: LabelValue | null;
}

/** `matchers` of input_schema. */
export type Matchers = Text | Matcher | (Text | Matcher)[];

/** What the configuration is, without credentials. */
export interface Metadata {
  /** The Pushgateway's URL. */
  gateway_url?: string;
  /** The instance. */
  instance?: string;
  /** The job under which metrics are pushed. */
  job_name: string;
  /** Prometheus's URL. */
  prometheus_url?: string;
  /** How often the plug's metrics are to be scraped. */
  scrape_interval: string;
}

/** `metric` of input_schema. */
export interface Metric {
  /** Bounds of a histogram's buckets, rising. A last `+Inf` may be written. */
  buckets?: (number | string)[] | null;
  /** Another name for `help`. */
  description?: Text;
  /** A series that nothing was recorded to for so long is removed. */
  expire_after?: Duration;
  /** What the metric means, for its `# HELP` line. The first text given stays. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** Another name for `name`. */
  metric_name?: LabelValue | null;
  /** Another name for `type`. */
  metric_type?: Kind;
  /** Another name for `value`. */
  metric_value?: Number;
  /** The metric's name. */
  name?: LabelValue | null;
  /** The form of a native histogram. */
  native?: Native | null;
  /**
   * Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
   */
  quantiles?: (number | string)[] | null;
  /**
   * The most series of the metric; past it, an overflow series takes what is recorded to more.
   */
  series_limit?: WholeNumber;
  /** The names of a state set's states. */
  states?: string[] | null;
  /** What is recorded as; `gauge` by default. */
  type?: Kind;
  /** What is measured in, such as `seconds`; the metric's name ends with it. */
  unit?: Text;
  /** Whether names of the metric and of labels may be any text. */
  utf8?: Flag;
  /** The value, as for one record. */
  value?: Number;
  /** How far back a summary's quantiles look. */
  window?: Duration;
}

/** RFC 3339, Unix seconds, or relative to now: now, now-1h, now+2d. */
export type Moment = string | number | null;

/** What happens to a rule. */
export interface NamedChange {
  /** What happens to it. */
  change: Change;
  /** The name of the alert or of the recorded metric. */
  name: string;
}

/** The form of a native histogram; what is not given has Prometheus's default. */
export interface Native {
  /** With more buckets than these, the schema becomes coarser. */
  max_buckets?: WholeNumber;
  /** How fine the buckets are: a whole number from -4 to 8. */
  schema?: Number;
  /** Values no farther from zero count as zero. */
  zero_threshold?: Number;
}

/** A bucket of a native histogram. */
export interface NativeBucket {
  /** How many observations are in it. */
  count: Amount;
  /** Its place: the upper bound is 2^(2^-schema) to the power of this. */
  index: number;
}

/** A native histogram. */
export interface NativeSample {
  /** How many observations there are. */
  count: Amount;
  /** The buckets of negative ones. */
  negative: NativeBucket[];
  /** The buckets of positive observations. */
  positive: NativeBucket[];
  /**
   * The resolution, from -4 to 8: each bucket is 2^(2^-schema) times as wide as the one before.
   */
  schema: number;
  /** The sum of observations. */
  sum: Amount;
  /** Observations that count as zero. */
  zero_count: Amount;
  /** Up to this magnitude an observation counts as zero. */
  zero_threshold: Amount;
}

/** `notify_webhook`: post alerts to a webhook, in Alertmanager's form. */
export interface NotifyWebhookRequest extends AnyRequest {
  /** The label `alertname`. */
  alert_name?: Text;
  /** The alerts; without them the one that stands beside is meant. */
  alerts?: Alert[] | null;
  /** What people are told. */
  annotations?: Labels;
  /** Another name for `ends_at`, as the API has it. */
  endsAt?: Moment;
  /** When it ended, or will have ended if nobody says more. */
  ends_at?: Moment;
  /** Another name for `generator_url`, as the API has it. */
  generatorURL?: Text;
  /** Where people see what made it. */
  generator_url?: Text;
  /** Who it is: two alerts with the same labels are the same. */
  labels?: Labels;
  /** What the body names as its receiver; the plug's name by default. */
  receiver?: Text;
  /** The label `severity`. */
  severity?: Text;
  /** Another name for `starts_at`, as the API has it. */
  startsAt?: Moment;
  /** Since when it holds; the server's now by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any text. */
  utf8?: Flag;
}

/** The result of `notify_webhook`. */
export interface NotifyWebhookResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** Whether the receiver responded with a status of 2xx. */
  delivered: boolean;
  /** The status that the receiver responded with. */
  http_status?: number;
  /** Whether the body was signed with `webhook_secret`. */
  signed?: boolean;
  /** The receiver, without its secrets. */
  webhook_url: string;
}

/** Templates may give a text for a number. */
export type Number = number | string | null;

/** An organisation of a Grafana, or why it is not known. */
export interface Organisation {
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable word for programs. */
  error_code?: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Its id. */
  id?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** Its name. */
  name?: string;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Values that were written nevertheless. */
  written?: number;
}

/** A limit of series was reached, and the value went to the metric's overflow series. */
export interface Overflow {
  /** How many values that label has. */
  distinct_values: number;
  /** The label with the most values. */
  label: string;
  /** The metric. */
  metric: string;
  /** The same as a sentence. */
  text: string;
}

/** `parse_query`: a PromQL expression as a tree (Prometheus 3). */
export type ParseQueryRequest = FormatQueryRequest;

/** The result of `parse_query`. */
export interface ParseQueryResult extends AnyResult {
  /** What the server remarked. */
  infos?: string[];
  /** The PromQL expression. */
  query: string;
  /** The tree that the server's parser makes of it. */
  syntax_tree: { [key: string]: unknown };
  /** What the server warned of. */
  warnings?: string[];
}

/** How the push of a scrape went. */
export interface PassedOn {
  /** The group's URL. */
  group: string;
  /** Whether the gateway has accepted it. */
  metric_pushed: boolean;
  /** How many metrics were pushed. */
  metrics?: number;
  /** Why the push was not checked for conflicts before. */
  preflight_skipped?: string;
  /** Why nothing was pushed. */
  reason?: string;
  /** How many samples were pushed. */
  samples?: number;
}

/** `plan_alerts`: what apply_alerts would change. */
export type PlanAlertsRequest = ApplyAlertsRequest;

/** The result of `plan_alerts`. */
export interface PlanAlertsResult extends AnyResult {
  /** Files to be written or removed where no host does that. */
  artifacts?: Artifact[];
  /** How many rules were there otherwise. */
  changed: number;
  /** The same by group and rule. */
  changes: RuleChange[];
  /** How many rules were not there. */
  created: number;
  /** True: nothing was changed. */
  dry_run: boolean;
  /** For the other targets: the groups' namespace, or folder. */
  namespace?: string;
  /** What is missing. */
  pending?: string;
  /** Where reloading failed: whether the server refused what is in the file. */
  reload_refused?: boolean;
  /** How many rules were there, and are no longer wanted. */
  removed: number;
  /** For the target `file`: the rule file's name. */
  rules_file?: string;
  /** By hosts with a rules folder: whether the file was removed, and stays so. */
  rules_file_removed?: boolean;
  /** By hosts with a rules folder: whether the file was written, and stays. */
  rules_file_written?: boolean;
  /** How it stands. */
  status: InstallStatus;
  /** Where the rules go. */
  target: InstallTarget;
  /** How many rules were there as they are wanted. */
  unchanged: number;
}

/** `plan_dashboards`: what apply_dashboards would do. */
export type PlanDashboardsRequest = ApplyDashboardsRequest;

/** The result of `plan_dashboards`. */
export type PlanDashboardsResult = ApplyDashboardsResult;

/** A place in a text, counted from 1. */
export interface Position {
  /** The column, in bytes of UTF-8. */
  column: number;
  /** The line. */
  line: number;
}

/** `prometheus_status`: what the Prometheus server is and how it runs. */
export interface PrometheusStatusRequest extends AnyRequest {
  /** What is to be told; `build`, `runtime` and `tsdb` by default. */
  include?: StatusParts;
}

/** The result of `prometheus_status`. */
export interface PrometheusStatusResult extends AnyResult {
  /** The version and how it was built. */
  build?: { [key: string]: unknown };
  /** Its configuration, secrets hidden by the server. */
  config?: { [key: string]: unknown };
  /** Its command line. */
  flags?: { [key: string]: unknown };
  /** How the server runs. */
  runtime?: { [key: string]: unknown };
  /** What its database holds. */
  tsdb?: { [key: string]: unknown };
  /** Parts that the server does not give, and why. */
  unavailable?: LabelPairs;
}

/** `push_metrics`: put what was recorded into this plug's group on the Pushgateway. */
export type PushMetricsRequest = FlushMetricsRequest;

/** The result of `push_metrics`. */
export interface PushMetricsResult extends AnyResult {
  /** With `push_mode: delete`: whether the group was deleted. */
  deleted?: boolean;
  /** Whether nothing was sent, because `dry_run` says so. */
  dry_run?: boolean;
  /** The group's URL. */
  group?: string;
  /** How many series the group has. */
  series?: number;
  /** With `dry_run`: whether the gateway would accept the push. */
  would_be_accepted?: boolean;
}

/** `query_exemplars`: the exemplars of an expression's series. */
export interface QueryExemplarsRequest extends AnyRequest {
  /** The last moment. */
  end?: Moment;
  /** The PromQL expression. */
  query: Text;
  /** The first moment. */
  start?: Moment;
}

/** The result of `query_exemplars`. */
export interface QueryExemplarsResult extends AnyResult {
  /** For each series its labels and exemplars, as Prometheus has them. */
  exemplars: { [key: string]: unknown }[];
  /** What the server remarked. */
  infos?: string[];
  /** What the server warned of. */
  warnings?: string[];
}

/** `query_metrics`: PromQL, at an instant or over a time_range. */
export interface QueryMetricsRequest extends AnyRequest {
  /** The most series; Prometheus takes it from 3.0 on. */
  limit?: WholeNumber;
  /** How old a sample may be to count. */
  lookback_delta?: Duration;
  /** The PromQL expression. */
  query: Text;
  /** Whether to tell what the query cost: `all` for each step too. */
  stats?: Text;
  /** The instant to evaluate it at, unless there is a `time_range`; now by default. */
  time?: Moment;
  /** The range to evaluate it over. */
  time_range?: TimeRange | null;
}

/** The result of `query_metrics`. */
export interface QueryMetricsResult extends AnyResult {
  /** What the server remarked. */
  infos?: string[];
  /** How many requests the range was split into, where it was. */
  parts?: number;
  /** The PromQL expression. */
  query: string;
  /** What the expression's value is. */
  query_result: QueryResult;
  /** With `stats`: what the query cost; of a range in parts, what the first part did. */
  stats?: { [key: string]: unknown };
  /** The step, where it was raised because there would have been too many points. */
  step_raised_to_seconds?: Amount;
  /** When the plug asked. */
  timestamp: Rfc3339;
  /** What the server warned of. */
  warnings?: string[];
}

/** The value of an expression, in the form of Prometheus's API. */
export interface QueryResult {
  /**
   * The value: its times are numbers of seconds, its numbers texts, among them `NaN` and `+Inf`.
   */
  result: unknown[];
  /** What kind of value it is. */
  resultType: 'vector' | 'matrix' | 'scalar' | 'string';
}

/** `record_counter`: add to a counter. */
export interface RecordCounterRequest extends AnyRequest {
  /** Bounds of a histogram's buckets, rising. A last `+Inf` may be written. */
  buckets?: (number | string)[] | null;
  /** Another name for `help`. */
  description?: Text;
  /**
   * An example of what was recorded, such as a trace's id: labels of at most 128 characters
   * together.
   */
  exemplar?: Labels;
  /** A series that nothing was recorded to for so long is removed. */
  expire_after?: Duration;
  /** What the metric means, for its `# HELP` line. The first text given stays. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** What `record_metric` records as; `gauge` by default. */
  metric_type?: Kind;
  /**
   * Added to a counter, set on a gauge, observed by the others. An info and a state set need none.
   */
  metric_value: Number;
  /** The form of a native histogram. */
  native?: Native | null;
  /** Whether the state holds; true by default. */
  on?: Flag;
  /**
   * Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
   */
  quantiles?: (number | string)[] | null;
  /**
   * The most series of the metric; past it, an overflow series takes what is recorded to more.
   */
  series_limit?: WholeNumber;
  /** The state of a state set to switch. */
  state?: Text;
  /** The names of a state set's states. */
  states?: string[] | null;
  /** When the value was taken. It is said in the answer, not exposed. */
  timestamp?: Moment;
  /** What is measured in, such as `seconds`; the metric's name ends with it. */
  unit?: Text;
  /** Whether names of the metric and of labels may be any text. */
  utf8?: Flag;
  /** How far back a summary's quantiles look. */
  window?: Duration;
}

/** The result of `record_counter`. */
export interface RecordCounterResult extends AnyResult {
  /** How many values a histogram or summary observed. */
  count?: number;
  /** The value of a counter or gauge. */
  current_value?: Amount;
  /** The series' labels, as they were given. */
  labels: LabelPairs;
  /** The metric's name. */
  metric_name: string;
  /** What it was recorded as. */
  metric_type: KindName;
  /** What was recorded: added to a counter, set on a gauge, observed by the others. */
  metric_value: Amount;
  /** Where the value went, if the metric's limit of series kept it from its own one. */
  overflow?: Overflow;
  /** Which states of a state set hold. */
  states_on?: string[];
  /** The sum of what they observed. */
  sum?: Amount;
  /** When the value was taken: what the request said, else now. */
  timestamp: Rfc3339;
  /** Whether the gateway has accepted what was recorded. */
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
  /** Bounds of a histogram's buckets, rising. A last `+Inf` may be written. */
  buckets?: (number | string)[] | null;
  /** Another name for `help`. */
  description?: Text;
  /**
   * An example of what was recorded, such as a trace's id: labels of at most 128 characters
   * together.
   */
  exemplar?: Labels;
  /** A series that nothing was recorded to for so long is removed. */
  expire_after?: Duration;
  /** What the metric means, for its `# HELP` line. The first text given stays. */
  help?: Text;
  /** The series' labels. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** What `record_metric` records as; `gauge` by default. */
  metric_type?: Kind;
  /**
   * Added to a counter, set on a gauge, observed by the others. An info and a state set need none.
   */
  metric_value?: Number;
  /** The form of a native histogram. */
  native?: Native | null;
  /** Whether the state holds; true by default. */
  on?: Flag;
  /**
   * Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
   */
  quantiles?: (number | string)[] | null;
  /**
   * The most series of the metric; past it, an overflow series takes what is recorded to more.
   */
  series_limit?: WholeNumber;
  /** The state of a state set to switch. */
  state?: Text;
  /** The names of a state set's states. */
  states?: string[] | null;
  /** When the value was taken. It is said in the answer, not exposed. */
  timestamp?: Moment;
  /** What is measured in, such as `seconds`; the metric's name ends with it. */
  unit?: Text;
  /** Whether names of the metric and of labels may be any text. */
  utf8?: Flag;
  /** How far back a summary's quantiles look. */
  window?: Duration;
}

/** The result of `record_metric`. */
export type RecordMetricResult = RecordCounterResult;

/** `record_multiple_metrics`: record a list of metrics, all or none, with one push. */
export interface RecordMultipleMetricsRequest extends AnyRequest {
  /** What to record, all or none. */
  metrics: Metric[];
  /** When the values were taken. It is said in the answer, not exposed. */
  timestamp?: Moment;
}

/** The result of `record_multiple_metrics`. */
export interface RecordMultipleMetricsResult extends AnyResult {
  /** Each of them, in the request's order. */
  metrics: Recorded[];
  /** How many metrics were recorded: all of the request. */
  metrics_recorded: number;
  /** When the value was taken: what the request said, else now. */
  timestamp: Rfc3339;
  /** Whether the gateway has accepted what was recorded. */
  metric_pushed: boolean;
}

/** `record_summary`: observe a value in a summary. */
export type RecordSummaryRequest = RecordCounterRequest;

/** The result of `record_summary`. */
export type RecordSummaryResult = RecordCounterResult;

/** One recorded metric, and what its series holds now. */
export interface Recorded {
  /** How many values a histogram or summary observed. */
  count?: number;
  /** The value of a counter or gauge. */
  current_value?: Amount;
  /** The series' labels, as they were given. */
  labels: LabelPairs;
  /** The metric's name. */
  metric_name: string;
  /** What it was recorded as. */
  metric_type: KindName;
  /** What was recorded: added to a counter, set on a gauge, observed by the others. */
  metric_value: Amount;
  /** Where the value went, if the metric's limit of series kept it from its own one. */
  overflow?: Overflow;
  /** Which states of a state set hold. */
  states_on?: string[];
  /** The sum of what they observed. */
  sum?: Amount;
}

/** What was not imported of a metric. */
export interface Refused {
  /** The metric's name. */
  metric: string;
  /** Why, and what to do. */
  reason: string;
  /** How many of its series are concerned. */
  series: number;
}

/** `register_metric`: say what a metric is before anything is recorded to it. */
export interface RegisterMetricRequest extends AnyRequest {
  /** Bounds of a histogram's buckets, rising. A last `+Inf` may be written. */
  buckets?: (number | string)[] | null;
  /** Another name for `help`. */
  description?: Text;
  /** A series that nothing was recorded to for so long is removed. */
  expire_after?: Duration;
  /** What the metric means, for its `# HELP` line. The first text given stays. */
  help?: Text;
  /** The names of its labels. */
  label_names?: string[] | null;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** The metric's kind; `gauge` by default. */
  metric_type?: Kind;
  /** The form of a native histogram. */
  native?: Native | null;
  /**
   * Ranks of a summary's quantiles, from 0 to 1 and rising; with an empty list there are none.
   */
  quantiles?: (number | string)[] | null;
  /**
   * The most series of the metric; past it, an overflow series takes what is recorded to more.
   */
  series_limit?: WholeNumber;
  /** The names of a state set's states. */
  states?: string[] | null;
  /** What is measured in, such as `seconds`; the metric's name ends with it. */
  unit?: Text;
  /** Whether names of the metric and of labels may be any text. */
  utf8?: Flag;
  /** How far back a summary's quantiles look. */
  window?: Duration;
}

/** The result of `register_metric`. */
export interface RegisterMetricResult extends AnyResult {
  /** The family's number, for the typed interfaces. */
  family: number;
  /** The metric's name. */
  metric_name: string;
  /** What it will be recorded as. */
  metric_type: KindName;
}

/** An endpoint of remote write or remote read. */
export interface RemoteEndpoint {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A file with a token, on the Prometheus server. */
  bearer_token_file?: Text;
  /** To write only: whether exemplars are sent. */
  exemplars?: Flag;
  /** Further headers, none of which is a secret. */
  headers?: Labels;
  /** A name, which no other one has. */
  name?: Text;
  /** To write only: whether native histograms are sent. */
  native_histograms?: Flag;
  /** To write only: `1.0` (the default) or `2.0`. */
  protocol?: Text;
  /** A proxy to go through, as a URL. */
  proxy_url?: Text;
  /** To read only: whether samples are read that the server should have itself. */
  read_recent?: Flag;
  /** Sent as `X-Scope-OrgID`. */
  tenant?: Text;
  /** For one request. */
  timeout?: Duration;
  /** Certificates. */
  tls?: TlsFiles | null;
  /** Its URL. */
  url: Text;
}

/** `remote_write_metrics`: write what was recorded to a remote-write receiver. */
export interface RemoteWriteMetricsRequest extends AnyRequest {}

/** The result of `remote_write_metrics`. */
export interface RemoteWriteMetricsResult extends AnyResult {
  /** Whether the receiver said how much it wrote. */
  confirmed?: boolean;
  /** Values that were given up, because the send queue was full. */
  dropped?: number;
  /** Values that go out with the next write. */
  pending?: number;
  /** The receiver's URL. */
  receiver?: string;
  /** How many requests were sent. */
  requests?: number;
  /** The protocol's version. */
  version?: string;
  /** What the receiver wrote; what was sent, where it does not say. */
  written: Written;
}

/** `remove_metric`: remove one series. */
export interface RemoveMetricRequest extends AnyRequest {
  /** All labels of the series. */
  labels?: Labels;
  /** The metric's name. */
  metric_name: LabelValue | null;
  /** Whether names of the metric and of labels may be any text. */
  utf8?: Flag;
}

/** The result of `remove_metric`. */
export interface RemoveMetricResult extends AnyResult {
  /** The metric's name. */
  metric_name: string;
  /** Whether there was such a series. */
  removed: boolean;
}

/** A counter of a group that a push did not raise. */
export interface Replaced {
  /** What was pushed; absent where the push removed the series. */
  pushed?: Amount;
  /** The series, as PromQL would select it. */
  series: string;
  /** What the gateway had. */
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

/** `resolve_alerts`: tell Alertmanager that alerts have ended. */
export interface ResolveAlertsRequest extends AnyRequest {
  /** The label `alertname`. */
  alert_name?: Text;
  /** The alerts; without them the one that stands beside is meant. */
  alerts?: Alert[] | null;
  /** What people are told. */
  annotations?: Labels;
  /** Another name for `ends_at`, as the API has it. */
  endsAt?: Moment;
  /** When it ended, or will have ended if nobody says more. */
  ends_at?: Moment;
  /** Another name for `generator_url`, as the API has it. */
  generatorURL?: Text;
  /** Where people see what made it. */
  generator_url?: Text;
  /** Who it is: two alerts with the same labels are the same. */
  labels?: Labels;
  /** The label `severity`. */
  severity?: Text;
  /** Another name for `starts_at`, as the API has it. */
  startsAt?: Moment;
  /** Since when it holds; the server's now by default. */
  starts_at?: Moment;
  /** Whether names of labels and annotations may be any text. */
  utf8?: Flag;
}

/** The result of `resolve_alerts`. */
export interface ResolveAlertsResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** How many alerts Alertmanager took as ended; 0 in `mock_mode`. */
  alerts_resolved: number;
}

/** An entry of `scrape_configs`. */
export interface ResponseScrapeJob {
  /** The job's name. */
  job_name: string;
  /** The path. */
  metrics_path: string;
  /** The fields of the URL's query. */
  params?: { [key: string]: string[] };
  /** `http` or `https`. */
  scheme: string;
  /** Between two scrapes. */
  scrape_interval: string;
  /** For a whole scrape; never more than the interval, which Prometheus would refuse. */
  scrape_timeout: string;
  /** The target. */
  static_configs: StaticTargets[];
}

/** Targets that share their labels. */
export interface ResponseTargetGroup {
  /** Their labels. Names that begin with `__` steer the scrape. */
  labels: LabelPairs;
  /** Each of them. */
  targets: DiscoveredTarget[];
}

/** `restore_metrics`: replace all that is held by a snapshot. */
export interface RestoreMetricsRequest extends AnyRequest {
  /** What `snapshot_metrics` answered, in base64. */
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

/** A rule of a rule file, as far as all servers know it. */
export interface Rule {
  /** The name of an alert. */
  alert?: LabelValue | null;
  /** What people are told of an alert. */
  annotations?: Labels;
  /** PromQL, or what the server takes beside it. */
  expr?: Text;
  /** How long a series must be there before its alert fires; 0s by default. */
  for?: Duration;
  /** How long the alert goes on when the series is gone; 0s by default. */
  keep_firing_for?: Duration;
  /** Labels to set. */
  labels?: Labels;
  /** The metric of a rule that makes series. */
  record?: LabelValue | null;
}

/** What happens to a group of rules. */
export interface RuleChange {
  /** What happens to the group as a whole. */
  change: Change;
  /** The group's name. */
  group: string;
  /** What happens to its rules. */
  rules: NamedChange[];
}

/** A group of a rule file, as far as all servers know it. */
export interface RuleGroup {
  /** How often it is evaluated; as often as the server does by default. */
  interval?: Duration;
  /** Labels of all its rules. */
  labels?: Labels;
  /** The group's name. */
  name?: LabelValue | null;
  /** Its rules, with what only some servers take too. */
  rules?: Rule[] | null;
}

/** A rule file that a host has read. */
export interface RulesCurrent {
  /** The file's content; none where there is no such file. */
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
  /** When the series began, in seconds since the epoch, where the endpoint says so. */
  created?: Amount;
  /** An example of an observation. */
  exemplar?: Exemplar;
  /** Its labels. */
  labels: LabelPairs;
  /** The metric's name, with the sample's suffix. */
  name: string;
  /** The buckets of a native histogram. */
  native?: NativeSample;
  /** When it was measured, in seconds since the epoch, where the endpoint says so. */
  timestamp?: Amount;
  /** Its value; of a native histogram, the count. */
  value: Amount;
}

/**
 * `scrape_endpoint`: the metrics that an endpoint exposes, read strictly; imported or pushed if
 * asked.
 */
export interface ScrapeEndpointRequest extends Omit<AnyRequest, 'scrape_config'> {
  /** What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`. */
  accept?: Text;
  /**
   * What an answer is whose `Content-Type` is missing or of no metrics: `prometheus`, `openmetrics`
   * or `protobuf`. Without it such an answer is an error.
   */
  fallback_format?: Text;
  /** Whether it is imported into the registry; false by default. */
  import?: Flag;
  /** Whether the answer has samples; false by default. */
  include_samples?: Flag;
  /**
   * Between scrapes, in the scrape configuration of the answer; the setting `scrape_interval` by
   * default.
   */
  interval?: Duration;
  /** The most families and lint findings of the answer; 300 by default. */
  limit?: WholeNumber;
  /** Put after the URL's own path, unless that ends with it; `/metrics` by default. */
  path?: Text;
  /** Whether it is pushed as a group of its own; false by default. */
  push?: Flag;
  /** The format in which all of it is written again: `prometheus` or `openmetrics`. */
  reexport?: Text;
  /** The most samples of the answer; 1,000 by default. */
  sample_limit?: WholeNumber;
  /** They win over those beside it. */
  scrape_config?: ScrapedEndpoint | null;
  /**
   * The job of that group and of the scrape configuration; by default named after host and port.
   */
  scrape_job?: Text;
  /** Whether metrics without a type are imported as gauges; they are refused by default. */
  unknown_as_gauge?: Flag;
}

/** The result of `scrape_endpoint`. */
export interface ScrapeEndpointResult extends AnyResult {
  /** The size of the exposition, uncompressed. */
  bytes?: number;
  /** Its content type. */
  content_type?: string;
  /** How long fetching and reading took, in milliseconds. */
  duration_ms?: number;
  /** Whether the endpoint was scraped. */
  endpoint_scraped: boolean;
  /** What was scraped, without credentials and query. */
  endpoint_url: string;
  /** Exemplars that were left out of it. */
  exemplars_dropped?: number;
  /** With `reexport`: the format of `exported_data`. */
  export_format?: string;
  /** All that was received, written again. */
  exported_data?: string;
  /** The first of them. */
  families?: Family[];
  /** How many metrics there are. */
  families_count?: number;
  /** The format: `prometheus`, `openmetrics` or `protobuf`. */
  format?: string;
  /** With `import`: what became of that. */
  imported?: Imported;
  /** The first of the findings. */
  lint?: Lint[];
  /** How many findings of the linter there are. */
  lint_count?: number;
  /** How many samples the endpoint exposes. */
  metrics_count: number;
  /** With `push`: what became of that. */
  pushed?: PassedOn;
  /** With `include_samples`: the first samples. */
  samples?: Sample[];
  /** The entry of `scrape_configs` by which Prometheus scrapes the endpoint. */
  scrape_config: ResponseScrapeJob;
  /** The same as a part of a `prometheus.yml`. */
  scrape_config_yaml: string;
  /** Samples whose timestamps were left out of what was written again, pushed or imported. */
  timestamps_dropped?: number;
  /** Whether there are more metrics or samples than are listed. */
  truncated?: boolean;
}

/** A scrape job. Its targets are named in `targets`, or found through `file_sd` or `http_sd`. */
export interface ScrapeJob {
  /** User and password. */
  basic_auth?: BasicAuth | null;
  /** A file with a token, on the Prometheus server. */
  bearer_token_file?: Text;
  /** Files of targets, as paths. */
  file_sd?: string[] | null;
  /** Whether labels of the target win over the job's own. */
  honor_labels?: Flag;
  /** Whether timestamps of the target count. */
  honor_timestamps?: Flag;
  /** Endpoints that answer targets, as URLs. */
  http_sd?: string[] | null;
  /** Between scrapes. */
  interval?: Duration;
  /** The job's name. */
  job?: Text;
  /** Labels of the targets that are named. */
  labels?: Labels;
  /**
   * Selectors such as `{job="plugpipe"}`: of a job in `federate`, which needs them, and of no
   * other.
   */
  match?: string[] | null;
  /** Whether native histograms are scraped. */
  native_histograms?: Flag;
  /** Parameters of the URL, each with a text or a list of texts. */
  params?: { [key: string]: Texts } | null;
  /** The path of the metrics, such as `/metrics`. */
  path?: Text;
  /** Formats to ask for, by Prometheus's names. */
  protocols?: string[] | null;
  /** A proxy to go through, as a URL. */
  proxy_url?: Text;
  /** How often files and endpoints are read again. */
  refresh_interval?: Duration;
  /** The most samples of one scrape; 0 for no limit. */
  sample_limit?: WholeNumber;
  /** `http` or `https`. */
  scheme?: Text;
  /** Targets as `host:port`. */
  targets?: string[] | null;
  /** For one scrape, at most the interval. */
  timeout?: Duration;
  /** Certificates. */
  tls?: TlsFiles | null;
}

/** `ScrapedEndpoint` of input_schema. */
export interface ScrapedEndpoint {
  /** What is asked for first: `openmetrics` (the default), `prometheus` or `protobuf`. */
  accept?: Text;
  /** Credentials, which are read with the settings. */
  endpoint_auth?: Credentials;
  /** The server, with any path and query that the metrics live under. */
  endpoint_url?: Text;
  /**
   * What an answer is whose `Content-Type` is missing or of no metrics: `prometheus`, `openmetrics`
   * or `protobuf`. Without it such an answer is an error.
   */
  fallback_format?: Text;
  /** Whether it is imported into the registry; false by default. */
  import?: Flag;
  /** Whether the answer has samples; false by default. */
  include_samples?: Flag;
  /**
   * Between scrapes, in the scrape configuration of the answer; the setting `scrape_interval` by
   * default.
   */
  interval?: Duration;
  /** The most families and lint findings of the answer; 300 by default. */
  limit?: WholeNumber;
  /** Put after the URL's own path, unless that ends with it; `/metrics` by default. */
  path?: Text;
  /** Whether it is pushed as a group of its own; false by default. */
  push?: Flag;
  /** The format in which all of it is written again: `prometheus` or `openmetrics`. */
  reexport?: Text;
  /** The most samples of the answer; 1,000 by default. */
  sample_limit?: WholeNumber;
  /**
   * The job of that group and of the scrape configuration; by default named after host and port.
   */
  scrape_job?: Text;
  /** For the whole scrape; the setting of that name by default. */
  timeout?: Duration;
  /** Whether metrics without a type are imported as gauges; they are refused by default. */
  unknown_as_gauge?: Flag;
}

/** `send_alerts`: tell Alertmanager of alerts that hold. */
export type SendAlertsRequest = ResolveAlertsRequest;

/** The result of `send_alerts`. */
export interface SendAlertsResult extends AnyResult {
  /** The alerts, in the request's order. */
  alerts: SentAlert[];
  /** How many alerts Alertmanager took; 0 in `mock_mode`. */
  alerts_sent: number;
}

/** One alert of a request. */
export interface SentAlert {
  /** The hash of its labels by which Alertmanager knows it, in hexadecimal. */
  fingerprint: string;
  /** Its labels, with `alertname` and `severity`. */
  labels: LabelPairs;
}

/** What a server responded. */
export interface ServerHealth {
  /** What a gateway would refuse of a push, the first of them. */
  conflicts?: Conflict[];
  /** What was wrong, what was expected, and what to do. */
  error?: string;
  /** A stable word for programs. */
  error_code?: ErrorCode;
  /**
   * What kind of error a query had: `bad_data`, `timeout` and so on, as Prometheus names them.
   */
  error_type?: string;
  /** The path of the field to correct. */
  field?: string;
  /** The status that the server responded with. */
  http_status?: number;
  /** Values that the receiver refused, or that there was no room to keep. */
  lost?: number;
  /** The origin of the server that was concerned. */
  origin?: string;
  /** Values that go out with the next write. */
  pending?: number;
  /** Where a query is wrong. */
  position?: Position;
  /** The same as the server said it, where that is another word. */
  server_error_type?: string;
  /** Its URL. */
  url: string;
  /** Values that were written nevertheless. */
  written?: number;
}

/** Settings that a configuration and a request may hold. */
export interface Settings {
  /** Sent to the origin of the server's URL only. */
  alertmanager_auth?: Credentials;
  /** Where alerts are sent and silences made. */
  alertmanager_url?: Url;
  /** For any connection to be made. */
  connect_timeout?: Duration;
  /**
   * Whether to read the group before the first push to it, and list the counters that the push does
   * not raise.
   */
  detect_resets?: Flag;
  /** For `scrape_config.endpoint_url`. */
  endpoint_auth?: Credentials;
  /** An endpoint to scrape; `scrape_config.endpoint_url` too. */
  endpoint_url?: Text;
  /** Put on what is remote-written. */
  external_labels?: Labels | '' | null;
  /** Sent to the origin of the server's URL only. */
  gateway_auth?: Credentials;
  /** The Pushgateway; without one nothing is pushed. */
  gateway_url?: Url;
  /**
   * How Grafana's folders and dashboards are asked for. `api`: Below `/api`. `k8s`: As resources of
   * `/apis`, which needs Grafana 12 or later.
   */
  grafana_api?: 'api' | 'k8s' | '' | null;
  /** Sent to the origin of the server's URL only. */
  grafana_auth?: Credentials;
  /** An organisation of Grafana. */
  grafana_org_id?: WholeNumber;
  /** Where dashboards live. */
  grafana_url?: Url;
  /** Further labels of the group of pushes. */
  grouping_key?: Labels | '' | null;
  /** The instance of pushes, and of remote-written series. */
  instance?: Text;
  /** The job of pushes, and of remote-written series. */
  job_name?: Text;
  /** The longest answer of a server that is read. */
  max_response_bytes?: WholeNumber;
  /** The longest wait before any attempt. */
  max_retry_delay?: Duration;
  /** Whether no server is reached; answers say `mock` then. */
  mock_mode?: Flag;
  /** Sent to the origin of the server's URL only. */
  otlp_auth?: Credentials;
  /** An OTLP receiver of metrics, with its path. */
  otlp_url?: Url;
  /** Whether `plugpipe_monitoring_*` are exposed too. */
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
  /** Whether what is pushed is compressed. */
  push_gzip?: Flag;
  /** For the policy `interval`: from one push to the next. */
  push_interval?: Duration;
  /**
   * What becomes of what the group holds. `replace`: All of it goes (`PUT`). `add`: Metrics of the
   * same names go, the others stay (`POST`). `delete`: The group is deleted, and nothing comes
   * (`DELETE`). In a request only.
   */
  push_mode?: 'replace' | 'add' | 'delete' | '' | null;
  /**
   * When what was recorded is pushed. `on_record`: With each record. `manual`: When somebody asks
   * for it. `interval`: With the first call after `push_interval`, where something was recorded
   * since the last push.
   */
  push_policy?: 'on_record' | 'manual' | 'interval' | '' | null;
  /** For a push that follows a record. */
  push_timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  remote_write_auth?: Credentials;
  /** Values kept for a receiver that is away. */
  remote_write_capacity?: WholeNumber;
  /** For one remote write. */
  remote_write_timeout?: Duration;
  /** A remote-write receiver, with its path. */
  remote_write_url?: Url;
  /** The version of remote write to speak. */
  remote_write_version?: 'auto' | '2.0' | '2' | 2 | '1.0' | '1' | 1 | '' | null;
  /** How often an operation that somebody waits for is tried. */
  retry_attempts?: WholeNumber;
  /** The longest wait before the second attempt. */
  retry_delay?: Duration;
  /** Sent to the origin of the server's URL only. */
  ruler_auth?: Credentials;
  /** Who evaluates rules, where that is not Prometheus. */
  ruler_url?: Url;
  /** What `scrape_endpoint` takes. */
  scrape_config?: { [key: string]: unknown } | null;
  /** How often Prometheus scrapes. */
  scrape_interval?: Duration;
  /** For an operation that speaks to a server. */
  timeout?: Duration;
  /** Sent to the origin of the server's URL only. */
  webhook_auth?: Credentials;
  /**
   * The body of webhooks. `alertmanager`: Alertmanager's, version 4. `plugpipe`: `{alert_data,
   * timestamp, source}`, as the published Python plug sends it.
   */
  webhook_format?: 'alertmanager' | 'plugpipe' | '' | null;
  /** Who is notified, where a call names nobody. */
  webhook_url?: Url;
}

/** `snapshot_metrics`: all that is held, for restore_metrics. */
export interface SnapshotMetricsRequest extends AnyRequest {}

/** The result of `snapshot_metrics`. */
export interface SnapshotMetricsResult extends AnyResult {
  /** How many series there are. */
  series: number;
  /** All that is stored, as base64, for `restore_metrics`. */
  snapshot: string;
}

/** Targets that stand in the configuration. */
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

/** A group of a file of targets. */
export interface TargetGroup {
  /** Their labels. Names may begin with `__`. */
  labels?: Labels;
  /** Targets as `host:port`. */
  targets?: string[] | null;
}

/**
 * Whether Prometheus scrapes a target. `active`: It is scraped. `dropped`: Its relabeling dropped
 * it. `absent`: Prometheus does not know it.
 */
export type TargetState = 'active' | 'dropped' | 'absent';

/** A parameter of a template. */
export interface TemplateParameter {
  /** Its value where it is not given. Absent where nothing is put in then. */
  default?: string;
  /** What it is, with its unit. */
  description: string;
  /** Its name in `parameters`. */
  name: string;
  /** Whether it must be given. */
  required: boolean;
}

/** Templates may give a number for a text. */
export type Text = string | number | boolean | null;

/** `texts` of input_schema. */
export type Texts = Text | Text[];

/** A range of time, in steps. */
export interface TimeRange {
  /** The last point is not after it; now by default. */
  end?: Moment;
  /**
   * What becomes of more points than servers give in one answer; `raise_step` by default.
   * `raise_step`: The step is multiplied until they are few enough. `split`: The range is asked in
   * parts, whose answers are put together: all points, for as many requests. `error`: The query is
   * refused.
   */
  on_too_many_points?: 'raise_step' | 'split' | 'error' | '' | null;
  /** The first point. */
  start: Moment;
  /** Between two points; 15 seconds by default. */
  step?: Duration;
}

/**
 * How a server's certificate is checked, and the client's own; files on the Prometheus server.
 */
export interface TlsFiles {
  /** Certificates of authorities that are trusted. */
  ca_file?: Text;
  /** The client's certificate; needs `key_file`. */
  cert_file?: Text;
  /** Whether any certificate is taken. */
  insecure_skip_verify?: Flag;
  /** Its key. */
  key_file?: Text;
  /** The name that the server's certificate must have. */
  server_name?: Text;
}

/**
 * Why values have reached no gateway. `no_gateway`: None is configured. `manual`: `push_policy`
 * leaves pushing to `push_metrics`. `mock_mode`: `mock_mode` is on. `delete_mode`: `push_mode` is
 * `delete`. `not_accepted`: No push was tried yet, or the gateway did not accept it.
 */
export type UnpushedReason =
  | 'no_gateway'
  | 'manual'
  | 'mock_mode'
  | 'delete_mode'
  | 'not_accepted';

/** An http or https URL, such as http://127.0.0.1:9090. */
export type Url = string | null;

/** What became of a notification that is a part of something else, which holds without it. */
export type Webhook = Delivery | FailedDelivery;

/** Templates may give a text for a number. */
export type WholeNumber = number | string | null;

/** Values by their kind. */
export interface Written {
  /** Exemplars. */
  exemplars: number;
  /** Native histograms. */
  histograms: number;
  /** Numbers. */
  samples: number;
}

/** The name of an operation. */
export type Operation = keyof Requests;

/** The response of an operation that succeeded. */
export interface Success<O extends Operation = Operation> {
  operation: O;
  result: Results[O];
  /** What the configuration is. */
  monitoring_metadata: Metadata;
  success: true;
  /**
   * What was ignored or done otherwise than asked, such as an unknown field. Absent where there is
   * nothing to say.
   */
  warnings?: string[];
}

/** What a call returns; `success` says which it is. */
export type Response<O extends Operation = Operation> = Success<O> | Failure;
