"""All rules over one spec, less what its file and its configuration do not want."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from archcalc.analysis.propagate import Analysis
from archcalc.lint import network, text
from archcalc.lint.rules import RULES, Found, Subject, rule
from archcalc.lint.silence import Remark, Silence
from archcalc.spec.errors import Problem, suggest
from archcalc.spec.read import Spec

FAMILIES = (text, network)
"""Importing them registers their rules."""

UNUSED_IGNORE = "unused-ignore"
MOST = 20
"""Warnings of one kind that are given for one file."""


def lint(spec: Spec, analysis: Analysis, ignore: Collection[str] = (), wanted: Collection[str] = ()) -> list[Problem]:
    """What is suspicious about a spec, in the order of its text; of each kind, no more than people read.

    Args:
        spec: the spec.
        analysis: of its graph, without a batch.
        ignore: codes that are not wanted, whatever the file says.
        wanted: codes that are wanted though they are not given by default.
    """
    return sorted(
        (problem for found in suspicions(spec, analysis, ignore, wanted) for problem in _first(found)), key=_place
    )


def suspicions(
    spec: Spec, analysis: Analysis, ignore: Collection[str] = (), wanted: Collection[str] = ()
) -> Iterator[list[Problem]]:
    """All that is suspicious about a spec, kind by kind; see `lint`."""
    subject = Subject(spec, analysis)
    silence = Silence(spec)
    for each in RULES.values():
        found = [problem for problem in each.problems(subject) if not silence.covers(problem)]
        if each.code not in ignore and (each.by_default or each.code in wanted):
            yield found
    if UNUSED_IGNORE not in ignore:
        yield [_idle(remark) for remark in silence.idle() if remark.code not in ignore]


def _first(found: list[Problem]) -> list[Problem]:
    """As many of a kind as people read; the last one says how many more there are."""
    if len(found) <= MOST:
        return found
    last = replace(found[MOST - 1], message=f"{found[MOST - 1].message} (and {len(found) - MOST:,} more like this)")
    return [*found[: MOST - 1], last]


def _place(problem: Problem) -> tuple[int, int]:
    _, line, column = problem.place()
    return line or 0, column or 0


def _idle(remark: Remark) -> Problem:
    if remark.code not in RULES:
        known = suggest(remark.code, RULES, "`archcalc validate --rules` lists them")
        return Problem(
            UNUSED_IGNORE, f"no warning has the code '{remark.code[:40]}'", remark.span, known, level="warning"
        )
    message = f"there is no {remark.code} to ignore {'here' if remark.line is not None else 'in this file'}"
    return Problem(UNUSED_IGNORE, message, remark.span, "remove it (--fix does)", level="warning")


@rule(UNUSED_IGNORE)
def unused_ignore(subject: Subject) -> Iterator[Found]:
    """An `ignore` that silences nothing: the warning is gone, or its code is misspelt."""
    return iter(())  # known only when all other rules have spoken
