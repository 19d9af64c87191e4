// SPDX-License-Identifier: MIT
// plug.js with the plug of tests/fixtures/notes: what it does with a plug that it does not know. PLUG names the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const plug = await import(pathToFileURL(process.env.PLUG));

test('a body that is no JSON arrives as text', () => {
  const texts = new Set(Array.from({ length: 20 }, () => plug.process({ operation: 'random' })));
  assert.equal(texts.size, 20);
  for (const text of texts) {
    // It looks like a failure, to who reads it.
    assert.ok(text.startsWith('{"success":false,'), text);
    assert.throws(() => JSON.parse(text));
  }
});

test('a body that is JSON is decoded, and the request returns it as text', () => {
  plug.process({ operation: 'put', key: 'a', text: '{"success": 1}' });
  assert.deepEqual(plug.process({ operation: 'get_note', key: 'a' }), { success: 1 });
  const answer = plug.request({ tag: 'call', val: '{"operation": "get_note", "key": "a"}' });
  assert.deepEqual({ ...answer, unsent: Number(answer.unsent) }, { error: undefined, warnings: [], unsent: 0, body: '{"success": 1}' });
});

test('an error without a body is a response that says so', () => {
  const { success, error, error_code } = plug.process({ operation: 'no such' });
  assert.deepEqual([success, error_code], [false, 'invalid']);
  assert.match(error, /no such/);
});

test('deliver, health and cleanup are requests of the protocol', () => {
  const { name, sinks, servers } = plug.describe();
  assert.deepEqual([name, sinks, servers], ['notes', ['servers'], [{ settings: ['server_url'], headers: [], default: servers[0].default }]]);
  assert.deepEqual(servers[0].default, { onlyWith: ['assume'], value: 'a server', environment: 'NOTES_SERVER_URL', url: 'http://127.0.0.1:9' });
  assert.equal(plug.schema('put'), undefined);
  assert.equal(plug.deliver('servers'), '');
  assert.equal(plug.healthCheck(), '');
  assert.equal(plug.process({ operation: 'count_puts', key: 'a' }), 1);
  assert.equal(plug.cleanup(), '');
  assert.equal(plug.process({ operation: 'count_puts', key: 'a' }), 0);
});
