"""What a training step depends on besides the network, the batch and the number formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archcalc.analysis.formats import read_format
from archcalc.graph import Graph


class Optimizer(NamedTuple):
    """An optimizer: what it stores for every trained parameter."""

    states: tuple[str, ...]
    """The names of the numbers that it stores per parameter."""
    source: str


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer((), "Robbins & Monro 1951"),
    "momentum": Optimizer(("momentum",), "Polyak 1964"),
    "adam": Optimizer(("first moment", "second moment"), "Kingma & Ba 2015"),
    "adamw": Optimizer(("first moment", "second moment"), "Loshchilov & Hutter 2019"),
}


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """How a network is trained.

    Raises:
        ValueError: the optimizer or the number format is unknown.
    """

    optimizer: str = "sgd"
    """One of `OPTIMIZERS`."""
    frozen: tuple[str, ...] = ()
    """The layers, stages and block calls that are not trained."""
    in_place: bool = False
    """Whether activations and dropout write their output over their input, where they can."""
    master: str = ""
    """The number format of a second copy of the trained parameters, and of the state of the optimizer; empty: there is
    no copy."""
    checkpoints: tuple[str, ...] = ()
    """The stages, block calls or layers of which only the inputs are kept; their tensors are computed anew. ``stage/*``
    stands for every entry of a stage on its own."""
    as_pytorch: bool = False
    """Whether the saved tensors are those that PyTorch keeps, although the mathematics needs fewer."""

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"the optimizer must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer[:40]!r}")
        if self.master:
            read_format(self.master)


DEFAULT_SETUP = TrainingSetup()


class SetupLayers(NamedTuple):
    """The layers that a setup treats differently, by their indices."""

    frozen: frozenset[int]
    checkpoints: tuple[tuple[int, ...], ...]
    """The layers of each checkpoint."""


def layers_of_setup(setup: TrainingSetup, graph: Graph) -> SetupLayers:
    """Return the layers that a setup treats differently.

    Raises:
        LookupError: a name does not exist, or checkpoints overlap; the arguments are a message and a hint.
    """
    frozen = frozenset(index for name in setup.frozen for index in layers_named(name, graph, "to freeze"))
    checkpoints: list[tuple[int, ...]] = []
    for name in setup.checkpoints:
        stem, entries = split_star(name)
        layers = layers_named(stem, graph, "for a checkpoint")
        level = len(stem.split("/")) + 1 if entries else 0
        parts: dict[tuple[str, ...], list[int]] = {}
        for index in layers:
            parts.setdefault(graph.nodes[index].path[:level], []).append(index)
        checkpoints += map(tuple, parts.values())
    inside = [index for layers in checkpoints for index in layers]
    if len(inside) != len({*inside}):
        raise LookupError("two checkpoints have a layer in common", "name every layer at most once")
    return SetupLayers(frozen, tuple(checkpoints))


def split_star(name: str) -> tuple[str, bool]:
    """Return a name without ``/*`` at the end, which stands for each entry of a stage, and whether it was there."""
    return name.removesuffix("/*"), name.endswith("/*")


def layers_named(name: str, graph: Graph, purpose: str) -> list[int]:
    """Return the layers that a name stands for: that of a layer, stage, head or block call.

    Args:
        name: the name.
        graph: the network.
        purpose: what the layers are named for, for the message: "to freeze".

    Raises:
        LookupError: there are none; the arguments are a message and a hint.
    """
    path = tuple(name.split("/"))
    found = [index for index, node in graph.layers() if node.name == name or node.path[: len(path)] == path]
    if not found:
        raise LookupError(f"no layer or stage '{name[:60]}' {purpose}", "`archcalc show --depth all` lists the layers")
    return found
