"""The order of the axes of tensors in Keras, where channels are last.

Shapes in a graph are channels first. Tensors that convolutions, pooling and the like read or make have their channels
last in Keras; tokens, scores and matrices keep the order of the graph. Element-wise operators, joins and operators
along an axis leave the order as it is, so that all tensors that they connect have the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from archcalc.graph import Graph, Ref

Sizes = tuple[int, ...]


class AxisOrder(Enum):
    """The order of the axes of a tensor."""

    FIRST = "as in the graph"
    LAST = "channels last"
    VECTOR = "channels only: the positions, one on each axis, are left out"

    def order(self, rank: int) -> tuple[int, ...]:
        """Return the axes of the graph in the order that they have in Keras."""
        if self is AxisOrder.VECTOR:
            return (0,)
        return (*range(1, rank), 0) if self is AxisOrder.LAST and rank else (*range(rank),)

    def of(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """Return what belongs to the axes of the graph in the order of Keras."""
        return tuple([shape[axis] for axis in self.order(len(shape))])


class TensorRequirement(Enum):
    """What an operator expects of a tensor that it reads or makes."""

    LAST = "channels last"
    FIRST = "the order of the graph"
    SAME = "the same order as the others of the operator"
    ANY = "no order in particular"
    FLAT = "a vector, or a tensor to flatten"
    POOLED = "one position"


MAPS = frozenset(
    (
        *("conv", "dwconv", "sepconv", "upconv", "maxpool", "avgpool", "subsample", "upsample", "pad", "crop"),
        *("adaptive_avgpool", "adaptive_maxpool", "padded_identity", "pixel_shuffle", "space_to_depth", "shuffle"),
        *("bn", "in", "gn", "lrn", "prelu", "maxout", "spatial_dropout"),
    )
)
"""Operators on maps."""
POINTWISE = frozenset(
    (
        *("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish"),
        *("hardsigmoid", "softplus", "dropout", "identity", "scale", "offset", "exp", "log", "sqrt", "sin", "cos"),
        *("atan", "erf", "abs", "floor", "pow", "clip", "add", "sub", "mul", "div", "max", "min", "where", "compare"),
    )
)
"""Operators on single numbers."""
ALONG_AXIS = frozenset(
    ("softmax", "log_softmax", "glu", "swiglu", "geglu", "split", "slice", "roll", "cumsum", "concat")
)
REORDERING = frozenset(("transpose", "rearrange", "reduce", "repeat", "einsum", "reshape"))
"""Operators whose code follows the order of what they read."""
OVER_FEATURES = frozenset(("ln", "rms_norm", "l2_norm"))


class OperatorRequirements(NamedTuple):
    """What an operator expects of its inputs and of its output."""

    inputs: tuple[TensorRequirement, ...]
    output: TensorRequirement


def requirements_of(op: Any, shapes: Sequence[Sizes]) -> OperatorRequirements:
    """Return what an operator expects."""
    several, name = len(shapes), op.name
    if name in OVER_FEATURES and op.axis == "channels" and set(shapes[0][1:]) == {1}:
        return OperatorRequirements(
            (TensorRequirement.SAME,), TensorRequirement.SAME
        )  # also where the positions are left out
    if name in MAPS or (name == "linear" and op.over_channels(shapes[0])):
        return OperatorRequirements((TensorRequirement.LAST,), TensorRequirement.LAST)
    if name in OVER_FEATURES and op.axis != "all":
        end = TensorRequirement.LAST if op.axis == "channels" else TensorRequirement.FIRST
        return OperatorRequirements((end,), end)
    if name in POINTWISE or name in OVER_FEATURES or name in ALONG_AXIS:
        return OperatorRequirements((TensorRequirement.SAME,) * several, TensorRequirement.SAME)
    if name in ("mean", "sum"):
        if op.keep or 0 not in [axis % len(shapes[0]) for axis in op.axis]:
            return OperatorRequirements((TensorRequirement.SAME,), TensorRequirement.SAME)
        return OperatorRequirements((TensorRequirement.ANY,), TensorRequirement.FIRST)
    if name in ("fc", "flatten", "rbf"):
        return OperatorRequirements((TensorRequirement.FLAT,), TensorRequirement.FIRST)
    if name in ("gap", "gmp"):
        return OperatorRequirements((TensorRequirement.LAST,), TensorRequirement.POOLED)
    if name in REORDERING:
        return OperatorRequirements(
            (TensorRequirement.ANY,) * several, TensorRequirement.FIRST if name == "reshape" else TensorRequirement.ANY
        )
    if name in ("learned", "constant", "input"):
        return OperatorRequirements((), TensorRequirement.ANY)
    return OperatorRequirements((TensorRequirement.FIRST,) * several, TensorRequirement.FIRST)


class Layouts(NamedTuple):
    """The orders of all tensors, and what operators expect."""

    made: Mapping[Ref, AxisOrder]
    ends: Mapping[int, OperatorRequirements]

    def read(self, graph: Graph, index: int) -> tuple[AxisOrder, ...]:
        """Return the orders in which a layer reads its tensors; where they are others, tensors are transposed."""
        fixed = {TensorRequirement.LAST: AxisOrder.LAST, TensorRequirement.FIRST: AxisOrder.FIRST}
        pairs = zip(graph.nodes[index].inputs, self.ends[index].inputs, strict=True)
        return tuple([fixed.get(end, self.made[ref]) for ref, end in pairs])

    def written(self, index: int) -> AxisOrder:
        """Return the order in which the operator of a layer makes its output."""
        fixed = {TensorRequirement.LAST: AxisOrder.LAST, TensorRequirement.FIRST: AxisOrder.FIRST}
        return fixed.get(self.ends[index].output, self.made[Ref(index)])


def layouts_of(graph: Graph) -> Layouts:
    """Return the order of the axes of every tensor of a network."""
    groups = _Groups()
    expected: dict[Ref, list[TensorRequirement]] = defaultdict(list)
    ends: dict[int, OperatorRequirements] = {}
    refs = [ref for index in range(len(graph.nodes)) for ref in graph.made_by(index)]
    shapes = {ref: tuple(map(int, graph.shape(ref))) for ref in refs}
    for index, node in enumerate(graph.nodes):
        ends[index] = found = requirements_of(node.op, [shapes[ref] for ref in node.inputs])
        own = Ref(index)
        expected[own].append(found.output)
        for ref, end in zip(node.inputs, found.inputs, strict=True):
            expected[ref].append(end)
            if end is TensorRequirement.SAME and len(shapes[ref]) > 1 and len(shapes[own]) > 1:
                groups.join(ref, own)
        axis: int = getattr(node.op, "axis", 0) if node.op.name in ALONG_AXIS else 0
        if axis % len(shapes[own]):
            expected[own].append(TensorRequirement.ANY)
    for ref in (*graph.outputs.values(), *graph.training_outputs.values()):
        expected[ref].append(TensorRequirement.ANY)
    members: dict[Ref, list[Ref]] = defaultdict(list)
    for ref in refs:
        members[groups.of(ref)].append(ref)
    made: dict[Ref, AxisOrder] = {}
    for inside in members.values():
        wanted = {end for ref in inside for end in expected[ref]}
        alone = all(size == 1 for ref in inside for size in shapes[ref][1:])
        layout = AxisOrder.LAST if wanted & {TensorRequirement.LAST, TensorRequirement.POOLED} else AxisOrder.FIRST
        if (
            TensorRequirement.POOLED in wanted
            and wanted <= {TensorRequirement.POOLED, TensorRequirement.FLAT, TensorRequirement.SAME}
            and alone
        ):
            layout = AxisOrder.VECTOR
        made |= {ref: layout if len(shapes[ref]) > 1 else AxisOrder.FIRST for ref in inside}
    return Layouts(made, ends)


class _Groups:
    """Tensors that have the same order."""

    def __init__(self) -> None:
        self.parents: dict[Ref, Ref] = {}

    def of(self, ref: Ref) -> Ref:
        while ref in self.parents:
            ref = self.parents[ref]
        return ref

    def join(self, one: Ref, other: Ref) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self.parents[one] = other
