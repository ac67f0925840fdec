"""Rules about the layers: computations without effect, and parts of the input that are not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.analysis.fields import exceeds_input
from archcalc.arrays.texts import count_text
from archcalc.graph import Node, write_shape
from archcalc.lint.rules import FIXABLE, LintContext, RuleMatch, rule
from archcalc.ops.base import Shape
from archcalc.spec.document import YamlMapping
from archcalc.spec.errors import Span

AXES = ("frame", "row", "column")


@rule("unread-output")
def unread_output(context: LintContext) -> Iterator[RuleMatch]:
    """A layer whose output no layer reads.

    It is not an output of the network either, yet it counts in the totals. Often the cause is a reference (`@name`) at
    the start of the next chain, which discards the current tensor: join the two, or make the layer a head.
    """
    graph = context.spec.graph
    for index, (node, readers) in enumerate(zip(graph.nodes, context.readers, strict=True)):
        span = context.spec.outline.places[index]
        if not readers and index not in context.results and span is not None:
            yield RuleMatch(span, f"no layer reads the output of '{node.name}'", "remove it, or make it a head")


@rule("unused-input")
def unused_input(context: LintContext) -> Iterator[RuleMatch]:
    """An input that no layer reads."""
    graph = context.spec.graph
    document = context.spec.outline.document
    written = document.get("inputs") if document is not None else None
    keys = {key.text.value: key for key, _ in written.pairs} if isinstance(written, YamlMapping) else {}
    for index, (node, readers) in enumerate(zip(graph.nodes, context.readers, strict=True)):
        if node.is_input and not readers and index not in context.results and node.name in keys:
            yield RuleMatch(
                keys[node.name].span, f"no layer reads the input '{node.name}'", f"read it with @{node.name}"
            )


@rule("impossible-head")
def impossible_head(context: LintContext) -> Iterator[RuleMatch]:
    """A training head that is impossible on the input.

    Inference does not need it, so it is left out; but the network cannot be trained on this input as it is described.
    """
    for problem in context.spec.outline.impossible_heads:
        if problem.span is not None:
            yield RuleMatch(problem.span, f"a training head is impossible on this input: {problem.message}")


class CancelledBiases(NamedTuple):
    """The layers that one place of the text creates, and those of them whose bias is cancelled."""

    layers: list[Node]
    cancelled: list[Node]
    parameters: int
    """The number of parameters of the cancelled biases."""

    @property
    def always(self) -> bool:
        """Whether the bias is cancelled in all of them."""
        return len(self.layers) == len(self.cancelled)


def biases_before_norms(context: LintContext) -> dict[Span, CancelledBiases]:
    """Return the places in the text of layers whose bias a normalisation cancels."""
    graph = context.spec.graph
    layers: dict[Span, list[Node]] = defaultdict(list)
    cancelled: dict[Span, list[Node]] = defaultdict(list)
    parameters: dict[Span, int] = defaultdict(int)
    for index, (node, readers) in enumerate(zip(graph.nodes, context.readers, strict=True)):
        span = context.spec.outline.places[index]
        if span is None or getattr(node.op, "bias", None) is not True:
            continue
        sums = node.op.sums(graph.input_shapes(node)[0])
        if sums is None or not sums.per_channel:
            continue
        layers[span].append(node)
        if readers and index not in context.results and all(reader.op.centres_channels for reader in readers):
            cancelled[span].append(node)
            weights = node.op.weights(graph.input_shapes(node))
            own = [weight.count for weight in weights if weight.name == "bias" and weight.name not in node.tied]
            parameters[span] += sum(own)
    return {span: CancelledBiases(layers[span], found, parameters[span]) for span, found in cancelled.items()}


@rule("bias-before-norm")
def bias_before_norm(context: LintContext) -> Iterator[RuleMatch]:
    """A bias directly before a batch or instance normalisation, which subtracts it again.

    The normalisation centres each channel, so a constant added before it has no effect; a batch normalisation also has
    a learned shift of its own. `nobias` saves the parameters and an addition per output.
    """
    for span, found in biases_before_norms(context).items():
        first = found.cancelled[0].name
        others = len(found.cancelled) - 1
        more = f" and of {count_text(others, 'other layer')}" if others else ""
        saves = f"this saves {found.parameters:,} parameters"
        hint = f"write nobias: {saves}{FIXABLE}" if found.always else f"pass on a flag, bias=…: {saves}"
        yield RuleMatch(span, f"the bias of '{first}'{more} is cancelled by the normalisation after it", hint)


def _dropped_positions(node: Node, shape: Shape) -> tuple[int, ...]:
    """Return, per spatial axis, how many of the last positions of the input are in no window."""
    left = []
    for n, m, window in zip(shape[1:], node.output[1:], node.op.windows((shape,))[0][1:], strict=False):
        slides = (
            window is not None
            and window.up == 1
            and window.axis is None
            and window.known
            and window.size >= window.stride > 1
        )
        left.append(max(0, n - 1 - window.positions(m - 1)[-1]) if slides and window is not None else 0)
    return tuple(left)


def _amount(counts: Iterable[int]) -> str:
    """Return numbers of positions in words, such as ``1 row and 2 columns``."""
    counts = tuple(counts)
    words = AXES[-len(counts) :] if 1 < len(counts) <= len(AXES) else ("position",) * len(counts)
    parts = [count_text(n, word) for n, word in zip(counts, words, strict=True) if n]
    return " and ".join(parts)


@rule("dropped-border")
def dropped_border(context: LintContext) -> Iterator[RuleMatch]:
    """A stride that drops positions at the border: the windows do not divide the input evenly.

    The output size is rounded down, so the last positions of an axis are in no window. Padding, `ceil` or another input
    size includes them. (Windows smaller than their stride skip positions everywhere; this is not reported.)
    """
    graph = context.spec.graph
    seen: set[Span] = set()
    for index, node in graph.layers():
        span = context.spec.outline.places[index]
        if span is None or span in seen or len(node.inputs) != 1:
            continue
        shape = graph.shape(node.inputs[0])
        left = _dropped_positions(node, shape)
        if any(left):
            seen.add(span)
            size = write_shape(shape, graph.layout)
            message = f"'{node.name}' drops {_amount(left)} at the end of its {size} input"
            yield RuleMatch(span, message, "to include all positions, use padding, ceil or another input size")


@rule("field-past-input", by_default=False)
def field_past_input(context: LintContext) -> Iterator[RuleMatch]:
    """A receptive field larger than the input along every axis; the first layer that has one is reported.

    From this layer on, the window of every unit extends beyond the input; further layers find nothing new in the input,
    and tend not to improve the network (Richter, Schöning, Wiedenroth, Krumnack 2021, arXiv:2106.12307). Nearly every
    classifier has such layers, so this warning must be enabled (`--warn`).
    """
    network, graph = context.spec.outline.network, context.spec.graph
    inputs = {name: graph.positions(ref) for name, ref in graph.input_refs.items()}
    stages = {stage.name: stage.span for stage in (*network.stages, *network.heads, *network.training_heads)}
    past: set[str] = set()
    for layer in context.analysis.layers:
        span = context.spec.outline.places[layer.node]
        if len(layer.path) > 2:  # inside a block, which may be right in other places: report the stage
            span = stages.get(layer.stage) or span
        for name, field in layer.fields.items():
            positions = inputs[name]
            if (
                name in past
                or span is None
                or not all(axis.exact for axis in field)
                or not exceeds_input(field, positions)
            ):
                continue
            past.add(name)
            size, full = "x".join(str(axis.size) for axis in field), "x".join(map(str, positions))
            hint = "use fewer layers, smaller strides or a larger input; `archcalc rf` shows all receptive fields"
            message = f"from '{layer.name}' on, the receptive field ({size}) is larger than the input '{name}' ({full})"
            yield RuleMatch(span, message, hint)
