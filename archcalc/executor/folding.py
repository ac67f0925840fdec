"""Folding of stored arrays, in double precision: applies the folds of `archcalc.analysis.fold` to the weights.

A linear map per channel, y = a·x + b, is folded into the layer of weighted sums before it (the rows of the weights are
multiplied by a, and the bias becomes a·bias + b), or into the one after it (the columns of the weights are multiplied
by a, and the weights times b are added to the bias).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.kernels.conv import standardised
from archcalc.executor.kernels.weight_norm import connected, merged
from archcalc.executor.weights import array_names
from archcalc.graph import Graph, Node
from archcalc.ops.traits import ChannelMap, Sums


class Fold(Protocol):
    """A layer that is folded into another one, by their indices in the graph."""

    @property
    def node(self) -> int: ...
    @property
    def into(self) -> int: ...
    @property
    def forward(self) -> bool: ...


def folded_weights(graph: Graph, folds: Iterable[Fold], weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of the folded network by ``layer.array``, in the number format of the given ones.

    Args:
        graph: the network before folding.
        folds: the folds, in the order in which they must be applied.
        weights: the arrays of the network before folding.
    """
    arrays = with_gains_merged(graph, weights)
    touched: dict[str, np.dtype[Any]] = {}
    for fold in folds:
        node, into = graph.nodes[fold.node], graph.nodes[fold.into]
        shape = graph.input_shapes(into)[0]
        channel_map, sums = node.op.channel_map, into.op.sums(shape)
        assert channel_map is not None  # only layers with one are folded
        assert sums is not None
        own = {name.rpartition(".")[2]: array for name, array in arrays.items() if name.rpartition(".")[0] == node.name}
        if not own:  # training heads may be without arrays
            continue
        for name in own:
            del arrays[f"{node.name}.{name}"]
        factor, offset = _terms(channel_map, own, shape[0] if fold.forward else into.output[0])
        taking = _Layer(into, sums, arrays, fresh=into.name not in touched)
        touched.setdefault(into.name, taking.dtype)
        arrays.update(taking.after(factor, offset) if fold.forward else taking.before(factor, offset))
    return {
        name: array.astype(touched[layer], copy=False) if (layer := name.rpartition(".")[0]) in touched else array
        for name, array in arrays.items()
    }


def with_gains_merged(graph: Graph, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a network after the gains of weight norm have been merged, except into shared weights."""
    arrays = dict(weights)
    for index, node in graph.layers():
        if node.op.with_gains_merged() is node.op or index in graph.sharing or f"{node.name}.gain" not in arrays:
            continue
        own = {name: arrays[f"{node.name}.{name}"] for name in array_names(graph, node)}
        found = merged(node.op, {k: a.astype(np.float64) for k, a in own.items()}, graph.input_shapes(node)[0])
        del arrays[f"{node.name}.gain"]
        arrays |= {f"{node.name}.{k}": array.astype(own[k].dtype) for k, array in found.items()}
    return arrays


def _terms(channel_map: ChannelMap, arrays: Mapping[str, Array], channels: int) -> tuple[Array, Array]:
    """Return a and b per channel for a layer that computes a·x + b."""
    factor, offset = channel_map.terms({name: array.astype(np.float64) for name, array in arrays.items()})
    return np.broadcast_to(factor, channels), np.broadcast_to(offset, channels)


class _Layer:
    """A layer of weighted sums with its arrays after the folds so far."""

    def __init__(self, node: Node, sums: Sums, arrays: Mapping[str, Array], *, fresh: bool) -> None:
        self.node = node
        self.sums = sums
        given = [arrays[f"{node.name}.{kernels.array}"] for kernels in sums.kernels]
        self.dtype = given[0].dtype
        self.weights = [array.astype(np.float64) for array in given]
        if fresh and sums.standardised:
            self.weights = [standardised(array) for array in self.weights]
        bias = arrays.get(f"{node.name}.bias")
        self.bias = np.zeros(node.output[0]) if bias is None else bias.astype(np.float64)

    def before(self, factor: Array, offset: Array) -> dict[str, Array]:
        """Return the arrays after folding in a map a·y + b of the outputs."""
        kernels, _, outputs = self.kernels(-1)
        self.weights[-1] = (kernels * factor[outputs][..., None]).reshape(self.weights[-1].shape)
        return self.arrays(self.bias * factor + offset)

    def after(self, factor: Array, offset: Array) -> dict[str, Array]:
        """Return the arrays after folding in a map a·x + b of the inputs; every sum must have all of its terms."""
        kernels, inputs, outputs = self.kernels(0)
        sums = np.zeros(int(outputs.max()) + 1)
        terms = kernels.sum(-1) * offset[inputs]
        np.add.at(sums, np.broadcast_to(outputs, terms.shape), terms)
        for following in self.weights[1:]:  # 1×1: a matrix of channels
            sums = following.reshape(len(following), -1) @ sums
        self.weights[0] = (kernels * factor[inputs][..., None]).reshape(self.weights[0].shape)
        return self.arrays(self.bias + sums)

    def arrays(self, bias: Array) -> dict[str, Array]:
        names = (kernels.array for kernels in self.sums.kernels)
        named = dict(zip(names, self.weights, strict=True)) | {"bias": bias}
        return {f"{self.node.name}.{name}": array for name, array in named.items()}

    def kernels(self, part: int) -> tuple[Array, Array, Array]:
        """Return kernels as rows of weights, with their input and output channels; see `connected`."""
        return connected(self.sums.kernels[part], self.weights[part])
