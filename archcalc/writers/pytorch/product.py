"""Products of tensors."""

from __future__ import annotations

from string import ascii_lowercase

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import Code
from archcalc.writers.pytorch.registry import PyTorchContext, expression, writes


def filled_up(context: PyTorchContext, place: int, rank: int) -> str:
    """Return a tensor with axes of size 1 behind the batch, so that it has as many axes as others."""
    missing = rank - len(context.shapes[place])
    return f"${place}" + (f"[:{', None' * missing}]" if missing else "")


@writes("matmul")
def write_matmul(context: PyTorchContext) -> Code:
    rank = max(map(len, context.shapes))
    return expression(f"{filled_up(context, 0, rank)} @ {filled_up(context, 1, rank)}")


@writes("einsum")
def write_einsum(context: PyTorchContext) -> Code:
    """Write the pattern with one letter per axis; names of one letter are kept."""
    pattern = parse(context.op.pattern)
    names = pattern.read
    plain = all(len(name) == 1 and name in ascii_lowercase for name in names)
    letters = dict(zip(names, names if plain else ascii_lowercase, strict=False))
    batch = next(letter for letter in "b" + ascii_lowercase[::-1] if letter not in letters.values())
    one, other, made = ("".join(letters[name] for (name,) in axes) for axes in (*pattern.inputs, pattern.output))
    # What is the same for every example is read without its batch of 1.
    alone = [single and not all(context.single) for single in context.single]
    one, other = (axes if without else batch + axes for axes, without in zip((one, other), alone, strict=True))
    tensors = ", ".join(f"${place}{'[0]' if without else ''}" for place, without in enumerate(alone))
    return expression(f'torch.einsum("{one},{other}->{batch}{made}", {tensors})')
