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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from archcalc.analysis.fields import AxisField, Field, Fields
from archcalc.analysis.paths import MAX_PERIOD, Path
from archcalc.analysis.views import MixedViews, views
from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import Number, known_equal, ratio
from archcalc.ops.base import Shape, Shapes
from archcalc.ops.view import Correspondence, NoOrigin, View
from archcalc.ops.window import Window

MAX_PHASES = 4_000_000
"""The maximum number of phases of all layers together: the maximal period is shorter for deep networks (but at least
16)."""
MAX_PATHS = 8
"""The maximum number of paths of different strides in one field; with more, the field is reported as unknown."""


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

    seen: Sequence[tuple[int, Window | None]]
    """The axes of the input that are positions, each with what the layer sees of it."""
    place: Mapping[int, int]
    """The index among the layer's axes of positions, by axis."""
    positions: Shape
    """The sizes of the layer's axes of positions."""
    is_partial: bool
    """Whether only some output positions see this input."""
    keeps_positions: bool
    """Whether every output position is known to see exactly its own input position."""
    mixes_features: bool
    """Whether the layer computes weighted sums over all features of the input."""


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.alike = graph.alike_in_features
        self.max_period = min(MAX_PERIOD, max(16, MAX_PHASES // max(1, len(graph.nodes))))
        self.entries: dict[tuple[int, int], tuple[tuple[_Entry, ...], bool]] = {}
        """How layers that are alike read their inputs, by the first of them and the output; see `_Pass.entries_of`."""
        self.joins: dict[int, tuple[Fields, tuple[bool, bool]]] = {}
        """Whether unaligned paths and paths of several strides have joined in fields, by the identity of the fields."""
        self.source: Ref | None = None
        self.further: dict[Ref, Fields] = {}
        """The fields of outputs after the first of their layer, once they have been read."""

    def run(self, source: Ref | None, given: Mapping[int, Fields]) -> list[Fields]:
        self.source = source
        fields: list[Fields] = []
        mixed = MixedViews(self.graph)
        viewed = views(self.graph, {*given, *(() if source is None else (source.node,))})
        for index, node in enumerate(self.graph.nodes):
            if index in given:
                fields.append(given[index])
            elif source is not None and index == source.node:
                fields.append({node.name: _start(self.graph.positions(source))})
            elif not node.inputs and node.is_input:
                fields.append({node.name: _start(self.graph.positions(Ref(index)))} if source is None else {})
            elif index in viewed:
                fields.append(self.viewed(index, *viewed[index], fields))
            else:
                fields.append(self.fields(index, 0, fields))
            found = mixed.of(index, fields) if mixed.found or node.op.reorders else None
            if found is not None and _is_unknown(fields[index]):
                fields[index] = _known(fields[index], self.viewed(index, *found, fields))
        return fields

    def of(self, ref: Ref, fields: list[Fields]) -> Fields:
        """Return the fields of a tensor, given those of the (first) outputs of all nodes before its reader."""
        index, output = ref
        if self.source is not None and index == self.source.node:
            return fields[index] if ref == self.source else {}
        if not output:
            return fields[index]
        if ref not in self.further:
            self.further[ref] = self.fields(index, output, fields)
        return self.further[ref]

    def viewed(self, index: int, origin: Ref, view: View, fields: list[Fields]) -> Fields:
        """Return the fields of a node that views a tensor, given those of the nodes before it."""
        positions = self.graph.positions(Ref(index))
        matched = view.between(self.graph.features_of(origin), self.graph.features_of(Ref(index)))
        return {
            name: tuple([self.axis_viewed(axis, matched, positions) for axis in field])
            for name, field in self.of(origin, fields).items()
        }

    def axis_viewed(self, field: AxisField, view: Correspondence, positions: Shape) -> AxisField:
        """Return the field of a view along one axis of the input."""
        result = AxisField((), positions, (), field.aligned, field.is_unknown, field.packed)
        if field.packed and view.unpacks_features:  # the field is that of all features together
            if field.is_global:
                return replace(result, is_unknown=True)
            field = _as_bound(field)
        origins = [view.origins[path.axis] for path in field.paths]
        if not positions or NoOrigin.IN_FEATURES in origins:
            return replace(result, is_unknown=False, packed=True)
        paths: list[Path] = []
        for path, origin in zip(field.paths, origins, strict=True):
            found: Path | None
            if isinstance(origin, Window):
                axis = path.axis if origin.axis is None else origin.axis
                found = path if origin.is_pointwise else path.extended(origin, axis, self.max_period)
            else:
                found = None if isinstance(origin, NoOrigin) else path.viewed(origin, self.max_period)
            if found is None:
                return replace(result, is_unknown=True)
            paths.append(found)
        packed = field.packed or view.packs_positions
        return replace(result, paths=tuple(paths), packed=packed, from_start=field.from_start, wraps=field.wraps)

    def fields(self, index: int, output: int, fields: list[Fields]) -> Fields:
        """Return the fields of an output of a node, given those of the nodes that it reads."""
        entries, keep_positions = self.entries_of(index, output)
        sources = [self.of(ref, fields) for ref in self.graph.nodes[index].inputs]
        if keep_positions and sources and self.is_single(sources):
            return _as_read(sources[0], entries[0])
        arriving: dict[str, list[Field]] = {}
        for source, entry in zip(sources, entries, strict=True):
            keeps = entry.keeps_positions and not self.joins_in(source)[0]
            for name, field in _as_read(source, entry).items():
                found = field if keeps else self.beyond(field, entry)
                if found is not None:
                    arriving.setdefault(name, []).append(found)
        return {name: self.union(found, entries[0].positions) for name, found in arriving.items()}

    def is_single(self, sources: list[Fields]) -> bool:
        """Return whether a layer that keeps the positions of tensors with these fields has the fields of the first.

        They all have the same ones, no unaligned paths have joined, and no paths of several strides join again.
        """
        first = sources[0]
        has_offsets, has_several_strides = self.joins_in(first)
        if has_offsets or len(sources) == 1:
            return not has_offsets
        return not has_several_strides and all(source is first for source in sources)

    def joins_in(self, fields: Fields) -> tuple[bool, bool]:
        """Return whether unaligned paths and paths of several strides have joined in fields."""
        found = self.joins.get(id(fields))
        if found is None:
            found = self.joins[id(fields)] = fields, (_has_offsets(fields), _has_several_strides(fields))
        return found[1]

    def entries_of(self, index: int, output: int) -> tuple[tuple[_Entry, ...], bool]:
        """Return how an output of a layer reads its inputs, and whether it keeps the positions of all of them."""
        key = self.alike[index], output
        found = self.entries.get(key)
        if found is None:
            node = self.graph.nodes[index]
            entries = self.new_entries(Ref(index, output), node, self.graph.input_shapes(node))
            found = self.entries[key] = entries, all(entry.keeps_positions for entry in entries)
        return found

    def new_entries(self, made: Ref, node: Node, shapes: Shapes) -> tuple[_Entry, ...]:
        """Return how an output of a layer reads its inputs."""
        graph = self.graph
        axes = graph.position_axes(made)
        positions = graph.positions(made)
        place = {axis: position for position, axis in enumerate(axes)}
        entries = []
        for ref, shape, reach in zip(node.inputs, shapes, node.op.windows_of(made.output, shapes), strict=True):
            own = graph.position_axes(ref)
            seen = [(axis, reach[axis]) for axis in own]
            same = tuple(axes) == tuple(own) and all(map(known_equal, graph.positions(ref), positions))
            entries.append(
                _Entry(
                    seen,
                    place,
                    positions,
                    is_partial=any(window is not None and window.outputs is not None for _, window in seen),
                    keeps_positions=same and all(window is not None and window.is_pointwise for _, window in seen),
                    mixes_features=_mixes_features(node, shape, graph.features_of(ref)),
                )
            )
        return tuple(entries)

    def beyond(self, field: Field, entry: _Entry) -> Field | None:
        """Return a field after one more layer; ``None`` if that sees nothing of the input."""
        axes = []
        for axis in field:
            found = self.through(axis, entry)
            if found is None:
                return None
            axes.append(_as_bound(found) if entry.is_partial else found)
        return tuple(axes)

    def through(self, field: AxisField, entry: _Entry) -> AxisField | None:
        """Return the field after one more layer; ``None`` if that sees nothing of the input."""
        paths = []
        seen = entry.seen
        positions, aligned = entry.positions, field.aligned
        if field.is_unknown and any(window is not None for _, window in seen):
            return AxisField((), positions, (), aligned, is_unknown=True)
        from_start, wraps = field.from_start, field.wraps
        for path in field.paths:
            axis, window = seen[path.axis]
            if window is None:
                return AxisField((), positions, (), aligned)
            own = entry.place.get(axis if window.axis is None else window.axis)
            if own is None or not window.known:  # positions that become features without being reordered
                return AxisField((), positions, (), aligned, is_unknown=True)
            from_start = from_start or window.from_start
            wraps = wraps or window.border == "circular"
            if not window.is_pointwise or own != path.axis:
                path = path.extended(window, own, self.max_period)
            if not path.is_blind:
                paths.append(path)
        if field.paths and not paths:
            return None
        if from_start and wraps:
            return AxisField((), positions, (), aligned, is_unknown=True)
        result = AxisField(
            tuple(paths), positions, (), aligned, packed=field.packed, from_start=from_start, wraps=wraps
        )
        if len(paths) > 1 and len({path.axis for path in paths}) > 1 and any(path.may_have_gaps for path in paths):
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
        from_start = any(field.from_start for field in fields)
        wraps = any(field.wraps for field in fields)
        mixed = [field for field in fields if field.is_global]
        if mixed:
            return AxisField((), positions, (), aligned, packed=all(field.packed for field in mixed))
        if any(field.is_unknown for field in fields) or (from_start and wraps):
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
            offsets = tuple[Number, ...]()
        else:
            offsets, aligned = tuple([ratio(centre - centres[0], 2) for centre in centres]), False
        return AxisField(tuple(united), positions, offsets, aligned, False, packed, from_start, wraps)


def _is_unknown(fields: Fields) -> bool:
    """Return whether some field is unknown along some axis."""
    return any(axis.is_unknown for field in fields.values() for axis in field)


def _known(fields: Fields, others: Fields) -> Fields:
    """Return fields with those of others where they are unknown."""
    return {
        name: tuple([b if a.is_unknown else a for a, b in zip(field, others[name], strict=True)])
        for name, field in fields.items()
    }


def _has_offsets(fields: Fields) -> bool:
    """Return whether unaligned paths join in these fields."""
    for field in fields.values():
        for axis in field:
            if axis.offsets:
                return True
    return False


def _has_several_strides(fields: Fields) -> bool:
    """Return whether windows of different strides have met in any of these fields."""
    return any(axis.has_several_strides for field in fields.values() for axis in field)


def _as_read(fields: Fields, entry: _Entry) -> Fields:
    """Return the fields of a tensor as its reader finds them."""
    if entry.mixes_features and _is_packed(fields):
        return {name: tuple([replace(axis, packed=False) for axis in field]) for name, field in fields.items()}
    return fields


def _is_packed(fields: Fields) -> bool:
    """Return whether positions lie in the features along any axis."""
    for field in fields.values():
        for axis in field:
            if axis.packed:
                return True
    return False


def _mixes_features(node: Node, shape: Shape, features: int | None) -> bool:
    """Return whether the node computes weighted sums over all features of an input of a given shape."""
    sums = node.op.sums(shape)
    return (
        sums is not None
        and features == (len(shape) - 1 if node.op.reads_features == "last" else 0)
        and any(kernels.table is None and known_equal(kernels.groups, 1) for kernels in sums.kernels)
    )


def _as_bound(field: AxisField) -> AxisField:
    """Return the field with its maps marked as bounds, because they hold for some units only."""
    return replace(field, paths=tuple([path._replace(exact=False) for path in field.paths]))


def _start(positions: Shape) -> Field:
    return tuple(AxisField((Path(axis, 1, (0,), (1,)),), positions) for axis in range(len(positions)))
