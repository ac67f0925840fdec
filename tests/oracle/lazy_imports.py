"""Modules that are imported when they are used, for tests that are skipped where they are not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def lazily(name: str) -> Any:
    """Return what stands for a module, and imports it when it is used."""

    class Lazy:
        def __getattr__(self, attribute: str) -> Any:
            return getattr(import_module(name), attribute)

    return Lazy()
