"""The operators of the language, one file per family.

To add one, see ``CONTRIBUTING.md``.
"""

from importlib import import_module

from archcalc.ops.base import OPERATION_KINDS, REGISTRY, Cost, Operator, Shape, Shapes, Weight
from archcalc.ops.window import Reach, Window

FAMILY_NAMES = (
    "conv",
    "dense",
    "pool",
    "resample",
    "sampling",
    "norm",
    "activation",
    "gate",
    "arithmetic",
    "structure",
    "rearrange",
    "selection",
    "reduction",
    "joins",
    "product",
    "attention",
    "recurrent",
    "moe",
    "source",
    "position",
)
"""The families in the order of the documentation. Kernels, definitions by loops and tests have a file for each."""


def import_families(package: str) -> None:
    """Import the files of all families in a package, which registers what they define."""
    for name in FAMILY_NAMES:
        import_module(f"{package}.{name}")


import_families(__name__)  # registers the operators

__all__ = [
    "FAMILY_NAMES",
    "OPERATION_KINDS",
    "REGISTRY",
    "Cost",
    "Operator",
    "Reach",
    "Shape",
    "Shapes",
    "Weight",
    "Window",
    "import_families",
]
