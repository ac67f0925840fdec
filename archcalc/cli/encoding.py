"""What the encoding of standard output can write."""

from __future__ import annotations

import sys


def writes_blocks() -> bool:
    """Return whether the encoding of the output has block characters."""
    try:
        "█▏░│".encode((sys.stdout and sys.stdout.encoding) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
