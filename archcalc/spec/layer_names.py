"""The names of layers: those of their entries, or operators with numbers where several are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence


class LayerNames:
    """Names the layers of a network, stage by stage.

    Args:
        taken: the names of stages, heads and inputs, which no layer outside a stage may have.
    """

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = taken
        self.local: dict[int, str] = {}
        """The names of layers that have the name of their entry, by index."""
        self.unnamed: Counter[str] = Counter()

    def of(self, stage: str | None, first: int, operators: Sequence[str]) -> list[str]:
        """Return the names of the layers of a stage.

        Args:
            stage: the name of the stage, if it has one.
            first: the index of its first layer.
            operators: the names of their operators.
        """
        local = self.local
        labels = [local.get(index, name) for index, name in enumerate(operators, first)] if local else operators
        if stage is None:
            return [self.next_unnamed(label) for label in labels]
        if len(labels) == 1:
            return [stage]
        total = Counter(labels)
        seen: Counter[str] = Counter()
        names = []
        for label in labels:
            seen[label] += 1
            names.append(f"{stage}/{label}" if total[label] == 1 else f"{stage}/{label}_{seen[label]}")
        return names

    def next_unnamed(self, label: str) -> str:
        """Return the next ``label_N`` that is not the name of a stage."""
        while True:
            self.unnamed[label] = number = self.unnamed[label] + 1
            name = f"{label}_{number}"
            if name not in self.taken:
                return name

    def forget(self, first: int) -> None:
        """Forget the entries of the layers from an index on."""
        self.local = {index: name for index, name in self.local.items() if index < first}
