"""Functions of several tensors, element by element."""

from __future__ import annotations

from archcalc.readers.tflite.operation import OperationView, Order
from archcalc.readers.tflite.registry import converts

BINARY = {
    "ADD": "Add",
    "DIV": "Div",
    "EQUAL": "Equal",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessOrEqual",
    "LOGICAL_AND": "And",
    "LOGICAL_OR": "Or",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "MUL": "Mul",
    "POW": "Pow",
    "SUB": "Sub",
}
"""The operators of two tensors, and what ONNX calls them."""


def operands(n: OperationView, *indices: int) -> tuple[Order, list[str]]:
    """Return inputs that broadcast with each other, and the order of their axes."""
    order = n.order(*indices)
    rank = max(len(order), *(n.rank(each) for each in indices))
    if rank > len(order):  # a stored tensor has more axes
        order = tuple(range(rank))
    return order, [n.aligned(each, order) for each in indices]


@converts(*BINARY, follows=True)
def binary(n: OperationView) -> None:
    order, read = operands(n, 0, 1)
    n.computed(n.add(BINARY[n.name], *read), order)


@converts("NOT_EQUAL", follows=True)
def not_equal(n: OperationView) -> None:
    order, read = operands(n, 0, 1)
    n.computed(n.add("Not", n.add("Equal", *read)), order)


@converts("FLOOR_DIV", "FLOOR_MOD", follows=True)
def divided(n: OperationView) -> None:
    order, read = operands(n, 0, 1)
    if n.name == "FLOOR_MOD":
        n.computed(n.add("Mod", *read), order)
    elif n.tensor(0).dtype.startswith("float"):
        n.computed(n.add("Floor", n.add("Div", *read)), order)
    else:
        n.computed(n.add("Div", *read), order)


@converts("SQUARED_DIFFERENCE", follows=True)
def squared_difference(n: OperationView) -> None:
    order, read = operands(n, 0, 1)
    n.computed(n.add("Pow", n.add("Sub", *read), n.constant(2.0, "float32")), order)


@converts("ADD_N", follows=True)
def total(n: OperationView) -> None:
    order, read = operands(n, *range(len(n.operator.inputs)))
    n.computed(n.add("Sum", *read), order)


@converts("SELECT", "SELECT_V2", follows=True)
def select(n: OperationView) -> None:
    order, read = operands(n, 0, 1, 2)
    n.computed(n.add("Where", *read), order)
