"""Closed forms and conditions in writing: as text with the signs of mathematics, as LaTeX, as Python."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import Any

from archcalc.numeric.helpers import is_plain
from archcalc.numeric.printer import POWER, PRODUCT, Expression, LatexPrinter, Printer, PythonPrinter
from archcalc.numeric.symbolic.factor import FactorProduct, FactorSum, denominators, expanded, shortest
from archcalc.numeric.symbolic.number import Atom, Comparison, Number, Plain, SymbolicNumber, from_terms, terms_of
from archcalc.numeric.symbolic.substitution import in_free_symbols
from archcalc.numeric.symbolic.symbols import Symbols

REVERSED = {"==": "==", "!=": "!=", ">=": "<=", ">": "<"}


class Writer:
    """Writes numbers and comparisons in the notation of a printer."""

    def __init__(self, style: str, printer: Printer, times: str) -> None:
        self.style = style
        """The name of the notation."""
        self._printer = printer
        self._times = times
        """The sign between the sizes of a shape."""

    def number(self, number: Number) -> str:
        """Write a number in the shortest form that is found."""
        return self._printer.write(self._expression(number))

    def integer(self, number: Number) -> str:
        """Write a number that is an integer wherever the closed form holds."""
        return self.number(number)

    def shape(self, sizes: tuple[Number, ...]) -> str:
        """Write sizes, sums among them in brackets."""
        times = "x" if self.style == "text" and all(map(is_plain, sizes)) else self._times
        return times.join(self._printer.factor(self._expression(size)) for size in sizes)

    def comparison(self, part: Comparison) -> str:
        """Write a comparison with positive terms on both sides: ``H ≥ 29``, ``H % 16 == 0``."""
        return self._printer.write(self._relation(part))

    def symbol(self, name: str) -> str:
        """Write the name of a symbol."""
        return self._printer.symbol(name)

    def _expression(self, number: Number) -> Any:
        return self._sum(shortest(number))

    def _sum(self, tree: FactorSum) -> Any:
        """Return a sum as an expression that begins with a positive term, if there is one."""
        if not tree.parts:
            return 0
        start = next((index for index, part in enumerate(tree.parts) if part.coefficient > 0), 0)
        total = self._product(tree.parts[start])
        for part in (*tree.parts[:start], *tree.parts[start + 1 :]):
            term = self._product(part._replace(coefficient=abs(part.coefficient)))
            total = Expression("-" if part.coefficient < 0 else "+", (total, term))
        return total

    def _product(self, product: FactorProduct) -> Any:
        """Return a product as one quotient, with its sign in front."""
        coefficient = Fraction(product.coefficient)
        over = [_power(self._atom(a), e) for a, e in product.monomial if a.op != "reciprocal" and e > 0]
        over += [_power(self._sum(inner), exponent) for inner, exponent in product.sums]
        under = [
            _power(self._expression(a.args[0]), e) if a.op == "reciprocal" else _power(self._atom(a), -e)
            for a, e in product.monomial
            if a.op == "reciprocal" or e < 0
        ]
        if abs(coefficient.numerator) != 1 or not over:
            over.insert(0, abs(coefficient.numerator))
        if coefficient.denominator != 1:
            under.insert(0, coefficient.denominator)
        result = Expression("/", (_times(over), _times(under))) if under else _times(over)
        return Expression("neg", (result,)) if coefficient < 0 else result

    def _atom(self, atom: Atom) -> Expression:
        if atom.op == "symbol":
            return Expression("symbol", (atom.name,))
        if atom.op == "truth":
            return Expression("truth", (Expression("and", tuple(map(self._relation, atom.args[0].parts))),))
        if atom.op == "floor":
            top, bottom = self._sum(expanded(atom.args[0])), self._expression(atom.args[1])
            return Expression("floor", (top,)) if bottom == 1 else Expression("//", (top, bottom))
        return Expression("%" if atom.op == "mod" else atom.op, tuple(map(self._expression, atom.args)))

    def _relation(self, part: Comparison) -> Expression:
        """Return a comparison as a relation of expressions; a remainder by 1 that is 0 says "is an integer"."""
        if part.relation in ("in", "not in"):
            return Expression(part.relation, (self._expression(part.value), *part.among))
        left, right, is_reversed = _sides(part.value)
        if part.relation == "==" and is_plain(right) and right == 0:
            for monomial in terms_of(left):
                atom = monomial[0][0]
                if len(monomial) == 1 and atom.op == "mod" and is_plain(atom.args[1]) and atom.args[1] == 1:
                    return Expression("integer", (self._expression(atom.args[0]),))
        op = REVERSED[part.relation] if is_reversed else part.relation
        return Expression(op, (self._expression(left), self._expression(right)))


class PythonWriter(Writer):
    """Writes Python that computes with ``int`` where the values are integers."""

    def integer(self, number: Number) -> str:
        """Write a number that is an integer: divided only once, at the end, and without a remainder."""
        if is_plain(number):
            return self.number(number)
        divisor = _common_denominator(number)
        over = self._printer.piece(self._expression(number * divisor))
        if is_plain(divisor) and divisor == 1 and all(atom.integer for m in number.terms for atom, _ in m):
            return f"int({over.text})" if "Fraction(" in over.text else over.text
        under = self._printer.piece(self._expression(divisor))
        return f"{self._printer.inside(over, PRODUCT)} // {self._printer.inside(under, POWER)}"

    def _relation(self, part: Comparison) -> Expression:
        """Return a comparison as a relation of expressions with integer coefficients."""
        if part.relation not in ("in", "not in"):
            part = part._replace(value=part.value * _common_denominator(part.value))
        return super()._relation(part)


TEXT = Writer("text", Printer(), " x ")
LATEX = Writer("latex", LatexPrinter(), r" \times ")
PYTHON = PythonWriter("python", PythonPrinter(), " x ")


def text(symbols: Symbols, number: SymbolicNumber) -> str:
    """Write a number of a calculation in its free symbols."""
    return TEXT.number(in_free_symbols(symbols, number))


def _times(factors: list[Any]) -> Any:
    return reduce(lambda a, b: Expression("*", (a, b)), factors)


def _power(base: Any, exponent: int) -> Any:
    return base if exponent == 1 else Expression("power", (base, exponent))


def _sides(value: SymbolicNumber) -> tuple[Number, Number, bool]:
    """Split value = left − right into numbers with positive coefficients; or value = right − left, then reversed."""
    left = from_terms(value.kind, {m: c for m, c in value.terms.items() if m and c > 0})
    right = from_terms(value.kind, {m: -c for m, c in value.terms.items() if m and c < 0})
    constant: Plain = value.constant
    if is_plain(left):
        return right, constant, True
    return (left + constant, right, False) if constant > 0 and not is_plain(right) else (left, right - constant, False)


def _common_denominator(number: SymbolicNumber) -> Number:
    """Return the product with which a number has integer coefficients and no negative exponents."""
    scale, monomial = denominators(number)
    return SymbolicNumber(number.kind, {monomial: scale}) if monomial else scale
