"""Joins."""

from __future__ import annotations

from archcalc.writers.code.calls import CallExpression, Code, NotInLibrary
from archcalc.writers.keras.conv import cropping
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import LayerContext, expression, layer, option, statements, writes

CLASSES = {"add": "Add", "sub": "Subtract", "mul": "Multiply", "max": "Maximum", "min": "Minimum"}
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
    """Return the tensors of an element-wise join; one with fewer axes gets axes of size 1 after its own."""
    rank = max(map(len, view.shapes))
    found = []
    for place, (shape, layout) in enumerate(zip(view.shapes, view.layouts, strict=True)):
        missing = rank - len(shape)
        if not missing:
            found.append(f"${place}")
            continue
        order = view.layout.order(rank)
        if layout is not view.layout and len(shape) > 1:
            raise NotInLibrary("a join of tensors with different orders of axes is not written")
        index = ", ".join(":" if axis < len(shape) else "None" for axis in order)
        found.append(f"${place}[:, {index}]")
    return found


def are_equal(view: LayerContext) -> bool:
    """Return whether a layer of Keras joins these tensors: they have the same number of axes."""
    return len(set(map(len, view.shapes))) == 1 and not any(view.single)


@writes("add", "sub", "mul", "div", "max", "min")
def write_arithmetic(view: LayerContext) -> Code:
    name = view.op.name
    if name in CLASSES and are_equal(view) and (name != "sub" or len(view.shapes) == 2):
        places = ", ".join(f"${place}" for place in range(len(view.shapes)))
        return layer(CallExpression(f"layers.{CLASSES[name]}"), f"[{places}]")
    first, *others = aligned(view)
    if name in ("max", "min"):
        for other in others:
            first = f"ops.{name}imum({first}, {other})"
        return expression(first)
    return expression(f" {OPERATORS[name]} ".join([first, *others]))


@writes("where")
def write_where(view: LayerContext) -> Code:
    condition, one, other = aligned(view)
    return expression(f"ops.where({condition} > 0, {one}, {other})")


@writes("compare")
def write_compare(view: LayerContext) -> Code:
    one, other = aligned(view)
    return expression(f'ops.cast({one} {COMPARED[view.op.how]} {other}, "float32")')


@writes("concat")
def write_concat(view: LayerContext) -> Code:
    op, shapes = view.op, view.shapes
    if any(view.single):
        raise NotInLibrary("a concatenation with a tensor that has no batch is not written")
    axis = view.axis(op.axis)
    sizes = [shape[1:] for shape in shapes]
    lines, parts, pieces = [], [], []
    smallest = tuple(map(min, *sizes)) if op.crop == "smallest" else ()
    for place, size in enumerate(sizes):
        cut = [n - m for n, m in zip(size, smallest, strict=True)] if smallest else []
        if not any(cut):
            pieces.append(f"${place}")
            continue
        if op.axis % len(shapes[0]) or view.layouts[0] is not AxisOrder.LAST:
            raise NotInLibrary("a concatenation along positions with crop=smallest is not written")
        label = "crop" if len(shapes) == 2 else f"crop_{place + 1}"
        parts.append((label, cropping([(each // 2, each - each // 2) for each in cut])))
        lines.append(f"$self_{label}(${place})")
        pieces.append("$_")
    if len(parts) > 1:
        raise NotInLibrary("a concatenation that crops more than one tensor is not written")
    call = CallExpression("layers.Concatenate", (option("axis", axis, -1),))
    return statements("\n".join([*lines, f"$self([{', '.join(pieces)}])"]), *parts, ("", call))
