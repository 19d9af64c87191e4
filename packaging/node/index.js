// SPDX-License-Identifier: MIT
// The plug with its typed interfaces as the component has them.
export * from './plug.js';
export { exposition, metrics, query, state } from './component/monitoring_prometheus.js';
