"""Names of columns in options: ``--columns``, as several verbs have it, and options for a column of numbers."""

from __future__ import annotations

from archcalc.query.quantities import ALIASES as QUANTITY_ALIASES
from archcalc.spec.errors import fail, suggest

ALIASES = {"operator": "op", "name": "layer", "shape": "output", **QUANTITY_ALIASES}
"""Other names of columns."""


def chosen_columns(written: str | None, known: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of ``--columns a,b,c``.

    Raises:
        SpecError: an unknown name.
    """
    if written is None:
        return default
    names = []
    for given in written.replace(",", " ").split() or [""]:
        name = _known_name(given, known)
        if name not in known:
            hint = suggest(given, known, f"the columns are {', '.join(known)}")
            fail("argument", f"no column '{given[:40]}'", hint=hint, origin="--columns")
        names.append(name)
    return tuple(names)


def number_column(given: str, numbers: tuple[str, ...], option: str) -> str:
    """Return the column of numbers that an option names.

    Args:
        given: the value of the option.
        numbers: the columns of numbers.
        option: the name of the option, for errors.

    Raises:
        SpecError: there is no such column, or it has no numbers.
    """
    name = _known_name(given.strip(), numbers)
    if name not in numbers:
        hint = suggest(given, numbers, f"the columns of numbers are {', '.join(numbers)}")
        fail("argument", f"must be a column of numbers, got '{given[:40]}'", hint=hint, origin=option)
    return name


def _known_name(given: str, known: tuple[str, ...]) -> str:
    """Return the name of a column in small letters, as it is known."""
    name = given.lower()
    return name if name in known else ALIASES.get(name, name)
