// SPDX-License-Identifier: MIT
// The plug's JSON contract with objects in place of texts, and its typed interfaces as the component has them. One instance for
// the process: what is recorded adds up. Calls are synchronous and wait for servers; a program that must not wait imports this in a worker.
import { plug } from './component/monitoring_prometheus.js';

export { exposition, metrics, query, state } from './component/monitoring_prometheus.js';

/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export function process(ctx, cfg = {}) {
  return JSON.parse(plug.process(JSON.stringify(ctx), JSON.stringify(cfg)));
}

/** Asks every configured server whether it is well. */
export function healthCheck() {
  return JSON.parse(plug.healthCheck());
}

/** Forgets all that was recorded, and deletes the groups that were pushed, unless `delete_on_cleanup` is false. */
export function cleanup() {
  return JSON.parse(plug.cleanup());
}

/** What the plug is: name, version, operations. */
export function describe() {
  return JSON.parse(plug.describe());
}
