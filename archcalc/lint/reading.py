"""Rules about how a text is read; see `archcalc.spec.misreadings`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps

from archcalc.lint.rules import LintContext, RuleMatch, rule
from archcalc.spec.misreadings import CHECKS, Check


def _register(code: str, check: Check) -> None:
    @rule(code)
    @wraps(check)
    def in_context(context: LintContext) -> Iterator[RuleMatch]:
        return (RuleMatch(*found) for found in check(context.spec))


for _code, _check in CHECKS.items():
    _register(_code, _check)
