"""What changed between two checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from archcalc.changes.checkpoints import CheckpointDiff, compare_checkpoints
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.spec import SpecError

BASE = {f"layer.{at}.{name}": np.full((2, 2), at, "f4") for at in range(3) for name in ("weight", "bias")} | {
    "head.weight": np.ones((3, 2), "f4")
}


def checkpoint(arrays: Mapping[str, Any]) -> Checkpoint:
    tensors = {name: CheckpointTensor(name, array.shape, array.dtype.name) for name, array in arrays.items()}
    return Checkpoint("net", "safetensors", tensors, lambda tensor: arrays[tensor.name])


def diff(old: Mapping[str, Any], new: Mapping[str, Any], **options: bool) -> CheckpointDiff:
    return compare_checkpoints(checkpoint(old), checkpoint(new), **options)


def test_equal_checkpoints() -> None:
    assert diff(BASE, BASE).is_equal
    assert diff(BASE, dict(reversed(BASE.items())), values=True).is_equal


def test_added_and_removed_tensors() -> None:
    found = diff(BASE, {**BASE, "extra.scale": np.ones(9)})
    assert [tensor.name for tensor in found.added] == ["extra.scale"]
    assert not found.removed
    back = diff({**BASE, "extra.scale": np.ones(9)}, BASE)
    assert [tensor.name for tensor in back.removed] == ["extra.scale"]


def test_reshaped_and_converted_tensors() -> None:
    found = diff(BASE, {**BASE, "head.weight": np.ones((4, 2), "f2")})
    (changed,) = [pair for pair in found.pairs if pair.is_reshaped]
    assert (changed.old.shape, changed.new.shape) == ((3, 2), (4, 2))
    assert changed.is_converted


@pytest.mark.parametrize(("old", "new"), [("", "module."), ("module.", ""), ("a.b.", "model."), ("x.", "layer.0.")])
def test_names_with_another_beginning(old: str, new: str) -> None:
    before, after = ({f"{start}{name}": array for name, array in BASE.items()} for start in (old, new))
    after["extra"] = np.ones(1)
    found = diff(before, after)
    assert not found.removed
    assert [tensor.name for tensor in found.added] == ["extra"]
    assert sum(each.tensors for each in found.renamed) == len(BASE)
    assert all(pair.old.name.removeprefix(old) == pair.new.name.removeprefix(new) for pair in found.pairs)


def test_a_renamed_module_keeps_the_others() -> None:
    new = {name.replace("layer.1", "block.1"): array for name, array in BASE.items()}
    found = diff(BASE, new)
    assert [(each.old, each.new, each.tensors) for each in found.renamed] == [("layer.", "block.", 2)]
    assert not found.added


def test_a_renamed_tensor_of_another_shape_is_reshaped() -> None:
    new = {f"module.{name}": array for name, array in BASE.items()} | {"module.head.weight": np.ones((5, 2), "f4")}
    found = diff(BASE, new)
    assert [pair.new.name for pair in found.pairs if pair.is_reshaped] == ["module.head.weight"]
    assert not found.added


def test_one_tensor_with_a_common_name_is_not_a_rename() -> None:
    found = diff({"a.weight": np.ones(2)}, {"b.weight": np.ones(2)})
    assert not found.renamed
    assert len(found.added) == len(found.removed) == 1


def test_numbers_are_compared_on_request() -> None:
    new = {**BASE, "layer.1.weight": np.full((2, 2), 1.25, "f4"), "head.weight": BASE["head.weight"].astype("f2")}
    assert diff(BASE, new).differences is None
    assert diff(BASE, new, values=True).differences == {"layer.1.weight": 0.25}


def test_numbers_that_are_not_finite() -> None:
    old = {"same": np.array([np.nan, np.inf]), "other": np.array([np.nan, 1.0])}
    new = {"same": np.array([np.nan, np.inf]), "other": np.array([0.0, 1.0])}
    assert diff(old, new, values=True).differences == {"other": np.inf}


def test_numbers_of_a_format_that_is_not_read() -> None:
    old = {"w": np.ones(2, "c8")}
    assert diff(old, old).is_equal
    with pytest.raises(SpecError, match="'w' must have a number format of real numbers, got complex64"):
        diff(old, old, values=True)
