"""``archcalc formula``: closed forms."""

from __future__ import annotations

from typing import Any

import click

from archcalc.cli.commands import SpecCommand, quantity_definitions
from archcalc.cli.explain import wrapped
from archcalc.cli.options import (
    PositiveInteger,
    given_from,
    giving_values,
    joined_values,
    limits_from,
    pairs_from,
    spec_argument,
    spec_options,
)
from archcalc.cli.output import utf8_documents
from archcalc.cli.training_options import dtype_option, require_training, setup_from, training_options
from archcalc.cli.warnings import warn_as_written
from archcalc.numeric.printer import latex_text
from archcalc.numeric.symbolic import LATEX, PYTHON, TEXT
from archcalc.query.closed_forms import ClosedForm, limit, python_function
from archcalc.query.formula import TOTALS, FormulaQuery, FormulaResult, calculate
from archcalc.query.quantities import MEASURED
from archcalc.report.json_text import write_json
from archcalc.spec.locate import locate
from archcalc.spec.tokens import RULES

SCHEMA = 1
MAX_RATIO_LENGTH = 160
"""A longer ratio (in characters) is not written out; its limit is."""
MAX_CONDITIONS = 10
"""Conditions that are listed as text."""


@click.command(cls=SpecCommand, sections={"Quantities": quantity_definitions(MEASURED)})
@spec_argument
@click.argument("target", required=False)
@click.option(
    "--free",
    multiple=True,
    callback=joined_values,
    metavar="NAMES",
    help="Variables and input sizes to keep as symbols: H,W,alpha,classes (repeatable).",
)
@click.option(
    "--assume",
    multiple=True,
    metavar="CONDITION",
    help='A condition on the symbols to assume: "H % 32 == 0" (repeatable).',
)
@click.option(
    "--scale",
    "--when",
    "scale",
    multiple=True,
    callback=joined_values,
    metavar="CHANGES",
    help='Print the factor by which a quantity grows when symbols change: "H=2*H,W=2*W" (repeatable).',
)
@click.option(
    "--relative-to", "--over", "relative_to", metavar="SPEC", help="Divide by the same quantity of another network."
)
@click.option("--each", is_flag=True, help="Print the quantity TARGET (by default macs) of every layer.")
@spec_options
@click.option("--batch", type=PositiveInteger(), help="Number of examples.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@dtype_option
@training_options
@click.option("--python", "python", is_flag=True, help="Print the closed forms as a Python function.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "latex", "json"]),
    default="text",
    show_default=True,
    callback=utf8_documents,
    help="Output format.",
)
def command(spec: str, target: str | None, form: str, python: bool, **values: Any) -> None:
    """Print closed forms (quantities as functions of input sizes and variables) with their conditions.

    TARGET is QUANTITY, LAYER.QUANTITY or STAGE.QUANTITY; without it, the totals are printed. Symbols (--free) are the
    spec's variables and the sizes C, L, D, H, W or n0, n1, … of the first input (NAME.H for the input NAME).
    """
    if python and form != "text":
        raise click.UsageError("--python cannot be combined with --format")
    limits = limits_from(values)
    given = given_from(values)
    when = pairs_from(tuple(values["scale"].split(",")), "--scale") if values["scale"] else None
    free = tuple(name.strip() for name in (values["free"] or "").split(",") if name.strip())
    divided = when is not None or values["relative_to"] is not None
    source, inline = locate(spec, limits)
    query = FormulaQuery(
        spec=spec if inline else source,
        targets=(target,) if target else ("macs",) if values["each"] else TOTALS[1:] if divided else TOTALS,
        free=tuple(dict.fromkeys([*free, *(when or {})])),
        assume=values["assume"],
        given=given._replace(later=tuple(dict.fromkeys([*free, *(when or {})]))),
        training=values["training"],
        batch=values["batch"],
        dtype=values["dtype"],
        setup=setup_from(values),
        each=values["each"],
        over=values["relative_to"],
        when=when,
        layout=given.layout or "",
        limits=limits,
    )
    require_training(query.setup, query.targets)
    warn_as_written(source, query.given, limits, inline=inline, ignore=values["ignore"])
    with giving_values(lambda name: f"keep it as a symbol: --free {name}, or give it a value: --set {name}=…"):
        found = calculate(query)
    if python:
        click.echo(python_function(function_name(spec, target), found.forms), nl=False)
    elif form == "json":
        click.echo(write_json(record(found, query)), nl=False)
    elif form == "latex":
        click.echo(latex(found), nl=False)
    else:
        click.echo(wrapped(text(found, query)), nl=False)


def function_name(spec: str, target: str | None) -> str:
    """Return a name for the function, made of the words of the SPEC and the target."""
    words = RULES["STAGE"].findall(f"{spec} {target or ''}" if " " not in spec else target or "formula")
    name = "_".join(word for word in words if word not in ("yaml", "yml"))
    return name if name[:1].isalpha() else f"f_{name}"


def text(found: FormulaResult, query: FormulaQuery) -> str:
    """Return the formulas as text, one per line, followed by their conditions."""
    forms = found.forms
    width = max(len(form.target) for form in forms.forms)
    lines = [forms.title]
    if found.dividends:
        lines.append(ratio_line(query))
    for index, form in enumerate(forms.forms):
        sign = "=" if form.exact else "≤"
        right = f"{form.values[0]:,}" if len(form.values) == 1 and type(form.values[0]) is int else form.write(TEXT)
        tends = tends_to(found, index, query)
        if tends and len(right) > MAX_RATIO_LENGTH:
            lines.append(f"{form.target.ljust(width)} → {tends} (--format json prints the formula)")
            continue
        lines.append(f"{form.target.ljust(width)} {sign} {right}")
        if tends:
            lines.append(f"{' ' * width} → {tends}")
    conditions = [TEXT.comparison(part) for part in forms.conditions]
    if len(conditions) > MAX_CONDITIONS:
        more = f"and {len(conditions) - MAX_CONDITIONS} more (--format json lists them all)"
        conditions = [*conditions[:MAX_CONDITIONS], more]
    if conditions:
        lines.append(f"where {', '.join(conditions)}")
    if not forms.decided:
        lines.append(
            "some comparisons could not be decided within the limits: the formulas are correct, but could be simpler"
        )
    return "\n".join(lines) + "\n"


def ratio_line(query: FormulaQuery) -> str:
    """Return a line that says which ratio is printed."""
    changes = " and ".join(f"{name} becomes {value}" for name, value in (query.when or {}).items())
    if not query.over:
        return f"growth factor when {changes}"
    return f"ratio to {query.over}" + (f" when {changes}" if changes else "")


def tends_to(found: FormulaResult, index: int, query: FormulaQuery) -> str:
    """Return the limit of a ratio as the scaled symbols grow; empty if it has none or is a plain number."""
    form = found.forms.forms[index]
    if not found.dividends or query.when is None or isinstance(form.values[0], int | str) or len(form.values) > 1:
        return ""
    tends = limit(found.dividends[index], found.divisors[index], query.when)
    if tends is None:
        return ""
    displayed = ClosedForm(form.target, (tends,), form.symbols).write(TEXT)
    grow = "grow" if len(query.when) > 1 else "grows"
    return "" if displayed == form.write(TEXT) else f"{displayed} as {' and '.join(query.when)} {grow}"


def latex(found: FormulaResult) -> str:
    """Return the formulas as an aligned block of LaTeX equations."""
    forms = found.forms
    lines = [f"% {forms.title}", r"\begin{align*}"]
    for form in forms.forms:
        sign = "=" if form.exact else r"\le"
        lines.append(rf"\text{{{latex_text(form.target)}}} &{sign} {form.write(LATEX)} \\")
    conditions = [LATEX.comparison(part) for part in forms.conditions]
    if conditions:
        lines.append(rf"&\text{{where }} {', '.join(conditions)}")
    return "\n".join([*lines, r"\end{align*}"]) + "\n"


def record(found: FormulaResult, query: FormulaQuery) -> dict[str, Any]:
    """Return the JSON record: formulas and conditions as text, LaTeX and Python."""
    forms = found.forms
    return {
        "schema": SCHEMA,
        "title": forms.title,
        "symbols": list(forms.names),
        "assumed": list(query.assume),
        "ratio": ratio_line(query) if found.dividends else None,
        "decided": forms.decided,
        "formulas": [formula_record(form) for form in forms.forms],
        "conditions": [
            {writer.style: writer.comparison(part) for writer in (TEXT, LATEX, PYTHON)} for part in forms.conditions
        ],
    }


def formula_record(form: ClosedForm) -> dict[str, Any]:
    """Return the record of a formula; a shape has one Python expression per axis."""
    python = [value if isinstance(value, str) else form.expression(value) for value in form.displayed]
    return {
        "target": form.target,
        "text": form.write(TEXT),
        "latex": form.write(LATEX),
        "python": python if len(python) > 1 else python[0],
        "exact": form.exact,
    }
