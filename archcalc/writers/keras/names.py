"""Names in Keras's code: those of models, layers and functions."""

from __future__ import annotations

import re

NAME = "{name}"
"""What stands for the name of a call in the names of the layers of a function."""


def joined(prefix: str, name: str, separator: str) -> str:
    """Return the name of a layer in what has a name."""
    own = legal(name)
    if prefix.endswith("/"):  # the layers of a model in the model have names of their own
        return f"{prefix}{own}"
    return f"{prefix}{separator}{own}" if prefix and own else prefix or own


def model_name(name: str) -> str:
    """Return the name of a model, which is none for an inline expression."""
    found = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")
    return "network" if "->" in name or not found else found


def legal(name: str) -> str:
    """Return a name with underscores in place of what Keras does not allow."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name) if name != NAME else name


def text_of(name: str) -> str:
    """Return a name as it is written."""
    return f'f"{name}"' if "{" in name and name != NAME else "name" if name == NAME else f'"{name}"'


def snake_case(name: str) -> str:
    """Return the name of a class as that of a function."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d+$)", "_", name).lower()
