"""What each operator needs besides its class: for a new operator, this test names what is missing."""

from __future__ import annotations

import inspect

import pytest

from archcalc.executor import gradients, kernels, loops  # noqa: F401  # register theirs
from archcalc.executor.gradient import GRADIENTS
from archcalc.executor.kernel import KERNELS
from archcalc.executor.loops.tensor import DEFINITIONS
from archcalc.ops import FAMILY_NAMES
from archcalc.ops.base import REGISTRY, Operator
from archcalc.writers.onnx import write  # noqa: F401  # registers how layers are written
from archcalc.writers.onnx.registry import LAYERS
from tests.operators import ENTRIES


def missing(cls: type[Operator]) -> list[str]:
    """Return what an operator lacks, and where it belongs."""
    name, family = cls.name, cls.family
    documented = "\nSource:" in inspect.cleandoc(cls.__doc__ or "")
    lacking = {
        "a family that is listed in archcalc/ops/__init__.py": family not in FAMILY_NAMES,
        f"a kernel in archcalc/executor/kernels/{family}.py": cls not in KERNELS,
        f"a gradient in archcalc/executor/gradients/{family}.py, or the reason why it has none": (
            cls not in GRADIENTS and cls.no_gradient is None
        ),
        f"a definition by loops in archcalc/executor/loops/{family}.py": cls not in DEFINITIONS,
        f"a function in archcalc/writers/onnx/{family}.py": name not in LAYERS,
        f"an entry in tests/operators/{family}.py (how it is drawn, and PyTorch)": name not in ENTRIES,
        "a docstring with its source": not documented,
        **{f"help for its argument '{each.name}'": not each.argument.help for each in cls.parameters()},
    }
    return [what for what, lacks in lacking.items() if lacks]


@pytest.mark.parametrize("name", REGISTRY)
def test_operators_are_complete(name: str) -> None:
    assert not missing(REGISTRY[name])


def test_missing_parts_are_named() -> None:
    class Bare(Operator):
        name = "bare"

    assert len(missing(Bare)) == 7
    assert "a kernel in archcalc/executor/kernels/.py" in missing(Bare)


def test_entries_are_for_operators_only() -> None:
    assert ENTRIES.keys() <= REGISTRY.keys()
