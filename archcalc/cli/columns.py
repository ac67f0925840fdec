"""The option ``--columns``, as several verbs have it."""

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
    given = [name.lower() for name in written.replace(",", " ").split()]
    names = tuple(name if name in known else ALIASES.get(name, name) for name in given)
    for name, asked in zip(names or ("",), given or ("",), strict=True):
        if name not in known:
            hint = suggest(asked, known, f"the columns are {', '.join(known)}")
            fail("argument", f"no column '{asked[:40]}'", hint=hint, origin="--columns")
    return names
