# SPDX-License-Identifier: MIT
"""Runs the steps on stdin through main.py of the folder that is named, each `{"ctx", "cfg"}`, and writes the list of answers."""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])
import main  # noqa: E402


async def run() -> None:
    answers = []
    for step in json.load(sys.stdin):
        # The cases are of this version. An empty configuration keeps the last one.
        cfg = step["cfg"] if answers and not step["cfg"] else {"compatibility": "2.0.0", **step["cfg"]}
        answers.append(await main.process(step["ctx"], cfg))
    print(json.dumps(answers))


asyncio.run(run())
