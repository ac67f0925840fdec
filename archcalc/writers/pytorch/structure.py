"""Operators that rearrange or select elements."""

from __future__ import annotations

from archcalc.writers.code.calls import Arg, CallExpression, Code, Slot
from archcalc.writers.pytorch.dense import FLATTEN
from archcalc.writers.pytorch.registry import LayerContext, dim, expression, helper, stateless, writes

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
def write_identity(view: LayerContext) -> Code:
    return stateless(CallExpression("nn.Identity"), "$0")


@writes("flatten")
def write_flatten(view: LayerContext) -> Code:
    return stateless(FLATTEN, "$0.flatten(1)")


@writes("reshape")
def write_reshape(view: LayerContext) -> Code:
    names = [f"size_{place}" for place in range(len(view.output))]
    values = [Slot(name, size) for name, size in zip(names, view.output, strict=True)]
    return expression(f"$0.reshape(-1, {', '.join(f'${name}' for name in names)})", *values)


@writes("transpose")
def write_transpose(view: LayerContext) -> Code:
    order = [axis + 1 for axis in view.op.order]
    moved = [place for place, axis in enumerate(order, start=1) if place != axis]
    text = f"$0.transpose({moved[0]}, {moved[1]})" if len(moved) == 2 else f"$0.permute{(0, *order)}"
    if not view.is_recorded:
        return expression(text)
    call = CallExpression(PERMUTE.name, (Arg("dims", (0, *order), positional=True),))
    return Code(text, steps=(("", call),), helpers=(PERMUTE,))


@writes("shuffle")
def write_shuffle(view: LayerContext) -> Code:
    if len(view.shape) == 1:
        return expression("F.channel_shuffle($0[..., None], $groups)[..., 0]", Slot("groups", view.op.groups))
    return expression("F.channel_shuffle($0, $groups)", Slot("groups", view.op.groups))


@writes("roll")
def write_roll(view: LayerContext) -> Code:
    return expression(f"$0.roll($shift, {dim(view.op.axis)})", Slot("shift", view.op.shift))


@writes("split")
def write_split(view: LayerContext) -> Code:
    op = view.op
    return expression(f"$0.chunk({op.parts}, dim={dim(op.axis)})[{op.part}]")


@writes("slice")
def write_slice(view: LayerContext) -> Code:
    op, rank = view.op, len(view.shape)
    start, stop = ("" if side is None else str(side) for side in op.range)
    axis = op.axis % rank
    step = f":{op.step}" if op.step != 1 else ""
    return expression(f"$0[{':, ' * (axis + 1)}{start}:{stop}{step}]")
