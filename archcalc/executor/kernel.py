"""The contract of a kernel, and the registry that finds one.

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

from archcalc.executor.errors import MissingDefinition
from archcalc.ops.base import Operator

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = tuple[Array, ...]
Weights: TypeAlias = Mapping[str, Array]
"""The stored arrays of one layer by their name: ``weight``, ``bias``, ``mean`` …"""

Sizes: TypeAlias = tuple[int, ...]


def uninitialised(size: int) -> Array:
    """Return at least so many bytes of new memory, as an array of bytes."""
    return np.empty(size, np.uint8)


class Buffers:
    """Work buffers by purpose: the same memory for the same purpose, enlarged when needed."""

    def __init__(self, allocate: Callable[[int], Array] = uninitialised) -> None:
        """Start without any; ``allocate`` returns so many bytes of memory, as an array of bytes."""
        self._allocate = allocate
        self._held: dict[str, Array] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.nbytes for buffer in self._held.values())

    def take(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return an array with arbitrary content."""
        size = prod(shape) * np.dtype(dtype).itemsize
        held = self._held.get(purpose)
        if held is None or held.nbytes < size:
            held = self._held.pop(purpose, None)
            del held  # the old buffer is gone before the new one is there
            held = self._held[purpose] = self._allocate(size)
        return held[:size].view(dtype).reshape(shape)


@dataclass
class Context:
    """What a kernel needs to know about the run besides its arrays, and where it reports what it did."""

    training: bool = False
    """Batch statistics instead of stored ones, and dropout."""
    seed: Sequence[int] = ()
    """What dropout's choices are drawn from."""
    tally: Counter[str] | None = None
    """Where a kernel reports what it did, read from the operands it had in hand: kinds of operations, and ``macs``."""
    updates: dict[str, Array] = field(default_factory=dict)
    """New values of stored arrays: a batch norm's running statistics after a training step."""
    buffers: Buffers = field(default_factory=Buffers)
    """Work buffers, which outlive a layer."""

    @cached_property
    def rng(self) -> np.random.Generator:
        """The source of dropout's choices, the same for the same seed."""
        return np.random.default_rng(list(self.seed))

    def count(self, **operations: int) -> None:
        """Report operations by kind (``mul=…, add=…``) and multiply–accumulate pairs (``macs=…``)."""
        if self.tally is not None:
            self.tally.update(operations)

    def scratch(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer with arbitrary content; see `Buffers.take`."""
        return self.buffers.take(purpose, shape, dtype)


class Kernel(Protocol):
    """Evaluates an operator: one array per output, in the number format of its inputs.

    An output may be a view of an input; it is never a work buffer. Inputs and stored arrays are not written to.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, context: Context) -> Arrays: ...


def view(array: Array, *shape: int) -> Array:
    """Return an array in another shape.

    Raises:
        ValueError: its numbers would have to be copied.
    """
    found = array.reshape(shape)
    if found.size and not np.may_share_memory(found, array):
        raise ValueError(f"no view of {array.shape} as {shape}")
    return found


def owner(array: Array) -> Any:
    """Return what owns the memory of an array: itself, or what it is a view of at the end of the chain."""
    found: Any = array
    while (base := getattr(found, "base", None)) is not None:
        found = base
    return found


Storage: TypeAlias = Callable[[Any, tuple[Sizes, ...]], Mapping[str, Sizes]]
"""Which arrays a layer stores: its operator and the shapes of its inputs (without batch) to names and shapes."""

KERNELS: dict[type[Operator], Kernel] = {}
STORAGE: dict[type[Operator], Storage] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel_of(op: Operator) -> Kernel:
    """Return the kernel that evaluates an operator.

    Raises:
        MissingDefinition: there is none.
    """
    found = KERNELS.get(type(op))
    if found is None:
        raise MissingDefinition("kernel", op.name)
    return found


def storage_of(op: Operator, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return the arrays that a layer stores, by name with their shapes.

    Args:
        op: the operator of the layer.
        shapes: of its inputs, without batch.
    """
    store = STORAGE.get(type(op))
    return dict(store(op, shapes)) if store is not None else {}


def kernel(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Decorator: this function evaluates these operators."""
    return register(KERNELS, operators)


def storage(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Decorator: this function says which arrays these operators store; others store none."""
    return register(STORAGE, operators)


def register(
    registry: dict[type[Operator], Any], operators: tuple[type[Operator], ...]
) -> Callable[[Function], Function]:
    """Decorator: enter a function into a registry for these operators, one for each."""

    def enter(function: Function) -> Function:
        for each in operators:
            if each in registry:
                raise ValueError(f"two functions for {each.name!r}")
            registry[each] = function
        return function

    return enter
