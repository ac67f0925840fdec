"""``archcalc run --backward``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Archcalc

HOMEWORK = ("1x4x4 -> conv 1 k2", "--input", "arange", "--weights", "conv_1.weight=1 2; 3 4", "--backward")
UPSTREAM = ("--upstream", "1 0 0; 0 1 0; 0 0 2")


def test_the_gradients_of_a_convolution_are_printed_in_full(archcalc: Archcalc) -> None:
    """∂L/∂W is the input correlated with ∂L/∂Z; ∂L/∂X the full convolution of ∂L/∂Z with the kernel."""
    ran = archcalc("run", *HOMEWORK, *UPSTREAM, "--grad", "input,conv_1.weight", "--grad", "conv_1.bias")
    assert ran.status == 0
    x, g, w = np.arange(16.0).reshape(4, 4), np.diag([1.0, 1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    weight = [[(x[i : i + 3, j : j + 3] * g).sum() for j in range(2)] for i in range(2)]
    padded = np.pad(g, 1)
    inputs = [[(padded[i : i + 2, j : j + 2] * w[::-1, ::-1]).sum() for j in range(4)] for i in range(4)]
    printed = [line.split() for line in ran.out.splitlines()]
    assert [[*map(float, row)] for row in printed[2:6]] == inputs
    assert [[*map(float, row)] for row in printed[7:9]] == weight
    assert printed[9:] == [["∂L/∂conv_1.bias:", "1"], ["4"]]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("conv_1.weight:0,0,1,1", "∂L/∂conv_1.weight[0, 0, 1, 1] = 1·5 + 0·6 + 0·7 + 0·9 + 1·10 + 0·11 + 0·13 + 0·14"),
        ("conv_1.weight:1,1", "∂L/∂conv_1.weight[0, 0, 1, 1] = 1·5"),
        ("input:0,1,1", "∂L/∂input[0, 1, 1] = 1·4 + 0·3 + 0·2 + 1·1 = 5"),
        ("conv_1.bias:0", "∂L/∂conv_1.bias[0] = 1 + 0 + 0 + 0 + 1 + 0 + 0 + 0 + 2 = 4"),
    ],
)
def test_a_number_of_a_gradient_is_worked_out(archcalc: Archcalc, place: str, line: str) -> None:
    ran = archcalc("run", *HOMEWORK, *UPSTREAM, "--at", place)
    assert ran.status == 0
    assert any(each.startswith(line) for each in ran.out.splitlines()), ran.out


@pytest.mark.parametrize("form", ["markdown", "latex", "json"])
def test_worked_gradients_have_formats(archcalc: Archcalc, form: str) -> None:
    ran = archcalc("run", *HOMEWORK, *UPSTREAM, "--at", "conv_1.weight:1,1", "--format", form)
    assert ran.status == 0
    assert "conv" in ran.out


@pytest.mark.parametrize(
    ("spec", "places", "options"),
    [
        ("2x4x4 -> maxpool 2 -> fc 3", ["input:1,2,3", "maxpool_1:1,0,0"], ()),
        ("2x4x4 -> avgpool k3 s1 -> fc 3", ["input:1,2,3"], ("--batch", "2")),
        ("2x4x4 -> gap -> fc 3 -> softmax", ["input:1,2,3", "gap_1:1,0,0", "fc_1.weight:2,1"], ()),
        ("2x3x3 -> bn -> fc 2", ["input:1,2,0", "bn_1.scale:0", "bn_1.shift:1"], ("--mode", "train", "--batch", "3")),
        ("2x3x3 -> bn -> fc 2", ["input:1,2,0", "bn_1.scale:0", "bn_1.shift:1"], ()),
        ("6 -> dropout 0.5 -> fc 2", ["input:1", "input:4"], ("--mode", "train")),
        ("1x4x4 -> conv 2 k2 flip -> fc 2", ["input:0,1,1", "conv_1.weight:1,0,0,1"], ()),
        ("4 -> add(identity, fc 4, identity -> tanh) -> fc 2", ["input:2"], ()),
        ("4x6 -> attention heads=2 -> fc 2", ["input:1,2", "attention_1.key:1,1"], ()),
        ("3x2 -> lstm 2 -> fc 2", ["lstm_1.recurrent:1,1", "input:0,1"], ()),
    ],
)
def test_worked_numbers_are_those_of_the_backward_pass(
    archcalc: Archcalc, spec: str, places: list[str], options: tuple[str, ...]
) -> None:
    batch = "2" if "2" in options else "3" if "3" in options else "1"
    for place in places:
        name, index = place.split(":")
        where = [int(each) for each in index.split(",")]
        if "." not in name:
            where = [int(batch) - 1, *where]
        given = f"{name}:{','.join(map(str, where))}"
        common = ("run", spec, "--backward", "--dtype", "float64", *options, "--format", "json")
        ran = archcalc(*common, "--at", given, "--grad", name)
        assert ran.status == 0, ran.err
        found = json.loads(ran.out)
        (worked,) = found["worked"]
        (entry,) = found["gradients"]
        expected = np.array(entry["values"])[tuple(where)]
        last = worked["steps"][-1]["value"]
        assert float(str(last).replace("−", "-")) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("spec", "options", "place", "batch"),
    [
        ("2 -> fc 3", ("--loss", "cross_entropy", "--target", "2"), "fc_1:2", 1),
        ("2 -> fc 3", ("--loss", "cross_entropy", "--target", "2 0", "--batch", "2"), "fc_1:1,0", 2),
        ("2x3x3 -> conv 4 k2", ("--loss", "cross_entropy", "--target", "0 1; 2 3"), "conv_1:2,1,0", 1),
        ("2 -> fc 3", ("--loss", "mse", "--target", "1 2 3"), "fc_1:1", 1),
    ],
)
def test_the_gradient_of_a_loss_is_worked_out(
    archcalc: Archcalc, spec: str, options: tuple[str, ...], place: str, batch: int
) -> None:
    name, index = place.split(":")
    ran = archcalc(
        *("run", spec, "--backward", "--dtype", "float64", *options, "--at", place, "--grad", name, "--format", "json")
    )
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    expected = np.array(found["gradients"][0]["values"])
    where = tuple(int(each) for each in index.split(","))
    expected = expected[where if batch > 1 else (0, *where) if expected.ndim > len(where) else where]
    steps = found["worked"][0]["steps"]
    assert len(steps) > 1
    assert float(str(steps[-1]["value"]).replace("−", "-")) == pytest.approx(expected, rel=1e-4)


TWO_STAGES = """\
input: 4
layers: [a: fc 3 -> relu, b: fc 2 -> scale 3, c: softmax]
"""


@pytest.mark.parametrize("name", ["a", "a/relu"])
@pytest.mark.parametrize(
    "options",
    [
        ("--layer", "a", "--layer", "b"),
        ("--layer", "a", "--layer", "b", "--loss", "mse", "--target", "a=1 2 3", "--target", "b=1 2"),
        ("--layer", "a", "--layer", "c", "--loss", "cross_entropy", "--target", "a=2", "--target", "c=0"),
    ],
    ids=["sum", "mse", "cross_entropy"],
)
def test_what_the_loss_itself_gives_is_added_to_what_layers_pass_on(
    archcalc: Archcalc, tmp_path: Path, options: tuple[str, ...], name: str
) -> None:
    """The loss is computed from the output of a stage, which has the name of its last layer as well."""
    path = tmp_path / "net.yaml"
    path.write_text(TWO_STAGES, encoding="utf-8")
    given = ("--input", "1 2 3 4", "--dtype", "float64", "--digits", "9")
    ran = archcalc(
        *("run", str(path), *given, "--backward", *options, "--at", f"{name}:0", "--grad", name, "--format", "json")
    )
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    last = str(found["worked"][0]["steps"][-1]["value"]).replace("−", "-")
    assert float(last) == pytest.approx(found["gradients"][0]["values"][0][0], rel=1e-4)


def test_all_numbers_of_a_gradient_are_worked_out_together(archcalc: Archcalc) -> None:
    ran = archcalc("run", *HOMEWORK, *UPSTREAM, "--at", "conv_1.weight")
    assert ran.status == 0
    assert [line.rpartition(" = ")[2] for line in ran.out.splitlines() if line.startswith("∂L/∂conv_1.weight[")] == [
        *("25", "29", "41", "45")
    ]


def test_all_gradients_are_a_table(archcalc: Archcalc) -> None:
    ran = archcalc("run", "1x8x8 -> conv 2 k3 -> bn -> fc 3", "--backward", "--loss", "cross_entropy", "--target", "2")
    assert ran.status == 0
    rows = [line.split()[0] for line in ran.out.splitlines() if line.startswith("∂L/∂")]
    names = ["input", "conv_1.weight", "conv_1.bias", "bn_1.scale", "bn_1.shift", "fc_1.weight", "fc_1.bias"]
    assert rows == [f"∂L/∂{name}" for name in names]


def test_gradients_are_written_to_a_file(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "g.npz"
    ran = archcalc("run", "4 -> fc 3", "--backward", "--output", str(path), "--batch", "2")
    assert ran.status == 0
    with np.load(path) as found:
        assert {name: found[name].shape for name in found} == {
            "input": (2, 4),
            "fc_1.weight": (3, 4),
            "fc_1.bias": (3,),
        }
        assert found["fc_1.bias"].tolist() == [2, 2, 2]


def test_several_outputs_have_a_target_each(archcalc: Archcalc) -> None:
    """The loss is the sum of those of the outputs that have a target."""
    losses = []
    for targets in (["a=1 2 3"], ["b=1 2"], ["a=1 2 3", "b=1 2"]):
        options = [option for target in targets for option in ("--target", target)]
        layers = ("--layer", "a", "--layer", "b")
        spec = "{input: '4', layers: [{a: fc 3}, {b: fc 2}]}"
        ran = archcalc("run", "-", "--backward", *layers, "--loss", "mse", *options, "--grad", "input", stdin=spec)
        assert ran.status == 0, ran.err
        losses.append(float(ran.out.split()[1]))
    assert losses[2] == pytest.approx(losses[0] + losses[1], rel=1e-4)


def test_arrays_that_no_output_with_a_target_depends_on_are_not_asked_for(archcalc: Archcalc) -> None:
    spec = "{input: '4', layers: [{a: fc 3}, {b: fc 2}], heads: {c: fc 2}}"
    ran = archcalc("run", "-", "--backward", "--loss", "cross_entropy", "--target", "b=1", stdin=spec)
    assert ran.status == 0, ran.err
    assert "∂L/∂b.weight" in ran.out
    assert "∂L/∂c.weight" not in ran.out


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["--loss", "cross_entropy"], "the loss cross_entropy needs a target", "--target 3"),
        (["--loss", "cross_entropy", "--target", "3"], "must consist of integers from 0 to 2, got 3", ""),
        (["--loss", "cross_entropy", "--target", "1.5"], "must consist of integers from 0 to 2, got 1.5", ""),
        (["--loss", "cross_entropy", "--target", "1 2"], "must have shape 1, got 2", ""),
        (["--loss", "mse", "--target", "1 2"], "must have shape 3, got 2", ""),
        (["--loss", "mse", "--target", "fc_2=1 2 3"], "no output 'fc_2'", "fc_1"),
        (["--grad", "fc_1.wieght"], "no input, layer or stored array 'fc_1.wieght'", "weight, bias"),
        (["--grad", "fc_3"], "no input, layer or stored array 'fc_3'", ""),
        (["--at", "fc_1.weight:3,0"], "∂L/∂fc_1.weight has no number [3, 0]: its shape is 3x4", "indices count from 0"),
        (["--upstream", "1 2"], "must have shape 3", ""),
        (["--max-memory", "1k"], "a backward pass of", "--max-memory"),
    ],
)
def test_bad_input_has_one_located_message(archcalc: Archcalc, options: list[str], message: str, hint: str) -> None:
    ran = archcalc("run", "4 -> fc 3", "--backward", *options)
    assert ran.status == 2
    assert message in ran.err
    assert hint in ran.err
    assert ran.err.count("error[") == 1


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("4 -> fc 3 -> floor", [], "'fc_1' has no gradient: 'floor_1' (floor) passes none on"),
        ("4 -> fc 1", ["--loss", "cross_entropy", "--target", "0"], "needs the scores of two or more classes"),
    ],
)
def test_losses_and_operators_without_gradient(archcalc: Archcalc, spec: str, options: list[str], message: str) -> None:
    ran = archcalc("run", spec, "--backward", "--grad", "fc_1", *options)
    assert ran.status == 2
    assert message in ran.err


@pytest.mark.parametrize(
    "options",
    [
        ["--grad", "input"],
        ["--loss", "sum"],
        ["--backward", "--exact"],
        ["--backward", "--repeat", "2"],
        ["--backward", "--target", "1"],
        ["--backward", "--upstream", "1 2 3", "--loss", "mse"],
    ],
)
def test_options_that_exclude_each_other(archcalc: Archcalc, options: list[str]) -> None:
    assert archcalc("run", "4 -> fc 3", *options).status == 2
