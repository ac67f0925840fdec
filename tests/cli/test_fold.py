"""``archcalc fold``: what folding saves, the folded spec and its weights."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc as package
from archcalc.executor.files import write_arrays
from archcalc.executor.weights import initial_arrays
from tests.cli.conftest import Archcalc

SMALL = "3x8x8 -> conv 4 k3 nobias -> bn -> relu -> conv 5 k3 half -> relu -> bn -> conv 2 k1 half"


def test_parameters_and_operations_before_and_after(archcalc: Archcalc) -> None:
    ran = archcalc("fold", SMALL)
    assert ran.status == 0
    row = ran.line("conv_1").replace("conv 4 k3", "op").split()
    # 4·27 weights and 4·4 numbers of the batch norm; then a bias for each map. 36 positions, 27 products each
    assert row == ["conv_1", "op", "bn_1", "124", "112", "4,032", "3,888", "7,920", "7,776"]
    assert ran.line("conv_3").split()[5] == "bn_2"
    assert ran.line("total").split()[:3] == ["total", "2", "341"]
    assert "2 layers folded, 1 of them into the following layer; 3 layers unchanged" in ran.lines


def test_a_single_layer_in_the_following_one_is_reported(archcalc: Archcalc) -> None:
    ran = archcalc("fold", "3x8x8 -> relu -> bn -> conv 2 k3")
    assert "1 layer folded, into the following layer; 1 layer unchanged" in ran.lines


def test_layers_that_stay_are_named_with_the_reason(archcalc: Archcalc) -> None:
    ran = archcalc("fold", "3x8x8 -> bn -> relu -> conv 2 k3")
    assert ran.status == 0
    assert ran.line("bn_1") == "bn_1 cannot be folded: it reads an input; relu after it has no weighted sums"
    assert ran.line("0 layers folded")


def test_json_has_every_layer(archcalc: Archcalc) -> None:
    found = json.loads(archcalc("fold", "resnet18", "--format", "json").out)
    assert len(found["layers"]) == 49
    assert found["layers"][0]["folded"] == [{"name": "conv1/bn", "op": "bn", "direction": "backward"}]
    assert found["kept"] == []
    assert found["verified"] is None
    before, after = (found["totals"][when]["params"] for when in ("before", "after"))
    assert (before, after) == (11_699_112, 11_684_712)


def test_csv_has_every_layer(archcalc: Archcalc) -> None:
    rows = list(csv.DictReader(io.StringIO(archcalc("fold", SMALL, "--format", "csv").out)))
    assert [row["layer"] for row in rows] == ["conv_1", "relu_1", "conv_2", "relu_2", "conv_3"]
    assert sum(int(row["params_after"]) for row in rows) == 112 + 185 + 12


def test_the_folded_spec_is_a_spec(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "folded.yaml"
    assert archcalc("fold", "resnet18", "-o", str(path)).status == 0
    shown = json.loads(archcalc("show", str(path), "--format", "json").out)
    assert shown["totals"]["params"] == 11_684_712
    assert shown["outputs"] == {"head": [1000]}
    assert not list(tmp_path.glob(".archcalc-*"))


@pytest.mark.parametrize("name", ["folded.onnx", "folded.npz", "folded.pth"])
def test_a_spec_is_not_written_under_the_name_of_another_format(archcalc: Archcalc, tmp_path: Path, name: str) -> None:
    ran = archcalc("fold", "lenet5", "-o", str(tmp_path / name))
    assert ran.status == 2
    assert "--output: error[argument]: a spec is written, but '" in ran.err
    assert f"ends in {Path(name).suffix}" in ran.err
    assert not [*tmp_path.iterdir()]


def test_verify_runs_both(archcalc: Archcalc) -> None:
    ran = archcalc("fold", SMALL, "--verify")
    assert ran.status == 0
    assert "both networks agree: largest relative difference" in ran.out


@pytest.mark.parametrize(
    "chain",
    [
        "conv 4 k3 -> bn",
        "conv 3 k3 p1 -> bn",
        "(conv 4 k3 p1 -> bn)*2",
        "conv 4 k3 -> bn -> bn",
        "bn -> conv 4 k3 -> bn",
        "bn -> conv 4 k3 -> softmax",
        "gap -> relu -> fc 3 -> bn",  # the tensors that are read before and after folding have one shape, but differ
    ],
)
@pytest.mark.parametrize("verb", [("fold", "--verify"), ("verify", "--only", "folding")])
def test_networks_whose_last_layer_is_folded_away_are_compared(
    archcalc: Archcalc, chain: str, verb: tuple[str, ...]
) -> None:
    ran = archcalc(verb[0], f"3x8x8 -> {chain}", *verb[1:])
    assert ran.status == 0, ran.err
    assert "largest relative difference" in ran.out


def test_verify_fails_where_the_arrays_are_folded_wrongly(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    import archcalc.verification.folding as claims

    original = claims.folded_weights

    def wrong(*arguments: Any) -> dict[str, Any]:
        return {name: array * 1.001 for name, array in original(*arguments).items()}

    monkeypatch.setattr(claims, "folded_weights", wrong)
    ran = archcalc("fold", SMALL, "--verify")
    assert ran.status == 1
    assert "both networks DIFFER" in ran.out


def test_folded_weights_fit_the_folded_spec_and_give_the_same_outputs(archcalc: Archcalc, tmp_path: Path) -> None:
    graph = package.load("mobilenet-v1", shapes="3x32x32").graph
    with (tmp_path / "w.npz").open("wb") as file:
        write_arrays(file, initial_arrays(graph, seed=3))
    spec, weights = tmp_path / "folded.yaml", tmp_path / "folded.npz"
    options = (
        "--shape",
        "3x32x32",
        "--weights",
        str(tmp_path / "w.npz"),
        "-o",
        str(spec),
        "--save-weights",
        str(weights),
    )
    assert archcalc("fold", "mobilenet-v1", *options, "--verify").status == 0
    with np.load(weights) as arrays:
        assert "conv0/conv.bias" in arrays
        assert not any(name.endswith(".variance") for name in arrays)
    outputs = []
    for network, own in (("mobilenet-v1", tmp_path / "w.npz"), (spec, weights)):
        out = tmp_path / "y.npy"
        shape = ("--shape", "3x32x32") if network == "mobilenet-v1" else ()
        assert archcalc("run", str(network), *shape, "--weights", str(own), "--output", str(out)).status == 0
        outputs.append(np.load(out))
    np.testing.assert_allclose(*outputs, rtol=1e-3, atol=1e-6)


def test_weights_that_do_not_fit_are_an_error(archcalc: Archcalc, tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"conv_1.weight": np.zeros((4, 3, 3, 3))})
    ran = archcalc("fold", SMALL, "--weights", str(tmp_path / "w.npz"), "--save-weights", str(tmp_path / "out.npz"))
    assert ran.status == 2
    assert "bn_1.mean is missing" in ran.err
    assert not (tmp_path / "out.npz").exists()


def test_save_weights_needs_weights(archcalc: Archcalc, tmp_path: Path) -> None:
    ran = archcalc("fold", SMALL, "--save-weights", str(tmp_path / "out.npz"))
    assert ran.status == 2
    assert "--weights" in ran.err


def test_a_run_folds_on_request(archcalc: Archcalc, tmp_path: Path) -> None:
    outputs = []
    for options in ((), ("--fold",)):
        out = tmp_path / "y.npy"
        assert archcalc("run", SMALL, "--output", str(out), *options).status == 0
        outputs.append(np.load(out))
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)


def test_a_layer_that_is_folded_away_cannot_be_requested(archcalc: Archcalc) -> None:
    ran = archcalc("run", SMALL, "--fold", "--layer", "bn_1")
    assert ran.status == 2
    assert "'bn_1' is folded into 'conv_1'" in ran.err


def test_training_does_not_fold(archcalc: Archcalc) -> None:
    ran = archcalc("run", SMALL, "--fold", "--mode", "train")
    assert ran.status == 2
    assert "--fold needs --mode inference" in ran.err
