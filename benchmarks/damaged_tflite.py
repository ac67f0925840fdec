"""Damaged TensorFlow Lite files, for `benchmarks.damaged_files` and a test."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

from benchmarks.damaged_bytes import other_bytes, truncated

UNSUITABLE = (0, 1, 2, 3, 4, 255, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)


class Model:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()


def other_words(model: Model, chance: random.Random) -> bytes:
    """Change words, most of which are offsets, lengths, sizes and indices of tensors."""
    changed = bytearray(model.data)
    places = range(0, len(changed) - 3, 4)
    for _ in range(chance.choice((1, 1, 1, 3, 10))):
        at = chance.choice(places)
        other = changed[(way := chance.choice(places)) : way + 4]
        near = struct.pack("<I", (struct.unpack_from("<I", changed, at)[0] + chance.choice((-4, -1, 1, 4))) % 2**32)
        unsuitable = struct.pack("<I", chance.choice(UNSUITABLE))
        changed[at : at + 4] = chance.choice((other, near, unsuitable))
    return bytes(changed)


def other_operators(model: Model, chance: random.Random) -> bytes:
    """Change bytes near the end, where the tables of the operators are, as operators are written last."""
    changed = bytearray(model.data)
    for _ in range(chance.choice((1, 1, 4, 16))):
        changed[-chance.randrange(1, min(len(changed), 6000))] = chance.choice((0, 1, 2, 5, 255, chance.randrange(256)))
    return bytes(changed)


DAMAGES: tuple[Callable[[Model, random.Random], bytes], ...] = (truncated, other_bytes, other_words, other_operators)
