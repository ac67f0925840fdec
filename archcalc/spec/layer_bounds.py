"""Lower bounds of the number of layers of a chain, without expanding it: a network above its limit is rejected at
once."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.numeric import Impossible, PlainNumberRequired
from archcalc.spec import syntax
from archcalc.spec.arguments import is_operator
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.network import Block
from archcalc.spec.syntax import names_in
from archcalc.spec.values import Names, Scope, Value, evaluate

MAX_ITEMS = 10_000
"""The maximum number of items that are examined; blocks that call others can have many more in all."""


class LayerBounds:
    """Counts layers, for one network.

    Args:
        blocks: the blocks of the network.
        variables: the values of its variables.
        limits: limits on the work.
    """

    def __init__(self, blocks: Mapping[str, Block], variables: Names, limits: Limits) -> None:
        self.blocks = blocks
        self.variables = variables
        self.limits = limits
        self.items_left = MAX_ITEMS
        self.known: dict[int, int] = {}
        """The result for every chain, by the identity of its items, which chains of the same text share."""

    def least(self, chain: syntax.Chain) -> int:
        """Return a lower bound of the number of layers of a chain.

        Repetitions whose number depends on the current tensor, or is invalid, count as none.
        """
        items = id(chain.items)
        if items not in self.known:
            self.known[items] = self._chain(chain, self.variables)
        return self.known[items]

    def _chain(self, chain: syntax.Chain, names: Mapping[str, Value | None]) -> int:
        total = 0
        for item in chain.items:
            self.items_left -= 1
            if self.items_left < 0 or total > self.limits.layers:
                break
            total += self._item(item, names)
        return total

    def _item(self, item: syntax.Item, names: Mapping[str, Value | None]) -> int:
        if isinstance(item, syntax.Repeat):
            times = 1 if item.times is None else self._value(item.times, names)
            return times * self._chain(item.body, names) if type(times) is int and times > 0 else 0
        if isinstance(item, syntax.Join):
            joined = len(item.branches) > 1 or bool(item.options)  # otherwise, the only match of `@x*` passes through
            return joined + sum(self._chain(branch, names) for branch in item.branches)
        if isinstance(item, syntax.Entries):
            return sum(self._chain(entry.chain, names) for entry in item.entries)
        if isinstance(item, syntax.Reference | syntax.If):
            return 0
        block = self.blocks.get(item.name)
        if block is None:
            return int(item.name != "identity" and item.name not in names and is_operator(item.name))
        given = dict(zip((name for name, _, _ in block.signature.parameters), item.arguments, strict=False))
        given |= {argument.name: argument for argument in item.arguments if argument.name}
        own: dict[str, Value | None] = {}
        for name, default, _ in block.signature.parameters:
            argument = given.get(name)
            value, scope = (default, {**self.variables, **own}) if argument is None else (argument.value, names)
            own[name] = None if value is None else self._value(value, scope)
        return self._chain(block.body, {**self.variables, **own})

    def _value(self, value: syntax.ArgumentValue, names: Mapping[str, Value | None]) -> Value | None:
        """Return a value; ``None`` if it depends on the current tensor, is of another kind, or is invalid."""
        known = {name: held for name, held in names.items() if held is not None}
        if any(name.name in names and name.name not in known for name in names_in(value)):
            return None
        try:
            return evaluate(value, Scope(known, None, self.limits))
        except (SpecError, Impossible, PlainNumberRequired):
            return None
