"""Closed forms: quantities as formulas in symbols, which can be written, evaluated and compared.

They come from the formulas of operators and of the passes of the analysis, evaluated with symbols in place of numbers;
there is no separate derivation of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from archcalc.numeric.symbolic import (
    PYTHON,
    Comparison,
    Point,
    Symbols,
    Writer,
    cancel,
    conditions,
    evaluate,
    in_free_symbols,
    leading_terms,
    over_common_divisor,
    samples,
    terms_of,
)

Plain: TypeAlias = int | Fraction
Values: TypeAlias = tuple[Any, ...]
"""Numbers; for receptive fields also the word ``global``."""


class Counterexample(NamedTuple):
    """A point, and the values of a closed form and others there."""

    point: Mapping[str, Plain]
    """The values of the symbols."""
    correct: tuple[Plain | str | None, ...]
    """The values of the closed form."""
    other: tuple[Plain | str | None, ...]
    """The other values; ``None`` for one that is not defined there."""


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A quantity as a function of symbols. A shape has several values; any other quantity has one, or one per axis."""

    target: str
    values: Values
    symbols: Symbols
    exact: bool = True
    """False for a receptive field that is only a bound."""
    integer: bool = True
    """Whether the values are always integers: false for ratios and receptive fields."""

    @cached_property
    def displayed(self) -> Values:
        """The values in terms of the free symbols."""
        return tuple(value if isinstance(value, str) else in_free_symbols(self.symbols, value) for value in self.values)

    def write(self, writer: Writer) -> str:
        """Return the right-hand side of the formula."""
        if len(self.values) == 1 and not isinstance(self.values[0], str):
            text = writer.number(self.displayed[0])
        elif any(isinstance(value, str) for value in self.values):
            text = " x ".join(value if isinstance(value, str) else writer.number(value) for value in self.displayed)
        else:
            text = writer.shape(self.displayed)
        return text

    def expression(self, value: Any) -> str:
        """Return one of the displayed values as a Python expression."""
        return PYTHON.integer(value) if self.integer else PYTHON.number(value)

    def at(self, **values: Plain) -> tuple[Any, ...] | None:
        """Return the values at a point; ``None`` if the closed form does not hold there (no such network exists)."""
        point = self.symbols.point(values)
        if point is None or not self.symbols.holds(point):
            return None
        return tuple(value if isinstance(value, str) else evaluate(value, point) for value in self.values)

    def equals(self, *others: Any) -> bool | None:
        """Return whether the values equal others wherever the closed form holds; ``None`` if undecided."""
        if len(others) != len(self.values) or any(isinstance(value, str) for value in self.values):
            return False
        found = [self._equal(value - other) for value, other in zip(self.values, others, strict=True)]
        if all(each is True for each in found):
            return True
        return False if False in found or self.difference(*others) else None

    def _equal(self, difference: Any) -> Any:
        """Return whether a difference is 0; a condition if undecided. Divisors are multiplied away."""
        numerator, _ = over_common_divisor(self.symbols, terms_of(difference))
        return self.symbols.compare("==", numerator)

    def difference(self, *others: Any, first: Mapping[str, Plain] | None = None) -> Counterexample | None:
        """Return a point at which the values differ from others, if one is found.

        Args:
            others: as many values.
            first: the values of the symbols to try first, and then others near them.
        """
        return next((each for each in self.compared(*others, first=first) if each.correct != each.other), None)

    def compared(self, *others: Any, first: Mapping[str, Plain] | None = None) -> Iterator[Counterexample]:
        """Yield points with the values there and those of others; see `difference`."""
        for values, point in samples(self.symbols, near=first):
            correct = tuple(_value(value, point) for value in self.values)
            yield Counterexample(values, correct, tuple(_value(other, point) for other in others))


def _value(value: Any, point: Point) -> Plain | str | None:
    """Return the value of a number at a point, or a word; ``None`` if a divisor is zero there."""
    if isinstance(value, str):
        return value
    try:
        return evaluate(value, point)
    except ZeroDivisionError:
        return None


@dataclass(frozen=True, eq=False)
class ClosedForms:
    """Closed forms of one network, or ratios of those of two, with the conditions under which they hold."""

    title: str
    forms: tuple[ClosedForm, ...]
    symbols: Symbols
    names: tuple[str, ...]
    """The names of the symbols, in the order in which they were given."""

    @property
    def decided(self) -> bool:
        """Whether every comparison was simplified; if not, the conditions are correct, but may be longer than
        necessary."""
        return not self.symbols.exhausted

    @cached_property
    def conditions(self) -> list[Comparison]:
        """The conditions on the symbols, other than that they are positive."""
        return conditions(self.symbols)


def ratio(form: ClosedForm, other: ClosedForm) -> ClosedForm:
    """Return the ratio of two closed forms in the same symbols, in lowest terms."""
    values = tuple(cancel(a, b) for a, b in zip(form.values, other.values, strict=True))
    return ClosedForm(form.target, values, form.symbols, form.exact and other.exact, integer=False)


def limit(form: ClosedForm, other: ClosedForm, growing: Iterable[str]) -> Any:
    """Return the limit of the ratio of two closed forms as some symbols grow at the same rate; ``None`` if unknown.

    Only the terms of the highest degree matter; rounding (floors) does not.
    """
    tops = [leading_terms(value.values[0], set(growing)) for value in (form, other)]
    if tops[0] is None or tops[1] is None or tops[0][1] != tops[1][1]:
        return None
    return cancel(tops[0][0], tops[1][0])


def python_function(name: str, forms: ClosedForms) -> str:
    """Return the source of a Python function, exact for ``int`` and `Fraction`, which checks the conditions."""
    arguments = [PYTHON.symbol(each) for each in forms.names]
    lines = [f"def {name}({', '.join(arguments)}):"]
    targets = ", ".join(form.target for form in forms.forms)
    lines.append(f'    """{_docstring(forms.title)}: {targets}."""')
    checks = [PYTHON.comparison(part) for part in forms.conditions]
    positive = [f"{symbol} > 0" for symbol in arguments if not any(c.startswith(f"{symbol} >") for c in checks)]
    for check in (*positive, *checks):
        lines += [f"    if not {check}:", f'        raise ValueError("the formula holds only if {check}")']
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
    texts = [f'"{value}"' if isinstance(value, str) else form.expression(value) for value in form.displayed]
    if form.target.rpartition(".")[2] == "shape":
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
