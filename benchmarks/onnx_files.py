"""ONNX files of other projects against ONNX Runtime: the sizes of every tensor, and the numbers of every output.

The files are those inside the wheels of ddddocr, magika, nudenet, rapidocr-onnxruntime and silero-vad: networks that
PyTorch, Keras and PaddlePaddle exported, some of them quantized. FOLDER is where these wheels have been unpacked:

    pip download --no-deps -d WHEELS ddddocr magika nudenet rapidocr-onnxruntime silero-vad
    for each in WHEELS/*.whl; do python -m zipfile -e "$each" FOLDER; done
    python -m benchmarks.onnx_files FOLDER

Every file is read whole, and run once by ONNX Runtime with all its tensors as outputs; branches are replaced by the
nodes that they take. Prints how many tensors have the same sizes, and the largest difference of an output. Networks
with integer arithmetic are run on real numbers here, so their outputs differ by their rounding.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime

import archcalc
from archcalc.readers.onnx.decode import Decoder
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.protobuf import read_model

EXACT = 1e-4
"""The difference that float32 allows, relative to the largest number plus 0.1: a sigmoid may saturate."""


@dataclass(frozen=True)
class Case:
    """A file, and how it is read."""

    path: str
    shapes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    batch_axes: Mapping[str, str] = field(default_factory=dict)
    """The options of the command, by the names of inputs."""
    integers: Mapping[str, int] = field(default_factory=dict)
    """The numbers of tokens of integer inputs."""
    rounds: bool = False
    """Whether the network computes with integers."""


RATE = {"sr": "16000"}
FRAME = {"input": "576"}
ALONE = {"input": "none", "h": "none", "c": "none"}

CASES = (
    Case("ddddocr/common.onnx", {"input1": "1x64x160"}),
    Case("ddddocr/common.onnx", {"input1": "1x64x96"}),
    Case("ddddocr/common_old.onnx", {"input1": "1x64x160"}, rounds=True),
    Case("ddddocr/common_det.onnx"),
    Case("magika/models/standard_v3_3/model.onnx", integers={"bytes": 257}),
    Case("nudenet/320n.onnx", {"images": "3x320x320"}),
    Case("nudenet/320n.onnx", {"images": "3x192x256"}),
    Case("rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", {"x": "3x320x320"}),
    Case("rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", {"x": "3x96x224"}),
    Case("rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", {"x": "3x48x320"}),
    Case("rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", {"x": "3x48x200"}),
    Case("rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx", {"x": "3x48x192"}),
    Case("silero_vad/data/silero_vad.onnx", FRAME, RATE),
    Case("silero_vad/data/silero_vad.onnx", {"input": "288"}, {"sr": "8000"}),
    Case("silero_vad/data/silero_vad_16k_op15.onnx", FRAME, RATE),
    Case("silero_vad/data/silero_vad_16k_sequence.onnx", {"input": "4x576"}, {}, ALONE),
    Case("silero_vad/data/silero_vad_half.onnx", FRAME),
    Case("silero_vad/data/silero_vad_op18_ifless.onnx", FRAME, RATE),
    Case("silero_vad/data/silero_vad_op18_ifless.onnx", {"input": "288"}, {"sr": "8000"}),
    Case("silero_vad/data/silero_vad_openvino_16k.onnx"),
)


FORMATS = {"tensor(float)": "f4", "tensor(float16)": "f2", "tensor(int64)": "i8", "tensor(int32)": "i4"}

Sizes: TypeAlias = tuple[int, ...]


def sizes_of(case: Case, path: Path) -> tuple[Callable[[str], Sizes | None], dict[str, Sizes], list[str]]:
    """Return the sizes of any tensor of a file by its name, those of its inputs, and which are read channels first."""
    shapes = {name: tuple(map(int, written.split("x"))) for name, written in case.shapes.items()}
    axes = {name: None if axis == "none" else int(axis) for name, axis in case.batch_axes.items()}
    decoder = Decoder(read_model(path, path.name), path, path.name, Inputs(path.name, shapes, axes, case.values))
    program = decoder.program()
    tensors = decoder.tensors

    def known(name: str) -> Sizes | None:
        meta = tensors.metas.get(tensors.resolved(name))
        return None if meta is None else meta.sizes

    sizes = {name: meta.sizes for name, meta in program.inputs.items()}
    in_file = {name: (sizes[name][0], *sizes[name][2:], sizes[name][1]) for name in decoder.turned}
    return known, {**sizes, **in_file}, decoder.turned


def numbers_for(case: Case, session: Any, sizes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return random numbers for the inputs, and those that are given."""
    chance = np.random.default_rng(0)
    found = {}
    for each in session.get_inputs():
        dtype = {"tensor(float)": "f4", "tensor(float16)": "f2", "tensor(int64)": "i8", "tensor(int32)": "i4"}[
            each.type
        ]
        if each.name in case.values:
            found[each.name] = np.array(int(case.values[each.name]), dtype)
        elif each.name in case.integers:
            found[each.name] = chance.integers(0, case.integers[each.name], sizes[each.name]).astype(dtype)
        else:
            found[each.name] = chance.uniform(-1, 1, sizes[each.name]).astype(dtype)
    return found


def run(model: Any, given: Any) -> tuple[list[str], list[Any]]:
    """Return the names and the numbers of the outputs of a model in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    numbers = given(session)
    return [each.name for each in session.get_outputs()], session.run(None, numbers)


def without_branches(model: Any, given: Any) -> Any:
    """Return a model in which branches are replaced by the nodes that they take."""
    while True:
        at = next((at for at, node in enumerate(model.graph.node) if node.op_type == "If"), None)
        if at is None:
            return model
        node = model.graph.node[at]
        (condition,) = run(with_outputs(model, [node.input[0]]), given)[1]
        chosen = "then_branch" if bool(condition.flat[0]) else "else_branch"
        branch = next(each.g for each in node.attribute if each.name == chosen)
        ends = [
            onnx.helper.make_node("Identity", [inner.name], [name])
            for inner, name in zip(branch.output, node.output, strict=True)
        ]
        nodes = [*model.graph.node[:at], *branch.node, *ends, *model.graph.node[at + 1 :]]
        model.graph.initializer.extend(branch.initializer)
        del model.graph.node[:]
        model.graph.node.extend(nodes)


def with_outputs(model: Any, names: list[str]) -> Any:
    """Return a model whose outputs are given tensors."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.output[:]
    changed.graph.output.extend([onnx.ValueInfoProto(name=name) for name in names])
    return changed


def tensors_of(model: Any) -> Iterator[str]:
    """Yield the names of all tensors that nodes compute."""
    seen = set()
    for node in model.graph.node:
        for name in node.output:
            if name and name not in seen:
                seen.add(name)
                yield name


def outcome(case: Case, path: Path) -> tuple[int, int, float]:
    """Return how many tensors have the sizes of ONNX Runtime, of how many, and the difference of the outputs."""
    known, inputs, turned = sizes_of(case, path)
    model = onnx.load(path)
    outputs = [each.name for each in model.graph.output]

    def given(session: Any) -> dict[str, Any]:
        return numbers_for(case, session, inputs)

    model = without_branches(model, given)
    names, arrays = run(with_outputs(model, list(tensors_of(model))), given)
    truth = dict(zip(names, arrays, strict=True))
    same = 0
    for name, array in truth.items():
        sizes = known(name)
        same += sizes == array.shape
        if sizes != array.shape:
            print(f"    {name}: {sizes}, in ONNX Runtime {array.shape}")
    network = archcalc.load(
        str(path), shapes=dict(case.shapes), values=dict(case.values), batch_axes=dict(case.batch_axes)
    )
    feeds = {}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for name, array in given(session).items():
        if name in network.graph.inputs:
            array = np.moveaxis(array, -1, 1) if name in turned else array
            axis = case.batch_axes.get(name, batch_axis(array.shape, network.graph.inputs[name]))
            feeds[name] = array[np.newaxis] if axis in (None, "none") else np.moveaxis(array, int(axis), 0)
    results = [np.asarray(each, np.float64) for each in network.run(feeds).outputs.values()]
    worst = 0.0
    for found, name in zip(results, dict.fromkeys(outputs), strict=True):
        expected = np.asarray(truth[name], np.float64)
        if found.size != expected.size:
            return same, len(truth), float("inf")
        difference = np.abs(found.reshape(-1) - moved(expected, found.shape).reshape(-1)).max()
        worst = max(worst, float(difference / (0.1 + np.abs(expected).max())))
    return same, len(truth), worst


def batch_axis(sizes: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Return the axis of an array that the shape of an input lacks."""
    if sizes == tuple(shape):
        return None
    return next(at for at in range(len(sizes)) if sizes[:at] + sizes[at + 1 :] == tuple(shape))


def moved(array: Any, shape: tuple[int, ...]) -> Any:
    """Return an output with the axis of the batch in front, where the network has it."""
    if array.shape == shape:
        return array
    axis = next((at for at in range(array.ndim) if np.moveaxis(array, at, 0).shape == shape), None)
    return array if axis is None else np.moveaxis(array, axis, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    tensors = same = runs = equal = 0
    for case in CASES:
        path = options.folder / case.path
        given = " ".join(f"{name}={value}" for name, value in {**case.shapes, **case.values}.items())
        agree, count, difference = outcome(case, path)
        tensors, same, runs = tensors + count, same + agree, runs + 1
        equal += difference < EXACT
        note = " (rounds)" if case.rounds else ""
        print(f"{path.name} {given}: {agree}/{count} tensors, outputs within {difference:.1e}{note}", flush=True)
    print(f"{same}/{tensors} tensors have the same sizes; the outputs of {equal}/{runs} runs are equal")
    return 0 if same == tensors and equal == runs - sum(case.rounds for case in CASES) else 1


if __name__ == "__main__":
    sys.exit(main())
