"""Functions of one tensor, element by element or along its last axis."""

from __future__ import annotations

from archcalc.readers.tflite.operation import OperationView, channels_first
from archcalc.readers.tflite.registry import converts

PLAIN = {
    "ABS": "Abs",
    "CEIL": "Ceil",
    "COS": "Cos",
    "ELU": "Elu",
    "EXP": "Exp",
    "FLOOR": "Floor",
    "HARD_SWISH": "HardSwish",
    "LOG": "Log",
    "LOGICAL_NOT": "Not",
    "LOGISTIC": "Sigmoid",
    "NEG": "Neg",
    "RELU": "Relu",
    "ROUND": "Round",
    "SIGN": "Sign",
    "SIN": "Sin",
    "SQRT": "Sqrt",
    "TANH": "Tanh",
}
"""The operators without options, and what ONNX calls them."""

CLIPS = {"RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}


@converts(*PLAIN, follows=True)
def plain(n: OperationView) -> None:
    order = n.order(0)
    made = n.add(PLAIN[n.name], n.read(0, order))
    n.computed(made, order)


@converts(*CLIPS, follows=True)
def clip(n: OperationView) -> None:
    order = n.order(0)
    low, high = (n.constant(each, "float32") for each in CLIPS[n.name])
    n.computed(n.add("Clip", n.read(0, order), low, high), order)


@converts("RSQRT", follows=True)
def reciprocal_root(n: OperationView) -> None:
    order = n.order(0)
    n.computed(n.add("Reciprocal", n.add("Sqrt", n.read(0, order))), order)


@converts("SQUARE", follows=True)
def square(n: OperationView) -> None:
    order = n.order(0)
    n.computed(n.add("Pow", n.read(0, order), n.constant(2.0, "float32")), order)


@converts("GELU", follows=True)
def gelu(n: OperationView) -> None:
    order = n.order(0)
    n.computed(n.add("Gelu", n.read(0, order), approximate="tanh" if n.option("Approximate") else "none"), order)


@converts("LEAKY_RELU", follows=True)
def leaky_relu(n: OperationView) -> None:
    order = n.order(0)
    n.computed(n.add("LeakyRelu", n.read(0, order), alpha=n.option("Alpha", 0.0)), order)


@converts("PRELU", follows=True)
def prelu(n: OperationView) -> None:
    """Convert a ReLU with slopes, whose axes are those of the input without the batch."""
    order = n.order(0)
    n.computed(n.add("PRelu", n.read(0, order), n.aligned(1, order)), order)


@converts("SOFTMAX", "LOG_SOFTMAX", follows=True)
def softmax(n: OperationView) -> None:
    order, rank = n.order(0), n.rank(0)
    read = n.read(0, order)
    beta = n.option("Beta", 1.0) if n.name == "SOFTMAX" else 1.0
    if beta != 1:
        read = n.add("Mul", read, n.constant(beta, "float32"))
    operator = "Softmax" if n.name == "SOFTMAX" else "LogSoftmax"
    n.computed(n.add(operator, read, axis=order.index(rank - 1)), order)


@converts("L2_NORMALIZATION", follows=True)
def unit_vectors(n: OperationView) -> None:
    order = n.order(0)
    n.computed(n.add("LpNormalization", n.read(0, order), axis=order.index(n.rank(0) - 1), p=2), order)


@converts("LOCAL_RESPONSE_NORMALIZATION", on_maps=True)
def local_response(n: OperationView) -> None:
    """Convert a normalisation across neighbouring maps; ONNX divides the factor by their number."""
    size = 2 * n.option("Radius") + 1
    factors = {"alpha": n.option("Alpha") * size, "beta": n.option("Beta"), "bias": n.option("Bias")}
    n.computed(n.add("LRN", n.maps(0), size=size, **factors), channels_first(n.rank(0)))
