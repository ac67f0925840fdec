"""Effective permissions: root may read everything, so tests of unreadable files run as another user for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Act, inside the context, as a user to whom permissions can deny access."""
    if not hasattr(os, "geteuid") or os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
