"""``archcalc schema``: the published JSON Schemas, for editors and for programs."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import click

PACKAGES = ("archcalc.spec", "archcalc.grading", "archcalc.report")
"""Where schemas stand, each beside what it describes."""
SUFFIX = ".schema.json"


@cache
def schemas() -> dict[str, str]:
    """The text of every schema, by its name."""
    entries = [entry for package in PACKAGES for entry in sorted(files(package).iterdir(), key=lambda each: each.name)]
    found = [entry for entry in entries if entry.name.endswith(SUFFIX)]
    return {entry.name.removesuffix(SUFFIX): entry.read_text(encoding="utf-8") for entry in found}


class Name(click.ParamType[str]):
    """The name of a schema."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in schemas():
            self.fail(f"there is no schema '{value[:40]}': there are {', '.join(schemas())}", param, ctx)
        return value


@click.command()
@click.argument("name", type=Name(), required=False)
def command(name: str | None) -> None:
    """Print a JSON Schema; without a name, list them.

    Editors complete and check specs with it: save it with `archcalc schema spec > spec.schema.json` and name that file
    in the settings of the editor, or in the first line of a spec: `# yaml-language-server: $schema=spec.schema.json`.
    """
    if name is not None:
        click.echo(schemas()[name], nl=False)
        return
    for each, text in schemas().items():
        click.echo(f"{each:<8} {json.loads(text)['title']}")
