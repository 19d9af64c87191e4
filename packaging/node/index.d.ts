// SPDX-License-Identifier: MIT
export { exposition, metrics, query, state } from './component/monitoring_prometheus.js';

/** What plug.yaml's input_schema and config_schema describe. */
export type Fields = { [field: string]: unknown };

/** An answer: plug.yaml's output_schema. */
export interface Answer {
  success: boolean;
  operation?: string;
  result?: Fields;
  error?: string;
  error_code?: string;
  field?: string;
  origin?: string;
  monitoring_metadata?: Fields;
}

/** What the plug is. */
export interface Description {
  name: string;
  version: string;
  description: string;
  operations: { [name: string]: string };
}

/** Runs the operation that `ctx` names. An empty `cfg` keeps the last one. */
export function process(ctx: Fields, cfg?: Fields): Answer;
/** Asks every configured server whether it is well. */
export function healthCheck(): Answer;
/** Forgets all that was recorded, and deletes the groups that were pushed, unless `delete_on_cleanup` is false. */
export function cleanup(): Answer;
/** What the plug is: name, version, operations. */
export function describe(): Description;
