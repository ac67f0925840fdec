"""Receptive fields against independent witnesses: sets of positions sent through the network, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis import receptive, unit
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import PositionSet, UnitTracer, trace_back, unit_box
from archcalc.analysis.views import views
from archcalc.graph import Graph, Input, Node, Ref
from archcalc.ops.structure import Transpose
from tests.analysis.witness import CUTTING, JOINING, REORDERING, RESAMPLING, dependencies, graphs

random_graphs = settings(max_examples=80)


def units(graph: Graph, node: int) -> Any:
    return product(*(range(n) for n in graph.positions(Ref(node))))


def mask(seen: PositionSet | None, positions: tuple[int, ...]) -> Any:
    """Return a set of positions as an array of booleans."""
    found = np.zeros(positions, dtype=bool)
    for region in seen.regions if seen else ():
        places = [[i for run in runs for i in range(run.first, run.last + 1)] for runs in region]
        found[np.ix_(*places)] = True
    return found


# Random graphs -------------------------------------------------------------------------------------------------------


def assert_units_see_what_they_depend_on(graph: Graph, *, exactly: bool = True) -> None:
    truth = dependencies(graph)
    inputs = {node.name: graph.positions(Ref(index)) for index, node in enumerate(graph.nodes) if node.is_input}
    followed = exactly and all(
        view.placed.issuperset(factors) for _, view in views(graph).values() for factors in view.source
    )
    tracer = UnitTracer(graph)
    for node in range(len(graph.nodes)):
        for place in units(graph, node):
            seen = trace_back(graph, node, place, clip=True)
            remembered = tracer.back(node, place)
            assert remembered.keys() == seen.keys()
            for name, positions in inputs.items():
                if name in seen and seen[name].exact:
                    assert (mask(remembered[name], positions) == mask(seen[name], positions)).all()
                depends = truth[node].get(name)
                expected = np.zeros(positions, dtype=bool) if depends is None else depends[place].reshape(positions)
                found = mask(seen.get(name), positions)
                assert name not in seen or seen[name].number == found.sum()
                assert not (expected & ~found).any(), (node, place, name)
                if name in seen and seen[name].exact:
                    assert (found == expected).all(), (node, place, name)
            assert not followed or all(found.exact for found in seen.values())


def assert_the_closed_form_holds_what_units_see(graph: Graph) -> None:
    fields = receptive_fields(graph)
    for node in range(len(graph.nodes)):
        for place in units(graph, node):
            boxes = unit_box(graph, node, place, clip=False)
            assert set(boxes) <= set(fields[node])
            for name, field in fields[node].items():
                closed = [axis.box(place) for axis in field]
                box = boxes.get(name)
                if box is None:  # it sees nothing at all, so its window is empty along one of the axes
                    assert not all(closed) or any(not axis.is_local or not axis.exact for axis in field)
                    continue
                for axis, one, found in zip(field, closed, box, strict=True):
                    if one is not None:
                        assert one.first <= found.first <= found.last <= one.last
                        assert not axis.exact or one == found, (node, place, name)


@pytest.mark.slow
@random_graphs
@given(graphs())
def test_what_a_unit_sees_is_what_it_depends_on(graph: Graph) -> None:
    assert_units_see_what_they_depend_on(graph)


@pytest.mark.slow
@random_graphs
@given(graphs(ranks=(3,), most=4))
def test_what_a_unit_sees_is_what_it_depends_on_in_three_dimensions(graph: Graph) -> None:
    assume(max(np.prod(node.output[1:]) for node in graph.nodes) < 200)
    assert_units_see_what_they_depend_on(graph)


@pytest.mark.slow
@random_graphs
@given(graphs())
def test_the_closed_form_agrees_with_tracing_back_every_unit(graph: Graph) -> None:
    assert_the_closed_form_holds_what_units_see(graph)


@pytest.mark.slow
@random_graphs
@given(graphs(ranks=(1, 2, 3), kinds=(*REORDERING * 3, "conv", "maxpool", "relu", "slice", "upconv", *JOINING)))
def test_reordered_positions_are_followed(graph: Graph) -> None:
    assert_units_see_what_they_depend_on(graph)
    assert_the_closed_form_holds_what_units_see(graph)


@pytest.mark.slow
@random_graphs
@given(graphs(ranks=(1,), kinds=(*RESAMPLING, "conv", "slice", "padded_identity", *JOINING), most=12))
def test_the_closed_form_follows_the_phases_of_upsampling(graph: Graph) -> None:
    assert_the_closed_form_holds_what_units_see(graph)


@pytest.mark.slow
@random_graphs
@given(graphs(), st.integers(1, 4))
def test_maps_of_long_periods_are_bounded(graph: Graph, longest: int) -> None:
    with mock.patch.object(receptive, "MAX_PERIOD", longest):
        assert_the_closed_form_holds_what_units_see(graph)


@pytest.mark.slow
@random_graphs
@given(graphs(kinds=(*CUTTING, "conv", "upconv", *JOINING)), st.integers(0, 20), st.integers(1, 2))
def test_sets_of_too_many_pieces_are_bounded(graph: Graph, pieces: int, regions: int) -> None:
    with mock.patch.object(unit, "MAX_PIECES", pieces), mock.patch.object(unit, "MAX_REGIONS", regions):
        assert_units_see_what_they_depend_on(graph, exactly=False)


@pytest.mark.slow
@random_graphs
@given(graphs())
def test_sizes_are_the_smallest_and_the_largest_window_of_any_unit(graph: Graph) -> None:
    for node, fields in zip(graph.nodes, receptive_fields(graph), strict=True):
        for field in fields.values():
            for axis in field:
                if not axis.is_local:
                    continue
                hulls = [axis.box(place) for place in product(*(range(n) for n in node.output[1:]))]
                sizes = [hull.size for hull in hulls if hull is not None]
                smallest, largest = axis.sizes()
                assert smallest <= min(sizes)
                assert max(sizes) <= largest
                if len(axis.paths) == 1 and axis.exact and max(node.output[1:]) >= axis.paths[0].period:
                    covered = node.output[1 + axis.paths[0].axis] >= axis.paths[0].period
                    assert not covered or (smallest, largest) == (min(sizes), max(sizes))
                if len(axis.paths) > 1 and axis.exact:
                    assert largest == max(sizes)


def test_the_largest_window_of_upsampled_paths_along_different_axes_is_exact() -> None:
    graph = archcalc.load("1x6x1 -> upsample 2x1 nearest -> add(transpose 0x2x1, identity)").graph
    axis = receptive_fields(graph)[-1]["input"][0]
    assert len(axis.paths) == 2
    assert axis.sizes() == (1, 6)


@pytest.mark.slow
@random_graphs
@given(graphs(), st.data())
def test_from_another_layer_the_fields_are_those_of_the_rest_of_the_network(graph: Graph, data: st.DataObject) -> None:
    source = data.draw(st.integers(0, len(graph.nodes) - 1))
    shape = graph.nodes[source].output
    cut = Node("source", Input(shape), (), (shape,), ("source",))
    others = [  # the other inputs contribute nothing: they stay inputs under names of their own
        node if index != source else cut for index, node in enumerate(graph.nodes)
    ]
    rest = Graph("rest", tuple(others), graph.outputs)
    assume(rest.feature_axes == graph.feature_axes)  # an input does not tell where the reordered source had features
    whole, part = receptive_fields(graph, source=Ref(source)), receptive_fields(rest)
    name = graph.nodes[source].name
    for node in range(len(graph.nodes)):
        for place in units(graph, node):
            found = trace_back(graph, node, place, clip=True, source=Ref(source))
            expected = trace_back(rest, node, place, clip=True)
            assert found.get(name) == expected.get("source")
            closed, again = whole[node].get(name), part[node].get("source")
            assert (closed is None) == (again is None)
            if closed is not None and again is not None:
                assert [axis.box(place) for axis in closed] == [axis.box(place) for axis in again]


# Gradients -----------------------------------------------------------------------------------------------------------


def gradients(graph: Graph, node: int, torch: Any) -> dict[str, Any]:
    """Return where each unit of a node's output has a derivative with respect to the inputs, as units × positions."""
    generator = torch.Generator().manual_seed(len(graph.nodes))

    def positive(*shape: int) -> Any:
        return torch.rand(*shape, dtype=torch.float64, generator=generator) + 0.5

    tensors: list[Any] = []
    for here in graph.nodes[: node + 1]:
        if here.is_input:
            tensors.append(positive(1, *here.output).requires_grad_())
        else:
            tensors.append(run_torch(here, [tensors[ref.node] for ref in here.inputs], positive, torch))
    given = {here.name: tensors[index] for index, here in enumerate(graph.nodes) if here.is_input}
    found: dict[str, list[Any]] = {name: [] for name in given}
    result = tensors[node]
    mixed = (result * positive(*result.shape)).sum(dim=(0, 1))
    for place in units(graph, node):
        slopes = torch.autograd.grad(mixed[place], list(given.values()), retain_graph=True, allow_unused=True)
        for name, slope in zip(given, slopes, strict=True):
            tensor = torch.zeros_like(given[name]) if slope is None else slope
            found[name].append((tensor.abs() > 1e-10).any(dim=1)[0].numpy())
    return {name: np.array(rows).reshape(*graph.nodes[node].output[1:], *rows[0].shape) for name, rows in found.items()}


def run_torch(node: Node, given: list[Any], positive: Callable[..., Any], torch: Any) -> Any:
    functional, values, name = torch.nn.functional, node.op.attributes(), node.op.name
    first = given[0]
    rank = first.ndim - 2
    if name in ("conv", "dwconv", "maxpool"):
        pad = pads_of(node, first)
        value = float("-inf") if name == "maxpool" else 0.0
        padded = functional.pad(first, [max(side, 0) for pair in reversed(pad) for side in pair], value=value)
        for axis, (_, after) in enumerate(pad, start=2):  # the positions that no window reaches
            padded = padded.narrow(axis, 0, padded.shape[axis] + min(after, 0))
        stride = values["stride"] or values["kernel"]
        if name == "maxpool":
            pool = getattr(functional, f"max_pool{rank}d")
            return pool(padded, values["kernel"], stride, dilation=values["dilation"])
        groups = 1 if name == "conv" else first.shape[1]
        weight = positive(node.output[0], first.shape[1] // groups, *values["kernel"])
        convolve = getattr(functional, f"conv{rank}d")
        return convolve(padded, weight, stride=stride, dilation=values["dilation"], groups=groups)
    if name == "upconv":
        weight = positive(first.shape[1], node.output[0], *values["kernel"])
        full = getattr(functional, f"conv_transpose{rank}d")(
            first, weight, stride=values["stride"], dilation=values["dilation"]
        )
        for axis, ((before, _), n) in enumerate(zip(values["pad"], node.output[1:], strict=True), start=2):
            full = functional.pad(full, [0, 0] * (rank + 1 - axis) + [0, max(0, before + n - full.shape[axis])])
            full = full.narrow(axis, before, n)
        return full
    if name == "upsample":
        if values["mode"] == "nearest":
            return functional.interpolate(first, size=node.output[1:], mode="nearest")
        mode = {1: "linear", 2: "bilinear"}[rank]
        return functional.interpolate(first, size=node.output[1:], mode=mode, align_corners=values["align_corners"])
    if name == "adaptive_avgpool":
        return getattr(functional, f"adaptive_avg_pool{rank}d")(first, values["size"])
    if name in ("pad", "crop"):
        sign = 1 if name == "pad" else -1
        return functional.pad(first, [sign * side for pair in reversed(values["margin"]) for side in pair])
    if name == "reshape":
        return first.reshape(1, *values["shape"])
    if name == "transpose":
        return first.permute(0, *(1 + axis for axis in values["order"]))
    if name in ("slice", "split"):
        axis = values["axis"] % (rank + 1) + 1
        if name == "split":
            return first.chunk(values["parts"], dim=axis)[values["part"]]
        start, stop = values["range"]
        return first[(slice(None),) * axis + (slice(start, stop, values["step"]),)]
    if name == "gap":
        return first.mean(dim=tuple(range(2, 2 + rank)), keepdim=True)
    if name == "relu":
        return functional.softplus(first)  # no dead units
    if name == "add":
        return sum(given[1:], start=first)
    return torch.cat(given, dim=values["axis"] % (rank + 1) + 1)


def pads_of(node: Node, first: Any) -> list[tuple[int, int]]:
    """Return the zeros that a sliding layer really needs on either side, from the size of its output."""
    values = node.op.attributes()
    rows = []
    for axis, (n, m) in enumerate(zip(first.shape[2:], node.output[1:], strict=True)):
        k, d = values["kernel"][axis], values["dilation"][axis]
        s = k if values["stride"] is None else values["stride"][axis]
        reach = d * (k - 1) + 1
        if values["pad"] == "same":
            before = max((m - 1) * s + reach - n, 0) // 2
        else:
            before = (reach - 1) // 2 if values["pad"] == "half" else values["pad"][axis][0]
        rows.append((before, (m - 1) * s + reach - n - before))
    return rows


LINEAR = ("conv", "dwconv", *RESAMPLING, "pad", "crop", "slice", "split", "transpose", "gap", "relu", "add", "add")


@pytest.mark.torch
@settings(random_graphs, max_examples=80)
@given(graphs(kinds=LINEAR))
def test_a_unit_has_gradients_exactly_where_it_sees(graph: Graph) -> None:
    torch = pytest.importorskip("torch")
    node = len(graph.nodes) - 1
    # channels are not followed: what became channels and positions again is counted as mixed
    assume(all(one.op.order[0] == 0 for one in graph.nodes if isinstance(one.op, Transpose)))
    found = gradients(graph, node, torch)
    for place in units(graph, node):
        seen = trace_back(graph, node, place, clip=True)
        for name, shape in graph.inputs.items():
            assert (mask(seen.get(name), shape[1:]) == found[name][place]).all(), (place, name)


@pytest.mark.torch
@settings(random_graphs, max_examples=80)
@given(graphs(kinds=(*LINEAR, "maxpool", "maxpool", "maxpool")))
def test_a_unit_has_no_gradient_where_it_does_not_see(graph: Graph) -> None:
    torch = pytest.importorskip("torch")
    assume(not any(graph.feature_axes))  # gradients are summed over the first axis
    node = len(graph.nodes) - 1
    found = gradients(graph, node, torch)
    for place in units(graph, node):
        seen = trace_back(graph, node, place, clip=True)
        for name, shape in graph.inputs.items():
            assert not (found[name][place] & ~mask(seen.get(name), shape[1:])).any(), (place, name)
