"""Weights of Keras for networks that are not Keras's: results must be those of Keras."""

from __future__ import annotations

import re
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import archcalc
from archcalc.executor.errors import ArrayError
from benchmarks.keras_models import ENTIRE, OLD

pytestmark = pytest.mark.skipif(find_spec("h5py") is None, reason="h5py is not installed")

FILES = Path(__file__).parent / "files"
SPECS = {
    "images": """
input: 3x9x8
layers:
  - first: conv 4 k3
  - norm: bn eps=0.001
  - depthwise: dwconv k3 multiplier=2
  - separable: sepconv 5 k2
  - up: upconv 6 k3 s2 outpad=0
  - hidden: flatten -> dropout 0.5 -> fc 7 -> relu
  - classes: fc 3
""",
    "tokens": """
input: 6
layers:
  - table: embedding 10 8
  - once: lstm 5 onebias
  - both: gru 4 bidirectional
  - norm: ln axis=last eps=0.001
  - last: rnn 3 onebias final
""",
    "flattened": """
input: 3x5x4
layers:
  - left: "@input -> conv 4 k3 same"
  - right: "@input -> conv 2 k1"
  - long: concat(@left, @right) -> flatten -> bn eps=0.001
  - short: "@left -> maxpool k2 s2 -> ln eps=0.001 -> flatten"
  - like_maps: "@long -> fc 16"
  - plain: "@long -> fc 5"
  - slopes: concat(@long, add(@short, @like_maps), @plain) -> prelu channels
  - classes: fc 3
""",
    "in_columns": """
input: 2x6x8
layers:
  - first: conv 4 k3 same
  - maxpool k2 s2
  - rearrange 'c h w = w (c h)'
  - columns: lstm 3 bidirectional
  - flatten
  - classes: fc 5
""",
    "made_maps": """
input: 5
layers:
  - first: fc 24 nobias
  - norm: bn eps=0.001
  - second: fc 48 -> relu
  - reshape 4x3x4
  - up: upconv 3 k3 s2 pad=same
  - depthwise: dwconv k3 multiplier=2 pad=0
  - grouped: conv 4 k2 g2 pad=0
""",
    "of_sequences": """
input: 6x3
layers:
  - before: gru 4 reset_after=no onebias
  - after: gru 5
  - transpose 1x0
  - slide: conv 4 k2 pad=0
  - flatten
  - classes: fc 4
""",
}
"""The small models, written as specs."""


def spec_file(folder: Path, text: str) -> str:
    path = folder / "net.yaml"
    path.write_text(text)
    return str(path)


def weights_file(folder: Path, name: str, form: str, version: str) -> Path:
    """Write a file of weights: of an entire model, in one of both formats, or of the weights alone."""
    source = FILES / version / f"{name}.keras"
    with zipfile.ZipFile(source) as archive:
        members = {"keras": "", "h5": ENTIRE, "weights.h5": "model.weights.h5"}
        path = folder / f"{name}.{form}"
        path.write_bytes(archive.read(members[form]) if members[form] else source.read_bytes())
        Path(folder, "arrays.npz").write_bytes(archive.read("arrays.npz"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("version", ["", OLD])
@pytest.mark.parametrize("form", ["keras", "h5", "weights.h5"])
@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("name", SPECS)
def test_results_are_those_of_keras(name: str, by_name: bool, form: str, version: str, tmp_path: Path) -> None:
    path = weights_file(tmp_path, name, form, version)
    text = SPECS[name] if by_name else re.sub(r"(- (?=\w+:)|@(?!input))", r"\1other_", SPECS[name])
    network = archcalc.load(spec_file(tmp_path, text))
    arrays = np.load(tmp_path / "arrays.npz")
    given, expected = arrays["input_0"], arrays["output_0"]
    given = np.moveaxis(given, -1, 1) if given.ndim == 4 else given
    weights = network.weights(str(path))
    (computed,) = network.run(dict.fromkeys(network.graph.inputs, given), weights=weights).outputs.values()
    computed = np.moveaxis(computed, 1, -1) if expected.ndim == 4 else computed
    np.testing.assert_allclose(computed.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)


def test_a_model_takes_weights_of_another_file(tmp_path: Path) -> None:
    model = weights_file(tmp_path, "tokens", "keras", "")
    weights = weights_file(tmp_path, "tokens", "weights.h5", "")
    network = archcalc.load(str(model))
    own = network.arrays()
    assert own is not None
    for name, array in network.weights(str(weights)).items():
        np.testing.assert_array_equal(array, own[name])


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "images", "weights.h5", "")
    text = SPECS["images"].replace("fc 3", "fc 4").replace("- first", "- one")
    with pytest.raises(ArrayError) as caught:
        archcalc.load(spec_file(tmp_path, text)).weights(str(path))
    listed = str(caught.value)
    assert "classes (weight 4x7, bias 4) does not have the shape of 'classes' (7x3, 3)" in listed


def test_too_many_layers_are_listed(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "tokens", "weights.h5", "")
    text = SPECS["tokens"].rpartition("  - last")[0]
    with pytest.raises(ArrayError, match=r"'last' .* belongs to no layer"):
        archcalc.load(spec_file(tmp_path, text)).weights(str(path))
