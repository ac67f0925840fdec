"""What tools print, as recorded in ``tests/facts/prints.yaml``."""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.counters.count import Count
from tests.specs.published import read_facts


class Prints(NamedTuple):
    """What tools print for a model of a library."""

    network: str
    spec: str
    library: str
    values: dict[tuple[str, str], str]
    """The numbers as they are printed, by tool and quantity."""
    unlike: frozenset[tuple[str, str]]
    """Those that the bundled network cannot have."""


def recorded_prints() -> list[Prints]:
    """Return all recorded prints."""
    return [
        Prints(
            network=facts["network"],
            spec=facts["spec"],
            library=facts["source"],
            values={
                (tool, name): str(value)
                for tool, found in facts["prints"].items()
                for name, value in with_backward(found).items()
            },
            unlike=frozenset((tool, name) for tool, names in facts.get("unlike", {}).items() for name in names),
        )
        for facts in read_facts("prints.yaml")
    ]


def with_backward(found: dict[str, Any]) -> dict[str, Any]:
    """Return the prints of a tool with what its counter grows by in the backward pass."""
    if "training_flops" not in found:
        return found
    return {**found, "backward_flops": int(found["training_flops"]) - int(found["flops"])}


def differing(prints: Prints, counts: list[Count]) -> dict[tuple[str, str], Any]:
    """Return the prints that differ from counts, each as it is printed and as it is counted."""
    found = {(each.tool.key, each.quantity.name): (str(each.value), each.printed) for each in counts}
    return {key: (printed, *found[key]) for key, printed in prints.values.items() if printed not in found[key]}
