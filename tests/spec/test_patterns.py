"""Quoted patterns as arguments, and the sizes of the names in them."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.claims.claim_text import parse_claim_text
from archcalc.ops.base import REGISTRY, Operator
from archcalc.ops.fields import integer, lengths, pattern
from archcalc.spec.argument_values import make
from archcalc.spec.arguments import bind
from archcalc.spec.errors import Source, SpecError, Text
from archcalc.spec.grammar import parse_chain, parse_inline
from archcalc.spec.limits import DEFAULT
from archcalc.spec.syntax import Join, Layer, QuotedText
from archcalc.spec.values import Scope
from archcalc.spec.write import write_layer


class Folding(Operator):
    """An operator with a pattern, sizes of its names, and a parameter of its own."""

    name = "folding"

    pattern: str = pattern(help="the axes before and after")
    times: int = integer(1, help="how often")
    lengths: tuple[tuple[str, Any], ...] = lengths(help="sizes of names in the pattern")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "folding", Folding)


def folding(words: str, layout: str = "chw") -> Operator:
    (layer,) = parse_chain(Text(Source("<expression>", words), words)).items
    assert isinstance(layer, Layer)
    scope = Scope({"m": 7}, (3, 8, 8), DEFAULT)
    return make(Folding, bind(Folding, layer.arguments, layer.head), scope, 2, {}, layout)


@pytest.mark.parametrize("mark", ["'", '"'])
@pytest.mark.parametrize("arrow", ["=", "->", "→"])
def test_a_pattern_is_one_word_in_either_quotation_mark(mark: str, arrow: str) -> None:
    op = folding(f"folding {mark}c (h p) w {arrow} h, (w c){mark} p=m times=2")
    assert op.attributes() == {"pattern": f"c (h p) w {arrow} h, (w c)", "times": 2, "lengths": (("p", 7),)}


def test_the_names_of_a_pattern_have_sizes_of_any_name() -> None:
    assert folding("folding 'k s = (k s)' k=2 s=m-1 left_over=C").lengths == (("k", 2), ("s", 6), ("left_over", 3))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "what", "at"),
    [
        ("folding 'a = b", "this quotation mark is never closed by '", "'"),
        ('folding "a = b', 'this quotation mark is never closed by "', '"'),
        ("folding a", "the pattern of folding must be in quotation marks", "a"),
        ("folding", "folding requires pattern", "folding"),
        ("folding 'a = b'p=2", "expected a space", "p=2"),
        ("folding 'a = b' p2", "folding takes no short forms", "p2"),
        ("folding 'a = b' p=2 p=3", "the p of folding is set twice", "p=3"),
        ("folding 'a = b' p=0", "the p of folding must be at least 1, got 0", "p=0"),
        ("folding 'a = b' 'b = a'", "too many arguments for folding", "'b = a'"),
        ("folding 'a = b' times='a'", "the times of folding must be one number, got the pattern 'a'", "times='a'"),
    ],
)
def test_a_wrong_pattern_is_one_located_error(words: str, what: str, at: str) -> None:
    with pytest.raises(SpecError) as raised:
        folding(words)
    (problem,) = raised.value.problems
    assert what in problem.message
    assert problem.span is not None
    assert words[problem.span.start : problem.span.end] == at


def test_a_join_may_have_a_pattern_before_its_branches() -> None:
    text = "concat('h d, k d = h k', @q -> relu, identity, axis=1)"
    (join,) = parse_chain(Text(Source("<expression>", text), text)).items
    assert isinstance(join, Join)
    assert [each.value.content for each in join.options if isinstance(each.value, QuotedText)] == ["h d, k d = h k"]
    assert len(join.branches) == 2


def test_an_arrow_or_relation_in_a_pattern_ends_neither_shape_nor_claim() -> None:
    text = "3x8x8 -> folding 'c h w -> (h w) c' p=2"
    _, chain = parse_inline(Text(Source("<expression>", text), text))
    assert len(chain.items) == 1
    claim = parse_claim_text("2x2 -> folding 'a params = params a' widgets = 3")
    assert claim.networks == ("2x2 -> folding 'a params = params a'",)
    assert (claim.claim.target, claim.claim.value) == ("widgets", "3")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("h w c = (h w) c", "c h w = c (h w)"),
        ("(h p) (w q) c -> h w (p q c)", "c (h p) (w q) -> (p q c) h w"),
        ("a b c, c d = a d", "c a b, d c = d a"),
    ],
)
def test_a_pattern_has_the_layout_of_its_file(written: str, stored: str) -> None:
    op = folding(f"folding '{written}'", "hwc")
    assert op.pattern == stored  # type: ignore[attr-defined]
    assert write_layer(op, "hwc") == f"folding '{written}'"


def test_a_layer_with_a_pattern_reads_back() -> None:
    text = "folding '(h p) c = h (p c)' times=2 p=7"
    assert write_layer(folding(text)) == text
