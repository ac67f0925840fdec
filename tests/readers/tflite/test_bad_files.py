"""TensorFlow Lite files that cannot be trusted: one error or a network."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import archcalc
from archcalc import SpecError

pytest.importorskip("tflite")

from benchmarks.damaged_tflite import DAMAGES, Model
from tests.readers.refusals import reason

FILES = Path(__file__).parent / "files"


def test_files_that_are_no_models(tmp_path: Path):
    path = tmp_path / "net.tflite"
    path.write_bytes(b"")
    assert reason(path) == "not a complete TensorFlow Lite model: the file is empty"
    path.write_bytes(b"PK\x03\x04 and more")
    assert reason(path) == "not a TensorFlow Lite model: the identifier of the format is missing"


def test_truncated_files(tmp_path: Path):
    content = (FILES / "embedding.int8.tflite").read_bytes()
    path = tmp_path / "net.tflite"
    for length in range(8, len(content) - 8, 211):
        path.write_bytes(content[:length])
        assert reason(path).startswith("not a complete TensorFlow Lite model: ")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["mobile.int8", "lstm.float32"])
@pytest.mark.slow
def test_damaged_files(tmp_path: Path, damage: Callable[[Model, random.Random], bytes], name: str):
    original, chance = Model(FILES / f"{name}.tflite"), random.Random(1)
    path = tmp_path / "net.tflite"
    for _ in range(25):
        path.write_bytes(damage(original, chance))
        with suppress(SpecError):
            archcalc.load(str(path), partial=True).analyze()


def test_operators_without_a_conversion_are_listed_with_their_counts(tmp_path: Path):
    content = (FILES / "mobile.float32.tflite").read_bytes()
    path = tmp_path / "net.tflite"
    path.write_bytes(with_operator(content, "MUL", 103))  # UNIQUE
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    (problem,) = caught.value.problems
    assert problem.message == "1 call of an operator that cannot be counted"
    assert problem.hint.startswith("1 × tflite.")
    network = archcalc.load(str(path), partial=True)
    assert any("a lower bound" in note for note in network.graph.notes)


def with_operator(content: bytes, name: str, code: int) -> bytes:
    """Return a file in which an operator is another one."""
    import tflite

    changed = bytearray(content)
    model = tflite.Model.GetRootAs(content, 0)
    own = getattr(tflite.BuiltinOperator, name)
    for at in range(model.OperatorCodesLength()):
        table = model.OperatorCodes(at)._tab
        for field, size in ((4, 1), (10, 4)):  # the deprecated code, in a byte, and the code
            place = table.Offset(field)
            if place and int.from_bytes(changed[table.Pos + place : table.Pos + place + size], "little") == own:
                changed[table.Pos + place : table.Pos + place + size] = code.to_bytes(size, "little")
    return bytes(changed)
