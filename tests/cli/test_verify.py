"""``archcalc verify``: the analysis against measurement, and that a wrong analysis is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archcalc.analysis.fields import AxisField
from archcalc.numeric import Number
from archcalc.ops.base import Cost, Shape, Shapes, Weight
from archcalc.ops.conv import Conv
from archcalc.ops.norm import BatchNorm
from archcalc.ops.pool import MaxPool
from tests.cli.conftest import Archcalc

SMALL = "3x20x20 -> conv 4 k3 s2 -> bn -> relu -> maxpool 2 -> conv 6 k3 half -> add(relu, identity) -> gap -> fc 5"
NOISY = "3x6x6 -> conv 4 k3 -> bn -> add(identity, random 4x4x4) -> relu"
ASPECTS = ["shapes", "params", "operations", "exact", "rf", "folding", "memory"]


def differing(ran: Any) -> set[str]:
    """Return the checks that found differences."""
    (found,) = json.loads(ran.out)
    return {check["check"] for check in found["checks"] if check["differences"]}


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["lenet5-1998", "colourisation-unet", SMALL, NOISY])
def test_small_networks_agree_in_everything(archcalc: Archcalc, spec: str) -> None:
    ran = archcalc("verify", spec, "--format", "json")
    assert ran.status == 0, ran.out
    (found,) = json.loads(ran.out)
    assert found["holds"]
    assert [check["check"] for check in found["checks"]] == ASPECTS
    compared = {check["check"]: check["compared"] for check in found["checks"]}
    assert all(compared[name] for name in ASPECTS if name != "folding")


def test_receptive_fields_of_a_residual_network(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "resnet18", "--only", "rf")
    assert ran.status == 0, ran.out
    assert ran.line("rf").split()[1] == "ok"


@pytest.mark.slow
def test_random_joins_heads_and_inputs_agree(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        """\
inputs: {image: 3x24x20, prior: 1x24x20}
layers:
  - enc: conv 4 k3x5 half g1 -> bn -> gelu
  - low: maxpool k3 s2 p1 -> conv 6 k3 d2 p2 nobias -> bn -> silu
  - up: upconv 4 k2 s2 -> concat(@enc, identity, @prior) -> sepconv 5 k3 same -> upsample 2 bilinear
heads: {mask: "@low -> upsample 2 -> conv 1 k1 -> sigmoid"}
training_heads: {aux: "@low -> gap -> fc 3 -> softmax"}
""",
        encoding="utf-8",
    )
    ran = archcalc("verify", str(path), "--format", "json")
    assert ran.status == 0, ran.out


def wrong_shape(self: MaxPool, inputs: Shapes) -> Shape:
    channels, *sizes = inputs[0]
    return (channels, *(size // 2 + 1 for size in sizes))


def wrong_weights(self: Conv, inputs: Shapes) -> tuple[Weight, ...]:
    return (Weight("weight", (self.channels, inputs[0][0], *self.kernel)), Weight("bias", (1,)))


def wrong_cost(self: BatchNorm, inputs: Shapes) -> Cost:
    operations: Mapping[str, Number] = {"mul": 7, "add": 7}
    return Cost(operations)


@pytest.mark.parametrize(
    ("owner", "method", "wrong", "found"),
    [
        (MaxPool, "output", wrong_shape, {"shapes", "exact"}),
        (Conv, "weights", wrong_weights, {"params", "exact"}),
        (BatchNorm, "cost", wrong_cost, {"operations", "exact"}),
    ],
)
def test_a_wrong_formula_is_found(
    archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, wrong: Any, found: set[str]
) -> None:
    monkeypatch.setattr(owner, method, wrong)
    ran = archcalc("verify", SMALL, "--only", "shapes,params,operations,exact", "--format", "json")
    assert ran.status == 1
    assert differing(ran) >= found


def test_a_wrong_receptive_field_is_found(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    original = AxisField.box

    def wrong(self: AxisField, unit: tuple[int, ...]) -> Any:
        box = original(self, unit)
        return box if box is None else box._replace(last=box.last + 1)

    monkeypatch.setattr(AxisField, "box", wrong)
    ran = archcalc("verify", SMALL, "--only", "rf")
    assert ran.status == 1
    assert ran.line("rf").split()[1] == "DIFFERS"
    assert "conv_1: rf of input, axis 1: analysis" in ran.out


def test_an_estimate_of_memory_that_is_too_small_is_found(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    from archcalc.analysis import memory

    monkeypatch.setattr(memory, "peak_elements", lambda graph, training=False: 1)
    ran = archcalc("verify", "1x600x600 -> conv 8 k3 -> relu", "--only", "memory", "--format", "json")
    assert ran.status == 1
    assert differing(ran) == {"memory"}


def test_several_networks_in_one_table(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "lenet5", "1x4x4 -> relu", "--only", "shapes,params")
    assert ran.status == 0
    assert [line.split()[:3] for line in ran.lines[3:5]] == [["lenet5", "shapes", "ok"], ["lenet5", "params", "ok"]]


def test_networks_that_do_not_fit_into_memory_are_reduced(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "vgg-d", "--only", "shapes,params,operations,memory", "--max-memory", "30M")
    assert ran.status == 0
    for check in ("shapes", "params", "operations", "memory"):
        assert ran.line(check).split()[1] == "ok"
        assert "on 3x32x32, channels divided by 4" in ran.line(check)


def test_networks_that_do_not_fit_into_memory_at_full_size_are_named(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "vgg-d", "--only", "shapes,memory", "--max-memory", "100M", "--full-size")
    assert ran.status == 0
    for check in ("shapes", "memory"):
        assert "not run: needs about" in ran.line(check)


def test_networks_that_cannot_be_probed_are_named_in_the_table(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "16 -> fc 4", "--only", "shapes,rf")
    assert ran.status == 0
    assert "no input has positions" in ran.line("rf")


def test_fields_are_probed_through_reshapes(archcalc: Archcalc) -> None:
    shuffle = "9x4x4 -> conv 9 k3 half -> reshape 1x3x3x4x4 -> transpose 0x3x1x4x2 -> reshape 1x12x12"
    ran = archcalc("verify", shuffle, "--only", "rf")
    assert ran.status == 0
    assert "not probed" not in ran.line("rf")


def test_an_unknown_check_gets_a_suggestion(archcalc: Archcalc) -> None:
    ran = archcalc("verify", "lenet5", "--only", "shape")
    assert ran.status == 2
    assert "did you mean 'shapes'?" in ran.err
