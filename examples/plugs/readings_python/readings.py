# SPDX-License-Identifier: MIT
"""The plug `readings` in Python: counts readings of sensors, and records them in the plug that monitors.

docs/writing-plugs.md says how it is built. The classes `Plug`, `Hosting` and `State` are what a plug exports. This one
answers at once, so that it never has a job for a server: `take`, `run` and `complete` have nothing to do.
"""

import json
from typing import Any

from componentize_py_types import Err
from wit_world.exports import hosting, plug
from wit_world.imports import metrics, types
from wit_world.imports.metrics import Definition, Rejection
from wit_world.imports.types import Label, MetricKind

# All that this plug keeps. The host journals each call that changes it and snapshots it now and then, so that it
# survives a crash.
readings = 0

# Codes of errors of `plugpipe:monitoring`, by their cases.
CODES = {
    types.Error_InvalidInput: "invalid_input",
    types.Error_Conflict: "conflict",
    types.Error_LimitReached: "limit_reached",
    types.Error_NotConfigured: "not_configured",
    types.Error_NotGranted: "not_granted",
    types.Error_Unreachable: "unreachable",
    types.Error_Refused: "refused",
    types.Error_Unsupported: "unsupported",
}


class Problem(Exception):
    """Why a request is not carried out: a code, and text that begins with the field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def field(ctx: dict[str, Any], name: str, kind: type | tuple[type, ...], expected: str) -> Any:
    value = ctx.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Problem("invalid_input", f"{name}: expected {expected}")
    return value


def numbers(ctx: dict[str, Any], name: str) -> list[float]:
    values = field(ctx, name, list, "a list of numbers")
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        raise Problem("invalid_input", f"{name}: expected a list of numbers")
    return [float(value) for value in values]


def labels(ctx: dict[str, Any]) -> list[Label]:
    given = field({"labels": {}, **ctx}, "labels", dict, "an object with texts")
    if not all(isinstance(value, str) for value in given.values()):
        raise Problem("invalid_input", "labels: expected an object with texts")
    return [Label(name, value) for name, value in given.items()]


def record(ctx: dict[str, Any]) -> int:
    """One reading, by name."""
    kind = field(ctx, "kind", str, "a kind, such as gauge").upper().replace("-", "_")
    if kind not in MetricKind.__members__:
        raise Problem("invalid_input", f"kind: {ctx['kind']} is unknown; expected one such as counter or gauge")
    name = field(ctx, "metric", str, "a metric's name")
    metrics.record(name, MetricKind[kind], labels(ctx), float(field(ctx, "value", (int, float), "a number")))
    return 1


def observe(ctx: dict[str, Any]) -> int:
    """Many readings at once, by handle, in a histogram."""
    name, given, values = field(ctx, "metric", str, "a metric's name"), labels(ctx), numbers(ctx, "values")
    names = [label.name for label in given]
    bounds = numbers(ctx, "bounds")
    family = metrics.register(
        Definition(name, MetricKind.HISTOGRAM, None, None, names, bounds, None, None, None, [], None, None)
    )
    series = metrics.series_of(family, given)
    metrics.record_many([series] * len(values), values)
    return len(values)


OPERATIONS = {"record": ("Records one reading", record), "observe": ("Records many readings in a histogram", observe)}


def call(text: str) -> dict[str, Any]:
    global readings
    try:
        ctx = json.loads(text)
    except ValueError as error:
        raise Problem("invalid_input", f"ctx: not JSON: {error}") from None
    if not isinstance(ctx, dict) or ctx.get("operation") not in OPERATIONS:
        raise Problem("invalid_input", f"operation: is unknown; expected one of {', '.join(OPERATIONS)}")
    _, operation = OPERATIONS[ctx["operation"]]
    try:
        readings += operation(ctx)
    except Err as error:
        at, refused = "", error.value
        if isinstance(refused, Rejection):
            at, refused = f"values[{refused.index}]: ", refused.error
        raise Problem(CODES[type(refused)], f"{at}{refused.value}") from None
    return {"success": True, "readings": readings}


def answer(what: plug.Request) -> tuple[plug.Answer, bool]:
    """The answer to a request, and whether the state changed."""
    global readings
    match what:
        case plug.Request_Call(text):
            try:
                return plug.Answer(None, [], 0, json.dumps(call(text))), True
            except Problem as problem:
                return plug.Answer(plug.Problem(problem.code, str(problem)), [], 0, ""), False
        case plug.Request_Cleanup():
            readings = 0
            return plug.Answer(None, [], 0, "{}"), True
        case _:
            # Nothing waits to be sent, and there are no servers to check.
            return plug.Answer(None, [], 0, "{}"), False


def nothing() -> hosting.Step:
    return hosting.Step([], [], [], 0, False, None)


class Plug:
    def describe(self) -> plug.Description:
        operations = [plug.Operation(name, summary) for name, (summary, _) in OPERATIONS.items()]
        return plug.Description("readings", "1.0.0", operations, [], [])

    def schema(self, operation: str) -> str | None:
        return None

    def process(self, what: plug.Request, cfg: str) -> plug.Answer:
        return answer(what)[0]


class Hosting:
    def start(self, ticket: int, what: plug.Request, cfg: str, at: hosting.Moment) -> hosting.Step:
        told, changed = answer(what)
        return hosting.Step([(ticket, told)], [], [], 0, changed, None)

    def take(self, lane: str, at: hosting.Moment) -> hosting.Job | None:
        return None

    def run(self, job: bytes) -> hosting.ResultOfRun:
        return hosting.ResultOfRun(b"", b"")

    def complete(self, lane: str, outcome: hosting.Outcome, at: hosting.Moment) -> hosting.Step:
        return nothing()

    def release(self, ticket: int, at: hosting.Moment) -> hosting.Step:
        return nothing()

    def configure(self, cfg: str) -> list[str]:
        return []


class State:
    def snapshot(self) -> bytes:
        return readings.to_bytes(8, "little")

    def restore(self, snapshot: bytes) -> None:
        global readings
        if len(snapshot) != 8:
            raise Err("it has not 8 bytes")
        readings = int.from_bytes(snapshot, "little")

    def unfinished(self) -> tuple[list[int], list[str], list[hosting.Due]]:
        return [], [], []
