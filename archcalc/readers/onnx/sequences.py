"""Sequences of tensors, whose lengths are known while a file is read, and optional tensors.

They are not layers: what a node takes out of a sequence is the tensor that was put in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archcalc.readers.aten.program import TensorMetadata, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.sizes import file_value

MAX_LENGTH = 4096
"""The number of tensors of a sequence that is read."""

SEQUENCES: dict[str, Callable[[NodeView], None]] = {}
"""What nodes do with sequences and optional tensors, by operator."""


def reads(name: str) -> Callable[[Callable[[NodeView], None]], Callable[[NodeView], None]]:
    """Return a decorator that registers what an operator does."""

    def register(function: Callable[[NodeView], None]) -> Callable[[NodeView], None]:
        SEQUENCES[name] = function
        return function

    return register


def is_of_sequences(n: NodeView) -> bool:
    """Return whether a node reads or makes sequences or optional tensors."""
    return n.operator in SEQUENCES or any(n.tensors.is_sequence(name) for name in n.inputs if name)


def read_sequences(n: NodeView) -> None:
    """Read a node of sequences.

    Raises:
        Untranslatable: it has no meaning for tensors of known sizes.
    """
    if n.operator == "Identity":
        n.tensors.alias(n.outputs[0], n.name(0))
    elif n.operator in SEQUENCES:
        SEQUENCES[n.operator](n)
    else:
        raise Untranslatable("a sequence of tensors")


def _elements(n: NodeView) -> list[str]:
    found = n.tensors.sequences.get(n.name(0))
    if found is None:
        raise Untranslatable("a sequence of unknown length")
    return [*found]


def _place(n: NodeView, at: int, length: int) -> int:
    """Return a position that an input gives, counted from the start."""
    place = int(file_value(n.needed_value(at).flat[0]))
    if not -length <= place < max(length, 1):
        raise Untranslatable(f"the position {place} of a sequence of length {length}")
    return place + length if place < 0 else place


def _require_length(length: int) -> None:
    """Refuse a sequence of more tensors than any model has, before they are made."""
    if length > MAX_LENGTH:
        raise Untranslatable(f"a sequence of more than {MAX_LENGTH:,} tensors")


def _set(n: NodeView, names: Sequence[str]) -> None:
    _require_length(len(names))
    n.tensors.sequences[n.outputs[0]] = tuple(names)


@reads("SequenceConstruct")
def _constructed(n: NodeView) -> None:
    _set(n, n.inputs)


@reads("SequenceEmpty")
def _empty(n: NodeView) -> None:
    _set(n, ())


@reads("SequenceInsert")
def _inserted(n: NodeView) -> None:
    names = _elements(n)
    at = _place(n, 2, len(names) + 1) if n.has(2) else len(names)
    _set(n, [*names[:at], n.name(1), *names[at:]])


@reads("SequenceErase")
def _erased(n: NodeView) -> None:
    names = _elements(n)
    del names[_place(n, 1, len(names)) if n.has(1) else -1]
    _set(n, names)


@reads("SequenceAt")
def _element(n: NodeView) -> None:
    names = _elements(n)
    n.tensors.alias(n.outputs[0], names[_place(n, 1, len(names))])


@reads("SequenceLength")
def _length(n: NodeView) -> None:
    import numpy as np

    n.tensors.set_value(n.outputs[0], np.array(len(_elements(n))))


@reads("SplitToSequence")
def _divided(n: NodeView) -> None:
    sizes, dtype = n.sizes(0), n.dtype(0)
    axis = n.axis("axis", 0, len(sizes))
    file_value(n.tensors.size_of(n.name(0), axis))
    given = n.needed_value(1) if n.has(1) else None
    if given is not None and given.ndim:
        lengths = [int(file_value(each)) for each in given.flat]
    else:
        step = 1 if given is None else max(int(file_value(given.flat[0])), 1)
        _require_length(-(-sizes[axis] // step))
        lengths = [min(step, sizes[axis] - start) for start in range(0, sizes[axis], step)]
    if min(lengths, default=0) < 1 or sum(lengths) != sizes[axis]:
        raise Untranslatable(f"parts of lengths {lengths[:10]} of {sizes[axis]:,} positions")
    drops = given is None and not n.attribute("keepdims", 1)
    names = [f"{n.outputs[0]}={at}" for at in range(len(lengths))]
    value = n.tensors.values.get(n.name(0))
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    if value is not None:
        for name, start, length in zip(names, starts, lengths, strict=True):
            n.tensors.set_value(name, value.take(start if drops else range(start, start + length), axis), dtype)
    else:
        for name, length in zip(names, lengths, strict=True):
            own = () if drops else (length,)
            n.tensors.metas[name] = TensorMetadata((*sizes[:axis], *own, *sizes[axis + 1 :]), dtype)
        target = "aten.unbind.int" if drops else "aten.split_with_sizes.default"
        n.tensors.emit(target, {"self": n.tensor(0), "dim": axis}, names, n.place())
    _set(n, names)


@reads("ConcatFromSequence")
def _joined(n: NodeView) -> None:
    import numpy as np

    names, stacked = _elements(n), bool(n.attribute("new_axis", 0))
    if not names:
        raise Untranslatable("the tensors of an empty sequence")
    sizes, dtype = [n.tensors.sizes(name) for name in names], n.tensors.dtype(names[0])
    axis = n.axis("axis", 0, len(sizes[0]) + stacked)
    values = [n.tensors.values.get(name) for name in names]
    if all(value is not None for value in values):
        known: list[Any] = values
        n.tensors.set_value(n.outputs[0], np.stack(known, axis) if stacked else np.concatenate(known, axis), dtype)
        return
    along = (len(names),) if stacked else (sum(each[axis] for each in sizes),)
    n.tensors.metas[n.outputs[0]] = TensorMetadata((*sizes[0][:axis], *along, *sizes[0][axis + (not stacked) :]), dtype)
    n.origin = n.place()
    n.call(f"aten.{'stack' if stacked else 'cat'}.default", tensors=[TensorName(name) for name in names], dim=axis)


@reads("Optional")
def _optional(n: NodeView) -> None:
    if n.has(0):
        n.tensors.alias(n.outputs[0], n.name(0))
    else:
        _set(n, ())
        n.tensors.absent.add(n.outputs[0])


@reads("OptionalGetElement")
def _content(n: NodeView) -> None:
    if n.name(0) in n.tensors.absent:
        raise Untranslatable("the element of an optional tensor without one")
    n.tensors.alias(n.outputs[0], n.name(0))


@reads("OptionalHasElement")
def _has_content(n: NodeView) -> None:
    import numpy as np

    n.tensors.set_value(n.outputs[0], np.array(n.has(0) and n.name(0) not in n.tensors.absent))
