"""Names of operators in other spellings, in other tools and in papers.

Specs may write the name of an operator in any case (``ReLU``). All other names are used only in hints.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from archcalc.ops.base import REGISTRY
from archcalc.spec.errors import suggest
from archcalc.spec.other_names import hint_for, plain


@cache
def in_any_case() -> dict[str, str]:
    """Return the names of all operators by their lower-case forms without underscores."""
    return {name.replace("_", ""): name for name in REGISTRY}


def operator_spelled(name: str) -> str:
    """Return the name of the operator that is written so, regardless of case and underscores; else the name itself.

    >>> operator_spelled("ReLU"), operator_spelled("LeakyReLU"), operator_spelled("nope")
    ('relu', 'leaky_relu', 'nope')
    """
    return name if name in REGISTRY else in_any_case().get(name.lower().replace("_", ""), name)


def operator_meant(name: str) -> str | None:
    """Return the name of the operator that has another name in other tools or papers; ``None`` if there is none.

    >>> operator_meant("BatchNorm2d"), operator_meant("swish"), operator_meant("nope")
    ('bn', 'silu', None)
    """
    word = plain(name)
    return next((each for each, cls in REGISTRY.items() if word == plain(each) or word in cls.aliases), None)


def suggest_operator(name: str, known: Iterable[str], otherwise: str = "`archcalc ops` lists all operators") -> str:
    """Return a hint for an unknown operator: what it is called here, or the most similar known name, or ``otherwise``.

    >>> suggest_operator("BatchNorm2d", ["maxpool"]), suggest_operator("maxpol", ["maxpool"])
    ("did you mean 'bn'?", "did you mean 'maxpool'?")
    """
    meant = operator_meant(name)
    if meant:
        return f"did you mean '{meant}'?"
    return hint_for(name) or suggest(name, known, otherwise)
