// SPDX-License-Identifier: MIT
// Runs the steps on stdin through the package in the folder that is named, each {"ctx", "cfg"}, and writes the list of answers.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const plug = await import(pathToFileURL(`${process.argv[2]}/index.js`));
const steps = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(steps.map(({ ctx, cfg }) => plug.process(ctx, cfg))));
