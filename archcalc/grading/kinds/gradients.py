"""The gradient that a question asks for, and the loss that it is one of, as ``run --backward`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archcalc.executor.loss_kinds import LOSSES, LossKind
from archcalc.grading.kinds.entries import ArrayEntry, read_arrays, read_entry
from archcalc.spec.errors import Text, fail, suggest, whole_text

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.asked_arrays import AskedGradient
    from archcalc.diagnosis.arrays.computation import Computation
    from archcalc.executor.losses import Loss
    from archcalc.graph import Ref


@dataclass(frozen=True)
class WrittenGradient:
    """The gradient of a loss with respect to an input, a layer or a stored array."""

    name: Text
    """What it is the gradient with respect to, perhaps with the index of one number."""
    loss: Text | None = None
    """The name of the loss; ``None`` for the sum."""
    targets: Mapping[str, Text] = field(default_factory=dict)
    """What the loss compares outputs with, by name; the first one may have an empty name."""
    upstream: Text | None = None
    """The gradient of the output, in place of a loss."""

    def asked(self, computation: Computation, layer: str) -> tuple[AskedGradient, ArrayEntry]:
        """Return the gradient, and what it is the gradient with respect to.

        Args:
            computation: the network with its numbers.
            layer: the layer whose output the loss is computed from, unless the targets name others.

        Raises:
            SpecError: the name, the loss or an array does not fit.
        """
        from archcalc.diagnosis.arrays.asked_arrays import AskedGradient
        from archcalc.executor.errors import ArrayError
        from archcalc.executor.losses import Loss
        from archcalc.executor.paths import Paths
        from archcalc.executor.weights import stored_array_shapes

        graph = computation.graph
        entry = read_entry(self.name, graph, stored_array_shapes(graph, training=computation.training))
        kind = self._kind()
        refs = self._tensors(computation, layer)
        losses = [self._loss(kind, computation, name, ref) for name, ref in refs.items()]
        loss = Loss(
            {name: term for each in losses for name, term in each.terms.items()},
            losses[0].kind,
            {name: array for each in losses for name, array in each.given.items()},
        )
        try:
            Paths(graph, [entry.name], loss.terms, training=computation.training)
        except ArrayError as error:
            fail("key", str(error), whole_text(self.name))
        shapes = {name: tuple(map(int, graph.shape(ref))) for name, ref in refs.items()}
        return AskedGradient(entry.name, loss, shapes), entry

    def _kind(self) -> LossKind:
        if self.loss is None:
            return "sum"
        written = self.loss.value.strip()
        for kind in LOSSES:
            if written.replace("-", "_") == kind:
                return kind
        hint = suggest(written, LOSSES, "leave it out for the sum of the output")
        fail("key", f"a loss must be one of {', '.join(LOSSES)}, got '{written[:20]}'", whole_text(self.loss), hint)

    def _tensors(self, computation: Computation, layer: str) -> dict[str, Ref]:
        """Return the tensors that the loss is computed from, by name."""
        graph = computation.graph
        found: dict[str, Ref] = {}
        for name, text in ({name or layer: text for name, text in self.targets.items()} or {layer: self.name}).items():
            ref = graph.find(name)
            if ref is None:
                hint = suggest(name, [node.name for _, node in graph.layers()])
                fail("key", f"there is no layer '{name[:60]}'", whole_text(text), hint)
            found[name] = ref
        return found

    def _loss(self, kind: LossKind, computation: Computation, name: str, ref: Ref) -> Loss:
        """Return the loss of one tensor."""
        from archcalc.executor.errors import ArrayError
        from archcalc.executor.losses import loss_of, target_shape

        graph, batch = computation.graph, len(next(iter(computation.inputs.values())))
        what, text = "upstream", self.upstream
        if text is None:
            what, text = "target", self.targets.get(name) or self.targets.get("")
        if text is None:
            if kind == "sum":
                return loss_of(graph, kind, {name: ref}, {}, None, batch=batch)
            example = "the number of the class" if kind == "cross_entropy" else "an array with the shape of the output"
            fail("missing", f"the loss {kind} needs a target", whole_text(self.name), f"give target: {example}")
        try:
            shape = target_shape(kind, graph, ref, name)
            one = shape or (batch,)  # one number for every example
            given = read_arrays({what: text}, {what: one}, what, batch if shape else None)[what]
            targets, upstream = ({name: given}, None) if self.upstream is None else ({}, given)
            return loss_of(graph, kind, {name: ref}, targets, upstream, batch=batch)
        except ArrayError as error:
            fail("key", str(error), whole_text(text))
