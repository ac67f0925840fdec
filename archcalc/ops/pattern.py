"""Patterns in einops' notation: ``c (h p) w = h w (p c)``.

A tensor is written as its axes; an axis is a name, 1, or a product of names in brackets, the outermost first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from archcalc.numeric import Impossible, Number, exact_div, product, require, require_divisible

Axis: TypeAlias = tuple[str, ...]
"""The names of the factors of an axis; none for an axis of size 1."""
Axes: TypeAlias = tuple[Axis, ...]

ARROW = re.compile(r"->|→|=")
TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[(),]|$)")


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern."""

    inputs: tuple[Axes, ...]
    output: Axes

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names on the left, in order, each once."""
        return tuple(dict.fromkeys(name for axes in self.inputs for axis in axes for name in axis))

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names on the right, in order."""
        return tuple(name for axis in self.output for name in axis)


def parse(text: str) -> Pattern:
    """Return a pattern, given its text.

    Raises:
        Impossible: the text is not a pattern.
    """
    sides = ARROW.split(text)
    if len(sides) != 2:
        _wrong("a pattern must have one '=' or '->' between its two sides, got '{text}'", text=text)
    left, right = (_tensors(side) for side in sides)
    if len(right) != 1:
        _wrong("a pattern must have one tensor on the right, got {count}", count=len(right))
    for axes in (*left, *right):
        names = [name for axis in axes for name in axis]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            _wrong("the axis '{name}' occurs twice in one tensor of the pattern", name=repeated)
    return Pattern(left, right[0])


def _tensors(text: str) -> tuple[Axes, ...]:
    """Return the tensors of one side of a pattern."""
    tensors: list[list[Axis]] = [[]]
    inside: list[str] | None = None
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            _wrong("a pattern consists of names, 1 and brackets, got '{found}'", found=text[at:].strip()[:20])
        token, at = match.group(1), match.end()
        if token == "(":
            if inside is not None:
                _wrong("brackets in a pattern must not be nested")
            inside = []
        elif token == ")":
            if inside is None:
                _wrong("a bracket of the pattern is closed, but not opened")
            tensors[-1].append(tuple(inside))
            inside = None
        elif token == ",":
            tensors.append([])
        elif token:
            if token[0].isdigit() and token != "1":
                _wrong("sizes in a pattern must have names, as in 'h p' with p={size}, got {size}", size=token)
            names = () if token == "1" else (token,)
            if inside is None:
                tensors[-1].append(names)
            else:
                inside += names
    if inside is not None:
        _wrong("a bracket of the pattern is not closed")
    return tuple(map(tuple, tensors))


def _wrong(message: str, **names: object) -> NoReturn:
    raise Impossible(message, **names)


def match_axes(axes: Axes, shape: Sequence[Number], given: Mapping[str, Number]) -> dict[str, Number]:
    """Return the size of every name in the axes of a tensor, given some of them.

    Raises:
        Impossible: the tensor does not have these axes, or a size does not follow.
    """
    if len(axes) > len(shape):
        extra = " ".join(axes[len(shape)]) or "1"
        _wrong("the axis '{extra}' of the pattern is one too many: the tensor has {rank}", extra=extra, rank=len(shape))
    if len(axes) < len(shape):
        _wrong("the pattern has {count} axes, but the tensor has {rank}", count=len(axes), rank=len(shape))
    sizes = dict(given)
    for axis, n in zip(axes, shape, strict=True):
        known = product([sizes[name] for name in axis if name in sizes])
        unknown = [name for name in axis if name not in sizes]
        what = " ".join(axis) or "1"
        if len(unknown) > 1:
            _wrong(
                "the sizes of '{names}' do not follow from an axis of {n}: give all but one of them, as in {name}=2",
                names=" ".join(unknown),
                n=n,
                name=unknown[-1],
            )
        if not unknown:
            require(
                n == known,
                "the axis '{what}' of the pattern has size {known}, but {n} in the tensor",
                what=what,
                known=known,
                n=n,
            )
        elif len(axis) == 1:
            sizes[axis[0]] = n
        else:
            message = "an axis of {number} is not divisible into '{what}': the others have size {divisor}"
            require_divisible(n, known, message, what=what)
            sizes[unknown[0]] = exact_div(n, known)
    return sizes


def shape_of(axes: Axes, sizes: Mapping[str, Number]) -> tuple[Number, ...]:
    """Return the shape of a tensor with these axes."""
    return tuple([sizes[axis[0]] if len(axis) == 1 else product([sizes[name] for name in axis]) for axis in axes])
