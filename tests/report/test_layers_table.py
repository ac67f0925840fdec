"""The table of layers in notebooks."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import archcalc
from archcalc.report.cells import RowCells
from archcalc.report.layers_table import READABLE_ROWS, notes


def texts(html: str, path: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(html).findall(path)]


def test_a_notebook_shows_the_layers_and_the_totals_of_a_network() -> None:
    html = archcalc.load("3x227x227 -> conv 96 k11 s4 -> relu")._repr_html_()
    assert texts(html, "tbody/tr[1]/td") == ["conv_1", "conv 96 k11 s4", "96x55x55", "34,944", "105,415,200", "11"]
    assert texts(html, "tfoot/tr[1]/th") == ["total", "", "", "34,944", "105,415,200", ""]
    assert texts(html, "caption") == ["input 3x227x227"]


def test_a_notebook_shows_a_long_network_by_groups() -> None:
    html = archcalc.load("resnet152")._repr_html_()
    assert len(texts(html, "tbody/tr")) <= READABLE_ROWS


def test_names_with_markup_are_escaped(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text('name: "<script>"\ninput: 3x8x8\nlayers:\n  - "conv 4 k3"\n')
    html = archcalc.load(str(spec))._repr_html_()
    assert "<script" not in html
    assert texts(html, "caption") == ["<script>, input 3x8x8"]


def test_numbers_of_layers_have_separators() -> None:
    analysis = archcalc.load("1x4 -> (relu)*1500").analyze()
    (row,) = RowCells(analysis, list(analysis.folded(0)), "chw").column("op")
    assert row == "1,500 layers"


def test_a_row_with_a_single_layer_says_which_and_is_not_called_a_group(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 3x8x8\nlayers:\n  - stem: {inner: {conv: conv 4 k3}}\n  - body: relu -> maxpool 2\n")
    analysis = archcalc.load(str(spec)).analyze()
    rows = list(analysis.folded(1))
    cells = RowCells(analysis, rows, "chw")
    assert cells.column("op") == ["conv 4 k3", "2 layers"]
    assert "2 layers grouped into 1 row; --depth all lists every layer" in notes(analysis, rows, cells)
