"""The interface of kernels, and the registry of kernels by operator.

A kernel evaluates one operator on arrays with the batch in front (N×C×n…). It determines the output sizes from the
arrays and the attributes of the operator, and never calls the formulas of the operator.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from archcalc.executor.errors import MissingDefinition
from archcalc.executor.training import PYTORCH, MovingAverage
from archcalc.ops.base import Operator

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = tuple[Array, ...]
Weights: TypeAlias = Mapping[str, Array]
"""The stored arrays of one layer by name: ``weight``, ``bias``, ``mean`` …"""

Sizes: TypeAlias = tuple[int, ...]


def uninitialised(size: int) -> Array:
    """Return at least ``size`` bytes of new memory, as an array of bytes."""
    return np.empty(size, np.uint8)


class WorkBuffers:
    """Work buffers by purpose: memory is reused for the same purpose, and enlarged if needed."""

    def __init__(self, allocate: Callable[[int], Array] = uninitialised) -> None:
        """Start without buffers; ``allocate`` returns memory of a given size, as an array of bytes."""
        self._allocate = allocate
        self._held: dict[str, Array] = {}

    @property
    def nbytes(self) -> int:
        """The bytes of all buffers."""
        return sum(buffer.nbytes for buffer in self._held.values())

    def take(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return an array with arbitrary content."""
        size = prod(shape) * np.dtype(dtype).itemsize
        held = self._held.get(purpose)
        if held is None or held.nbytes < size:
            held = self._held.pop(purpose, None)
            del held  # free the old buffer before the new one is allocated
            held = self._held[purpose] = self._allocate(size)
        return held[:size].view(dtype).reshape(shape)


@dataclass
class Context:
    """The state of a run that kernels use, and to which they report their operations."""

    training: bool = False
    """Whether to use batch statistics instead of stored ones, and dropout."""
    seed: Sequence[int] = ()
    """The seed of dropout and of random numbers."""
    tally: Counter[str] | None = None
    """The operations by kind, and ``macs``, as kernels derive them from their operands; ``None`` if not counted."""
    updates: dict[str, Array] = field(default_factory=dict)
    """The new values of stored arrays, such as running statistics of a batch norm after a training step."""
    batch: int = 1
    """The number of examples, for kernels without inputs."""
    dtype: DTypeLike = np.float32
    """The number format, for kernels that read no array."""
    buffers: WorkBuffers = field(default_factory=WorkBuffers)
    """Work buffers, which are reused from layer to layer."""
    mask: Array | None = None
    """The masks of dropout, batch in front, if they are not random."""
    marking: bool = False
    """Whether NaN marks what a number depends on: then, no function of a NaN is a number."""
    average: MovingAverage = PYTORCH
    """How running statistics are updated."""
    rounding: Callable[[Array], None] | None = None
    """Rounds the results of steps of the layer in their memory, if it has them in a narrower number format."""

    def rounded(self, x: Array) -> Array:
        """Return the result of a step, which has been rounded if the layer has it in a narrower number format."""
        if self.rounding is not None:
            self.rounding(x)
        return x

    def count(self, **operations: int) -> None:
        """Report operations by kind (``mul=…, add=…``) and multiply–accumulate operations (``macs=…``)."""
        if self.tally is not None:
            self.tally.update(operations)

    @property
    def uncounted(self) -> Context:
        """The same context, to which operations are not reported: for what a gradient computes anew."""
        return replace(self, tally=None)

    def scratch(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer with arbitrary content; see `WorkBuffers.take`."""
        return self.buffers.take(purpose, shape, dtype)


class Kernel(Protocol):
    """Evaluates an operator and returns one array per output, in the number format of the inputs.

    An output may be a view of an input, but not a work buffer. Inputs and stored arrays are not written to.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, context: Context) -> Arrays: ...


def view(array: Array, *shape: int) -> Array:
    """Return an array in another shape, without copying.

    Raises:
        ValueError: the array would have to be copied.
    """
    found = array.reshape(shape)
    if found.size and not np.may_share_memory(found, array):
        raise ValueError(f"no view of {array.shape} as {shape}")
    return found


def owner(array: Array) -> Any:
    """Return the object that owns the memory of an array: the array itself, or the base of its chain of views."""
    found: Any = array
    while (base := getattr(found, "base", None)) is not None:
        found = base
    return found


Storage: TypeAlias = Callable[[Any, tuple[Sizes, ...]], Mapping[str, Sizes]]
"""Maps an operator and the shapes of its inputs (without batch) to the names and shapes of its stored arrays."""

KERNELS: dict[type[Operator], Kernel] = {}
STORAGE: dict[type[Operator], Storage] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel_of(op: Operator) -> Kernel:
    """Return the kernel that evaluates an operator.

    Raises:
        MissingDefinition: the operator has no kernel.
    """
    found = KERNELS.get(type(op))
    if found is None:
        raise MissingDefinition("kernel", op.name)
    return found


def storage_of(op: Operator, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return the shapes of the stored arrays of a layer by name.

    Args:
        op: the operator of the layer.
        shapes: the shapes of its inputs, without batch.
    """
    store = STORAGE.get(type(op))
    return dict(store(op, shapes)) if store is not None else {}


def kernel(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers the kernel of some operators."""
    return register(KERNELS, operators)


def storage(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers the stored arrays of some operators; others store none."""
    return register(STORAGE, operators)


def register(
    registry: dict[type[Operator], Any], operators: tuple[type[Operator], ...]
) -> Callable[[Function], Function]:
    """Return a decorator that enters a function into a registry, as the only one for some operators."""

    def enter(function: Function) -> Function:
        for each in operators:
            if each in registry:
                raise ValueError(f"two functions for {each.name!r}")
            registry[each] = function
        return function

    return enter
