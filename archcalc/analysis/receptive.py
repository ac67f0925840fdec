"""Exact receptive fields: the input positions that units depend on, composed along the graph.

For each layer and each axis of every input, the receptive field is a map from a position i of the layer to the input
positions first(i) to first(i) + size(i) − 1 (`archcalc.analysis.paths`). It is linear for convolutions and pooling, and
linear plus periodic after upsampling. Where paths of the graph join, the union of their maps is taken. Size, stride
and padding of the receptive field follow from the map (`archcalc.analysis.fields`). For a chain, its size is the
well-known RF_n = RF_{n−1} + (k_n − 1)·∏ s_i (Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional
neural networks").

As is usual, windows that extend beyond a border count in full. `archcalc.analysis.unit` finds the exact positions that
a single unit sees, clipped at the borders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from archcalc.analysis.fields import AxisField, Field, Fields
from archcalc.analysis.paths import MAX_PERIOD, Path
from archcalc.analysis.views import views
from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import known_equal, ratio
from archcalc.ops.base import Shape, Shapes
from archcalc.ops.view import Lost, View
from archcalc.ops.window import Reach, Window

MAX_PHASES = 4_000_000
"""The most phases of all layers together: the maximal period is shorter for deep networks (but at least 16)."""
MAX_PATHS = 8
"""The most paths of different strides in one field; with more, the field is reported as unknown."""


def receptive_fields(
    graph: Graph, *, source: Ref | None = None, given: Mapping[int, Fields] | None = None
) -> list[Fields]:
    """Return the receptive fields of every node, in one pass over the graph.

    Args:
        graph: the graph; its sizes may be of any kind of number.
        source: a tensor to measure on instead of the inputs (its name in the result is that of its node).
        given: the fields of some nodes, to be used instead of computing them.
    """
    return _Pass(graph).run(source, given or {})


class _Entry(NamedTuple):
    """How a layer reads one of its inputs."""

    shape: Shape
    reach: Reach
    positions: Shape
    """The spatial sizes of the output of the layer."""
    is_partial: bool
    """Whether only some output positions see this input."""
    keeps_positions: bool
    """Whether every output position is known to see exactly its own input position."""


def _entries(node: Node, shapes: Shapes) -> tuple[_Entry, ...]:
    positions = node.output[1:]
    return tuple(
        [
            _Entry(
                shape,
                reach,
                positions,
                is_partial=any(window is not None and window.outputs is not None for window in reach),
                keeps_positions=all(window is not None and window.is_pointwise for window in reach)
                and len(shape) == len(node.output)
                and (node.output is shape or all(map(known_equal, shape[1:], positions))),
            )
            for shape, reach in zip(shapes, node.op.windows(shapes), strict=True)
        ]
    )


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.entries: dict[tuple[int, tuple[int, ...]], tuple[_Entry, ...]] = {}
        """How operators read shapes, by the identities of both."""
        self.max_period = min(MAX_PERIOD, max(16, MAX_PHASES // max(1, len(graph.nodes))))

    def run(self, source: Ref | None, given: Mapping[int, Fields]) -> list[Fields]:
        fields: list[Fields] = []
        viewed = views(self.graph, {*given, *(() if source is None else (source.node,))})
        for index, node in enumerate(self.graph.nodes):
            if index in given:
                fields.append(given[index])
            elif source is not None and index == source.node:
                fields.append({node.name: _start(node.outputs[source.output])})
            elif node.is_input:
                fields.append({node.name: _start(node.output)} if source is None else {})
            elif index in viewed:
                origin, view = viewed[index]
                fields.append(self.viewed(fields[origin.node], view, node.output[1:]))
            else:
                fields.append(self.fields(node, fields))
        return fields

    def viewed(self, fields: Fields, view: View, positions: Shape) -> Fields:
        """Return the fields of a view, given those of the tensor that it views."""
        return {
            name: tuple([self.axis_viewed(axis, view, positions) for axis in field]) for name, field in fields.items()
        }

    def axis_viewed(self, field: AxisField, view: View, positions: Shape) -> AxisField:
        """Return the field of a view along one axis of the input."""
        result = AxisField((), positions, (), field.aligned, field.is_unknown, field.packed)
        if field.packed and view.unpacks_channels:  # the field is that of all channels together
            if field.is_global:
                return replace(result, is_unknown=True)
            field = _as_bound(field)
        origins = [view.origins[path.axis] for path in field.paths]
        if not positions or Lost.IN_CHANNELS in origins:
            return replace(result, is_unknown=False, packed=True)
        paths: list[Path] = []
        for path, origin in zip(field.paths, origins, strict=True):
            found: Path | None
            if isinstance(origin, Window):
                axis = path.axis if origin.axis is None else origin.axis
                found = path if origin.is_pointwise else path.extended(origin, axis, self.max_period)
            else:
                found = None if isinstance(origin, Lost) else path.viewed(origin, self.max_period)
            if found is None:
                return replace(result, is_unknown=True)
            paths.append(found)
        packed = field.packed or view.packs_positions
        return replace(result, paths=tuple(paths), packed=packed)

    def fields(self, node: Node, fields: list[Fields]) -> Fields:
        """Return the fields of a node, given those of the nodes that it reads."""
        shapes = self.graph.input_shapes(node)
        key = id(node.op), tuple(map(id, shapes))  # numbers of some kinds cannot be compared
        entries = self.entries.get(key)
        if entries is None:
            entries = self.entries[key] = _entries(node, shapes)
        arriving: dict[str, list[Field]] = {}
        for ref, entry in zip(node.inputs, entries, strict=True):
            source = fields[ref.node]
            if _is_packed(source) and _mixes_channels(node, entry.shape):
                source = {name: tuple([replace(axis, packed=False) for axis in f]) for name, f in source.items()}
            keeps = entry.keeps_positions and not _has_offsets(source)
            if keeps and len(entries) == 1:
                return source
            for name, field in source.items():
                found = field if keeps else self.beyond(field, entry)
                if found is not None:
                    arriving.setdefault(name, []).append(found)
        positions = node.output[1:]
        return {name: self.union(found, positions) for name, found in arriving.items()}

    def beyond(self, field: Field, entry: _Entry) -> Field | None:
        """Return a field after one more layer; ``None`` if that sees nothing of the input."""
        axes = []
        for axis in field:
            found = self.through(axis, entry.reach, entry.positions)
            if found is None:
                return None
            axes.append(_as_bound(found) if entry.is_partial else found)
        return tuple(axes)

    def through(self, field: AxisField, reach: Reach, positions: Shape) -> AxisField | None:
        """Return the field after one more layer; ``None`` if that sees nothing of the input."""
        paths = []
        if field.is_unknown and any(window is not None for window in reach):
            return AxisField((), positions, (), field.aligned, is_unknown=True)
        for path in field.paths:
            window = reach[path.axis]
            if window is None:
                return AxisField((), positions, (), field.aligned)
            if not window.is_pointwise:
                path = path.extended(window, path.axis if window.axis is None else window.axis, self.max_period)
            if not path.is_blind:
                paths.append(path)
        if field.paths and not paths:
            return None
        result = AxisField(tuple(paths), positions, (), field.aligned, packed=field.packed)
        if len({path.axis for path in paths}) > 1 and any(path.may_have_gaps for path in paths):
            return _as_bound(result)  # see `union`
        return result

    def union(self, fields: list[Field], positions: Shape) -> Field:
        """Return the field of a layer that reads several tensors: the union of the fields through each of them."""
        first, *others = fields
        if not others:
            return first
        if all(other is first for other in others) and not any(axis.has_several_strides for axis in first):
            return first
        if len(positions) > 1 and any(path.may_have_gaps for field in fields for axis in field for path in axis.paths):
            # a unit that sees nothing along one axis sees nothing of the tensor, which a map per axis cannot express
            fields = [tuple([_as_bound(axis) for axis in field]) for field in fields]
        return tuple([self.axis_union(axes, positions) for axes in zip(*fields, strict=True)])

    def axis_union(self, fields: tuple[AxisField, ...], positions: Shape) -> AxisField:
        """Return the union of fields along one axis."""
        paths = [path for field in fields for path in field.paths]
        aligned = all(field.aligned for field in fields)
        packed = any(field.packed for field in fields)
        mixed = [field for field in fields if field.is_global]
        if mixed:
            return AxisField((), positions, (), aligned, packed=all(field.packed for field in mixed))
        if any(field.is_unknown for field in fields):
            return AxisField((), positions, (), aligned, is_unknown=True)
        united: list[Path] = []
        for path in paths:
            for index, other in enumerate(united):
                if other.is_joinable(path):
                    united[index] = other.union(path, self.max_period)
                    break
            else:
                united.append(path)
        if len(united) > MAX_PATHS:
            return AxisField((), positions, (), aligned=False, is_unknown=True)
        centres = [path.twice_centre() for path in paths]
        if len(united) == 1 and all(known_equal(centre, centres[0]) for centre in centres):
            return AxisField(tuple(united), positions, (), aligned, packed=packed)
        offsets = tuple([ratio(centre - centres[0], 2) for centre in centres])
        return AxisField(tuple(united), positions, offsets, aligned=False, packed=packed)


def _has_offsets(fields: Fields) -> bool:
    """Return whether unaligned paths join in these fields."""
    for field in fields.values():
        for axis in field:
            if axis.offsets:
                return True
    return False


def _is_packed(fields: Fields) -> bool:
    """Return whether positions lie in the channels along any axis."""
    for field in fields.values():
        for axis in field:
            if axis.packed:
                return True
    return False


def _mixes_channels(node: Node, shape: Shape) -> bool:
    """Return whether the node computes weighted sums over all channels of an input of a given shape."""
    sums = node.op.sums(shape)
    return (
        sums is not None
        and sums.per_channel
        and any(kernels.table is None and known_equal(kernels.groups, 1) for kernels in sums.kernels)
    )


def _as_bound(field: AxisField) -> AxisField:
    """Return the field with its maps marked as bounds, because they hold for some units only."""
    return replace(field, paths=tuple([path._replace(exact=False) for path in field.paths]))


def _start(shape: Shape) -> Field:
    positions = shape[1:]
    return tuple(AxisField((Path(axis, 1, (0,), (1,)),), positions) for axis in range(len(positions)))
