"""Joins."""

from __future__ import annotations

from archcalc.writers.code.calls import CallExpression, LayerCode, NotInLibrary, option
from archcalc.writers.code.operators import ARITHMETIC, COMPARISONS
from archcalc.writers.keras.conv import cropping
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, expression, layer, statements, writes

CLASSES = {"add": "Add", "sub": "Subtract", "mul": "Multiply", "max": "Maximum", "min": "Minimum"}


def aligned(context: KerasContext) -> list[str]:
    """Return the tensors of an element-wise join; one with fewer axes gets axes of size 1 after its own."""
    rank = max(map(len, context.shapes))
    found = []
    for place, (shape, layout) in enumerate(zip(context.shapes, context.layouts, strict=True)):
        missing = rank - len(shape)
        if not missing:
            found.append(f"${place}")
            continue
        order = context.layout.order(rank)
        if layout is not context.layout and len(shape) > 1:
            raise NotInLibrary("a join of tensors with different orders of axes is not written")
        index = ", ".join(":" if axis < len(shape) else "None" for axis in order)
        found.append(f"${place}[:, {index}]")
    return found


def are_equal(context: KerasContext) -> bool:
    """Return whether a layer of Keras joins these tensors: they have the same number of axes."""
    return len(set(map(len, context.shapes))) == 1 and not any(context.single)


@writes("add", "sub", "mul", "div", "max", "min")
def write_arithmetic(context: KerasContext) -> LayerCode:
    name = context.op.name
    if name in CLASSES and are_equal(context) and (name != "sub" or len(context.shapes) == 2):
        places = ", ".join(f"${place}" for place in range(len(context.shapes)))
        return layer(CallExpression(f"layers.{CLASSES[name]}"), f"[{places}]")
    first, *others = aligned(context)
    if name in ("max", "min"):
        for other in others:
            first = f"ops.{name}imum({first}, {other})"
        return expression(first)
    return expression(f" {ARITHMETIC[name]} ".join([first, *others]))


@writes("where")
def write_where(context: KerasContext) -> LayerCode:
    condition, one, other = aligned(context)
    return expression(f"ops.where({condition} > 0, {one}, {other})")


@writes("compare")
def write_compare(context: KerasContext) -> LayerCode:
    one, other = aligned(context)
    return expression(f'ops.cast({one} {COMPARISONS[context.op.how]} {other}, "float32")')


@writes("concat")
def write_concat(context: KerasContext) -> LayerCode:
    op, shapes = context.op, context.shapes
    if any(context.single):
        raise NotInLibrary("a concatenation with a tensor that has no batch is not written")
    axis = context.axis(op.axis)
    sizes = [shape[1:] for shape in shapes]
    lines, parts, pieces = [], [], []
    smallest = tuple(map(min, *sizes)) if op.crop == "smallest" else ()
    for place, size in enumerate(sizes):
        cut = [n - m for n, m in zip(size, smallest, strict=True)] if smallest else []
        if not any(cut):
            pieces.append(f"${place}")
            continue
        if op.axis % len(shapes[0]) or context.layouts[0] is not AxisOrder.LAST:
            raise NotInLibrary("a concatenation along positions with crop=smallest is not written")
        label = "crop" if len(shapes) == 2 else f"crop_{place + 1}"
        parts.append((label, cropping([(each // 2, each - each // 2) for each in cut])))
        lines.append(f"$self_{label}(${place})")
        pieces.append("$_")
    if len(parts) > 1:
        raise NotInLibrary("a concatenation that crops more than one tensor is not written")
    call = CallExpression("layers.Concatenate", (option("axis", axis, -1),))
    return statements("\n".join([*lines, f"$self([{', '.join(pieces)}])"]), *parts, ("", call))
