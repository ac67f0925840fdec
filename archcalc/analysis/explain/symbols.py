"""Layers with traced numbers: their attributes and input shapes get the names that are usual in formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.graph import Graph, Node, axis_symbols
from archcalc.numeric.traced import leaf
from archcalc.ops.base import Operator, Shape, Shapes


def traced_layer(graph: Graph, node: Node) -> tuple[Operator, Shapes]:
    """Return the operator of a layer and the shapes of its inputs with all numbers traced."""
    shapes = graph.input_shapes(node)
    inputs = tuple(_named_shape(shape, index if len(shapes) > 1 else None) for index, shape in enumerate(shapes, 1))
    if node.op.arity is None:  # in joins an axis of size 1 broadcasts, so it must stay a plain number
        inputs = tuple(
            tuple(1 if size == 1 else named for size, named in zip(*pair, strict=True))
            for pair in zip(shapes, inputs, strict=True)
        )
    return traced_operator(node.op, max(map(len, shapes), default=1) - 1), inputs


def _named_shape(shape: Shape, index: int | None) -> Shape:
    suffix = "" if index is None else f"_{index}"
    channels, *spatial = axis_symbols(len(shape))
    first = f"{channels}_in" if index is None else f"{channels}{suffix}"
    names = (first, *(f"{name}{suffix}" for name in spatial))
    return tuple(leaf(name, size) for name, size in zip(names, shape, strict=True))


ALWAYS_SHOWN = ("stride", "pad", "kernel", "top")
"""Arguments that appear in derivations even if they have their default values; others are left out then."""


def traced_operator(op: Operator, rank: int) -> Operator:
    """Return the operator with its attributes as traced numbers, named as in specs."""
    values: dict[str, Any] = {}
    for parameter in op.parameters():
        value, form = getattr(op, parameter.name), parameter.argument.form
        name = parameter.argument.sugar or parameter.name
        if parameter.name == "stride":
            value = op.strides()  # also if it is not written, so that it is the kernel
        default = parameter.default
        neutral = value == default or (
            isinstance(value, tuple) and isinstance(default, tuple) and set(value) == set(default)
        )
        if (neutral and parameter.name not in ALWAYS_SHOWN) or value is None or isinstance(value, str | bool):
            continue
        if form == "integer" and parameter.name != "axis":
            values[parameter.name] = leaf(name, value)
        elif form == "axes":
            values[parameter.name] = _traced_axes(name, value, rank)
        elif form == "sizes" and parameter.argument.each == "positions":
            values[parameter.name] = _traced_axes(name, value, len(value))
        elif form == "pads":
            values[parameter.name] = _traced_pads(name, value, rank)
    return replace(op, **values)


def _traced_axes(name: str, value: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    if len(set(value)) == 1:
        return (leaf(name, value[0]),) * len(value)
    return tuple(leaf(f"{name}_{axis}", size) for axis, size in zip(axis_symbols(rank + 1)[1:], value, strict=True))


def _traced_pads(name: str, value: tuple[tuple[Any, Any], ...], rank: int) -> tuple[tuple[Any, Any], ...]:
    alike = len(set(value)) == 1
    result = []
    for axis, (before, after) in zip(axis_symbols(rank + 1)[1:], value, strict=True):
        own = name if alike else f"{name}_{axis}"
        if before == after:
            both = leaf(own, before)  # one object for both sides: "2·p"
            result.append((both, both))
        else:
            result.append(
                (leaf(own.replace(name, f"{name}0", 1), before), leaf(own.replace(name, f"{name}1", 1), after))
            )
    return tuple(result)
