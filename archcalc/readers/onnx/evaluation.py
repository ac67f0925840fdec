"""Nodes that are evaluated while a file is read: those whose inputs are known, and those that measure tensors."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.inference import DOMAINS
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import convert_numbers
from archcalc.readers.onnx.open_shapes import MEASURING
from archcalc.readers.onnx.tensors import MAX_VALUES
from archcalc.readers.onnx.values import FUNCTIONS, NotEvaluated, result_format


def evaluate(n: NodeView) -> bool:
    """Evaluate a node whose inputs have known values, or that measures a tensor; return whether that succeeded."""
    if n.node.domain not in DOMAINS:
        return False
    measured = n.operator in MEASURING and len(n.inputs) == 1 and n.inputs[0] in n.tensors.metas
    if measured and (n.inputs[0] not in n.tensors.values or n.inputs[0] in n.tensors.open_shapes):
        measure(n)
        return True
    function = FUNCTIONS.get(n.operator)
    values = [n.tensors.values.get(name) if name else None for name in n.inputs]
    if any(value is not None and value.dtype == object for value in values):
        for at, name in enumerate(n.inputs):
            if name in n.tensors.trained_values:  # what sizes are joined with is no weight
                values[at] = n.tensors.trained_values[name]
                n.tensors.let_be_constant(name)
    known = all(value is not None or not name for name, value in zip(n.inputs, values, strict=True))
    if function is None or not known or not n.inputs:
        return False
    import numpy as np

    try:
        made = function(n, values)
        arrays = [np.asarray(each) for each in (made if isinstance(made, list) else [made])]
        form = result_format(n) if any(each.dtype.kind in "Of" for each in arrays) else ""
    except (NotEvaluated, Untranslatable, ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
        return False
    if len(arrays) != len(n.outputs) or sum(each.size for each in arrays) > MAX_VALUES:
        return False
    for name, value in zip(n.outputs, arrays, strict=True):
        if form == "bfloat16" and value.dtype.kind == "f":  # computed in a format that NumPy has
            n.tensors.set_value(name, convert_numbers(value, form), form)
        else:
            n.tensors.set_value(name, value, form if value.dtype == object else "")
    return True


def measure(n: NodeView) -> None:
    """Note the sizes of a tensor as numbers that follow the inputs."""
    import numpy as np

    name = n.inputs[0]
    sizes = n.tensors.metas[name].sizes
    found = [n.tensors.size_of(name, axis) for axis in range(len(sizes))]
    value = np.empty(len(found), object)
    value[:] = found
    if n.operator == "Size":
        count: Any = 1
        for each in found:
            count = each * count
        value = np.empty((), object)
        value[()] = count
    else:
        value = value[n.attribute("start", 0) : n.attribute("end", None)]
    n.tensors.set_value(n.outputs[0], value, "int64")
