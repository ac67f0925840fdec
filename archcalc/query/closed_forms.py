"""Closed forms: what the formulas of operators and passes say of symbols, as values that can be written, evaluated and
compared. Nothing is derived here: the same code that computes numbers computed these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from archcalc.numeric.symbolic import (
    PYTHON,
    Comparison,
    Symbols,
    Writer,
    cancel,
    conditions,
    evaluate,
    in_free_symbols,
    leading_terms,
    samples,
)

Plain: TypeAlias = int | Fraction
Values: TypeAlias = tuple[Any, ...]
"""Numbers; among those of a receptive field also the word ``global``."""


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A quantity as a function of symbols. A shape has several values, everything else one (per axis)."""

    target: str
    values: Values
    symbols: Symbols
    exact: bool = True
    """False for a receptive field that only bounds what units see."""
    whole: bool = True
    """Whether the values are whole numbers: not those of ratios, and perhaps not those of receptive fields."""

    @cached_property
    def shown(self) -> Values:
        """The values in the names that were asked for."""
        return tuple(value if isinstance(value, str) else in_free_symbols(self.symbols, value) for value in self.values)

    def write(self, writer: Writer) -> str:
        """The right side of the formula."""
        if len(self.values) == 1 and not isinstance(self.values[0], str):
            text = writer.number(self.shown[0])
        elif any(isinstance(value, str) for value in self.values):
            text = " x ".join(value if isinstance(value, str) else writer.number(value) for value in self.shown)
        else:
            text = writer.shape(self.shown)
        return text

    def expression(self, value: Any) -> str:
        """One of the shown values in Python."""
        return PYTHON.integer(value) if self.whole else PYTHON.number(value)

    def at(self, **values: Plain) -> tuple[Any, ...] | None:
        """The values for these symbols; ``None`` where the closed form does not hold (there is no such network)."""
        point = self.symbols.point(values)
        if point is None or not self.symbols.holds(point):
            return None
        return tuple(value if isinstance(value, str) else evaluate(value, point) for value in self.values)

    def equals(self, other: Any) -> bool | None:
        """Whether the (only) value is this number wherever the closed form holds; ``None`` where that is not known."""
        found = self.symbols.compare("==", self.values[0] - other)
        if isinstance(found, bool):
            return found
        return False if self.differs_at(other) else None

    def differs_at(self, other: Any) -> dict[str, Plain] | None:
        """Values of the symbols for which the (only) value is not this number, if some are found among small ones."""
        for values, point in samples(self.symbols):
            if evaluate(self.values[0], point) != evaluate(other, point):
                return values
        return None


@dataclass(frozen=True, eq=False)
class ClosedForms:
    """Closed forms of one network (or ratios of two), with the conditions under which they hold."""

    title: str
    forms: tuple[ClosedForm, ...]
    symbols: Symbols
    names: tuple[str, ...]
    """The symbols, in the order they were asked for."""

    @property
    def decided(self) -> bool:
        """Whether every comparison was looked at: if not, conditions are right, but may be longer than they need be."""
        return not self.symbols.exhausted

    @cached_property
    def conditions(self) -> list[Comparison]:
        """What must hold of the symbols beside that they are positive."""
        return conditions(self.symbols)


def ratio(form: ClosedForm, other: ClosedForm) -> ClosedForm:
    """The quotient of two closed forms with common symbols, in lowest terms."""
    values = tuple(cancel(a, b) for a, b in zip(form.values, other.values, strict=True))
    return ClosedForm(form.target, values, form.symbols, form.exact and other.exact, whole=False)


def limit(form: ClosedForm, other: ClosedForm, growing: Iterable[str]) -> Any:
    """What the quotient of two closed forms tends to while these symbols grow alike; ``None`` where that is not told.

    Floors no longer matter then, nor does anything but the terms of the highest degree.
    """
    tops = [leading_terms(value.values[0], set(growing)) for value in (form, other)]
    if tops[0] is None or tops[1] is None or tops[0][1] != tops[1][1]:
        return None
    return cancel(tops[0][0], tops[1][0])


def python_function(name: str, forms: ClosedForms) -> str:
    """A function to paste: exact for ``int`` (and `Fraction`), with the conditions as checks."""
    arguments = [PYTHON.symbol(each) for each in forms.names]
    lines = [f"def {name}({', '.join(arguments)}):"]
    targets = ", ".join(form.target for form in forms.forms)
    lines.append(f'    """{_docstring(forms.title)}: {targets}."""')
    checks = [PYTHON.comparison(part) for part in forms.conditions]
    positive = [f"{symbol} > 0" for symbol in arguments if not any(c.startswith(f"{symbol} >") for c in checks)]
    for check in (*positive, *checks):
        lines += [f"    if not {check}:", f'        raise ValueError("this holds where {check}")']
    if len(forms.forms) == 1:
        lines.append(f"    return {_python_value(forms.forms[0])}")
    else:
        lines.append("    return {")
        lines += [f'        "{form.target}": {_python_value(form)},' for form in forms.forms]
        lines.append("    }")
    body = "\n".join(lines)
    imports = [
        f"from {module} import {what}"
        for module, what in (("fractions", "Fraction"), ("math", "gcd"))
        if f"{what}(" in body
    ]
    return "\n".join([*imports, *(["", ""] if imports else []), body]) + "\n"


def _docstring(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")


def _python_value(form: ClosedForm) -> str:
    texts = [f'"{value}"' if isinstance(value, str) else form.expression(value) for value in form.shown]
    if form.target.rpartition(".")[2] == "shape":
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
