"""``archcalc show``: the order of the layers, shares of the total, bars, and the tree."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

import archcalc as package
from archcalc.report.module_tree import ASCII, module_tree
from tests.cli.conftest import Archcalc
from tests.cli.test_program import on_terminal

NET = "3x8x8 -> conv 4 k3 -> relu -> (conv 4 k3 half)*2 -> gap -> fc 10"
BLOCK = re.compile("[█▏▎▍▌▋▊▉░]")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("depth", ["1", "2", "all"])
@pytest.mark.parametrize("column", ["params", "macs", "activation_memory", "saved", "channels"])
def test_rows_are_sorted_by_a_column_largest_first(archcalc: Archcalc, column: str, depth: str) -> None:
    arguments = ("show", "googlenet", "--depth", depth, "--columns", f"layer,{column}", "--format", "csv")
    network = table(archcalc(*arguments).out)
    rows = table(archcalc(*arguments, "--sort", column).out)
    assert rows == sorted(network, key=lambda row: -int(row[column]))  # equal ones keep their order


def test_layers_with_a_global_receptive_field_come_first_and_those_without_one_last(archcalc: Archcalc) -> None:
    spec = "3x8x8 -> add(conv 2 k3 -> gap, gap -> conv 2 k1) -> concat(identity, learned 3x1x1)"
    fields = [row["rf"] for row in table(archcalc("show", spec, "--format", "csv", "--sort", "rf").out)]
    assert fields == ["global"] * 5 + ["3", ""]


def test_json_is_sorted(archcalc: Archcalc) -> None:
    layers = json.loads(archcalc("show", "lenet5", "--format", "json", "--sort", "macs").out)["layers"]
    macs = [layer["macs"] for layer in layers]
    assert macs == sorted(macs, reverse=True)
    assert layers[0]["name"] == "c3/conv"


@pytest.mark.parametrize("name", ["lenet5", "gpt2"])
def test_json_has_the_bytes_of_every_layer(archcalc: Archcalc, name: str) -> None:
    document = json.loads(archcalc("show", name, "--format", "json", "--dtype", "weights=float16").out)
    for part in ("params", "activations"):
        assert sum(layer["memory"][part] for layer in document["layers"]) == document["totals"]["memory"][part]


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "gpt2"])
def test_shares_of_the_layers_add_up_to_100_per_cent(archcalc: Archcalc, name: str) -> None:
    ran = archcalc("show", name, "--share", "--columns", "layer,params,flops,head", "--format", "csv")
    rows = table(ran.out)
    for column in ("params", "flops"):
        shares = [float(row[f"{column}_percent"] or 0) for row in rows]
        assert sum(shares) == pytest.approx(100, abs=0.01)
        counted = [row for row in rows if row[f"{column}_percent"]]
        assert all("aux" in row["head"] for row in rows if row not in counted)


def test_shares_are_beside_their_numbers(archcalc: Archcalc) -> None:
    ran = archcalc("show", "1x8x8 -> conv 2 k3 -> fc 3", "--share", "--columns", "layer,macs,rf")
    assert ran.line("layer").split() == ["layer", "MACs", "share", "RF"]
    assert ran.line("conv_1").split() == ["conv_1", "648", "75.0", "%", "3"]
    assert ran.line("total").split() == ["total", "864"]


def test_bars_are_to_scale(archcalc: Archcalc) -> None:
    ran = archcalc("show", "1x8x8 -> conv 2 k3 -> relu -> fc 3", "--bars", "macs")
    bars = {name: ran.line(name).split("%")[1].strip() for name in ("conv_1", "relu_1", "fc_1")}
    assert len(bars["fc_1"]) == pytest.approx(len(bars["conv_1"]) / 3, abs=1)  # 216 of 648
    assert not bars["relu_1"]


def test_numbers_of_any_size_have_bars_and_shares(archcalc: Archcalc) -> None:
    spec = f"{10**199}x1x1 -> conv {10**199} k1 -> relu"  # 10^398 is beyond floating point
    ran = archcalc("show", spec, "--max-digits", "200", "--bars", "macs", "--sort", "macs", "--share")
    assert ran.status == 0
    assert "100.0 %" in ran.line("conv_1")
    assert "██" in ran.line("conv_1")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ("lenet5", "--bars", "macs"),
        ("resnet50", "--bars", "rf"),
        ("bert", "--bars", "memory", "--tree"),
        ("densenet121", "--bars", "saved", "--depth", "2"),
        ("unet", "--share", "--tree"),
    ],
)
def test_bars_and_trees_fit_the_terminal(
    archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], width: int
) -> None:
    monkeypatch.setattr("archcalc.cli.output.on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    ran = archcalc("show", *arguments)
    assert max(map(len, ran.lines)) <= width
    assert "\x1b" not in ran.out


@pytest.mark.slow
def test_a_terminal_has_colour_and_a_pipe_has_none(archcalc: Archcalc) -> None:
    arguments = ("show", "lenet5", "--bars", "macs", "--tree")
    assert "\x1b[1m" in on_terminal(*arguments, TERM="xterm")
    assert "\x1b" not in on_terminal(*arguments, TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in archcalc(*arguments).out


def test_an_encoding_without_block_characters_has_bars_and_trees_in_ascii(
    archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archcalc.cli.layers_view.writes_blocks", lambda: False)
    ran = archcalc("show", "lenet5", "--bars", "macs", "--tree")
    assert ran.out.isascii()
    assert "|  `- tanh" in ran.out
    assert "####" in ran.out


def test_formats_without_bars_have_the_numbers(archcalc: Archcalc) -> None:
    for form in ("csv", "latex"):
        ran = archcalc("show", "lenet5", "--bars", "macs", "--format", form)
        assert not BLOCK.search(ran.out)
        assert "57.6" in ran.out
    for form in ("markdown", "html"):
        assert BLOCK.search(archcalc("show", "lenet5", "--bars", "macs", "--format", form).out)


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "transformer", "whisper"])
def test_the_sums_of_a_tree_are_those_of_what_is_below(archcalc: Archcalc, name: str) -> None:
    ran = archcalc("show", name, "--tree", "--columns", "layer,params,macs,head", "--format", "csv")
    rows = table(ran.out)
    for at, row in enumerate(rows):
        level = int(row["level"])
        below = list(takewhile(lambda other: int(other["level"]) > level, rows[at + 1 :]))  # noqa: B023
        children = [
            other for other in below if int(other["level"]) == level + 1 and not other["head"].startswith("aux")
        ]
        for column in ("params", "macs"):
            if children and row["head"][:3] != "aux":
                assert sum(int(child[column]) for child in children) == int(row[column])


def test_the_depth_of_a_tree(archcalc: Archcalc) -> None:
    arguments = ("show", "resnet18", "--tree", "--columns", "layer", "--format", "csv", "--depth")
    for depth in (0, 1, 2, 3):
        levels = [int(row["level"]) for row in table(archcalc(*arguments, str(depth)).out)]
        assert max(levels) == depth
    assert len(archcalc("show", "resnet152", "--tree").lines) < 50  # readable by default


def test_siblings_of_a_tree_are_sorted(archcalc: Archcalc) -> None:
    ran = archcalc("show", "lenet5", "--tree", "--sort", "params")
    names = [line.split()[1] for line in ran.lines if line.startswith(("├─", "└─"))]
    assert names == ["c5", "f6", "c3", "out", "c1", "s2", "s4"]
    at = ran.lines.index(ran.line("├─ c5"))
    assert [line.split()[2] for line in ran.lines[at + 1 : at + 3]] == ["conv", "tanh"]


def test_a_module_whose_layers_are_apart_is_one_branch(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 1x8x8\nlayers:\n  - a: conv 2 k3\n  - b: relu -> relu\n  - c: fc 3\n")
    analysis = package.load(str(spec)).analyze()
    apart = replace(analysis, layers=(*analysis.layers[1:2], *analysis.layers[:1], *analysis.layers[2:]))
    tree = module_tree(apart)
    names = [(tree.rows[row].name, level) for row, level, _ in tree.walk(ASCII)]
    assert [name for name, level in names if level == 1] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sort", "output"], "--sort: error[argument]: must be a column of numbers, got 'output'"),
        (["--bars", "mac"], "did you mean 'macs'?"),
        (["--bars", ""], "the columns of numbers are params,"),
        (["--share", "--columns", "layer,rf"], "none of the columns has a total"),
        (["--tree", "--format", "json"], "--tree does not apply to json"),
        (["--share", "--format", "json"], "--share does not apply to json"),
        (["--sort", "macs", "--training-step"], "--sort does not apply to --training-step"),
        (["--bars", "macs", "--as", "thop"], "--bars does not apply to --as"),
    ],
)
def test_mistakes_are_named(archcalc: Archcalc, arguments: list[str], message: str) -> None:
    ran = archcalc("show", NET, *arguments)
    assert ran.status == 2
    assert not ran.out
    assert message in ran.err
