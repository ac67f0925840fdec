"""Limits on the work, checked before it is done. Each is a command-line option, which its error names."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The maximum work that a spec may cause."""

    layers: int = 200_000
    """Layers after expansion; also calls and repetitions, which may be empty: ``--max-layers``."""
    nesting: int = 64
    """Nesting depth of brackets, blocks and lists: ``--max-nesting``."""
    bytes: int = 16 * 1024 * 1024
    """Size of a spec file in bytes: ``--max-bytes``."""
    words: int = 1_000_000
    """Words and brackets of a spec, including comments: ``--max-words``."""
    digits: int = 100
    """Decimal digits of any number, and of the number of elements of any tensor: ``--max-digits``."""
    axes: int = 16
    """Axes of any tensor: ``--max-axes``."""

    def too_large(self, number: int) -> bool:
        """Return whether an integer has more digits than allowed (estimated from its bits)."""
        return number.bit_length() > self.digits * 3.3219281


DEFAULT = Limits()
