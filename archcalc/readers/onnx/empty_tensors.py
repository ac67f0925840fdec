"""Tensors without elements: parts of size 0, and what is computed from them."""

from __future__ import annotations

from math import prod

from archcalc.arrays.texts import shape_text
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.onnx.tensors import MAX_LOOKED_AT

PARTS = ("Compress", "Expand", "Gather", "Slice", "Split", "Tile", "TopK")
"""The operators whose outputs may have no elements although their inputs have."""


def note_empty(n: NodeView) -> bool:
    """Note those outputs of a node that have no elements; return whether none has any.

    That may be so for parts of tensors, and for whatever is computed from tensors without elements. Others, such as
    convolutions, are then read for sizes that they cannot have.
    """
    tensors = n.tensors
    made = [name for name in n.outputs if name]
    empty = [name for name in made if tensors.is_empty(name)]
    if n.inputs and n.operator not in PARTS and not any(map(tensors.is_empty, n.inputs)):
        return False
    if empty:
        for name in filter(None, n.inputs):
            for axis in range(len(tensors.sizes(name))):
                file_value(tensors.size_of(name, axis))
    for name in empty:
        tensors.set_empty(name)
    return bool(empty) and len(empty) == len(made)


def require_inferred_sizes(n: NodeView) -> None:
    """Require that what a node computes from tensors without elements has the sizes that are inferred.

    Raises:
        SpecError: it has others.
    """
    tensors = n.tensors
    made = [name for name in n.outputs if name in tensors.metas]
    for name in made if any(map(tensors.is_empty, n.inputs)) else ():
        sizes = tensors.sizes(name)
        if prod(sizes) <= MAX_LOOKED_AT and tensors.arrays.array(name).shape != sizes:
            tensors.refuse(f"{n.place()} cannot make {shape_text(sizes)} of a tensor without elements")
