"""``archcalc draw``: a picture of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from archcalc.cli.commands import SpecCommand
from archcalc.cli.files import STANDARD_OUTPUT, known_suffix, output_errors, require_new, write_with
from archcalc.cli.options import load_network, partial_option, spec_argument, spec_options
from archcalc.cli.show import Depth
from archcalc.query.quantities import SUMS
from archcalc.report.layers_table import title
from archcalc.spec.errors import fail, suggest

FORMATS = (".svg", ".png", ".pdf")
SCALE = 2.0
"""Pixels of a PNG picture per pixel of the drawing."""


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="The file to write: FILE.svg, FILE.png or FILE.pdf; '-': SVG on standard output.",
)
@click.option(
    "--depth",
    type=Depth(),
    metavar="N|all",
    help="Draw one box for everything below this level: 1 by stage, 2 by block within stages, …; all: every layer.  "
    "[default: the deepest level that is still readable]",
)
@click.option(
    "--style",
    type=click.Choice(["graph", "blocks", "unet"]),
    default="graph",
    show_default=True,
    help="graph: boxes and arrows; blocks: a row of feature maps, drawn to scale; unet: the encoder on the left, the "
    "decoder on the right.",
)
@click.option("--costs", metavar="NAMES", help=f"Write these quantities into the boxes: {', '.join(SUMS)}.")
@click.option("--training", is_flag=True, help="Draw training heads (auxiliary classifiers) as well.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@spec_options
@partial_option
def command(
    spec: str, output: str, depth: int | None, style: str, costs: str | None, force: bool, **values: Any
) -> None:
    """Draw a network: stages and blocks as frames, repeated parts once, skip connections as curves.

    Normalisations and activations are lines of text in the box of the layer before them. Where the shape changes, the
    arrow is labelled with it. In a browser, the name of a layer appears when the pointer is over its box.
    """
    require_new(output, force=force)
    form = ".svg" if output == STANDARD_OUTPUT else known_suffix(output, FORMATS, "format of pictures")
    quantities = _quantities(costs)
    convert = None if form == ".svg" else _converter(form)
    network = load_network(spec, values)
    from archcalc.analysis.propagate import analyze
    from archcalc.report.picture import draw_network

    analysis = analyze(network.graph, training=values["training"], receptive=False)
    layout = values["layout"] or analysis.graph.layout
    picture = draw_network(
        analysis, title=title(analysis, layout), style=style, depth=depth, costs=quantities, layout=layout
    ).svg
    content = picture.encode() if convert is None else convert(picture)
    with output_errors("--output", output):
        write_with(output, lambda file: file.write(content))


def _quantities(names: str | None) -> tuple[str, ...]:
    """Return the quantities of ``--costs``.

    Raises:
        SpecError: there is no such quantity.
    """
    found = tuple(name.strip() for name in names.split(",")) if names else ()
    for name in found:
        if name not in SUMS:
            known = f"the quantities are {', '.join(SUMS)}"
            fail("argument", f"no quantity '{name[:40]}'", hint=suggest(name, SUMS, known), origin="--costs")
    return found


def _converter(form: str) -> Callable[[str], bytes]:
    """Return the function that turns an SVG picture into another format.

    Raises:
        SpecError: CairoSVG, or the library that it needs, is not installed.
    """
    try:
        import cairosvg
    except ImportError:
        fail("missing", f"{form} needs CairoSVG", hint="install it: pip install cairosvg", origin="--output")
    except OSError:
        hint = "install it with the package manager of your system, or write FILE.svg"
        fail("missing", f"{form} needs the library cairo", hint=hint, origin="--output")

    def converted(picture: str) -> bytes:
        if form == ".pdf":
            return bytes(cairosvg.svg2pdf(bytestring=picture.encode()))
        return bytes(cairosvg.svg2png(bytestring=picture.encode(), scale=SCALE))

    return converted
