// SPDX-License-Identifier: MIT
// The interface `plug` of `plugpipe:plug`.

/** What a caller wants. Texts are JSON. */
export type Request =
  /** An operation: its `ctx`. */
  | { tag: 'call'; val: string }
  /** Send to this sink what has not been sent. */
  | { tag: 'deliver'; val: string }
  /** Check every configured server. */
  | { tag: 'health' }
  /** Forget everything, and remove from servers what the plug left there. */
  | { tag: 'cleanup' };

/** Why a request was not carried out. */
export interface Problem {
  /** A stable identifier for programs. */
  code: string;
  message: string;
}

/** The result of a request. */
export interface Answer {
  /** Missing if the request was carried out. */
  error?: Problem;
  warnings: string[];
  /** Values that are stored and that no server has accepted yet, where one is configured. */
  unsent: bigint;
  /** The result, as a JSON object. */
  body: string;
}

/** What the plug is. */
export interface Description {
  name: string;
  version: string;
  operations: { name: string; summary: string }[];
  /** What `deliver` accepts. */
  sinks: string[];
  /** Dotted paths of the settings that name servers, and of the headers that requests to them carry. */
  servers: { settings: string[]; headers: { name: string; settings: string[] }[]; default?: DefaultUrl }[];
}

/** A URL for a server that a configuration does not mention, if it has this value at one of these dotted paths. */
export interface DefaultUrl {
  onlyWith: string[];
  value: string;
  /** The environment variable that holds the URL. */
  environment: string;
  /** The URL, if that holds none. */
  url: string;
}

/** Carries out a request. An empty `cfg` keeps the last one. */
export function request(what: Request, cfg?: string): Answer;
/** What the plug is. */
export function describe(): Description;
/** A JSON Schema of an operation's `ctx`; undefined if the plug has none, or no such operation. */
export function schema(operation: string): string | undefined;
/** Sends to a sink what has not been sent. */
export function deliver(sink: string): unknown;
