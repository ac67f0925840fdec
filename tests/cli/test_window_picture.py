"""``archcalc run --at LAYER:INDEX --svg FILE``."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Archcalc

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    return [element.text or "" for element in ElementTree.parse(path).getroot().iter(f"{SVG}text")]


def test_the_window_of_a_convolution_is_drawn(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    given = ("--input", "1 2; 3 4", "--weights", "conv_1.weight = 5 6; 7 8")
    ran = archcalc("run", "1x2x2 -> conv 1 k2 p1 nobias", *given, "--at", "conv_1:1,1", "--svg", str(path))
    assert ran.status == 0
    found = texts(path)
    assert {"input, channel 0, padded", "weights", "products", "conv_1, channel 0"} <= {*found}
    assert "conv_1[0, 1, 1] = 1·5 + 2·6 + 3·7 + 4·8 = 70" in found
    assert found.count("70") == 1  # in the output


def test_a_flipped_kernel_is_drawn_as_it_lies_on_the_window(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    given = ("--input", "1 2 3", "--weights", "conv_1.weight = 5 6")
    archcalc("run", "1x3 -> conv 1 k2 nobias flip", *given, "--at", "conv_1:0,0", "--svg", str(path))
    found = texts(path)
    after = found.index("weights, flipped")
    assert found[after + 1 : after + 3] == ["6", "5"]
    assert "conv_1[0, 0] = 1·6 + 2·5 = 16" in found


def test_the_maximum_of_a_window_is_marked(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    archcalc("run", "1x2x2 -> maxpool 2", "--input", "1 9; 3 4", "--at", "maxpool_1:0,0", "--svg", str(path))
    root = ElementTree.parse(path).getroot()
    strong = [rect for rect in root.iter(f"{SVG}rect") if rect.attrib.get("fill-opacity") == "0.5"]
    assert len(strong) == 2  # the maximum and the output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--svg", "x.svg"], "add --at LAYER:INDEX"),
        (["--svg", "x.svg", "--at", "maxpool_1"], "no window to draw for 'maxpool_1'"),
        (["--svg", "x.svg", "--at", "relu_1:0,0"], "no window to draw for 'relu_1'"),
        (["--svg", "x.png", "--at", "maxpool_1:0,0"], "the picture is SVG"),
        (["--svg", "missing/x.svg", "--at", "maxpool_1:0,0"], "cannot write"),
    ],
)
def test_what_has_no_picture_is_an_error(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = archcalc("run", "1x4x4 -> maxpool 2 -> relu", "--input", "ones", *arguments)
    assert ran.status == 2
    assert message in ran.err.replace("\n", " ")
