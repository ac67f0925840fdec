"""Commands, and the layout of their help pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

Definitions = Sequence[tuple[str, str]]
"""Terms of a help page with their explanations."""


class VerbCommand(click.Command):
    """A command whose help page ends with sections of definitions and, last, the limits.

    Args:
        sections: the titles of the sections with their definitions.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Definitions] | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.sections = sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all options but the limits."""
        self._write_section("Options", self._option_records(ctx, limits=False), formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of definitions, the epilog and the limits."""
        for title, definitions in self.sections.items():
            self._write_section(title, definitions, formatter)
        super().format_epilog(ctx, formatter)
        self._write_section("Limits", self._option_records(ctx, limits=True), formatter)

    def _option_records(self, ctx: click.Context, *, limits: bool) -> Definitions:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        chosen = [option for option in options if (option.name or "").startswith("max_") == limits]
        return [record for option in chosen if (record := option.get_help_record(ctx)) is not None]

    def _write_section(self, title: str, definitions: Definitions, formatter: click.HelpFormatter) -> None:
        if definitions:
            with formatter.section(title):
                formatter.write_dl(definitions)


class SpecCommand(VerbCommand):
    """A command whose first argument is a SPEC, which the shell may have split into words."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name == "->":
                no_surplus(words[0], tuple(words[1:]))
            raise

    def invoke(self, ctx: click.Context) -> Any:
        no_surplus(ctx.params["spec"], tuple(ctx.args))
        return super().invoke(ctx)


def no_surplus(spec: str, surplus: tuple[str, ...]) -> None:
    """Fail if there are more arguments than a command takes.

    Raises:
        click.UsageError: there are surplus arguments.
    """
    if not surplus:
        return
    rest = " ".join(surplus)[:60]
    if spec[:1].isdigit():
        raise click.UsageError(
            f"unexpected argument '{rest}': quote an inline expression, because the shell interprets the '>' of '->': "
            f'"{spec[:60]} -> conv 6 k5"'
        )
    raise click.UsageError(f"unexpected argument '{rest}'")


def quantity_definitions(names: Iterable[str]) -> Definitions:
    """Return the quantities of these names with their meanings, for a help page."""
    from archcalc.query.quantities import QUANTITIES

    return [(name, QUANTITIES[name].meaning) for name in names]
