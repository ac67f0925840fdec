"""The order of the elements along an axis: that of a network here, and that of the same network in Keras.

Keras has the features of every tensor last; maps have them first here. Where axes are merged, as by a flattening, the
elements are therefore in another order, and with them the rows of the weights that read them; where an axis is split,
as between a dense layer and maps, those of the weights that make them.

An axis is a product of factors, the outermost first. The ones that are features vary fastest in Keras; all others keep
their order. Whether a factor is features is what the layers that make or read the tensor say. Where they do not say it,
and where a layer depends on the order that it has here, the order is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node, Ref
from archcalc.ops.activation import AxisNormalisation, Dropout, Elementwise
from archcalc.ops.base import axis_index
from archcalc.ops.joins import Concat
from archcalc.ops.norm import LocalResponseNorm, Normalisation
from archcalc.ops.structure import Identity, Selection
from archcalc.ops.view import View
from archcalc.ops.window import Window

KEEP_ELEMENTS = (AxisNormalisation, Dropout, Elementwise, Identity, LocalResponseNorm, Normalisation)
"""The operators whose output has an element for every one of the input, at the same place."""
WEIGHTED = ("convolution", "dense")
"""The kinds of layers whose weights have a row for every element along the axis of features."""


class UnknownOrder(Exception):
    """The order that Keras has elements in is not known; the text is the reason."""


@dataclass(eq=False)
class AxisFactor:
    """A factor of an axis. What later layers tell about it is added."""

    size: int
    is_features: bool | None = None
    """Whether it is features; ``None`` if that is not known."""
    is_decided: bool = False
    """Whether what later layers expect no longer matters."""
    parts: Axis = ()
    """The factors that a later layer splits it into; or the one that it is equal to."""
    pieces: tuple[Axis, ...] = ()
    """The axes that it consists of, one behind another."""
    whole: AxisFactor | None = None
    """The factor that it is a part of."""

    @property
    def origin(self) -> AxisFactor:
        """The factor that it is a part of, directly or not, and that is no part itself."""
        found = self
        while found.whole is not None:
            found = found.whole
        return found

    def decide(self, is_features: bool) -> None:
        """Take what a layer expects, if nothing is known."""
        if not self.is_decided:
            self.is_features, self.is_decided = is_features, True

    def of_size(self, size: int) -> AxisFactor:
        """Return a new factor of the same kind."""
        return AxisFactor(size, self.is_features, self.is_decided)


Axis: TypeAlias = tuple[AxisFactor, ...]


def leaves(axis: Axis) -> list[AxisFactor]:
    """Return the factors of an axis that are not split further."""
    return [leaf for each in axis for leaf in (leaves(each.parts) if each.parts and not each.pieces else [each])]


def places(axis: Axis) -> NDArray[np.intp] | None:
    """Return the index in Keras of every element along an axis; ``None`` if the order is the same.

    Raises:
        UnknownOrder: it is not known.
    """
    factors = leaves(axis)
    if len(factors) > 1 and any(each.is_features is None for each in factors):
        raise UnknownOrder(
            "no layer tells which of the merged axes is that of the features; an axis of 1 in front, 1x28x28, does"
        )
    origins = {id(each.origin) for each in factors if each.is_features}
    if len(origins) > 1 and not all(each.is_features for each in factors):
        raise UnknownOrder("features of several layers and positions are merged into one axis")
    inner = [_inner_places(each) for each in factors]
    others = [index for index, each in enumerate(factors) if not each.is_features]
    ordered = [*others, *(index for index, each in enumerate(factors) if each.is_features)]
    if ordered == [*range(len(factors))] and all(each is None for each in inner):
        return None
    found = np.zeros([each.size for each in factors], np.intp)
    step = 1
    for index in reversed(ordered):
        own, size = inner[index], factors[index].size
        along = np.arange(size) if own is None else own
        found += step * along.reshape([-1 if index == axis else 1 for axis in range(len(factors))])
        step *= size
    return found.reshape(-1)


def _inner_places(factor: AxisFactor) -> NDArray[np.intp] | None:
    """Return the index in Keras of every element along a factor that is not split, or of several pieces."""
    if factor.pieces and factor.parts and places(factor.parts) is not None:
        raise UnknownOrder("an axis of joined parts is split")
    starts = np.cumsum([0, *(_size(piece) for piece in factor.pieces)])
    found = [places(piece) for piece in factor.pieces]
    if all(each is None for each in found):
        return None
    joined = [
        start + (np.arange(_size(piece)) if own is None else own)
        for start, piece, own in zip(starts, factor.pieces, found, strict=False)
    ]
    return np.concatenate(joined)


def _size(axis: Axis) -> int:
    return prod(each.size for each in axis)


def _merged(axes: Sequence[Axis]) -> Axis:
    return tuple([factor for axis in axes for factor in axis])


class AxisFactors:
    """The factors of the axes of all tensors of a network."""

    def __init__(self, graph: Graph) -> None:
        """Follow the factors through a network."""
        self.graph = graph
        self._axes: dict[Ref, list[Axis]] = {}
        self._same: list[tuple[Axis, Axis, Node]] = []
        """Axes whose elements must be in the same order, since a layer combines them."""
        self._kept: list[tuple[Axis, Node]] = []
        """Axes whose elements must be in the same order as in Keras, since a layer depends on it."""
        for index, node in enumerate(graph.nodes):
            self._follow(index, node)

    def read(self, node: Node, axes: Sequence[int], place: int = 0) -> NDArray[np.intp] | None:
        """Return the index in Keras of every element along merged axes of a tensor that a layer reads.

        ``None``: the order is the same.

        Args:
            node: the layer.
            axes: the axes.
            place: the index of the tensor among its inputs.

        Raises:
            UnknownOrder: it is not known.
        """
        own = self._axes[node.inputs[place]]
        return places(_merged([own[axis] for axis in axes]))

    def made(self, index: int) -> NDArray[np.intp] | None:
        """Return the index in Keras of every feature that a layer makes; see `read`."""
        axis = self.graph.features_of(Ref(index))
        return None if axis is None else places(self._axes[Ref(index)][axis])

    def problems(self) -> Iterator[str]:
        """Yield a sentence for every layer that depends on an order which is another one in Keras, or not known."""
        found: dict[str, str] = {}
        for axis, node in self._kept:
            try:
                is_other = places(axis) is not None
            except UnknownOrder as reason:
                found.setdefault(node.name, f"{reason}")
                continue
            if is_other:
                found.setdefault(
                    node.name, "its result depends on the order of elements, which is another one in Keras"
                )
        for first, second, node in self._same:
            try:
                one, other = places(first), places(second)
            except UnknownOrder as reason:
                found.setdefault(node.name, f"{reason}")
                continue
            if not (one is other is None or (one is not None and other is not None and np.array_equal(one, other))):
                found.setdefault(node.name, "it combines elements that are in different orders in Keras")
        return (f"{name}: {reason}" for name, reason in found.items())

    # --- one layer ---

    def _follow(self, index: int, node: Node) -> None:
        """Find the factors of the outputs of a node."""
        for output in range(len(node.outputs)):
            self._axes[Ref(index, output)] = self._new(Ref(index, output))
        ref, op = Ref(index), node.op
        if node.is_input:
            self._expect(index, self._axes[ref])
        elif not node.inputs:
            pass  # what is stored has the axes that it is used with
        elif op.reorders:
            self._axes[ref] = self._reordered(index, node)
        elif isinstance(op, Concat):  # an axis of several pieces
            self._axes[ref] = self._joined(node, op)
        elif isinstance(op, Selection):  # a piece of an axis
            self._axes[ref] = self._selected(node, op)
        else:
            self._axes[ref] = self._passed(index, node)

    def _new(self, ref: Ref) -> list[Axis]:
        """Return a factor for every axis of a tensor, about which nothing is known."""
        return [(AxisFactor(size),) if size != 1 else () for size in self.graph.shape(ref)]

    def _decide(self, axes: Sequence[Axis], features: int | None) -> None:
        """Take which axis of a tensor layers expect the features on."""
        for place, axis in enumerate(axes):
            for leaf in leaves(axis):
                leaf.decide(place == features)

    def _expect(self, index: int, axes: Sequence[Axis]) -> None:
        """Take which axis of an input, or of a reordered tensor, its first reader expects the features on.

        If it expects nothing, they are those of maps, until a later layer expects others; a matrix may have none.
        """
        if index in self.graph.features_wanted:
            self._decide(axes, self.graph.features_of(Ref(index)))
        elif len(axes) != 2:
            for place, axis in enumerate(axes):
                for leaf in leaves(axis):
                    leaf.is_features = leaf.is_features if leaf.is_decided else place == 0

    def _passed(self, index: int, node: Node) -> list[Axis]:
        """Return the axes of the output of a layer: those of the input whose elements it keeps, and new ones."""
        ref, made = Ref(index), self._axes[Ref(index)]
        shapes = self.graph.input_shapes(node)
        features = self.graph.features_of(ref)
        keeps = isinstance(node.op, KEEP_ELEMENTS)  # windows say what is read, not which element is at the same place
        is_weighted = bool(stored_shapes(self.graph, node)) and not keeps
        found: list[Axis | None] = [() if size == 1 else None for size in node.output]
        for read, shape, reach in zip(node.inputs, shapes, node.op.windows(shapes), strict=False):
            for axis, (own, window) in enumerate(zip(self._axes[read], reach, strict=False)):
                to = axis if keeps else _target(axis, window)
                is_kept = to is not None and shape[axis] == node.output[to] != 1
                if to is not None and is_kept and not (is_weighted and to == features and node.op.kind in WEIGHTED):
                    first = found[to]
                    found[to] = own if first is None else self._united(first, own, node)
                    continue
                if shape[axis] != 1 and not (is_weighted and self._is_feature(read, axis, node)):
                    self._kept.append((own, node))
        for output in range(1, len(node.outputs)):
            self._decide(self._axes[Ref(index, output)], self.graph.features_of(Ref(index, output)))
        for axis, kept in enumerate(found):
            if kept is None:
                self._decide([made[axis]], 0 if axis == features else None)
                if not (is_weighted and axis == features):
                    self._kept.append((made[axis], node))
        return [new if own is None else own for own, new in zip(found, made, strict=True)]

    def _is_feature(self, read: Ref, axis: int, node: Node) -> bool:
        """Return whether an axis of an input holds what weights have rows for."""
        return node.op.flattens or axis == self.graph.features_of(read)

    def _reordered(self, index: int, node: Node) -> list[Axis]:
        """Return the axes of a tensor that has the elements of another one in another order or shape."""
        (ref,) = node.inputs
        own = [leaves(axis) for axis in self._axes[ref]]
        factors = _merged([tuple(axis) for axis in own])
        numbers = iter(range(len(factors)))
        view = View(
            tuple([factor.size for factor in factors]),
            tuple([(number,) for number in range(len(factors))]),
            tuple([tuple(islice(numbers, len(axis))) for axis in own]),
        )
        further = node.op.rearranged(view, node.output)
        if further is None:
            self._kept += [(axis, node) for axis in (*self._axes[ref], *self._axes[Ref(index)])]
            return self._axes[Ref(index)]
        known = dict[int, AxisFactor]()
        of_vector = len(own) == 1 < len(node.output)
        for factor, split in zip(factors, further.source, strict=True):
            if len(split) < 2:
                known |= dict.fromkeys(split, factor)
                continue
            kind = None if of_vector else factor.is_features
            made = tuple([AxisFactor(int(further.sizes[part]), kind, whole=factor) for part in split])
            factor.parts = made
            known |= dict(zip(split, made, strict=True))
        lost = tuple(
            [each for each, split in zip(factors, further.source, strict=True) if not {*split} <= further.placed]
        )
        kinds = {each.is_features for each in lost}
        kind = kinds.pop() if len(kinds) == 1 else None
        axes = []
        for parts in further.axes:
            new = {part: AxisFactor(int(further.sizes[part]), kind) for part in parts if part not in known}
            axes.append(tuple([new[part] if part in new else known[part] for part in parts]))
            self._kept += [((each,), node) for each in new.values()]
        self._kept += [(lost, node)] if lost else []
        if of_vector or index in self.graph.features_wanted:
            self._expect(index, axes)
        return axes

    def _joined(self, node: Node, op: Concat) -> list[Axis]:
        """Return the axes of several tensors one behind another."""
        rows = [self._axes[ref] for ref in node.inputs]
        joined = axis_index(op.axis, node.output)
        found = []
        for axis, pieces in enumerate(zip(*rows, strict=True)):
            if axis != joined:
                first = pieces[0]
                for other in pieces[1:]:
                    first = self._united(first, other, node)
                found.append(first)
                continue
            kinds = {leaf.is_features for piece in pieces for leaf in leaves(piece)} or {None}
            sizes = [self.graph.shape(ref)[axis] for ref in node.inputs]
            whole = [piece or (AxisFactor(1),) for piece in pieces]
            kind = True if True in kinds else next(iter(kinds))
            found.append((AxisFactor(sum(sizes), kind, is_decided=kind is not None, pieces=tuple(whole)),))
        return found

    def _selected(self, node: Node, op: Selection) -> list[Axis]:
        """Return the axes of a tensor along one of which positions are selected."""
        (ref,) = node.inputs
        shape, own = self.graph.shape(ref), [*self._axes[ref]]
        axis = axis_index(op.axis, shape)
        start, step, count = op.chosen(shape[axis])
        if count == shape[axis]:
            return own
        cut = None if step != 1 else _cut(own[axis], start, start + count)
        if cut is None:
            self._kept.append((own[axis], node))
            cut = (AxisFactor(count, leaves(own[axis])[-1].is_features),)
            self._kept.append((cut, node))
        own[axis] = cut if count != 1 else ()
        return own

    def _united(self, first: Axis, second: Axis, node: Node) -> Axis:
        """Return an axis that is two at once, since a layer combines their elements."""
        one, other = leaves(first), leaves(second)
        if not first or not second or one == other:
            return first or second
        if [each.size for each in one] == [each.size for each in other]:
            for pair in zip(one, other, strict=True):
                (mine,), (its,) = [leaves((each,)) for each in pair]  # earlier pairs may be equal to it by now
                if mine is not its and not (mine.pieces and its.pieces):
                    _equate(mine, its)
        elif len(one) == 1 and not one[0].pieces:
            one[0].parts = tuple(other)
        elif len(other) == 1 and not other[0].pieces:
            other[0].parts = tuple(one)
        self._same.append((first, second, node))
        return first


def _equate(one: AxisFactor, other: AxisFactor) -> None:
    """Make two factors one and the same."""
    gone, kept = (one, other) if other.pieces else (other, one)
    if not kept.is_decided:
        kept.is_features, kept.is_decided = gone.is_features, gone.is_decided
    gone.parts = (kept,)


def _target(axis: int, window: Window | None) -> int | None:
    """Return the axis of the output that has the elements of an axis of the input; ``None`` if there is none.

    Args:
        axis: the axis.
        window: what an output sees of it.
    """
    if window is None or not replace(window, axis=None).is_pointwise:
        return None
    return axis if window.axis is None else window.axis


def _cut(axis: Axis, start: int, stop: int) -> Axis | None:
    """Return a range of an axis; ``None`` if it cuts across factors."""
    factors = leaves(axis)
    if len(factors) != 1:
        return None
    (factor,) = factors
    if not factor.pieces:
        sizes = (start, stop - start, factor.size - stop)
        factor.pieces = tuple([(factor.of_size(size),) for size in sizes if size])
    end, found = 0, list[Axis]()
    for piece in factor.pieces:
        first, end = end, end + _size(piece)
        low, high = max(start, first) - first, min(stop, end) - first
        if low < high:
            part = piece if (low, high) == (0, end - first) else _cut(piece, low, high)
            if part is None:
                return None
            found.append(part)
    if len(found) == 1:
        return found[0]
    return (AxisFactor(stop - start, factor.is_features, factor.is_decided, pieces=tuple(found)),)


def rearranged(array: Any, axis: int, order: NDArray[np.intp] | None) -> Any:
    """Return an array of Keras with the elements along an axis in the order that they have here."""
    return array if order is None else np.take(array, order, axis)
