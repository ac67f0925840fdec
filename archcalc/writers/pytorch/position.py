"""Biases and masks for the scores of attention."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper
from archcalc.writers.pytorch.registry import PyTorchContext, writes

RELATIVE = helper(
    "RelativePositionBias",
    '''
class RelativePositionBias(nn.Module):
    """A number for each head and relative position of two tokens."""

    def __init__(self, size: Sequence[int], heads: int) -> None:
        super().__init__()
        rows = math.prod(2 * n - 1 for n in size)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, heads))
        self.register_buffer("index", relative_positions(size), persistent=False)

    def forward(self) -> Tensor:
        return self.relative_position_bias_table[self.index].permute(2, 0, 1)[None]
''',
)
RELATIVE_FROM_TABLE = helper(
    "TabulatedPositionBias",
    '''
class TabulatedPositionBias(nn.Module):
    """The numbers of a table for each head and relative position of two tokens."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("index", relative_positions(size), persistent=False)

    def forward(self, table: Tensor) -> Tensor:
        return table[:, self.index].permute(0, 3, 1, 2)
''',
)
POSITIONS = helper(
    "relative_positions",
    '''
def relative_positions(size: Sequence[int]) -> Tensor:
    """Return the number of the relative position of each pair of tokens on a grid."""
    grid = torch.stack(torch.meshgrid(*map(torch.arange, size), indexing="ij"))
    tokens = grid.flatten(1)
    index = torch.zeros(tokens.shape[1], tokens.shape[1], dtype=torch.long)
    for places, n in zip(tokens, size):
        index = index * (2 * n - 1) + places[:, None] - places + n - 1
    return index
''',
)
BUCKETED = helper(
    "BucketedPositionBias",
    '''
class BucketedPositionBias(nn.Module):
    """A number for each head and range of distances between two tokens, as in T5."""

    def __init__(
        self, tokens: int, heads: int, buckets: int, max_distance: int, causal: bool
    ) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.zeros(buckets, heads))
        places = torch.arange(tokens)
        distance = places - places[:, None]
        index = torch.zeros_like(distance)
        if causal:
            distance = -distance.clamp(max=0)
        else:
            buckets //= 2
            index = index + buckets * (distance > 0)
            distance = distance.abs()
        exact = buckets // 2
        longest = math.log(max_distance / exact)
        far = torch.log(distance.clamp(min=1) / exact) / longest * (buckets - exact)
        far = exact + far.long().clamp(max=buckets - exact - 1)
        index = index + torch.where(distance < exact, distance, far)
        self.register_buffer("index", index, persistent=False)

    def forward(self) -> Tensor:
        return self.relative_position_bias_table[self.index].permute(2, 0, 1)[None]
''',
)
SHIFT_MASK = helper(
    "ShiftMask",
    '''
class ShiftMask(nn.Module):
    """A mask for windows of a shifted map: tokens from different ends do not attend."""

    def __init__(
        self, size: Sequence[int], window: Sequence[int], shift: Sequence[int]
    ) -> None:
        super().__init__()
        ends = torch.stack(
            torch.meshgrid(
                *(torch.arange(n) + s >= n for n, s in zip(size, shift)), indexing="ij"
            )
        )
        for axis, m in enumerate(window):
            ends = ends.unfold(axis + 1, m, m)
        axes = len(window)
        ends = ends.flatten(1 + axes).flatten(1, axes)
        apart = (ends[:, :, :, None] != ends[:, :, None]).any(0)
        mask = torch.zeros(apart.shape).masked_fill(apart, -100.0)
        self.register_buffer("mask", mask[None, :, None], persistent=False)

    def forward(self) -> Tensor:
        return self.mask
''',
)


@writes("relative_bias")
def write_relative_bias(context: PyTorchContext) -> LayerCode:
    op = context.op
    size, heads = CallArgument("size", tuple(op.size)), CallArgument("heads", op.heads)
    if op.table:
        if op.buckets:
            raise NotInLibrary("buckets of distances with a table that is computed are not written")
        call = CallExpression(RELATIVE_FROM_TABLE.name, (size,))
        return LayerCode("$self($0)", (("", call),), (("", call),), helpers=(POSITIONS, RELATIVE_FROM_TABLE))
    if not op.buckets:
        call = CallExpression(RELATIVE.name, (size, heads))
        return LayerCode("$self()", (("", call),), helpers=(POSITIONS, RELATIVE))
    args = (
        CallArgument("tokens", op.size[0]),
        heads,
        CallArgument("buckets", op.buckets),
        CallArgument("max_distance", op.max_distance or 128),
        CallArgument("causal", op.causal),
    )
    return LayerCode("$self()", (("", CallExpression(BUCKETED.name, args)),), helpers=(BUCKETED,))


@writes("shift_mask")
def write_shift_mask(context: PyTorchContext) -> LayerCode:
    op = context.op
    windows, shifts = (tuple(each) if len(each) > 1 else tuple(each) * len(op.size) for each in (op.window, op.shift))
    args = (CallArgument("size", tuple(op.size)), CallArgument("window", windows), CallArgument("shift", shifts))
    return LayerCode("$self()", (("", CallExpression(SHIFT_MASK.name, args)),), helpers=(SHIFT_MASK,))
