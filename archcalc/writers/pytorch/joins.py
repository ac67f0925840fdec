"""Joins."""

from __future__ import annotations

from archcalc.writers.code.calls import Helper, LayerCode, NotInLibrary, helper
from archcalc.writers.code.operators import ARITHMETIC, COMPARISONS
from archcalc.writers.pytorch.registry import PyTorchContext, dim, expression, writes

CENTER_CROP = helper(
    "center_crop",
    """
def center_crop(x: Tensor, size: Sequence[int]) -> Tensor:
    \"\"\"Return the centre of maps, which has the given size.\"\"\"
    starts = [(n - m) // 2 for n, m in zip(x.shape[2:], size)]
    return x[(..., *(slice(start, start + m) for start, m in zip(starts, size)))]
""",
)


def aligned(context: PyTorchContext) -> list[str]:
    """Return the tensors of an element-wise join; a vector beside maps gets axes of size 1."""
    rank = max(map(len, context.shapes))
    missing = [rank - len(shape) for shape in context.shapes]
    return [f"${place}" + (f"[:, :{', None' * ones}]" if ones else "") for place, ones in enumerate(missing)]


MANY = 5
"""The number of terms from which a sum is that of a list."""


@writes("add", "sub", "mul", "div")
def write_arithmetic(context: PyTorchContext) -> LayerCode:
    if context.op.name == "add" and len(context.shapes) >= MANY:
        return expression(f"sum([{', '.join(aligned(context))}])")
    return expression(f" {ARITHMETIC[context.op.name]} ".join(aligned(context)))


@writes("max", "min")
def write_extreme(context: PyTorchContext) -> LayerCode:
    first, *others = aligned(context)
    for other in others:
        first = f"torch.{context.op.name}imum({first}, {other})"
    return expression(first)


@writes("where")
def write_where(context: PyTorchContext) -> LayerCode:
    condition, one, other = aligned(context)
    return expression(f"torch.where({condition} > 0, {one}, {other})")


@writes("compare")
def write_compare(context: PyTorchContext) -> LayerCode:
    one, other = aligned(context)
    return expression(f"({one} {COMPARISONS[context.op.how]} {other}).float()")


@writes("concat")
def write_concat(context: PyTorchContext) -> LayerCode:
    op, shapes = context.op, context.shapes
    axis = dim(op.axis)
    pieces = [f"${place}" for place in range(len(shapes))]
    helpers: tuple[Helper, ...] = ()
    positions = [shape[1:] for shape in shapes]
    if op.crop == "smallest" and len(set(positions)) > 1:
        if axis % (len(shapes[0]) + 1) != 1:
            raise NotInLibrary("a concatenation along positions with crop=smallest is not written")
        smallest = tuple(map(min, *positions))
        if smallest not in positions:
            raise NotInLibrary("none of the tensors that are cropped has the smallest size on all axes")
        least = positions.index(smallest)
        pieces = [
            piece if position == smallest else f"center_crop({piece}, ${least}.shape[2:])"
            for piece, position in zip(pieces, positions, strict=True)
        ]
        helpers = (CENTER_CROP,)
    if any(context.single) and not all(context.single):
        batched = context.single.index(False)
        pieces = [
            f"{piece}.expand(len(${batched}){', -1' * len(shape)})" if single else piece
            for piece, shape, single in zip(pieces, shapes, context.single, strict=True)
        ]
    return expression(f"torch.cat([{', '.join(pieces)}], dim={axis})", helpers=helpers)
