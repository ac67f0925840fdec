"""Derivations in MathML: well-formed, with the numbers and names of the text, and without markup from names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import pytest

import archcalc
from archcalc.analysis.explain import explain_layer
from archcalc.numeric.mathml import MathmlPrinter, identifier, words
from archcalc.numeric.printer import SUPERSCRIPTS, Expression
from tests.analysis.test_explain import DERIVATIONS, EVERY_KIND

TOKENS = ("mi", "mn", "mo", "mtext")
"""The elements that may contain text."""
PLAIN = {sign: digit for digit, sign in SUPERSCRIPTS.items()}
"""The digits that superscripts stand for."""


def text_of(mathml: str) -> str:
    """Return the text of MathML; fails if it is not well-formed, or has text that browsers do not show."""
    tree = ElementTree.fromstring(f"<math>{mathml}</math>")
    for element in tree.iter():
        hidden = [element.tail or "", "" if element.tag in TOKENS else element.text or ""]
        assert not "".join(hidden).strip(), mathml
    return " ".join(" ".join(tree.itertext()).split())


def numbers_in(text: str) -> list[str]:
    return re.findall(r"\d+(?:,\d{3})*", text.translate(PLAIN))


@pytest.mark.parametrize("quantities", [DERIVATIONS, ("gradient",), ("saved", "backward_macs")])
def test_mathml_has_the_numbers_and_notes_of_the_text(quantities: tuple[str, ...]) -> None:
    analysis = archcalc.load(EVERY_KIND).analyze()
    for layer in analysis.layers:
        plain = explain_layer(analysis, layer, quantities)
        marked = explain_layer(analysis, layer, quantities, form="mathml")
        assert [one.quantity for one in plain] == [one.quantity for one in marked]
        for one, other in zip(plain, marked, strict=True):
            for step, written in zip(one.steps, other.steps, strict=True):
                assert step.note == written.note
                for side in ("symbol", "formula", "numbers", "value"):
                    text, mathml = getattr(step, side), getattr(written, side)
                    assert bool(text) == bool(mathml)
                    assert numbers_in(text_of(mathml)) == numbers_in(text), (text, mathml)


def test_names_are_escaped() -> None:
    hostile = '<script>"&'
    assert text_of(words(hostile)) == text_of(identifier(hostile)) == hostile
    assert "<script" not in words(hostile) + identifier(hostile) + MathmlPrinter().symbol(f"a_{hostile}")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Expression("max", (Expression("symbol", ("alpha",)), 2)), "max ( α , 2 )"),
        (Expression("power", (Expression("symbol", ("k",)), -2)), "k − 2"),
        (Fraction(-1, 2), "( − 1 2 )"),
        (Expression("in", (Expression("symbol", ("n",)), -1, 3)), "n ∈ { − 1 , 3 }"),
        (Expression("and", (Expression("<", (1, 2)), Expression("integer", (3,)))), "1 < 2 and 3 ∈ ℤ"),
        (Expression("-", (1, Expression("+", (2, 3)))), "1 − ( 2 + 3 )"),
    ],
)
def test_expressions_have_their_signs(expression: object, text: str) -> None:
    assert text_of(MathmlPrinter().write(expression)) == text
