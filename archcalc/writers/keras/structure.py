"""Operators that rearrange or select elements."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper
from archcalc.writers.code.vectors import selection
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, expression, is_same_order, layer, transposed, writes

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
def write_identity(context: KerasContext) -> LayerCode:
    return expression("$0")


@writes("reshape")
def write_reshape(context: KerasContext) -> LayerCode:
    call = CallExpression("layers.Reshape", (CallArgument("target_shape", tuple(context.output), positional=True),))
    layout = context.layouts[0]
    if is_same_order(context.shape, layout, AxisOrder.FIRST):
        return layer(call)
    return layer(call, transposed("$0", layout, AxisOrder.FIRST, len(context.shape)))


def permute(places: tuple[int, ...]) -> CallExpression:
    """Return the layer that permutes axes, which are counted from 1."""
    return CallExpression("layers.Permute", (CallArgument("dims", places, positional=True),))


@writes("transpose")
def write_transpose(context: KerasContext) -> LayerCode:
    order, rank = context.op.order, len(context.shape)
    read = context.layouts[0].order(rank)
    if len(read) != rank:
        raise NotInLibrary("a transposition of a vector is not written")
    wanted = [order[axis] % rank for axis in context.layout.order(rank)]
    places = tuple([read.index(axis) + 1 for axis in wanted])
    return expression("$0") if places == (*range(1, rank + 1),) else layer(permute(places))


@writes("shuffle")
def write_shuffle(context: KerasContext) -> LayerCode:
    return expression("channel_shuffle($0, $groups)", CallArgument("groups", context.op.groups), helpers=(SHUFFLE,))


@writes("roll")
def write_roll(context: KerasContext) -> LayerCode:
    return expression(
        f"ops.roll($0, $shift, axis={context.axis(context.op.axis)})", CallArgument("shift", context.op.shift)
    )


@writes("split")
def write_split(context: KerasContext) -> LayerCode:
    op = context.op
    return expression(f"ops.split($0, {op.parts}, axis={context.axis(op.axis)})[{op.part}]")


@writes("slice")
def write_slice(context: KerasContext) -> LayerCode:
    axis = context.axis(context.op.axis)
    before = "..., " if axis == -1 and len(context.shape) > 1 else ":, " * (axis if axis > 0 else 1)
    return expression(f"$0[{before}{selection(context)}]")
