"""``archcalc draw``: pictures in three formats, and files that are never damaged."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import archcalc as package
from archcalc.analysis.propagate import analyze
from archcalc.drawing.outline import Detail, outline
from archcalc.drawing.stacks import stacks
from tests.cli.conftest import Archcalc

SMALL = "3x8x8 -> conv 4 k3 -> bn -> relu -> fc 10"
STARTS = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"}


@pytest.mark.parametrize(("suffix", "start"), STARTS.items())
def test_the_suffix_decides_about_the_format(archcalc: Archcalc, tmp_path: Path, suffix: str, start: bytes) -> None:
    if suffix != ".svg":
        try:
            import cairosvg  # noqa: F401
        except OSError:
            pytest.skip("the library cairo is not installed")
    path = tmp_path / f"net{suffix}"
    assert archcalc("draw", SMALL, "-o", str(path)).status == 0
    assert path.read_bytes().startswith(start)


def text(svg: str) -> str:
    return " ".join(element.text or "" for element in ElementTree.fromstring(svg).iter())


def test_boxes_have_operators_shapes_and_costs(archcalc: Archcalc) -> None:
    drawn = text(archcalc("draw", SMALL, "-o", "-", "--costs", "params,macs").out)
    for shown in ("conv 4 k3", "bn · relu", "4x6x6", "fc 10", "1,450 params", "1,440 MACs", "input 3x8x8"):
        assert shown in drawn


def test_repeated_boxes_have_their_number(archcalc: Archcalc) -> None:
    assert "conv 8 k3 half ×5" in text(archcalc("draw", "8x8x8 -> (conv 8 k3 half)*5", "-o", "-").out)


def test_names_with_markup_are_escaped(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text('name: "</text><script>alert(1)</script>"\ninput: 3x8x8\nlayers:\n  - "conv 4 k3"\n')
    svg = archcalc("draw", str(spec), "-o", "-").out
    assert "<script" not in svg
    assert "<script>alert(1)</script>" in text(svg)


def test_blocks_show_maps_from_left_to_right(archcalc: Archcalc) -> None:
    drawn = text(archcalc("draw", "lenet5", "-o", "-", "--style", "blocks").out)
    assert [
        shape for shape in ("1@32x32", "6@28x28", "6@14x14", "16@10x10", "16@5x5", "84") if shape not in drawn
    ] == []


def test_maps_are_drawn_to_scale() -> None:
    analysis = analyze(package.load("lenet5").graph, receptive=False)
    row = stacks(analysis, outline(analysis, Detail()))
    heights = {stack.shape: stack.height for stack in row.stacks}
    assert not row.compressed
    for shape, size in {"6@28x28": 28, "6@14x14": 14, "16@10x10": 10, "16@5x5": 5}.items():
        assert heights[shape] / heights["1@32x32"] == pytest.approx(size / 32)


def test_blocks_need_a_chain(archcalc: Archcalc) -> None:
    ran = archcalc("draw", "unet", "-o", "-", "--style", "blocks")
    assert ran.status == 2
    assert "branches" in ran.err


def test_a_u_has_the_boxes_of_the_graph(archcalc: Archcalc) -> None:
    drawn = text(archcalc("draw", "unet", "-o", "-", "--style", "unet", "--costs", "params").out)
    for shown in ("down1", "up4", "conv 1024 k3", "concat crop=smallest", "1024x28x28", "9,438,208 params"):
        assert shown in drawn


def test_a_u_needs_a_decoder(archcalc: Archcalc) -> None:
    ran = archcalc("draw", "resnet18", "-o", "-", "--style", "unet")
    assert ran.status == 2
    assert ran.lines == []
    assert "'ResNet-18' is not U-shaped: its resolution never increases" in ran.err
    assert "--style graph" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "net.jpg"], "no format of pictures has the suffix '.jpg'"),
        (["-o", "net"], "'net' has no suffix"),
        (["-o", "."], "'.' is a folder"),
        (["-o", "-", "--costs", "flop"], "no quantity 'flop'"),
    ],
)
def test_mistakes_are_named(archcalc: Archcalc, arguments: list[str], message: str) -> None:
    ran = archcalc("draw", SMALL, *arguments)
    assert ran.status == 2
    assert message in ran.err


def test_an_existing_file_is_overwritten_on_request_only(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text("mine")
    assert archcalc("draw", SMALL, "-o", str(path)).status == 2
    assert path.read_text() == "mine"
    assert archcalc("draw", SMALL, "-o", str(path), "--force").status == 0
    assert path.read_text().startswith("<svg")


def test_notebooks_show_the_picture() -> None:
    picture = package.load(SMALL).draw(costs=["macs"])
    assert picture._repr_svg_() == picture.svg
    assert "1,440 MACs" in text(picture.svg)
    with pytest.raises(ValueError, match="the style must be one of graph, blocks, unet, got 'cloud'"):
        package.load(SMALL).draw(style="cloud")
