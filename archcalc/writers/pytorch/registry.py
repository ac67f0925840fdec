"""How layers are written: a function by operator, in the file of its family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from archcalc.writers.code.calls import Arg, CallExpression, Code, Helper, NotInLibrary, Slot

Sizes: TypeAlias = tuple[int, ...]


class LayerContext(NamedTuple):
    """A layer with what its code depends on. Shapes are without the batch."""

    op: Any
    shapes: tuple[Sizes, ...]
    """The shapes of the tensors that it reads."""
    output: Sizes
    single: tuple[bool, ...]
    """For each of these tensors, whether it is the same for every example, so that its batch is 1."""
    given: tuple[bool, ...] = ()
    """For each of these tensors, whether it is an input of the network."""
    is_read_further: bool = False
    """Whether another output than the first is read."""
    is_recorded: bool = False
    """Whether it is from a model file that records its module, so that modules keep their numbers."""

    @property
    def shape(self) -> Sizes:
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.shape) - 1


Writer: TypeAlias = Callable[[LayerContext], Code]

LAYERS: dict[str, Writer] = {}
"""By the name of the operator."""


def writes(*names: str) -> Callable[[Writer], Writer]:
    """Return a decorator that registers how operators are written."""

    def register(function: Writer) -> Writer:
        LAYERS.update(dict.fromkeys(names, function))
        return function

    return register


def helper(name: str, text: str) -> Helper:
    """Return a class or function that layers use; empty lines around its text are dropped."""
    return Helper(name, text.strip("\n"))


def code_of(view: LayerContext) -> Code:
    """Return how a layer is written.

    Raises:
        Lacking: PyTorch, or this writer, cannot express it.
    """
    write = LAYERS.get(view.op.name)
    if write is None:
        raise NotInLibrary(f"there is no PyTorch code for {view.op.name}")
    return write(view)


def module(call: CallExpression) -> Code:
    """Return the code of a layer that is a module."""
    return Code("$self($0)", (("", call),), (("", call),))


def stateless(call: CallExpression, expression: str, *values: Slot) -> Code:
    """Return the code of a layer that is a module in a sequence, and an expression elsewhere."""
    return Code(expression, (), (("", call),), values)


def expression(template: str, *values: Slot, helpers: tuple[Helper, ...] = ()) -> Code:
    """Return the code of a layer that no module computes."""
    return Code(template, values=values, helpers=helpers)


def modules(*steps: tuple[str, CallExpression]) -> Code:
    """Return the code of a layer that several modules compute one after another."""
    template = "$0"
    for label, _ in steps:
        template = f"$self{'_' + label if label else ''}({template})"
    return Code(template, steps, steps)


def by_rank(kind: str, rank: int) -> str:
    """Return PyTorch's class for a number of spatial axes: ``Conv`` is ``nn.Conv2d`` for two."""
    if not 1 <= rank <= 3:
        raise NotInLibrary(f"PyTorch's {kind} has 1 to 3 spatial axes, got {rank}")
    return f"nn.{kind}{rank}d"


def dim(axis: int) -> int:
    """Return the number of an axis in a tensor with the batch in front."""
    return int(axis) + 1 if axis >= 0 else int(axis)


def option(name: str, value: Any, default: Any, kind: str = "") -> Arg:
    """Return an optional argument."""
    return Arg(name, value, default, kind or name)
