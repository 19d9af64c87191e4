// SPDX-License-Identifier: MIT
import type { Configuration, HealthCheckRequest, Operation, RecordMetricRequest, Requests, Response } from './types.js';

export { exposition, metrics, query, state } from './component/monitoring_prometheus.js';
export * from './types.js';

/** An object whose fields have no types here. */
export type Fields = { [field: string]: unknown };

/** What `cleanup` did. */
export interface CleanupResponse {
  success: boolean;
  result: Fields & { series_dropped: number; unpushed: boolean };
}

/** What the plug is. */
export interface Description {
  name: string;
  version: string;
  description: string;
  operations: { [name: string]: string };
}

/** Without an operation, a call with a metric's name is `record_metric`. */
export function process(
  ctx: { operation?: null } & RecordMetricRequest,
  cfg?: Configuration,
): Response<'record_metric'>;
/** Without an operation and a metric's name, a call is `health_check`. */
export function process(
  ctx: { operation?: null; metric_name?: null } & HealthCheckRequest,
  cfg?: Configuration,
): Response<'health_check'>;
/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export function process<O extends Operation>(ctx: { operation: O } & Requests[O], cfg?: Configuration): Response<O>;
/** Asks every configured server whether it is well. */
export function healthCheck(): Response<'health_check'>;
/**
 * Forgets all that was recorded, and deletes the groups that were pushed, unless
 * `delete_on_cleanup` is false.
 */
export function cleanup(): CleanupResponse;
/** What the plug is: name, version, operations. */
export function describe(): Description;
