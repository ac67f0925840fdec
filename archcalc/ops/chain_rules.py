"""The gradient of operators as formulas, as a textbook derives it: from ∂L/∂y to the inputs and the trained arrays.

Formulas are written as text; `archcalc.analysis.explain` typesets them. An index stands in brackets: ``Z[n,o,u,v]`` is
the number of example n and channel o at the position u, v.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from archcalc.ops.activation import (
    Dropout,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maxout,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SpatialDropout,
    Tanh,
)
from archcalc.ops.arithmetic import Abs, Clip, Cos, Erf, Exp, Floor, Log, Offset, Pow, Scale, Sin, Sqrt
from archcalc.ops.attention import Attention, ScaledDotProductAttention
from archcalc.ops.base import Operator, Shapes
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis
from archcalc.ops.gate import GeGlu, Glu, SwiGlu
from archcalc.ops.joins import Add, Compare, Concat, Div, Max, Min, Mul, Sub, Where
from archcalc.ops.moe import MixtureOfExperts
from archcalc.ops.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RmsNorm,
    Standardize,
)
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)
from archcalc.ops.position import ShiftMask
from archcalc.ops.product import Einsum, MatMul
from archcalc.ops.recurrent import Gru, Lstm, Rnn
from archcalc.ops.reduction import CumulativeSum, Mean, Sum
from archcalc.ops.source import Constant, Learned


class Rule(NamedTuple):
    """One equation of a derivation."""

    symbol: str
    formula: str
    note: str = ""


Rules = Callable[[Any, Shapes], Iterator[Rule]]

RULES: dict[type[Operator], Rules] = {}

Function = TypeVar("Function", bound=Rules)


def chain_rule(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers the derivation of some operators."""

    def register(function: Function) -> Function:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register


def rules(op: Operator, inputs: Shapes) -> tuple[Rule, ...]:
    """Return the derivation of the gradient of a layer.

    Args:
        op: its operator.
        inputs: the shapes of its inputs.
    """
    return tuple(RULES.get(type(op), _moved)(op, inputs))


def _moved(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "x[source(i)]", "every number of the output is, or is made from, numbers of the input")
    yield Rule("∂L/∂x[j]", "Σ_i ∂L/∂y[i]·∂y[i]/∂x[j]", "each gradient returns to where its number came from")


def _bias(op: Any, positions: str) -> Iterator[Rule]:
    if op.bias:
        yield Rule("∂L/∂b[o]", f"Σ_{{n,{positions}}} ∂L/∂Z[n,o,{positions}]", "the bias is added at every position")


def _indices(rank: int) -> tuple[str, ...]:
    """Return the letters of the positions of the output, and of the taps of the kernel."""
    return tuple(",".join(f"{name}{axis + 1}" if rank > 1 else name for axis in range(rank)) for name in "ui")


@chain_rule(Conv, DepthwiseConv)
def convolution(op: Conv | DepthwiseConv, inputs: Shapes) -> Iterator[Rule]:
    """Goodfellow et al. 2016, section 9.5; Dumoulin and Visin 2016, section 4."""
    depthwise = isinstance(op, DepthwiseConv)
    positions, taps = _indices(len(inputs[0]) - 1)
    reach = ",".join(f"s·{u}+d·{i}" for u, i in zip(positions.split(","), taps.split(","), strict=True))
    channels = "" if depthwise else ",c"
    own = "o" if depthwise else "c"
    weight = f"W[o{channels},{taps}]"
    terms = f"{taps}" if depthwise else f"c,{taps}"
    yield Rule("Z", "X ⋆ W + b" if op.bias else "X ⋆ W", "⋆ is cross-correlation; X is padded")
    yield Rule(f"Z[n,o,{positions}]", f"Σ_{{{terms}}} X[n,{own},{reach}]·{weight}" + (" + b[o]" if op.bias else ""))
    yield Rule(f"∂Z[n,o,{positions}]/∂{weight}", f"X[n,{own},{reach}]", "a weight multiplies one number of each window")
    yield Rule(f"∂L/∂{weight}", f"Σ_{{n,{positions}}} ∂L/∂Z[n,o,{positions}]·X[n,{own},{reach}]")
    strided = any(step != 1 for step in op.stride or ())
    dilated = "; between its numbers are s − 1 zeros" if strided else ""
    yield Rule("∂L/∂W", "X ⋆ ∂L/∂Z", f"the input, correlated with the gradient of the output{dilated}")
    yield Rule(f"∂Z[n,o,{positions}]/∂X[n,{own},{reach}]", weight, "a number reaches every window that contains it")
    yield Rule("∂L/∂X", "∂L/∂Z ∗ W", f"a full convolution, with the padding cropped{dilated}")
    yield Rule("∂L/∂X", "full(∂L/∂Z) ⋆ rot180(W)", "the same: the gradient padded by K − 1, with the flipped kernel")
    yield from _bias(op, positions)


@chain_rule(SeparableConv)
def separable(op: SeparableConv, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("M", "X ⋆ D", "the depthwise convolution")
    yield Rule("Z", "P·M + b" if op.bias else "P·M", "the 1×1 convolution, at every position")
    yield Rule("∂L/∂P", "Σ_{n,u} ∂L/∂Z[n,:,u]·M[n,:,u]ᵀ")
    yield Rule("∂L/∂M", "Pᵀ·∂L/∂Z")
    yield Rule("∂L/∂D", "X ⋆ ∂L/∂M", "channel by channel")
    yield Rule("∂L/∂X", "∂L/∂M ∗ D", "channel by channel; a full convolution with the flipped kernel")
    yield from _bias(op, "u")


@chain_rule(TransposedConv)
def transposed(op: TransposedConv, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("Z", "X ∗ W", "every input adds the kernel, times itself, to its window of the output")
    yield Rule("∂L/∂X", "∂L/∂Z ⋆ W", "a convolution with the stride and padding of the layer")
    yield Rule("∂L/∂W", "∂L/∂Z ⋆ X", "the windows of the gradient, weighted with the inputs")
    yield from _bias(op, "u")


@chain_rule(FullyConnected, Linear)
def dense(op: FullyConnected | Linear, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("z", "W·x + b" if op.bias else "W·x", "for every example and position")
    yield Rule("z[i]", "Σ_j W[i,j]·x[j]" + (" + b[i]" if op.bias else ""))
    yield Rule("∂L/∂W[i,j]", "Σ_n ∂L/∂z[n,i]·x[n,j]", "∂z[i]/∂W[i,j] = x[j]")
    yield Rule("∂L/∂W", "(∂L/∂z)ᵀ·x", "examples and positions are the rows of both matrices")
    yield Rule("∂L/∂x[j]", "Σ_i ∂L/∂z[i]·W[i,j]", "∂z[i]/∂x[j] = W[i,j]")
    yield Rule("∂L/∂x", "Wᵀ·∂L/∂z")
    if op.bias:
        yield Rule("∂L/∂b", "Σ_n ∂L/∂z[n]")


@chain_rule(Embedding)
def embedding(op: Embedding, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[t]", "W[x[t]]", "the row of the entry at position t")
    yield Rule("∂L/∂W[v]", "Σ_{t: x[t] = v} ∂L/∂y[t]", "the sum over all positions with this entry; indices have none")


@chain_rule(RadialBasis)
def radial(op: RadialBasis, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "Σ_j (x[j] − c[i,j])²")
    yield Rule("∂L/∂x[j]", "2·Σ_i ∂L/∂y[i]·(x[j] − c[i,j])")
    if op.trainable:
        yield Rule("∂L/∂c[i,j]", "−2·Σ_n ∂L/∂y[n,i]·(x[n,j] − c[i,j])")


# --- pooling ---


@chain_rule(MaxPool, AdaptiveMaxPool, GlobalMaxPool)
def maximum_pooling(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[u]", "max_{j in window(u)} x[j]")
    yield Rule("∂y[u]/∂x[j]", "1 if j = argmax(u) else 0", "the first of equal numbers")
    yield Rule("∂L/∂x[j]", "Σ_{u: argmax(u) = j} ∂L/∂y[u]", "all other positions of a window have gradient 0")


@chain_rule(AvgPool, AdaptiveAvgPool, GlobalAvgPool)
def average_pooling(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[u]", "1/K·Σ_{j in window(u)} x[j]", "K is the number of positions that count")
    yield Rule("∂L/∂x[j]", "Σ_{u: j in window(u)} ∂L/∂y[u]/K", "every position of a window has an equal part")


@chain_rule(Subsample)
def subsampling(op: Subsample, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[c,u]", "a[c]·Σ_{j in window(u)} x[c,j] + b[c]")
    yield Rule("∂L/∂x[c,j]", "Σ_{u: j in window(u)} a[c]·∂L/∂y[c,u]")
    yield Rule("∂L/∂a[c]", "Σ_{n,u} ∂L/∂y[n,c,u]·Σ_{j in window(u)} x[n,c,j]")
    yield Rule("∂L/∂b[c]", "Σ_{n,u} ∂L/∂y[n,c,u]")


# --- normalisation ---


@chain_rule(BatchNorm)
def batch_norm(op: BatchNorm, inputs: Shapes) -> Iterator[Rule]:
    """Ioffe and Szegedy 2015, section 3."""
    yield from _normalised(op, "the batch and all positions of a channel", "per channel", scaled=op.affine)
    yield Rule(
        "∂L/∂x[i]",
        "γ·∂L/∂y[i]/√(σ² + ε)" if op.affine else "∂L/∂y[i]/√(σ² + ε)",
        "at inference instead: μ and σ² are stored, so only the first path is left",
    )


@chain_rule(LayerNorm, GroupNorm, InstanceNorm)
def own_norm(op: LayerNorm | GroupNorm | InstanceNorm, inputs: Shapes) -> Iterator[Rule]:
    if isinstance(op, LayerNorm):
        over = {"all": "all numbers of an example", "last": "the last axis", "channels": "the channels of a position"}
        what = over[op.axis]
    else:
        what = "a map of an example" if isinstance(op, InstanceNorm) else "a group of maps of an example"
    yield from _normalised(op, what, "also in inference", scaled=op.affine)


def _normalised(op: Operator, what: str, when: str, *, scaled: bool) -> Iterator[Rule]:
    """Yield the derivation with the three paths from x to the loss: directly, through the variance, and the mean."""
    yield Rule("μ", "1/m·Σ_i x[i]", f"the m numbers are those of {what}, {when}")
    yield Rule("σ²", "1/m·Σ_i (x[i] − μ)²")
    yield Rule("x̂[i]", "(x[i] − μ)/√(σ² + ε)")
    if scaled:
        yield Rule("y[i]", "γ·x̂[i] + β")
        yield Rule("∂L/∂γ", "Σ_i ∂L/∂y[i]·x̂[i]")
        yield Rule("∂L/∂β", "Σ_i ∂L/∂y[i]")
        yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]·γ")
    else:
        yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]", "no scale and shift")
    yield Rule("∂L/∂σ²", "−1/2·(σ² + ε)^(−3/2)·Σ_i ∂L/∂x̂[i]·(x[i] − μ)")
    yield Rule("∂L/∂μ", "−1/√(σ² + ε)·Σ_i ∂L/∂x̂[i]", "∂σ²/∂μ = 0, as the differences add up to 0")
    yield Rule(
        "∂L/∂x[i]",
        "∂L/∂x̂[i]/√(σ² + ε) + ∂L/∂σ²·2·(x[i] − μ)/m + ∂L/∂μ/m",
        "three paths: directly, through the variance, through the mean",
    )
    yield Rule(
        "∂L/∂x[i]",
        "1/√(σ² + ε)·(∂L/∂x̂[i] − 1/m·Σ_j ∂L/∂x̂[j] − x̂[i]/m·Σ_j ∂L/∂x̂[j]·x̂[j])",
        "the same, in one line",
    )


@chain_rule(RmsNorm)
def rms_norm(op: RmsNorm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("r", "√(1/m·Σ_i x[i]² + ε)")
    yield Rule("x̂[i]", "x[i]/r")
    if op.affine:
        yield Rule("∂L/∂γ[i]", "Σ_n ∂L/∂y[n,i]·x̂[n,i]", "y = γ·x̂")
    yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]·γ[i]" if op.affine else "∂L/∂y[i]")
    yield Rule("∂L/∂x[i]", "1/r·(∂L/∂x̂[i] − x̂[i]/m·Σ_j ∂L/∂x̂[j]·x̂[j])", "directly, and through r")


@chain_rule(L2Norm)
def l2_norm(op: L2Norm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "x[i]/‖x‖")
    yield Rule("∂L/∂x[i]", "1/‖x‖·(∂L/∂y[i] − y[i]·Σ_j ∂L/∂y[j]·y[j])", "directly, and through the length")


@chain_rule(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("s[i]", "k + α·Σ_{j near i} x[j]²")
    yield Rule("y[i]", "x[i]·s[i]^(−β)")
    yield Rule(
        "∂L/∂x[i]",
        "∂L/∂y[i]·s[i]^(−β) − 2·α·β·x[i]·Σ_{j: i near j} ∂L/∂y[j]·y[j]/s[j]",
        "directly, and through the sums of its neighbours",
    )


@chain_rule(Standardize)
def standardize(op: Standardize, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x", "∂L/∂y/std", "y = (x − mean)/std; mean and std are not trained")


# --- activations and functions of single numbers ---


@chain_rule(Softmax)
def softmax(op: Softmax, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("p[i]", "exp(z[i])/Σ_j exp(z[j])")
    yield Rule("∂p[i]/∂z[j]", "p[i]·((1 if i = j else 0) − p[j])")
    yield Rule("∂L/∂z[j]", "p[j]·(∂L/∂p[j] − Σ_i ∂L/∂p[i]·p[i])")
    yield Rule("L", "−Σ_i t[i]·log(p[i])", "with cross-entropy; t is 1 for the correct class, else 0")
    yield Rule("∂L/∂p[i]", "−t[i]/p[i]")
    yield Rule("∂L/∂z[j]", "p[j]·(−t[j]/p[j] + Σ_i t[i])")
    yield Rule("∂L/∂z[j]", "p[j] − t[j]", "the t[i] add up to 1; a mean over N examples divides by N")


@chain_rule(LogSoftmax)
def log_softmax(op: LogSoftmax, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "z[i] − log(Σ_j exp(z[j]))")
    yield Rule("∂L/∂z[j]", "∂L/∂y[j] − exp(y[j])·Σ_i ∂L/∂y[i]")
    yield Rule("∂L/∂z[j]", "exp(y[j]) − t[j]", "with the cross-entropy L = −Σ t[i]·y[i]")


DERIVATIVES: dict[type[Operator], tuple[str, str]] = {
    Relu: ("max(x, 0)", "(1 if x > 0 else 0)"),
    Relu6: ("min(max(x, 0), 6)", "(1 if 0 < x < 6 else 0)"),
    LeakyRelu: ("max(x, a·x)", "(1 if x > 0 else a)"),
    Sigmoid: ("1/(1 + exp(−x))", "y·(1 − y)"),
    Silu: ("x·σ(x)", "(σ(x) + y·(1 − σ(x)))"),
    Softplus: ("log(1 + exp(x))", "σ(x)"),
    Tanh: ("tanh(x)", "(1 − y²)"),
    Exp: ("exp(x)", "y"),
    Log: ("log(x)", "1/x"),
    Sqrt: ("√(x)", "1/(2·y)"),
    Sin: ("sin(x)", "cos(x)"),
    Cos: ("cos(x)", "(−sin(x))"),
    Abs: ("|x|", "sign(x)"),
    Scale: ("a·x", "a"),
    Offset: ("x + a", "1"),
    Pow: ("x^a", "a·x^(a − 1)"),
    Clip: ("min(max(x, a), b)", "(1 if a < x < b else 0)"),
}
"""The formula and the derivative of elementwise operators; those of others are written f(x) and f′(x)."""


@chain_rule(*DERIVATIVES, Elu, Selu, Gelu, Mish, HardSwish, HardSigmoid, Erf)
def elementwise(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    formula, slope = DERIVATIVES.get(type(op), ("f(x)", "f′(x)"))
    yield Rule("y", formula, "number by number")
    yield Rule("∂L/∂x", f"∂L/∂y·{slope}")


@chain_rule(PRelu)
def prelu(op: PRelu, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "x if x > 0 else a·x")
    yield Rule("∂L/∂x", "∂L/∂y·(1 if x > 0 else a)")
    yield Rule("∂L/∂a", "Σ_{x < 0} ∂L/∂y·x", "the sum over all numbers that have the same slope")


@chain_rule(Maxout, Max, Min)
def choice(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "min_i x_i" if isinstance(op, Min) else "max_i x_i")
    yield Rule("∂L/∂x_i", "∂L/∂y if x_i = y else 0", "the gradient passes to the number that was chosen")


@chain_rule(Dropout, SpatialDropout)
def dropout(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "m·x/(1 − p)", "in training; m is 0 with probability p, else 1")
    yield Rule("∂L/∂x", "m·∂L/∂y/(1 − p)", "with the same m")


@chain_rule(Glu, SwiGlu, GeGlu)
def gate(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    first, second = ("b", "a") if isinstance(op, Glu) else ("a", "b")
    yield Rule("y", f"f({first})·{second}", "a and b are the halves")
    yield Rule(f"∂L/∂{first}", f"∂L/∂y·{second}·f′({first})")
    yield Rule(f"∂L/∂{second}", f"∂L/∂y·f({first})")


@chain_rule(Floor, Compare)
def steps(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x", "0", "the function is constant between its steps: no gradient is passed on")


@chain_rule(Constant, ShiftMask)
def untrained(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂value", "0", "it is not trained")


@chain_rule(Learned)
def learned(op: Learned, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂value", "Σ_n ∂L/∂y[n]", "every example reads the same tensor")


# --- joins and products ---


@chain_rule(Add)
def addition(op: Add, inputs: Shapes) -> Iterator[Rule]:
    """He et al. 2016 (Identity mappings)."""
    yield Rule("y", " + ".join(f"x_{place + 1}" for place in range(len(inputs))))
    yield Rule(" = ".join(f"∂L/∂x_{place + 1}" for place in range(len(inputs))), "∂L/∂y", "passed on unchanged")
    yield Rule("y", "x + F(x)", "a residual block: x is read by both branches")
    yield Rule("∂L/∂x", "∂L/∂y + (∂F/∂x)ᵀ·∂L/∂y", "a tensor that several layers read has the sum of their gradients")


@chain_rule(Sub)
def subtraction(op: Sub, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_1", "∂L/∂y", "y = x_1 − x_2 − …")
    yield Rule("∂L/∂x_i", "−∂L/∂y", "for i > 1")


@chain_rule(Mul)
def multiplication(op: Mul, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_i", "∂L/∂y·Π_{j ≠ i} x_j", "summed over copies where an input was repeated")


@chain_rule(Div)
def division(op: Div, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_1", "∂L/∂y/x_2", "y = x_1/x_2")
    yield Rule("∂L/∂x_2", "−∂L/∂y·y/x_2")


@chain_rule(Where)
def selection(op: Where, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂a", "∂L/∂y if c > 0 else 0", "y is a where c > 0, else b; the condition c has no gradient")
    yield Rule("∂L/∂b", "0 if c > 0 else ∂L/∂y")


@chain_rule(Concat)
def concatenation(op: Concat, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_i", "∂L/∂y[part i]", "every input has its part of the gradient")


@chain_rule(MatMul, Einsum)
def product(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("C", "A·B")
    yield Rule("∂L/∂A", "∂L/∂C·Bᵀ", "summed over axes that A does not have")
    yield Rule("∂L/∂B", "Aᵀ·∂L/∂C", "summed over axes that B does not have")


@chain_rule(Mean, Sum)
def total(op: Mean | Sum, inputs: Shapes) -> Iterator[Rule]:
    mean = isinstance(op, Mean)
    yield Rule("y", "1/m·Σ_i x[i]" if mean else "Σ_i x[i]")
    yield Rule("∂L/∂x[i]", "∂L/∂y/m" if mean else "∂L/∂y", "the same for every number")


@chain_rule(CumulativeSum)
def cumulative(op: CumulativeSum, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x[i]", "Σ_{j ≥ i} ∂L/∂y[j]", "a number is part of its own sum and of all later ones")


# --- attention, recurrence, experts ---


@chain_rule(ScaledDotProductAttention, Attention)
def attention(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    """Vaswani et al. 2017."""
    whole = isinstance(op, Attention)
    if whole:
        yield Rule("Q, K, V", "X·W_Qᵀ, C·W_Kᵀ, C·W_Vᵀ", "for every head; C is X, or the context")
    yield Rule("S", "Q·Kᵀ/√(d)", "plus biases and masks, whose gradient is ∂L/∂S")
    yield Rule("P", "softmax(S)", "row by row")
    yield Rule("O", "P·V")
    if whole:
        yield Rule("Y", "O·W_Oᵀ")
        yield Rule("∂L/∂W_O", "(∂L/∂Y)ᵀ·O")
        yield Rule("∂L/∂O", "∂L/∂Y·W_O")
    yield Rule("∂L/∂V", "Pᵀ·∂L/∂O")
    yield Rule("∂L/∂P", "∂L/∂O·Vᵀ")
    yield Rule("∂L/∂S", "P⊙(∂L/∂P − rowsum(∂L/∂P⊙P))", "⊙ multiplies number by number; masked pairs have P = 0")
    yield Rule("∂L/∂Q", "∂L/∂S·K/√(d)")
    yield Rule("∂L/∂K", "(∂L/∂S)ᵀ·Q/√(d)")
    if whole:
        yield Rule("∂L/∂W_Q", "(∂L/∂Q)ᵀ·X", "likewise W_K and W_V, from C; heads that share keys add up")
        yield Rule("∂L/∂X", "∂L/∂Q·W_Q + ∂L/∂K·W_K + ∂L/∂V·W_V", "in self-attention")


@chain_rule(Rnn)
def rnn(op: Rnn, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("h[t]", "f(a[t])", "a[t] = W·x[t] + U·h[t−1] + b")
    yield Rule("∂L/∂a[t]", "∂L/∂h[t]·f′(a[t])", "from the last step to the first")
    yield Rule("∂L/∂h[t−1]", "Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the next step, and the output of the step itself")
    yield from _over_time("a")


@chain_rule(Lstm)
def lstm(op: Lstm, inputs: Shapes) -> Iterator[Rule]:
    """Hochreiter and Schmidhuber 1997; Gers et al. 2000."""
    yield Rule("i, f, o", "σ(a_i), σ(a_f), σ(a_o)", "a = W·x[t] + U·h[t−1] + b, a part for each gate")
    yield Rule("g", "tanh(a_g)")
    yield Rule("c[t]", "f⊙c[t−1] + i⊙g")
    yield Rule("h[t]", "o⊙tanh(c[t])")
    yield Rule("∂L/∂o", "∂L/∂h[t]⊙tanh(c[t])", "from the last step to the first")
    yield Rule("∂L/∂c[t]", "∂L/∂c[t] + ∂L/∂h[t]⊙o⊙(1 − tanh(c[t])²)", "that of step t + 1, plus that through h[t]")
    yield Rule("∂L/∂c[t−1]", "∂L/∂c[t]⊙f", "no matrix and no squashing: gradients survive where f is near 1")
    yield Rule("∂L/∂f, ∂L/∂i, ∂L/∂g", "∂L/∂c[t]⊙c[t−1], ∂L/∂c[t]⊙g, ∂L/∂c[t]⊙i")
    yield Rule("∂L/∂a_i", "∂L/∂i⊙i⊙(1 − i)", "likewise f and o")
    yield Rule("∂L/∂a_g", "∂L/∂g⊙(1 − g²)")
    yield Rule("∂L/∂h[t−1]", "Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the next step, and the output of the step itself")
    yield from _over_time("a")


@chain_rule(Gru)
def gru(op: Gru, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("h[t]", "(1 − z)⊙n + z⊙h[t−1]", "r and z are sigmoids, n is the tanh of the new values")
    yield Rule("∂L/∂n, ∂L/∂z", "∂L/∂h[t]⊙(1 − z), ∂L/∂h[t]⊙(h[t−1] − n)", "from the last step to the first")
    yield Rule("∂L/∂a_n", "∂L/∂n⊙(1 − n²)")
    yield Rule("∂L/∂a_z, ∂L/∂a_r", "∂L/∂z⊙z⊙(1 − z), ∂L/∂r⊙r⊙(1 − r)")
    yield Rule("∂L/∂h[t−1]", "∂L/∂h[t]⊙z + Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the part of n through the reset gate r")
    yield from _over_time("a")


def _over_time(sums: str) -> Iterator[Rule]:
    yield Rule("∂L/∂W", f"Σ_t ∂L/∂{sums}[t]·x[t]ᵀ", "every step uses the same weights")
    yield Rule("∂L/∂U", f"Σ_t ∂L/∂{sums}[t]·h[t−1]ᵀ")
    yield Rule("∂L/∂b", f"Σ_t ∂L/∂{sums}[t]")
    yield Rule("∂L/∂x[t]", f"Wᵀ·∂L/∂{sums}[t]")


@chain_rule(MixtureOfExperts)
def experts(op: MixtureOfExperts, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "Σ_e s_e·E_e(x)", "over the experts that are chosen; s is the softmax of their scores")
    yield Rule("∂L/∂E_e", "s_e·∂L/∂y", "then through the two layers of the expert")
    yield Rule("∂L/∂s_e", "Σ_i ∂L/∂y[i]·E_e(x)[i]", "then through the softmax to the router")
    yield Rule("∂L/∂x", "Wᵀ·∂L/∂scores + Σ_e (∂E_e/∂x)ᵀ·∂L/∂E_e", "the choice itself has no gradient")
