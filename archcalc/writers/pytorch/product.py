"""Products of tensors."""

from __future__ import annotations

from string import ascii_lowercase

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import Code
from archcalc.writers.pytorch.registry import LayerContext, expression, writes


def filled_up(view: LayerContext, place: int, rank: int) -> str:
    """Return a tensor with axes of size 1 behind the batch, so that it has as many axes as others."""
    missing = rank - len(view.shapes[place])
    return f"${place}" + (f"[:{', None' * missing}]" if missing else "")


@writes("matmul")
def write_matmul(view: LayerContext) -> Code:
    rank = max(map(len, view.shapes))
    return expression(f"{filled_up(view, 0, rank)} @ {filled_up(view, 1, rank)}")


@writes("einsum")
def write_einsum(view: LayerContext) -> Code:
    """Write the pattern with one letter per axis; names of one letter are kept."""
    pattern = parse(view.op.pattern)
    names = pattern.read
    plain = all(len(name) == 1 and name in ascii_lowercase for name in names)
    letters = dict(zip(names, names if plain else ascii_lowercase, strict=False))
    batch = next(letter for letter in "b" + ascii_lowercase[::-1] if letter not in letters.values())
    one, other, made = ("".join(letters[name] for (name,) in axes) for axes in (*pattern.inputs, pattern.output))
    # What is the same for every example is read without its batch of 1.
    alone = [single and not all(view.single) for single in view.single]
    one, other = (axes if without else batch + axes for axes, without in zip((one, other), alone, strict=True))
    tensors = ", ".join(f"${place}{'[0]' if without else ''}" for place, without in enumerate(alone))
    return expression(f'torch.einsum("{one},{other}->{batch}{made}", {tensors})')
