"""Biases and masks for the scores of attention."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, Helper, LayerCode, NotInLibrary, helper
from archcalc.writers.keras.registry import KerasContext, at, layer, writes

POSITIONS = helper(
    "relative_positions",
    '''
def relative_positions(size):
    """Return the number of the relative position of each pair of tokens on a grid."""
    index = 0
    for places, n in zip(np.indices(size).reshape(len(size), -1), size):
        index = index * (2 * n - 1) + places[:, None] - places + n - 1
    return index
''',
)
RELATIVE = helper(
    "RelativePositionBias",
    '''
class RelativePositionBias(layers.Layer):
    """A number for each head and relative position of two tokens."""

    def __init__(self, size, heads, **kwargs):
        super().__init__(**kwargs)
        self.size, self.heads = tuple(size), heads

    def build(self, input_shape):
        rows = math.prod(2 * n - 1 for n in self.size)
        self.table = self.add_weight(shape=(rows, self.heads), name="table")

    def call(self, x):
        bias = ops.take(self.table, relative_positions(self.size), axis=0)
        return ops.transpose(bias, (2, 0, 1))[None]
''',
)
BUCKETED = helper(
    "BucketedPositionBias",
    '''
class BucketedPositionBias(layers.Layer):
    """A number for each head and range of distances between two tokens, as in T5."""

    def __init__(self, tokens, heads, buckets, max_distance, causal, **kwargs):
        super().__init__(**kwargs)
        self.tokens, self.heads, self.buckets = tokens, heads, buckets
        self.max_distance, self.causal = max_distance, causal

    def build(self, input_shape):
        self.table = self.add_weight(shape=(self.buckets, self.heads), name="table")

    def call(self, x):
        bias = ops.take(self.table, self.ranges(), axis=0)
        return ops.transpose(bias, (2, 0, 1))[None]

    def ranges(self):
        """Return the number of the range of the distance of each pair of tokens."""
        places = np.arange(self.tokens)
        distance, buckets = places - places[:, None], self.buckets
        if self.causal:
            first, distance = 0, -np.minimum(distance, 0)
        else:
            buckets //= 2
            first, distance = buckets * (distance > 0), np.abs(distance)
        exact = buckets // 2
        far = np.log(np.maximum(distance, 1) / exact, dtype="float32")
        far = far / np.float32(math.log(self.max_distance / exact)) * (buckets - exact)
        far = np.minimum(exact + far.astype("int32"), buckets - 1)
        return first + np.where(distance < exact, distance, far)
''',
)
SHIFT_MASK = helper(
    "ShiftMask",
    '''
class ShiftMask(layers.Layer):
    """A mask for windows of a shifted map, whose ends do not attend."""

    def __init__(self, size, window, shift, **kwargs):
        super().__init__(**kwargs)
        self.size, self.window, self.shift = tuple(size), tuple(window), tuple(shift)

    def call(self, x):
        apart = False
        for axis, n in enumerate(self.size):
            ends = np.indices(self.size)[axis] + self.shift[axis] >= n
            for place, width in enumerate(self.window):
                ends = np.stack(
                    np.split(ends, ends.shape[place] // width, place), place
                )
                ends = np.moveaxis(ends, place + 1, -1)
            ends = ends.reshape(-1, math.prod(self.window))
            apart = apart | (ends[:, :, None] != ends[:, None])
        mask = np.where(apart, -100.0, 0.0).astype("float32")
        return ops.convert_to_tensor(mask[None, :, None])
''',
)


@writes("relative_bias")
def write_relative_bias(context: KerasContext) -> LayerCode:
    op = context.op
    if op.table:
        raise NotInLibrary("relative positions with a table that is computed are not written")
    heads = CallArgument("heads", op.heads)
    if op.buckets:
        helpers: tuple[Helper, ...] = (BUCKETED,)
        args: tuple[CallArgument, ...] = (
            CallArgument("tokens", op.size[0]),
            heads,
            CallArgument("buckets", op.buckets),
            CallArgument("max_distance", op.max_distance or 128),
            CallArgument("causal", op.causal),
        )
    else:
        helpers = (POSITIONS, RELATIVE)
        args = (CallArgument("size", tuple(op.size)), heads)
    code = layer(CallExpression(helpers[-1].name, args), "$anchor", helpers=helpers)
    return code._replace(steps=(), arrays={"table": at("table")})


@writes("shift_mask")
def write_shift_mask(context: KerasContext) -> LayerCode:
    op = context.op
    windows, shifts = (tuple(each) if len(each) > 1 else tuple(each) * len(op.size) for each in (op.window, op.shift))
    sizes = CallArgument("size", tuple(op.size)), CallArgument("window", windows), CallArgument("shift", shifts)
    return layer(CallExpression(SHIFT_MASK.name, sizes), "$anchor", helpers=(SHIFT_MASK,))._replace(steps=())
