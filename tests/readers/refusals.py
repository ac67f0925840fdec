"""Files that readers refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc import SpecError


def reason(path: Path) -> str:
    """Return the only error of a file, which is about the file."""
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    (problem,) = caught.value.problems
    assert problem.origin == str(path)
    return problem.message
