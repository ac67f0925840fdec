"""Layers as frameworks write them, ``nn.Conv2d(3, 6, 5)``, in the notation of specs: ``conv 6 k5``.

Specs cannot use them; they are translated for hints.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

Words: TypeAlias = str | Mapping[Any, str]
"""How a value is written: a format, or the word for each value that has one."""


class FrameworkClass(NamedTuple):
    """A class of a framework: the operator, its parameters in order, and how they are written."""

    operator: str
    parameters: tuple[str, ...] = ()
    words: Mapping[str, Words] = {}
    defaults: Mapping[str, Any] = {}
    """The values of parameters that are not given, where they differ from what specs mean."""


UNSAID = {"in_channels", "in_features", "num_features", "num_channels", "inplace", "momentum", "track_running_stats"}
"""Parameters without a counterpart: sizes that follow from the input, and what does not change the network."""
UNSAID |= {"name", "input_shape", "input_dim", "return_indices", "count_include_pad", "device", "dtype"}
UNSAID |= {"start_dim", "end_dim", "data_format", "output_padding", "input_size", "batch_first"}

DEFAULTS: dict[str, tuple[Any, ...]] = {
    "stride": (1, None),
    "strides": (1, None),
    "padding": (0, "valid"),
    "dilation": (1,),
    "dilation_rate": (1,),
    "groups": (1,),
    "depth_multiplier": (1,),
    "output_padding": (0,),
    "count_include_pad": (True,),
    "padding_mode": ("zeros",),
    "activation": (None, "linear"),
    "size": (None,),
    "num_layers": (1,),
    "dropout": (0,),
    "proj_size": (0,),
}
"""Values that need not be written."""

NO_BIAS: Mapping[Any, str] = {True: "", False: "nobias"}
PADDING: Mapping[Any, str] = {"same": "same", "valid": "", "half": "half"}
WINDOW: dict[str, Words] = {"stride": "s{}", "padding": "p{}", "dilation": "d{}"}
KERAS_WINDOW: dict[str, Words] = {"strides": "s{}", "padding": PADDING, "dilation_rate": "d{}"}
INTERPOLATION: Mapping[Any, str] = {"nearest": "", "bilinear": "bilinear", "bicubic": "bicubic"}
BORDERS: Mapping[Any, str] = {"zeros": "", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
TORCH_CONV: dict[str, Words] = {"out_channels": "{}", "kernel_size": "k{}", **WINDOW, "groups": "g{}", "bias": NO_BIAS}
TORCH_CONV["padding_mode"] = BORDERS
KERAS_CONV: dict[str, Words] = {
    "filters": "{}",
    "kernel_size": "k{}",
    **KERAS_WINDOW,
    "groups": "g{}",
    "use_bias": NO_BIAS,
}
KERAS_POOL: dict[str, Words] = {"pool_size": "{}", **KERAS_WINDOW}
TORCH_POOL: dict[str, Words] = {"kernel_size": "{}", **WINDOW, "ceil_mode": {True: "ceil", False: ""}}
AFFINE: dict[str, Words] = {"affine": {True: "", False: "noaffine"}, "eps": "eps={}"}
RECURRENT = ("input_size", "hidden_size", "num_layers")
TORCH_RECURRENT: dict[str, Words] = {
    "hidden_size": "{}",
    "num_layers": "layers={}",
    "nonlinearity": {"tanh": "", "relu": "relu"},
    "bias": NO_BIAS,
    "bidirectional": {True: "bidirectional", False: ""},
    "proj_size": "proj={}",
}

KERAS_RECURRENT: dict[str, Words] = {
    "units": "{}",
    "return_sequences": {True: "", False: "final"},
    "activation": {"tanh": ""},
    "recurrent_activation": {"sigmoid": ""},
}
ONE_BIAS: Mapping[Any, str] = {True: "onebias", False: "nobias"}
KERAS_SEQUENCES: dict[str, FrameworkClass] = {
    "SimpleRNN": FrameworkClass(
        "rnn",
        ("units",),
        {**KERAS_RECURRENT, "activation": {"tanh": "", "relu": "relu"}, "use_bias": ONE_BIAS},
        {"use_bias": True, "return_sequences": False},
    ),
    "LSTM": FrameworkClass(
        "lstm",
        ("units",),
        {**KERAS_RECURRENT, "use_bias": ONE_BIAS},
        {"use_bias": True, "return_sequences": False},
    ),
    "GRU": FrameworkClass(
        "gru",
        ("units",),
        {**KERAS_RECURRENT, "use_bias": NO_BIAS, "reset_after": {True: "", False: "reset_after=no onebias"}},
        {"return_sequences": False},
    ),
}
"""Recurrent layers of Keras, which have the names of those of PyTorch and other parameters."""

TORCH_CONV_ORDER = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")

PER_DIMENSION: dict[str, FrameworkClass] = {
    "Conv{}d": FrameworkClass(
        "conv",
        (*TORCH_CONV_ORDER, "padding_mode"),
        TORCH_CONV,
    ),
    "ConvTranspose{}d": FrameworkClass(
        "upconv",
        ("in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias"),
        {**TORCH_CONV, "output_padding": "outpad={}"},
    ),
    "MaxPool{}d": FrameworkClass("maxpool", ("kernel_size", "stride", "padding", "dilation"), TORCH_POOL),
    "AvgPool{}d": FrameworkClass("avgpool", ("kernel_size", "stride", "padding", "ceil_mode"), TORCH_POOL),
    "AdaptiveAvgPool{}d": FrameworkClass("adaptive_avgpool", ("output_size",), {"output_size": "{}"}),
    "AdaptiveMaxPool{}d": FrameworkClass("adaptive_maxpool", ("output_size",), {"output_size": "{}"}),
    "BatchNorm{}d": FrameworkClass("bn", ("num_features", "eps", "momentum", "affine"), AFFINE),
    "InstanceNorm{}d": FrameworkClass(
        "in", ("num_features", "eps", "momentum", "affine"), {"affine": {True: "affine", False: ""}}
    ),
    "Dropout{}d": FrameworkClass("spatial_dropout", ("p", "inplace"), {"p": "{}"}),
    "ZeroPad{}d": FrameworkClass("pad", ("padding",), {"padding": "{}"}),
    "ReflectionPad{}d": FrameworkClass("pad", ("padding",), {"padding": "{} reflect"}),
    "ReplicationPad{}d": FrameworkClass("pad", ("padding",), {"padding": "{} replicate"}),
    "CircularPad{}d": FrameworkClass("pad", ("padding",), {"padding": "{} circular"}),
    "DeformConv{}d": FrameworkClass("deform_conv", TORCH_CONV_ORDER, TORCH_CONV),
    "Conv{}D": FrameworkClass("conv", ("filters", "kernel_size", "strides", "padding"), KERAS_CONV),
    "Conv{}DTranspose": FrameworkClass("upconv", ("filters", "kernel_size", "strides", "padding"), KERAS_CONV),
    "SeparableConv{}D": FrameworkClass(
        "sepconv", ("filters", "kernel_size", "strides", "padding"), {**KERAS_CONV, "depth_multiplier": "multiplier={}"}
    ),
    "DepthwiseConv{}D": FrameworkClass(
        "dwconv", ("kernel_size", "strides", "padding"), {**KERAS_CONV, "depth_multiplier": "multiplier={}"}
    ),
    "MaxPooling{}D": FrameworkClass("maxpool", ("pool_size", "strides", "padding"), KERAS_POOL),
    "MaxPool{}D": FrameworkClass("maxpool", ("pool_size", "strides", "padding"), KERAS_POOL),
    "AveragePooling{}D": FrameworkClass("avgpool", ("pool_size", "strides", "padding"), KERAS_POOL),
    "GlobalAveragePooling{}D": FrameworkClass("gap"),
    "GlobalMaxPooling{}D": FrameworkClass("gmp"),
    "UpSampling{}D": FrameworkClass(
        "upsample",
        ("size",),
        {"size": "{}", "interpolation": INTERPOLATION},
    ),
    "ZeroPadding{}D": FrameworkClass("pad", ("padding",), {"padding": "{}"}),
    "SpatialDropout{}D": FrameworkClass("spatial_dropout", ("rate",), {"rate": "{}"}),
}

CALLS: dict[str, FrameworkClass] = {
    **{name.format(n): call for name, call in PER_DIMENSION.items() for n in (1, 2, 3)},
    "Linear": FrameworkClass(
        "linear", ("in_features", "out_features", "bias"), {"out_features": "{}", "bias": NO_BIAS}
    ),
    "Dense": FrameworkClass("linear", ("units", "activation", "use_bias"), {"units": "{}", "use_bias": NO_BIAS}),
    "Embedding": FrameworkClass(
        "embedding", ("num_embeddings", "embedding_dim"), {"num_embeddings": "{}", "embedding_dim": "{}"}
    ),
    "RNN": FrameworkClass("rnn", (*RECURRENT, "nonlinearity"), TORCH_RECURRENT),
    "LSTM": FrameworkClass("lstm", RECURRENT, TORCH_RECURRENT),
    "GRU": FrameworkClass("gru", RECURRENT, TORCH_RECURRENT),
    "GroupNorm": FrameworkClass("gn", ("num_groups", "num_channels", "eps", "affine"), {"num_groups": "{}", **AFFINE}),
    "LayerNorm": FrameworkClass("ln axis=last", ("normalized_shape", "eps"), {"normalized_shape": "", "eps": "eps={}"}),
    "LayerNormalization": FrameworkClass("ln axis=last"),
    "BatchNormalization": FrameworkClass("bn"),
    "Dropout": FrameworkClass("dropout", ("p", "inplace"), {"p": "{}", "rate": "{}"}),
    "Flatten": FrameworkClass("flatten", ("start_dim", "end_dim")),
    "Upsample": FrameworkClass(
        "upsample",
        ("size", "scale_factor", "mode"),
        {"size": "to={}", "scale_factor": "{}", "mode": INTERPOLATION},
    ),
    "LeakyReLU": FrameworkClass("leaky_relu", ("negative_slope", "inplace"), {"negative_slope": "{}"}),
    "Softmax": FrameworkClass("softmax", ("dim",), {"dim": {1: "", -1: "axis=-1", 2: "axis=1", 3: "axis=2"}}),
    **{
        name: FrameworkClass(operator, ("inplace",))
        for name, operator in {
            "ReLU": "relu",
            "ReLU6": "relu6",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "GELU": "gelu",
            "SiLU": "silu",
            "Mish": "mish",
            "ELU": "elu",
            "SELU": "selu",
            "PReLU": "prelu",
            "Softplus": "softplus",
            "Hardswish": "hardswish",
            "Hardsigmoid": "hardsigmoid",
            "Identity": "identity",
        }.items()
    },
}
"""Classes of PyTorch (``Conv2d``) and Keras (``Conv2D``)."""

ACTIVATIONS = {"relu", "sigmoid", "tanh", "softmax", "gelu", "elu", "selu", "softplus"}
"""The names of activations that Keras's ``activation=`` and ``Activation`` share with specs."""


def translated(call: str) -> str | None:
    """Return a layer of a framework as a chain in the notation of specs; ``None`` if it has none.

    >>> translated("nn.Conv2d(3, 6, kernel_size=5, padding=(1, 2))"), translated("Dense(10, activation='relu')")
    ('conv 6 k5 p1x2', 'linear 10 -> relu')
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about texts that Python reads with a warning, such as "3if"
            return _layer(ast.parse(call.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _layer(node: ast.expr) -> str | None:
    if not isinstance(node, ast.Call):
        name = _name(node)
        return CALLS[name].operator if name in CALLS and not CALLS[name].words else None
    name = _name(node.func)
    if name == "Sequential":
        listed = node.args[0].elts if len(node.args) == 1 and isinstance(node.args[0], ast.List) else node.args
        layers = [_layer(each) for each in listed]
        return " -> ".join(layer for layer in layers if layer) if layers and all(layers) else None
    if name == "Activation" and len(node.args) == 1:
        word = ast.literal_eval(node.args[0])
        return word if word in ACTIVATIONS else None
    call = CALLS.get(name)
    if name in KERAS_SEQUENCES and len(node.args) < 2 and all(each.arg != "hidden_size" for each in node.keywords):
        call = KERAS_SEQUENCES[name]
    if call is None or len(node.args) > len(call.parameters):
        return None
    values = dict(zip(call.parameters, map(ast.literal_eval, node.args), strict=False))
    values |= {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
    values |= {each: value for each, value in call.defaults.items() if each not in values}
    return _written(call, values)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _written(call: FrameworkClass, values: Mapping[str, Any]) -> str | None:
    words, activation = [call.operator], ""
    for name, value in values.items():
        how = call.words.get(name)
        if value in DEFAULTS.get(name, ()) or (how is None and name in UNSAID):
            continue
        if name == "activation" and how is None and value in ACTIVATIONS:
            activation = f" -> {value}"
            continue
        if isinstance(value, str) and isinstance(how, str):
            how = PADDING if name == "padding" else {}
        word = how.get(value) if isinstance(how, Mapping) else None if how is None else how.format(_size(value))
        if word is None:
            return None
        words.append(word)
    return " ".join(filter(None, words)) + activation


def _size(value: Any) -> str:
    """Return a number or a tuple of them as a size."""
    if isinstance(value, tuple | list):
        parts = [str(part) for part in value]
        return parts[0] if len(set(parts)) == 1 else "x".join(parts)
    return str(value)
