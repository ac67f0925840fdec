"""Rearrangements in einops' notation, axis by axis."""

from __future__ import annotations

from typing import Any

from archcalc.ops.pattern import parse
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, Slot
from archcalc.writers.pytorch.registry import PyTorchContext, expression, module, writes

REDUCED = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin", "prod": "prod"}


@writes("rearrange", "reduce", "repeat")
def write_pattern(context: PyTorchContext) -> LayerCode:
    """Split axes, reduce those that do not remain, add new ones, permute, and merge."""
    op = context.op
    pattern, given = parse(op.pattern), dict(op.sizes)
    values: list[Slot] = []
    text = "$0" + split(pattern.inputs[0], given, values)
    names = list(pattern.input_names)
    gone = [1 + place for place, name in enumerate(names) if name not in pattern.output_names]
    if gone:
        text += reduced(op.how, gone)
        names = [name for name in names if name in pattern.output_names]
    new = [name for name in pattern.output_names if name not in names]
    if new:
        kept = ", ".join(["-1"] * (1 + len(names)))
        sizes = ", ".join(f"${slot(name, given[name], values)}" for name in new)
        text += f"[..., {', '.join(['None'] * len(new))}].expand({kept}, {sizes})"
        names += new
    order = [1 + names.index(name) for name in pattern.output_names]
    text += permuted(order)
    return expression(text + merged(pattern.output), *values)


def slot(name: str, size: Any, values: list[Slot]) -> str:
    """Add a value, and return its name."""
    own = f"{name}_size"
    values.append(Slot(own, size))
    return own


def split(axes: Any, given: dict[str, Any], values: list[Slot]) -> str:
    """Return the calls that split axes into their factors, the last axis first."""
    found = ""
    for place, names in reversed([*enumerate(axes, start=1)]):
        if not names:
            found += f".squeeze({place})"
        if len(names) > 1:
            known = [name for name in names if name in given]
            inferred = next((name for name in names if name not in known), names[0])
            sizes = ", ".join("-1" if name == inferred else f"${slot(name, given[name], values)}" for name in names)
            found += f".unflatten({place}, ({sizes}))"
    return found


def merged(axes: Any) -> str:
    """Return the calls that merge factors into axes, the last axis first."""
    found = ""
    start = end = 1 + sum(map(len, axes))
    for names in reversed(axes):
        start -= len(names)
        if not names:
            found += f".unsqueeze({start})"
        if len(names) > 1:
            to_end = start + len(names) == end and not found
            found += f".flatten({start})" if to_end else f".flatten({start}, {start + len(names) - 1})"
    return found


def permuted(order: list[int]) -> str:
    """Return the call that permutes the axes after the batch."""
    moved = [place for place, axis in enumerate(order, start=1) if place != axis]
    if not moved:
        return ""
    if len(moved) == 2:
        return f".transpose({moved[0]}, {moved[1]})"
    return f".permute(0, {', '.join(map(str, order))})"


def reduced(how: str, axes: list[int]) -> str:
    """Return the calls that combine the elements along axes."""
    if how == "prod":
        return "".join(f".prod({axis})" for axis in reversed(axes))
    return f".{REDUCED[how]}({axes[0] if len(axes) == 1 else tuple(axes)})"


@writes("pixel_shuffle", "space_to_depth")
def write_block(context: PyTorchContext) -> LayerCode:
    if context.rank != 2:
        raise NotInLibrary(f"PyTorch's pixel shuffles have 2 spatial axes, got {context.rank}")
    name, argument = (
        ("PixelShuffle", "upscale_factor")
        if context.op.name == "pixel_shuffle"
        else ("PixelUnshuffle", "downscale_factor")
    )
    return module(CallExpression(f"nn.{name}", (CallArgument(argument, context.op.block, positional=True),)))
