"""Numbers and conditions in writing: as text with the signs of mathematics, as LaTeX, as Python."""

from __future__ import annotations

import re
from fractions import Fraction
from keyword import iskeyword
from typing import Literal, NamedTuple

from archcalc.numeric.helpers import is_plain
from archcalc.numeric.symbolic.arrange import Product, Sum, arranged, denominators, expanded
from archcalc.numeric.symbolic.number import (
    Atom,
    Comparison,
    Condition,
    Number,
    Plain,
    Symbolic,
    make,
    terms_of,
)

TAKEN = ("Fraction", "ValueError", "gcd", "int")
"""What formulas in Python use themselves."""
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|chi|psi|omega"
)
SIGNS = {"==": ("==", "=", "=="), "!=": ("≠", r"\ne", "!="), ">=": ("≥", r"\ge", ">="), ">": (">", ">", ">")}
TURNED = {"==": "==", "!=": "!=", ">=": ("≤", r"\le", "<="), ">": ("<", "<", "<")}

Style = Literal["text", "latex", "python"]
STYLES: tuple[Style, ...] = ("text", "latex", "python")


class Piece(NamedTuple):
    """Text, and how tightly it holds together: 1 a sum, 2 a product, 3 what needs no brackets."""

    text: str
    hold: int

    def inside(self, hold: int, latex: bool) -> str:
        """The text where something must hold together so tightly."""
        if self.hold >= hold:
            return self.text
        return rf"\left({self.text}\right)" if latex else f"({self.text})"


class Writer:
    """One way to write numbers down."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.latex = style == "latex"
        self.python = style == "python"
        self.times = {"text": "·", "latex": r" \, ", "python": " * "}[style]
        self.minus = "−" if style == "text" else "-"
        self.index = STYLES.index(style)

    def number(self, number: Number) -> str:
        """A number, arranged as people would."""
        if is_plain(number):
            return self._plain(number).text
        return self._sum(arranged(number)).text

    def whole(self, number: Number) -> str:
        """A number that is whole wherever it holds: Python then divides it once, at the end, and without a rest."""
        return self._exact(number) if self.python and not is_plain(number) else self.number(number)

    def shape(self, sizes: tuple[Number, ...]) -> str:
        """Sizes joined by ``x``, sums in brackets."""
        times = r" \times " if self.latex else "x" if all(map(is_plain, sizes)) else " x "
        pieces = [Piece(self.number(size), 1) if _is_sum(size) else Piece(self.number(size), 3) for size in sizes]
        return times.join(piece.inside(2, self.latex) for piece in pieces)

    def comparison(self, part: Comparison) -> str:
        """A comparison with positive terms on both sides: ``H ≥ 29``, ``H % 16 = 0``."""
        if part.relation in ("in", "not in"):
            return self._membership(part)
        value = part.value
        if self.python:  # whole numbers on both sides
            scale, monomial = denominators(value)
            value = value * Symbolic(value.kind, {monomial: scale}) if monomial else value * scale
        left, right, turned = _sides(value)
        sign = TURNED[part.relation] if turned else SIGNS[part.relation]
        sign = SIGNS[sign] if isinstance(sign, str) else sign
        if not self.python and part.relation == "==" and is_plain(right) and right == 0:
            whole = self._is_whole(left)
            if whole:
                return whole
        left, right = (self._sum(arranged(side)).text for side in (left, right))
        return f"{left} {sign[self.index]} {right}"

    def _is_whole(self, left: Number) -> str:
        """``224·rho is whole`` for a remainder by 1."""
        for monomial in terms_of(left):
            atom = monomial[0][0]
            if len(monomial) == 1 and atom.op == "mod" and is_plain(atom.args[1]) and atom.args[1] == 1:
                number = self.number(monomial[0][0].args[0])
                return rf"{number} \in \mathbb{{Z}}" if self.latex else f"{number} is whole"
        return ""

    def _membership(self, part: Comparison) -> str:
        value = self.number(part.value)
        shown = ", ".join(map(str, part.among if self.python else part.among[:12]))
        more = ", …" if len(part.among) > 12 and not self.python else ""
        if self.latex:
            sign = r"\in" if part.relation == "in" else r"\notin"
            return rf"{value} {sign} \{{{shown}{more}\}}"
        return f"{value} {part.relation} {{{shown}{more}}}"

    def condition(self, condition: Condition) -> str:
        """Comparisons that hold together."""
        joint = {"text": " and ", "latex": r" \wedge ", "python": " and "}[self.style]
        return joint.join(map(self.comparison, condition.parts))

    # pieces

    def _plain(self, number: Plain) -> Piece:
        if number < 0:
            return Piece(f"{self.minus}{self._plain(-number).text}", 1)
        if type(number) is int:
            return Piece(str(number), 3)
        over, under = number.numerator, number.denominator
        if self.latex:
            return Piece(rf"\frac{{{over}}}{{{under}}}", 3)
        return Piece(f"Fraction({over}, {under})" if self.python else f"{over}/{under}", 3 if self.python else 2)

    def _sum(self, tree: Sum) -> Piece:
        if not tree.parts:
            return Piece("0", 3)
        start = next((index for index, part in enumerate(tree.parts) if part.coefficient > 0), 0)  # not with a minus
        first, others = tree.parts[start], [*tree.parts[:start], *tree.parts[start + 1 :]]
        piece = self._product(first)
        if not others:
            return piece
        text = piece.text
        for part in others:
            negative = part.coefficient < 0
            term = self._product(part._replace(coefficient=abs(part.coefficient)))
            text += f" {self.minus if negative else '+'} {term.text}"
        return Piece(text, 1)

    def _product(self, product: Product) -> Piece:
        number = Fraction(product.coefficient)
        above = [(atom, e) for atom, e in product.monomial if e > 0 and atom.op != "reciprocal"]
        below = [
            (self._atom(a) if a.op != "reciprocal" else self._reciprocal(a), -e if a.op != "reciprocal" else e)
            for a, e in product.monomial
            if e < 0 or a.op == "reciprocal"
        ]
        over = [self._power(self._atom(atom), exponent) for atom, exponent in above]
        over += [self._power(self._sum(inner), exponent) for inner, exponent in product.sums]
        under = [self._power(piece, exponent) for piece, exponent in below]
        if abs(number.numerator) != 1 or not over:
            over.insert(0, Piece(str(abs(number.numerator)), 3))
        if number.denominator != 1:
            under.insert(0, Piece(str(number.denominator), 3))
        top = self._times(over)
        if under:
            bottom = self._times(under)
            if self.latex:
                top = Piece(rf"\frac{{{top.text}}}{{{bottom.text}}}", 3)
            elif self.python:
                top = Piece(f"Fraction({top.text}, {bottom.text})", 3)
            else:
                top = Piece(f"{top.inside(2, False)}/{bottom.inside(3, False)}", 2)
        return Piece(f"{self.minus}{top.inside(2, self.latex)}", 1) if number < 0 else top

    def _times(self, pieces: list[Piece]) -> Piece:
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.times.join(piece.inside(2, self.latex) for piece in pieces), 2)

    def _power(self, base: Piece, exponent: int) -> Piece:
        if exponent == 1:
            return base
        inside = base.inside(3, self.latex)
        if self.latex:
            return Piece(f"{inside}^{{{exponent}}}", 3)
        return Piece(f"{inside}**{exponent}" if self.python else inside + str(exponent).translate(SUPERSCRIPTS), 3)

    def _reciprocal(self, atom: Atom) -> Piece:
        return self._sum(arranged(atom.args[0]))

    def _atom(self, atom: Atom) -> Piece:
        if atom.op == "symbol":
            return Piece(self.symbol(atom.name), 3)
        if atom.op == "truth":
            left, right = {"text": "[]", "latex": (r"\left[", r"\right]"), "python": "()"}[self.style]
            return Piece(f"{left}{self.condition(atom.args[0])}{right}", 3)
        if atom.op == "reciprocal":
            return Piece(f"1/{self._reciprocal(atom).inside(3, self.latex)}", 2)
        if atom.op == "floor":
            return self._floor(*atom.args)
        if atom.op == "mod":
            sign = r" \bmod " if self.latex else " % "
            pieces = [self._sum(arranged(arg)) for arg in atom.args]
            return Piece(f"{pieces[0].inside(2, self.latex)}{sign}{pieces[1].inside(3, self.latex)}", 2)
        name = rf"\{atom.op}" if self.latex else atom.op
        inside = ", ".join(self._sum(arranged(arg)).text for arg in atom.args)
        return Piece(rf"{name}\left({inside}\right)" if self.latex else f"{name}({inside})", 3)

    def _floor(self, top: Number, bottom: Number) -> Piece:
        over, under = self._sum(expanded(top)), self._sum(arranged(bottom))
        if self.python:
            return Piece(f"({over.inside(2, False)} // {under.inside(3, False)})", 3)
        if self.latex:
            inside = over.text if is_plain(bottom) and bottom == 1 else rf"\frac{{{over.text}}}{{{under.text}}}"
            return Piece(rf"\left\lfloor {inside} \right\rfloor", 3)
        inside = over.text if is_plain(bottom) and bottom == 1 else f"{over.inside(2, False)}/{under.inside(3, False)}"
        return Piece(f"⌊{inside}⌋", 3)

    def _exact(self, number: Symbolic) -> str:
        scale, monomial = denominators(number)
        divisor = Symbolic(number.kind, {monomial: scale}) if monomial else scale
        over = self._sum(arranged(number * divisor))
        if not is_plain(divisor) or divisor != 1 or not _is_on_whole_symbols(number):
            return f"{over.inside(2, False)} // {self._sum(arranged(divisor)).inside(3, False)}"
        return f"int({over.text})" if "Fraction(" in over.text else over.text

    def symbol(self, name: str) -> str:
        """A name; in LaTeX, Greek ones as letters, and what follows an underscore is an index."""
        if self.python:
            joined = name.replace(".", "_")
            return f"{joined}_" if iskeyword(joined) or joined in TAKEN else joined
        if not self.latex:
            return name
        head, _, index = name.partition("_")
        if GREEK.fullmatch(head):
            head = rf"\{head}"
        elif len(head) > 1:
            head = rf"\mathrm{{{head}}}"
        return f"{head}_{{\\mathrm{{{index}}}}}" if index else head


def _is_sum(number: Number) -> bool:
    return not is_plain(number) and len(arranged(number).parts) > 1


def _is_on_whole_symbols(number: Symbolic) -> bool:
    """Whether a sum is made of whole atoms only."""
    return all(atom.whole for monomial in number.terms for atom, _ in monomial)


def _sides(value: Symbolic) -> tuple[Number, Number, bool]:
    """The positive terms, the others with their signs changed, and whether to read them backwards."""
    left = make(value.kind, {m: c for m, c in value.terms.items() if m and c > 0})
    right = make(value.kind, {m: -c for m, c in value.terms.items() if m and c < 0})
    constant = value.constant
    if is_plain(left):
        return right, constant, True
    return (left + constant, right, False) if constant > 0 and not is_plain(right) else (left, right - constant, False)


TEXT = Writer("text")
LATEX = Writer("latex")
PYTHON = Writer("python")
