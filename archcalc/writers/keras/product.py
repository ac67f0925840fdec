"""Products of tensors."""

from __future__ import annotations

from string import ascii_lowercase

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import Code, NotInLibrary
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, expression, writes


def filled_up(context: KerasContext, place: int, rank: int) -> str:
    """Return a tensor with axes of size 1 behind the batch, so that it has as many axes as others."""
    missing = rank - len(context.shapes[place])
    return f"${place}" + (f"[:{', None' * missing}]" if missing else "")


@writes("matmul")
def write_matmul(context: KerasContext) -> Code:
    rank = max(map(len, context.shapes))
    return expression(f"ops.matmul({filled_up(context, 0, rank)}, {filled_up(context, 1, rank)})")


@writes("einsum")
def write_einsum(context: KerasContext) -> Code:
    """Write the pattern with one letter per axis; names of one letter are kept."""
    pattern = parse(context.op.pattern)
    names = pattern.read
    plain = all(len(name) == 1 and name in ascii_lowercase for name in names)
    letters = dict(zip(names, names if plain else ascii_lowercase, strict=False))
    batch = next(letter for letter in "b" + ascii_lowercase[::-1] if letter not in letters.values())
    layouts = (*context.layouts, context.layout)
    if AxisOrder.VECTOR in layouts:
        raise NotInLibrary("a product with a vector in place of maps is not written")
    one, other, made = (
        batch + "".join(letters[name] for (name,) in layout.of(axes))
        for axes, layout in zip((*pattern.inputs, pattern.output), layouts, strict=True)
    )
    return expression(f'ops.einsum("{one},{other}->{made}", $0, $1)')
