// SPDX-License-Identifier: MIT
// Any plug by the interface `plug` of `plugpipe:plug`, and nothing else. Nothing here knows an operation, a setting or a response of the
// plug: bodies of answers are decoded for the caller and not read. One instance for the process: what is recorded adds up. Calls are
// synchronous and wait for servers; a program that must not wait imports this in a worker.
import { plug } from './component/monitoring_prometheus.js';

/** Carries out a request as the component has it, and returns its answer with the body as text. An empty `cfg` keeps the last one. */
export function request(what, cfg = '') {
  return plug.process(what, cfg);
}

/** What the plug is: name, version, operations, sinks and the settings that name servers. */
export function describe() {
  return plug.describe();
}

/** A JSON Schema of an operation's `ctx`, as text; undefined if the plug has none, or no such operation. */
export function schema(operation) {
  return plug.schema(operation);
}

/** Runs the operation that `ctx` names, and decodes the body of the answer. An empty `cfg` keeps the last one. */
export function process(ctx, cfg = {}) {
  return decoded(request({ tag: 'call', val: JSON.stringify(ctx) }, JSON.stringify(cfg)));
}

/** Sends to a sink what has not been sent, and decodes the body of the answer. `describe` lists the sinks. */
export function deliver(sink) {
  return decoded(request({ tag: 'deliver', val: sink }));
}

/** Checks every configured server, and decodes the body of the answer. */
export function healthCheck() {
  return decoded(request({ tag: 'health' }));
}

/** Forgets everything, removes from servers what the plug left there, and decodes the body of the answer. */
export function cleanup() {
  return decoded(request({ tag: 'cleanup' }));
}

/** JSON decoded, and any other text as it is. */
function decoded({ body, error }) {
  try {
    return JSON.parse(body);
  } catch {
    return error ? { success: false, error: error.message, error_code: error.code } : body;
  }
}
