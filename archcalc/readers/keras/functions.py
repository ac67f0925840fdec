"""Functions of TensorFlow, which are layers in models of Keras 2, as those of ``keras.ops``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLASSES = ("TFOpLambda", "SlicingOpLambda")
"""The classes of layers that are a function of TensorFlow."""
NAMES = {
    "abs": "Absolute",
    "add": "Add",
    "cast": "Cast",
    "clip_by_value": "Clip",
    "concat": "Concatenate",
    "cos": "Cos",
    "divide": "Divide",
    "elu": "Elu",
    "erf": "Erf",
    "exp": "Exp",
    "expand_dims": "ExpandDims",
    "floor": "Floor",
    "gelu": "Gelu",
    "getitem": "GetItem",
    "identity": "Identity",
    "leaky_relu": "LeakyRelu",
    "log": "Log",
    "log_softmax": "LogSoftmax",
    "matmul": "Matmul",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "mul": "Multiply",
    "multiply": "Multiply",
    "neg": "Negative",
    "negative": "Negative",
    "pow": "Power",
    "reciprocal": "Reciprocal",
    "reduce_max": "Max",
    "reduce_mean": "Mean",
    "reduce_min": "Min",
    "reduce_prod": "Prod",
    "reduce_sum": "Sum",
    "relu": "Relu",
    "relu6": "Relu6",
    "reshape": "Reshape",
    "rsqrt": "Rsqrt",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "silu": "Silu",
    "sin": "Sin",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "sqrt": "Sqrt",
    "square": "Square",
    "squeeze": "Squeeze",
    "stop_gradient": "StopGradient",
    "sub": "Subtract",
    "subtract": "Subtract",
    "swish": "Silu",
    "tanh": "Tanh",
    "transpose": "Transpose",
    "truediv": "TrueDivide",
}
"""The classes in ``keras.ops`` by the last part of the name of a function."""
ARGUMENTS = {
    "a": "x1",
    "b": "x2",
    "clip_value_max": "x_max",
    "clip_value_min": "x_min",
    "perm": "axes",
    "shape": "newshape",
    "slice_spec": "key",
}
"""The arguments of ``keras.ops`` by those of TensorFlow, where they differ."""
MODULE = "keras.ops"


def function_of(class_name: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the class and the module of the function in ``keras.ops`` that a layer is.

    They are those of the layer if it is none, and the name of the function of TensorFlow if ``keras.ops`` lacks it.
    """
    function = config.get("function")
    if class_name not in CLASSES or not isinstance(function, str):
        return class_name, ""
    return NAMES.get(function.rpartition(".")[2], f"tf.{function}"), MODULE


def arguments_of(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function of TensorFlow by their names in ``keras.ops``."""
    return {ARGUMENTS.get(name, name): value for name, value in kwargs.items()}
