"""Every code that may be printed is documented."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from archcalc.lint import RULES
from archcalc.validation.codes import ERRORS, WARNINGS, documented_codes

PACKAGE = Path(__file__).resolve().parents[2] / "archcalc"


def codes(room: str) -> Iterator[str]:
    """Yield the first arguments of calls of ``fail`` and ``Problem``."""
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            first = node.args[0]
            if node.func.id in ("fail", "Problem") and isinstance(first, ast.Constant) and first.value:
                yield str(first.value)


def test_every_error_that_a_spec_can_have_is_documented() -> None:
    used = {code for room in ("spec", "validation") for code in codes(room)}
    apart = {"write"}  # the code of a graph that cannot be written as a spec
    assert used - apart <= ERRORS.keys() | WARNINGS.keys()


def test_no_code_means_two_things() -> None:
    assert not ERRORS.keys() & RULES.keys() | WARNINGS.keys() & (ERRORS.keys() | RULES.keys())
    assert [rule.code for rule in documented_codes()] == [*ERRORS, *WARNINGS, *RULES]
