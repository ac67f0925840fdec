"""Joins."""

from __future__ import annotations

from archcalc.writers.code.calls import Code, Helper, NotInLibrary
from archcalc.writers.pytorch.registry import LayerContext, dim, expression, helper, writes

CENTER_CROP = helper(
    "center_crop",
    """
def center_crop(x: Tensor, size: Sequence[int]) -> Tensor:
    \"\"\"Return the centre of maps, which has the given size.\"\"\"
    starts = [(n - m) // 2 for n, m in zip(x.shape[2:], size)]
    return x[(..., *(slice(start, start + m) for start, m in zip(starts, size)))]
""",
)
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
COMPARED = {
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}


def aligned(view: LayerContext) -> list[str]:
    """Return the tensors of an element-wise join; a vector beside maps gets axes of size 1."""
    rank = max(map(len, view.shapes))
    missing = [rank - len(shape) for shape in view.shapes]
    return [f"${place}" + (f"[:, :{', None' * ones}]" if ones else "") for place, ones in enumerate(missing)]


MANY = 5
"""The number of terms from which a sum is that of a list."""


@writes("add", "sub", "mul", "div")
def write_arithmetic(view: LayerContext) -> Code:
    if view.op.name == "add" and len(view.shapes) >= MANY:
        return expression(f"sum([{', '.join(aligned(view))}])")
    return expression(f" {OPERATORS[view.op.name]} ".join(aligned(view)))


@writes("max", "min")
def write_extreme(view: LayerContext) -> Code:
    first, *others = aligned(view)
    for other in others:
        first = f"torch.{view.op.name}imum({first}, {other})"
    return expression(first)


@writes("where")
def write_where(view: LayerContext) -> Code:
    condition, one, other = aligned(view)
    return expression(f"torch.where({condition} > 0, {one}, {other})")


@writes("compare")
def write_compare(view: LayerContext) -> Code:
    one, other = aligned(view)
    return expression(f"({one} {COMPARED[view.op.how]} {other}).float()")


@writes("concat")
def write_concat(view: LayerContext) -> Code:
    op, shapes = view.op, view.shapes
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
    if any(view.single) and not all(view.single):
        batched = view.single.index(False)
        pieces = [
            f"{piece}.expand(len(${batched}){', -1' * len(shape)})" if single else piece
            for piece, shape, single in zip(pieces, shapes, view.single, strict=True)
        ]
    return expression(f"torch.cat([{', '.join(pieces)}], dim={axis})", helpers=helpers)
