"""The function by which a model called an operator, as an exported program records it.

Some tools replace functions by ones that count. What they see depends on how a model writes an operation: ``F.softmax``
is replaced and the method ``softmax`` of a tensor is not; ``a.matmul(b)`` is and ``a @ b`` is not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BUILTIN = frozenset(
    (
        "avg_pool1d", "avg_pool2d", "avg_pool3d", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
        "conv_transpose3d", "gelu", "linear", "prelu", "scaled_dot_product_attention", "softplus",
    )
)  # fmt: skip
"""Functions of ``torch.nn.functional`` that are not written in Python."""

IN_TORCH = frozenset(("einsum", "norm", "split", "stft", "unique", "tensordot", "cdist", "meshgrid"))
"""Functions of ``torch`` that are written in Python."""

WRITTEN = {"add": "+", "mul": "*", "matmul": "@"}
"""The operators that are written with a sign, by the method of tensors that the file records for both."""

ASSUMED = {"add": "+", "mul": "*", "matmul": "Tensor.matmul"}
"""What is assumed where the source line does not show the operation: a product of matrices is a call of a method, sums
and products of elements are signs."""

ATTENTION = "multi_head_attention_forward"
WITHIN_ATTENTION = {
    "linear": "F.linear",
    "softmax": "F.softmax",
    "scaled_dot_product_attention": "F.scaled_dot_product_attention",
    "bmm": "torch.bmm",
    "baddbmm": "torch.baddbmm",
}
"""The functions that ``F.multi_head_attention_forward`` calls, by operator."""

STORING = ("TransformerEncoderLayer", "TransformerDecoderLayer")
"""The modules that store their activation function when they are created, so that a later replacement has no effect."""


class CalledFunction(NamedTuple):
    """A function, and another one if the source does not show which of the two was called."""

    function: str
    other: str = ""


NO_FUNCTION = CalledFunction("")


def called_function(recorded: str, operator: str, line: str, module: str) -> CalledFunction:
    """Return the function that a model called.

    Args:
        recorded: the kind and the name that the file records: ``method_descriptor.matmul``.
        operator: the operator of ATen without the mark of a call in place.
        line: the line of the source.
        module: the class of the innermost module.
    """
    kind, _, name = recorded.partition(".")
    if name == ATTENTION:
        return CalledFunction(WITHIN_ATTENTION.get(operator, ""))
    if kind == "function":
        if module in STORING and name in ("relu", "gelu"):
            return NO_FUNCTION
        return CalledFunction(f"torch.{name}" if name in IN_TORCH else f"F.{name}")
    if kind == "builtin_function_or_method":
        if module in STORING and name == "gelu":
            return NO_FUNCTION
        return CalledFunction(f"F.{name}" if name in BUILTIN else f"torch.{name}")
    if kind == "method_descriptor":
        return _method(name, line)
    return NO_FUNCTION


def _method(name: str, line: str) -> CalledFunction:
    """Return the method, or the sign, that a model called."""
    sign = WRITTEN.get(name)
    method = f"Tensor.{name}"
    if sign is None:
        return CalledFunction(method)
    if re.search(rf"\.{name}\(", line):
        return CalledFunction(method)
    if sign in line:
        return CalledFunction(sign)
    assumed = ASSUMED[name]
    return CalledFunction(assumed, method if assumed == sign else sign)
