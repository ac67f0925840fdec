"""Products of tensors."""

from __future__ import annotations

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import LayerCode
from archcalc.writers.code.operators import filled_up, letters_of
from archcalc.writers.pytorch.registry import PyTorchContext, expression, writes


@writes("matmul")
def write_matmul(context: PyTorchContext) -> LayerCode:
    rank = max(map(len, context.shapes))
    return expression(f"{filled_up(context, 0, rank)} @ {filled_up(context, 1, rank)}")


@writes("einsum")
def write_einsum(context: PyTorchContext) -> LayerCode:
    """Write the pattern with one letter per axis; names of one letter are kept."""
    pattern = parse(context.op.pattern)
    letters, batch = letters_of(pattern)
    one, other, made = ("".join(letters[name] for (name,) in axes) for axes in (*pattern.inputs, pattern.output))
    # What is the same for every example is read without its batch of 1.
    alone = [single and not all(context.single) for single in context.single]
    one, other = (axes if without else batch + axes for axes, without in zip((one, other), alone, strict=True))
    tensors = ", ".join(f"${place}{'[0]' if without else ''}" for place, without in enumerate(alone))
    return expression(f'torch.einsum("{one},{other}->{batch}{made}", {tensors})')
