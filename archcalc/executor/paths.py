"""The layers between a loss and what its gradients are asked for of, and why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archcalc.executor import gradients  # noqa: F401  # registers them
from archcalc.executor.errors import ArrayError
from archcalc.executor.gradient import GRADIENTS
from archcalc.executor.weights import array_names, stored_array_shapes
from archcalc.graph import Graph, Ref


class Paths:
    """The layers between a loss and what its gradients are asked for of."""

    def __init__(self, graph: Graph, names: Iterable[str], losses: Iterable[str], *, training: bool) -> None:
        """Find the paths.

        Args:
            graph: the network.
            names: inputs, layers, stages, and stored arrays by ``layer.array``.
            losses: the tensors that the loss is computed from.
            training: whether training heads run.

        Raises:
            ArrayError: a name that does not exist, or that has no gradient, with the reason.
        """
        self.graph, self.names = graph, tuple(dict.fromkeys(names))
        self.losses = {name: self._tensor(name) for name in losses}
        known = stored_array_shapes(graph, training=training)
        self.arrays = {name for name in self.names if name in known}
        self.tensors = {name: self._tensor(name) for name in self.names if name not in known}
        self._runs = [*graph.running(training=training)]
        self._reached, self._derived = self._before()
        if without := dict(self._without_gradient()):
            raise ArrayError([*without.values()])
        self.carrying = set(self.tensors.values())
        """The tensors through which what was asked for acts on others."""
        self.layers: set[int] = set()
        """The layers behind which something lies that was asked for."""
        for index, node in self._runs:
            read = [ref in self.carrying for ref in node.inputs]
            if any(read) or not self.arrays.isdisjoint(array_names(graph, node).values()):
                if type(node.op) in GRADIENTS:
                    self.layers.add(index)
                self.carrying.update(graph.made_by(index))

    @classmethod
    def derivable(cls, graph: Graph, losses: Iterable[str], *, training: bool) -> list[str]:
        """Return the inputs and stored arrays that a loss has gradients with respect to, in graph order."""
        paths = cls(graph, (), losses, training=training)
        paths.names = (*graph.inputs, *stored_array_shapes(graph, training=training))
        paths.arrays = set(paths.names[len(graph.inputs) :])
        paths.tensors = {**graph.input_refs}
        without = dict(paths._without_gradient())
        return [name for name in paths.names if name not in without]

    def _tensor(self, name: str) -> Ref:
        found = self.graph.find(name)
        if found is None:
            raise ArrayError([f"there is no input, layer or stored array '{name[:60]}'"])
        return found

    def _before(self) -> tuple[set[Ref], set[Ref]]:
        """Return the tensors on which the loss depends, and those of them that it has a gradient with respect to."""
        reached, derived = set(self.losses.values()), set(self.losses.values())
        for index, node in reversed(self._runs):
            made = self.graph.made_by(index)
            if not reached.isdisjoint(made):
                reached.update(node.inputs)
            for ref in derived.intersection(made):
                derived.update(read for place, read in enumerate(node.inputs) if node.op.passes(ref.output, place))
        return reached, derived

    def _without_gradient(self) -> Iterator[tuple[str, str]]:
        """Yield every name that the loss has no gradient with respect to, with a sentence that says why."""
        made_with: dict[str, list[Ref]] = {name: [] for name in self.arrays}
        trained: set[str] = set()
        for index, node in self._runs:
            untrained = {each.name for each in node.op.weights(self.graph.input_shapes(node)) if not each.trainable}
            for own, name in array_names(self.graph, node).items():
                if name in made_with:
                    made_with[name] += self.graph.made_by(index)
                    if own not in untrained:
                        trained.add(name)
        for name in self.names:
            refs = made_with[name] if name in self.arrays else [self.tensors[name]]
            if name in self.arrays and name not in trained:
                yield name, f"'{name}' has no gradient: it is not trained"
            elif self._derived.isdisjoint(refs):
                yield name, self._reason(name, set(refs))

    def _reason(self, name: str, refs: set[Ref]) -> str:
        """Return why there is no gradient: the layer that every path from a name to the loss goes through."""
        if self._reached.isdisjoint(refs):
            return f"the loss does not depend on '{name}'"
        behind = set(refs)
        for index, node in self._runs:
            made = self._reached.intersection(self.graph.made_by(index))
            for place, ref in enumerate(node.inputs):
                if ref in behind and made:
                    without = node.op.no_gradient
                    if without is not None and not any(node.op.passes(each.output, place) for each in made):
                        reason = f"'{node.name}' ({node.op.name}) passes none on ({without.reason})"
                        return f"'{name}' has no gradient: {reason}"
                    behind.update(made)
        owner = next(self.graph.nodes[ref.node] for ref in refs)
        return f"'{name}' has no gradient: the output of '{owner.name}' ({owner.op.name}) that is read has none"
