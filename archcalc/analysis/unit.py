"""The input positions that one unit sees: sets of positions, propagated backwards from the unit to the inputs.

This is exact where the closed form of `archcalc.analysis.receptive` is only a bound: at borders (padding contains no
input), between the taps of dilated kernels, and where tensors are sliced and concatenated. A set of positions is a
union of *regions*; a region is a product of *runs* (sets of intervals), one per axis. Nearly always it is one box. If
the input of a unit would be scattered over too many pieces, gaps are filled, and ``exact`` is false in the result.

Features are not distinguished: a unit has all of them, and every layer is assumed to mix all features that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from archcalc.analysis.intervals import Box, Interval, Region, Runs, added, bordered, clipped, count, union
from archcalc.analysis.views import views
from archcalc.graph import Graph, Ref
from archcalc.ops.view import View
from archcalc.ops.window import Window

MAX_REGIONS = 32
"""The maximum number of regions of one tensor; if there are more, they are replaced by one region that contains them.
"""
MAX_PIECES = 2_000_000
"""The maximum number of intervals that one trace handles individually; beyond, gaps are filled."""


class PositionSet(NamedTuple):
    """The positions of a tensor that a unit depends on: a union of regions."""

    regions: tuple[Region, ...]
    exact: bool = True
    """False if they may include positions that the unit does not depend on."""

    @property
    def box(self) -> Box:
        """The smallest box that contains them."""
        columns = zip(*self.regions, strict=True)
        return tuple(Interval(min(r[0].first for r in runs), max(r[-1].last for r in runs)) for runs in columns)

    @property
    def number(self) -> int:
        """The number of positions, gaps left out."""
        return count(self.regions)

    def along(self, axis: int) -> Runs:
        """Return the positions of one axis that occur in the set."""
        return union(run for region in self.regions for run in region[axis])

    def union(self, other: PositionSet) -> PositionSet:
        """Return the union of both sets."""
        regions = list(self.regions)
        for region in other.regions:
            regions = added(regions, region)
        if len(regions) <= MAX_REGIONS:
            return PositionSet(tuple(regions), self.exact and other.exact)
        around = tuple(union(run for runs in axis for run in runs) for axis in zip(*regions, strict=True))
        return PositionSet((around,), exact=False)


@dataclass(frozen=True, slots=True)
class UnitField:
    """What one unit sees of every input that it depends on."""

    layer: str
    unit: tuple[int, ...]
    windows: dict[str, Box]
    """The windows before clipping: they extend beyond the borders of every tensor, as in the closed form."""
    seen: dict[str, Box]
    """The smallest box around the positions that the unit depends on. Inputs that it does not depend on are absent."""
    positions: dict[str, PositionSet]
    """The positions themselves: dilated kernels and strides leave out some of the box (gridding)."""
    exact: bool
    """Whether ``seen`` is exact rather than a bound (see `PositionSet`)."""


def unit_field(graph: Graph, node: int, unit: tuple[int, ...], *, source: Ref | None = None) -> UnitField:
    """Return what one unit sees, before and after clipping at the borders; arguments are those of `trace_back`.

    Raises:
        ValueError: the layer has no such unit; the message gives the reason.
    """
    layer = graph.nodes[node]
    positions = graph.positions(Ref(node))
    if not positions:
        raise ValueError(f"the output of '{layer.name}' is a vector: its units have no position")
    if len(unit) != len(positions):
        coordinates = "one coordinate" if len(positions) == 1 else f"{len(positions)} coordinates"
        raise ValueError(f"a unit of '{layer.name}' must have {coordinates}, got {len(unit)}")
    for place, size in zip(unit, positions, strict=True):
        if not 0 <= place < size:
            raise ValueError(f"position {place} is outside '{layer.name}', whose positions are 0 to {size - 1}")
    seen = trace_back(graph, node, unit, clip=True, source=source)
    return UnitField(
        layer=layer.name,
        unit=unit,
        windows=unit_box(graph, node, unit, clip=False, source=source),
        seen={name: positions.box for name, positions in seen.items()},
        positions=seen,
        exact=all(positions.exact for positions in seen.values()),
    )


def unit_box(
    graph: Graph, node: int, unit: tuple[int, ...], *, clip: bool, source: Ref | None = None
) -> dict[str, Box]:
    """Return the smallest box around what one unit sees, per input; arguments are those of `trace_back`."""
    seen = trace_back(graph, node, unit, clip=clip, source=source)
    return {name: positions.box for name, positions in seen.items()}


def trace_back(
    graph: Graph, node: int, unit: tuple[int, ...], *, clip: bool, source: Ref | None = None
) -> dict[str, PositionSet]:
    """Return the input positions that one unit depends on, in one pass from the unit to the inputs.

    Args:
        graph: a graph of plain sizes.
        node: the index of the layer.
        unit: the position of the unit, one index per axis of positions.
        clip: whether to clip at the borders of every tensor, since padding contains no input; without clipping, windows
            extend beyond the borders as in the closed form.
        source: a tensor to stop at instead of the inputs.

    Returns:
        The positions by the name of the input (or of the node of ``source``), for those that the unit depends on.
    """
    return _Trace(graph, clip, _views(graph, source)).back(Ref(node), _only(unit), source)


def boxes_on_path(
    graph: Graph, node: int, unit: tuple[int, ...], *, source: Ref | None = None
) -> list[tuple[int, Box]]:
    """Return the layers that one unit depends on, in graph order, with the box around what the unit sees of each."""
    trace = _Trace(graph, True, _views(graph, source))
    trace.back(Ref(node), _only(unit), source)
    return [(index, seen.box) for index, seen in reversed(trace.passed)]


def _views(graph: Graph, source: Ref | None) -> dict[int, tuple[Ref, View]]:
    return views(graph, () if source is None else (source.node,))


def _only(unit: Sequence[int]) -> PositionSet:
    """Return the set that holds one position."""
    return PositionSet((tuple([(Interval(place, place),) for place in unit]),))


class UnitTracer:
    """Traces many units of one graph back, clipped at the borders of every tensor.

    It remembers what units and whole tensors see. Where a unit depends on all of a tensor, as after attention, its
    trace ends.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.views = views(graph)
        self.whole: dict[Ref, dict[str, PositionSet]] = {}
        self.next = 0
        """The index of the first node of whose tensors it is not known yet what they see."""
        self.found: dict[tuple[int, tuple[int, ...]], dict[str, PositionSet]] = {}
        """What units see that were traced before."""

    def back(self, node: int, unit: tuple[int, ...]) -> dict[str, PositionSet]:
        """Return the input positions that one unit depends on, as `trace_back` does."""
        if (node, unit) in self.found:
            return self.found[node, unit]
        while self.next < node:
            for made in self.graph.made_by(self.next):
                full = PositionSet((tuple([(Interval(0, n - 1),) for n in self.graph.positions(made)]),))
                self.whole[made] = self._trace(made, full)
            self.next += 1
        self.found[node, unit] = self._trace(Ref(node), _only(unit))
        return self.found[node, unit]

    def _trace(self, start: Ref, positions: PositionSet) -> dict[str, PositionSet]:
        return _Trace(self.graph, True, self.views, self.whole).back(start, positions, None)


class _Trace:
    def __init__(
        self,
        graph: Graph,
        clip: bool,
        viewed: Mapping[int, tuple[Ref, View]],
        whole: Mapping[Ref, dict[str, PositionSet]] | None = None,
    ) -> None:
        self.graph = graph
        self.clip = clip
        self.views = viewed
        self.whole = whole or {}
        """What whole tensors see, of those of which it is known."""
        self.pieces_left = MAX_PIECES
        self.passed: list[tuple[int, PositionSet]] = []

    def back(self, start: Ref, positions: PositionSet, source: Ref | None) -> dict[str, PositionSet]:
        nodes, viewed = self.graph.nodes, self.views
        wanted = {start: positions}
        found: dict[str, PositionSet] = {}
        for index in range(start.node, -1 if source is None else source.node - 1, -1):
            if not wanted:
                break
            here = nodes[index]
            if source is not None and index == source.node:
                if source in wanted:
                    found[here.name] = wanted[source]
                break
            arrived = {made: wanted.pop(made) for made in self.graph.made_by(index) if made in wanted}
            if Ref(index) in arrived:
                self.passed.append((index, arrived[Ref(index)]))
            if here.is_input:
                if source is None and arrived:
                    _unite(found, {here.name: arrived[Ref(index)]})
                continue
            for made, seen in arrived.items():
                if made in self.whole and seen.exact and seen.number == prod(self.graph.positions(made)):
                    _unite(found, self.whole[made])
                    continue
                read = self.viewed(made, seen, *viewed[index]) if index in viewed else self.read(made, seen)
                for ref, before in read:
                    wanted[ref] = wanted[ref].union(before) if ref in wanted else before
        return found

    def read(self, made: Ref, seen: PositionSet) -> Iterator[tuple[Ref, PositionSet]]:
        """Yield the tensors that positions of an output of a layer see, with what they see of each."""
        here = self.graph.nodes[made.node]
        shapes = self.graph.input_shapes(here)
        place = {axis: position for position, axis in enumerate(self.graph.position_axes(made))}
        for ref, shape, reach in zip(here.inputs, shapes, here.op.windows_of(made.output, shapes), strict=True):
            axes = [(axis, shape[axis], reach[axis]) for axis in self.graph.position_axes(ref)]
            backward = self.backward(seen, axes, place)
            if backward is not None:
                yield ref, backward

    def backward(
        self, seen: PositionSet, reach: Sequence[tuple[int, int, Window | None]], place: Mapping[int, int]
    ) -> PositionSet | None:
        """Return what positions of the output of a layer see of one of its inputs; ``None`` if they see nothing.

        Args:
            seen: the positions of the output.
            reach: the axes of the input that are positions, each with its size and what the layer sees of it.
            place: the index among the output's axes of positions, by axis.
        """
        result: PositionSet | None = None
        for region in seen.regions:
            exact = seen.exact
            axes: list[Runs] = []
            for axis, size, window in reach:
                runs: Runs
                own = None if window is None else place.get(axis if window.axis is None else window.axis)
                if window is None or own is None or not window.known:
                    runs = (Interval(0, size - 1),)
                    exact = exact and window is None
                else:
                    runs, kept = self.through(window, region[own])
                    exact = exact and kept
                if self.clip:
                    runs = bordered(runs, window.border if window is not None else "zeros", size)
                axes.append(runs)
            if all(axes):
                one = PositionSet((tuple(axes),), exact)
                result = one if result is None else result.union(one)
        return result

    def viewed(self, made: Ref, seen: PositionSet, ref: Ref, view: View) -> Iterator[tuple[Ref, PositionSet]]:
        """Yield the source of a view, with what positions of the view see of it."""
        before = self.before_view(seen, view, ref, made)
        if before is not None:
            yield ref, before

    def before_view(self, seen: PositionSet, view: View, ref: Ref, made: Ref) -> PositionSet | None:
        """Return what positions of a view see of its source; ``None`` if they see nothing."""
        result: PositionSet | None = None
        for region in seen.regions:
            for digits, kept in self.digits(view, region, self.graph.position_axes(made)):
                axes: list[Runs] = []
                exact = seen.exact and kept
                for axis, size in zip(self.graph.position_axes(ref), self.graph.positions(ref), strict=True):
                    runs, kept = self.composed(view, view.source[axis], digits)
                    axes.append(clipped(runs, 0, size - 1) if self.clip else runs)
                    exact = exact and kept
                if all(axes):
                    one = PositionSet((tuple(axes),), exact)
                    result = one if result is None else result.union(one)
        return result

    def digits(self, view: View, region: Region, axes: Sequence[int]) -> Iterator[tuple[dict[int, Runs], bool]]:
        """Yield a region as products of digit sets, one per factor of its axes, each with whether it is exact."""
        choices: list[dict[int, Runs]] = [{}]
        for runs, axis in zip(region, axes, strict=True):
            factors = view.axes[axis]
            sizes = [view.sizes[factor] for factor in factors]
            if len(sizes) == 1:
                parts: list[tuple[Runs, ...]] = [(runs,)]
            else:
                parts = [part for run in runs for part in _digits(run, sizes)]
            self.pieces_left -= len(choices) * len(parts)
            if self.pieces_left < 0:
                yield {}, False
                return
            choices = [{**choice, **dict(zip(factors, part, strict=True))} for choice in choices for part in parts]
        for choice in choices:
            yield choice, True

    def composed(self, view: View, factors: tuple[int, ...], digits: Mapping[int, Runs]) -> tuple[Runs, bool]:
        """Return the positions of an axis with given digits (any for factors without), and whether that is exact."""
        exact = True
        result: Runs = (Interval(0, 0),)
        for factor in factors:
            size = view.sizes[factor]
            exact = exact and factor in view.placed
            runs = digits.get(factor, (Interval(0, size - 1),))
            if len(runs) == 1 and runs[0].size >= size:
                ((first, last),) = runs
                result = union(Interval(run.first * size + first, run.last * size + last) for run in result)
                continue
            self.pieces_left -= sum(run.size for run in result) * len(runs)
            if self.pieces_left < 0:
                around = Interval(result[0].first * size + runs[0].first, result[-1].last * size + runs[-1].last)
                result, exact = (around,), False
                continue
            outer = [digit for run in result for digit in range(run.first, run.last + 1)]
            result = union(Interval(d * size + run.first, d * size + run.last) for d in outer for run in runs)
        return result, exact

    def through(self, window: Window, runs: Runs) -> tuple[Runs, bool]:
        """Return what a set of output positions sees through a window, and whether the result is exact."""
        if window.outputs is not None:
            runs = clipped(runs, *window.outputs)
            if not runs:
                return (), True
        if window.from_start:
            end = window.positions(runs[-1].last)
            return ((Interval(0, end[-1]),) if end else ()), True
        up, stride = window.up, window.stride
        places = window.size + up - 1
        dilation = window.dilation if places > 1 else 1
        taps = (places - 1) // dilation + 1
        offset = -window.padding - up + 1

        def dense(first: int, last: int) -> bool:
            """Return whether the windows of a run of outputs cover their extent without gaps."""
            if dilation > 1:
                return stride == 1 and last - first + 1 >= dilation
            return stride <= places or first == last

        def around(first: int, last: int) -> Interval:
            """Return the positions from the start of the first window to the end of the last one."""
            return Interval(-(-(stride * first + offset) // up), (stride * last + offset + places - 1) // up)

        if len(runs) == 1 and dense(*runs[0]):
            only = around(*runs[0])
            return ((only,) if only else ()), True
        pieces: list[Interval] = []
        scattered = [run for run in runs if not dense(*run)]
        self.pieces_left -= len(runs) + sum(taps if dilation > 1 and stride == 1 else r.size * taps for r in scattered)
        if self.pieces_left < 0:
            return union([around(runs[0].first, runs[-1].last)]), False
        for first, last in runs:
            if dense(first, last):
                pieces.append(around(first, last))
            elif dilation == 1:
                pieces += [around(i, i) for i in range(first, last + 1)]
            elif stride == 1:  # from one output to the next, each tap moves by one place
                places_of_taps = range(first + offset, first + offset + places, dilation)
                pieces += [Interval(-(-x // up), (x + last - first) // up) for x in places_of_taps]
            else:
                pieces += [Interval(j, j) for i in range(first, last + 1) for j in window.positions(i)]
        return union(pieces), True


def _unite(found: dict[str, PositionSet], more: Mapping[str, PositionSet]) -> None:
    """Add sets of positions to those that have been found, by the name of the input."""
    for name, seen in more.items():
        found[name] = found[name].union(seen) if name in found else seen


def _digits(run: Interval, sizes: Sequence[int]) -> list[tuple[Runs, ...]]:
    """Return the digits of a run of numbers, as products of sets; the first digit is not bounded by a size."""
    if not sizes:
        return [()]
    if len(sizes) == 1:
        return [((run,),)]
    inner = prod(sizes[1:])
    (first, begin), (last, end) = divmod(run.first, inner), divmod(run.last, inner)
    if first == last:
        return [((Interval(first, first),), *rest) for rest in _digits(Interval(begin, end), sizes[1:])]
    parts: list[tuple[Runs, ...]] = []
    if begin > 0:
        parts += [((Interval(first, first),), *rest) for rest in _digits(Interval(begin, inner - 1), sizes[1:])]
        first += 1
    if end < inner - 1:
        parts += [((Interval(last, last),), *rest) for rest in _digits(Interval(0, end), sizes[1:])]
        last -= 1
    if first <= last:
        parts.append(((Interval(first, last),), *((Interval(0, size - 1),) for size in sizes[1:])))
    return parts
