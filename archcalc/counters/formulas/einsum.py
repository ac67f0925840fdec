"""Formulas of ``einsum`` by its optimal path."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.counters.formulas.common import Call
from archcalc.counters.rules import CountedPart, Formula


def _optimal_flops(call: Call) -> int:
    """Return the operations that numpy prints for the optimal path of an ``einsum``, rounded as it prints them."""
    import numpy as np

    operation = call.weighted
    arrays = [np.broadcast_to(np.zeros(()), each.shape) for each in operation.arguments["tensors"]]
    report = np.einsum_path(operation.arguments["equation"].replace(" ", ""), *arrays, optimize="optimal")[1]
    line = next(line for line in report.split("\n") if "optimized flop" in line.lower())
    return int(float(line.rpartition(":")[2]))


BATCHED = ("abc,abd->acd", "abc,adc->adb")
"""The equations that fvcore knows as products of matrices, with their letters in order."""


def _optimal_einsum(call: Call) -> Iterator[CountedPart]:
    operation = call.weighted
    equation = operation.arguments["equation"].replace(" ", "")
    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    ordered = equation.translate({ord(letter): 97 + place for place, letter in enumerate(letters)})
    amount = operation.macs if ordered in BATCHED else _optimal_flops(call) // 2
    yield CountedPart(amount, "half of numpy's count for the optimal path, as it prints it", operation.operations)


def _optimal_einsum_flops(call: Call) -> Iterator[CountedPart]:
    yield CountedPart(_optimal_flops(call), "numpy's count for the optimal path, as it prints it", call.operations)


OPTIMAL_EINSUM = Formula("half of what numpy.einsum_path counts for the optimal path", _optimal_einsum)


OPTIMAL_EINSUM_FLOPS = Formula("what numpy.einsum_path counts for the optimal path", _optimal_einsum_flops)
