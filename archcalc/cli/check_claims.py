"""``archcalc check --claim``: is it so, and if not, where does the number come from?"""

from __future__ import annotations

from typing import Any

import click

from archcalc.claims.claim import PASSING, Judgement, Verdict
from archcalc.claims.sentence import NetworkClaim, parse_claim_text
from archcalc.cli.options import table_text
from archcalc.diagnosis import judge_and_explain
from archcalc.diagnosis.reconcile import Reading, reconcile
from archcalc.report.render import write_json
from archcalc.report.table import Column, Table
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.spec.limits import Limits

FORMATS = ("rich", "plain", "markdown", "json")


def check_claims(claims: tuple[str, ...], form: str, color: str, limits: Limits) -> int:
    """Judge claims that stand on the command line, and say what gives their numbers; the exit status.

    Raises:
        SpecError: a claim, or a network in it, that cannot be read.
    """
    if form not in FORMATS:
        raise click.UsageError(f"--claim has the formats {', '.join(FORMATS)}")
    checked = [_check(text, limits) for text in claims]
    if form == "json":
        documents = [_record(text, *found) for text, found in zip(claims, checked, strict=True)]
        click.echo(write_json({"schema": 1, "claims": documents}), nl=False)
    else:
        blocks = [_block(judgement, readings, form, color) for judgement, readings in checked]
        click.echo("\n".join(blocks), nl=False, color=True)
    return 0 if all(judgement.verdict in PASSING for judgement, _ in checked) else 1


def _check(text: str, limits: Limits) -> tuple[Judgement, list[Reading]]:
    from archcalc.analysis.propagate import analyze
    from archcalc.spec import load_spec

    try:
        asked = parse_claim_text(text)
    except ValueError as error:
        fail("argument", str(error), origin="--claim")
    networks = {name: analyze(load_spec(name, limits=limits).graph) for name in asked.networks}
    (judgement,) = judge_and_explain([asked.claim], next(iter(networks.values())) if len(networks) == 1 else networks)
    if judgement.fault is not None:
        fault = judgement.fault
        raise SpecError([Problem(fault.code, fault.message, hint=fault.hint, origin="--claim")])
    return judgement, _readings(asked)


def _readings(asked: NetworkClaim) -> list[Reading]:
    try:
        return reconcile(asked)
    except ValueError:  # of several networks: it holds or not
        return []


def _block(judgement: Judgement, readings: list[Reading], form: str, color: str) -> str:
    """A sentence, and the table of readings with their sources."""
    if not readings:
        return f"{judgement.sentence}\n"
    sources = dict.fromkeys(f"{each.code}: {each.source}" for each in readings if each.source)
    table = Table(
        columns=(
            Column("value", "value", "right"),
            Column("verdict", "verdict"),
            Column("sentence", f"where {judgement.value} comes from", folds=True),
            Column("code", "convention or tool", folds=True),
        ),
        rows=tuple((each.value, str(each.verdict), each.sentence, each.code or None) for each in readings),
        title=_title(judgement),
        notes=tuple(sources),
    )
    return table_text(table, form, color)


def _title(judgement: Judgement) -> str:
    if judgement.verdict is Verdict.WRONG:
        return f"{judgement.target} is {judgement.actual}, not {judgement.value}"
    return judgement.sentence


def _record(text: str, judgement: Judgement, readings: list[Reading]) -> dict[str, Any]:
    return {
        "claim": text,
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
            }
            for each in readings
        ],
    }
