# SPDX-License-Identifier: MIT
"""Runs the steps on stdin through main.py of the folder that is named, each `{"ctx", "cfg"}`, and writes the list of answers."""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])
import main  # noqa: E402


async def run() -> None:
    print(json.dumps([await main.process(step["ctx"], step["cfg"]) for step in json.load(sys.stdin)]))


asyncio.run(run())
