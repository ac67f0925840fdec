"""Fully connected layers, radial basis functions, and embeddings."""

from __future__ import annotations

from math import prod

from archcalc.writers.code.calls import CallExpression, Code, Helper, Slot, width
from archcalc.writers.pytorch.conv import WEIGHT_NORMED, weight_normed
from archcalc.writers.pytorch.registry import LayerContext, helper, module, option, writes

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


def linear(view: LayerContext, features_in: int) -> CallExpression:
    op = view.op
    call = CallExpression(
        "nn.Linear",
        (width("in_features", features_in), width("out_features", op.features), option("bias", op.bias, True)),
    )
    return weight_normed(call) if op.weight_norm else call


def with_arrays(view: LayerContext, code: Code) -> Code:
    return code._replace(arrays=WEIGHT_NORMED) if view.op.weight_norm else code


def flattened(view: LayerContext, call: CallExpression, helpers: tuple[Helper, ...] = ()) -> Code:
    """Return a module that reads a vector."""
    if len(view.shape) == 1:
        return module(call)._replace(helpers=helpers)
    return Code("$self($0.flatten(1))", (("", call),), (("flatten", FLATTEN), ("", call)), helpers=helpers)


@writes("fc")
def write_fc(view: LayerContext) -> Code:
    return with_arrays(view, flattened(view, linear(view, prod(view.shape))))


@writes("linear")
def write_linear(view: LayerContext) -> Code:
    call = linear(view, view.op.length(view.shape))
    if not view.op.over_channels(view.shape) or len(view.shape) == 1:
        return with_arrays(view, module(call))
    return with_arrays(view, Code("$self($0.movedim(1, -1)).movedim(-1, 1)", (("", call),)))


@writes("rbf")
def write_rbf(view: LayerContext) -> Code:
    op = view.op
    args = (width("in_features", prod(view.shape)), width("out_features", op.features))
    return flattened(
        view, CallExpression(RADIAL_BASIS.name, (*args, option("trainable", op.trainable, False))), (RADIAL_BASIS,)
    )


@writes("embedding")
def write_embedding(view: LayerContext) -> Code:
    vocabulary = view.op.vocabulary
    call = CallExpression("nn.Embedding", (width("num_embeddings", vocabulary), width("embedding_dim", view.op.dim)))
    if view.given[0]:
        return module(call)
    return Code("$self($0.round().clamp(0, $last).long())", (("", call),), values=(Slot("last", vocabulary - 1),))
