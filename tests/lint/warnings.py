"""Short ways to ask for the warnings of a spec in a test."""

from __future__ import annotations

from textwrap import dedent

from archcalc.analysis.propagate import analyze
from archcalc.lint import RULES, lint
from archcalc.spec import Problem, Source, read_spec


def warnings(text: str, *ignore: str) -> list[Problem]:
    """Return the warnings of a spec file with this text."""
    spec = read_spec(Source("net.yaml", dedent(text).lstrip("\n")))
    return lint(spec, analyze(spec.graph), ignore, RULES)


def codes(text: str, *ignore: str) -> list[str]:
    """Return the codes of the warnings of a spec file with this text."""
    return [problem.code for problem in warnings(text, *ignore)]


def chain_codes(layers: str, shape: str = "8x32x32") -> list[str]:
    """Return the codes of the warnings of an inline expression."""
    spec = read_spec(Source("<expression>", f"{shape} -> {layers}"), inline=True)
    return [problem.code for problem in lint(spec, analyze(spec.graph), enabled=RULES)]
