"""The documentation site: ``python -m sphinx -W --keep-going -n -b html docs BUILD_DIR``.

Three pages end with material that the program itself makes: the operators, from their docstrings, the codes of known
mistakes, and a gallery of pictures. It is added while the pages are read, so nothing that is generated is stored.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pygments.lexer import RegexLexer, bygroups, using
from pygments.lexers.data import YamlLexer
from pygments.lexers.shell import BashLexer
from pygments.token import Generic
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import archcalc  # noqa: E402 (found in the checkout, whether or not it is installed)
from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES  # noqa: E402
from archcalc.diagnosis.layer_mistakes import LAYER_MISTAKES  # noqa: E402
from archcalc.diagnosis.mistake import NUMBERS  # noqa: E402
from archcalc.diagnosis.registry import CODES, CONVENTIONS, SCALINGS  # noqa: E402
from archcalc.query.quantities import QUANTITIES  # noqa: E402

project = "archcalc"
author = "the archcalc contributors"
copyright = author
version = release = archcalc.__version__

exclude_patterns = ["_build"]
extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"archcalc {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_copyright = False

# Typographic replacements would make a dash of the two hyphens of an option, and other quotes of those of a pattern.
smartquotes = False

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True


TITLES = {
    "conv": "Convolutions",
    "dense": "Fully connected layers and embeddings",
    "pool": "Pooling",
    "resample": "Resampling and padding",
    "sampling": "Sampling at computed positions",
    "norm": "Normalisation",
    "activation": "Activations and dropout",
    "gate": "Gated linear units",
    "arithmetic": "Arithmetic",
    "structure": "Shapes and axes",
    "rearrange": "Patterns of axes",
    "selection": "Selection by index and by size",
    "reduction": "Means and sums",
    "joins": "Joins",
    "product": "Products of tensors",
    "attention": "Attention",
    "recurrent": "Recurrent layers",
    "moe": "Mixtures of experts",
    "source": "Sources",
    "position": "Sources for attention",
}
"""The families of operators, as headings."""


class ConsoleLexer(RegexLexer):
    """A command after ``$`` and what it prints; unlike in Pygments' own lexer, a ``#`` in the output is no prompt."""

    tokens = {  # noqa: RUF012 (as Pygments declares it)
        "root": [(r"^(\$ )(.*\n)", bygroups(Generic.Prompt, using(BashLexer))), (r".*\n", Generic.Output)]
    }


def operator_reference() -> Iterator[str]:
    """Yield every operator with its arguments and formulas, family by family, as Markdown."""
    command = [sys.executable, "-m", "archcalc", "ops", "--format", "json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    families = [
        (TITLES[family], list(operators))
        for family, operators in groupby(json.loads(run.stdout), key=lambda operator: operator["family"])
    ]
    for title, operators in families:
        links = (f"[{operator['name']}](#{operator['name']})" for operator in operators)
        yield f"* {title}: {', '.join(links)}"
    for title, operators in families:
        yield f"\n## {title}\n"
        for operator in operators:
            yield from operator_section(operator)


def operator_section(operator: dict[str, Any]) -> Iterator[str]:
    """Yield the documentation of one operator."""
    yield f"### {operator['name']}\n"
    yield f"```text\n{operator['signature']}\n```\n"
    yield f"{prose(operator['summary'])} {prose(operator['description'])}\n"
    if operator["arguments"]:
        yield "| argument | how it is written | default | meaning |\n|---|---|---|---|"
        for argument in operator["arguments"]:
            written = ", ".join(ways_to_write(argument))
            default = default_of(argument)
            yield f"| `{argument['name']}` | {written} | {default} | {cell(argument['help'])} |"
        yield ""
    for title, key in (
        ("Shape", "shape"),
        ("Parameters", "params"),
        ("Cost", "cost"),
        ("Window", "window"),
        ("Gradient", "gradient"),
    ):
        yield f"- **{title}:** {prose(operator[key])}"
    yield f"- **Source:** {prose(operator['source'])}\n" if "source" in operator else ""


def default_of(argument: dict[str, Any]) -> str:
    """Return the default of an argument, as Markdown."""
    if argument["required"]:
        return "required"
    return f"`{argument['default']}`" if argument["default"] != "-" else "–"


def ways_to_write(argument: dict[str, Any]) -> Iterator[str]:
    """Yield the ways to write an argument, as Markdown."""
    if argument["positional"]:
        yield "positional"
    for way in (argument["short"], *argument["flags"], argument["written"]):
        if way:
            yield f"`{way}`".replace("|", r"\|")


def mistake_codes() -> Iterator[str]:
    """Yield the table of all codes, as Markdown."""
    affected: dict[str, set[str]] = {code: set() for code in CODES}
    for mistake in (*LAYER_MISTAKES, *CONVENTIONS, *SCALINGS, *ARRAY_MISTAKES):
        affected[mistake.code] |= mistake.affects
    yield "| code | sentence | quantities |\n|---|---|---|"
    for code, sentence in CODES.items():
        named = [f"`{name}`" for name in QUANTITIES if name in affected[code]]
        listed = ", ".join([*named, *(["`numbers`"] if NUMBERS in affected[code] else [])])
        yield f"| `{code}` | {cell(sentence)} | {listed} |"


def prose(text: str) -> str:
    """Return a text in which characters that are markup in Markdown are escaped outside of code spans."""
    return "".join(
        part if index % 2 else part.replace("*", r"\*").replace("<", r"\<") for index, part in enumerate(split(text))
    )


def split(text: str) -> list[str]:
    """Return the text outside and, at odd indices, inside of code spans."""
    return [f"`{part}`" if index % 2 else part for index, part in enumerate(text.split("`"))]


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return prose(text).replace("|", r"\|")


GALLERY = (
    ("lenet5", "blocks"),
    ("alexnet", "blocks"),
    ("vgg16", "blocks"),
    ("resnet18", "graph"),
    ("resnet50", "graph"),
    ("googlenet", "graph"),
    ("unet", "unet"),
    ("densenet121", "graph"),
    ("transformer", "graph"),
    ("vit_b_16", "graph"),
    ("gpt2", "graph"),
    ("squeezenet", "graph"),
)
"""The networks of the gallery, and how they are drawn."""


def gallery() -> Iterator[str]:
    """Yield the pictures of the gallery, as Markdown."""
    for name, style in GALLERY:
        option = f" --style {style}" if style != "graph" else ""
        yield f"### {archcalc.load(name).name}\n"
        yield f"`archcalc draw {name}{option} -o {name}.svg`\n"
        yield f"```{{image}} {picture(name, style)}\n:alt: {name} as a picture\n```\n"


def picture(name: str, style: str) -> str:
    """Draw a network into a file of the build that pages refer to by the name that is returned."""
    folder = ROOT / "docs" / "_build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    path.write_text(archcalc.load(name).draw(style=style).svg, encoding="utf-8")
    return f"_build/pictures/{path.name}"


GENERATED = {"operators": operator_reference, "checking/codes": mistake_codes, "draw": gallery}


def add_generated_part(app: Sphinx, name: str, source: list[str]) -> None:
    """Append to a page what the program knows about its subject."""
    if name in GENERATED:
        source[0] += "\n" + "\n".join(GENERATED[name]()) + "\n"


def setup(app: Sphinx) -> None:
    """Connect the generated parts and the lexers; ``yml`` marks YAML that is not a spec."""
    app.connect("source-read", add_generated_part)
    app.add_lexer("console", ConsoleLexer)
    app.add_lexer("yml", YamlLexer)
