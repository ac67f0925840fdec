"""Reordered tensors: the same elements, with axes split into factors, permuted, and merged again.

Pixel shuffle, space to depth, patches and tokens are all written as reshapes and transpositions. This module tracks
where each factor of an axis goes, through any number of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import product as combinations
from typing import TypeAlias

from archcalc.numeric import Number, known_equal, product
from archcalc.ops.window import Window

MAX_SPREAD = 4096
"""The maximum number of source positions in the features of one output position that are enumerated."""


class NoOrigin(Enum):
    """Why an axis of the source has no window that moves with the positions of the output."""

    IN_FEATURES = "the whole axis is in the features"
    UNKNOWN = "the positions cannot be followed"


@dataclass(frozen=True)
class Digits:
    """Output position i sees Σ (⌊i/divisor⌋ mod size)·weight along an axis of the source, and that plus ``spread``."""

    axis: int
    """The axis of the output, among those of positions."""
    digits: tuple[tuple[int, int | None, int], ...]
    """Divisor, size (``None`` for the outermost factor of the output axis, which is unbounded) and weight."""
    spread: tuple[int, ...]
    """The offsets due to factors in the features, ascending; only 0 if there are none."""

    def positions(self, i: int) -> list[int]:
        """Return the source positions that output position i sees, ascending."""
        place = 0
        for divisor, size, weight in self.digits:
            digit = i // divisor
            place += (digit if size is None else digit % size) * weight
        return [place + more for more in self.spread]

    @property
    def cycle(self) -> tuple[int, int]:
        """The period of the pattern in output positions, and the shift in source positions after one period."""
        divisor, size, weight = self.digits[0]
        return (divisor, weight) if size is None else (divisor * size, 0)


Origin: TypeAlias = Window | Digits | NoOrigin


@dataclass(frozen=True)
class Correspondence:
    """How the positions of a view correspond to those of its source."""

    origins: tuple[Origin, ...]
    """What the positions of the view see of every axis of positions of the source. Axes are counted among those of
    positions."""
    unpacks_features: bool
    """Whether features of the source are positions of the view."""
    packs_positions: bool
    """Whether positions of the source are features of the view."""


@dataclass(frozen=True)
class View:
    """A tensor that holds the elements of another one, its source, in another order.

    The axes of both are products of factors, the outermost first: the index along an axis is the number whose digits
    are the indices of its factors. Factors of size 1 are left out.
    """

    sizes: tuple[Number, ...]
    """The size of every factor."""
    source: tuple[tuple[int, ...], ...]
    """The factors of every axis of the source. Those in no axis of the tensor cannot be followed: a reshape has cut
    across them."""
    axes: tuple[tuple[int, ...], ...]
    """The factors of every axis of the tensor."""
    reduced: frozenset[int] = frozenset()
    """The factors over which elements were combined: every element of the tensor sees all of them."""
    mixed: frozenset[int] = frozenset()
    """The factors over which elements were combined, but that are still in the tensor, as after attention."""

    @classmethod
    def of(cls, shape: Sequence[Number]) -> View:
        """Return the view of a tensor of this shape on itself."""
        axes = tuple(() if known_equal(n, 1) else (axis,) for axis, n in enumerate(shape))
        return cls(tuple(shape), axes, axes)

    def transposed(self, order: Sequence[int]) -> View:
        """Return the view with its axes in another order."""
        return replace(self, axes=tuple(self.axes[axis] for axis in order))

    @cached_property
    def shape(self) -> tuple[Number, ...]:
        """The shape of the tensor."""
        return tuple([product([self.sizes[factor] for factor in merged]) for merged in self.axes])

    def arranged(self, names: Sequence[str], output: Sequence[Sequence[str]], sizes: Mapping[str, Number]) -> View:
        """Return the view with its axes merged to others.

        Args:
            names: the names of its axes.
            output: the names that each new axis consists of. Names of no axis are new axes, along which elements are
                repeated; axes that occur in no new axis are reduced.
            sizes: the size of every name.
        """
        known, factors = list(self.sizes), dict(zip(names, self.axes, strict=True))
        for name in dict.fromkeys(name for axis in output for name in axis):
            if name not in factors:
                factors[name] = () if known_equal(sizes[name], 1) else (len(known),)
                known += () if not factors[name] else (sizes[name],)
        axes = [tuple(factor for name in axis for factor in factors[name]) for axis in output]
        used = {name for axis in output for name in axis}
        reduced = {factor for name in names if name not in used for factor in factors[name]}
        return replace(self, sizes=tuple(known), axes=tuple(axes), reduced=self.reduced | reduced)

    def combined(self, along: Collection[int], features: int | None, shape: Sequence[Number]) -> View:
        """Return the view after a layer that combines elements, and leaves the axes of positions as they are.

        Args:
            along: the axes along which elements are combined.
            features: the axis of features; all new ones see all old ones.
            shape: the shape of its output.
        """
        mixed = self.mixed.union(*[self.axes[axis] for axis in along])
        if features is None:
            return replace(self, mixed=mixed)
        old, known = self.axes[features], {factor for factors in self.source for factor in factors}
        if len(old) == 1 and old[0] not in known:  # features of a layer before, of which nothing is known
            sizes = tuple([shape[features] if place == old[0] else size for place, size in enumerate(self.sizes)])
            return replace(self, sizes=sizes, mixed=mixed)
        axes = tuple([(len(self.sizes),) if axis == features else own for axis, own in enumerate(self.axes)])
        return replace(
            self, sizes=(*self.sizes, shape[features]), axes=axes, reduced=self.reduced.union(old), mixed=mixed
        )

    def united(self, other: View, features: int | None) -> View | None:
        """Return the view of a join of two views of the same source; ``None`` if their positions are others."""
        axes = [axis for axis in range(len(self.axes)) if axis != features]
        if self.source != other.source or any(self.axes[axis] != other.axes[axis] for axis in axes):
            return None
        shared = {factor for factors in (*self.source, *[self.axes[axis] for axis in axes]) for factor in factors}
        if not all(known_equal(self.sizes[factor], other.sizes[factor]) for factor in shared):
            return None
        return replace(self, reduced=self.reduced | (other.reduced & shared), mixed=self.mixed | (other.mixed & shared))

    def reshaped(self, shape: Sequence[Number]) -> View:
        """Return the view with its elements in the same order in another shape."""
        return _Reshape(self).into(shape)

    @cached_property
    def placed(self) -> frozenset[int]:
        """The factors that are in the tensor, or were combined in it: all, unless some cannot be followed."""
        return self.reduced.union(*self.axes)

    def is_reduced(self, axis: int) -> bool:
        """Return whether all of an axis of the source was combined."""
        return bool(self.source[axis]) and self.reduced.issuperset(self.source[axis])

    def entangles(self, positions: Collection[int]) -> bool:
        """Return whether an axis holds factors of several axes of positions of the source, or several hold those of
        one."""
        held = [
            {own for own in positions if not merged.isdisjoint(self.source[own])}
            for merged in map(frozenset, self.axes)
        ]
        return any(len(own) > 1 for own in held) or any(sum(own in each for each in held) > 1 for own in positions)

    def holder(self, axis: int | None) -> int | None:
        """Return the axis of the tensor that holds an axis of the source; ``None`` if there is none.

        If it is split over several axes, the first that holds nothing else does; if there is none, the first of size 1,
        as after a shuffle of pixels to one channel; and otherwise the first that holds any of it.
        """
        factors = set() if axis is None else set(self.source[axis])
        some = [own for own, merged in enumerate(self.axes) if factors & set(merged)]
        if len(some) == 1:
            return some[0]
        pure = [own for own in some if factors >= set(self.axes[own])]
        single = [own for own, merged in enumerate(self.axes) if not merged]
        return next(iter((*pure, *single, *some)), None)

    def between(self, source_features: int | None, features: int | None) -> Correspondence:
        """Return how the positions of the tensor correspond to those of the source.

        Args:
            source_features: the axis of the source that holds features; ``None`` if all axes are positions.
            features: the axis of the tensor that holds features.
        """
        held = () if source_features is None else self.source[source_features]
        packed = () if features is None else self.axes[features]
        factors = [factors for axis, factors in enumerate(self.source) if axis != source_features]
        positions = [axis for axis in range(len(self.axes)) if axis != features]
        index = {axis: position for position, axis in enumerate(positions)}
        return Correspondence(
            tuple([self._origin(own, factors, features, index) for own, factors in enumerate(factors)]),
            unpacks_features=any(factor not in packed and factor not in self.reduced for factor in held),
            packs_positions=any(factor in packed for each in factors for factor in each),
        )

    def _origin(self, own: int, factors: tuple[int, ...], features: int | None, index: Mapping[int, int]) -> Origin:
        if not index:
            return NoOrigin.IN_FEATURES
        places = {factor: axis for axis, merged in enumerate(self.axes) for factor in merged}
        if any(factor not in self.placed for factor in factors):
            return NoOrigin.UNKNOWN
        hidden = self.reduced | self.mixed
        packed = [factor for factor in factors if factor in hidden or places[factor] == features]
        movers = [factor for factor in factors if factor not in packed]
        if packed and not movers:
            return NoOrigin.IN_FEATURES
        if not factors:  # its only position is seen along whatever axis has a single position, too
            single = [position for axis, position in index.items() if not self.axes[axis]]
            return Window(stride=0, axis=own if own in single else next(iter(single), 0))
        axis, *others = {places[factor] for factor in movers}
        if others:
            return NoOrigin.UNKNOWN
        weights, divisors = self._weights(factors), self._weights(self.axes[axis])
        first = movers[0]
        weight, divisor = weights[first], divisors[first]
        if len(movers) == 1 and first == self.axes[axis][0]:
            if not packed and known_equal(weight, 1):
                return Window(up=divisor, axis=None if index[axis] == own else index[axis])
            if known_equal(divisor, 1) and known_equal(weight, product(self.sizes[factor] for factor in packed)):
                return Window(weight, weight, axis=index[axis])
        if not all(type(self.sizes[factor]) is int for factor in (*factors, *self.axes[axis])):
            return NoOrigin.UNKNOWN
        return self._digits(axis, index[axis], movers, packed, weights, divisors)

    def _digits(
        self,
        axis: int,
        position: int,
        movers: list[int],
        packed: list[int],
        weights: dict[int, Number],
        divisors: dict[int, Number],
    ) -> Origin:
        if product(self.sizes[factor] for factor in packed) > MAX_SPREAD:
            return NoOrigin.UNKNOWN
        outermost = self.axes[axis][0]
        digits = [
            (divisors[factor], None if factor == outermost else self.sizes[factor], weights[factor])
            for factor in self.axes[axis]
            if factor in movers
        ]
        ranges = [range(0, self.sizes[factor] * weights[factor], weights[factor]) for factor in packed]
        return Digits(position, tuple(digits), tuple(sorted(map(sum, combinations(*ranges)))))

    def _weights(self, factors: tuple[int, ...]) -> dict[int, Number]:
        """Return by how much one step of each factor advances along their axis."""
        weights: dict[int, Number] = {}
        weight: Number = 1
        for factor in reversed(factors):
            weights[factor] = weight
            weight = self.sizes[factor] if type(weight) is int and weight == 1 else weight * self.sizes[factor]
        return weights


class _Reshape:
    """The state of a reshape: factors are taken from the left, and split where an axis ends within one."""

    def __init__(self, view: View) -> None:
        self.sizes = list(view.sizes)
        self.source = [list(factors) for factors in view.source]
        self.reduced, self.mixed = view.reduced, view.mixed
        self.left = [factor for factors in view.axes for factor in factors]

    def into(self, shape: Sequence[Number]) -> View:
        axes: list[tuple[int, ...]] = [()] * len(shape)
        open_axes = [axis for axis, n in enumerate(shape) if not known_equal(n, 1)]
        while open_axes:
            axis = open_axes.pop(0)
            taken = self.left if not open_axes else self.taken(shape[axis])
            if taken is not None:
                axes[axis] = tuple(taken)
                continue
            lost = [axis, *self.until_borders_meet(shape, axis, open_axes)]
            for one in lost:
                self.sizes.append(shape[one])
                axes[one] = (len(self.sizes) - 1,)
        return View(tuple(self.sizes), tuple(map(tuple, self.source)), tuple(axes), self.reduced, self.mixed)

    def taken(self, size: Number) -> list[int] | None:
        """Take and return factors from the left whose product is a size; ``None`` (and take none) if there are none."""
        taken: list[int] = []
        left = self.left
        for index, factor in enumerate(left):
            own = self.sizes[factor]
            if known_equal(own, size):
                self.left = left[index + 1 :]
                return [*taken, factor]
            if type(own) is not int or type(size) is not int:
                return None
            if size % own == 0:
                size //= own
                taken.append(factor)
            elif own % size == 0:
                outer, inner = self.split(factor, size)
                self.left = [inner, *left[index + 1 :]]
                return [*taken, outer]
            else:
                return None
        return None

    def split(self, factor: int, outer_size: int) -> tuple[int, int]:
        """Split a factor in two and return them; the outer one has this size."""
        outer, inner = len(self.sizes), len(self.sizes) + 1
        self.sizes += [outer_size, self.sizes[factor] // outer_size]
        if factor in self.mixed:
            self.mixed = self.mixed | {outer, inner}
        for factors in self.source:
            if factor in factors:
                index = factors.index(factor)
                factors[index : index + 1] = [outer, inner]
        return outer, inner

    def until_borders_meet(self, shape: Sequence[Number], axis: int, open_axes: list[int]) -> list[int]:
        """Drop factors and axes from the left until their sizes agree; return the further axes that are dropped."""
        lost: list[int] = []
        held, needed = 1, shape[axis]
        while self.left or open_axes:
            plain = type(held) is int and type(needed) is int
            if plain and held == needed:
                break
            if self.left and (not open_axes or not plain or held < needed):
                held = held * self.sizes[self.left.pop(0)]
            else:
                lost.append(open_axes.pop(0))
                needed = needed * shape[lost[-1]]
        return lost
