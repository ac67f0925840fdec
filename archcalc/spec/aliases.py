"""Names of operators in other tools and papers. They are used only in hints; specs cannot use them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archcalc.ops.base import REGISTRY
from archcalc.spec.errors import suggest


def suggest_operator(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown operator: the one that another tool calls so, or the most similar known name.

    >>> suggest_operator("BatchNorm2d", ["maxpool"]), suggest_operator("maxpol", ["maxpool"])
    ("did you mean 'bn'?", "did you mean 'maxpool'?")
    """
    plain = re.sub(r"_|[123]d", "", name.lower())
    meant = next((operator for operator, cls in REGISTRY.items() if plain in cls.aliases), None)
    return f"did you mean '{meant}'?" if meant else suggest(name, known, "`archcalc ops` lists all operators")
