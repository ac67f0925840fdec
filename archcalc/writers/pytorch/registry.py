"""How layers are written: a function by operator, in the file of its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archcalc.writers.code.calls import CallExpression, Helper, LayerCode, NotInLibrary, Slot
from archcalc.writers.code.registry import LayerContext, LayerWriters


@dataclass(frozen=True, kw_only=True)
class PyTorchContext(LayerContext):
    """A layer with what its code for PyTorch depends on."""

    given: tuple[bool, ...] = ()
    """For each of the tensors that it reads, whether it is an input of the network."""
    is_read_further: bool = False
    """Whether another output than the first is read."""
    is_recorded: bool = False
    """Whether it is from a model file that records its module, so that modules keep their numbers."""


_WRITERS = LayerWriters[PyTorchContext]("PyTorch")
writes, code_of = _WRITERS.writes, _WRITERS.code_of
LAYERS: Mapping[str, object] = _WRITERS.by_operator
"""By the name of the operator."""


def module(call: CallExpression) -> LayerCode:
    """Return the code of a layer that is a module."""
    return LayerCode("$self($0)", (("", call),), (("", call),))


def stateless(call: CallExpression, expression: str, *values: Slot) -> LayerCode:
    """Return the code of a layer that is a module in a sequence, and an expression elsewhere."""
    return LayerCode(expression, (), (("", call),), values)


def expression(template: str, *values: Slot, helpers: tuple[Helper, ...] = ()) -> LayerCode:
    """Return the code of a layer that no module computes."""
    return LayerCode(template, values=values, helpers=helpers)


def modules(*steps: tuple[str, CallExpression]) -> LayerCode:
    """Return the code of a layer that several modules compute one after another."""
    template = "$0"
    for label, _ in steps:
        template = f"$self{'_' + label if label else ''}({template})"
    return LayerCode(template, steps, steps)


def by_rank(kind: str, rank: int) -> str:
    """Return PyTorch's class for a number of spatial axes: ``Conv`` is ``nn.Conv2d`` for two."""
    if not 1 <= rank <= 3:
        raise NotInLibrary(f"PyTorch's {kind} has 1 to 3 spatial axes, got {rank}")
    return f"nn.{kind}{rank}d"


def dim(axis: int) -> int:
    """Return the number of an axis in a tensor with the batch in front."""
    return int(axis) + 1 if axis >= 0 else int(axis)
