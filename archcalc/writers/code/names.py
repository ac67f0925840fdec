"""Names of layers as identifiers of Python."""

from __future__ import annotations

import builtins
import re
from collections.abc import Container
from keyword import iskeyword
from typing import NamedTuple

BUILTINS = frozenset(dir(builtins))


class ReservedNames(NamedTuple):
    """The names that mean something else in a file."""

    attributes: frozenset[str]
    """Those that every module has."""
    globals: frozenset[str]
    """Those that the code reads: what is built in, what it imports, and the classes and functions that it defines."""


def identifier(name: str, taken: Container[str] = ()) -> str:
    """Return a name as an identifier: with underscores in place of other characters, and with a word before a digit.

    A keyword, and a name that is taken, is followed by an underscore. Two underscores at the beginning would make the
    name a different one within a class.
    """
    made = re.sub(r"\W+", "_", name, flags=re.ASCII)
    made = f"stage_{made}" if not made or made[0].isdigit() or made.startswith("__") else made
    while iskeyword(made) or made in taken:
        made += "_"
    return made


def is_identifier(name: str) -> bool:
    """Return whether a name is one in the code as it is."""
    return identifier(name) == name


def variable_name(name: str, taken: Container[str]) -> str:
    """Return the name of a variable for a tensor with this name."""
    return identifier(identifier(name).lower(), taken)
