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
from archcalc.readers.checkpoints.read import read_checkpoint
from archcalc.spec.errors import SpecError
from archcalc.writers.onnx.write import write_onnx
from benchmarks.keras_models import ENTIRE, OLD, SHARDS

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


def shards(folder: Path) -> Path:
    """Write the files of weights that Keras has split, and return their index."""
    with zipfile.ZipFile(FILES / SHARDS) as archive:
        archive.extractall(folder)
    return folder / "images.weights.json"


def test_several_files_have_the_weights_of_one(tmp_path: Path) -> None:
    index = shards(tmp_path)
    whole = weights_file(tmp_path, "images", "weights.h5", "")
    assert len([*tmp_path.glob("images_*.weights.h5")]) > 1
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    model = archcalc.load(str(weights_file(tmp_path, "images", "keras", "")))
    for each in (network, model):
        expected = each.weights(str(whole))
        for name, array in each.weights(str(index)).items():
            np.testing.assert_array_equal(array, expected[name])


def test_several_files_are_listed_as_one(tmp_path: Path) -> None:
    index = shards(tmp_path)
    found, whole = (read_checkpoint(str(path)) for path in (index, weights_file(tmp_path, "images", "weights.h5", "")))
    assert {name: each.shape for name, each in found.tensors.items()} == {
        name: each.shape for name, each in whole.tensors.items()
    }
    for name, tensor in found.tensors.items():
        np.testing.assert_array_equal(found.load(tensor), whole.load(whole.tensors[name]))


def test_missing_files_are_named(tmp_path: Path) -> None:
    index = shards(tmp_path)
    Path(tmp_path, "images_00001.weights.h5").unlink()
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    for read in (network.weights, read_checkpoint):
        with pytest.raises(SpecError, match=r"missing 1 of \d files of the checkpoint: images_00001"):
            read(str(index))


def test_files_with_the_same_array_are_refused(tmp_path: Path) -> None:
    index = shards(tmp_path)
    first, second = sorted(tmp_path.glob("images_*.weights.h5"))[:2]
    second.write_bytes(first.read_bytes())
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    with pytest.raises(SpecError, match="several files have the array"):
        network.weights(str(index))


def test_an_array_in_the_place_of_a_group_is_refused(tmp_path: Path) -> None:
    import h5py

    index = shards(tmp_path)
    places: dict[str, list[Path]] = {}
    for path in sorted(tmp_path.glob("images_*.weights.h5")):
        with h5py.File(path) as file:
            for key in file:
                places.setdefault(key, []).append(path)
    key, (*_, last) = next((key, paths) for key, paths in places.items() if len(paths) > 1)
    with h5py.File(last, "r+") as file:
        del file[key]
        file[key] = np.zeros(1)
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    with pytest.raises(SpecError, match="several files have the array"):
        network.weights(str(index))


def test_a_number_in_the_place_of_a_vector_is_refused(tmp_path: Path) -> None:
    import h5py

    path = weights_file(tmp_path, "images", "weights.h5", "")
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        (bias,) = [name for name in names if isinstance(file[name], h5py.Dataset) and file[name].shape == (3,)]
        del file[bias]
        file[bias] = np.float32(0)
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    with pytest.raises((SpecError, ArrayError), match="does not have the axes of"):
        network.weights(str(path))


def test_an_index_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    index = shards(tmp_path)
    index.write_text(index.read_text().replace("images_00000", "../images_00000"))
    network = archcalc.load(spec_file(tmp_path, SPECS["images"]))
    with pytest.raises(SpecError, match="must be in the folder of the index"):
        network.weights(str(index))


def test_a_network_of_onnx_takes_weights_of_keras(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    source = archcalc.load(spec_file(tmp_path, SPECS["in_columns"]))
    Path(tmp_path, "net.onnx").write_bytes(write_onnx(source.graph))
    network = archcalc.load(str(tmp_path / "net.onnx"))
    path = weights_file(tmp_path, "in_columns", "keras", "")
    arrays = np.load(tmp_path / "arrays.npz")
    given = np.moveaxis(arrays["input_0"], -1, 1)
    made = network.run(dict.fromkeys(network.graph.inputs, given), weights=network.weights(str(path)))
    (computed,) = made.outputs.values()
    np.testing.assert_allclose(computed, arrays["output_0"], rtol=1e-4)


@pytest.mark.parametrize("version", ["", OLD])
def test_parts_of_flattened_maps_in_the_order_of_keras(version: str, tmp_path: Path) -> None:
    path = weights_file(tmp_path, "cut", "weights.h5", version)
    text = """
input: 3x4x5
layers:
  - maps: conv 6 k2
  - long: rearrange 'c h w = (h w c)'
  - made: slice 7:40 -> fc 24
  - odd: "@long -> slice 1:72 step=2 -> fc 3"
  - of_part: "@made -> slice 6:18 -> rearrange '(h w c) = c h w' h=2 w=3 -> conv 2 k2"
  - dense: "@input -> slice 1:3 axis=0 -> rearrange 'c h w = (h w c)' -> slice 0:9 -> fc 2"
  - last: "@of_part"
heads:
  other: "@odd"
  third: "@dense"
"""
    network = archcalc.load(spec_file(tmp_path, text))
    arrays = np.load(tmp_path / "arrays.npz")
    weights = network.weights(str(path))
    made = network.run({"input": np.moveaxis(arrays["input_0"], -1, 1)}, weights=weights).outputs
    maps, odd, dense = made.values()
    np.testing.assert_allclose(np.moveaxis(maps, 1, -1).reshape(2, -1), arrays["output_0"], rtol=1e-4)
    np.testing.assert_allclose(odd, arrays["output_1"], rtol=1e-4)
    np.testing.assert_allclose(dense, arrays["output_2"], rtol=1e-4)


def test_two_biases_are_the_one_of_keras(tmp_path: Path) -> None:
    path = weights_file(tmp_path, "tokens", "keras", "")
    text = SPECS["tokens"].replace("lstm 5 onebias", "lstm 5").replace("rnn 3 onebias", "rnn 3")
    network = archcalc.load(spec_file(tmp_path, text))
    weights = network.weights(str(path))
    arrays = np.load(tmp_path / "arrays.npz")
    (computed,) = network.run({"input": arrays["input_0"]}, weights=weights).outputs.values()
    np.testing.assert_allclose(computed, arrays["output_0"], rtol=1e-4)
    assert not weights["once.recurrent_bias"].any()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "input: 3x9x8\nlayers:\n  - first: conv 4 k3\n  - flatten -> slice 0:20\n  - other: fc 7",
            "slice_1: its result depends on the order of elements",
        ),
        ("input: 18x21\nlayers:\n  - hidden: flatten -> fc 7", "hidden/fc: no layer tells which of the merged axes"),
    ],
)
def test_an_order_that_is_not_known_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    path = weights_file(tmp_path, "images", "weights.h5", "")
    with pytest.raises(ArrayError) as caught:
        archcalc.load(spec_file(tmp_path, text)).weights(str(path))
    assert reason in str(caught.value)


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


@pytest.mark.parametrize("form", ["h5", "weights.h5"])
def test_all_that_does_not_fit_a_model_is_listed(form: str, tmp_path: Path) -> None:
    model = tmp_path / "other.keras"
    with zipfile.ZipFile(FILES / "images.keras") as source, zipfile.ZipFile(model, "w") as changed:
        description = source.read("config.json").decode()
        changed.writestr("config.json", description.replace('"units": 7', '"units": 8'))
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(model)).weights(str(weights_file(tmp_path, "images", form, "")))
    assert [problem.message for problem in caught.value.problems] == [
        "'hidden/fc.weight' would be 8x378, but the file has 7x378",
        "'hidden/fc.bias' would be 8, but the file has 7",
        "'classes.weight' would be 3x8, but the file has 3x7",
    ]


@pytest.mark.parametrize("form", ["h5", "weights.h5"])
def test_layers_that_a_model_lacks_and_has_are_listed(form: str, tmp_path: Path) -> None:
    path = weights_file(tmp_path, "flattened", form, "")
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(FILES / "images.keras")).weights(str(path))
    listed = "\n".join(problem.message for problem in caught.value.problems)
    assert re.search(r"the layer 'up' has 0 arrays|no array 'layers/conv2d_transpose", listed)
    assert re.search(r"the layer 'separable' has 0 arrays|no array 'layers/separable_conv2d", listed)
    assert "the model has no layer for 'slopes'" in listed
    assert "the model has no layer for 'whole'" in listed
    assert "'classes.weight' would be 3x7, but the file has 3x141" in listed
