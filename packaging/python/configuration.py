# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""Configurations of a plug in the hands of `main.py`, which knows no setting but those that the plug's description lists: which
servers they name, and what they take from the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Optional

Cfg = Mapping[str, Any]
Servers = list[dict[str, Any]]
"""`servers` of the plug's description."""

# Shorter values of the environment are not masked: they would hide what is not theirs.
_MIN_MASKED = 4

# Values without a JSON type, such as dates, are converted to text. Made once: `json.dumps` would make an encoder for each call.
encoded = json.JSONEncoder(default=str).encode


def _setting(cfg: Cfg, paths: list[str]) -> Optional[tuple[str, Any]]:
    """The first of these paths that is present, with its value."""
    for path in paths:
        place: Any = cfg
        for key in path.split("."):
            if not isinstance(place, Mapping) or key not in place:
                break
            place = place[key]
        else:
            return path, place
    return None


def _put(cfg: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    place = cfg
    for key in parents:
        inner = place.get(key)
        place[key] = place = dict(inner) if isinstance(inner, Mapping) else {}
    place[name] = value


def _identifying(servers: Servers) -> list[list[str]]:
    """The settings that say which servers an instance talks to, and as whom."""
    return [paths for server in servers for paths in (server["settings"], *(header["settings"] for header in server["headers"]))]


def identity(cfg: Cfg, servers: Servers) -> str:
    """The servers of a configuration. Two instances that push to one group of one server would overwrite each other's."""
    found = [_setting(cfg, paths) for paths in _identifying(servers)]
    return json.dumps([setting and setting[1] for setting in found], sort_keys=True, default=str)


def named(cfg: Cfg, servers: Servers) -> dict[str, Any]:
    """What of a configuration names its servers, alone."""
    own: dict[str, Any] = {}
    for paths in _identifying(servers):
        found = _setting(cfg, paths)
        if found is not None:
            _put(own, *found)
    return own


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Environment:
    """What a configuration takes from the environment, for a plug with these settings of servers."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        allowed = os.environ.get("PLUGPIPE_ENV_ALLOW")
        self._allowed = None if allowed is None else {name.strip() for name in allowed.split(",")}
        self._warnings: list[str] = []
        self._values: set[str] = set()

    def expanded(self, cfg: Cfg, text: str) -> tuple[Cfg, str]:
        """A configuration with values of the environment, where it refers to any, and with the plug's default servers, where it is
        one for which the plug has such and mentions none."""
        own = self._replaced(cfg, "cfg") if "${" in text else cfg
        for server in self._servers:
            default, paths = server["default"], server["settings"]
            if default is None or _setting(own, paths) is not None:
                continue
            condition = _setting(own, default["only_with"])
            if condition is not None and str(condition[1]) == default["value"]:
                own = dict(own)
                _put(own, paths[-1], self._url(paths[-1], default))
        return own, (text if own is cfg else encoded(own))

    def _url(self, path: str, default: Mapping[str, str]) -> str:
        name, url = default["environment"], default["url"]
        value = os.environ.get(name)
        if value is None:
            return url
        problem = None
        if self._allowed is not None and name not in self._allowed:
            problem = "PLUGPIPE_ENV_ALLOW does not name it"
        elif not value.startswith(("http://", "https://")):
            # What a plug asks for may be anything: only a URL leaves the environment.
            problem = "it is not an http or https URL"
        if problem is None:
            return value
        self._warnings.append(f"cfg.{path}: the environment variable {name} is not used, because {problem}; {url} is used")
        return url

    def _replaced(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: self._value(found, path), value)
        if isinstance(value, Mapping):
            return {key: self._replaced(own, f"{path}.{key}") for key, own in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._replaced(own, f"{path}[{index}]") for index, own in enumerate(value)]
        return value

    def _value(self, found: re.Match[str], path: str) -> str:
        name = found[1]
        value = os.environ.get(name)
        if self._allowed is not None and name not in self._allowed:
            self._warnings.append(f"{path}: {found[0]} stays as it is, because PLUGPIPE_ENV_ALLOW does not name it")
        elif value is None:
            self._warnings.append(f"{path}: {found[0]} stays as it is, because the environment has no {name}")
        else:
            if len(value) >= _MIN_MASKED:
                self._values.add(value)
            return value
        return found[0]

    def masked(self, response: Any) -> Any:
        """A response without values of the environment, and with the warnings."""
        if self._values:
            response = self._mask(response)
        if self._warnings and isinstance(response, dict):
            response["warnings"] = [*response.get("warnings", ()), *self._warnings]
        return response

    def _mask(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, "***")
            return value
        if isinstance(value, dict):
            return {key: self._mask(own) for key, own in value.items()}
        return [self._mask(own) for own in value] if isinstance(value, list) else value
