"""What the tests know about one operator: how it is drawn, and its counterparts in other libraries.

The functions of a join (`add`, `concat` …) and those of an operator with tensors as arguments are given the names and
the shapes of all inputs, those of a source none, those of any other operator one name and one shape. Shapes are without
the batch. Counterparts are written from the operator's attributes and the definitions of the other library; none calls
archcalc's formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch.nn import Module

    from tests.operators.writer import Shape, Writer

Sizes: TypeAlias = tuple[int, ...]
Draw: TypeAlias = "Callable[[Writer, Shape], str | None]"
Torch: TypeAlias = "Callable[[Any, Any], Module]"
Case: TypeAlias = tuple[dict[str, Any], tuple[Sizes, ...]]

MAP, MAP2, VECTOR = (12, 20, 18), (12, 9, 8), (12,)
"""Shapes of inputs in cases."""


@dataclass(frozen=True)
class Entry:
    """The tests' knowledge about an operator."""

    draw: Draw
    """Returns the text of a layer on a tensor of this shape, for random networks; ``None`` where it is impossible."""
    torch: Torch
    """A PyTorch module: of the operator and the shape of its input. Stored numbers are parameters or buffers. Its
    result is the output, or all outputs."""
    cases: Sequence[Case]
    """Attributes and shapes of inputs that take every branch of its formulas."""
    beyond_onnx_runtime: Callable[[Any], bool]
    """Whether ONNX Runtime refuses an operator with such attributes, or has other random numbers."""


ENTRIES: dict[str, Entry] = {}


def entry(
    name: str,
    *,
    draw: Draw,
    torch: Torch,
    cases: Sequence[Case] = (({}, (MAP,)),),
    beyond_onnx_runtime: Callable[[Any], bool] = lambda op: False,
) -> None:
    """Register an operator; see `Entry`."""
    assert name not in ENTRIES, name
    ENTRIES[name] = Entry(draw, torch, cases, beyond_onnx_runtime)
