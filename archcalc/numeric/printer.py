"""Expressions and how they are written: as text with the signs of mathematics, as LaTeX, as Python.

An expression is a plain number or an `Expression`. Derivations of traced numbers and closed forms of symbolic numbers
are turned into expressions and written here; what differs between them is a choice of signs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from keyword import iskeyword
from typing import Any, NamedTuple

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly the parts of a written expression bind: what binds less than its surroundings needs brackets."""

GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|chi|psi|omega"
)
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
PYTHON_NAMES = ("Fraction", "ValueError", "gcd", "int")
"""Names that written Python code uses itself."""
MAX_MEMBERS = 12
"""The maximum number of members of a set that are listed."""


class Expression(NamedTuple):
    """An operation on expressions.

    =========================== ====================================================
    symbol                      its name
    ``+ - * /``, neg            sums, products and quotients
    power                       a base and an ``int``
    ``//``, ceil_div            the floor and the ceiling of a quotient
    floor, ceiling              of one argument
    ``%``                       a remainder
    max, min, gcd, round        functions of any number of arguments
    truth                       a relation, as 1 or 0
    ``== != >= <= > <``         relations of two expressions
    in, not in                  an expression and integers
    integer                     the relation that the argument is an integer
    and                         relations that hold together
    =========================== ====================================================
    """

    op: str
    args: tuple[Any, ...]


class Piece(NamedTuple):
    """A written expression, and how tightly it binds."""

    text: str
    binding: int


Brackets = tuple[str, str]


@dataclass(frozen=True)
class Printer:
    """Plain text with the signs of mathematics; the other notations are subclasses."""

    plus: str = "+"
    minus: str = "−"
    comma: str = ", "
    """What separates the arguments of a function."""
    times: str = "·"
    modulo: str = " % "
    conjunction: str = " and "
    brackets: Brackets = ("(", ")")
    floor: Brackets = ("⌊", "⌋")
    ceiling: Brackets = ("⌈", "⌉")
    truth: Brackets = ("[", "]")
    thousands: str = ""
    """The separator of thousands in numbers."""
    relations: Mapping[str, str] = field(default_factory=lambda: {"!=": "≠", ">=": "≥", "<=": "≤"})
    """Relations that are written differently from Python."""

    def write(self, expression: Any) -> str:
        """Write an expression."""
        return self.piece(expression).text

    def factor(self, expression: Any) -> str:
        """Write an expression as one of several next to each other: sums in brackets."""
        text = self.write(expression)
        return _enclosed(text, self.brackets) if _is_sum(expression) else text

    def piece(self, expression: Any) -> Piece:
        """Write an expression, and return with it how tightly it binds."""
        if not isinstance(expression, Expression):
            return self.constant(expression)
        op, args = expression
        if _is_sum(expression):
            return self._sum(expression)
        if op == "symbol":
            return Piece(self.symbol(args[0]), ATOM)
        if op in ("in", "not in"):
            return Piece(self.membership(op, self.write(args[0]), args[1:]), SUM)
        if op == "power":
            return self.power(self.inside(self.piece(args[0]), ATOM), args[1])
        return self._operation(op, [self.piece(arg) for arg in args])

    def constant(self, value: int | Fraction) -> Piece:
        """Write a number; a negative one in brackets, since it replaces a symbol."""
        if value < 0:
            return Piece(_enclosed(f"{self.minus}{self.number(-value)}", self.brackets), ATOM)
        return Piece(self.number(value), ATOM if type(value) is int else PRODUCT)

    def number(self, value: int | Fraction) -> str:
        """Write a number that is not negative."""
        if isinstance(value, Fraction):
            return f"{self.number(value.numerator)}/{self.number(value.denominator)}"
        return f"{value:,}".replace(",", self.thousands)

    def _sum(self, expression: Expression) -> Piece:
        """Write a sum, whose first argument may be a sum of thousands of terms: in a loop."""
        terms: list[str] = []
        first: Any = expression
        while _is_sum(first):
            sign, binding = (self.plus, SUM) if first.op == "+" else (self.minus, PRODUCT)
            first, term = first.args
            terms.append(f" {sign} {self.inside(self.piece(term), binding)}")
        return Piece("".join([self.write(first), *reversed(terms)]), SUM)

    def _operation(self, op: str, pieces: list[Piece]) -> Piece:
        first = pieces[0]
        match op:
            case "*":
                return Piece(self.times.join(self.inside(piece, PRODUCT) for piece in pieces), PRODUCT)
            case "neg":
                return Piece(f"{self.minus}{self.inside(first, PRODUCT)}", SUM)
            case "/":
                return self.fraction(first, pieces[1])
            case "//":
                return self.floor_of_quotient(first, pieces[1])
            case "ceil_div":
                return Piece(_enclosed(self.fraction(first, pieces[1]).text, self.ceiling), ATOM)
            case "floor":
                return self.floor_of(first)
            case "ceiling":
                return Piece(_enclosed(first.text, self.ceiling), ATOM)
            case "%":
                return Piece(f"{self.inside(first, PRODUCT)}{self.modulo}{self.inside(pieces[1], POWER)}", SUM)
            case "truth":
                return Piece(_enclosed(first.text, self.truth), ATOM)
            case "and":
                return Piece(self.conjunction.join(piece.text for piece in pieces), SUM)
            case "integer":
                return Piece(self.integrality(first), SUM)
            case "==" | "!=" | ">=" | "<=" | ">" | "<":
                return Piece(f"{first.text} {self.relations.get(op, op)} {pieces[1].text}", SUM)
        arguments = self.comma.join(piece.text for piece in pieces)
        return Piece(self.function(op) + _enclosed(arguments, self.brackets), ATOM)

    def inside(self, piece: Piece, binding: int) -> str:
        """Return the text of a piece, in brackets if it binds less tightly than its place requires."""
        return piece.text if piece.binding >= binding else _enclosed(piece.text, self.brackets)

    # what notations write differently

    def symbol(self, name: str) -> str:
        """Write a name."""
        return name

    def function(self, name: str) -> str:
        """Write the name of a function."""
        return name

    def fraction(self, over: Piece, under: Piece) -> Piece:
        """Write a quotient."""
        return Piece(f"{self.inside(over, PRODUCT)}/{self.inside(under, POWER)}", PRODUCT)

    def floor_of(self, number: Piece) -> Piece:
        """Write the floor of a number."""
        return Piece(_enclosed(number.text, self.floor), ATOM)

    def floor_of_quotient(self, over: Piece, under: Piece) -> Piece:
        """Write the floor of a quotient."""
        return Piece(_enclosed(self.fraction(over, under).text, self.floor), ATOM)

    def power(self, base: str, exponent: int) -> Piece:
        """Write a power."""
        return Piece(base + str(exponent).translate(SUPERSCRIPTS), POWER)

    def membership(self, relation: str, value: str, members: tuple[int, ...]) -> str:
        """Write that a value is in a set, or not in it."""
        return f"{value} {relation} {{{_listed(members)}}}"

    def integrality(self, value: Piece) -> str:
        """Write that a value is an integer."""
        return f"{value.text} is an integer"


def _is_sum(expression: Any) -> bool:
    return isinstance(expression, Expression) and expression.op in ("+", "-")


def _enclosed(text: str, brackets: Brackets) -> str:
    return f"{brackets[0]}{text}{brackets[1]}"


def _listed(members: tuple[int, ...]) -> str:
    """Write the members of a set, the first ones of a large set."""
    more = ", …" if len(members) > MAX_MEMBERS else ""
    return ", ".join(map(str, members[:MAX_MEMBERS])) + more


def upright(index: str) -> str:
    """Write an index of a LaTeX symbol in upright letters."""
    return rf"\mathrm{{{index}}}"


def upright_words(index: str) -> str:
    """Write an index of a LaTeX symbol in upright letters if it is a word, as a variable or number otherwise."""
    return index if len(index) == 1 or index.isdigit() else upright(index.replace("_", " "))


@dataclass(frozen=True)
class LatexPrinter(Printer):
    """LaTeX, for math mode."""

    minus: str = "-"
    times: str = r" \, "
    modulo: str = r" \bmod "
    conjunction: str = r" \wedge "
    brackets: Brackets = (r"\left(", r"\right)")
    floor: Brackets = (r"\left\lfloor ", r" \right\rfloor")
    ceiling: Brackets = (r"\left\lceil ", r" \right\rceil")
    truth: Brackets = (r"\left[", r"\right]")
    relations: Mapping[str, str] = field(
        default_factory=lambda: {"==": "=", "!=": r"\ne", ">=": r"\ge", "<=": r"\le", "in": r"\in", "not in": r"\notin"}
    )
    index: Callable[[str], str] = upright

    def symbol(self, name: str) -> str:
        """Write a name: Greek ones as letters, words upright, what follows an underscore as an index."""
        head, _, index = name.partition("_")
        if GREEK.fullmatch(head):
            head = rf"\{head}"
        elif len(head) != 1:
            head = rf"\mathrm{{{head}}}"
        return f"{head}_{{{self.index(index)}}}" if index else head

    def function(self, name: str) -> str:
        return rf"\{name}" if name in ("max", "min", "gcd") else name

    def fraction(self, over: Piece, under: Piece) -> Piece:
        return Piece(rf"\frac{{{over.text}}}{{{under.text}}}", POWER)

    def power(self, base: str, exponent: int) -> Piece:
        return Piece(f"{base}^{{{exponent}}}", POWER)

    def membership(self, relation: str, value: str, members: tuple[int, ...]) -> str:
        return rf"{value} {self.relations[relation]} \{{{_listed(members)}\}}"

    def integrality(self, value: Piece) -> str:
        return rf"{value.text} \in \mathbb{{Z}}"


@dataclass(frozen=True)
class PythonPrinter(Printer):
    """Python, exact for ``int`` and `Fraction`."""

    minus: str = "-"
    times: str = " * "
    truth: Brackets = ("(", ")")
    relations: Mapping[str, str] = field(default_factory=dict)

    def symbol(self, name: str) -> str:
        """Write a name as an identifier that is not taken."""
        identifier = name.replace(".", "_")
        return f"{identifier}_" if iskeyword(identifier) or identifier in PYTHON_NAMES else identifier

    def fraction(self, over: Piece, under: Piece) -> Piece:
        return Piece(f"Fraction({over.text}, {under.text})", ATOM)

    def floor_of(self, number: Piece) -> Piece:
        return self.floor_of_quotient(number, Piece("1", ATOM))

    def floor_of_quotient(self, over: Piece, under: Piece) -> Piece:
        return Piece(f"({self.inside(over, PRODUCT)} // {self.inside(under, POWER)})", ATOM)

    def power(self, base: str, exponent: int) -> Piece:
        return Piece(f"{base}**{exponent}", POWER)

    def membership(self, relation: str, value: str, members: tuple[int, ...]) -> str:
        return f"{value} {relation} {{{', '.join(map(str, members))}}}"

    def integrality(self, value: Piece) -> str:
        return f"{self.inside(value, PRODUCT)} % 1 == 0"


def latex_text(words: str) -> str:
    """Write words in LaTeX, outside of math mode."""
    return re.sub(r"[_#%&{}]", r"\\\g<0>", words.replace("–", "--")).replace("≤", r"$\le$").replace("→", r"$\to$")
