"""The multiply–accumulates of operators of ATen, from the shapes that an exported program records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from archcalc.counters.trace import GradientProducts, TracedTensor


def _convolution(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    per_map = prod(arguments["weight"].shape[1:])
    is_transposed = arguments.get("transposed", False)
    return int((arguments["input"] if is_transposed else output).numel * per_map)


def _transposed(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    return int(arguments["input"].numel * prod(arguments["weight"].shape[1:]))


def _linear(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    return int(output.numel * arguments["weight"].shape[-1])


def _product(first: str) -> Callable[[Mapping[str, Any], TracedTensor], int]:
    return lambda arguments, output: int(output.numel * arguments[first].shape[-1])


def _attention(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    return sum(_scores_and_mixed(arguments))


def _scores_and_mixed(arguments: Mapping[str, Any]) -> tuple[int, int]:
    query, key, value = (arguments[name] for name in ("query", "key", "value"))
    scores = prod(query.shape[:-1]) * key.shape[-2]
    return scores * query.shape[-1], scores * value.shape[-1]


def _einsum(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    return sum(pairwise_products(arguments["equation"], [each.shape for each in arguments["tensors"]]))


def _recurrent(arguments: Mapping[str, Any], output: TracedTensor) -> int:
    weights = sum(each.numel for each in arguments["params"] if len(each.shape) == 2)
    return int(weights * prod(arguments["input"].shape[:-1]))


PRODUCTS: Mapping[str, Callable[[Mapping[str, Any], TracedTensor], int]] = {
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


def macs_of(name: str, arguments: Mapping[str, Any], output: TracedTensor) -> int:
    """Return the multiply–accumulates of a call: 0 for an operator that is not a product."""
    count = PRODUCTS.get(name)
    return 0 if count is None else count(arguments, output)


FACTORS = (("input", "weight"), ("self", "other"), ("self", "mat2"), ("self", "vec"), ("self", "tensor"),
           ("mat1", "mat2"), ("batch1", "batch2"))  # fmt: skip
"""The names of the two arguments that an operator multiplies."""


def gradients_of(name: str, arguments: Mapping[str, Any], macs: int) -> GradientProducts:
    """Return the products of the gradients of a call with this number of multiply–accumulates."""

    def times(*factors: Any) -> int:
        return sum(isinstance(each, TracedTensor) and each.depends_on_parameters for each in factors)

    if not macs:
        return GradientProducts()
    if name == "scaled_dot_product_attention":
        query, key, value = (arguments[each] for each in ("query", "key", "value"))
        scores, mixed = _scores_and_mixed(arguments)
        in_shares = max(times(query), times(key), times(arguments.get("attn_mask")))
        return GradientProducts(scores * times(query, key) + mixed * (in_shares + times(value)))
    if name == "einsum":
        tensors: Sequence[TracedTensor] = arguments["tensors"]
        products = pairwise_products(arguments["equation"], [each.shape for each in tensors])
        so_far = [min(1, times(*tensors[: place + 1])) for place in range(len(tensors))]
        pairs = zip(products, so_far, tensors[1:], strict=False)
        return GradientProducts(sum(each * (left + times(right)) for each, left, right in pairs))
    if "params" in arguments:
        weights: Sequence[TracedTensor] = arguments["params"]
        first = weights[0].numel * (2 if arguments.get("bidirectional") else 1)
        unread = 0 if times(arguments["input"]) else first * prod(arguments["input"].shape[:-1])
        return GradientProducts(2 * macs - unread if times(*weights) else 0)
    left, right = next(pair for pair in FACTORS if {*pair} <= arguments.keys())
    groups = arguments.get("groups", 1) if times(arguments[right]) else 1
    return GradientProducts(macs * times(arguments[left], arguments[right]), (groups - 1) * macs)


def terms_of(equation: str) -> tuple[list[str], str]:
    """Return the letters of the operands of an equation of ``einsum``, and those of the result.

    In exported programs with a fixed number of axes, dots occur only in front.
    """
    operands, arrow, result = equation.replace(" ", "").partition("->")
    terms = operands.split(",")
    if not arrow:
        joined = "".join(terms)
        result = "".join(sorted(letter for letter in set(joined) if joined.count(letter) == 1))
    return terms, result


def expanded_equation(equation: str, shapes: Sequence[Sequence[int]]) -> tuple[list[str], str, dict[str, int]]:
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


def pairwise_products(equation: str, shapes: Sequence[Sequence[int]]) -> Iterator[int]:
    """Yield the products for each operand but the first, where an ``einsum`` multiplies them from left to right."""
    terms, result, sizes = expanded_equation(equation, shapes)
    left = terms[0]
    for index, term in enumerate(terms[1:], 1):
        involved = dict.fromkeys(left + term)
        yield prod(sizes[letter] for letter in involved)
        kept = set("".join(terms[index + 1 :]) + result)
        left = "".join(letter for letter in involved if letter in kept)
