"""Products of tensors."""

from __future__ import annotations

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import LayerCode, NotInLibrary
from archcalc.writers.code.operators import filled_up, letters_of
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, expression, writes


@writes("matmul")
def write_matmul(context: KerasContext) -> LayerCode:
    rank = max(map(len, context.shapes))
    return expression(f"ops.matmul({filled_up(context, 0, rank)}, {filled_up(context, 1, rank)})")


@writes("einsum")
def write_einsum(context: KerasContext) -> LayerCode:
    """Write the pattern with one letter per axis; names of one letter are kept."""
    pattern = parse(context.op.pattern)
    letters, batch = letters_of(pattern)
    layouts = (*context.layouts, context.layout)
    if AxisOrder.VECTOR in layouts:
        raise NotInLibrary("a product with a vector in place of maps is not written")
    one, other, made = (
        batch + "".join(letters[name] for (name,) in layout.of(axes))
        for axes, layout in zip((*pattern.inputs, pattern.output), layouts, strict=True)
    )
    return expression(f'ops.einsum("{one},{other}->{made}", $0, $1)')
