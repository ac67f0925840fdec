"""Hints for texts in other notations: the same text in the notation of specs, if that is valid."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from archcalc.spec.check import check_names
from archcalc.spec.errors import Problem, Source, SpecError, Text
from archcalc.spec.grammar import parse_chain, parse_inline
from archcalc.spec.limits import Limits
from archcalc.spec.network import Stage
from archcalc.spec.rewriting import rewritten

CODES = frozenset({"syntax", "unknown-op", "unknown-block", "unknown-name"})
"""The codes of errors that another notation may cause."""


def with_rewritten_texts(
    problems: Collection[Problem], blocks: Collection[str], names: Collection[str], limits: Limits, *, inline: bool
) -> list[Problem]:
    """Return the problems; of those in a text that is valid when rewritten, only the first, with the new text as hint.

    Args:
        problems: the problems of a spec.
        blocks: its blocks.
        names: its variables and the parameters of its blocks.
        limits: limits on the work.
        inline: whether the spec is an inline expression.
    """
    found: list[Problem] = []
    better: dict[int, str | None] = {}
    for problem in problems:
        text = problem.span.text if problem.span is not None and problem.code in CODES else None
        if text is None:
            found.append(problem)
            continue
        known = id(text) in better
        if not known:
            changed = rewritten(text.value, {*names, *"CDHLW"}, inline=inline)
            texts = (text.value,) if changed is None else (text.value, changed)
            was, *now = [_is_valid(each, blocks, names, limits, inline=inline) for each in texts]
            better[id(text)] = changed if now == [True] and not was else None
        hint = better[id(text)]
        if hint is None:
            found.append(problem)
        elif not known:
            found.append(replace(problem, hint=f"write {hint}", undefined=""))
    return found


def _is_valid(written: str, blocks: Collection[str], names: Collection[str], limits: Limits, *, inline: bool) -> bool:
    text = Text(Source("", written), written)
    try:
        chain = parse_inline(text, limits)[1] if inline else parse_chain(text, frozenset(blocks), limits)
        check_names({}, dict.fromkeys(names), [Stage(None, chain)], blocks)
    except SpecError:
        return False
    return True
