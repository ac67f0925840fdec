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
    names = []
    for given in written.replace(",", " ").split() or [""]:
        name = given.lower()
        name = name if name in known else ALIASES.get(name, name)
        if name not in known:
            hint = suggest(given, known, f"the columns are {', '.join(known)}")
            fail("argument", f"no column '{given[:40]}'", hint=hint, origin="--columns")
        names.append(name)
    return tuple(names)
