"""Recurrent layers of exported programs: arrays of their layers and directions, states, and refused calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archcalc.graph import Ref
from archcalc.readers.building import LoweredModel
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.read import read_model
from archcalc.spec.errors import SpecError
from tests.readers.programs import call, document, local, write

STORED = {
    f"r.{name}{direction}": shape
    for direction in ("", "_reverse")
    for name, shape in {"w_ih": (12, 3), "w_hh": (12, 4), "b_ih": (12,), "b_hh": (12,)}.items()
}


def program(*before: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Return a GRU in both directions on a batch of two, positions first; its states are read."""
    arguments: dict[str, Any] = {
        "input": "@x",
        "hx": "@h0",
        "params": [f"@{local(name)}" for name in STORED],
        "has_biases": True,
        "num_layers": 1,
        "dropout": 0.0,
        "train": False,
        "bidirectional": True,
        "batch_first": False,
    }
    gru = call("gru.input", "y", module="r", **(arguments | changed))
    gru["outputs"] = [{"as_tensor": {"name": name}} for name in ("y", "h")]
    calls = [call("zeros.default", "h0", size=[2, 2, 4]), *before, gru, call("relu.default", "z", self="@h")]
    results = {"h0": (2, 2, 4), "y": (5, 2, 8), "h": (2, 2, 4), "z": (2, 2, 4)}
    return document({"x": (5, 2, 3)}, calls, results, STORED)


def read(folder: Path, what: dict[str, Any]) -> LoweredModel:
    return lower(read_model(write(folder / "net.pt2", what), "net.pt2", {"x": 1}))


def test_arrays_of_all_directions_are_one_and_states_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, program())
    _, gru, relu = found.graph.nodes
    assert gru.op.attributes()["units"] == 4
    assert gru.outputs == ((5, 8), (2, 4))
    assert relu.inputs == (Ref(1, 1),)
    assert found.stored == {
        "r.input": ("r.w_ih", "r.w_ih_reverse"),
        "r.recurrent": ("r.w_hh", "r.w_hh_reverse"),
        "r.bias": ("r.b_ih", "r.b_ih_reverse"),
        "r.recurrent_bias": ("r.b_hh", "r.b_hh_reverse"),
    }


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"num_layers": 3}, "8 arrays for 6 layers and directions"),
        ({"train": True, "dropout": 0.5}, "dropout in training: export the model after model.eval()"),
        ({"params": ["@x"] * 8}, "weights that are computed, not stored"),
    ],
)
def test_unsupported_recurrent_calls_are_refused(changed: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path, program(**changed))
    (problem,) = caught.value.problems
    assert what in problem.hint


def test_states_that_are_overwritten_are_not_taken_for_zeros(tmp_path: Path) -> None:
    """They are a constant that is the same for both examples."""
    found = read(tmp_path, program(call("fill_.Scalar", "h0", self="@h0", value=1.0)))
    states, gru = found.graph.nodes[-3:-1]
    assert states.op.name == "repeat"
    assert states.outputs == ((2, 4),)
    assert gru.inputs == (Ref(0), Ref(2))
