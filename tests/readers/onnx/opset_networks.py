"""Small networks in the version of ONNX's operators in which each operator has its oldest form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from tests.readers.onnx.models import model, weights

node = helper.make_node

IMAGE = {"x": [1, 3, 4, 5]}
ROWS = {"x": [1, 4, 6]}
RATIOS = ([2.0, 2.0], [3.0, 2.0], [0.5, 0.5], [1.5, 1.2])
COORDINATES = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")
REDUCTIONS = ("Mean", "Max", "Min", "L1", "L2", "Sum", "Prod", "LogSumExp", "SumSquare", "LogSum")


def networks() -> Iterator[tuple[str, ModelProto]]:
    """Return the networks, with a name for each."""
    yield from _layers()
    yield from _shapes()
    yield from _reductions()
    yield from _resampling()


def _layers() -> Iterator[tuple[str, ModelProto]]:
    yield (
        "convolutions",
        model(
            [
                node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
                node("BatchNormalization", ["a", "s", "b", "m", "v"], ["c"]),
                node("Relu", ["c"], ["d"]),
                node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
                node("Dropout", ["e"], ["f"]),
                node("GlobalAveragePool", ["f"], ["g"]),
                node("Flatten", ["g"], ["h"]),
                node("Gemm", ["h", "fw", "fb"], ["i"], transB=1),
                node("Softmax", ["i"], ["y"], axis=1),
            ],
            {"x": [1, 3, 8, 8]},
            {
                "w": weights(4, 3, 3, 3),
                **{name: weights(4, seed=seed) for seed, name in enumerate("sbm")},
                "v": np.abs(weights(4)) + 0.1,
                "fw": weights(5, 4),
                "fb": weights(5),
            },
            opset=7,
        ),
    )
    yield (
        "transposed convolution, blocks",
        model(
            [
                node("ConvTranspose", ["x", "w", "b"], ["a"], strides=[2, 2], output_padding=[1, 1], pads=[1] * 4),
                node("DepthToSpace", ["a"], ["d"], blocksize=2),
                node("SpaceToDepth", ["d"], ["y"], blocksize=2),
            ],
            IMAGE,
            {"w": weights(3, 8, 3, 3), "b": weights(8)},
            opset=7,
        ),
    )
    yield (
        "products",
        model(
            [
                node("MatMul", ["x", "w"], ["a"]),
                node("Add", ["a", "b"], ["c"]),
                node("Erf", ["c"], ["d"]),
                node("Pow", ["d", "p"], ["e"]),
                node("Sqrt", ["e"], ["y"]),
            ],
            ROWS,
            {"w": weights(6, 5), "b": weights(5), "p": np.array(2, np.float32)},
            opset=9,
        ),
    )
    for name, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        arrays = {"w": weights(1, 5 * gates, 4), "r": weights(1, 5 * gates, 5), "b": weights(1, 10 * gates)}
        nodes = [node(name, ["x", "w", "r", "b"], ["a", "h"], hidden_size=5), node("Squeeze", ["a"], ["y"], axes=[1])]
        yield name, model(nodes, {"x": [6, 1, 4]}, arrays, opset=7)
    yield (
        "activations",
        model(
            [
                node("Clip", ["x"], ["a"], min=-0.5, max=0.5),
                node("LeakyRelu", ["a"], ["b"], alpha=0.2),
                node("Elu", ["b"], ["c"]),
                node("PRelu", ["c", "s"], ["d"]),
                node("Selu", ["d"], ["e"]),
                node("Softplus", ["e"], ["f"]),
                node("Softsign", ["f"], ["g"]),
                node("HardSigmoid", ["g"], ["y"]),
            ],
            IMAGE,
            {"s": np.abs(weights(3, 1, 1))},
            opset=7,
        ),
    )
    yield (
        "softmax over the axes behind one",
        model([node("Softmax", ["x"], ["a"], axis=1), node("LogSoftmax", ["a"], ["y"], axis=2)], IMAGE, opset=7),
    )
    yield (
        "normalisation",
        model(
            [
                node("InstanceNormalization", ["x", "s", "b"], ["a"]),
                node("LRN", ["a"], ["c"], size=3),
                node("MeanVarianceNormalization", ["c"], ["d"], axes=[0, 2, 3]),
                node("LpNormalization", ["d"], ["e"], axis=1),
                node("Shrink", ["e"], ["y"], lambd=0.1),
            ],
            IMAGE,
            {"s": weights(3), "b": weights(3)},
            opset=9,
        ),
    )
    groups = [node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2)]
    for version, count in ((18, 2), (21, 4)):
        arrays = {"s": weights(count), "b": weights(count)}
        yield f"group normalisation {version}", model(groups, {"x": [1, 4, 6, 5]}, arrays, opset=version)
    yield (
        "layer normalisation",
        model(
            [node("LayerNormalization", ["x", "s", "b"], ["a"]), node("Gelu", ["a"], ["y"])],
            ROWS,
            {"s": weights(6), "b": weights(6)},
            opset=20,
        ),
    )


def _shapes() -> Iterator[tuple[str, ModelProto]]:
    yield (
        "paddings",
        model(
            [
                node("Pad", ["x"], ["a"], pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.5),
                node("AveragePool", ["a"], ["b"], kernel_shape=[2, 2], pads=[1, 0, 0, 1]),
                node("LpPool", ["b"], ["y"], kernel_shape=[2, 2]),
            ],
            IMAGE,
            opset=7,
        ),
    )
    yield (
        "slices",
        model(
            [
                node("Slice", ["x"], ["a"], axes=[2, 3], starts=[1, -4], ends=[4, 100000]),
                node("Split", ["a"], ["p", "q", "r"], axis=1),
                node("Concat", ["r", "p"], ["c"], axis=1),
                node("Transpose", ["c"], ["d"], perm=[0, 2, 3, 1]),
                node("Unsqueeze", ["d"], ["e"], axes=[1]),
                node("Squeeze", ["e"], ["y"], axes=[1]),
            ],
            IMAGE,
            opset=7,
        ),
    )
    yield (
        "parts of different sizes",
        model(
            [
                node("Split", ["x"], ["p", "q"], axis=1, split=[1, 3]),
                node("ReduceSum", ["q"], ["r"], axes=[1], keepdims=1),
                node("Add", ["r", "p"], ["y"]),
            ],
            ROWS,
            opset=7,
        ),
    )
    yield (
        "repetitions",
        model(
            [
                node("Expand", ["x", "s"], ["a"]),
                node("Tile", ["a", "r"], ["b"]),
                node("Gather", ["b", "i"], ["c"], axis=2),
                node("Reshape", ["c", "t"], ["y"]),
            ],
            {"x": [1, 4, 1]},
            {
                "s": np.array([1, 4, 6]),
                "r": np.array([1, 1, 2]),
                "i": np.array([0, 5, 3]),
                "t": np.array([0, -1]),
            },
            opset=8,
        ),
    )
    yield (
        "comparisons",
        model(
            [
                node("Greater", ["x", "z"], ["c"]),
                node("Where", ["c", "x", "n"], ["a"]),
                node("Cast", ["c"], ["f"], to=1),
                node("Mul", ["a", "f"], ["b"]),
                node("Max", ["b", "x"], ["d"]),
                node("Mean", ["d", "x"], ["y"]),
            ],
            IMAGE,
            {"z": np.array(0, np.float32), "n": np.array(-1, np.float32)},
            opset=9,
        ),
    )
    yield (
        "the largest elements",
        model(
            [
                node("TopK", ["x"], ["a", "i"], k=2, axis=2),
                node("ArgMax", ["a"], ["m"], axis=2),
                node("Cast", ["m"], ["f"], to=1),
                node("Add", ["a", "f"], ["y"]),
            ],
            ROWS,
            opset=7,
        ),
    )
    one_hot = [node("ArgMax", ["x"], ["a"], axis=2, keepdims=0), node("OneHot", ["a", "d", "v"], ["y"])]
    yield "one-hot", model(one_hot, ROWS, {"d": np.array(6), "v": np.array([0, 1], np.float32)}, opset=9)
    scattered = [node("ScatterND", ["x", "i", "u"], ["a"]), node("CumSum", ["a", "axis"], ["y"])]
    arrays = {"i": np.array([[0, 1], [0, 3]]), "u": weights(2, 6), "axis": np.array(1)}
    yield "other elements", model(scattered, ROWS, arrays, opset=11)
    turned = [node("ReverseSequence", ["x", "l"], ["y"], batch_axis=0, time_axis=1)]
    yield "reversed", model(turned, ROWS, {"l": np.array([3])}, opset=10)


def _reductions() -> Iterator[tuple[str, ModelProto]]:
    for name in REDUCTIONS:
        nodes = [node("Exp", ["x"], ["z"]), node(f"Reduce{name}", ["z"], ["y"], axes=[1, 3], keepdims=0)]
        yield name, model(nodes, IMAGE, opset=7)


def _resampling() -> Iterator[tuple[str, ModelProto]]:
    for mode in ("nearest", "linear"):
        scales = {"s": np.array([1, 1, 2, 2], np.float32)}
        old = [node("Upsample", ["x"], ["y"], mode=mode, scales=[1.0, 1.0, 2.0, 2.0])]
        yield f"Upsample 7, {mode}", model(old, IMAGE, opset=7)
        yield f"Upsample 9, {mode}", model([node("Upsample", ["x", "s"], ["y"], mode=mode)], IMAGE, scales, opset=9)
        yield f"Resize 10, {mode}", model([node("Resize", ["x", "s"], ["y"], mode=mode)], IMAGE, scales, opset=10)
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in COORDINATES:
            for ratio in RATIOS:
                for rounding in ("round_prefer_floor", "floor", "ceil") if mode == "nearest" else ("floor",):
                    yield _resized(mode, coordinates, ratio, rounding, by_sizes=False)
                yield _resized(mode, coordinates, ratio, "round_prefer_floor", by_sizes=True)


def _resized(
    mode: str, coordinates: str, ratio: list[float], rounding: str, *, by_sizes: bool
) -> tuple[str, ModelProto]:
    none = np.zeros(0, np.float32)
    sizes = np.array([1, 3, int(4 * ratio[0]), int(5 * ratio[1])])
    arrays: dict[str, Any] = {"roi": none, "s": none if by_sizes else np.array([1, 1, *ratio], np.float32)}
    inputs = ["x", "roi", "s"]
    if by_sizes:
        arrays["to"] = sizes
        inputs.append("to")
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    name = f"Resize, {mode}, {coordinates}, {ratio} {'sizes' if by_sizes else rounding}"
    return name, model([node("Resize", inputs, ["y"], **attributes)], IMAGE, arrays, opset=11)
