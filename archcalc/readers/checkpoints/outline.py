"""The tensors of a checkpoint by module, with modules that are repeated in one entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.spec.errors import fail

MAX_DEPTH = 50
"""The number of modules within one another that are told apart; deeper names are one."""
MAX_MODULES = 500_000
NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>\d{1,9})", re.DOTALL)


class OutlineRow(NamedTuple):
    """A tensor, or the tensors of a module, of a whole number of equal modules."""

    name: str
    """The path; numbers of repeated modules are written ``0–11``."""
    times: int
    """How many equal modules the row stands for. The sums are over all of them."""
    tensor: CheckpointTensor | None
    """The tensor; ``None`` for a module with several."""
    formats: tuple[str, ...]
    """The number formats, in the order of their occurrence."""
    tensors: int
    params: int
    trainable: int
    bytes: int


@dataclass(eq=False, slots=True)
class _Module:
    """A module, or a tensor."""

    label: str
    tensor: CheckpointTensor | None = None
    inner: dict[str, _Module] = field(default_factory=dict)
    """What a module holds by name."""
    kind: int = 0
    """A number that equal modules share."""
    times: int = 1
    sums: tuple[int, ...] = ()
    """The tensors, parameters, trained parameters and bytes of one of them."""
    formats: tuple[str, ...] = ()


class Outline:
    """The tensors of a checkpoint by module.

    Args:
        checkpoint: the tensors.

    Raises:
        SpecError: there are too many modules.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._separator = checkpoint.separator
        self._kinds: dict[object, int] = {}
        self._root = _Module("")
        modules = 0
        for name, tensor in checkpoint.tensors.items():
            module = self._root
            for part in name.split(self._separator, MAX_DEPTH):
                if part not in module.inner:
                    module.inner[part] = _Module(part)
                    modules += 1
                module = module.inner[part]
            module.tensor = tensor
            if modules > MAX_MODULES:
                hint = "--format csv lists the tensors without grouping them"
                fail("limit", f"more than {MAX_MODULES:,} modules", hint=hint, origin=checkpoint.name)
        self._finish(self._root)

    def rows(self, depth: int) -> Iterator[OutlineRow]:
        """Yield the rows of a table in which modules of a level are one row each.

        Args:
            depth: the level: 0 for one row, 1 for the outermost modules, and so on.
        """
        return self._rows(self._root, "", 1, depth)

    def tensors(self) -> Iterator[OutlineRow]:
        """Yield a row for every tensor, also of equal modules."""
        for tensor in self._checkpoint.tensors.values():
            yield OutlineRow(tensor.name, 1, tensor, (tensor.dtype,), *self._sums(tensor))

    def readable_depth(self, most: int) -> int:
        """Return the deepest level with at most a number of rows; 1 if none has so few."""
        depth = 1
        while depth < MAX_DEPTH and sum(1 for _ in islice(self.rows(depth + 1), most + 1)) <= most:
            depth += 1
        return depth

    def _finish(self, module: _Module) -> None:
        """Compute the sums of a module from those within it, and merge those that are equal."""
        tensor = module.tensor
        if tensor is not None and module.inner:  # a tensor with the name of a module is one of its tensors
            module.inner, module.tensor = {self._separator: _Module("", tensor), **module.inner}, None
        elif tensor is not None:
            module.sums = self._sums(tensor)
            module.formats = (tensor.dtype,)
            module.kind = self._kind((tensor.shape, tensor.dtype, module.sums))
            return
        for each in module.inner.values():
            self._finish(each)
        module.kind = self._kind(tuple([(each.label, each.kind) for each in module.inner.values()]))
        module.inner = _merged(module.inner)
        inner = module.inner.values()
        module.sums = tuple([sum(each.times * each.sums[at] for each in inner) for at in range(4)])
        module.formats = tuple(dict.fromkeys(dtype for each in inner for dtype in each.formats))

    def _sums(self, tensor: CheckpointTensor) -> tuple[int, int, int, int]:
        """Return the sums of a tensor: zeros if it is counted under another name."""
        if tensor.name in self._checkpoint.shared:
            return 0, 0, 0, 0
        return 1, tensor.params, tensor.trainable, tensor.bytes

    def _kind(self, content: object) -> int:
        return self._kinds.setdefault(content, len(self._kinds))

    def _rows(self, module: _Module, prefix: str, times: int, depth: int) -> Iterator[OutlineRow]:
        name = f"{prefix}{self._separator * bool(prefix and module.label)}{module.label}"
        times *= module.times
        inner = module.inner.values()
        if inner and (depth or len(inner) == 1):
            for each in inner:
                yield from self._rows(each, name, times, max(depth - 1, 0))
            return
        yield OutlineRow(name, times, module.tensor, module.formats, *[times * each for each in module.sums])


def _merged(modules: dict[str, _Module]) -> dict[str, _Module]:
    """Return modules with those that follow each other, are equal and have consecutive numbers as one."""
    found: dict[str, _Module] = {}
    run: _Module | None = None
    stem, first, last = "", 0, 0
    for key, module in modules.items():
        match = NUMBERED.fullmatch(module.label)
        number = int(match["number"]) if match else 0
        if match and run and match["stem"] == stem and number == last + 1 and module.kind == run.kind:
            last = number
            run.times += 1
            run.label = f"{stem}{first}–{last}"
            continue
        run = module if match else None
        stem, first, last = match["stem"] if match else "", number, number
        found[key] = module
    return found
