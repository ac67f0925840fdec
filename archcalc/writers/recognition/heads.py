"""Features as heads: where the elements of a projection stand in the tensors that attention multiplies.

A projection of tokens has shape …×n×features. Its elements are reordered, and parts of its features are selected, until
they are queries, keys or values of shape …×n×d, of which some leading axes are heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

from archcalc.graph import Graph, Ref
from archcalc.numeric import Number
from archcalc.ops.arithmetic import Scale
from archcalc.ops.rearrange import Repeat
from archcalc.ops.structure import Selection
from archcalc.ops.view import View
from archcalc.writers.recognition.rewriting import only_reorders
from archcalc.writers.recognition.rotary import Rotation, rotation

Group: TypeAlias = tuple[int | None, int]
"""A leading axis, or a part of one: the axis of the projection that it is (``None`` for heads), and its size."""


@dataclass(frozen=True)
class SelectedElements:
    """Elements of a tensor in another order, of which some may be left out."""

    view: View
    part: tuple[tuple[int, int, int], ...] = ()
    """The parts that were selected: the axis of the tensor, the number of parts of equal size, and the index."""

    def after(self, graph: Graph, index: int) -> SelectedElements | None:
        """Return the elements after a layer that reorders or selects some; ``None`` if they cannot be followed."""
        node = graph.nodes[index]
        if isinstance(node.op, Selection):
            return self.selected(node.op.axis % len(self.view.axes), *node.op.chosen(self.view.shape[node.op.axis]))
        view = node.op.rearranged(self.view, node.output)
        return None if view is None else replace(self, view=view)

    @property
    def copies(self) -> tuple[int, ...]:
        """The factors along which elements are repeated: those of no axis of the tensor."""
        known = {factor for factors in self.view.source for factor in factors}
        return tuple([factor for axis in self.view.axes for factor in axis if factor not in known])

    @property
    def repeats(self) -> int:
        """How often every element occurs."""
        return prod(self.view.sizes[factor] for factor in self.copies)

    def selected(self, axis: int, start: Number, step: Number, count: Number) -> SelectedElements | None:
        """Return the elements at some positions of an axis, which must be one of several equal parts of it."""
        shape = self.view.shape
        if step != 1 or start % count or shape[axis] % count:
            return None
        view = self.view.reshaped((*shape[:axis], shape[axis] // count, count, *shape[axis + 1 :]))
        whole, rest = view.axes[axis], (*view.axes[:axis], *view.axes[axis + 1 :])
        owner = next((own for own, factors in enumerate(view.source) if {*whole} <= {*factors}), None)
        if owner is None:
            return None
        made = (*self.part, (owner, shape[axis] // count, start // count)) if whole else self.part
        return SelectedElements(replace(view, axes=rest), made)

    def groups(self) -> tuple[Group, ...] | None:
        """Return the leading axes; ``None`` if the last two are not tokens and features of heads.

        Leading axes are axes of positions of the tensor, all of each, and heads, which are parts of its features.
        """
        *leading, tokens, width = self.view.axes
        source = self.view.source
        if tokens != source[-2] or not {*width} <= {*source[-1]}:
            return None
        found: list[Group] = []
        factors = [factor for axis in leading for factor in axis]
        copies = {*self.copies}
        repeated = False
        while factors:
            if factors[0] in copies or factors[0] in source[-1]:
                own = 1
                group = None
                if repeated and factors[0] not in copies:
                    return None  # the copies of a head are not next to each other
                repeated = factors[0] in copies
            else:
                group = next((axis for axis, held in enumerate(source[:-2]) if held[:1] == (factors[0],)), None)
                own = 0 if group is None else len(source[group])
                if group is None or tuple(factors[:own]) != source[group]:
                    return None
            size = prod(self.view.sizes[factor] for factor in factors[:own])
            if group is None and found and found[-1][0] is None:
                size *= found.pop()[1]
            found.append((group, size))
            del factors[:own]
        positions = [axis for axis, held in enumerate(source[:-2]) if held]
        whole = sorted(group for group, _ in found if group is not None) == positions
        return tuple(found) if whole and sum(group is None for group, _ in found) <= 1 else None


@dataclass(frozen=True)
class TensorOrigin:
    """Where a tensor comes from."""

    origin: Ref
    """The tensor whose elements it holds."""
    elements: SelectedElements
    factor: Number
    """What they are multiplied by."""
    base: Number | None
    """The base of the rotary positions by which they are rotated; ``None`` if they are not."""
    layers: tuple[int, ...]
    """The layers between them."""


def traced(graph: Graph, ref: Ref, *, transposed: bool = False) -> TensorOrigin | None:
    """Return where a tensor comes from, through layers that reorder, select or scale; ``None`` if it is unknown.

    Args:
        graph: the graph.
        ref: the tensor.
        transposed: whether its last two axes are exchanged at the end.
    """
    layers: list[int] = []
    turned: dict[int, Rotation] = {}
    factor: Number = 1
    while True:
        node = graph.nodes[ref.node]
        found = None if turned else rotation(graph, ref.node)
        if found is not None:
            turned[ref.node] = found
            layers.insert(0, ref.node)
            ref = found.tensor
            continue
        if isinstance(node.op, Scale):
            factor *= node.op.factor
        elif not (only_reorders(node.op) or isinstance(node.op, Selection | Repeat)):
            break
        layers.insert(0, ref.node)
        (ref,) = node.inputs
    elements: SelectedElements | None = SelectedElements(View.of(graph.shape(ref)))
    for index in layers:
        if elements is not None and index in turned:
            elements = elements if elements.groups() is not None else None
        elif elements is not None and not isinstance(graph.nodes[index].op, Scale):
            elements = elements.after(graph, index)
    if elements is None or ref.output:
        return None
    if transposed:
        order = [*range(len(elements.view.axes))]
        order[-2:] = reversed(order[-2:])
        elements = replace(elements, view=elements.view.transposed(order))
    base = next((each.base for each in turned.values()), None)
    own = sorted({*layers, *(index for each in turned.values() for index in each.layers)})
    return TensorOrigin(ref, elements, factor, base, tuple(own))


def merged(graph: Graph, product: Ref, groups: Sequence[Group], layers: Sequence[int]) -> bool:
    """Return whether layers restore the axes of the tokens, with all heads of a token as its features.

    Args:
        graph: the graph.
        product: the product with the values.
        groups: its leading axes.
        layers: the layers behind it, which reorder its elements.
    """
    *_, tokens, width = graph.shape(product)
    view = View.of((*(size for _, size in groups), tokens, width)).reshaped(graph.shape(product))
    for index in layers:
        node = graph.nodes[index]
        after = node.op.rearranged(view, node.output)
        if after is None:
            return False
        view = after
    positions = {group: view.source[place] for place, (group, _) in enumerate(groups) if group is not None}
    heads = [factor for place, (group, _) in enumerate(groups) if group is None for factor in view.source[place]]
    *leading, found, features = view.axes
    return (
        found == view.source[-2]
        and sorted(features) == sorted((*heads, *view.source[-1]))
        and all(axis == positions.get(place, ()) for place, axis in enumerate(leading))
    )
