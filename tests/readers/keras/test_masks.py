"""Masks: runs refuse the inputs of which Keras would leave positions out, and only these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archcalc
from archcalc.spec.errors import SpecError
from tests.readers.keras.descriptions import functional, image, layer, write

TABLE = layer("Embedding", "table", "x", input_dim=10, output_dim=4, mask_zero=True)
LSTM = layer("LSTM", "lstm", "drop", units=3)
WORDS = functional(image(6, name="x"), TABLE, layer("Dropout", "drop", "table", rate=0.1), LSTM)


def masking(*layers: dict, value: float = 0.0) -> dict:
    return functional(image(4, 2, name="x"), layer("Masking", "mask", "x", mask_value=value), *layers)


def test_padded_sequences_are_refused(tmp_path: Path) -> None:
    network = archcalc.load(write(tmp_path, WORDS))
    with pytest.raises(SpecError, match=r"'table' marks 2 of 6 positions of 'x'; .* 'lstm'"):
        network.run({"x": np.array([1, 2, 3, 4, 0, 0])})


def test_sequences_without_padding_are_run(tmp_path: Path) -> None:
    archcalc.load(write(tmp_path, WORDS)).run({"x": np.array([1, 2, 3, 4, 5, 6])})


def test_a_position_is_marked_if_all_its_features_have_the_value(tmp_path: Path) -> None:
    path = write(tmp_path, masking(layer("GRU", "gru", "mask", units=2), value=-1.0))
    network = archcalc.load(path)
    sequence = np.array([[1.0, -1], [0, 0], [2, 2], [-1, -2]])
    network.run({"x": sequence})
    sequence[3] = -1
    with pytest.raises(SpecError, match="'mask' marks 1 of 4 positions") as caught:
        network.run({"x": sequence})
    assert '--layer "mask=identity"' in str(caught.value)
    archcalc.load(path, layers={"mask": "identity"}).run({"x": sequence})


@pytest.mark.parametrize(
    "layers",
    [
        [layer("Flatten", "f", "mask"), layer("Dense", "d", "f", units=2)],
        [layer("Conv1D", "c", "mask", filters=2, kernel_size=2), layer("GRU", "g", "c", units=2)],
    ],
)
def test_masks_that_no_layer_applies_do_not_matter(tmp_path: Path, layers: list[dict]) -> None:
    network = archcalc.load(write(tmp_path, masking(*layers)))
    network.run({"x": np.zeros(network.graph.inputs["x"])})
    assert not network.graph.notes


def test_a_mask_that_changes_the_sequence_matters(tmp_path: Path) -> None:
    network = archcalc.load(write(tmp_path, masking(layer("Flatten", "f", "mask"), value=5.0)))
    with pytest.raises(SpecError, match="'mask' marks 4 of 4"):
        network.run({"x": np.full(network.graph.inputs["x"], 5.0)})


def test_counts_do_not_depend_on_masks(tmp_path: Path) -> None:
    table = layer("Embedding", "table", "x", input_dim=10, output_dim=4)
    without = functional(image(6, name="x"), table, *WORDS["config"]["layers"][2:])
    one, other = (archcalc.load(write(tmp_path, each)).analyze().totals for each in (WORDS, without))
    assert (one.params, one.macs) == (other.params, other.macs)


def test_a_mask_of_computed_positions_is_refused(tmp_path: Path) -> None:
    model = functional(
        image(4, 2, name="x"),
        layer("Dense", "d", "x", units=2),
        layer("Masking", "mask", "d"),
        layer("LSTM", "lstm", "mask", units=3),
    )
    with pytest.raises(SpecError, match="does not leave out the positions that 'mask' marks, as 'lstm' does"):
        archcalc.load(write(tmp_path, model)).run({"x": np.ones((4, 2))})
