"""Reading settings with one or several values, such as ``alpha=0.25:1:0.25`` or ``H=W=128:512:32``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from archcalc.graph import is_axis
from archcalc.query.conditions import read_name
from archcalc.query.grid import GridAxis
from archcalc.spec import GivenSettings
from archcalc.spec.errors import fail
from archcalc.spec.limits import Limits
from archcalc.spec.ranges import read_values
from archcalc.spec.syntax import Name


class ParsedSettings(NamedTuple):
    """The settings with one value, and the axes of a sweep."""

    given: GivenSettings
    """The variables and input shapes with one value, as written."""
    fixed: dict[str, Any]
    """The input sizes and attributes of layers with one value."""
    axes: list[GridAxis]
    """The settings with several values."""
    shapes: dict[str, str]
    """The axes whose values are complete shapes of an input, with the name of that input."""


def read_settings(settings: Sequence[str], shapes: Sequence[str], layout: str | None, limits: Limits) -> ParsedSettings:
    """Read ``--set NAME=VALUES`` and ``--shape H=VALUES``; ``A=B=VALUES`` sets both names to the same value.

    Raises:
        SpecError: values cannot be read, or a name is missing or set twice.
    """
    texts: dict[str, str] = {}
    fixed_shapes: dict[str, str] = {}
    fixed: dict[str, Any] = {}
    axes: list[GridAxis] = []
    full_shapes: dict[str, str] = {}
    taken: set[str] = set()
    for option, text in (*(("--set", text) for text in settings), *(("--shape", text) for text in shapes)):
        joint, equals, written = (part.strip() for part in text.rpartition("="))
        names = [name.strip() for name in joint.split("=")]
        if (not equals and option == "--set") or (equals and not all(names)):
            fail("argument", f"{option} must be NAME=VALUES, got '{text[:60]}'", origin=option)
        for name in names:
            if name in taken:
                fail("duplicate", f"'{name[:40] or 'the shape'}' is set twice", origin=f"{option} {text[:40]}")
        taken |= {*names}
        values = read_values(f"{option} {joint}".strip(), written, limits)
        if option == "--shape" and not all(map(is_axis, names)):
            if len(values) == 1:
                fixed_shapes[joint] = written
            else:
                axes.append(GridAxis(joint or "input", tuple(map(str, values))))
                full_shapes[joint or "input"] = joint
            continue
        if option == "--shape":
            require_positive(values, f"{option} {joint}")
        if len(values) > 1:
            axes.append(GridAxis("=".join(names), values))
        elif option == "--shape" or "." in joint:
            fixed.update(dict.fromkeys(names, values[0]))
        else:
            texts.update(dict.fromkeys(names, written))
    later = [name for joint in (*fixed, *(axis.name for axis in axes)) for name in joint.split("=")]
    return ParsedSettings(GivenSettings(texts, fixed_shapes, layout, later=tuple(later)), fixed, axes, full_shapes)


def require_positive(values: Sequence[Any], origin: str) -> None:
    """Raise an error unless all values are positive integers."""
    wrong = [
        value for value in (values if isinstance(values, tuple) else (values[0], values[-1])) if _is_invalid_size(value)
    ]
    if not isinstance(values, tuple | range):  # a range of fractions
        wrong = wrong or [values[1]]
    if wrong:
        fail("shape", f"sizes must be positive integers, got {wrong[0]}", origin=origin)


def _is_invalid_size(value: Any) -> bool:
    return type(value) is not int or value < 1


def read_names(option: str, written: str) -> list[Name]:
    """Read names of quantities, separated by commas, in the notation of targets.

    Raises:
        SpecError: one of them is not a name, or there are none.
    """
    names = []
    start = 0
    for piece in written.split(","):
        if piece.strip():
            names.append(read_name(option, piece, start))
        start += len(piece) + 1
    if not names:
        fail("argument", "must name at least one quantity", origin=option)
    return names
