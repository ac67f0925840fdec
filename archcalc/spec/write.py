"""Write operators as layers of a spec (for entire networks see `archcalc.writers.spec.graph_text`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from archcalc.graph import ordered, pattern_ordered
from archcalc.ops.base import Operator
from archcalc.ops.fields import Parameter
from archcalc.spec.axes import written_axis

MAX_DECIMAL_PLACES = 20
"""The maximum number of decimal places; a number that needs more is written as a ratio."""

ZEROS = 3
"""The maximum number of zeros behind the point of a decimal; a smaller number is written with an exponent."""


def write_layer(op: Operator, layout: str = "chw", table: str = "…") -> str:
    """Return the text of a layer, without arguments at their defaults: ``conv 64 k3 s2 half nobias``."""
    return " ".join(layer_words(op, layout, table))


def layer_words(
    op: Operator, layout: str = "chw", table: str = "…", tensors: Mapping[str, str] | None = None
) -> list[str]:
    """Return the words of a layer, without arguments at their defaults.

    Args:
        op: the operator.
        layout: the layout in which shapes are written.
        table: the name to write for a connection table, since operators do not store it.
        tensors: the references to write for tensors that are arguments, by name; by default, ``@…``.
    """
    words = [op.name]
    left_out = False  # once a positional argument is left out, those after it are named
    for parameter in sorted(op.parameters(), key=lambda p: not p.argument.positional):
        value = getattr(op, parameter.name)
        if parameter.argument.each == "axis":
            value = ordered(value, layout)
        elif parameter.argument.names_axis:
            value = written_axis(value, layout)
        elif parameter.argument.form == "pattern":
            value = pattern_ordered(value, layout)
        if parameter.argument.form == "table" and value is not None:
            words.append(f"{parameter.name}={table}")
        elif parameter.argument.form == "tensor":
            words += [f"{parameter.name}={(tensors or {}).get(parameter.name, '@…')}"] if value else []
        elif parameter.argument.form == "lengths":
            words += [f"{name}={written_number(size)}" for name, size in value]
        elif not _is_default(value, parameter):
            words.append(_word(value, parameter, named=op.arity is None, positional=not left_out))
        elif parameter.argument.positional:
            left_out = True
    return words


def written_argument(op: Operator, name: str, layout: str = "chw") -> str:
    """Return the value of an argument on its own: ``2``, ``3x1``, ``half``, ``yes``."""
    parameter = next(each for each in op.parameters() if each.name == name)
    value = getattr(op, name)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if parameter.argument.form == "table":
        return f"{sum(map(sum, value))} connections"
    if parameter.argument.form == "lengths":
        return " ".join(f"{each}={written_number(size)}" for each, size in value)
    return _written(ordered(value, layout) if parameter.argument.each == "axis" else value, parameter.argument.form)


def connection_table(op: Operator) -> tuple[tuple[bool, ...], ...] | None:
    """Return the connection table of an operator; ``None`` if it has none."""
    return next((getattr(op, each.name) for each in op.parameters() if each.argument.form == "table"), None)


def write_join(words: Sequence[str], branches: Sequence[str]) -> str:
    """Return the text of a join, given its words and the chains that it joins: ``concat(a, b, axis=1)``."""
    name, *options = words
    patterns = [option for option in options if option.startswith("'")]
    return f"{name}({', '.join([*patterns, *branches, *(each for each in options if each not in patterns)])})"


def _is_default(value: Any, parameter: Parameter) -> bool:
    default = parameter.default
    if isinstance(value, tuple) and isinstance(default, tuple) and parameter.argument.form in ("axes", "pads"):
        return set(value) == set(default)
    return bool(value == default)


def _word(value: Any, parameter: Parameter, *, named: bool, positional: bool) -> str:
    """Return an argument as a word; a ``named`` one is neither a flag nor positional, as in a join."""
    argument = parameter.argument
    if argument.form == "flag" and named:
        return f"{parameter.name}={'yes' if value else 'no'}"
    for word, meaning in argument.flags.items():
        if meaning == value and type(meaning) is type(value):
            return f"{parameter.name}={word}" if named else word
    if argument.form == "pattern":
        return f"'{value}'"
    written = _written(value, argument.form)
    if argument.positional and positional and not named:
        return written
    return f"{argument.sugar}{written}" if argument.sugar and written[0].isdigit() else f"{parameter.name}={written}"


def _written(value: Any, form: str) -> str:
    if form == "positions":
        return ":".join("" if side is None else _side(side) for side in value)
    if isinstance(value, tuple):
        parts = [_pair(part) if isinstance(part, tuple) else _side(part) for part in value]
        alike = form in ("axes", "pads") and len(set(parts)) == 1
        return parts[0] if alike else "x".join(parts)
    return written_number(value)


def _pair(sides: tuple[Any, Any]) -> str:
    return _side(sides[0]) if sides[0] == sides[1] else ":".join(map(_side, sides))


def _side(number: Any) -> str:
    """Return a number as a part of a size: in brackets unless it is a non-negative decimal."""
    text = written_number(number)
    return text if text[0].isdigit() and "/" not in text else f"({text})"


def _decimal(digits: int, places: int) -> str:
    """Return the text of digits with a number of decimal places: ``0.001``, or ``1e-5`` if this has more zeros."""
    whole, rest = divmod(abs(digits), 10**places)
    sign = "-" * (digits < 0)
    if whole or rest * 10 ** (ZEROS + 1) >= 10**places:
        return f"{sign}{whole}.{rest:0{places}}"
    written = str(rest)
    first, others = written[0], written[1:]
    return f"{sign}{first}{'.' * bool(others)}{others}e-{places - len(others)}"


def written_number(value: Any) -> str:
    """Return the exact text of a number: a decimal if it has few places, a ratio otherwise."""
    if not isinstance(value, Fraction) or value.denominator == 1:
        return str(value)
    for places in range(1, MAX_DECIMAL_PLACES + 1):
        digits = value * 10**places
        if digits.denominator == 1:
            return _decimal(digits.numerator, places)
    return str(value)
