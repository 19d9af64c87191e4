# SPDX-License-Identifier: MIT
"""maturin, without source distributions: they would lack the plug.

The library embeds the plug, which `host-harness/component` builds from `plugin` and `wit` of the workspace. Those are no dependencies
of this crate, and maturin packs nothing else from outside of this folder.
"""

from maturin import *  # noqa: F403


class UnsupportedOperation(Exception):
    """What PEP 517 has for this."""


def build_sdist(*_: object, **__: object) -> str:
    raise UnsupportedOperation("plugpipe-host has no source distribution; build a wheel: pip wheel host-harness/python, from a clone of the repository")
