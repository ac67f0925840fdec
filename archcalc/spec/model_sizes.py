"""The sizes of a model file that ``--set`` gives by the names that the file has for them."""

from __future__ import annotations

from collections.abc import Collection

from archcalc.spec.errors import fail, suggest
from archcalc.spec.records import Given


def sizes_from(given: Given) -> dict[str, int]:
    """Return the sizes that ``--set`` gives, by name.

    Settings that are for other networks too (`Given.shared`) may be no sizes.

    Raises:
        SpecError: a value is not a positive integer.
    """
    sizes = {}
    for name, written in given.set.items():
        if written.isascii() and written.isdecimal() and 0 < len(written) < 1000 and int(written) > 0:
            sizes[name] = int(written)
        elif name not in given.shared:
            reason = f"only sizes of a model can be set; they must be positive integers, got '{written[:40]}'"
            fail("argument", reason, origin=f"--set {name[:40]}")
    return sizes


def require_names(given: Given, names: Collection[str]) -> None:
    """Require that the names of ``--set`` are names that the model has for sizes, unless they are for others too.

    Raises:
        SpecError: one is not.
    """
    for name in given.set:
        if name not in names and name not in given.shared:
            reason = f"no size '{name[:40]}' in the model" if names else f"no variable '{name[:40]}': a model has none"
            hint = suggest(name, names, f"the sizes with names are {', '.join(names)}") if names else ""
            fail("unknown-name", reason, hint=hint, origin=f"--set {name[:40]}")
