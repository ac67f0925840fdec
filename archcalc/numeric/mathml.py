"""Expressions in MathML, which browsers and screen readers understand. Every name is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape, unescape

from archcalc.numeric.printer import ATOM, GREEK, POWER, Brackets, Piece, Printer


def operator(sign: str) -> str:
    """Return the element of an operator."""
    return f"<mo>{escape(sign.strip())}</mo>"


def identifier(name: str) -> str:
    """Return the element of a name, or of an index that is a number."""
    if name.isdecimal():
        return f"<mn>{name}</mn>"
    return f"<mi>{unescape(f'&{name};') if GREEK.fullmatch(name) else escape(name.replace('_', ' '))}</mi>"


def words(text: str) -> str:
    """Return the element of words among symbols."""
    return f"<mtext>{escape(text)}</mtext>"


def _around(brackets: str) -> Brackets:
    """Return the start and the end of an expression in brackets, which grow with it."""
    opening, closing = map(operator, brackets)
    return f"<mrow>{opening}", f"{closing}</mrow>"


ROUND, FLOOR, CEILING, SQUARE = map(_around, ("()", "⌊⌋", "⌈⌉", "[]"))
RELATIONS = {"==": "=", "!=": "≠", ">=": "≥", "<=": "≤", ">": ">", "<": "<", "in": "∈", "not in": "∉"}


@dataclass(frozen=True)
class MathmlPrinter(Printer):
    """MathML, without the element ``math`` around it."""

    plus: str = operator("+")
    minus: str = operator("−")
    comma: str = operator(",")
    times: str = operator("·")
    modulo: str = operator("mod")
    conjunction: str = words(" and ")
    brackets: Brackets = ROUND
    floor: Brackets = FLOOR
    ceiling: Brackets = CEILING
    truth: Brackets = SQUARE
    thousands: str = ","
    relations: Mapping[str, str] = field(
        default_factory=lambda: {relation: operator(sign) for relation, sign in RELATIONS.items()}
    )

    def number(self, value: int | Fraction) -> str:
        if isinstance(value, Fraction):
            return f"<mfrac>{self.number(value.numerator)}{self.number(value.denominator)}</mfrac>"
        return f"<mn>{super().number(value)}</mn>"

    def symbol(self, name: str) -> str:
        """Write a name: Greek ones as letters, what follows an underscore as an index."""
        head, _, index = name.partition("_")
        return f"<msub>{identifier(head)}{identifier(index)}</msub>" if index else identifier(head)

    def function(self, name: str) -> str:
        return identifier(name)

    def fraction(self, over: Piece, under: Piece) -> Piece:
        return Piece(f"<mfrac><mrow>{over.text}</mrow><mrow>{under.text}</mrow></mfrac>", POWER)

    def power(self, base: str, exponent: int) -> Piece:
        sign = self.minus if exponent < 0 else ""
        return Piece(f"<msup><mrow>{base}</mrow><mrow>{sign}{self.number(abs(exponent))}</mrow></msup>", ATOM)

    def membership(self, relation: str, value: str, members: tuple[int, ...]) -> str:
        listed = self.comma.join(f"{self.minus * (member < 0)}{self.number(abs(member))}" for member in members)
        return f"{value}{self.relations[relation]}<mrow>{operator('{')}{listed}{operator('}')}</mrow>"

    def integrality(self, value: Piece) -> str:
        return f"{value.text}{self.relations['in']}<mi>ℤ</mi>"
