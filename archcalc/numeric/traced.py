"""Traced numbers: plain numbers with the expression that computed them, for derivations in symbols and numbers.

A traced number is a leaf with a name (``k`` = 3), or an operation on traced or plain numbers. Neutral operands given as
plain numbers (``· 1``, ``+ 0``) are dropped. `Notation` writes derivations, as plain text, LaTeX or MathML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd
from typing import Any, Literal, TypeAlias

from archcalc.numeric import mathml
from archcalc.numeric.helpers import NOT_DIVISIBLE, Impossible, PlainNumberRequired, ceiling, is_plain, simplified
from archcalc.numeric.helpers import floor as plain_floor
from archcalc.numeric.printer import Expression, LatexPrinter, Printer, latex_text, upright_words


class TracedNumber:
    """A number with its derivation."""

    __slots__ = ("args", "name", "op", "value")
    kind: Any  # set below: the one kind object of traced numbers

    def __init__(self, value: int | Fraction, op: str = "leaf", args: tuple[Any, ...] = (), name: str = "") -> None:
        self.value = value
        self.op = op
        self.args = args
        self.name = name

    def __repr__(self) -> str:
        return f"TracedNumber({self.name or self.op} = {self.value})"

    def __bool__(self) -> bool:
        raise PlainNumberRequired("a traced number has no truth value: a formula must use select, maximum or require")

    __hash__ = None  # type: ignore[assignment]

    def __index__(self) -> int:
        raise PlainNumberRequired("a traced number is not an int: a formula must stay generic")

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0) else _make("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0) else _make("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0) else _make("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _make("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self if _is(other, 1) else 0 if _is(other, 0) else _make("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self if _is(other, 1) else 0 if _is(other, 0) else _make("*", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self if _is(other, 1) else _make("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _make("//", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1) else _make("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _make("/", other, self)

    def __mod__(self, other: Any) -> Any:
        return _make("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return _make("%", other, self)

    def __neg__(self) -> Any:
        return _make("neg", self)

    def __lt__(self, other: Any) -> Truth:
        return Truth(value_of(self) < value_of(other))

    def __le__(self, other: Any) -> Truth:
        return Truth(value_of(self) <= value_of(other))

    def __gt__(self, other: Any) -> Truth:
        return Truth(value_of(self) > value_of(other))

    def __ge__(self, other: Any) -> Truth:
        return Truth(value_of(self) >= value_of(other))

    def __eq__(self, other: object) -> Any:
        if not (isinstance(other, TracedNumber) or is_plain(other)):
            return NotImplemented
        return Truth(value_of(self) == value_of(other))

    def __ne__(self, other: object) -> Any:
        if not (isinstance(other, TracedNumber) or is_plain(other)):
            return NotImplemented
        return Truth(value_of(self) != value_of(other))


@dataclass(frozen=True)
class Truth:
    """The result of a comparison; no ``bool``, so that ``if`` in a formula raises."""

    value: bool

    @property
    def kind(self) -> Any:
        return KIND

    def __bool__(self) -> bool:
        raise PlainNumberRequired("a traced comparison has no truth value: a formula must use select or require")


def value_of(number: Any) -> Any:
    """Return the value of a traced or plain number, or of a comparison."""
    return number.value if isinstance(number, TracedNumber | Truth) else number


_COMPUTE: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "/": lambda a, b: simplified(Fraction(a) / b),
    "%": lambda a, b: a % b,
    "neg": lambda a: -a,
    "ceil_div": lambda a, b: -(-a // b),
    "max": max,
    "min": min,
    "gcd": gcd,
    "floor": plain_floor,
    "ceiling": ceiling,
    "round": round,
}


def _make(op: str, *args: Any) -> TracedNumber:
    return TracedNumber(_COMPUTE[op](*map(value_of, args)), op, args)


def _is(number: Any, value: int) -> bool:
    return type(number) is int and number == value


class _Kind:
    """The operations of traced numbers beyond Python's operators (see `archcalc.numeric.helpers.Kind`)."""

    def ceil_div(self, a: Any, b: Any) -> Any:
        return a if _is(b, 1) else _make("ceil_div", a, b)

    def exact_div(self, a: Any, b: Any) -> Any:
        if _is(b, 1):
            return a
        if value_of(a) % value_of(b):
            raise Impossible(NOT_DIVISIBLE, a=value_of(a), b=value_of(b))
        return _make("/", a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        return _make("max", a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return _make("min", a, b)

    def gcd(self, a: Any, b: Any) -> Any:
        return _make("gcd", a, b)

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        return a if value_of(condition) else b

    def both(self, a: Any, b: Any) -> Truth:
        return Truth(value_of(a) and value_of(b))

    def require(self, condition: Any, message: str, names: dict[str, object]) -> None:
        if not value_of(condition):
            raise Impossible(message, **{name: value_of(number) for name, number in names.items()})

    def floor(self, a: Any) -> Any:
        return a if type(a.value) is int else _make("floor", a)

    def round_half_even(self, a: Any) -> Any:
        return a if type(a.value) is int else _make("round", a)

    def as_integer(self, a: Any, what: str) -> Any:
        if type(a.value) is not int:
            raise Impossible(f"{what} must be an integer, got {a.value}")
        return a

    def known_equal(self, a: Any, b: Any) -> bool:
        return bool(value_of(a) == value_of(b))

    def fraction_terms(self, a: Any) -> tuple[Any, Any]:
        return (a, 1) if a.value.denominator == 1 else (a.value.numerator, a.value.denominator)

    def let(self, name: str, a: Any) -> Any:
        return TracedNumber(a.value, "let", (a,), name)


KIND = _Kind()
TracedNumber.kind = KIND


def leaf(name: str, value: Any) -> TracedNumber:
    """Return a named number, which derivations start from."""
    return TracedNumber(value_of(value), "leaf", (), name)


_TEXT = Printer(modulo=" mod ", thousands=",")
_LATEX = LatexPrinter(times=r" \cdot ", thousands="{,}", brackets=("(", ")"), index=upright_words)

Form: TypeAlias = Literal["text", "latex", "mathml"]
"""How formulas are written."""
_PRINTERS: Mapping[Form, Printer] = {"text": _TEXT, "latex": _LATEX, "mathml": mathml.MathmlPrinter()}


@dataclass(frozen=True)
class Notation:
    """How derivations are written: as plain text with the signs of mathematics, as LaTeX, or as MathML."""

    form: Form = "text"
    names: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """Names of numbers that have been derived already, and are written by name from then on."""

    def key(self, number: Any) -> tuple[Any, ...]:
        """Return a key that is equal for equal derivations."""
        if not isinstance(number, TracedNumber):
            return ("constant", number)
        if number.op in ("leaf", "let"):
            return ("name", number.name, number.value)
        return (number.op, *(self.key(arg) for arg in number.args))

    def symbols(self, number: Any) -> str:
        """Write the formula in symbols."""
        return self._printer.write(self._expression(number, numbers=False))

    def numbers(self, number: Any) -> str:
        """Write the formula with the numbers substituted for the symbols."""
        return self._printer.write(self._expression(number, numbers=True))

    def value(self, number: Any) -> str:
        """Write the result, with thousands separators."""
        plain = value_of(number)
        text = f"{plain:,}" if type(plain) is int else str(plain)
        if self.form == "mathml":
            return f"<mn>{text.replace('-', '−')}</mn>"
        return text.replace(",", "{,}") if self.form == "latex" else text

    def symbol(self, name: str) -> str:
        """Write a name; in LaTeX and MathML, what follows an underscore is an index."""
        return self._printer.symbol(name)

    def text(self, words: str) -> str:
        """Write words among symbols, such as the name of a layer."""
        if self.form == "mathml":
            return mathml.words(words)
        if self.form == "text" or words.isdigit():
            return words
        return rf"\text{{{latex_text(words)}}}"

    def sign(self, sign: str, latex: str = "") -> str:
        """Write an operator or a bracket, which is a command in LaTeX unless that is empty."""
        if self.form == "mathml":
            return mathml.operator(sign)
        return latex if latex and self.form == "latex" else sign

    def noted(self, name: str) -> str:
        """Write a name within a note, which is text apart from symbols of LaTeX between dollar signs."""
        return f"${_LATEX.symbol(name)}$" if self.form == "latex" else name

    def steps(self, number: Any) -> list[TracedNumber]:
        """Return the named steps inside a derivation, innermost first, each once."""
        found: dict[tuple[Any, ...], TracedNumber] = {}

        def visit(at: Any) -> None:
            if not isinstance(at, TracedNumber) or self.key(at) in self.names:
                return
            for arg in at.args:
                visit(arg)
            if at.op == "let":
                found.setdefault(self.key(at), at)

        visit(number)
        return list(found.values())

    @property
    def _printer(self) -> Printer:
        return _PRINTERS[self.form]

    def _expression(self, number: Any, *, numbers: bool) -> Any:
        """Return a derivation as an expression, in which derived and named numbers are symbols or plain numbers."""
        if not isinstance(number, TracedNumber):
            return number
        known = self.names.get(self.key(number))
        if known is not None or number.op in ("leaf", "let"):
            return number.value if numbers else Expression("symbol", (known or number.name,))
        return Expression(number.op, tuple(self._expression(arg, numbers=numbers) for arg in number.args))
