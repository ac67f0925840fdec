"""Numbers of a spec that obviously are variables: the classes, the vocabulary, and the width of a transformer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from archcalc.graph import Graph
from archcalc.ops.attention import Attention
from archcalc.writers.spec.chain_tree import Chain, Item, JoinItem, LayerItem, RepeatedItems, text

CLASSES, VOCAB, MODEL_WIDTH = "classes", "vocab", "width"
LARGEST = 8
"""The largest multiple of the width that is written as one."""
LEAST = 2
"""How often a width must occur to be a variable."""


def width_of(graph: Graph) -> int | None:
    """Return the number of features that all layers of attention of a network read, if it has several; or ``None``."""
    widths = [
        graph.shape(node.inputs[0])[-1]
        for node in graph.nodes
        if isinstance(node.op, Attention)  # the layers whose features are the width of a transformer
    ]
    return int(widths[0]) if len(widths) > 1 and len({*widths}) == 1 and isinstance(widths[0], int) else None


class Variables:
    """The variables of a spec, and its chains with their names in place of numbers."""

    def __init__(self, chains: Sequence[Chain], last: int, width: int | None, taken: set[str]) -> None:
        """Find the variables.

        Args:
            chains: the chains of the spec.
            last: the index of the last chain of the main path.
            width: the width of all layers of attention, if there is one.
            taken: the names that variables must not have.
        """
        self.chains = list(chains)
        self.values: dict[str, str] = {}
        found = classifier(self.chains[: last + 1])
        if found is not None:
            place, number = found
            words = vocabulary(number)
            is_read = any(words.search(text(chain)) for chain in self.chains)
            name = VOCAB if is_read else CLASSES
            if name not in taken:
                self.values[name] = number
                self.chains[place] = with_outputs(self.chains[place], name)
                if is_read:
                    self.chains = [mapped(chain, lambda layer: with_rows(layer, number)) for chain in self.chains]
        if width is not None and MODEL_WIDTH not in taken:
            named = [mapped(chain, lambda layer: with_width(layer, width)) for chain in self.chains]
            if sum(text(chain).count(MODEL_WIDTH) for chain in named) >= LEAST:
                self.values[MODEL_WIDTH] = str(width)
                self.chains = named


def classifier(chains: Sequence[Chain]) -> tuple[int, str] | None:
    """Return the chain whose last layer gives the classes, and their number.

    It is the last one that does not only pass on a tensor; it ends in a dense layer, perhaps with a softmax behind it.
    """
    for place in range(len(chains) - 1, -1, -1):
        chain = chains[place]
        if text(chain) == "identity":
            continue
        last = chain[-2] if text(chain[-1:]) in ("softmax", "log_softmax") and len(chain) > 1 else chain[-1]
        if isinstance(last, LayerItem) and last.words[0] in ("fc", "linear") and last.words[1].isdigit():
            return place, last.words[1]
        return None
    return None


def with_outputs(chain: Chain, name: str) -> Chain:
    """Return the chain of a classifier with a name for the number of outputs of its last dense layer."""
    place = len(chain) - 1
    while not isinstance((item := chain[place]), LayerItem) or item.words[0] not in ("fc", "linear"):
        place -= 1
    return (*chain[:place], LayerItem((item.words[0], name, *item.words[2:])), *chain[place + 1 :])


def vocabulary(number: str) -> re.Pattern[str]:
    """Return the pattern of an embedding of this many words."""
    return re.compile(rf"\bembedding {number}\b")


def with_rows(layer: LayerItem, number: str) -> LayerItem:
    """Return a layer with the name of the vocabulary if it is an embedding of as many words."""
    if layer.words[:2] == ("embedding", number):
        return LayerItem(("embedding", VOCAB, *layer.words[2:]))
    return layer


def with_width(layer: LayerItem, width: int) -> LayerItem:
    """Return a layer with the name of the width in place of its features, if they are the width or a multiple."""
    operator, *words = layer.words
    if operator in ("linear", "fc", "conv") and words and words[0].isdigit():
        times, rest = divmod(int(words[0]), width)
        if not rest and 1 <= times <= LARGEST:
            words[0] = MODEL_WIDTH if times == 1 else f"{times}*{MODEL_WIDTH}"
    elif operator == "embedding" and words[1] == str(width):
        words[1] = MODEL_WIDTH
    elif operator in ("learned", "constant", "reshape") and words:
        parts = words[0].split("x")
        *before, last = parts
        if before and last == str(width):
            words[0] = "x".join([*before, f"({MODEL_WIDTH})"])
    return LayerItem((operator, *words))


def mapped(chain: Chain, change: Callable[[LayerItem], LayerItem]) -> Chain:
    """Return a chain with other layers."""
    return tuple([_mapped(item, change) for item in chain])


def _mapped(item: Item, change: Callable[[LayerItem], LayerItem]) -> Item:
    if isinstance(item, LayerItem):
        return change(item)
    if isinstance(item, JoinItem):
        return JoinItem(item.name, tuple([mapped(branch, change) for branch in item.branches]), item.options)
    return RepeatedItems(mapped(item.body, change), item.times) if isinstance(item, RepeatedItems) else item
