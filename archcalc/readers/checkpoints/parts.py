"""The parts of a checkpoint of nested dictionaries: which one has the parameters of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archcalc.readers.checkpoints.torch_objects import StoredTensor
from archcalc.spec.errors import fail, listing, suggest

NETWORKS = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "params", "weights")
"""What the parameters of a network are called in checkpoints, the most common names first."""
NO_NETWORKS = ("optim", "sched", "scaler", "rng", "random", "amp", "hyper", "callback", "loop", "args", "config")
"""Beginnings or ends of the names of parts with other tensors."""
ALONE = "tensor"
"""The name of a tensor that is all of a file."""
SEPARATOR = "."
MAX_ITEMS = 5_000_000
"""The number of items of containers that are looked at; parts may share them."""
MAX_NAME = 1000
"""The largest number of characters of the name of a tensor."""


class ChosenPart(NamedTuple):
    """The tensors of one part."""

    part: str
    """Its name; empty if it is the entire file."""
    tensors: Mapping[str, StoredTensor]
    others: Mapping[str, Mapping[str, StoredTensor]]
    """The other parts by name."""


def choose(value: Any, asked: str, origin: str) -> ChosenPart:
    """Return the part of a checkpoint that has the parameters of the network, or the part that is asked for.

    Args:
        value: what the file holds.
        asked: the name of a part; empty for the parameters.
        origin: the name of the file in messages.

    Raises:
        SpecError: there are no tensors, no such part, or two tensors have the same name.
    """
    budget = iter(range(MAX_ITEMS))
    if isinstance(value, dict) and (_has_network(value) or not any(map(_is_tensor, value.values()))):
        parts = {key: _named(each, origin, budget) for key, each in value.items()}
        parts = {key: tensors for key, tensors in parts.items() if tensors}
    else:
        parts = {"": _named(value, origin, budget)}
    if not any(parts.values()):
        fail("format", "the file has no tensors", origin=origin)
    if asked:
        if asked not in parts:
            named = [name for name in parts if name]
            hint = suggest(asked, parts, listing("part", named) if named else "the file has no parts")
            fail("unknown-name", f"no part '{asked[:60]}'", hint=hint, origin=origin)
        chosen = [asked]
    else:
        chosen = _of_network(parts)
    others = {name: tensors for name, tensors in parts.items() if name not in chosen}
    if len(chosen) == 1:
        return ChosenPart(chosen[0], parts[chosen[0]], others)
    return ChosenPart("", _named({name: value[name] for name in chosen}, origin, budget), others)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, StoredTensor)


def _has_network(value: Mapping[str, Any]) -> bool:
    """Return whether a dictionary has the parameters of a network in a dictionary of their own."""
    return any(isinstance(value.get(name), dict) and any(map(_is_tensor, value[name].values())) for name in NETWORKS)


def _of_network(parts: Mapping[str, Any]) -> list[str]:
    """Return the names of the parts with parameters."""
    if len(parts) == 1:
        return [*parts]
    for name in NETWORKS:
        if name in parts:
            return [name]
    known = [name for name in parts if not name.lower().startswith(NO_NETWORKS)]
    known = [name for name in known if not any(each in name.lower() for each in NO_NETWORKS[:3])]
    return known or [*parts]


def _named(value: Any, origin: str, budget: Iterator[int]) -> dict[str, StoredTensor]:
    """Return the tensors in nested containers, by the names and indices that lead to them."""
    found: dict[str, StoredTensor] = {}
    seen: set[int] = set()  # a container may hold itself
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, each = waiting.pop()
        if len(name) > MAX_NAME:
            fail("limit", f"the name of a tensor has more than {MAX_NAME:,} characters", origin=origin)
        if isinstance(each, StoredTensor):
            if name in found:
                fail("format", f"two tensors have the name '{name[:80]}'", origin=origin)
            found[name or ALONE] = each
            continue
        if not isinstance(each, dict | list | tuple) or id(each) in seen:
            continue
        seen.add(id(each))
        items = each.items() if isinstance(each, dict) else enumerate(each)
        if any(next(budget, None) is None for _ in each):
            fail("limit", f"the file has more than {MAX_ITEMS:,} items", origin=origin)
        inner = [(f"{name}{SEPARATOR * bool(name)}{key}", item) for key, item in items if _may_hold(item)]
        waiting += inner[::-1]
    return found


def _may_hold(item: Any) -> bool:
    return isinstance(item, StoredTensor | dict | list | tuple)
