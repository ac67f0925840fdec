"""Warnings on standard error: which ones are given, and the option that suppresses some."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archcalc.spec.limits import Limits

if TYPE_CHECKING:
    from archcalc.spec import GivenSettings, Source, Spec

Command = TypeVar("Command", bound=Callable[..., Any])


def codes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Return the codes of warnings in a repeatable option of lists."""
    given = [code.strip() for value in values for code in value.split(",") if code.strip()]
    if not given:
        return frozenset()
    from archcalc.lint import RULES
    from archcalc.spec.errors import suggest

    for code in given:
        if code not in RULES:
            hint = suggest(code, RULES, "`archcalc validate --rules` lists the warnings")
            raise click.BadParameter(f"no warning has the code '{code[:40]}': {hint}", ctx, parameter)
    return frozenset(given)


def ignore_option(command: Command) -> Command:
    """Add ``--ignore`` to a command."""
    return click.option(
        "--ignore", multiple=True, callback=codes, metavar="CODES", help="Do not report these warnings (repeatable)."
    )(command)


def warn(spec: Spec, ignore: Collection[str] = ()) -> None:
    """Print the warnings about how a spec is read to standard error. There are none about models."""
    if spec.model is not None:
        return
    from archcalc.spec.misreadings import misreadings

    found = [problem for problem in misreadings(spec) if problem.code not in ignore]
    if found:
        from archcalc.lint.ignores import IgnoredCodes

        ignored = IgnoredCodes(spec)
        for problem in found:
            if not ignored.covers(problem):
                click.echo(problem.render(), err=True)


def warn_as_written(
    source: Source, given: GivenSettings, limits: Limits, *, inline: bool, ignore: Collection[str]
) -> None:
    """Print the warnings about a spec of which many configurations are read; none if it cannot be read as written."""
    from archcalc.spec import SpecError, read_spec

    try:
        spec = read_spec(source, given, inline=inline, limits=limits)
    except SpecError:
        return
    warn(spec, ignore)
