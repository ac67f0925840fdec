"""Rearrangements in einops' notation, and blocks of positions as channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from archcalc.ops.pattern import Axis, Pattern, parse
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper
from archcalc.writers.keras.registry import KerasContext, expression, layers, writes
from archcalc.writers.keras.structure import permute

PIXEL_SHUFFLE = helper(
    "pixel_shuffle",
    '''
def pixel_shuffle(x, factor):
    """Spread channels over blocks of positions."""
    height, width, channels = x.shape[1:]
    channels = channels // factor**2
    x = ops.reshape(x, (-1, height, width, channels, factor, factor))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
    return ops.reshape(x, (-1, height * factor, width * factor, channels))
''',
)
PIXEL_UNSHUFFLE = helper(
    "pixel_unshuffle",
    '''
def pixel_unshuffle(x, factor):
    """Make channels of the positions of blocks."""
    height, width, channels = x.shape[1:]
    height, width = height // factor, width // factor
    x = ops.reshape(x, (-1, height, factor, width, factor, channels))
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4))
    return ops.reshape(x, (-1, height, width, channels * factor**2))
''',
)


@writes("rearrange", "reduce", "repeat")
def write_pattern(context: KerasContext) -> LayerCode:
    """Split axes, reduce those that do not remain, add new ones, permute, and merge."""
    op = context.op
    pattern = parse(op.pattern)
    sizes = sizes_of(pattern, dict(op.sizes), context.shape)
    read = [pattern.inputs[0][axis] for axis in context.layouts[0].order(len(context.shape))]
    made = [pattern.output[axis] for axis in context.layout.order(len(context.output))]
    names = [name for axis in read for name in axis]
    wanted = [name for axis in made for name in axis]
    gone = [place for place, name in enumerate(names, start=1) if name not in wanted]
    new = [name for name in wanted if name not in names]
    split = [sizes[name] for name in names] if any(len(axis) != 1 for axis in read) else None
    kept = [name for name in names if name in wanted]
    places = tuple([[*kept, *new].index(name) + 1 for name in wanted])
    moved = places if places != (*range(1, len(places) + 1),) else None
    merged = [prod(sizes[name] for name in axis) for axis in made] if any(len(axis) != 1 for axis in made) else None
    if split and moved and not gone and not new and all(read):
        return in_function(pattern, read, made, names, places, [*dict(op.sizes)], sizes)
    if not gone and not new:
        return in_layers(split, moved, merged and inferred(made, merged))
    text = "$0"
    values: list[CallArgument] = []
    if split is not None:
        text = f"ops.reshape({text}, ({', '.join(map(str, [-1, *split]))}{'' if split else ','}))"
    if gone:
        text = f"ops.{op.how}({text}, axis={gone[0] if len(gone) == 1 else tuple(gone)})"
    if new:
        ones = ", ".join(["None"] * len(new))
        every = ", ".join(["1"] * (1 + len(kept)))
        text = f"ops.tile({text}[..., {ones}], ({every}, {listed([sizes[name] for name in new])}))"
    if moved:
        text = f"ops.transpose({text}, (0, {listed(moved)}))"
    if merged:
        text = f"ops.reshape({text}, (-1, {listed(merged)}))"
    return expression(text, *values)


def in_function(
    pattern: Pattern,
    read: Sequence[Axis],
    made: Sequence[Axis],
    names: Sequence[str],
    places: Sequence[int],
    given: Sequence[str],
    sizes: Mapping[str, int],
) -> LayerCode:
    """Return a call of a function that splits axes into factors whose sizes are partly given, and rearranges them."""
    known = [name for name in names if name in given]
    tensor = "tensor" if "x" in names else "x"
    axes = [axis[0] if len(axis) == 1 else f"n{number}" for number, axis in enumerate(read, start=1)]
    lines = [f"{', '.join(axes)} = {tensor}.shape[{'1' if len(axes) == 1 else '1:'}]"]
    for axis, size in zip(read, axes, strict=True):
        for name in axis:
            others = [other for other in axis if other != name]
            if name not in known and others:
                lines.append(f"{name} = {size} // {in_product(others)}")
    lines.append(f"{tensor} = ops.reshape({tensor}, (-1, {', '.join(names)}))")
    lines.append(f"{tensor} = ops.transpose({tensor}, (0, {listed(places)}))")
    if any(len(axis) != 1 for axis in made):
        lines.append(f"return ops.reshape({tensor}, (-1, {', '.join(' * '.join(axis) or '1' for axis in made)}))")
    else:
        lines[-1] = lines[-1].replace(f"{tensor} = ", "return ", 1)
    usual = {*known} == {axis[-1] for axis in read if len(axis) > 1}
    name = "_".join([*map("".join, read), "to", *map("".join, made), *([] if usual else ["by", *known])])
    text = "\n".join(f"    {line}" for line in lines)
    title = f'    """Rearrange axes: {in_words(read)} to {in_words(made)}."""'
    own = helper(name, f"def {name}({', '.join([tensor, *known])}):\n{title}\n{text}")
    values = [CallArgument(f"{each}_size", sizes[each]) for each in known]
    call = ", ".join(["$0", *(f"{each}=${each}_size" for each in known)])
    return expression(f"{name}({call})", *values, helpers=(own,))


def in_product(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({' * '.join(names)})"


def in_words(axes: Sequence[Axis]) -> str:
    return " ".join(f"({' '.join(axis)})" if len(axis) != 1 else axis[0] for axis in axes)


def in_layers(split: Sequence[int] | None, moved: tuple[int, ...] | None, merged: Sequence[int] | None) -> LayerCode:
    """Return the layers that split, permute and merge axes; axes that are not permuted are merged at once."""
    if not moved and merged:
        split = None
    found: list[tuple[str, CallExpression]] = []
    if split:
        found.append(("split", reshape(split)))
    if moved:
        found.append(("move", permute(moved)))
    if merged:
        found.append(("merge", reshape(merged)))
    if not found:
        return expression("$0")
    return layers(*found[:-1], ("", found[-1][1]))


def reshape(sizes: Sequence[int]) -> CallExpression:
    return CallExpression("layers.Reshape", (CallArgument("target_shape", tuple(sizes), positional=True),))


def inferred(axes: Sequence[Axis], sizes: Sequence[int]) -> list[int]:
    """Return the sizes of axes, with −1 for the only one that is merged from several."""
    merged = [place for place, axis in enumerate(axes) if len(axis) > 1]
    return [-1 if merged == [place] else size for place, size in enumerate(sizes)]


def listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def sizes_of(pattern: Pattern, given: Mapping[str, Any], shape: Sequence[int]) -> dict[str, int]:
    """Return the sizes of all factors in a pattern."""
    found = {name: int(size) for name, size in given.items()}
    for axis, size in zip(pattern.inputs[0], shape, strict=True):
        for name in axis:
            if name not in found:
                found[name] = size // prod(found[other] for other in axis if other != name)
    return found


@writes("pixel_shuffle", "space_to_depth")
def write_block(context: KerasContext) -> LayerCode:
    if context.rank != 2:
        raise NotInLibrary(f"pixel shuffles on other than 2 spatial axes are not written, got {context.rank}")
    made = PIXEL_SHUFFLE if context.op.name == "pixel_shuffle" else PIXEL_UNSHUFFLE
    return expression(f"{made.name}($0, $factor)", CallArgument("factor", context.op.block), helpers=(made,))
