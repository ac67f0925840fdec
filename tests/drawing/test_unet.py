"""Drawings of networks as a U: levels of resolution are rows, and nothing overlaps."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.drawing.levels import levels
from archcalc.drawing.outline import Detail, drawn_nodes
from archcalc.drawing.places import Layout
from archcalc.drawing.unet import lay_out_unet
from archcalc.spec.catalogue import catalogue
from tests.drawing.random_us import random_u
from tests.drawing.test_layout import faults

AUTOENCODER = "3x32x32 -> conv 8 k4 s2 p1 -> conv 16 k4 s2 p1 -> upconv 8 k4 s2 p1 -> upconv 3 k4 s2 p1 -> tanh"
SKIPPED = "1x32x32 -> conv 8 k3 half -> add(identity, maxpool 2 -> conv 8 k3 half -> upsample 2) -> conv 1 k1"
U_SHAPED = ("unet", "unet3d", "attention-unet", "colourisation-base", "colourisation-unet", "fpn", "deeplabv3:resnet50")


def analysed(spec: str) -> Analysis:
    return analyze(archcalc.load(spec).graph, receptive=False)


def drawn(analysis: Analysis, depth: int | None = None) -> Layout:
    return lay_out_unet(analysis, Detail(), depth)


@pytest.mark.parametrize("spec", [*U_SHAPED, AUTOENCODER, SKIPPED])
def test_nothing_overlaps(spec: str) -> None:
    assert not faults(drawn(analysed(spec)))


@pytest.mark.slow
@pytest.mark.parametrize("depth", [None, 1, 2, 9])
def test_nothing_overlaps_in_the_zoo_at_any_depth(depth: int | None) -> None:
    wrong, found = {}, []
    for entry in catalogue():
        analysis = analysed(entry.name)
        try:
            layout = drawn(analysis, depth)
        except archcalc.SpecError:
            continue
        found.append(entry.name)
        if bad := faults(layout):
            wrong[entry.name] = bad[:3]
    assert not wrong
    assert {*U_SHAPED} <= {*found}


def test_the_encoder_leads_down_and_the_decoder_up() -> None:
    layout = drawn(analysed("unet"))
    places = {one.box.shape: (one.left, one.top) for one in layout.boxes}
    left = [places[shape] for shape in ("64x568x568", "128x280x280", "256x136x136", "512x64x64")]
    right = [places[shape] for shape in ("512x52x52", "256x100x100", "128x196x196", "64x388x388")]
    assert [y for _, y in left] == sorted(y for _, y in left)
    assert [y for _, y in right] == sorted((y for _, y in right), reverse=True)
    assert max(x for x, _ in left) < min(x for x, _ in right)
    assert places["1024x28x28"][1] > max(y for _, y in (*left, *right))


@pytest.mark.parametrize(("spec", "number"), [("unet", 4), ("unet3d", 3), ("colourisation-unet", 2), (SKIPPED, 1)])
def test_skips_are_horizontal(spec: str, number: int) -> None:
    layout = drawn(analysed(spec))
    joins = {(one.left, one.top + one.height / 2) for one in layout.boxes if one.box.kind == "join"}
    skips = [curve.points for curve in layout.curves if curve.turns and curve.points[-1] in joins]
    assert [len({round(y, 3) for _, y in points}) for points in skips] == [1] * number


def test_an_autoencoder_without_skips_is_a_u() -> None:
    analysis = analysed(AUTOENCODER)
    found = levels(analysis.graph, drawn_nodes(analysis, Detail()), "autoencoder")
    assert [len(nodes) for nodes in (*found.left, found.bottom, *found.right)] == [1, 1, 1, 2, 1]


def test_a_global_pooling_is_part_of_its_level() -> None:
    spec = "3x16x16 -> mul(identity, gap -> fc 3 -> reshape 3x1x1) -> conv 4 k3 s2 half -> upsample 2"
    graph = archcalc.load(spec).graph
    found = levels(graph, range(len(graph.nodes)), "squeezed")
    names = [[graph.nodes[index].op.name for index in nodes] for nodes in (*found.left, found.bottom, *found.right)]
    assert names == [["input", "gap", "fc", "reshape", "mul"], ["conv"], ["upsample"]]


def missing_arrows(analysis: Analysis, layout: Layout) -> list[str]:
    """Return the boxes with another number of arrows than they read tensors; repeated ones are left out."""
    repeated = [frame for frame in layout.frames if "×" in frame.title]
    found = []
    for one in layout.boxes:
        own = one.box.members
        read = {ref for index in own for ref in analysis.graph.nodes[index].inputs if ref.node not in own}
        x, y = one.left + one.width, one.top + one.height
        ends = [curve.points[-1] for curve in layout.curves if curve.ends]
        arrows = [(a, b) for a, b in ends if one.left - 0.1 <= a <= x + 0.1 and one.top - 0.1 <= b <= y + 0.1]
        in_repeated = any(
            frame.left <= one.left <= frame.left + frame.width and frame.top <= one.top <= frame.top + frame.height
            for frame in repeated
        )
        if one.box.times == 1 and not in_repeated and len(arrows) != len(read):
            found.append(f"{one.box.name} reads {len(read)} tensors and has {len(arrows)} arrows")
    return found


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 30))])
def test_random_us_have_all_edges_and_no_overlaps(seed: int, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(random_u(seed))
    analysis = analysed(str(spec))
    for depth in (None, 1, 2):
        layout = drawn(analysis, depth)
        assert not faults(layout)
        assert not missing_arrows(analysis, layout)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("resnet18", "its resolution never increases"),
        ("vit:b_16", "its resolution never increases"),
        ("transformer", "its resolution never decreases"),
        ("whisper:tiny", "its resolution never increases"),
        ("dcgan", "its resolution never decreases"),
        ("yolov8:n", "its resolution decreases again at 'n4/conv_1'"),
        ("1x8x8 -> upsample 2 -> maxpool 2 -> conv 2 k3", "its resolution only decreases after it has increased"),
    ],
)
def test_a_network_of_another_shape_is_an_error(spec: str, reason: str) -> None:
    with pytest.raises(archcalc.SpecError) as raised:
        drawn(analysed(spec))
    (problem,) = raised.value.problems
    assert problem.message.endswith(f"is not U-shaped: {reason}")
    assert problem.hint == "--style graph draws every network"
