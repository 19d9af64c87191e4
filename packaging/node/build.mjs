// SPDX-License-Identifier: MIT
// Transpiles monitoring_prometheus.wasm to component/, as `jco transpile` does.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { transpile } from '@bytecodealliance/jco-transpile';

await rm('component', { recursive: true, force: true });
const { files } = await transpile('monitoring_prometheus.wasm', { name: 'monitoring_prometheus', outDir: 'component' });
for (const [path, bytes] of Object.entries(files)) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}
