"""Rows of a comparison: blocks that were added or removed as a whole, and repeated changes as one row with a number."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from archcalc.changes.align import Alignment
from archcalc.changes.layers import AttributeChange, Kind, LayerChange
from archcalc.changes.tree import Branch, Tree
from archcalc.numeric import Number

COUNTER = re.compile(r"_?\d+")
"""The number at the end of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One or several equal changes."""

    kind: Kind
    label: str
    """What was added or removed, without its number: ``rest``, ``conv``; empty for a block whose name is a number. For
    other kinds, the operator."""
    places: tuple[str, ...]
    """The paths of the layers or blocks, one for each time."""
    changes: tuple[LayerChange, ...]
    """The layers of all of them."""
    is_block: bool = False
    attributes: tuple[AttributeChange, ...] = ()
    """The changed attributes of the first layer."""
    factors: tuple[Fraction | None, ...] = ()
    """The ratio of each attribute to what it was, if the values of the repeated changes differ and their ratio does
    not."""

    @property
    def unit(self) -> Literal["layer", "block", "stage"]:
        """What was added or removed; a part that is in no other one is a stage."""
        return "layer" if not self.is_block else "block" if any(self.parents) else "stage"

    @property
    def times(self) -> int:
        """How often the change is repeated."""
        return len(self.places)

    @property
    def layers(self) -> int:
        """The number of layers of all of them."""
        return len(self.changes)

    def delta(self, count: str) -> Number:
        """Return what all of them together add to a count."""
        return sum([change.deltas[count] for change in self.changes])

    @property
    def parents(self) -> tuple[str, ...]:
        """The paths of what contains each place."""
        if self.is_block:
            return tuple([place.rpartition("/")[0] for place in self.places])
        return tuple(["/".join(change.layer.path[:-1]) for change in self.changes])


def rows_of(alignment: Alignment, changes: Iterable[LayerChange]) -> list[ChangeRow]:
    """Return the rows of a comparison, in the order of the first change of each; ``affected`` layers are the last one.

    Args:
        alignment: the aligned networks.
        changes: the differences of their layers.
    """
    changes = list(changes)
    units = {
        **_whole(alignment.old, {*alignment.pairs}, "removed"),
        **_whole(alignment.new, {*alignment.pairs.values()}, "added"),
    }
    grouped: dict[Hashable, list[_Unit]] = {}
    affected = []
    seen: set[int] = set()
    for change in changes:
        if change.kind == "affected":
            affected.append(change)
            continue
        if change.kind == "changed":
            unit = _Unit(change.layer.name, change.layer.op, [change], is_block=False)
            grouped.setdefault(_key(change), []).append(unit)
            continue
        unit, key = units[change.kind, change.layer.node]
        unit.changes.append(change)
        if id(unit) not in seen:
            seen.add(id(unit))
            grouped.setdefault((change.kind, key), []).append(unit)
    rows = [_row(units) for units in grouped.values()]
    if affected:
        names = tuple([change.layer.name for change in affected])
        rows.append(ChangeRow(kind="affected", label="", places=names, changes=tuple(affected)))
    return rows


@dataclass(slots=True)
class _Unit:
    """A block or layer that was added or removed as a whole, or a changed layer."""

    place: str
    label: str
    changes: list[LayerChange]
    is_block: bool


def _whole(tree: Tree, paired: set[int], kind: Kind) -> dict[tuple[Kind, int], tuple[_Unit, Hashable]]:
    """Return the unit of every layer that has no partner, by its node, with a key that is equal for equal units."""
    if len(paired) == len(tree.layers):
        return {}
    lone = [0, *accumulate(int(index not in paired) for index in range(len(tree.layers)))]
    found: dict[tuple[Kind, int], tuple[_Unit, Hashable]] = {}
    for branch in _largest(tree.root.children(), lone):
        label = COUNTER.sub("", branch.name) if NAMED.fullmatch(branch.name) else ""
        label = branch.layer.op if branch.is_layer else label
        unit = _Unit(branch.path, label, [], is_block=not branch.is_layer)
        key = (branch.key, label, branch.is_layer)
        found.update({(kind, layer.node): (unit, key) for layer in branch.layers})
    return found


NAMED = re.compile(r"[^\d].*?(_?\d+)?")
"""A name with at least a letter before its number."""


def _largest(branches: Iterable[Branch], lone: list[int]) -> Iterator[Branch]:
    """Yield the largest branches that have no layers with a partner, given how many have none up to each layer."""
    for branch in branches:
        count = lone[branch.stop] - lone[branch.start]
        if count == branch.stop - branch.start:
            yield branch
        elif count:
            yield from _largest(branch.children(), lone)


def _key(change: LayerChange) -> Hashable:
    """Return what repeated changes have in common: the attributes, or how widths are multiplied."""
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    attributes = tuple((each.name, _factor(each) or (each.before, each.after)) for each in change.attributes)
    whole = change.operators if before.op != after.op and change.operators[0] == before.op else ()
    return (before.op, after.op, whole, attributes, change.reads is not None)


def _factor(change: AttributeChange) -> Fraction | None:
    """Return the ratio of an attribute that is a width to what it was."""
    if not change.is_width or not (change.before.isdecimal() and change.after.isdecimal()) or change.before == "0":
        return None
    return Fraction(int(change.after), int(change.before))


def _row(units: list[_Unit]) -> ChangeRow:
    first = units[0].changes[0]
    values = {unit.changes[0].attributes for unit in units}
    factors = tuple(_factor(each) if len(values) > 1 else None for each in first.attributes)
    return ChangeRow(
        kind=first.kind,
        label=units[0].label,
        places=tuple([unit.place for unit in units]),
        changes=tuple([change for unit in units for change in unit.changes]),
        is_block=units[0].is_block,
        attributes=first.attributes,
        factors=factors,
    )
