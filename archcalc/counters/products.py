"""The multiply–accumulates of operators of ATen, from the shapes that an exported program records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from archcalc.counters.trace import Tensor


def _convolution(arguments: Mapping[str, Any], output: Tensor) -> int:
    per_map = prod(arguments["weight"].shape[1:])
    is_transposed = arguments.get("transposed", False)
    return int((arguments["input"] if is_transposed else output).numel * per_map)


def _transposed(arguments: Mapping[str, Any], output: Tensor) -> int:
    return int(arguments["input"].numel * prod(arguments["weight"].shape[1:]))


def _linear(arguments: Mapping[str, Any], output: Tensor) -> int:
    return int(output.numel * arguments["weight"].shape[-1])


def _product(first: str) -> Callable[[Mapping[str, Any], Tensor], int]:
    return lambda arguments, output: int(output.numel * arguments[first].shape[-1])


def _attention(arguments: Mapping[str, Any], output: Tensor) -> int:
    query, key, value = (arguments[name] for name in ("query", "key", "value"))
    return int(prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1]))


def _einsum(arguments: Mapping[str, Any], output: Tensor) -> int:
    return pairwise(arguments["equation"], [each.shape for each in arguments["tensors"]])


def _recurrent(arguments: Mapping[str, Any], output: Tensor) -> int:
    weights = sum(each.numel for each in arguments["params"] if len(each.shape) == 2)
    return int(weights * prod(arguments["input"].shape[:-1]))


PRODUCTS: Mapping[str, Callable[[Mapping[str, Any], Tensor], int]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "_convolution", "deform_conv2d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "linear": _linear,
    "matmul": _product("self"),
    "mm": _product("self"),
    "bmm": _product("self"),
    "mv": lambda arguments, output: int(arguments["self"].numel),
    "dot": lambda arguments, output: int(arguments["self"].numel),
    "addmm": _product("mat1"),
    "baddbmm": _product("batch1"),
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
}
"""The products by the name of the operator. Its arguments have the names of ATen's schemas."""


def macs_of(name: str, arguments: Mapping[str, Any], output: Tensor) -> int:
    """Return the multiply–accumulates of a call: 0 for an operator that is no product."""
    count = PRODUCTS.get(name)
    return 0 if count is None else count(arguments, output)


def terms_of(equation: str) -> tuple[list[str], str]:
    """Return the letters of the operands of an equation of ``einsum``, and those of the result.

    Axes that stand for dots do not occur in exported programs with a fixed number of axes other than in front.
    """
    operands, arrow, result = equation.replace(" ", "").partition("->")
    terms = operands.split(",")
    if not arrow:
        joined = "".join(terms)
        result = "".join(sorted(letter for letter in set(joined) if joined.count(letter) == 1))
    return terms, result


def expanded(equation: str, shapes: Sequence[Sequence[int]]) -> tuple[list[str], str, dict[str, int]]:
    """Return the terms of an equation with letters in place of dots, its result, and the sizes of the letters."""
    terms, result = terms_of(equation)
    free = [letter for letter in map(chr, range(65, 123)) if letter.isalpha() and letter not in equation]
    widest = max(
        (len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)), default=0
    )
    dots = free[:widest]
    written = []
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        count = len(shape) - len(term.replace("...", ""))
        letters = term.replace("...", "".join(dots[widest - count :]))
        written.append(letters)
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return written, result.replace("...", "".join(dots)), sizes


def pairwise(equation: str, shapes: Sequence[Sequence[int]]) -> int:
    """Return the products of an ``einsum`` whose operands are multiplied from left to right."""
    terms, result, sizes = expanded(equation, shapes)
    total, left = 0, terms[0]
    for index, term in enumerate(terms[1:], 1):
        involved = dict.fromkeys(left + term)
        total += prod(sizes[letter] for letter in involved)
        kept = set("".join(terms[index + 1 :]) + result)
        left = "".join(letter for letter in involved if letter in kept)
    return total
