"""What other tools and papers call the operators: for the hint at a name that is none here, never for reading one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archcalc.ops.base import REGISTRY
from archcalc.spec.errors import suggest


def suggest_operator(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is no operator: what another tool calls so, or the nearest of ``known``.

    >>> suggest_operator("BatchNorm2d", ["maxpool"]), suggest_operator("maxpol", ["maxpool"])
    ("did you mean 'bn'?", "did you mean 'maxpool'?")
    """
    plain = re.sub(r"_|[123]d", "", name.lower())
    meant = next((operator for operator, cls in REGISTRY.items() if plain in cls.aliases), None)
    return f"did you mean '{meant}'?" if meant else suggest(name, known, "`archcalc ops` lists all operators")
