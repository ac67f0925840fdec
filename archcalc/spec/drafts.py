"""Layers that have been built but not named yet, and how those of a repeated chain follow from the first ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from archcalc.graph import Node, Ref
from archcalc.ops.base import Operator, Shapes
from archcalc.spec import syntax
from archcalc.spec.errors import Span, Text
from archcalc.spec.paths import CallFrame
from archcalc.spec.sharing import UNTIED, TiedWeights
from archcalc.spec.syntax import names_in


class Draft(NamedTuple):
    """A node before it has a name."""

    op: Operator
    inputs: tuple[Ref, ...]
    outputs: Shapes
    frame: CallFrame
    place: Span | None = None
    tied: TiedWeights = UNTIED


class Section(NamedTuple):
    """The names of the layers of a stage, in order, and the stage and head that they belong to."""

    names: list[str]
    stage: str | None = None
    head: str | None = None
    training: bool = False

    def nodes(self, drafts: Iterator[Draft]) -> Iterator[Node]:
        """Yield the next layers with their names and paths, which are known once all calls have been numbered."""
        names, stage, head, training = self
        above = (stage,) if stage else ()
        around, path = None, above
        for name, (op, inputs, outputs, frame, _, tied) in zip(names, drafts, strict=False):
            if frame is not around:
                around, path = frame, (*above, *frame.path())
            own = path if path == (name,) else (*path, name.rpartition("/")[2])
            yield Node(name, op, inputs, outputs, own, stage, head, training, tied)


class ExpandedChain(NamedTuple):
    """The layers of a chain that is independent of all but the shape of its input; see `Independence`."""

    drafts: list[Draft]
    """The layers. They read tensors by the index of a layer among them; negative for the input of the chain."""
    result: Ref
    steps: int
    """What the chain counts against the limit on calls and repetitions."""
    text: Text | None
    """The text of the stage that it was built in."""

    @classmethod
    def of(cls, drafts: list[Draft], first: int, result: Ref, steps: int, text: Text | None) -> ExpandedChain:
        """Return the layers of a chain, given those of a network from the index ``first`` on."""

        def own(ref: Ref) -> Ref:
            return Ref(ref.node - first, ref.output)

        relative = [draft._replace(inputs=tuple(map(own, draft.inputs))) for draft in drafts]
        return cls(relative, own(result), steps, text)

    def again(self, current: Ref, frame: CallFrame, text: Text | None, layers: list[Draft]) -> Ref:
        """Append the layers of the same chain at another place of the network, and return its result.

        Args:
            current: its input, of the same shape.
            frame: the enclosing block call or entry.
            text: the text of the stage; places in the text of the first one are the same in this one.
            layers: the layers of the network so far.
        """
        first = len(layers)
        moved = text is not None and text is not self.text
        for op, inputs, outputs, _, place, _ in self.drafts:
            if moved and place is not None and place.text is self.text:
                place = Span(text, place.start, place.end)  # type: ignore[arg-type]
            read = tuple([current if node < 0 else Ref(first + node, output) for node, output in inputs])
            layers.append(Draft(op, read, outputs, frame, place))
        node, output = self.result
        return current if node < 0 else Ref(first + node, output)


class Independence:
    """Decides which chains give the same layers wherever they stand, on an input of the same shape.

    They consist of operators whose arguments refer to no variable, repetition or tensor.

    Args:
        blocks: the names of the blocks.
    """

    def __init__(self, blocks: Collection[str]) -> None:
        self.blocks = blocks
        self.known: dict[int, bool] = {}
        """The result for every chain, by the identity of its items, which chains of the same text share."""

    def of(self, chain: syntax.Chain, names: Mapping[str, object]) -> bool:
        """Return whether a chain is independent; ``names`` are the variables and parameters around it."""
        items = id(chain.items)
        if items not in self.known:
            self.known[items] = all(self.of_item(item, names) for item in chain.items)
        return self.known[items]

    def of_item(self, item: syntax.Item, names: Mapping[str, object]) -> bool:
        """Return whether an item of a chain is independent."""
        if isinstance(item, syntax.Layer):
            is_named = item.name in names or item.name in self.blocks
            return not is_named and _are_constant(item.arguments, names)
        if isinstance(item, syntax.Join):
            return _are_constant(item.options, names) and all(self.of(branch, names) for branch in item.branches)
        return False


def _are_constant(arguments: tuple[syntax.Argument, ...], names: Mapping[str, object]) -> bool:
    """Return whether arguments depend on no more than the shape of the current tensor."""
    return not any(
        isinstance(argument.value, syntax.Reference)
        or any(used.name in names or used.name == "i" for used in names_in(argument.value))
        for argument in arguments
    )
