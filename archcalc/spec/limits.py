"""Bounds on work, checked before the work is done; each is an option of the command line that its error names."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """How much a spec may ask for."""

    layers: int = 200_000
    """Layers after expansion, with the calls and repetitions (however empty) that make them: ``--max-layers``."""
    nesting: int = 64
    """Brackets within brackets, blocks within blocks, lists within lists: ``--max-nesting``."""
    bytes: int = 16 * 1024 * 1024
    """Size of a spec file: ``--max-bytes``."""
    words: int = 1_000_000
    """Words and brackets of a spec, comments included: ``--max-words``."""
    digits: int = 100
    """Decimal digits of any number, and of the elements of any tensor: ``--max-digits``."""
    axes: int = 16
    """Axes of any tensor: ``--max-axes``."""

    def too_large(self, number: int) -> bool:
        """Whether an integer has more digits than allowed (without writing it out)."""
        return number.bit_length() > self.digits * 3.3219281


DEFAULT = Limits()
