"""``archcalc ops``: the operators, documented by their own docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

import click

from archcalc.cli.columns import chosen_columns
from archcalc.cli.output import default_format, output_options, print_table, terminal_width
from archcalc.ops import FAMILY_NAMES
from archcalc.ops.base import REGISTRY, Operator
from archcalc.ops.fields import Parameter
from archcalc.report.table import Column, Table
from archcalc.spec.aliases import operator_spelled, suggest_operator
from archcalc.spec.arguments import signature
from archcalc.spec.errors import fail
from archcalc.spec.grammar import JOINS
from archcalc.spec.write import written_number

SECTIONS = ("Shape", "Params", "Cost", "Window", "Source")
DEFAULTS = {
    "Shape": "that of the input",
    "Params": "none",
    "Cost": "none",
    "Window": "position by position",
}


COLUMNS = {
    column.key: column
    for column in (
        Column("family", "family"),
        Column("operator", "operator"),
        Column("written", "written", folds=True),
        Column("summary", "summary", folds=True),
        *(Column(section.lower(), section.lower(), folds=True) for section in SECTIONS),
        Column("gradient", "gradient", folds=True),
    )
}
DEFAULT = ("family", "operator", "summary")
TEXT_WIDTH = 96
"""Columns of the documentation of an operator, where the terminal has as many."""


def complete_operator(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of operators that complete a word, for the shell."""
    return [name for name in REGISTRY if name.startswith(incomplete)]


@click.command()
@click.argument("name", required=False, shell_complete=complete_operator)
@click.option(
    "--columns",
    metavar="NAMES",
    help=f"Columns of the table, separated by commas: {', '.join(COLUMNS)}.  [default: {','.join(DEFAULT)}]",
)
@output_options()
def command(name: str | None, columns: str | None, form: str | None, color: str) -> None:
    """List all operators, or print the documentation of one: arguments, defaults, formulas, source."""
    names = chosen_columns(columns, tuple(COLUMNS), DEFAULT)
    if name is not None and columns is not None:
        raise click.UsageError("--columns applies to the table of all operators, not to the documentation of one")
    if name is None and default_format(form, color) != "json":
        print_table(overview(names), form, color)
        return
    name = None if name is None else operator_spelled(name)
    if name is not None and name not in REGISTRY:
        fail("unknown-op", f"no operator '{name[:40]}'", hint=suggest_operator(name, REGISTRY), origin="ops")
    if form == "json":
        from archcalc.report.json_text import write_json

        documented = [read_documentation(cls) for cls in by_family() if name in (None, cls.name)]
        click.echo(write_json(documented if name is None else documented[0]), nl=False)
        return
    assert name is not None
    documentation = read_documentation(REGISTRY[name])
    if form in (None, "plain", "rich"):
        click.echo(write_documentation(documentation), nl=False)
    else:
        print_table(argument_table(documentation), form, color)


def by_family() -> list[type[Operator]]:
    """Return all operators, family by family."""
    return sorted(REGISTRY.values(), key=lambda cls: FAMILY_NAMES.index(cls.family))


def overview(names: tuple[str, ...]) -> Table:
    """Return the table of all operators, one per row."""
    rows = []
    for cls in by_family():
        documentation = read_documentation(cls)
        cells = {**documentation, "operator": cls.name, "written": documentation["signature"]}
        rows.append(tuple(cells.get(name) for name in names))
    notes = ("`archcalc ops NAME` documents an operator: arguments, defaults, formulas, source",)
    return Table(tuple(COLUMNS[name] for name in names), tuple(rows), notes=notes)


def read_documentation(cls: type[Operator]) -> dict[str, Any]:
    """Return the sections of an operator's docstring and its declared arguments."""
    text = inspect.cleandoc(cls.__doc__ or "").replace("``", "`")
    sections = {match[1]: match for match in re.finditer(rf"^({'|'.join(SECTIONS)}):[ ]*", text, re.MULTILINE)}
    starts = sorted(match.start() for match in sections.values())
    head = text[: starts[0]].strip() if starts else text
    summary, _, rest = head.partition("\n\n")
    parts = dict(DEFAULTS)
    for name, match in sections.items():
        end = min((start for start in starts if start > match.start()), default=len(text))
        parts[name] = " ".join(text[match.end() : end].split())
    return {
        "name": cls.name,
        "family": cls.family,
        "signature": written(cls),
        "summary": " ".join(summary.split()),
        "description": " ".join(rest.split()),
        "arguments": [argument_record(parameter) for parameter in cls.parameters()],
        **{name.lower(): parts[name] for name in SECTIONS if name in parts},
        "gradient": gradient_text(cls),
    }


def gradient_text(cls: type[Operator]) -> str:
    """Return of what an operator has gradients, and why not of the rest."""
    without = cls.no_gradient
    if without is None:
        return "of all inputs and trained arrays"
    if without.is_complete:
        return f"of no inputs or arrays: {without.reason}"
    kind, places = ("of input", without.inputs) if without.inputs else ("through output", without.outputs)
    listed = ", ".join(str(place + 1) for place in places)
    return f"not {kind}{'' if len(places) == 1 else 's'} {listed}: {without.reason}"


def written(cls: type[Operator]) -> str:
    """Return how an operator is written in a spec."""
    own = signature(cls)
    if cls.name not in JOINS:
        return own
    words = own.split()[1:]
    patterns = [word for word in words if word.startswith("'")]
    least, most = cls.joined
    parts = ", ".join([*patterns, *["chain"] * least, *["…"] * (most is None)])
    options = ["[chain]"] * ((most or least) - least) + [word for word in words if word not in patterns]
    return f"{cls.name}({parts}{''.join(option.replace('[', '[, ', 1) for option in options)})"


def argument_record(parameter: Parameter) -> dict[str, Any]:
    """Return the record of an argument."""
    argument = parameter.argument
    is_tensor = argument.form == "tensor"
    return {
        "name": parameter.name,
        "positional": argument.positional,
        "required": parameter.required,
        "short": f"{argument.sugar}3" if argument.sugar else None,
        "flags": list(argument.flags),
        "words": list(argument.choices),
        "written": named_form(parameter),
        "default": None if parameter.required else default_text(None if is_tensor else parameter.default),
        "help": argument.help,
    }


def named_form(parameter: Parameter) -> str:
    """Return how an argument is written with its name: ``axis=last|channels|…``."""
    argument = parameter.argument
    if argument.form == "lengths":
        return "NAME=…"  # the names are those in the pattern
    if argument.form == "tensor":
        return f"{parameter.name}=@…"
    words = argument.choices if {*argument.choices} - {*argument.flags} else ()
    is_open = not words or argument.form not in ("word", "flag")
    return f"{parameter.name}={'|'.join([*words, *['…'] * is_open])}"


def default_text(value: Any) -> str:
    """Return a default as it is written in a spec."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ()):
        return "-"
    if isinstance(value, tuple):
        return "x".join(default_text(part[0] if isinstance(part, tuple) else part) for part in value)
    return written_number(value)


def argument_table(documentation: dict[str, Any]) -> Table:
    """Return the table of an operator's arguments."""
    columns = (
        Column("name", "argument"),
        Column("how", "written", folds=True),
        Column("default", "default"),
        Column("help", "meaning", folds=True),
    )
    rows = tuple(
        (a["name"], how_written(a), "required" if a["required"] else a["default"], a["help"])
        for a in documentation["arguments"]
    )
    return Table(columns, rows, title=documentation["signature"])


def how_written(argument: dict[str, Any]) -> str:
    """Return the ways in which an argument can be written."""
    ways = ["positional"] if argument["positional"] else []
    ways += [argument["short"]] if argument["short"] else []
    ways += [" ".join(argument["flags"])] if argument["flags"] else []
    return ", ".join([*ways, argument["written"]])


def write_documentation(documentation: dict[str, Any]) -> str:
    """Return the documentation of an operator as text."""
    import textwrap

    from archcalc.report.aligned_tables import align_table

    width = min(terminal_width() or TEXT_WIDTH, TEXT_WIDTH)

    def block(title: str, text: str) -> str:
        return textwrap.fill(text, width, initial_indent=f"{title:<9}", subsequent_indent=" " * 9)

    lines = [documentation["signature"], "", textwrap.fill(documentation["summary"], width)]
    if documentation["description"]:
        lines += ["", textwrap.fill(documentation["description"], width)]
    if documentation["arguments"]:
        table = argument_table(documentation)
        lines += ["", align_table(Table(table.columns, table.rows), width=terminal_width()).rstrip()]
    lines += [
        "",
        *(
            block(name, documentation[name])
            for name in (*map(str.lower, SECTIONS), "gradient")
            if name in documentation
        ),
    ]
    return "\n".join(lines) + "\n"
