"""Equations of a derivation, and the registry of them by operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from archcalc.ops.base import Operator, Shapes


class Rule(NamedTuple):
    """One equation of a derivation."""

    symbol: str
    formula: str
    note: str = ""


Rules = Callable[[Any, Shapes], Iterator[Rule]]

RULES: dict[type[Operator], Rules] = {}

Function = TypeVar("Function", bound=Rules)


def chain_rule(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers the derivation of some operators."""

    def register(function: Function) -> Function:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register
