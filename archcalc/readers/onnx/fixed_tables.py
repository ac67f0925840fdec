"""Stored tensors that are no parameters, as their numbers show: masks, and the angles of rotary positions."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.onnx.tensors import OnnxTensors

JOINS = frozenset(("add", "sub", "mul", "where", "maximum", "minimum"))
"""The operators of ATen that read masks."""

CLOSE = 1e-5
"""How far the squares of a cosine and a sine in single precision are from adding up to 1."""


def find_fixed_tables(tensors: OnnxTensors) -> None:
    """Mark stored tensors that are joined with others, and are masks or tables of angles, as constants."""
    normalised = {
        name
        for call in tensors.calls
        if call.target.split(".")[1] == "softmax"
        for name in tensors_in([*call.arguments.values()])
    }
    factors: dict[str, None] = {}
    for call in tensors.calls:
        base = call.target.split(".")[1]
        if base in JOINS:
            read = [*tensors_in([*call.arguments.values()])]
            find_masks(tensors, read)
            if normalised.intersection(filter(None, call.outputs)):
                _find_empty_masks(tensors, read)
            if base == "mul":
                factors.update(dict.fromkeys(map(tensors.resolved, read)))
    _find_angles(tensors, factors)


def find_masks(tensors: OnnxTensors, names: Iterable[str]) -> None:
    """Mark those of the tensors as constants whose numbers show that they are masks."""
    for name in map(tensors.resolved, filter(None, names)):
        if _may_be_table(tensors, name) and _is_mask(tensors.numbers(name)):
            tensors.let_be_constant(name)


def _may_be_table(tensors: OnnxTensors, name: str) -> bool:
    return tensors.is_parameter(name) and len(tensors.sizes(name)) > 1


def _is_mask(array: Any | None) -> bool:
    """Return whether a tensor consists of integers or infinities, not all of them the same."""
    return array is not None and bool((array == array.round()).all() and array.min() != array.max())


def _find_empty_masks(tensors: OnnxTensors, names: Iterable[str]) -> None:
    """Mark those of the tensors, which are added to scores, as constants that exclude no pair of positions."""
    for name in map(tensors.resolved, names):
        if tensors.is_parameter(name):
            *leading, queries, keys = (1, 1, *tensors.sizes(name))
            array = tensors.numbers(name) if queries == keys > 1 and prod(leading) == 1 else None
            if array is not None and not array.any():
                tensors.let_be_constant(name)


def _find_angles(tensors: OnnxTensors, names: Iterable[str]) -> None:
    """Mark pairs of the tensors, which are factors, as constants: the cosines and the sines of the same angles."""
    squares: dict[tuple[int, ...], dict[str, Any]] = {}
    for name in names:
        array = tensors.numbers(name) if _may_be_table(tensors, name) else None
        if array is None or not array.size or array.min() == array.max() or abs(array).max() > 1 + CLOSE:
            continue
        own, others = array.astype("f8") ** 2, squares.setdefault(array.shape, {})
        for other, square in others.items():
            differs = abs(own.flat[0] + square.flat[0] - 1) >= CLOSE  # which rules out nearly all pairs quickly
            if not differs and abs(own + square - 1).max() < CLOSE:
                tensors.let_be_constant(name)
                tensors.let_be_constant(other)
        others[name] = own
