# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""Hosts a plug with `plugpipe_host`. `main.py` uses it where that is installed."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from plugpipe_host import Plug  # type: ignore[import-not-found, unused-ignore]

Cfg = Mapping[str, Any]


class Session:
    """An instance of the plug."""

    def __init__(self, plug: Any) -> None:
        self._plug = plug
        self.users = 0

    async def request(self, what: str, ctx: Any, cfg: Cfg, _text_of_cfg: str) -> Any:
        if what == "call":
            return await self._plug.process(ctx, cfg)
        return await (self._plug.health(cfg) if what == "health" else self._plug.cleanup(cfg))

    def is_idle(self) -> bool:
        return self.users == 0

    def close(self) -> None:
        """Sends what is unsent, and ends the instance."""

        def close() -> None:
            unsent = [self._plug._unsent_after(sink) for sink in self._plug.describe()["sinks"]]
            if unsent and unsent[-1]:
                warnings.warn(f"{unsent[-1]} values that no server accepted are lost with an instance that made room for others", RuntimeWarning)
            self._plug.close()

        try:
            threading.Thread(target=close).start()
        except RuntimeError:
            close()


class Host:
    """The component, with what is granted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._servers: Optional[list[dict[str, Any]]] = None

    def _load(self, **arguments: Any) -> Any:
        return Plug.load(self._path, **arguments)

    def servers(self) -> list[dict[str, Any]]:
        """The settings that name servers, as the plug describes them."""
        if self._servers is None:
            with self._load() as plug:
                self._servers = plug.describe()["servers"]
        return self._servers

    def is_ready(self) -> bool:
        """Whether the component is compiled and described."""
        return self._servers is not None

    def session(self, named: Cfg, _held: Any = None) -> Session:
        """A new instance for the servers that a configuration names."""
        grants = os.environ.get("PLUGPIPE_GRANTS")
        if grants:
            return Session(self._load(grants=grants))
        # Started with what names the servers, which grants them. Each call brings its own configuration.
        try:
            return Session(self._load(config=named))
        except ValueError:
            # One of them is none, so that nothing is granted. The plug says what is wrong with it.
            return Session(self._load(grants={}))

    def accepts(self, cfg: Cfg, _text_of_cfg: str) -> bool:
        """Whether the plug takes a configuration."""
        try:
            self._load(config=cfg).close()
        except ValueError:
            return False
        return True

    def forked(self) -> bool:
        """In the child of a fork: instances start afresh by themselves."""
        return False
