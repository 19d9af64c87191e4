// SPDX-License-Identifier: MIT
// node example.mjs [PUSHGATEWAY_URL]
import { metrics, process } from './index.js';

const [gateway] = globalThis.process.argv.slice(2);
const cfg = gateway ? { prometheus_config: { gateway_url: gateway, job_name: 'node-example' } } : { job_name: 'node-example' };
const ctx = { operation: 'record_counter', metric_name: 'jobs_total', metric_value: 1, labels: { queue: 'mail' } };
console.log(process(ctx, cfg));

// The same counter by its handle, a thousand times.
const series = metrics.record('jobs_total', 'counter', [{ name: 'queue', value: 'mail' }], 1);
metrics.recordMany(new Uint32Array(1000).fill(series), new Float64Array(1000).fill(1));
console.log(process({ operation: 'export_metrics' }).result.exported_data);
