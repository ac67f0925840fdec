"""Hints that need the whole spec: what to write instead, and which option or section gives a name its value."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple, Protocol

from archcalc.spec.decimals import ratio_meant
from archcalc.spec.errors import Problem, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.other_notations import with_rewritten_texts
from archcalc.spec.values import ROUNDING, Names


class Declarations(NamedTuple):
    """What a spec declares."""

    values: Names
    """The values of its variables."""
    names: Collection[str]
    """Its variables, and the parameters of its blocks."""
    blocks: Collection[str]
    given: Collection[str]
    """The variables whose values are given from outside."""


class Retry(Protocol):
    """Reads the spec with another value of a variable."""

    def __call__(self, name: str, value: str, /, *, inline: bool) -> None: ...


def with_hints(
    error: SpecError, declared: Declarations, limits: Limits, retry: Retry | None, *, inline: bool
) -> SpecError:
    """Return an error with better hints, and without consequences of others.

    Args:
        error: the error.
        declared: what the spec declares.
        limits: limits on the work.
        retry: tries a value of a variable; ``None`` if this would take too long.
        inline: whether the spec is an inline expression.
    """
    problems = without_consequences(error.problems)
    problems = with_rewritten_texts(problems, declared.blocks, declared.names, limits, inline=inline)
    problems = [_definable(problem, inline=inline) for problem in problems]
    if problems[0].hint == ROUNDING and retry is not None:
        problems[0] = replace(problems[0], hint=_ratio_hint(declared, retry, inline=inline) or ROUNDING)
    return SpecError(problems)


FOLLOWING = frozenset({"unknown-name", "unknown-op", "unknown-block", "argument", "syntax", "arithmetic", "shape"})
"""The codes of errors that a name with another meaning causes wherever it is used."""


def without_consequences(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems without those in texts that use a name whose declaration is a problem itself."""
    clashing = {
        problem.span.text.value[problem.span.start : problem.span.end]
        for problem in problems
        if problem.code == "name" and problem.span is not None
    }
    if not clashing:
        return list(problems)
    used = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, clashing))})(?!\w)")
    return [
        problem
        for problem in problems
        if problem.code not in FOLLOWING or problem.span is None or not used.search(problem.span.text.value)
    ]


def _definable(problem: Problem, *, inline: bool) -> Problem:
    """Return the problem; if it is a name without a value, with a hint how to give it one."""
    if not problem.undefined:
        return problem
    advice = f"give it a value: --set {problem.undefined}=…" if inline else "declare it under 'variables:'"
    if problem.span is not None and problem.span.text.source.name.startswith("--"):
        advice = ""  # names in values of --set are those of variables declared before; --layer has no names
    hint = "; ".join(filter(None, (problem.hint, advice)))
    return replace(problem, hint=hint, undefined=problem.undefined if inline else "")


def _ratio_hint(declared: Declarations, retry: Retry, *, inline: bool) -> str:
    """Return the hint to write a ratio for a decimal that is one, if the spec is valid then; otherwise nothing."""
    for name, value in declared.values.items():
        meant = ratio_meant(value) if isinstance(value, Fraction) else None
        if meant is None:
            continue
        try:
            retry(name, str(meant), inline=inline)
        except SpecError:
            continue
        written = f"--set {name}={meant}" if name in declared.given else f"{name}: {meant}"
        return f"decimals are exact: write {written}"
    return ""
