"""``archcalc run --mode train``: steps, momentum, masks of dropout, and numbers that are worked out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Archcalc

FOUR = ("run", "1 -> bn", "--input", "1; 2; 3; 4", "--mode", "train")


def test_moving_averages_are_printed_step_by_step(archcalc: Archcalc) -> None:
    lines = archcalc(*FOUR, "--steps", "2").out.splitlines()
    assert "moving averages after step 2, as in PyTorch with momentum 0.1:" in lines
    assert [line for line in lines if line.startswith("bn_1.")] == [
        "bn_1.mean = 0.9·0 + 0.1·2.5 = 0.25",
        "bn_1.variance = 0.9·1 + 0.1·1.66667 = 1.06667",  # 5/3: divided by N − 1
        "bn_1.mean = 0.9·0.25 + 0.1·2.5 = 0.475",
        "bn_1.variance = 0.9·1.06667 + 0.1·1.66667 = 1.12667",
    ]


@pytest.mark.parametrize("word", ["tensorflow:0.9", "keras:0.9"])
def test_momentum_follows_the_convention_that_is_named(archcalc: Archcalc, word: str) -> None:
    lines = archcalc(*FOUR, "--momentum", word).out.splitlines()
    assert "bn_1.mean = 0.9·0 + 0.1·2.5 = 0.25" in lines
    assert "bn_1.variance = 0.9·1 + 0.1·1.25 = 1.025" in lines  # 5/4: divided by N


def test_every_step_may_have_its_batch(archcalc: Archcalc) -> None:
    ran = archcalc("run", "1 -> bn", "--mode", "train", "--steps", "2", "--input", "1; 3", "--input", "4; 8; 6")
    assert [line for line in ran.out.splitlines() if line.startswith("bn_1.mean")] == [
        "bn_1.mean = 0.9·0 + 0.1·2 = 0.2",
        "bn_1.mean = 0.9·0.2 + 0.1·6 = 0.78",
    ]


def test_training_steps_are_exact_on_request(archcalc: Archcalc) -> None:
    lines = archcalc(*FOUR, "--steps", "2", "--exact", "--momentum", "pytorch:1/3").out.splitlines()
    assert [line for line in lines if line.startswith("bn_1.")] == [
        "bn_1.mean = (2/3)·0 + (1/3)·(5/2) = 5/6",
        "bn_1.variance = (2/3)·1 + (1/3)·(5/3) = 11/9",
        "bn_1.mean = (2/3)·(5/6) + (1/3)·(5/2) = 25/18",
        "bn_1.variance = (2/3)·(11/9) + (1/3)·(5/3) = 37/27",
    ]


def test_training_heads_run_exactly_in_training_only(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 2\nlayers:\n  - a: fc 1 nobias\ntraining_heads:\n  aux: '@a -> fc 2 nobias'\n")
    given = ("--input", "1 2", "--exact", "--weights", "a.weight = 3 4")
    assert archcalc("run", str(path), *given).out == "a: 1\n11\n"
    assert "need numbers for aux.weight" in archcalc("run", str(path), *given, "--mode", "train").err
    ran = archcalc("run", str(path), *given, "--mode", "train", "--weights", "aux.weight = 1; 1/2")
    assert ran.out == "a: 1\n11\naux: 2\n  11  11/2\n"


def test_saved_weights_are_those_after_the_last_step(archcalc: Archcalc, tmp_path: object) -> None:
    path = f"{tmp_path}/w.npz"
    archcalc(*FOUR, "--steps", "3", "--save-weights", path)
    assert np.load(path)["bn_1.mean"] == pytest.approx(2.5 * (1 - 0.9**3))


def test_batch_norm_is_worked_out_with_the_statistics_of_the_batch(archcalc: Archcalc) -> None:
    lines = archcalc(*FOUR, "--at", "bn_1:0,0").out.splitlines()
    assert "mean = (1 + 2 + 3 + 4)/4 = 2.5" in lines
    assert lines[-1] == "bn_1[0, 0] = 1·(−1.34164) + 0 = −1.34164"


@pytest.mark.parametrize(
    ("scale", "last"),
    [
        (
            "training",
            [
                "dropout_1[1] = 4·1/0.5 = 8",
                "expectation of dropout_1[1] over all masks = 0.5·(4·1/0.5) + 0.5·(4·0/0.5) = 4",
            ],
        ),
        (
            "inference",
            ["dropout_1[1] = 4·1 = 4", "expectation of dropout_1[1] over all masks = 0.5·(4·1) + 0.5·(4·0) = 2"],
        ),
    ],
)
def test_dropout_is_worked_out_with_its_mask(archcalc: Archcalc, scale: str, last: list[str]) -> None:
    spec = ("run", f"2 -> dropout 0.5 scale={scale}", "--input", "2 4", "--mode", "train", "--mask", "0 1")
    assert archcalc(*spec, "--at", "dropout_1:1").out.splitlines()[-2:] == last


def test_a_random_mask_is_the_one_of_the_run(archcalc: Archcalc) -> None:
    spec = ("run", "30 -> dropout 0.5", "--input", "ones", "--mode", "train", "--seed", "3", "--format", "json")
    data = json.loads(archcalc(*spec, "--at", "dropout_1", "--print", "dropout_1").out)
    steps = {step["name"]: step["value"] for step in data["worked"][0]["steps"]}
    worked = [float(steps[f"dropout_1[{index}]"]) for index in range(30)]
    assert worked == data["tensors"][0]["values"][0]
    assert set(worked) == {0, 2}


def test_masks_of_maps_have_one_number_per_map(archcalc: Archcalc) -> None:
    ran = archcalc("run", "2x1x2 -> spatial_dropout 0.5", "--input", "1 2;; 3 4", "--mode", "train", "--mask", "0 1")
    assert ran.out.split() == ["spatial_dropout_1:", "2x1x2", "channel", "0:", "0", "0", "channel", "1:", "6", "8"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "2"], "--steps needs --mode train"),
        (["--mask", "1 0"], "--mask needs --mode train"),
        (["--mode", "train", "--steps", "2", "--repeat", "2"], "omit --steps"),
        (["--mode", "train", "--momentum", "0.9"], "must be pytorch or tensorflow"),
        (["--mode", "train", "--momentum", "pytorch:2"], "the momentum must be from 0 to 1, got 2"),
        (["--mode", "train", "--mask", "relu_1 = 1 0"], "no mask 'relu_1'"),
        (["--mode", "train", "--mask", "1 0 1"], "the mask of 'dropout_1': must have shape 2"),
        (["--mode", "train", "--mask", "0 2"], "the mask of 'dropout_1' must consist of 0 and 1"),
        (["--mode", "train", "--mask", "1 0", "--mask", "0 1"], "two masks for 'dropout_1'"),
        (["--mode", "train", "--steps", "3", "--input", "1 2", "--input", "3 4"], "one for each of 3 steps"),
    ],
)
def test_options_of_training_that_do_not_fit_are_named(archcalc: Archcalc, arguments: list[str], message: str) -> None:
    ran = archcalc("run", "2 -> relu -> dropout", *arguments)
    assert ran.status == 2
    assert message in ran.err.replace("\n", " ")
