"""Rotary positions: queries or keys times cosines, plus their halves exchanged times sines."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, simplified
from archcalc.ops.arithmetic import Scale
from archcalc.ops.joins import Add, Concat, Mul
from archcalc.ops.structure import Selection
from archcalc.writers.recognition.known_constants import numbers_of

DIGITS = 6
"""The digits of a base that tables in single precision determine."""
CLOSE = 1e-4
"""The difference of a cosine at the first positions that single precision explains."""


class Rotation(NamedTuple):
    """A tensor that is rotated."""

    tensor: Ref
    """What is rotated."""
    base: Number
    layers: tuple[int, ...]
    """The layers that rotate it, the last of which makes the result."""


def rotation(graph: Graph, index: int) -> Rotation | None:
    """Return the rotation that ends with a layer; ``None`` if it ends none."""
    node = graph.nodes[index]
    if not isinstance(node.op, Add) or len(node.inputs) != 2:
        return None
    for one, other in (node.inputs, node.inputs[::-1]):
        plain, swapped = multiplied(graph, one), multiplied(graph, other)
        if plain is None or swapped is None:
            continue
        tensor, cosines = plain
        exchanged = halves_exchanged(graph, swapped[0], tensor)
        base = base_of(cosines, swapped[1], graph.shape(tensor))
        if exchanged is not None and base is not None:
            return Rotation(tensor, base, (*exchanged, one.node, other.node, index))
    return None


def multiplied(graph: Graph, ref: Ref) -> tuple[Ref, Any] | None:
    """Return the tensor and the table of which one is the product; ``None`` if it is none."""
    node = graph.nodes[ref.node]
    if not isinstance(node.op, Mul) or len(node.inputs) != 2:
        return None
    for tensor, table in (node.inputs, node.inputs[::-1]):
        numbers = numbers_of(graph, table)
        if numbers is not None:
            return tensor, numbers
    return None


def halves_exchanged(graph: Graph, ref: Ref, tensor: Ref) -> tuple[int, ...] | None:
    """Return the layers that exchange the halves of the last axis of a tensor, of which the second is negated."""
    node = graph.nodes[ref.node]
    last = len(node.output) - 1
    if not isinstance(node.op, Concat) or len(node.inputs) != 2 or node.op.axis % len(node.output) != last:
        return None
    negated, first = (each.node for each in node.inputs)
    scale = graph.nodes[negated].op
    if not isinstance(scale, Scale) or scale.factor != -1:
        return None
    second = graph.nodes[negated].inputs[0].node
    half = node.output[-1] // 2
    for part, start in ((first, 0), (second, half)):
        op = graph.nodes[part].op
        if not isinstance(op, Selection) or graph.nodes[part].inputs != (tensor,) or op.axis % (last + 1) != last:
            return None
        if op.chosen(2 * half) != (start, 1, half):
            return None
    return (second, negated, first, ref.node)


def base_of(cosines: Any, sines: Any, shape: tuple[Number, ...]) -> Number | None:
    """Return the base of the rates by which the angles of a table grow; ``None`` if it is no such table."""
    positions, width = shape[-2:]
    if width % 2 or width < 4 or positions < 2:
        return None
    if any(each.size != positions * width or each.shape[-2:] != (positions, width) for each in (cosines, sines)):
        return None
    cosine, sine = (each.reshape(positions, width).astype(np.float64) for each in (cosines, sines))
    slowest = np.arctan2(sine[1, width // 2 - 1], cosine[1, width // 2 - 1])
    if slowest <= 0:
        return None
    base = Fraction(f"{slowest ** (-width / (width - 2)):.{DIGITS}g}")
    rates = np.tile(float(base) ** (-2 * np.arange(width // 2) / width), 2)
    angles = np.arange(positions)[:, None] * rates
    allowed = CLOSE + np.arange(positions)[:, None] * np.finfo(np.float32).eps
    found = np.maximum(abs(np.cos(angles) - cosine), abs(np.sin(angles) - sine))
    return simplified(base) if (found <= allowed).all() else None
