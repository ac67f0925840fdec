"""The interface of vector–Jacobian products, and the registry of them by operator.

For a layer y = f(x, w) and a loss L, the vector–Jacobian product maps ∂L/∂y to ∂L/∂x and ∂L/∂w. It computes what it
needs of the layer anew from the inputs and outputs of the layer, which are kept for the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

from archcalc.executor.errors import MissingDefinition
from archcalc.executor.kernel import Array, Arrays, Context, Function, Weights, register
from archcalc.ops.base import Operator


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedLayer:
    """A layer at the point where its gradient is taken."""

    inputs: Arrays
    outputs: Arrays
    weights: Weights
    context: Context
    """A new context with the seed and the mode of the forward pass, so that dropout makes the same choices. It counts
    the operations of the backward pass in matrix products."""
    needed: tuple[bool, ...]
    """Which of the inputs a gradient is needed for. A function may compute the others as well."""
    trained: bool = True
    """Whether the gradients of the stored arrays are needed. A function may compute them in any case."""

    def on(self, *inputs: Array, weights: Weights | None = None) -> EvaluatedLayer:
        """Return the layer with other inputs, and with other stored arrays if they are given."""
        return replace(self, inputs=inputs, weights=self.weights if weights is None else weights)


class Gradients(NamedTuple):
    """The gradients of a loss with respect to the inputs and the trained arrays of a layer."""

    inputs: tuple[Array | None, ...]
    """One for every input, ``None`` where it is not needed or not defined."""
    weights: Mapping[str, Array] = {}


class GradientFunction(Protocol):
    """Returns the gradients of a layer, given those with respect to each of its outputs.

    An array that is returned may be a view of one that was given; what is given is not written to.
    """

    def __call__(self, op: Any, layer: EvaluatedLayer, given: Arrays) -> Gradients: ...


GRADIENTS: dict[type[Operator], GradientFunction] = {}
"""Those of all operators that have one; the others say why not (`archcalc.ops.traits.NoGradient`)."""

Decorator: TypeAlias = Callable[[Function], Function]


def gradient(*operators: type[Operator]) -> Decorator[Any]:
    """Return a decorator that registers the vector–Jacobian product of some operators."""
    return register(GRADIENTS, operators)


def gradient_of(op: Operator) -> GradientFunction:
    """Return the vector–Jacobian product of an operator.

    Raises:
        MissingDefinition: the operator has none.
    """
    found = GRADIENTS.get(type(op))
    if found is None:
        raise MissingDefinition("gradient", op.name)
    return found
