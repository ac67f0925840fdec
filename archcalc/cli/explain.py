"""``archcalc explain``: derivations."""

from __future__ import annotations

import re
from typing import Any

import click

from archcalc.analysis.explain import Derivation, DerivationStep
from archcalc.cli.commands import SpecCommand, quantity_definitions
from archcalc.cli.options import PositiveInteger, load_network, spec_argument, spec_options
from archcalc.cli.output import terminal_width, utf8_documents
from archcalc.cli.training_options import dtype_option, require_places, require_training, setup_from, training_options
from archcalc.graph import Graph
from archcalc.numeric.printer import latex_text
from archcalc.numeric.traced import Form
from archcalc.query.derivations import derivation_lines, explain
from archcalc.query.quantities import DERIVED, quantity_named
from archcalc.report.table import without_controls


@click.command(cls=SpecCommand, sections={"Quantities": quantity_definitions(DERIVED)})
@spec_argument
@click.argument("layer", required=False)
@click.argument("quantity", required=False)
@spec_options
@dtype_option
@training_options
@click.option("--batch", type=PositiveInteger(), help="Number of examples.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex"]),
    default="text",
    show_default=True,
    callback=utf8_documents,
    help="Output format.",
)
def command(spec: str, layer: str | None, quantity: str | None, form: str, **values: Any) -> None:
    """Derive the figures of a layer step by step: first in symbols, then with numbers.

    LAYER is a layer, a stage, or a block call within a stage; without it, the totals of the network are derived.
    LAYER.QUANTITY (conv1.params) may be written as one argument.
    """
    setup = setup_from(values)
    network = load_network(spec, values)
    require_places(setup, network.graph)
    analysis = network.analyze(training=values["training"], batch=values["batch"], setup=setup)
    if layer is not None and quantity is None:
        layer, quantity = split_target(layer, network.graph)
    require_training(setup, () if quantity is None else (quantity,))
    blocks = []
    notation: Form = "text" if form == "text" else "latex"
    for title, derivations in explain(analysis, layer, quantity, dtype=values["dtype"], form=notation):
        blocks.append(write(title, derivations, form))
    text = "\n".join(blocks)
    click.echo(wrapped(text) if form == "text" else text, nl=False)


NO_BREAK = "\u00a0"
"""A blank at which no line is broken."""


def wrapped(text: str) -> str:
    """Wrap equations that are wider than the terminal below their right side, without breaking a number."""
    width = terminal_width()
    if width is None:
        return text
    from textwrap import wrap

    lines = []
    for line in text.splitlines():
        under = " " * min(line.find("= ") + 2, width // 2)
        kept = _kept_together(line)
        if max(map(len, kept.split()), default=0) > width - len(under):
            kept = line
        folded = wrap(kept, width, subsequent_indent=under, break_long_words=False, break_on_hyphens=False) or [""]
        lines += [each.replace(NO_BREAK, " ") for each in folded]
    return "\n".join(lines) + "\n"


def _kept_together(line: str) -> str:
    """Return a line that is not broken within brackets: its blanks there are replaced."""
    found, depth = [], 0
    for character in line:
        depth += (character in "([⌊") - (character in ")]⌋")
        found.append(NO_BREAK if character == " " and depth > 0 else character)
    return "".join(found)


def split_target(target: str, graph: Graph) -> tuple[str | None, str | None]:
    """Split ``conv1.params`` into layer and quantity; a quantity alone belongs to the network, unless it has none and a
    layer has this name."""
    place, dot, word = target.rpartition(".")
    quantity = quantity_named(word)
    if quantity is None or not quantity.derivation:
        is_misspelled = dot and graph.find(target) is None and graph.find(place) is not None
        return (place, word) if is_misspelled else (target, None)
    if not dot and "network" not in quantity.scopes and graph.find(target) is not None:
        return target, None
    return place or None, word


def write(title: str, derivations: list[Derivation], form: str) -> str:
    """Return derivations as text in a format."""
    title = without_controls(title)
    return _text(title, derivations) if form == "text" else _latex(title, derivations, markdown=form == "markdown")


def _text(title: str, derivations: list[Derivation]) -> str:
    lines = [title]
    for derivation in derivations:
        lines += ["", f"  {derivation.quantity}"]
        lines += [f"    {line}" for line in derivation_lines(derivation)]
    return "\n".join(lines) + "\n"


def _latex(title: str, derivations: list[Derivation], *, markdown: bool) -> str:
    lines = [f"## {title}" if markdown else rf"\subsection*{{{latex_text(title)}}}"]
    for derivation in derivations:
        lines += ["", f"**{derivation.quantity}**" if markdown else rf"\paragraph{{{derivation.quantity}}}", ""]
        lines += ["$$", r"\begin{aligned}"] if markdown else [r"{\allowdisplaybreaks", r"\begin{align*}"]
        lines += [_equation(step) + r" \\" for step in derivation.steps]
        lines += [r"\end{aligned}", "$$"] if markdown else [r"\end{align*}", "}"]
    return "\n".join(lines) + "\n"


LINE = 64
"""Approximate number of characters in a line of an article."""


def _equation(step: DerivationStep) -> str:
    """Return a step in LaTeX. An equation that is too wide for the page has each side on a line of its own."""
    sides = [side for side in (step.formula, step.numbers, step.value) if side]
    words = [latex_text(part) if index % 2 == 0 else f"${part}$" for index, part in enumerate(step.note.split("$"))]
    note = [rf"\text{{({''.join(words)})}}"] if step.note else []
    if _width(step.symbol, *sides, step.note) <= LINE:
        return f"{step.symbol} &= {' = '.join(sides)}" + "".join(rf" \quad {words}" for words in note)
    fits = _width(step.symbol, *sides) <= LINE
    lines = [" = ".join(sides)] if fits else [_folded(side) for side in sides]
    below = [f"&= {line}" for line in lines[1:]] + [rf"&\quad {words}" for words in note]
    return "\n".join([f"{step.symbol} &= {lines[0]}", *below]).replace("\n", " \\\\\n")


def _width(*parts: str) -> int:
    """Return the approximate number of characters of formulas, without commands."""
    return sum(len(re.sub(r"\\[a-z]+|[{}_]| ", "", part)) + 3 for part in parts)


def _folded(side: str) -> str:
    """Return a sum, with lines broken before a ``+`` where it is long."""
    lines = [""]
    for index, part in enumerate(side.split(" + ")):
        if index and _width(lines[-1], part) > LINE:
            lines.append(r"&\quad")
        lines[-1] += f" + {part}" if index else part
    return "\n".join(lines)
