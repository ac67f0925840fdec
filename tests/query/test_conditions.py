"""Conditions: their meaning for plain numbers and arrays, and which are refused."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.numeric.arrays import GridEvaluation, Truths
from archcalc.query.conditions import holds, read_condition, read_name
from archcalc.spec import SpecError
from archcalc.spec.syntax import Name

KNOWN: dict[str, Any] = {
    "macs": 568_740_352,
    "params": 4_253_864,
    "alpha": Fraction(1, 2),
    "act": "relu",
    "c1.shape": (64, 32, 32),
    "a/b.macs": 12,
    "3a.C": 7,
    "rf": (35,),
    "head.rf": ("global",),
    "H": 224,
    "memory": 4 * 1024**2,
}


def lookup(name: Name) -> Any:
    return KNOWN.get(name.name, name.name)


TRUE = [
    "macs <= 600M",
    "macs < 569M",
    "macs = 569M",
    "macs = 0.57G",
    "macs == 568,740,352",
    "macs != 568",
    "macs <= 569e6 and params < 5 million",
    "params > 4.2M or params > 5M",
    "not params < 3M",
    "not (params < 3M or macs < 3M)",
    "(macs > 1M) and (params + 1) * 2 > 8M",
    "((params)) < macs",
    "1M < params < macs",
    "macs / params >= 100",
    "macs // params = 133 and macs % 2 = 0",
    "alpha = 1/2",
    "alpha = .5",
    "-alpha < -0.4",
    "2*alpha >= 1",
    "alpha≤0.5",
    "act = relu and act != gelu",
    "c1.shape = 64x32x32",
    "c1.shape != 64x32x31",
    "c1.shape != 64x32",
    "c1.shape >= 32",
    "a/b.macs = 12 AND 3a.C = 7",
    "rf = 35",
    "rf <= 35x35",
    "head.rf > 1000 and not head.rf < 1000",
    "H % 32 = 0",
    "memory <= 4 MiB and memory = 4MiB and not memory < 4mib",
    "4MB < memory <= 4.2 MB and memory < 1GB",
    "params >= 4,253,864 and params <= 4'253'864 and params = 4_253_864",
]


@pytest.mark.parametrize("text", TRUE)
def test_conditions_that_hold(text: str) -> None:
    assert holds(read_condition("--where", text), lookup) is True
    assert holds(read_condition("--where", f"not ({text})"), lookup) is False


WRONG = {
    "": "expected a quantity, a variable or a number, but the text ends here",
    "macs": "expected a comparison",
    "macs <=": "expected a quantity, a variable or a number, but the text ends here",
    "macs <= 3Q": "found '3Q'",
    "macs <= 300M params": "expected 'and', 'or' or the end of the condition, found 'params'",
    "macs <= 300M and": "the text ends here",
    "(macs < 3": "this bracket is never closed by ')'",
    "macs < 3)": "found ')'",
    "(macs) + ": "the text ends here",
    "macs < 3 && params < 3": "found '&&'",
    "or macs < 3": "found 'or'",
    "__import__('os')": "expected a comparison",
    "macs < 3; params": "found ';'",
    "(" * 100 + "macs" + ")" * 100 + " < 3": "nested deeper than 64",
    "not " * 100 + "macs < 3": "nested deeper than 64",
    "macs < " + "1" * 20_000: "more than 10,000 characters",
    "macs < 'a'": "found ''a''",
    "macs < 1e99999": "is not a number",
    "macs < " + "1" * 300: "a number of more than 200 characters",
    "macs < " + "9" * 5000 + "x3": "a number of more than 200 characters",
}


@pytest.mark.parametrize("text", WRONG)
def test_invalid_conditions_are_refused_with_their_places(text: str) -> None:
    with pytest.raises(SpecError) as error:
        read_condition("--where", text)
    assert WRONG[text] in error.value.problems[0].message


def test_an_error_points_at_its_place() -> None:
    with pytest.raises(SpecError, match=r"--where:1:16: error\[syntax\]") as error:
        read_condition("--where", "macs <= 3M and <")
    assert "               ^" in str(error.value)


@pytest.mark.parametrize("text", ["act + 1 > 2", "c1.shape * 2 = 4"])
def test_words_and_shapes_are_not_operands_of_arithmetic(text: str) -> None:
    with pytest.raises(SpecError, match="must be a single number"):
        holds(read_condition("--where", text), lookup)


def test_division_by_zero() -> None:
    with pytest.raises(SpecError, match="division by zero"):
        holds(read_condition("--where", "macs / 0 < 1"), lookup)


def test_names_of_quantities() -> None:
    name = read_name("--columns", " conv2_x/conv_1.macs")
    assert name.name == "conv2_x/conv_1.macs"
    with pytest.raises(SpecError, match="expected a quantity"):
        read_name("--columns", "300M")


ATOM = st.sampled_from(["a", "b", "c", "3", "0.5", "2k"])
SUM = st.recursive(
    ATOM, lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map("({0[0]} {0[1]} {0[2]})".format)
)
COMPARISON = st.tuples(SUM, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), SUM).map(" ".join)
CONDITION = st.recursive(
    COMPARISON,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("not ({})".format),
    ),
    max_leaves=6,
)


@given(text=CONDITION, a=st.lists(st.integers(-3, 5), min_size=3, max_size=3), b=st.integers(-3, 2500))
def test_arrays_are_judged_entry_by_entry(text: str, a: list[int], b: int) -> None:
    condition = read_condition("--where", text)
    run = GridEvaluation((3,))
    numbers = {"a": run.numbers(a, 0), "b": b, "c": Fraction(5, 2)}
    found = holds(condition, lambda name: numbers[name.name])
    alone = [holds(condition, lambda name, each=each: {**numbers, "a": each}[name.name]) for each in a]  # type: ignore[misc]
    assert (found.values.tolist() if isinstance(found, Truths) else [found] * 3) == alone
    python = text.replace(" = ", " == ").replace("2k", "2000")
    plain = [eval(python, {"a": each, "b": b, "c": 2.5}) for each in a]
    if "2k" not in text:  # a rounded value stands for what rounds to it
        assert alone == plain


@given(text=st.text(alphabet="macs params.1 20.5kM<>=!()+-*/%xa andornot_é½", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SpecError):
        holds(read_condition("--where", text), lookup)
