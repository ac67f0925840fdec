"""Fully connected layers, radial basis functions, and embeddings."""

from __future__ import annotations

from math import prod

from archcalc.writers.code.calls import CallExpression, Helper, LayerCode, Slot, helper, option, width
from archcalc.writers.pytorch.conv import WEIGHT_NORMED, weight_normed
from archcalc.writers.pytorch.registry import PyTorchContext, module, writes

FLATTEN = CallExpression("nn.Flatten")
RADIAL_BASIS = helper(
    "RadialBasis",
    """
class RadialBasis(nn.Module):
    \"\"\"The squared distances of a vector from centres.\"\"\"

    def __init__(
        self, in_features: int, out_features: int, trainable: bool = False
    ) -> None:
        super().__init__()
        centre = torch.randn(out_features, in_features)
        self.centre = nn.Parameter(centre) if trainable else nn.Buffer(centre)

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, None] - self.centre).square().sum(-1)
""",
)


def linear(context: PyTorchContext, features_in: int) -> CallExpression:
    op = context.op
    call = CallExpression(
        "nn.Linear",
        (width("in_features", features_in), width("out_features", op.features), option("bias", op.bias, True)),
    )
    return weight_normed(call) if op.weight_norm else call


def with_arrays(context: PyTorchContext, code: LayerCode) -> LayerCode:
    return code._replace(arrays=WEIGHT_NORMED) if context.op.weight_norm else code


def flattened(context: PyTorchContext, call: CallExpression, helpers: tuple[Helper, ...] = ()) -> LayerCode:
    """Return a module that reads a vector."""
    if len(context.shape) == 1:
        return module(call)._replace(helpers=helpers)
    return LayerCode("$self($0.flatten(1))", (("", call),), (("flatten", FLATTEN), ("", call)), helpers=helpers)


@writes("fc")
def write_fc(context: PyTorchContext) -> LayerCode:
    return with_arrays(context, flattened(context, linear(context, prod(context.shape))))


@writes("linear")
def write_linear(context: PyTorchContext) -> LayerCode:
    call = linear(context, context.op.length(context.shape))
    if not context.op.over_channels(context.shape) or len(context.shape) == 1:
        return with_arrays(context, module(call))
    return with_arrays(context, LayerCode("$self($0.movedim(1, -1)).movedim(-1, 1)", (("", call),)))


@writes("rbf")
def write_rbf(context: PyTorchContext) -> LayerCode:
    op = context.op
    args = (width("in_features", prod(context.shape)), width("out_features", op.features))
    return flattened(
        context, CallExpression(RADIAL_BASIS.name, (*args, option("trainable", op.trainable, False))), (RADIAL_BASIS,)
    )


@writes("embedding")
def write_embedding(context: PyTorchContext) -> LayerCode:
    vocabulary = context.op.vocabulary
    call = CallExpression("nn.Embedding", (width("num_embeddings", vocabulary), width("embedding_dim", context.op.dim)))
    if context.given[0]:
        return module(call)
    return LayerCode("$self($0.round().clamp(0, $last).long())", (("", call),), values=(Slot("last", vocabulary - 1),))
