"""Tensors by module, and modules that are repeated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.outline import MAX_DEPTH, Outline
from archcalc.readers.checkpoints.read import read_checkpoint
from tests.readers.checkpoints.files import state_dict, write_torch


def checkpoint(shapes: dict[str, tuple[int, ...]]) -> Checkpoint:
    tensors = {name: CheckpointTensor(name, shape, "float32") for name, shape in shapes.items()}
    return Checkpoint("net", "safetensors", tensors, lambda tensor: np.zeros(tensor.shape))


BLOCKS = {
    "embed.weight": (10, 4),
    **{f"layer.{at}.{name}": shape for at in range(3) for name, shape in (("fc.weight", (4, 4)), ("fc.bias", (4,)))},
    "layer.3.fc.weight": (8, 4),
    "layer.3.fc.bias": (8,),
    **{f"head_{at}.weight": (2, 4) for at in (1, 2)},
}


def names(found: Checkpoint, depth: int) -> list[tuple[str, int, int]]:
    return [(row.name, row.times, row.params) for row in Outline(found).rows(depth)]


def test_equal_modules_with_consecutive_numbers_are_one_row() -> None:
    assert names(checkpoint(BLOCKS), MAX_DEPTH) == [
        ("embed.weight", 1, 40),
        ("layer.0–2.fc.weight", 3, 48),
        ("layer.0–2.fc.bias", 3, 12),
        ("layer.3.fc.weight", 1, 32),
        ("layer.3.fc.bias", 1, 8),
        ("head_1–2.weight", 2, 16),
    ]


def test_modules_are_grouped_by_level() -> None:
    found = checkpoint(BLOCKS)
    assert names(found, 0) == [("", 1, 156)]
    assert names(found, 1) == [("embed.weight", 1, 40), ("layer", 1, 100), ("head_1–2.weight", 2, 16)]
    assert names(found, 2)[1:3] == [("layer.0–2.fc", 3, 60), ("layer.3.fc", 1, 40)]
    assert Outline(found).readable_depth(5) == 3
    assert Outline(found).readable_depth(4) == 3
    assert Outline(found).readable_depth(2) == 1


def test_a_tensor_may_have_the_name_of_a_module() -> None:
    found = checkpoint({"a.b": (2,), "a": (3,), "a.b.c": (4,)})
    assert [row.name for row in Outline(found).rows(MAX_DEPTH)] == ["a", "a.b", "a.b.c"]


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "0", "1", "2", "x3", "x4", ""]), min_size=1, max_size=4).map(".".join),
        st.sampled_from([(), (2,), (2, 3)]),
        min_size=1,
        max_size=20,
    )
)
def test_rows_of_every_level_add_up_to_the_totals(shapes: dict[str, tuple[int, ...]]) -> None:
    found = checkpoint(shapes)
    totals = found.totals
    for depth in range(6):
        rows = [*Outline(found).rows(depth)]
        sums = [sum(getattr(row, name) for row in rows) for name in ("tensors", "params", "trainable", "bytes")]
        assert sums == [totals.tensors, totals.params, totals.trainable, totals.bytes]
    assert sum(row.times for row in Outline(found).rows(MAX_DEPTH)) == len(shapes)


def test_a_tensor_with_two_names_is_counted_once(tmp_path: Path) -> None:
    value = state_dict({"a.weight": np.ones((2, 3), "f4")})
    found = read_checkpoint(str(write_torch(tmp_path / "net.pt", {**value, "b.weight": value["a.weight"]})))
    assert found.shared == {"b.weight": "a.weight"}
    assert [(row.name, row.params) for row in Outline(found).rows(2)] == [("a.weight", 6), ("b.weight", 0)]
