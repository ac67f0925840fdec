"""Mistakes in a backward pass: in the gradient of the loss, or in the vector–Jacobian product of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from archcalc.diagnosis.arrays import changes
from archcalc.diagnosis.variation import Site

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import LayerNumbers, NumbersChange
    from archcalc.executor.gradient import EvaluatedLayer, Gradients
    from archcalc.executor.kernel import Array, Arrays
    from archcalc.executor.loss_kinds import GivenLoss


class BackwardLayer(NamedTuple):
    """A layer in a backward pass."""

    op: Any
    layer: EvaluatedLayer
    given: Arrays
    """The gradients of its outputs."""
    found: Gradients
    """Those of its inputs and trained arrays, which are correct."""

    @property
    def numbers(self) -> LayerNumbers:
        """The layer in the forward pass."""
        from archcalc.diagnosis.arrays.computation import LayerNumbers

        site = Site(self.op, tuple(x.shape[1:] for x in self.layer.inputs))
        return LayerNumbers(site, self.layer.weights, self.layer.inputs, self.layer.context.training)

    def passing(self, *inputs: Array | None) -> Gradients:
        """Return the gradients with others of the inputs."""
        return self.found._replace(inputs=inputs)

    def of(self, op: Any, layer: EvaluatedLayer, *given: Array) -> Gradients:
        """Return the gradients of another layer; the outputs are those of the forward pass."""
        from archcalc.executor.gradient import gradient_of

        return gradient_of(op)(op, layer, given or self.given)


GradientsChange: TypeAlias = Callable[[BackwardLayer], "Gradients | None"]
"""Returns what a mistake makes of the gradients of a layer; ``None`` if it cannot be made there."""


class LossGradient(NamedTuple):
    """The gradient of a tensor that a loss is computed from, batch in front."""

    kind: GivenLoss | None
    y: Array
    g: Array
    classes: int
    """The axis of the classes for the cross-entropy of logits; −1 for other losses."""


LossChange: TypeAlias = Callable[[LossGradient], "Array | None"]
"""Returns what a mistake makes of the gradient of a loss; ``None`` if it cannot be made there."""


# --- the loss ---


def loss_summed(loss: LossGradient) -> Array | None:
    """Add up the loss over examples and positions."""
    return loss.g * loss.y.size if loss.kind == "mse" else _times(loss, _labels(loss))


def loss_averaged_over_examples(loss: LossGradient) -> Array | None:
    """Average the loss over examples, but add it up over positions and features."""
    return _times(loss, (loss.y.size if loss.kind == "mse" else _labels(loss)) // len(loss.y))


def loss_averaged(loss: LossGradient) -> Array | None:
    """Average a sum over all numbers."""
    return loss.g / loss.y.size if loss.kind == "sum" else None


def factor_two_left_out(loss: LossGradient) -> Array | None:
    return loss.g / 2 if loss.kind == "mse" else None


def target_not_subtracted(loss: LossGradient) -> Array | None:
    """Return p instead of p − t for the cross-entropy of logits."""
    import numpy as np

    if loss.classes < 0:
        return None
    raised = np.exp(loss.y - loss.y.max(loss.classes, keepdims=True))
    found: Array = raised / raised.sum(loss.classes, keepdims=True) / _labels(loss)
    return found


def upstream_left_out(loss: LossGradient) -> Array | None:
    """Take every number of the gradient of the output as 1."""
    return loss.g * 0 + 1 if loss.kind != "sum" else None


def _labels(loss: LossGradient) -> int:
    """Return the number of labels of a cross-entropy of logits; 0 for other losses."""
    return loss.y.size // loss.y.shape[loss.classes] if loss.classes >= 0 else 0


def _times(loss: LossGradient, count: int) -> Array | None:
    return loss.g * count if loss.kind in ("mse", "cross_entropy") and count > 1 else None


# --- products with kernels and weights ---


def of_inputs(change: NumbersChange) -> GradientsChange:
    """Return the mistake that computes the gradients of the inputs of a layer from other stored arrays."""

    def changed(point: BackwardLayer) -> Gradients | None:
        numbers = change(point.numbers)
        if numbers is None:
            return None
        varied = point.of(numbers.site.op, point.layer.on(*point.layer.inputs, weights=numbers.stored))
        return point.passing(*varied.inputs)

    return changed


def of_weights(change: NumbersChange) -> GradientsChange:
    """Return the mistake that changes the gradients of stored arrays as if these were stored."""

    def changed(point: BackwardLayer) -> Gradients | None:
        numbers = change(point.numbers._replace(stored=point.found.weights))
        return None if numbers is None else point.found._replace(weights=numbers.stored)

    return changed


# --- activations, pooling and joins ---


def derivative_left_out(point: BackwardLayer) -> Gradients | None:
    """Pass the gradient of an activation or of dropout on as it is."""
    same = [x.shape for x in point.layer.inputs] == [g.shape for g in point.given]
    return point.passing(*point.given) if same and (point.op.kind == "activation" or point.op.drops) else None


def sign_of_gradient(point: BackwardLayer) -> Gradients | None:
    """Pass on where the gradient of a ReLU is positive, not where its input is."""
    (g,) = point.given[:1]
    return point.passing(g * (g > 0)) if point.op.rectifies else None


def jacobian_diagonal(point: BackwardLayer) -> Gradients | None:
    """Take the derivative of a softmax as that of a sigmoid: y·(1 − y)."""
    y, g = point.layer.outputs[0], point.given[0]
    return point.passing(g * y * (1 - y)) if point.op.scores == "probabilities" else None


def to_whole_window(point: BackwardLayer) -> Gradients | None:
    """Pass the gradient of a maximum to all positions of its window."""
    shared = shared_by_window(point)
    return None if shared is None else point.passing(*(g * _window(point) for g in shared.inputs if g is not None))


def shared_by_window(point: BackwardLayer) -> Gradients | None:
    """Pass the gradient of a maximum to all positions of its window in equal parts, as that of an average."""
    if point.op.pooled != "maximum":
        return None
    return point.passing(*point.of(point.op.other_pooling(), point.layer).inputs)


def not_divided(point: BackwardLayer) -> Gradients | None:
    """Pass the gradient of an average to all positions of its window without dividing it by their number."""
    (g,) = point.found.inputs[:1]
    return point.passing(g * _window(point)) if point.op.pooled == "average" and g is not None else None


def _window(point: BackwardLayer) -> int:
    """Return the number of positions of a pooling window."""
    kernel = getattr(point.op, "kernel", None)
    return prod(map(int, kernel)) if kernel else point.layer.inputs[0].size // point.layer.outputs[0].size


def path_left_out(place: int) -> GradientsChange:
    """Return the mistake that passes nothing to one of the inputs of a layer with several."""

    def changed(point: BackwardLayer) -> Gradients | None:
        inputs = list(point.found.inputs)
        if len(inputs) < 2 or place >= len(inputs) or inputs[place] is None:
            return None
        inputs[place] = point.layer.inputs[place] * 0
        return point.passing(*inputs)

    return changed


# --- normalisation ---


def mean_path_left_out(point: BackwardLayer) -> Gradients | None:
    """Leave out the path of a number through the mean."""
    paths = _paths(point)
    return None if paths is None else point.passing(paths.found + paths.mean)


def variance_path_left_out(point: BackwardLayer) -> Gradients | None:
    """Leave out the path of a number through the variance."""
    paths = _paths(point)
    return None if paths is None else point.passing(paths.direct - paths.mean)


def statistics_constant(point: BackwardLayer) -> Gradients | None:
    """Take the mean and the variance as constants."""
    paths = _paths(point)
    return None if paths is None else point.passing(paths.direct)


class _Paths(NamedTuple):
    """The gradient of a normalised tensor: direct − mean − that through the variance."""

    found: Array
    direct: Array
    mean: Array


def _paths(point: BackwardLayer) -> _Paths | None:
    """Return the paths of a normalisation by the mean and variance of its input; ``None`` for other layers.

    As numbers that are normalised together have the same standard deviation, the path through the mean is the mean of
    the direct one.
    """
    import numpy as np

    op, layer, (g,) = point.op, point.layer, point.given[:1]
    (found,) = point.found.inputs[:1]
    size = changes.group_size(point.numbers)
    if size is None or found is None:
        return None
    x = layer.inputs[0]
    if op.running_statistics:
        axes, grouped = (0, *range(2, x.ndim)), x.shape
    else:  # the groups of an example are in order, or along its channels
        inside = getattr(op, "axis", "") == "channels"
        axes, grouped = ((1,), x.shape) if inside else ((2,), (len(x), -1, int(size)))
    if "scale" in layer.weights:
        scale = layer.weights["scale"]
        per_number = getattr(op, "axis", "") in ("all", "last")
        g = g * (scale if per_number else scale.reshape(-1, *(1,) * (x.ndim - 2)))
    deviation = np.sqrt(x.reshape(grouped).var(axes, keepdims=True) + float(op.eps))
    direct = g.reshape(grouped) / deviation
    mean = np.broadcast_to(direct.mean(axes, keepdims=True), direct.shape)
    return _Paths(found, direct.reshape(x.shape), mean.reshape(x.shape))


# --- sums over positions and examples ---


def positions_not_summed(point: BackwardLayer) -> Gradients | None:
    """Leave out the sum over positions in the gradient of a bias or shift per channel."""
    op, g, weights = point.op, point.given[0], point.found.weights
    name = next((each for each in ("bias", "shift") if each in weights), "")
    axis = g.ndim - 1 if op.kind == "dense" and getattr(op, "axis", "") != "channels" else 1
    if not name or g.ndim < 3 or weights[name].shape != (g.shape[axis],):
        return None
    return point.found._replace(weights={**weights, name: g.sum(0)})


def examples_not_summed(point: BackwardLayer) -> Gradients | None:
    """Give a gradient of the stored arrays for every example."""
    import numpy as np

    parts = list(_by_example(point))
    if len(parts) < 2:
        return None
    return point.found._replace(weights={name: np.stack([each[name] for each in parts]) for name in parts[0]})


def first_example(point: BackwardLayer) -> Gradients | None:
    """Take the gradient of the stored arrays for the first example alone."""
    parts = list(_by_example(point))
    return point.found._replace(weights=parts[0]) if len(parts) > 1 else None


def examples_averaged(point: BackwardLayer) -> Gradients | None:
    """Average the gradients of the stored arrays over the examples."""
    count = len(point.given[0])
    if count < 2 or not point.found.weights:
        return None
    return point.found._replace(weights={name: array / count for name, array in point.found.weights.items()})


def _by_example(point: BackwardLayer) -> Iterator[Mapping[str, Array]]:
    """Yield the gradients of the stored arrays for every example; nothing if examples depend on each other."""
    op, layer = point.op, point.layer
    if not point.found.weights or (op.running_statistics and layer.context.training):
        return
    for at in range(len(point.given[0])):
        inputs, outputs, given = ([x[at : at + 1] for x in each] for each in (layer.inputs, layer.outputs, point.given))
        example = replace(layer, inputs=tuple(inputs), outputs=tuple(outputs))
        yield point.of(op, example, *given).weights
