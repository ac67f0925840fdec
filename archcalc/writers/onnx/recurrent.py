"""Recurrent layers, whose weights ONNX stores separately for every layer and direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, NotInOnnx, Sizes, Weights
from archcalc.writers.onnx.parts import as_lists, part, permuted, whole
from archcalc.writers.onnx.registry import writes

GATES = {"rnn": 1, "lstm": 4, "gru": 3}

ONNX_ORDER = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}


def widths(op: Any) -> tuple[int, int]:
    """Return the features of an output in one direction, and the rows of weights of a layer in one direction."""
    return getattr(op, "proj", None) or op.units, GATES[op.name] * op.units


def cells(op: Any) -> list[tuple[int, int]]:
    """Return the layer and the direction of every cell."""
    return [(number, direction) for number in range(op.layers) for direction in range(1 + op.bidirectional)]


def cell_weights(op: Any, weights: Any, place: int) -> dict[str, Any]:
    """Return the stored arrays of one layer in one direction, given arrays or tensors."""
    number, direction = cells(op)[place]
    width, rows = widths(op)
    directions = 1 + op.bidirectional
    read, at = ("deeper", place - directions) if number else ("input", direction)
    found = {"input": weights[read][at * rows : (at + 1) * rows]}
    sizes = {"recurrent": rows, "bias": rows, "recurrent_bias": rows, "projection": width, "peephole": 3 * op.units}
    return found | {
        name: weights[name][place * size : (place + 1) * size] for name, size in sizes.items() if name in weights
    }


@writes("rnn", "lstm", "gru")
def write_recurrent(model: ModelBuilder, op: Any, name: Any, shape: Any, weights: Weights) -> tuple[str, ...]:
    """Append one operator of ONNX per layer; ONNX has positions first."""
    if getattr(op, "proj", None):
        raise NotInOnnx("ONNX's LSTM has no projection")
    names, shapes = as_lists(name, shape)
    *lead, n, _ = shapes[0]
    directions = 1 + op.bidirectional
    width, _ = widths(op)
    order = ONNX_ORDER[op.name]

    def gates(array: Any) -> Any:
        parts = np.split(array, len(order))
        return np.concatenate([parts[each] for each in order])

    def flat(tensor: str, own: Sizes) -> str:
        """Return a tensor with its leading axes merged, after the axis that follows them."""
        return permuted(model, model.add("Reshape", tensor, whole(model, -1, *own[len(lead) :])), 1, 0, 2)

    x = flat(names[0], shapes[0])
    given = {
        each: flat(tensor, own) for each, tensor, own in zip(op.tensor_arguments(), names[1:], shapes[1:], strict=True)
    }
    last: list[tuple[str, ...]] = []
    for number in range(op.layers):
        own = [cell_weights(op, weights, number * directions + each) for each in range(directions)]
        zeros = np.zeros(len(own[0]["input"]), own[0]["input"].dtype)
        biases = [
            np.concatenate([gates(each.get("bias", zeros)), gates(each.get("recurrent_bias", zeros))]) for each in own
        ]
        stacked = [model.constant(np.stack([gates(each[array]) for each in own])) for array in ("input", "recurrent")]
        before = [
            part(model, given[each], 0, number * directions, (number + 1) * directions) if each in given else ""
            for each in ("state", "cell")[: 2 if op.name == "lstm" else 1]
        ]
        peepholes: list[str] = []
        if "peephole" in weights:
            parts = [np.split(each["peephole"], 3) for each in own]
            peepholes.append(model.constant(np.stack([np.concatenate([i, o, f]) for i, f, o in parts])))
        attributes: dict[str, Any] = {}
        if op.name == "rnn":
            attributes["activations"] = [op.act.capitalize()] * directions
        elif op.name == "gru":
            attributes["linear_before_reset"] = int(op.reset_after)
        found = model.add_all(
            op.name.upper(),
            3 if op.name == "lstm" else 2,
            x,
            *stacked,
            model.constant(np.stack(biases)),
            "",
            *before,
            *peepholes,
            hidden_size=op.units,
            direction="bidirectional" if op.bidirectional else "forward",
            **attributes,
        )
        x = model.add("Reshape", permuted(model, found[0], 0, 2, 1, 3), whole(model, n, -1, directions * width))
        last.append(found[1:])
    states = []
    for each in zip(*last, strict=True):
        together = permuted(model, model.add("Concat", *each, axis=0), 1, 0, 2)
        states.append(model.add("Reshape", together, whole(model, -1, *lead, op.layers * directions, op.units)))
    if op.final:
        output, sizes = last[-1][0], (*lead, directions * width)
    else:
        output, sizes = x, (*lead, n, directions * width)
    return (model.add("Reshape", permuted(model, output, 1, 0, 2), whole(model, -1, *sizes)), *states)
