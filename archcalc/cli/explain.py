"""``archcalc explain``: derivations."""

from __future__ import annotations

import re
from typing import Any

import click

from archcalc.analysis.explain import Derivation, Step
from archcalc.analysis.memory import DTYPES
from archcalc.cli.options import SpecCommand, described, load_network, spec_argument, spec_options, terminal_width
from archcalc.numeric.printer import latex_text
from archcalc.query.derivations import derivation_lines, explain
from archcalc.query.quantities import DERIVED, quantity_named


@click.command(cls=SpecCommand, epilog=described(DERIVED))
@spec_argument
@click.argument("layer", required=False)
@click.argument("quantity", required=False)
@spec_options
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="For memory.")
@click.option("--training", is_flag=True, help="Count auxiliary heads, too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex"]),
    default="text",
    show_default=True,
    help="Notation.",
)
def command(spec: str, layer: str | None, quantity: str | None, form: str, **values: Any) -> None:
    """The derivation of a layer's numbers, step by step: first in symbols, then with the numbers in.

    LAYER is a layer, a stage or a block in one; without it, the sums of the whole network are derived. LAYER.QUANTITY
    may be one word.
    """
    analysis = load_network(spec, values).analyze(training=values["training"])
    if layer is not None and quantity is None:
        layer, quantity = split_target(layer)
    blocks = []
    for title, derivations in explain(analysis, layer, quantity, dtype=values["dtype"], latex=form != "text"):
        blocks.append(write(title, derivations, form))
    text = "\n".join(blocks)
    click.echo(fitted(text) if form == "text" else text, nl=False)


def fitted(text: str) -> str:
    """Equations that are wider than the terminal, continued below their right side; no number is broken."""
    width = terminal_width()
    if width is None:
        return text
    from textwrap import wrap

    lines = []
    for line in text.splitlines():
        under = " " * min(line.find("= ") + 2, width // 2)
        lines += wrap(line, width, subsequent_indent=under, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(lines) + "\n"


def split_target(target: str) -> tuple[str | None, str | None]:
    """``conv1.params`` as layer and quantity; a quantity alone is the network's."""
    place, dot, word = target.rpartition(".")
    quantity = quantity_named(word)
    if quantity is None or not quantity.derivation or not (dot or "network" in quantity.scopes):
        return target, None
    return place or None, word


def write(title: str, derivations: list[Derivation], form: str) -> str:
    """Derivations as text."""
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
"""About how many characters stand side by side on a line of an article."""


def _equation(step: Step) -> str:
    """A step in LaTeX; what would leave the page goes on below, each side of an equation on a line of its own."""
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
    """About how many characters formulas take, commands not counted."""
    return sum(len(re.sub(r"\\[a-z]+|[{}_]| ", "", part)) + 3 for part in parts)


def _folded(side: str) -> str:
    """A long sum, broken before a ``+``."""
    lines = [""]
    for index, part in enumerate(side.split(" + ")):
        if index and _width(lines[-1], part) > LINE:
            lines.append(r"&\quad")
        lines[-1] += f" + {part}" if index else part
    return "\n".join(lines)
