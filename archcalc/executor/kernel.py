"""The contract of a kernel: what it is given, what it returns, what it is lent; and the registry that finds one.

A kernel evaluates one operator on arrays with the batch in front (N×C×n…). Its output sizes come out of the arrays. It
never calls an operator's formulas: it reads attributes.

Several processes may evaluate a layer together, each in a lane: a kernel that is registered as divided does its lane's
part of the work only. All lanes have the tensors in common.

A kernel that is registered as taped touches tensors through `Work.call` only. Given a tape it writes down the calls
that it would make, and they can be made again without it, on other numbers in the same memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
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

Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]
"""A function and its arguments."""


def fresh(size: int) -> Array:
    """So many bytes of new memory, at least."""
    return np.empty(size, np.uint8)


def nobody() -> None:
    """There is nobody to wait for."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One of several processes that evaluate a layer together. Alone unless told otherwise."""

    number: int = 0
    count: int = 1
    meet: Callable[[], None] = nobody
    """Waits until every lane has come here."""

    def part(self, length: int) -> slice:
        """This lane's part of so many neighbours."""
        return slice(length * self.number // self.count, length * (self.number + 1) // self.count)

    def share(self, shape: Sizes) -> tuple[slice, ...]:
        """This lane's part of a tensor, as an index: of all channels some rows if `by_rows`, some channels otherwise.

        What a lane did of one layer it goes on with in the next, as long as shapes stay: it is in its cache.
        """
        whole = slice(None)
        if by_rows(shape):
            return whole, whole, self.part(shape[2])
        return whole, self.part(shape[1])


LEAST_POSITIONS, LEAST_ROWS = 1024, 8
"""Of maps that lanes divide by rows: of smaller ones too much lies in lines of the cache that two lanes write to, and
fewer rows cannot be divided evenly."""


def by_rows(shape: Sizes) -> bool:
    """Whether lanes divide a tensor by the rows of its maps (along their first axis): where there are at least as many
    positions as channels, which makes the larger matrix products."""
    return len(shape) > 2 and prod(shape[2:]) >= max(shape[1], LEAST_POSITIONS) and shape[2] >= LEAST_ROWS


class Division(Enum):
    """What a lane of a divided kernel reads and writes: before others have done their part, or while they do it."""

    APART = auto()
    """Reads anything, and writes a part of the outputs that only the kernel knows."""
    SHARE = auto()
    """Reads anything, and writes its `Lane.share` (or the lanes meet at the end)."""
    LOCAL = auto()
    """Writes its share, and reads no more than that of inputs of the output's shape."""


@dataclass
class Work:
    """What a kernel is lent for one evaluation of one layer."""

    lane: Lane = field(default_factory=Lane)
    """Which part of the work is to be done; for a kernel that is not divided all of it."""
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
    common_buffers: dict[str, Array | None] = field(default_factory=dict)
    """Scratch memory that all lanes have in common, by purpose; for a lane alone, the purposes that it would have. See
    `common`."""
    tape: list[Call] | None = None
    """Where the calls of a taped kernel are written down instead of being made."""
    constants: dict[str, Array] = field(default_factory=dict)
    """What was made of the layer's stored arrays before; see `once`."""
    minimal: bool = False
    """Whether a convolution may take fewer multiplications than by its definition (see `kernels/winograd.py`)."""
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

    def once(self, name: str, make: Callable[[], Array]) -> Array:
        """What follows from the stored arrays alone, made when it is first asked for."""
        if name not in self.constants:
            self.constants[name] = make()
        return self.constants[name]

    def call(self, function: Callable[..., Any], *operands: Any, out: Array | None = None) -> Array:
        """The result of a function of NumPy that takes ``out``. Without ``out``, what a tape has of it is memory that
        stays."""
        if self.tape is None:
            result: Array = function(*operands, out=out)
            return result
        result = function(*operands) if out is None else out
        self.tape.append((function, operands, {"out": result}))
        return result

    def do(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function for what it does."""
        if self.tape is None:
            function(*arguments)
        else:
            self.tape.append((function, arguments, {}))

    def copy(self, source: Any, out: Array) -> None:
        """Write numbers (or one) to an array."""
        self.do(np.copyto, out, source)

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

    def common(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """As `scratch`, but the lanes of a divided kernel have it in common."""
        held = self.common_buffers.setdefault(purpose, None)
        if held is None:
            return self.scratch(purpose, shape, dtype)
        return held[: prod(shape) * np.dtype(dtype).itemsize].view(dtype).reshape(shape)


class Kernel(Protocol):
    """Evaluates an operator: one array per output, in the number format of its inputs.

    An output may be a view of an input, or (with ``work.overwrite``) the first input itself with new content. It is
    never scratch memory. A divided kernel puts its results into memory from ``work.empty``, or into its first input.
    Whoever runs kernels sees which arrays share memory (`owner`), and lends nothing for overwriting that somebody else
    still reads.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, work: Work) -> Arrays: ...


@contextmanager
def settings() -> Iterator[None]:
    """NumPy's settings while kernels run: numbers that are not finite show in the result, and buffers have the size
    that they had when all is over."""
    size = np.getbufsize()
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        np.setbufsize(size)


def view(array: Array, *shape: int) -> Array:
    """An array in another shape.

    Raises:
        ValueError: its numbers would have to be copied.
    """
    found = array.reshape(shape)
    if found.size and not np.may_share_memory(found, array):
        raise ValueError(f"no view of {array.shape} as {shape}")
    return found


def contiguous(array: Array, work: Work) -> Array:
    """An array without gaps: itself, or a copy."""
    if array.flags.c_contiguous:
        return array
    copy = np.empty(array.shape, array.dtype)
    work.copy(array, copy)
    return copy


def owner(array: Array) -> Any:
    """What owns the memory of an array: itself, or what it is a view of at the end of the chain."""
    found: Any = array
    while (base := getattr(found, "base", None)) is not None:
        found = base
    return found


Storage: TypeAlias = Callable[[Any, tuple[Sizes, ...]], Mapping[str, Sizes]]
"""Which arrays a layer stores: its operator and the shapes of its inputs (without batch) to names and shapes."""

KERNELS: dict[type[Operator], Kernel] = {}
DIVISIONS: dict[type[Operator], Division] = {}
"""How the kernels of operators are divided among lanes; others are not."""
TAPED: set[type[Operator]] = set()
"""Operators whose kernels can write their calls down, at inference."""
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


def kernel(
    *operators: type[Operator], divided: Division | None = None, taped: bool = False
) -> Callable[[Function], Function]:
    """Decorator: this function evaluates these operators; if it is divided, the part of ``work.lane`` only; if it is
    taped, it uses ``work.tape`` where there is one."""
    if taped:
        TAPED.update(operators)
    if divided is not None:
        DIVISIONS.update(dict.fromkeys(operators, divided))
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
