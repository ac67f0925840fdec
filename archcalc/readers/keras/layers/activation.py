"""Activations, as layers and as arguments of other layers, and layers that compute nothing at inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from archcalc.graph import Ref
from archcalc.ops import activation, arithmetic, gate
from archcalc.ops.base import Operator
from archcalc.ops.joins import Add, Div, Mul, Sub
from archcalc.ops.structure import Identity
from archcalc.readers.keras.layers.learned_arrays import learned
from archcalc.readers.keras.registry import Unconvertible, converts, converts_operation
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

PLAIN: dict[str, tuple[Operator, ...]] = {
    "linear": (),
    "relu": (activation.Relu(),),
    "relu6": (activation.Relu6(),),
    "selu": (activation.Selu(),),
    "silu": (activation.Silu(),),
    "swish": (activation.Silu(),),
    "mish": (activation.Mish(),),
    "sigmoid": (activation.Sigmoid(),),
    "tanh": (activation.Tanh(),),
    "softplus": (activation.Softplus(),),
    "exponential": (arithmetic.Exp(),),
    "hard_silu": (activation.HardSwish(),),
    "hard_swish": (activation.HardSwish(),),
    "hard_tanh": (make(arithmetic.Clip, min=-1, max=1),),
}
"""The activations without arguments."""

OLD_HARD_SIGMOID = (
    make(arithmetic.Scale, factor=Fraction(1, 5)),
    make(arithmetic.Offset, by=Fraction(1, 2)),
    make(arithmetic.Clip, min=0, max=1),
)
"""The piecewise linear logistic function of Keras before version 3."""


def elu(n: LayerView, x: Ref) -> Ref:
    return n.add(make(activation.Elu, alpha=n.number("alpha", 1)), x)


def celu(n: LayerView, x: Ref) -> Ref:
    alpha = n.number("alpha", 1)
    if alpha <= 0:
        raise Unconvertible("'alpha' must be positive")
    inner, outer = (make(arithmetic.Scale, factor=factor) for factor in (1 / alpha, alpha))
    return n.apply(x, inner, make(activation.Elu, alpha=1), outer)


def leaky_relu(n: LayerView, x: Ref) -> Ref:
    slope = n.number("negative_slope", n.get("alpha", 0.2))
    return n.add(make(activation.LeakyRelu, slope=slope), x)


def gelu(n: LayerView, x: Ref) -> Ref:
    return n.add(make(activation.Gelu, form="tanh" if n.flag("approximate", False) else "exact"), x)


def hard_sigmoid(n: LayerView, x: Ref) -> Ref:
    return n.apply(x, *(OLD_HARD_SIGMOID if n.graph.plan.legacy else (activation.HardSigmoid(),)))


def softmax(n: LayerView, x: Ref) -> Ref:
    rank = n.rank(x)
    return n.add(make(activation.Softmax, axis=n.at(n.axis("axis", rank), rank)), x)


def log_softmax(n: LayerView, x: Ref) -> Ref:
    rank = n.rank(x)
    return n.add(make(activation.LogSoftmax, axis=n.at(n.axis("axis", rank), rank)), x)


def softsign(n: LayerView, x: Ref) -> Ref:
    return n.add(Div(), x, n.apply(x, arithmetic.Abs(), make(arithmetic.Offset, by=1)))


def glu(n: LayerView, x: Ref) -> Ref:
    rank = n.rank(x)
    return n.add(make(gate.Glu, axis=n.at(n.axis("axis", rank), rank)), x)


def log_sigmoid(n: LayerView, x: Ref) -> Ref:
    return n.apply(x, activation.Sigmoid(), arithmetic.Log())


def tanh_shrink(n: LayerView, x: Ref) -> Ref:
    return n.add(Sub(), x, n.add(activation.Tanh(), x))


def relu(n: LayerView, x: Ref) -> Ref:
    """Convert min(max(x, 0), max_value), with a slope below 0, perhaps from a threshold on."""
    bound, slope = n.get("max_value", None), n.number("negative_slope", 0)
    if n.number("threshold", 0):
        raise Unconvertible("a relu with a threshold")
    if slope:
        ops: list[Operator] = [make(activation.LeakyRelu, slope=slope)]
        ops += [] if bound is None else [make(arithmetic.Clip, max=n.number("max_value"))]
    elif bound is None:
        ops = [activation.Relu()]
    else:
        ops = [activation.Relu6() if bound == 6 else make(arithmetic.Clip, min=0, max=n.number("max_value"))]
    return n.apply(x, *ops)


WITH_ARGUMENTS: dict[str, Callable[[LayerView, Ref], Ref]] = {
    "celu": celu,
    "elu": elu,
    "gelu": gelu,
    "glu": glu,
    "hard_sigmoid": hard_sigmoid,
    "leaky_relu": leaky_relu,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "softmax": softmax,
    "softsign": softsign,
    "tanh_shrink": tanh_shrink,
}
"""The activations that have arguments, depend on the version, or read a tensor twice."""

NAMES = {"".join(part.capitalize() for part in name.split("_")): name for name in (*PLAIN, *WITH_ARGUMENTS)}
"""The names of activations by those of the classes of ``keras.ops``: ``HardSigmoid``."""


def activated(n: LayerView, x: Ref, activation_of: Any) -> Ref:
    """Return a tensor after an activation, as the configuration of a layer names it.

    Args:
        n: the call.
        x: the tensor.
        activation_of: a name, or the description of a layer or function; ``None`` for none.
    """
    if activation_of is None:
        return x
    if isinstance(activation_of, dict):
        config, name = activation_of.get("config"), activation_of.get("class_name")
        if name == "function" and isinstance(config, str):
            return activated(n, x, config)
        if name not in WITH_CONFIG or not isinstance(config, Mapping):
            raise Unconvertible(f"the activation '{str(name)[:60]}'")
        return WITH_CONFIG[name](LayerView(n.graph, n.call, config), x)
    if not isinstance(activation_of, str):
        raise Unconvertible("an activation that is neither a name nor a layer")
    name = activation_of.rpartition(">")[2] if activation_of.startswith("keras") else activation_of
    if name in PLAIN:
        return n.apply(x, *PLAIN[name])
    if name in WITH_ARGUMENTS:
        return WITH_ARGUMENTS[name](LayerView(n.graph, n.call, {}), x)
    raise Unconvertible(f"the activation '{name[:60]}'")


def prelu(n: LayerView, x: Ref) -> Ref:
    """Convert slopes that are learned: one per channel, or one for all; others are tables, one for each element."""
    rank = n.rank(x)
    shared = set(n.axes("shared_axes", rank, []))
    kept = [axis for axis in range(1, rank + 1) if axis not in shared]
    if kept in ([rank], []):
        first = n.with_features_first(x, rank)
        slopes = "channels" if kept else "shared"
        stored = {"slope": n.variable(0, lambda a: a.reshape(-1))}
        return n.from_features_first(n.add(make(activation.PRelu, slopes=slopes), first, stored=stored), rank)
    shape = tuple([size if axis in kept else 1 for axis, size in enumerate(n.file_shape(x), 1)])
    slope = learned(n, 0, shape)
    positive = n.add(activation.Relu(), x)
    opposite = make(arithmetic.Scale, factor=-1)
    negative = n.apply(x, opposite, activation.Relu(), opposite)
    return n.add(Add(), positive, n.add(Mul(), negative, slope))


WITH_CONFIG: dict[str, Callable[[LayerView, Ref], Ref]] = {
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "Softmax": softmax,
    "PReLU": prelu,
}
"""The layers that are activations with a configuration."""


@converts(*WITH_CONFIG)
def activation_layer(n: LayerView) -> Ref:
    return WITH_CONFIG[n.call.layer.class_name](n, n.x)


@converts("Activation")
def named_activation(n: LayerView) -> Ref:
    made = activated(n, n.x, n.get("activation"))
    return n.add(Identity(), made) if made == n.x else made


@converts_operation(*NAMES)
def activation_operation(n: LayerView) -> Ref:
    name = NAMES[n.call.layer.class_name]
    made = n.apply(n.x, *PLAIN[name]) if name in PLAIN else WITH_ARGUMENTS[name](n, n.x)
    return n.add(Identity(), made) if made == n.x else made


@converts("ThresholdedReLU")
def thresholded(n: LayerView) -> Ref:
    raise Unconvertible("a relu with a threshold")


@converts("Dropout")
def dropout(n: LayerView) -> Ref:
    return n.add(make(activation.Dropout, rate=n.number("rate", 0.5)), n.x)


@converts("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def spatial_dropout(n: LayerView) -> Ref:
    made = n.add(make(activation.SpatialDropout, rate=n.number("rate", 0.5)), n.with_features_first(n.x))
    return n.from_features_first(made)


@converts(
    "ActivityRegularization",
    "AlphaDropout",
    "AugMix",
    "CutMix",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "Masking",
    "MixUp",
    "StochasticDepth",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
)
def unchanged(n: LayerView) -> Ref:
    """Convert what changes its input in training only, and the marks that positions are to be skipped."""
    return n.add(Identity(), n.x)
