"""A sweep gives for every configuration what reading and analysing it alone gives."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.graph import ordered
from archcalc.numeric import is_plain
from archcalc.numeric.progressions import progression
from archcalc.query import sweep as sweeps
from archcalc.query.grid import GridAxis
from archcalc.query.quantities import SUMS
from archcalc.query.sweep import SweepBlock, sweep
from archcalc.spec import GivenSettings, Limits, Source, SpecError, load_spec, read_spec
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from tests.query.sweeping import blocks, loop, question
from tests.random_networks import networks
from tests.sample import SAMPLE


def check(
    source: Source, axes: Mapping[str, Sequence[Any]], places: Sequence[str] = (), *, inline: bool = False
) -> int:
    """Compare a sweep with the loop, totals and layers; returns how many configurations are possible."""
    names = [*SUMS, "layers", "shape", "memory", "peak", *(f"{place}.{name}" for place in places for name in SUMS)]
    names += [f"{place}.shape" for place in places]
    found = blocks(question(source, names, inline=inline), axes)
    table: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for block in found:
        for row in zip(*(column.tolist() for column in block.columns or ()), strict=True):
            table[row[: len(axes)]] = row[len(axes) :]
    impossible = 0
    for values, analysis in loop(source, axes, inline=inline):
        if isinstance(analysis, SpecError) or any(analysis.graph.find(place) is None for place in places):
            impossible += 1
            assert values not in table, f"{values} is impossible, or has no such layer: {analysis}"
        else:
            assert dict(zip(names, table[values], strict=True)) == expected(analysis, names), values
    assert sum(block.total for block in found) == len(table) + impossible
    assert sum(block.impossible.total() for block in found) == impossible
    return len(table)


def expected(analysis: Analysis, names: Sequence[str]) -> dict[str, Any]:
    """Return the values of one network's analysis, by the names of columns."""
    result: dict[str, Any] = {}
    for name in names:
        place, _, quantity = name.rpartition(".")
        if quantity == "shape":
            ref = analysis.graph.find(place) if place else next(iter(analysis.graph.outputs.values()))
            assert ref is not None
            result[name] = ordered(analysis.graph.shape(ref), analysis.graph.layout)
        elif quantity in ("memory", "peak"):
            memory = analysis.memory()
            result[name] = memory.params if quantity == "memory" else memory.peak
        else:
            source = analysis.layer(place) if place else analysis.totals
            result[name] = getattr(source, quantity)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_bundled_networks(name: str) -> None:
    source, _ = locate(name, DEFAULT)
    graph = load_spec(name).graph
    sizes = next(iter(graph.inputs.values()))[1:]
    axes: dict[str, Sequence[Any]] = {"H": (sizes[0], sizes[0] // 2 + 3)} if sizes else {}
    for variable, value in list(graph.variables.items())[-1:]:
        if is_plain(value):
            axes[variable] = (value, Fraction(value) * Fraction(3, 4) if value == 1 else value + 5)
    layers = [node.name for _, node in graph.layers()]
    assert check(source, axes, [layers[len(layers) // 3], layers[-1]]) > 0


@pytest.mark.slow
@settings(max_examples=30)
@given(text=networks(), data=st.data())
def test_random_networks(text: str, data: Any) -> None:
    source = Source("net.yaml", text)
    graph = read_spec(source).graph
    shape = next(iter(graph.inputs.values()))
    names = ("C", *((), ("L",), ("H", "W"), ("D", "H", "W"))[len(shape) - 1])
    axes = {}
    for name, size in zip(names, shape, strict=True):
        if data.draw(st.booleans()):
            axes[name] = (size, *data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=2)))
            axes[name] = tuple(dict.fromkeys(axes[name]))
    layers = [node.name for _, node in graph.layers()]
    if axes:
        check(source, axes, data.draw(st.lists(st.sampled_from(layers), max_size=2, unique=True)))


NET = """
input: 3x32x32
variables: {width: 8, depth: 2, act: relu, groups: 1, k: 3, e: 1}
blocks:
  unit(c, f=act): conv c k=k half g=groups -> bn -> f
layers:
  - stem: conv width k=k half
  - body: unit(width*2**e)*depth
  - gate: mul(identity, gap -> conv width*2**e k1 -> sigmoid)
  - head: gap -> fc 10
"""


def test_auxiliary_heads_count_on_request() -> None:
    source, _ = locate("googlenet", DEFAULT)
    for training in (False, True):
        asked = question(source, ["params", "macs", "layers", "peak"])
        asked.training = training
        (block,) = blocks(asked, {"H": (224, 256)})
        assert block.columns is not None
        for size, *row in zip(*(column.tolist() for column in block.columns), strict=True):
            analysis = analyze(read_spec(source, GivenSettings(numbers={"H": size})).graph, training=training)
            totals = analysis.totals
            assert row == [totals.params, totals.macs, totals.layers, analysis.memory().peak]


@pytest.mark.slow
def test_only_variables_that_determine_the_structure_are_tried_one_by_one() -> None:
    source = Source("net.yaml", NET)
    axes = {
        "width": (4, 8, 6, 12),
        "depth": (0, 1, 3),
        "act": ("relu", "gelu"),
        "groups": (1, 2, 3),
        "k": (1, 3, 5),
        "e": (0, 2),
    }
    assert check(source, axes, ["stem", "head/fc"]) > 100
    found = blocks(question(source, ["macs"]), axes)
    assert len(found) == 3 * 2 * 2  # depth, act and the exponent; never width, groups and k


def test_sizes_of_one_broadcast_as_in_a_single_network() -> None:
    source = Source("net.yaml", "input: 4x6x6\nvariables: {c: 4}\nlayers:\n  - mul(identity, conv c k1)\n")
    assert check(source, {"c": (1, 2, 4), "H": (1, 6)}) == 4
    source = Source("net.yaml", "input: 4x6x6\nvariables: {n: 4}\nlayers:\n  - reshape (n)x(-1)\n")
    assert check(source, {"n": (-1, 2, 4, 5)}) == 2


def test_a_size_that_the_tensor_lacks_makes_a_configuration_impossible() -> None:
    source = Source("net.yaml", "input: 4x6x6\nlayers:\n  - if(C == 4, identity, flatten)\n  - linear n2\n")
    assert check(source, {"C": (3, 4, 5)}) == 1


def test_receptive_fields_are_those_of_each_network_alone() -> None:
    text = "1x24x24 -> (conv 4 k3 half -> upsample 2 bilinear -> maxpool 3)*2"
    source = Source("<expression>", text)
    found = blocks(question(source, ["rf", "rf_stride", "rf_padding"], inline=True), {"H": (6, 24, 25, 1)})
    from archcalc.analysis.fields import FIELD_QUANTITIES

    alone = {}
    for values, analysis in loop(source, {"H": (6, 24, 25, 1)}, inline=True):
        if isinstance(analysis, Analysis):
            field = analysis.layers[-1].fields["input"]
            alone[values] = [
                tuple(dict.fromkeys(FIELD_QUANTITIES[name](axis) for axis in field)) for name in FIELD_QUANTITIES
            ]
    rows = {
        (row[0],): list(row[1:])
        for block in found
        if block.columns is not None
        for row in zip(*block.columns, strict=True)
    }
    assert {key: [tuple(dict.fromkeys(value)) for value in row] for key, row in rows.items()} == alone
    assert alone


def test_impossible_configurations_are_counted_with_the_layer_and_the_reason() -> None:
    source = Source("<expression>", "3x9x9 -> conv 6 k3 -> conv 6 k5 g3 -> fc 4")
    found = blocks(question(source, ["macs"], inline=True), {"H": range(1, 9), "W": (5, 9)})
    (block,) = found
    assert block.total == 16
    assert {refusal.layer: count for refusal, count in block.impossible.items()} == {"conv_1": 4, "conv_2": 10}
    (example,) = [example for refusal, example in block.examples.items() if refusal.layer == "conv_2"]
    assert example.settings == {"H": 3, "W": 5}
    assert example.message == "a window of 5 does not fit into an axis of size 1 (padding 0 before, 0 after)"


def test_a_network_that_never_exists_is_counted_too() -> None:
    source = Source("<expression>", "3x9x9 -> conv 6 k11 -> relu")
    (block,) = blocks(question(source, ["macs"], inline=True), {"C": (1, 2, 3)})
    assert block.columns is None
    assert block.impossible.total() == block.total == 3


def test_mistakes_in_the_text_are_errors_and_not_impossible_configurations() -> None:
    source = Source("<expression>", "3x9x9 -> convv 6 k3")
    with pytest.raises(SpecError, match="no operator 'convv'"):
        blocks(question(source, ["macs"], inline=True), {"H": (1, 2)})
    with pytest.raises(SpecError, match="no variable or input size 'height'"):
        blocks(question(Source("<expression>", "3x9x9 -> relu"), ["macs"], inline=True), {"height": (1, 2)})


def test_numbers_beyond_int64_stay_exact() -> None:
    source = Source("<expression>", "3x9x9 -> conv 1000000007 k3 half -> conv 1000000009 k7 half")
    axes = {"H": (1, 10**9), "W": (10**9 + 1, 2)}
    assert check(source, axes, ["conv_2"], inline=True) == 4


def test_rows_are_in_the_order_of_the_axes_with_the_last_one_fastest() -> None:
    source = Source("<expression>", "3x9x9 -> relu")
    found = blocks(question(source, ["macs"], inline=True), {"W": (5, 1), "H": (2, 3)})
    assert [row[:2] for block in found for row in zip(*(c.tolist() for c in block.columns or ()), strict=True)] == [
        (5, 2),
        (5, 3),
        (1, 2),
        (1, 3),
    ]


def test_only_matching_rows_are_kept() -> None:
    source, _ = locate("mobilenet-v1", DEFAULT)
    axes = {"alpha": tuple(Fraction(n, 10) for n in range(3, 12)), "rho": (Fraction(1, 2), Fraction(6, 7), 1)}
    wanted = "macs <= 300M and params < 3M and not alpha = 0.5"
    (found,) = blocks(question(source, ["macs", "params"], where=wanted), axes)
    (everything,) = blocks(question(source, ["macs", "params"]), axes)
    assert everything.columns is not None
    assert found.columns is not None
    rows = [row for row in zip(*everything.columns, strict=True) if row[2] <= 300_000_000 and row[3] < 3_000_000]
    assert list(zip(*found.columns, strict=True)) == [row for row in rows if row[0] != Fraction(1, 2)]
    assert found.unwanted == len(everything.columns[0]) - len(found.columns[0])


def swept(channels: int, height: int, width: int) -> tuple[int, int]:
    """Return the number of configurations and the peak memory of a sweep over axes of these lengths, block by block."""
    source, _ = locate("lenet5", DEFAULT)
    lengths = {"C": (1, channels), "H": (32, height), "W": (32, width)}
    axes = [GridAxis(name, progression(start, 1, count)) for name, (start, count) in lengths.items()]
    asked = question(source, ["params", "macs"])
    for _ in sweep(asked.subject(), axes):
        break
    gc.freeze()  # the collections below then look at the sweep only
    tracemalloc.start()
    try:
        total = 0
        for block in sweep(asked.subject(), axes):
            total += block.total
            gc.collect()
        return total, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()


def test_memory_does_not_grow_with_the_number_of_combinations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "MAX_BLOCK", 2_000)
    few, little = swept(10, 20, 40)
    many, much = swept(40, 50, 80)
    assert (few, many) == (8_000, 160_000)
    assert much < 2 * little


def test_an_axis_of_any_length_begins_at_once() -> None:
    asked = question(Source("<expression>", "3x9x9 -> relu"), ["macs"], inline=True)
    first: SweepBlock = next(
        sweep(asked.subject(), [GridAxis("H", progression(1, 1, 10**15)), GridAxis("W", progression(1, 1, 10**15))])
    )
    assert first.columns is not None
    assert first.columns[1][:3].tolist() == [1, 2, 3]


def test_limits_apply() -> None:
    asked = question(Source("<expression>", "3x9x9 -> (relu)*3"), ["macs"], inline=True)
    asked.limits = Limits(layers=2)
    (block,) = blocks(asked, {"H": (1, 2)})
    assert block.impossible.total() == 2
