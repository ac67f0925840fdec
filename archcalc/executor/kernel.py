"""The contract of a kernel: what it is given, what it returns, what it is lent; and the registry that finds one.

A kernel evaluates one operator on arrays with the batch in front (N×C×n…). Its output sizes come out of the arrays. It
never calls an operator's formulas: it reads attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from archcalc.ops.base import Operator

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = tuple[Array, ...]
Weights: TypeAlias = Mapping[str, Array]
"""The stored arrays of one layer by their name: ``weight``, ``bias``, ``mean`` …"""

Sizes: TypeAlias = tuple[int, ...]


def fresh(size: int) -> Array:
    """So many bytes of new memory, at least."""
    return np.empty(size, np.uint8)


@dataclass
class Work:
    """What a kernel is lent for one evaluation of one layer."""

    training: bool = False
    """Batch statistics instead of stored ones, and dropout."""
    seed: Sequence[int] = ()
    """What dropout's choices are drawn from."""
    overwrite: bool = False
    """Whether the first input may be overwritten: nobody reads it afterwards."""
    tally: Counter[str] | None = None
    """Where a kernel reports what it did, read from the operands it had in hand: kinds of operations, and ``macs``."""
    updates: dict[str, Array] = field(default_factory=dict)
    """New values of stored arrays: a batch norm's running statistics after a training step."""
    buffers: dict[str, Array] = field(default_factory=dict)
    """Scratch memory that outlives a layer, by purpose; see `scratch`."""
    allocate: Callable[[int], Array] = fresh
    """Where memory of at least so many bytes comes from, as an array of bytes; see `empty`."""

    @cached_property
    def rng(self) -> np.random.Generator:
        """The source of dropout's choices, the same for the same seed."""
        return np.random.default_rng(list(self.seed))

    def count(self, **operations: int) -> None:
        """Report operations by kind (``mul=…, add=…``) and multiply–accumulate pairs (``macs=…``)."""
        if self.tally is not None:
            self.tally.update(operations)

    def empty(self, shape: Sizes, dtype: DTypeLike) -> Array:
        """An array for an output, with arbitrary content. It may be memory that another layer used before."""
        size = prod(shape) * np.dtype(dtype).itemsize
        return self.allocate(size)[:size].view(dtype).reshape(shape)

    def scratch(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """A reused array with arbitrary content: the same memory for the same purpose, enlarged when needed."""
        size = prod(shape) * np.dtype(dtype).itemsize
        held = self.buffers.get(purpose)
        if held is None or held.nbytes < size:
            held = self.buffers[purpose] = fresh(0)  # the old is gone before the new is there
            held = self.buffers[purpose] = fresh(size)
        return held[:size].view(dtype).reshape(shape)


class Kernel(Protocol):
    """Evaluates an operator: one array per output, in the number format of its inputs.

    An output may be a view of an input, or (with ``work.overwrite``) the first input itself with new content. It is
    never scratch memory. Whoever runs kernels sees which arrays share memory (`owner`), and lends nothing for
    overwriting that somebody else still reads.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, work: Work) -> Arrays: ...


def owner(array: Array) -> Any:
    """What owns the memory of an array: itself, or what it is a view of at the end of the chain."""
    found: Any = array
    while (base := getattr(found, "base", None)) is not None:
        found = base
    return found


Storage: TypeAlias = Callable[[Any, tuple[Sizes, ...]], Mapping[str, Sizes]]
"""Which arrays a layer stores: its operator and the shapes of its inputs (without batch) to names and shapes."""

KERNELS: dict[type[Operator], Kernel] = {}
STORAGE: dict[type[Operator], Storage] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Decorator: this function evaluates these operators."""
    return _register(KERNELS, operators)


def storage(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Decorator: this function says which arrays these operators store; others store none."""
    return _register(STORAGE, operators)


def _register(
    registry: dict[type[Operator], Any], operators: tuple[type[Operator], ...]
) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        for each in operators:
            if each in registry:
                raise ValueError(f"two functions for {each.name!r}")
            registry[each] = function
        return function

    return register
