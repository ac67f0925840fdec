"""Permissions that hold: root may read everything, so tests of what cannot be read become another user for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be a user whose access permissions can deny, inside the context."""
    if not hasattr(os, "geteuid") or os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
