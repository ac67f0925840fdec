"""Running all rules over one spec, without the warnings that its file or its configuration ignores."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from archcalc.analysis.propagate import Analysis
from archcalc.lint import network, reading, text
from archcalc.lint.ignores import IgnoredCode, IgnoredCodes
from archcalc.lint.rules import FIXABLE, RULES, LintContext, RuleMatch, rule
from archcalc.spec.errors import Problem, suggest
from archcalc.spec.records import Spec

FAMILIES = (text, reading, network)
"""The modules whose import registers the rules."""

UNUSED_IGNORE = "unused-ignore"
MAX_PER_RULE = 20
"""The maximum number of warnings of one rule that are reported for one file."""


def lint(spec: Spec, analysis: Analysis, ignore: Collection[str] = (), enabled: Collection[str] = ()) -> list[Problem]:
    """Return the warnings about a spec in the order of its text, at most `MAX_PER_RULE` of each rule.

    Args:
        spec: the spec.
        analysis: the analysis of its graph, without a batch.
        ignore: the codes of warnings to ignore, in addition to those that the file ignores.
        enabled: the codes of warnings to report though they are off by default.
    """
    found = warnings_by_rule(spec, analysis, ignore, enabled)
    return sorted((problem for each in found for problem in _first(each)), key=_place)


def warnings_by_rule(
    spec: Spec, analysis: Analysis, ignore: Collection[str] = (), enabled: Collection[str] = ()
) -> Iterator[list[Problem]]:
    """Yield all warnings about a spec, one list per rule; see `lint`."""
    context = LintContext(spec, analysis)
    ignored = IgnoredCodes(spec)
    for each in RULES.values():
        found = [problem for problem in each.problems(context) if not ignored.covers(problem)]
        if each.code not in ignore and (each.by_default or each.code in enabled):
            yield found
    if UNUSED_IGNORE not in ignore:
        unused = [each for each in ignored.unused() if each.code not in ignore]
        if spec.variants:  # another variant may need it
            unused = [each for each in unused if each.code not in RULES]
        yield [_unused_code(each) for each in unused]


def _first(found: list[Problem]) -> list[Problem]:
    """Return at most `MAX_PER_RULE` warnings; the last one says how many more there are."""
    if len(found) <= MAX_PER_RULE:
        return found
    *first, last = found[:MAX_PER_RULE]
    message = f"{last.message} (and {len(found) - MAX_PER_RULE:,} more of this kind)"
    return [*first, replace(last, message=message)]


def _place(problem: Problem) -> tuple[int, int]:
    _, line, column = problem.place()
    return line or 0, column or 0


def _unused_code(ignored: IgnoredCode) -> Problem:
    if ignored.code not in RULES:
        hint = suggest(ignored.code, RULES, "`archcalc validate --rules` lists them")
        message = f"no warning has the code '{ignored.code[:40]}'"
        return Problem(UNUSED_IGNORE, message, ignored.span, hint, level="warning")
    message = f"there is no {ignored.code} warning to ignore {'here' if ignored.line is not None else 'in this file'}"
    return Problem(UNUSED_IGNORE, message, ignored.span, f"remove it{FIXABLE}", level="warning")


@rule(UNUSED_IGNORE)
def unused_ignore(context: LintContext) -> Iterator[RuleMatch]:
    """An `ignore` without effect: the warning no longer occurs, or its code is misspelt."""
    return iter(())  # known only after all other rules have run; see `warnings_by_rule`
