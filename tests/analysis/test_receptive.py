"""Receptive fields of networks whose fields can be found by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archcalc
from archcalc.analysis.fields import AxisField, coverage, exceeds_input
from archcalc.analysis.intervals import Interval
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import unit_box, unit_field
from archcalc.graph import Graph, Input, Node


def last_field(spec: str) -> AxisField:
    """Return the field of the last layer along the first axis of the only input."""
    (field,) = receptive_fields(archcalc.load(spec).graph)[-1].values()
    return field[0]


def box(spec: str, *place: int, clip: bool = True) -> tuple[int, int] | None:
    """Return what a unit of the last layer sees along the first axis of the only input."""
    graph = archcalc.load(spec).graph
    boxes = list(unit_box(graph, len(graph.nodes) - 1, place, clip=clip).values())
    return tuple(boxes[0][0]) if boxes else None  # type: ignore[return-value]


def test_kernels_add_up_times_the_strides_before_them() -> None:
    field = last_field("1x300 -> conv 1 k7 s2 p3 -> maxpool k3 s2 p1 -> conv 1 k3 d4 half")
    assert (field.size, field.stride, field.padding) == (7 + 2 * 2 + 8 * 4, 4, 3 + 2 + 4 * 4)
    assert field.aligned
    assert field.exact


def test_upsampling_makes_fractional_strides_and_sizes_that_depend_on_the_phase() -> None:
    field = last_field("1x16 -> upsample 2 -> conv 1 k3 half")
    assert (field.sizes(), field.stride, field.padding) == ((2, 2), Fraction(1, 2), 1)
    field = last_field("1x16 -> upsample 3 -> conv 1 k3 half")
    assert (field.sizes(), field.stride) == ((1, 2), Fraction(1, 3))


@pytest.mark.parametrize(
    ("layers", "padding"),
    [
        ("conv 1 k3 s2 half -> upsample 2", 1),  # units 0 and 1 start at −1
        ("conv 1 k3 s2 half -> upsample 3 -> conv 1 k3 half", 3),
        ("conv 1 k5 s2 half -> upconv 1 k2 s2", 2),
        ("upconv 1 k1 s3 p1", -1),  # the first unit that sees anything sees position 1
        ("upsample 2 mode=bilinear", 1),
        ("conv 1 k3 s2 half -> add(upsample 2, upsample 2 -> conv 1 k3 half)", 3),
    ],
)
def test_the_padding_is_how_far_the_first_window_starts_before_the_input(layers: str, padding: int) -> None:
    spec = f"1x64 -> {layers}"
    first = next(found for i in range(9) if (found := box(spec, i, clip=False)))
    assert last_field(spec).padding == padding == -first[0]


def test_outputs_between_the_inputs_of_a_transposed_convolution_see_nothing() -> None:
    assert last_field("1x8 -> upconv 1 k1 s3").sizes() == (0, 1)
    assert [box("1x8 -> upconv 1 k1 s3", place) for place in range(4)] == [(0, 0), None, None, (1, 1)]
    assert receptive_fields(archcalc.load("1x8 -> upconv 1 k1 s2 -> slice 1: axis=1 step=2").graph)[-1] == {}


def test_positions_of_axes_of_size_one_are_seen_along_axes_of_size_one() -> None:
    graph = archcalc.load("2x3x1 -> conv 2 k1 -> reshape 2x3x1 -> upconv 2 k1x2 s1x2 d1x2").graph
    height, width = receptive_fields(graph)[-1]["input"]
    assert height.box((2, 1)) == (2, 2)
    assert [width.box((2, place)) for place in range(3)] == [(0, 0), (0, -1), (0, 0)]


def test_a_dilated_transposed_convolution_sees_every_other_input() -> None:
    # output 5 = 2·j + 3·m: only j = 1 with m = 1; the hull of a dense kernel would reach from 1 to 2
    assert box("1x8 -> upconv 1 k2 s2 d3", 5) == (1, 1)
    assert box("1x8 -> upconv 1 k3 s2 d2", 6) == (1, 3)
    assert box("1x8 -> upconv 1 k3 s2 d2", 5) is None


def test_taps_in_the_padding_of_a_dilated_convolution_see_nothing() -> None:
    assert box("1x14 -> conv 1 k3 d6 half", 1) == (1, 7)  # taps −5, 1, 7
    assert box("1x14 -> conv 1 k3 d6 half", 1, clip=False) == (-5, 7)


def test_gridding_a_dilated_convolution_over_the_gaps_of_a_transposed_one_sees_nothing() -> None:
    spec = "1x6 -> upconv 1 k1 s2 -> conv 1 k3 d2 half"
    assert [box(spec, place) for place in (4, 5)] == [(1, 3), None]
    assert last_field(spec).box((5,)) == Interval(0, -1)


def test_paths_of_other_centres_are_reported_with_their_offsets() -> None:
    field = last_field("1x16 -> add(conv 1 k3 p0:2, identity, conv 1 k5 half)")
    assert (field.size, field.stride, field.padding) == (5, 1, 2)
    assert (field.aligned, field.offsets, field.exact) == (False, (0, -1, -1), True)


def test_paths_of_other_strides_are_reported_and_their_union_counts() -> None:
    field = last_field("1x16 -> add(maxpool 2, slice 0:8 axis=1)")
    assert (field.aligned, field.offsets) == (False, (0, Fraction(-1, 2)))
    assert field.size == 9  # the last unit sees 7, and 14 to 15
    later = last_field("1x16 -> add(maxpool 2, slice 0:8 axis=1) -> relu")
    assert (later.aligned, later.offsets) == (False, ())  # the join is one layer, what follows is unaligned


def test_paths_that_agree_are_aligned() -> None:
    assert last_field("1x16 -> add(conv 1 k3 half -> conv 1 k3 half, identity)").aligned
    assert last_field("1x16 -> concat(conv 1 k3 half, conv 1 k5 half, maxpool k3 s1 p1)").aligned
    unet = "1x32 -> add(maxpool 2 -> conv 1 k3 half -> upconv 1 k2 s2, identity)"
    assert last_field(unet).aligned
    assert last_field(unet).size == 6


def test_parts_that_are_joined_again_have_their_old_positions() -> None:
    field = last_field("1x16 -> concat(split 2 part=0 axis=1, split 2 part=1 axis=1, axis=1)")
    assert (field.size, field.stride, field.padding, field.aligned) == (1, 1, 0, True)


def test_a_unit_of_joined_tensors_sees_the_one_it_comes_from() -> None:
    inputs = archcalc.load("1x5 -> concat(conv 1 k3 half, conv 1 k3 half -> conv 1 k3 half, axis=1)").graph
    for clip in (False, True):
        assert unit_box(inputs, len(inputs.nodes) - 1, (2,), clip=clip) == {"input": ((1, 3),)}
        assert unit_box(inputs, len(inputs.nodes) - 1, (7,), clip=clip) == {"input": ((0, 4),)}


def test_a_cross_of_two_paths_is_cut_as_a_cross() -> None:
    # a 1×7 and a 7×1 kernel: below the middle only the column is left
    graph = archcalc.load("1x9x9 -> add(conv 1 k1x7 half, conv 1 k7x1 half) -> crop 5:0x0").graph
    assert unit_box(graph, len(graph.nodes) - 1, (0, 4), clip=True) == {"input": ((2, 8), (1, 7))}
    below = archcalc.load("1x9x9 -> pad 5:0x0 -> add(conv 1 k1x7 half, conv 1 k7x1 half) -> slice 0:4 axis=1").graph
    assert unit_box(below, len(below.nodes) - 1, (3, 4), clip=True) == {"input": ((0, 1), (4, 4))}


@pytest.mark.parametrize(
    "layer",
    ["gap", "in", "ln", "gn 1", "fc 3", "flatten", "softmax axis=1", "adaptive_avgpool 1", "adaptive_maxpool 1"],
)
def test_layers_that_mix_all_positions_make_the_field_global(layer: str) -> None:
    assert last_field(f"2x8 -> conv 2 k3 half -> {layer}").is_global


def test_squeeze_and_excitation_makes_the_field_global() -> None:
    field = last_field("4x8 -> mul(identity, gap -> conv 2 k1 -> relu -> conv 4 k1 -> sigmoid) -> conv 4 k3 half")
    assert field.is_global
    assert field.aligned


def test_one_axis_may_be_global_and_the_other_not() -> None:
    graph = archcalc.load("2x6x7 -> conv 2 k3 half -> linear 5 -> conv 2 k3 half").graph
    rows, columns = receptive_fields(graph)[-1]["input"]
    assert (rows.size, columns.is_global) == (5, True)


def test_axes_that_change_places_keep_their_fields() -> None:
    graph = archcalc.load("1x20x30 -> conv 1 k3x5 -> transpose 0x2x1 -> conv 1 k7x1").graph
    rows, columns = receptive_fields(graph)[-1]["input"]
    assert (rows.size, columns.size) == (3, 11)
    assert unit_box(graph, 3, (2, 1), clip=True) == {"input": ((1, 3), (2, 12))}


def kinds(spec: str) -> list[str]:
    """Return the field of the last layer along every axis of the only input: a word or a size."""
    (field,) = receptive_fields(archcalc.load(spec).graph)[-1].values()
    return [str(axis.size) if axis.is_local else axis.word for axis in field]


@pytest.mark.parametrize(
    ("layers", "sizes"),
    [
        # pixel shuffle (Shi et al. 2016), as PyTorch defines it
        ("conv 9 k3 half -> reshape 1x3x3x4x4 -> transpose 0x3x1x4x2 -> reshape 1x12x12", ["3", "3"]),
        ("conv 9 k3 half -> reshape 1x3x3x4x4 -> transpose 0x3x1x4x2 -> reshape 1x12x12 -> conv 1 k3 half", ["4", "4"]),
        # space to depth, in both orders of the channels
        ("conv 9 k3 half -> reshape 9x2x2x2x2 -> transpose 0x2x4x1x3 -> reshape 36x2x2", ["4", "4"]),
        ("conv 9 k3 half -> reshape 9x2x2x2x2 -> transpose 2x4x0x1x3 -> reshape 36x2x2 -> conv 4 k2", ["6", "6"]),
        # patches as tokens
        ("conv 8 k2 s2 -> reshape 8x4", ["2", "2"]),
        ("conv 8 k2 s2 -> reshape 8x4 -> relu -> conv 8 k1", ["2", "2"]),
        # a new axis of one position, and one that is dropped
        ("conv 9 k3 half -> reshape 9x1x4x4 -> relu -> reshape 9x4x4", ["3", "3"]),
        ("conv 9 k3 half -> reshape 1x9x4x4", ["3", "3"]),
        # a reshape and its inverse
        ("conv 9 k3 half -> flatten -> reshape 9x4x4", ["3", "3"]),
        ("conv 9 k3 half -> transpose 1x2x0 -> transpose 2x0x1", ["3", "3"]),
        ("conv 9 k3 half -> reshape 16x3x3 -> reshape 9x4x4", ["unknown", "unknown"]),  # 4x4 is not split at 16
        # a layer between the reshapes mixes channels: every position sees everything
        ("reshape 144x1 -> conv 16 k1 -> reshape 1x4x4", ["global", "global"]),
        ("flatten -> fc 144 -> reshape 9x4x4", ["global", "global"]),
        # no layer mixes channels: what each position sees is unknown
        ("flatten -> relu -> reshape 9x4x4", ["unknown", "unknown"]),
        ("reshape 144x1 -> dwconv k1 -> reshape 9x4x4", ["unknown", "unknown"]),
        # boundaries of factors that do not coincide
        ("reshape 9x2x8 -> relu", ["unknown", "1"]),
        ("reshape 16x9", ["unknown", "unknown"]),
        ("reshape 9x2x8 -> gap", ["global", "global"]),
    ],
)
def test_positions_are_followed_through_reshapes(layers: str, sizes: list[str]) -> None:
    assert kinds(f"9x4x4 -> {layers}") == sizes


def test_an_input_that_a_layer_does_not_depend_on_has_no_field() -> None:
    spec = archcalc.load("4x8 -> conv 4 k3 half").graph
    two = Node("other", Input((4, 8)), (), ((4, 8),), ("other",))
    graph = Graph("two", (*spec.nodes, two), spec.outputs)
    assert set(receptive_fields(graph)[1]) == {"input"}


def test_very_many_paths_of_other_strides_are_unknown() -> None:
    spec = "1x64" + " -> add(identity, upsample 2 -> slice 0:64 axis=1)" * 12
    fields = receptive_fields(archcalc.load(spec).graph)
    assert fields[-1]["input"][0].is_unknown
    assert not fields[-1]["input"][0].aligned


@pytest.mark.slow
def test_deep_networks_with_long_periods_stay_small() -> None:
    spec = "1x2 -> upsample 1024 -> (conv 1 k3 half)*2000 -> (relu)*20000"
    fields = receptive_fields(archcalc.load(spec).graph)
    assert len({id(field) for field in fields}) < 2100  # layers without windows share the field of their input
    assert not fields[-1]["input"][0].exact
    assert fields[-1]["input"][0].size <= 8


def test_a_box_of_astronomical_size_takes_no_time() -> None:
    n = 10**50
    spec = f"1x{n} -> conv 1 k3 s2 -> conv 1 k3 d7 s3 -> softmax axis=1 -> upconv 1 k1 s3"
    graph = archcalc.load(spec).graph
    (seen,) = unit_field(graph, len(graph.nodes) - 1, (3,)).seen.values()
    assert seen[0].first == 0
    assert seen[0].last > n - 50


@pytest.mark.parametrize(
    ("network", "sizes"),
    [
        # tokens: the positions of an embedding's indices, before and after the features
        ("64 -> embedding 100 16 -> linear 8 -> transpose 1x0 -> conv 4 k3 half", ["3"]),
        ("64 -> embedding 100 16 -> ln axis=last -> linear 8 -> relu", ["1"]),
        ("64x16 -> ln axis=last -> linear 8", ["1"]),
        # patches as tokens, and back
        ("3x16x16 -> conv 8 k4 s4 -> reshape 8x16 -> transpose 1x0 -> linear 5", ["4", "4"]),
        ("3x16x16 -> conv 8 k4 s4 -> transpose 1x2x0 -> linear 5 -> transpose 2x0x1 -> conv 2 k3", ["12", "12"]),
        ("3x16x16 -> conv 8 k4 s4 -> rearrange 'c h w = (h w) c' -> linear 5", ["4", "4"]),
        ("3x16x16 -> conv 8 k4 s4 -> rearrange 'c h w = h w c' -> linear 5 -> reduce 'h w c = c' mean", ["global"] * 2),
        # windows, as Swin cuts them: a position is spread over two axes, which no map per axis expresses
        ("3x16x16 -> rearrange 'c (a p) (b q) = (a b) (p q) c' p=4 q=4 -> linear 2", ["unknown", "unknown"]),
        # attention within windows, in which heads may have an axis of their own, and whose positions are joined again
        (
            "4x12x12 -> rearrange 'c (a p) (b q) = (a b) (p q) c' p=4 q=3 -> add(identity, attention heads=2)"
            " -> linear 6 -> rearrange '(a b) (p q) c = c (a p) (b q)' a=3 p=4 -> conv 2 k2",
            ["8", "6"],
        ),
        (
            "4x12x12 -> conv 4 k3 half -> rearrange 'c (a p) (b q) = (a b) (p q) c' p=4 q=3"
            " -> rearrange 'w n (h d) = w h n d' h=2 -> sdpa(relu, identity, tanh) -> rearrange 'w h n d = w n (h d)'"
            " -> rearrange '(a b) (p q) c = c (a p) (b q)' a=3 p=4",
            ["6", "5"],
        ),
        (
            "12x4 -> linear 4 -> rearrange '(a p) c = a p c' p=4 -> attention heads=2 -> rearrange 'a p c = (a p) c'",
            ["4"],
        ),
        # a grid: every third position
        (
            "12x4 -> linear 4 -> rearrange '(p a) c = a p c' p=4 -> attention heads=2 -> rearrange 'a p c = (p a) c'",
            ["10"],
        ),
        # windows of rows only, then of both
        (
            "4x4x4 -> rearrange 'c (a p) w = a p w c' p=2 -> rearrange 'a p w c = a w p c' -> attention heads=2"
            " -> rearrange 'a w p c = c (a p) w'",
            ["2", "1"],
        ),
        # shuffles of pixels, pooling and upsampling as patterns
        ("9x8x8 -> conv 9 k3 half -> pixel_shuffle 3 -> conv 1 k3 half", ["4", "4"]),
        ("1x8x8 -> conv 1 k3 half -> space_to_depth 2 -> conv 4 k1", ["4", "4"]),
        ("2x8x8 -> reduce 'c (h p) (w q) = c h w' max p=2 q=2 -> conv 2 k3", ["6", "6"]),
        ("2x8x8 -> repeat 'c h w = c (h a) w' a=2 -> conv 2 k2", ["2", "2"]),
        ("2x8x8 -> mean axis=2 -> conv 2 k3", ["3", "global"]),
        # shifted positions continue at the other end
        ("2x8x8 -> roll 1 axis=1 -> relu", ["1", "1"]),
        ("2x8x8 -> conv 2 k3 half -> roll 1 axis=1 -> conv 2 k3", ["5", "5"]),
        ("8x4 -> attention heads=2 causal -> roll 1 axis=0", ["unknown"]),
        ("8x4 -> roll 1 axis=0 -> attention heads=2 causal", ["unknown"]),
        # an operator that mixes tokens as if they were channels
        ("64x16 -> ln axis=last -> linear 8 -> conv 3 k1", ["global"]),
    ],
)
def test_features_may_come_after_the_positions(network: str, sizes: list[str]) -> None:
    assert kinds(network) == sizes


def test_coverage_is_the_share_of_the_input_and_past_is_beyond_every_axis() -> None:
    graph = archcalc.load("1x8x16 -> conv 1 k5 half -> conv 1 k5 half -> conv 1 k9 half -> gap").graph
    fields = [found["input"] for found in receptive_fields(graph)]
    shape = graph.inputs["input"][1:]
    assert [coverage(field, shape) for field in fields] == [
        Fraction(1, 128),
        Fraction(25, 128),
        Fraction(8 * 9, 128),
        1,
        1,
    ]
    assert [exceeds_input(field, shape) for field in fields] == [False, False, False, True, False]


# Units that do not exist
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((9, 0), "position 9 is outside 'conv_1', whose positions are 0 to 7"),
        ((-1, 0), "position -1 is outside"),
        ((1,), "must have 2 coordinates, got 1"),
        ((1, 1, 1), "must have 2 coordinates, got 3"),
    ],
)
def test_a_unit_outside_of_its_layer_is_refused(place: tuple[int, ...], message: str) -> None:
    graph = archcalc.load("1x8x8 -> conv 1 k3 half -> flatten").graph
    with pytest.raises(ValueError, match=message):
        unit_field(graph, 1, place)


def test_a_vector_has_no_units_with_a_position() -> None:
    graph = archcalc.load("1x8x8 -> fc 10").graph
    with pytest.raises(ValueError, match="the output of 'fc_1' is a vector"):
        unit_field(graph, 1, (0,))
