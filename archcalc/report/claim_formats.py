"""The formats of judged claims with the origins of their numbers, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from shlex import quote
from typing import Any

from archcalc.claims.claim import Verdict
from archcalc.counters.assumed_trace import FORMS
from archcalc.diagnosis.numbers import SLIPS
from archcalc.diagnosis.reconcile import CheckedClaim, NumberOrigin
from archcalc.report.counter_tables import derivation_text, record
from archcalc.report.json_text import write_json
from archcalc.report.render import render
from archcalc.report.table import Column, Table


def _blocks(form: str, claims: Sequence[CheckedClaim], color: bool, width: int | None) -> str:
    return "\n".join(_block(claim, form, color, width) for claim in claims)


def _block(claim: CheckedClaim, form: str, color: bool, width: int | None) -> str:
    """Return the judgement of a claim, and a table of the origins of its number with their sources."""
    judgement, origins = claim.judgement, claim.origins
    if not origins:
        return f"{judgement.sentence}\n"
    counted = [each for each in origins if each.count is not None]
    table = Table(
        columns=(
            Column("value", "value", "right"),
            Column("verdict", "verdict"),
            Column("sentence", f"source of {judgement.value}", folds=True),
            Column("code", "convention or tool", folds=True),
            *([Column("terms", "terms", folds=True)] if counted else []),
        ),
        rows=tuple(_row(each, with_terms=bool(counted)) for each in origins),
        title=_title(claim),
        notes=tuple(_notes(claim)),
    )
    return render(table, form, color=color, width=width)


def _row(origin: NumberOrigin, *, with_terms: bool) -> tuple[str | None, ...]:
    terms = (derivation_text(origin.count) if origin.count is not None else None,) if with_terms else ()
    return (origin.value, str(origin.verdict), origin.sentence, origin.code or None, *terms)


def _notes(claim: CheckedClaim) -> Iterator[str]:
    """Yield that the simplest origin comes first, and the command that prints the rules of a tool."""
    origins = claim.origins
    if len(origins) > 1:
        yield f"{len(origins):,} sources fit; the simplest comes first"
    for each in origins:
        if each.count is not None and FORMS.keys().isdisjoint(each.code.split("+")):
            words = ("archcalc", "counters", each.network, *claim.options, "--explain", each.tools[0])
            yield f"{' '.join(map(quote, words))} derives {each.count.printed}"
            return


def _title(claim: CheckedClaim) -> str:
    """Return the judgement; a slip in writing is no reason for a number that a tool prints."""
    judgement = claim.judgement
    reasons = {reason.code for each in judgement.explanations for reason in each.reasons}
    is_slip = bool(reasons) and reasons <= {*SLIPS} and any(each.tools for each in claim.origins)
    if judgement.verdict is Verdict.WRONG or is_slip:
        return f"{judgement.target} is {judgement.actual}, not {judgement.value}"
    return judgement.sentence


def _json(claims: Sequence[CheckedClaim], color: bool, width: int | None) -> str:
    return write_json({"schema": 1, "claims": [_record(claim) for claim in claims]})


def _record(claim: CheckedClaim) -> dict[str, Any]:
    judgement = claim.judgement
    return {
        "claim": claim.text,
        "target": judgement.target,
        "value": judgement.value,
        "verdict": str(judgement.verdict),
        "actual": judgement.actual,
        "sentence": judgement.sentence,
        "readings": [
            {
                "network": each.network,
                "code": each.code or None,
                "sentence": each.sentence,
                "verdict": str(each.verdict),
                "value": each.value,
                "source": each.source or None,
                "tools": list(each.tools),
                "terms": record(each.count)["terms"] if each.count is not None else [],
            }
            for each in claim.origins
        ],
    }


FORMATS: dict[str, Callable[[Sequence[CheckedClaim], bool, int | None], str]] = {
    "rich": partial(_blocks, "rich"),
    "plain": partial(_blocks, "plain"),
    "markdown": partial(_blocks, "markdown"),
    "json": _json,
}
"""Functions that write claims, given whether to use colour and the columns of the terminal (``None`` without one)."""
