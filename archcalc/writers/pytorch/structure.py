"""Operators that rearrange or select elements."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, Slot, helper
from archcalc.writers.code.vectors import selection
from archcalc.writers.pytorch.dense import FLATTEN
from archcalc.writers.pytorch.registry import PyTorchContext, dim, expression, stateless, writes

PERMUTE = helper(
    "Permute",
    '''
class Permute(nn.Module):
    """A permutation of axes."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(*self.dims)
''',
)


@writes("identity")
def write_identity(context: PyTorchContext) -> LayerCode:
    return stateless(CallExpression("nn.Identity"), "$0")


@writes("flatten")
def write_flatten(context: PyTorchContext) -> LayerCode:
    return stateless(FLATTEN, "$0.flatten(1)")


@writes("reshape")
def write_reshape(context: PyTorchContext) -> LayerCode:
    names = [f"size_{place}" for place in range(len(context.output))]
    values = [Slot(name, size) for name, size in zip(names, context.output, strict=True)]
    return expression(f"$0.reshape(-1, {', '.join(f'${name}' for name in names)})", *values)


@writes("transpose")
def write_transpose(context: PyTorchContext) -> LayerCode:
    order = [axis + 1 for axis in context.op.order]
    moved = [place for place, axis in enumerate(order, start=1) if place != axis]
    text = f"$0.transpose({moved[0]}, {moved[1]})" if len(moved) == 2 else f"$0.permute{(0, *order)}"
    if not context.is_recorded:
        return expression(text)
    call = CallExpression(PERMUTE.name, (CallArgument("dims", (0, *order), positional=True),))
    return LayerCode(text, steps=(("", call),), helpers=(PERMUTE,))


@writes("shuffle")
def write_shuffle(context: PyTorchContext) -> LayerCode:
    if len(context.shape) == 1:
        return expression("F.channel_shuffle($0[..., None], $groups)[..., 0]", Slot("groups", context.op.groups))
    return expression("F.channel_shuffle($0, $groups)", Slot("groups", context.op.groups))


@writes("roll")
def write_roll(context: PyTorchContext) -> LayerCode:
    return expression(f"$0.roll($shift, {dim(context.op.axis)})", Slot("shift", context.op.shift))


@writes("split")
def write_split(context: PyTorchContext) -> LayerCode:
    op = context.op
    return expression(f"$0.chunk({op.parts}, dim={dim(op.axis)})[{op.part}]")


@writes("slice")
def write_slice(context: PyTorchContext) -> LayerCode:
    axis = context.op.axis % len(context.shape)
    return expression(f"$0[{':, ' * (axis + 1)}{selection(context)}]")
