"""HTML pages from the templates of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

FOLDER = Path(__file__).parent


def template(name: str, **filters: Callable[..., object]) -> Template:
    """Return the template of a page, which escapes what it is given.

    Args:
        name: the file of the template.
        filters: the functions that it uses, by their names there.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    environment.globals["verbatim"] = verbatim
    return environment.get_template(name)


def verbatim(name: str) -> Markup:
    """Return a style sheet or a script of this folder, for the element of a page that contains it."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))
