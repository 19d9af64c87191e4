// SPDX-License-Identifier: MIT
// Calls that the package's types for Node take, and calls that they refuse: `tsc` says of a
// `@ts-expect-error` when nothing is wrong below it.
import { cleanup, describe, healthCheck, process, request } from './index.js';
import type { Configuration, Operation, RecordGaugeRequest, Requests, Response, Results } from './index.js';

const cfg: Configuration = {
  job_name: 'nightly',
  prometheus_config: { gateway_url: 'http://127.0.0.1:9091', gateway_auth: { username: 'a', password: 'b' } },
};
// @ts-expect-error A setting that there is not.
const misspelt: Configuration = { gatewayurl: 'http://127.0.0.1:9091' };

// A request has its operation's fields, settings, and a runtime's own keys.
const recorded = process(
  {
    operation: 'record_counter',
    metric_name: 'jobs_total',
    metric_value: 1,
    labels: { queue: 'mail', shard: 1 },
    metric_type: 'counter',
    gateway_url: 'http://127.0.0.1:9091',
    run_id: 17,
  },
  cfg,
);
if (recorded.success) {
  const operation: 'record_counter' = recorded.operation;
  const name: string = recorded.result.metric_name;
  // What any result may have.
  const pushed: boolean | undefined = recorded.result.metric_pushed;
  const pipe: string | undefined = recorded.monitoring_metadata.job_name;
  // @ts-expect-error A field of failures.
  recorded.error_code;
  // @ts-expect-error A field of another operation's result.
  recorded.result.series_removed;
} else {
  const text: string = recorded.error + recorded.error_code;
  // A health check that finds a server down fails, and has its result too.
  const partial: unknown = recorded.result;
}

// Of two types for one field, the narrower one holds.
process({ operation: 'scrape_endpoint', scrape_config: { endpoint_url: 'http://127.0.0.1:9100' } });
process({ operation: 'federate', 'match[]': ['{job="a"}'] });
const first: RecordGaugeRequest = { metric_name: 'a', metric_value: '1.5' };
process({ operation: 'record_gauge', ...first });

// @ts-expect-error An operation that there is not.
process({ operation: 'record_metrics', metric_name: 'a' });
// @ts-expect-error It has no metric_name.
process({ operation: 'record_counter', metric_value: 1 });
// @ts-expect-error A field of another operation.
process({ operation: 'describe', metric_name: 'a' });
// @ts-expect-error A type that there is not.
process({ operation: 'record_metric', metric_name: 'a', metric_type: 'counters' });
// @ts-expect-error A value that is no number.
process({ operation: 'record_metric', metric_name: 'a', metric_value: [1] });
// @ts-expect-error A field within that there is not.
process({ operation: 'scrape_endpoint', scrape_config: { endpoint: 'http://127.0.0.1:9100' } });

// Without an operation.
const unnamed: Response<'record_metric'> = process({ metric_name: 'a', metric_value: 1 }, cfg);
const health: Response<'health_check'> = process({}, cfg);
const healthy = health.success && health.result.healthy;
// @ts-expect-error A value alone records nothing.
process({ metric_value: 1 });

// Of any operation.
const results: { [O in Operation]?: Results[O] } = {};
const requests: Requests['query_metrics'] = { query: 'up', time_range: { start: 'now-1h' } };
const dropped: number = cleanup().result.series_dropped;
const names: string[] = describe().operations.map(({ name }) => name);
const body: string = request({ tag: 'call', val: '{}' }).body;
// @ts-expect-error A request that there is not.
request({ tag: 'flush' });
export { body, dropped, healthCheck, healthy, misspelt, names, requests, results, unnamed };
