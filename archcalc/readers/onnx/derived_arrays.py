"""Stored arrays behind operators that only rearrange or convert them: the layer that uses them owns the array."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.program import FLOATS

DERIVATIONS: dict[str, Callable[[NodeView], bool]] = {}
"""By operator, what makes a stored array of one, and returns whether it could."""


def derives(*names: str) -> Callable[[Callable[[NodeView], bool]], Callable[[NodeView], bool]]:
    """Return a decorator that registers how stored arrays pass an operator."""

    def register(function: Callable[[NodeView], bool]) -> Callable[[NodeView], bool]:
        DERIVATIONS.update(dict.fromkeys(names, function))
        return function

    return register


@derives("Identity")
def same(n: NodeView) -> bool:
    n.tensors.alias(n.outputs[0], n.inputs[0])
    return True


@derives("Expand")
def expanded(n: NodeView) -> bool:
    """Treat an expansion to the sizes that an array already has as the array itself."""
    return n.sizes(0) == n.result_sizes() and same(n)


@derives("Cast")
def cast(n: NodeView) -> bool:
    from archcalc.readers.onnx.number_formats import convert_numbers

    dtype = n.tensors.dtype(n.outputs[0])
    if dtype not in FLOATS:
        return False
    n.tensors.derive(n.outputs[0], n.inputs[:1], "", n.sizes(0), lambda a: convert_numbers(a, dtype))
    return True


@derives("DequantizeLinear")
def decoded(n: NodeView) -> bool:
    """Treat integers with a scale, and perhaps an offset, as a parameter."""
    if not all(n.tensors.is_stored(name) for name in n.inputs if name) or n.attribute("block_size", 0):
        return False
    sizes = n.sizes(0)
    axis = n.attribute("axis", 1)
    sources = [name for name in n.inputs if name]

    def real(codes: Any, scale: Any, *zero: Any) -> Any:
        shape = [-1 if at == axis % len(sizes) else 1 for at in range(len(sizes))] if scale.size > 1 else []
        offset = zero[0].astype("f4").reshape(shape) if zero else 0
        return (codes.astype("f4") - offset) * scale.reshape(shape)

    trained = prod(sizes) > 1
    n.tensors.derive(n.outputs[0], sources, "", sizes, real, trained=trained)
    return True


@derives("Transpose")
def transposed(n: NodeView) -> bool:
    rank = len(n.sizes(0))
    order = n.attribute("perm", None) or list(range(rank))[::-1]
    how = f".transposed{''.join(map(str, order))}"
    n.tensors.derive(n.outputs[0], n.inputs[:1], how, n.result_sizes(), lambda a: a.transpose(order))
    if order == [1, 0]:
        n.tensors.matrices[n.outputs[0]] = n.inputs[0]
    return True


@derives("Reshape", "Squeeze", "Unsqueeze", "Flatten")
def reshaped(n: NodeView) -> bool:
    sizes = n.result_sizes()
    how = f".{'x'.join(map(str, sizes))}"
    n.tensors.derive(n.outputs[0], n.inputs[:1], how, sizes, lambda a: a.reshape(sizes))
    return True
