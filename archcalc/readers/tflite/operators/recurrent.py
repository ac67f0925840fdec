"""Recurrent layers."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.tflite.operation import OperationView
from archcalc.readers.tflite.registry import converts

TANH = 4
GATES = (0, 3, 1, 2)
"""The gates in the order of ONNX, i, o, f, c, by their places among the weights, i, f, c, o."""


def joined(n: OperationView, indices: list[int]) -> str:
    """Return the weights of all gates with an axis of directions."""
    rows = n.add("Concat", *(n.read(index) for index in indices), axis=0)
    return n.add("Unsqueeze", rows, n.constant([0]))


@converts("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lstm(n: OperationView) -> None:
    """Convert an LSTM: its inputs are the sequences, 4 matrices, 4 recurrent ones, 3 peepholes, 4 biases, and more."""
    if any(n.has(index) for index in (*range(9, 12), 16, 17, *range(20, 24))):
        raise Untranslatable("peepholes, a projection, or normalised gates")
    if not all(n.has(index) for index in (*range(1, 9), *range(12, 16))):
        raise Untranslatable("coupled gates")
    if n.option("FusedActivationFunction") != TANH or n.option("ProjClip"):
        raise Untranslatable("an activation other than tanh, or a clipped projection")
    clip = n.option("CellClip")
    if clip:
        n.graph.notes[f"the file clips the cells of LSTM layers to ±{clip:g}; a run does not"] = None
    units = n.known_size(5, 1)
    biases = joined(n, [12 + gate for gate in GATES])
    zeros = n.constant([[0.0] * 4 * units], "float32")
    inputs = [
        n.read(0),
        joined(n, [1 + gate for gate in GATES]),
        joined(n, [5 + gate for gate in GATES]),
        n.add("Concat", biases, zeros, axis=1),
    ]
    by_time = bool(n.option("TimeMajor"))
    whole, _, _ = n.several("LSTM", inputs, 3, hidden_size=units, layout=int(not by_time))
    n.result(n.add("Squeeze", whole, n.constant([1 if by_time else 2])))
