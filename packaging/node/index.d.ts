// SPDX-License-Identifier: MIT
import type { HealthCheck, Process } from './types.js';

export { exposition, metrics, query, state } from './component/monitoring_prometheus.js';
export * from './plug.js';
export * from './types.js';

/** An object whose fields have no types here. */
export type Fields = { [field: string]: unknown };

/** What `cleanup` did. */
export interface CleanupResponse {
  success: boolean;
  result: Fields & { series_dropped: number; unpushed: boolean };
}

/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export const process: Process;
/** Checks every configured server. */
export const healthCheck: HealthCheck;
/**
 * Forgets all that was recorded, and deletes the groups that were pushed, unless
 * `delete_on_cleanup` is false.
 */
export function cleanup(): CleanupResponse;
