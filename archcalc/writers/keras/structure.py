"""Operators that rearrange or select elements."""

from __future__ import annotations

from archcalc.writers.code.calls import Arg, CallExpression, Code, NotInLibrary
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import LayerContext, expression, helper, is_same_order, layer, transposed, writes

SHUFFLE = helper(
    "channel_shuffle",
    '''
def channel_shuffle(x, groups):
    """Interleave the channels of groups."""
    *positions, channels = x.shape[1:]
    x = ops.reshape(x, (-1, *positions, groups, channels // groups))
    return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *positions, channels))
''',
)


@writes("identity")
def write_identity(view: LayerContext) -> Code:
    return expression("$0")


@writes("reshape")
def write_reshape(view: LayerContext) -> Code:
    call = CallExpression("layers.Reshape", (Arg("target_shape", tuple(view.output), positional=True),))
    layout = view.layouts[0]
    if is_same_order(view.shape, layout, AxisOrder.FIRST):
        return layer(call)
    return layer(call, transposed("$0", layout, AxisOrder.FIRST, len(view.shape)))


def permute(places: tuple[int, ...]) -> CallExpression:
    """Return the layer that permutes axes, which are counted from 1."""
    return CallExpression("layers.Permute", (Arg("dims", places, positional=True),))


@writes("transpose")
def write_transpose(view: LayerContext) -> Code:
    order, rank = view.op.order, len(view.shape)
    read = view.layouts[0].order(rank)
    if len(read) != rank:
        raise NotInLibrary("a transposition of a vector is not written")
    wanted = [order[axis] % rank for axis in view.layout.order(rank)]
    places = tuple([read.index(axis) + 1 for axis in wanted])
    return expression("$0") if places == (*range(1, rank + 1),) else layer(permute(places))


@writes("shuffle")
def write_shuffle(view: LayerContext) -> Code:
    return expression("channel_shuffle($0, $groups)", Arg("groups", view.op.groups), helpers=(SHUFFLE,))


@writes("roll")
def write_roll(view: LayerContext) -> Code:
    return expression(f"ops.roll($0, $shift, axis={view.axis(view.op.axis)})", Arg("shift", view.op.shift))


@writes("split")
def write_split(view: LayerContext) -> Code:
    op = view.op
    return expression(f"ops.split($0, {op.parts}, axis={view.axis(op.axis)})[{op.part}]")


@writes("slice")
def write_slice(view: LayerContext) -> Code:
    op = view.op
    start, stop = ("" if side is None else str(side) for side in op.range)
    step = f":{op.step}" if op.step != 1 else ""
    axis = view.axis(op.axis)
    before = "..., " if axis == -1 and len(view.shape) > 1 else ":, " * (axis if axis > 0 else 1)
    return expression(f"$0[{before}{start}:{stop}{step}]")
