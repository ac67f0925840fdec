"""Losses of a network: their value, and the gradient of each output.

Means are over all examples and positions, as in PyTorch. The loss of several outputs is the sum of their losses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from archcalc.arrays.texts import shape_text
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes
from archcalc.executor.loss_kinds import GivenLoss, LossKind
from archcalc.graph import Graph, Ref
from archcalc.ops.traits import Scores

Term: TypeAlias = Callable[[Array], tuple[float, Array]]
"""The loss of one output, batch in front: its value and the gradient of the output."""


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss of some outputs of a network, or of tensors inside of it."""

    terms: Mapping[str, Term]
    """The loss of each by its name."""
    kind: GivenLoss | None = None
    """Which loss it is, if all terms are of one kind that has a name."""
    given: Mapping[str, Array] = field(default_factory=dict)
    """The targets of the tensors, or their gradients in place of a loss, batch in front."""

    def __call__(self, tensors: Mapping[str, Array]) -> tuple[float, dict[str, Array]]:
        """Return the loss and the gradient of every tensor that it is computed from."""
        found = {name: term(tensors[name]) for name, term in self.terms.items()}
        return sum(value for value, _ in found.values()), {name: g for name, (_, g) in found.items()}


def sum_loss() -> Term:
    """Return the sum of all numbers of a tensor as its loss."""
    return lambda y: (float(y.sum(dtype=np.float64)), np.ones_like(y))


def weighted_loss(weights: Array) -> Term:
    """Return the sum of all numbers times given weights: the loss with a given gradient."""

    def of(y: Array) -> tuple[float, Array]:
        g = np.broadcast_to(weights.astype(y.dtype), y.shape)
        return float((y * g).sum(dtype=np.float64)), g

    return of


def mean_square_loss(target: Array) -> Term:
    """Return the mean of the squared differences from a target as the loss."""

    def of(y: Array) -> tuple[float, Array]:
        difference = y - target.astype(y.dtype)
        return float((difference * difference).mean(dtype=np.float64)), difference * (2 / y.size)

    return of


def cross_entropy_loss(labels: Array, *, axis: int, scores: Scores = "logits") -> Term:
    """Return the mean of −log p of the labelled classes as the loss.

    Args:
        labels: the number of the class of every example and position: the shape of the tensor without its class axis.
        axis: the class axis, batch in front.
        scores: what the tensor holds; p is the softmax of logits.
    """

    def of(y: Array) -> tuple[float, Array]:
        places = np.expand_dims(labels.astype(np.intp), axis)
        logarithms = y
        if scores == "logits":
            below = y - y.max(axis, keepdims=True)
            logarithms = below - np.log(np.exp(below).sum(axis, keepdims=True))
        elif scores == "probabilities":
            with np.errstate(divide="ignore"):
                logarithms = np.log(y)
        value = -float(np.take_along_axis(logarithms, places, axis).mean(dtype=np.float64))
        g = np.exp(logarithms) if scores == "logits" else np.zeros_like(y)
        here = np.take_along_axis(y, places, axis)
        step = 1 / here if scores == "probabilities" else np.ones_like(here)
        np.put_along_axis(g, places, np.take_along_axis(g, places, axis) - step, axis)
        return value, g / labels.size

    return of


def cross_entropy_of_tensor(graph: Graph, ref: Ref, labels: Array, name: str) -> Term:
    """Return the cross-entropy of a tensor of a network, with its features as the classes.

    The tensor holds probabilities or their logarithms if a softmax or log-softmax made it, and logits otherwise.

    Args:
        graph: the network.
        ref: the tensor.
        labels: the classes; see `cross_entropy_loss`.
        name: the name of the tensor, for messages.

    Raises:
        ArrayError: the tensor has no classes, or a label is none of them.
    """
    axis = class_axis(graph, ref, name)
    classes = graph.shape(ref)[axis]
    outside = (labels != np.rint(labels)) | (labels < 0) | (labels >= classes)
    if outside.any():
        got = f"{labels[outside].flat[0]:g}"
        raise ArrayError([f"the target of '{name}' must consist of integers from 0 to {classes - 1}, got {got}"])
    return cross_entropy_loss(labels, axis=axis + 1, scores=graph.nodes[ref.node].op.scores)


def class_axis(graph: Graph, ref: Ref, name: str) -> int:
    """Return the axis of a tensor that holds its features, without the batch.

    Raises:
        ArrayError: there is none, or it has a single number.
    """
    axis, shape = graph.features_of(ref), graph.shape(ref)
    if axis is None or shape[axis] < 2:
        got = shape_text(shape)
        raise ArrayError([f"cross-entropy needs the scores of two or more classes, but '{name}' has shape {got}"])
    return axis


def target_shape(kind: LossKind, graph: Graph, ref: Ref, name: str) -> Sizes:
    """Return the shape of what is given for one example of a tensor: its target, or its gradient in place of a loss.

    Raises:
        ArrayError: as `class_axis`.
    """
    shape = tuple(map(int, graph.shape(ref)))
    if kind != "cross_entropy":
        return shape
    axis = class_axis(graph, ref, name)
    return (*shape[:axis], *shape[axis + 1 :])


def loss_of(
    graph: Graph,
    kind: LossKind,
    refs: Mapping[str, Ref],
    targets: Mapping[str, Array],
    upstream: Array | None,
    *,
    batch: int,
) -> Loss:
    """Return the loss of tensors of a network.

    Args:
        graph: the network.
        kind: the loss.
        refs: the tensors by name.
        targets: what the loss compares them with, batch in front; one example may have no batch axis.
        upstream: the gradient of the first tensor, in place of a loss.
        batch: the number of examples.

    Raises:
        ArrayError: a target is missing, or an array does not fit.
    """
    if upstream is not None:
        name, ref = next(iter(refs.items()))
        array = _examples(upstream, target_shape("sum", graph, ref, name), batch, "upstream")
        return Loss({name: weighted_loss(array)}, "upstream", {name: array})
    if kind == "sum":
        return Loss({name: sum_loss() for name in refs}, kind)
    terms, given = dict[str, Term](), dict[str, Array]()
    for name, ref in refs.items():
        if name not in targets:
            raise ArrayError([f"the loss {kind} needs a target of '{name}'"])
        target = given[name] = _examples(targets[name], target_shape(kind, graph, ref, name), batch, "target")
        terms[name] = mean_square_loss(target) if kind == "mse" else cross_entropy_of_tensor(graph, ref, target, name)
    return Loss(terms, kind, given)


def _examples(given: Array, shape: Sizes, batch: int, what: str) -> Array:
    """Return an array with the batch in front.

    Raises:
        ArrayError: it has another shape, or another number of examples.
    """
    array = np.asarray(given)
    if array.shape == (batch, *shape):
        return array
    if batch == 1 and array.shape == shape:
        return array[None]
    wanted = shape_text((batch, *shape))
    raise ArrayError([f"{what} must have shape {wanted}, got {shape_text(array.shape) or 'a number'}"])
