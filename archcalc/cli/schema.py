"""``archcalc schema``: print the published JSON Schemas."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import click

PACKAGES = ("archcalc.spec", "archcalc.grading", "archcalc.report")
"""Packages with schemas, each next to the code that it describes."""
SUFFIX = ".schema.json"


@cache
def schemas() -> dict[str, str]:
    """Return the text of every schema by its name."""
    entries = [entry for package in PACKAGES for entry in sorted(files(package).iterdir(), key=lambda each: each.name)]
    found = [entry for entry in entries if entry.name.endswith(SUFFIX)]
    return {entry.name.removesuffix(SUFFIX): entry.read_text(encoding="utf-8") for entry in found}


class SchemaName(click.ParamType[str]):
    """The name of a schema."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in schemas():
            from archcalc.spec.errors import listing, suggest

            hint = suggest(value, schemas(), listing("schema", schemas()))
            raise click.UsageError(f"no schema '{value[:40]}': {hint}", ctx)
        return value


@click.command()
@click.argument("name", type=SchemaName(), required=False)
def command(name: str | None) -> None:
    """Print a JSON Schema, or list all schemas.

    With the schema 'spec', editors complete and check specs. Save it to a file, and name that file in the first line of
    a spec (or in the settings of the editor):

    \b
    archcalc schema spec > spec.schema.json
    # yaml-language-server: $schema=spec.schema.json
    """
    if name is not None:
        click.echo(schemas()[name], nl=False)
        return
    width = max(map(len, schemas()))
    for each, text in schemas().items():
        click.echo(f"{each:<{width}}  {json.loads(text)['title']}")
