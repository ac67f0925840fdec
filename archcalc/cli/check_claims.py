"""``archcalc check --claim``: judge a claim, and explain where its value comes from."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import TYPE_CHECKING

import click

from archcalc.claims.claim import PASSING
from archcalc.claims.claim_text import NetworkClaim, parse_claim_text
from archcalc.cli.output import terminal_width, wants_color
from archcalc.diagnosis import judge_and_explain
from archcalc.diagnosis.reconcile import CheckedClaim, NumberOrigin, reconcile
from archcalc.report.claim_formats import FORMATS
from archcalc.spec import GivenSettings
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.spec.limits import Limits

if TYPE_CHECKING:
    from archcalc.cli.check_numbers import GivenNumbers


def check_claims(
    claims: tuple[str, ...],
    form: str,
    color: str,
    limits: Limits,
    given: GivenSettings,
    ignore: Collection[str] = (),
    numbers: GivenNumbers | None = None,
) -> int:
    """Judge the claims of the command line, print what leads to their values, and return the exit status.

    The networks have the sizes and variables that are given. With inputs, the claims are about the numbers that come
    out of a layer, or about gradients.

    Raises:
        SpecError: a claim, or its network, cannot be read.
    """
    if form not in FORMATS:
        raise click.UsageError(f"with --claim, --format must be one of {', '.join(FORMATS)}")
    if numbers is not None:
        from archcalc.cli.check_numbers import check_numbers

        checked = [check_numbers(text, numbers, limits, given) for text in claims]
    else:
        checked = [_check(text, limits, given, ignore) for text in claims]
    click.echo(FORMATS[form](checked, wants_color(color), terminal_width()), nl=False, color=True)
    return 0 if all(each.judgement.verdict in PASSING for each in checked) else 1


def _check(text: str, limits: Limits, given: GivenSettings, ignore: Collection[str]) -> CheckedClaim:
    from archcalc.analysis.propagate import analyze
    from archcalc.cli.warnings import warn
    from archcalc.spec import load_spec

    try:
        asked = parse_claim_text(text)
    except ValueError as error:
        fail("argument", str(error), origin="--claim")
    specs = {name: load_spec(name, given, limits) for name in asked.networks}
    for spec in specs.values():
        warn(spec, ignore)
    networks = {name: analyze(spec.graph) for name, spec in specs.items()}
    (judgement,) = judge_and_explain([asked.claim], next(iter(networks.values())) if len(networks) == 1 else networks)
    if judgement.fault is not None:
        fault = judgement.fault
        raise SpecError([Problem(fault.code, fault.message, hint=fault.hint, origin="--claim")])
    return CheckedClaim(text=text, judgement=judgement, origins=_origins(asked, given), options=_options(given))


def _origins(asked: NetworkClaim, given: GivenSettings) -> list[NumberOrigin]:
    try:
        return reconcile(asked, given)
    except ValueError:  # the number of several networks or of a ratio has no origins
        return []


def _options(given: GivenSettings) -> tuple[str, ...]:
    """Return what is given as options of the command line."""
    settings = [("--set", f"{name}={value}") for name, value in given.set.items()]
    shapes = [("--shape", f"{name}={shape}" if name else shape) for name, shape in given.shapes.items()]
    return tuple(chain(*settings, *shapes))
