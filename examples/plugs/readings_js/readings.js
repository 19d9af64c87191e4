// SPDX-License-Identifier: MIT
// The plug `readings` in JavaScript: counts readings of sensors, and records them in the plug that
// monitors. docs/writing-plugs.md says how it is built.
//
// `plug`, `hosting` and `state` are what a plug exports. This one answers at once, so that it never
// has a job for a server: `take`, `run` and `complete` have nothing to do.
import * as metrics from 'plugpipe:monitoring/metrics@1.0.0';

// All that this plug keeps. The host journals each call that changes it and snapshots it now and
// then, so that it survives a crash.
let readings = 0;

/** Why a request is not carried out: a code, and text that begins with the field. */
class Problem extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function field(ctx, name, fits, expected) {
  if (!fits(ctx[name])) throw new Problem('invalid_input', `${name}: expected ${expected}`);
  return ctx[name];
}

const isText = (value) => typeof value === 'string';
const isNumber = (value) => typeof value === 'number';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const areNumbers = (values) => Array.isArray(values) && values.every(isNumber);

function labels(ctx) {
  const fits = (value) => isObject(value) && Object.values(value).every(isText);
  const given = field({ labels: {}, ...ctx }, 'labels', fits, 'an object with texts');
  return Object.entries(given).map(([name, value]) => ({ name, value }));
}

const KINDS = ['counter', 'gauge', 'histogram', 'native-histogram', 'summary', 'info', 'state-set', 'gauge-histogram', 'unknown'];

/** One reading, by name. */
function record(ctx) {
  const kind = field(ctx, 'kind', isText, 'a kind, such as gauge').replaceAll('_', '-');
  if (!KINDS.includes(kind)) {
    throw new Problem('invalid_input', `kind: ${ctx.kind} is unknown; expected one such as counter or gauge`);
  }
  const name = field(ctx, 'metric', isText, "a metric's name");
  metrics.record(name, kind, labels(ctx), field(ctx, 'value', isNumber, 'a number'));
  return 1;
}

/** Many readings at once, by handle, in a histogram. */
function observe(ctx) {
  const name = field(ctx, 'metric', isText, "a metric's name");
  const [given, values] = [labels(ctx), field(ctx, 'values', areNumbers, 'a list of numbers')];
  const family = metrics.register({
    name,
    kind: 'histogram',
    labelNames: given.map((label) => label.name),
    buckets: Float64Array.from(field(ctx, 'bounds', areNumbers, 'a list of numbers')),
    states: [],
  });
  const series = metrics.seriesOf(family, given);
  metrics.recordMany(new Uint32Array(values.length).fill(series), Float64Array.from(values));
  return values.length;
}

const OPERATIONS = {
  record: { summary: 'Records one reading', carryOut: record },
  observe: { summary: 'Records many readings in a histogram', carryOut: observe },
};

/** What an error of `plugpipe:monitoring` is to the caller. */
function refused(error) {
  // A rejection says which value, and holds the error.
  const { index, error: within } = error.payload;
  const { tag, val } = within ?? error.payload;
  return new Problem(tag.replaceAll('-', '_'), within ? `values[${index}]: ${val}` : val);
}

function call(text) {
  let ctx;
  try {
    ctx = JSON.parse(text);
  } catch (error) {
    throw new Problem('invalid_input', `ctx: not JSON: ${error.message}`);
  }
  if (!isObject(ctx) || !Object.hasOwn(OPERATIONS, ctx.operation)) {
    throw new Problem('invalid_input', `operation: is unknown; expected one of ${Object.keys(OPERATIONS).join(', ')}`);
  }
  try {
    readings += OPERATIONS[ctx.operation].carryOut(ctx);
  } catch (error) {
    throw error.payload ? refused(error) : error;
  }
  return { success: true, readings };
}

const answered = (error, body) => ({ error, warnings: [], unsent: 0n, body });

/** The answer to a request, and whether the state changed. */
function answer(what) {
  switch (what.tag) {
    case 'call':
      try {
        return [answered(undefined, JSON.stringify(call(what.val))), true];
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return [answered({ code: error.code, message: error.message }, ''), false];
      }
    case 'cleanup':
      readings = 0;
      return [answered(undefined, '{}'), true];
    default:
      // Nothing waits to be sent, and there are no servers to check.
      return [answered(undefined, '{}'), false];
  }
}

const step = (answers, changed) => ({ answers, due: [], stop: [], patienceMs: 0, changed });

export const plug = {
  describe() {
    const operations = Object.entries(OPERATIONS).map(([name, { summary }]) => ({ name, summary }));
    return { name: 'readings', version: '1.0.0', operations, sinks: [], servers: [] };
  },
  schema: () => undefined,
  process: (what) => answer(what)[0],
};

export const hosting = {
  start(ticket, what) {
    const [told, changed] = answer(what);
    return step([[ticket, told]], changed);
  },
  take: () => undefined,
  run: () => ({ effect: new Uint8Array(), told: new Uint8Array() }),
  complete: () => step([], false),
  release: () => step([], false),
  configure: () => [],
};

export const state = {
  snapshot: () => new Uint8Array(BigUint64Array.of(BigInt(readings)).buffer),
  restore(snapshot) {
    if (snapshot.length !== 8) throw 'it has not 8 bytes';
    readings = Number(new BigUint64Array(snapshot.slice().buffer)[0]);
  },
  unfinished: () => [[], [], []],
};
