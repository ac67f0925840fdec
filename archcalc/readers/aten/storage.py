"""Which names of a program share memory, and which of them no longer have the numbers that were computed for them.

PyTorch's views share the memory of the tensor that they view. A write in place through one of these names changes what
all of them are. Steps never change a tensor, so a write makes new ones: of the name that is written, of the tensors
that it views, and later, when they are read, of other views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import mul
from typing import NamedTuple

from archcalc.numeric import Number
from archcalc.readers.aten.program import Call, Program, TensorMetadata, TensorName, Word
from archcalc.readers.aten.registry import base_name

NAMES = frozenset(("alias", "detach", "dropout", "feature_dropout", "alpha_dropout", "identity"))
"""The operators whose result is their argument under another name (at inference)."""

CONVERSIONS = frozenset(("contiguous", "to", "type_as"))
"""The operators whose result is their argument if it has the format that is asked for."""

VIEWS = frozenset(
    (
        "chunk",
        "diagonal",
        "expand",
        "expand_as",
        "movedim",
        "numpy_T",
        "permute",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "swapaxes",
        "t",
        "tensor_split",
        "transpose",
        "unbind",
        "unflatten",
        "unfold",
        "unsqueeze",
        "view",
        "view_as",
    )
)
"""The operators whose results share the memory of their argument."""

RESHAPES = frozenset(("flatten", "reshape", "reshape_as"))
"""The operators whose result shares the memory of their argument if its shape needs no copy."""


class Alias(NamedTuple):
    """A name that shares the memory of another."""

    of: str
    call: Call


def is_in_place(target: str) -> bool:
    """Return whether an operator writes into its first argument: ``aten.relu_.default``."""
    name = base_name(target)
    return name.endswith("_") and not name.endswith("__")


class SharedStorage:
    """The names of a program by the memory that they share."""

    def __init__(self, program: Program) -> None:
        self._metas = program.metas
        self._first: dict[str, str] = {}
        """The first name of a tensor, by its further names."""
        self._views: dict[str, Alias] = {}
        self._roots: dict[str, str] = {}
        """The tensor that has all of the memory, by the names of its views."""
        self._writes: dict[str, int] = {}
        """How often memory has been written, by the name of its tensor."""
        self._known: dict[str, int] = {}
        """How often its memory had been written when a tensor was computed."""
        self.written: set[str] = set()
        """The tensors whose memory the program writes in place."""
        for call in program.calls:
            self._follow(call)

    def _follow(self, call: Call) -> None:
        read = next(iter(call.arguments.values()), None)
        results = [name for name in call.outputs if name is not None]
        if not isinstance(read, TensorName) or not results or not call.target.startswith("aten."):
            return
        first = self.first(read.name)
        operator = base_name(call.target)
        if is_in_place(call.target):
            self.written.add(self.root(first))
        if is_in_place(call.target) or operator in NAMES or (operator in CONVERSIONS and self._fits(call, first)):
            self._first.update(dict.fromkeys(results, first))
        elif operator in VIEWS or (operator in RESHAPES and self._is_view(first, results[0])):
            for result in results:
                self._views[result] = Alias(first, call)
                self._roots[result] = self.root(first)

    def _fits(self, call: Call, name: str) -> bool:
        """Return whether a tensor has the number format, and order in memory, that a call asks for."""
        result = next(each for each in call.outputs if each is not None)
        one, other = self._metas.get(name), self._metas.get(result)
        if one is None or other is None or one.dtype != other.dtype or call.arguments.get("copy") is True:
            return False
        wants_order = any(isinstance(each, Word) and each.kind == "memory format" for each in call.arguments.values())
        needs_order = base_name(call.target) == "contiguous" or wants_order
        return not needs_order or _order(one) == _order(other)

    def _is_view(self, name: str, result: str) -> bool:
        """Return whether a tensor has another shape without a copy."""
        one, other = self._metas.get(name), self._metas.get(result)
        return one is not None and other is not None and can_be_viewed(one, other.sizes)

    def first(self, name: str) -> str:
        """Return the first name of a tensor."""
        return self._first.get(name, name)

    def root(self, name: str) -> str:
        """Return the name of the tensor that has all of the memory of a tensor."""
        first = self.first(name)
        return self._roots.get(first, first)

    def views(self, name: str) -> Iterator[tuple[str, Alias]]:
        """Return a view and what it is of, the view that this is and what that is of, and so on."""
        name = self.first(name)
        while name in self._views:
            view = self._views[name]
            yield name, view
            name = view.of

    def outdated(self, name: str) -> list[tuple[str, Alias]]:
        """Return the views that must be computed again before a tensor is read, in order."""
        writes = self._writes.get(self.root(name), 0)
        found = []
        for each, view in self.views(name) if writes else ():
            if self._known.get(each, 0) == writes:
                break
            found.append((each, view))
        return found[::-1]

    def is_changed(self, name: str) -> bool:
        """Return whether the memory of a tensor has been written."""
        return self.root(name) in self._writes

    def writes(self, name: str) -> int:
        """Return how often the memory of a tensor has been written."""
        return self._writes.get(self.root(name), 0)

    def write(self, name: str) -> None:
        """Note a write in place, after which only the tensor that is written, and those that it views, are known."""
        root = self.root(name)
        self._writes[root] = self._writes.get(root, 0) + 1
        self.compute(root)
        for each, _ in self.views(name):
            self.compute(each)

    def compute(self, name: str) -> None:
        """Note that a tensor has been computed."""
        if self._writes:
            self._known[self.first(name)] = self._writes.get(self.root(name), 0)


def can_be_viewed(meta: TensorMetadata, sizes: Sequence[Number]) -> bool:
    """Return whether the numbers of a tensor are in memory so that another shape needs no copy of them.

    That is so if every stretch of memory without gaps is some axes of the shape.
    """
    stretches: set[Number] = set()
    count: Number = 1
    following: Number = 1
    for size, stride in zip(reversed(meta.sizes), reversed(meta.strides), strict=False):
        if size != 1:
            if count != 1 and stride != following:
                stretches.add(count)
            count, following = count * size, stride * size
    return stretches <= set(accumulate(reversed(sizes), mul))


def _order(meta: TensorMetadata) -> list[Number]:
    """Return the strides of the axes that have more than one position."""
    return [stride for size, stride in zip(meta.sizes, meta.strides, strict=False) if size != 1]
