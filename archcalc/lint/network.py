"""Rules about the layers: what a network computes for nothing, or does not see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.analysis.receptive import sees_past
from archcalc.graph import Node, write_shape
from archcalc.lint.rules import Found, Subject, rule
from archcalc.ops.base import Shape
from archcalc.spec.document import Mapping
from archcalc.spec.errors import Span

AXES = ("frame", "row", "column")


@rule("unread-output")
def unread_output(subject: Subject) -> Iterator[Found]:
    """A layer whose output nobody reads.

    It is no output of the network either, yet it counts in the totals. Often a reference (`@name`) at the start of the
    next chain has left the current tensor behind: join the two, or make the layer a head.
    """
    graph = subject.spec.graph
    for index, (node, readers) in enumerate(zip(graph.nodes, subject.readers, strict=True)):
        span = subject.spec.outline.places[index]
        if not readers and index not in subject.results and span is not None:
            yield Found(span, f"nothing reads the output of '{node.name}'", "remove it, or make it a head")


@rule("unused-input")
def unused_input(subject: Subject) -> Iterator[Found]:
    """An input that no layer reads."""
    graph = subject.spec.graph
    document = subject.spec.outline.document
    written = document.get("inputs") if document is not None else None
    keys = {key.text.value: key for key, _ in written.pairs} if isinstance(written, Mapping) else {}
    for index, (node, readers) in enumerate(zip(graph.nodes, subject.readers, strict=True)):
        if node.is_input and not readers and index not in subject.results and node.name in keys:
            yield Found(keys[node.name].span, f"no layer reads the input '{node.name}'", f"read it with @{node.name}")


class Biased(NamedTuple):
    """The layers that one place in the text makes, and those of them whose bias is cancelled."""

    layers: list[Node]
    cancelled: list[Node]
    parameters: int

    @property
    def always(self) -> bool:
        """Whether the bias is of no use in any of them."""
        return len(self.layers) == len(self.cancelled)


def biases_before_norms(subject: Subject) -> dict[Span, Biased]:
    """Where in the text stand layers whose bias a normalisation cancels."""
    graph = subject.spec.graph
    layers: dict[Span, list[Node]] = defaultdict(list)
    cancelled: dict[Span, list[Node]] = defaultdict(list)
    parameters: dict[Span, int] = defaultdict(int)
    for index, (node, readers) in enumerate(zip(graph.nodes, subject.readers, strict=True)):
        span = subject.spec.outline.places[index]
        if span is None or getattr(node.op, "bias", None) is not True:
            continue
        sums = node.op.sums(graph.input_shapes(node)[0])
        if sums is None or not sums.per_channel:
            continue
        layers[span].append(node)
        if readers and index not in subject.results and all(reader.op.centres_channels for reader in readers):
            cancelled[span].append(node)
            weights = node.op.weights(graph.input_shapes(node))
            parameters[span] += sum(weight.count for weight in weights if weight.name == "bias")
    return {span: Biased(layers[span], found, parameters[span]) for span, found in cancelled.items()}


@rule("bias-before-norm")
def bias_before_norm(subject: Subject) -> Iterator[Found]:
    """A bias right before a batch or instance normalisation, which subtracts it again.

    The normalisation centres each channel, so that any constant added before is without effect, and has a learned shift
    of its own. `nobias` saves the parameters and an addition per output.
    """
    for span, found in biases_before_norms(subject).items():
        first = found.cancelled[0].name
        more = f" and of {len(found.cancelled) - 1} more" if len(found.cancelled) > 1 else ""
        saves = f"{found.parameters:,} parameters fewer"
        hint = f"write nobias: {saves} (--fix does)" if found.always else f"pass a flag on, bias=…: {saves}"
        yield Found(span, f"the bias of '{first}'{more} is cancelled by the normalisation after it", hint)


def _beyond(node: Node, shape: Shape) -> tuple[int, ...]:
    """Per spatial axis: how many of the last positions of the input are in no window."""
    left = []
    for n, m, window in zip(shape[1:], node.output[1:], node.op.windows((shape,))[0], strict=False):
        slides = window is not None and window.up == 1 and window.axis is None and window.size >= window.stride > 1
        left.append(max(0, n - 1 - window.positions(m - 1)[-1]) if slides and window is not None else 0)
    return tuple(left)


def _amount(counts: Iterable[int]) -> str:
    """``1 row and 2 columns``."""
    counts = tuple(counts)
    words = AXES[-len(counts) :] if 1 < len(counts) <= len(AXES) else ("position",) * len(counts)
    parts = [f"{n} {word}{'s' * (n > 1)}" for n, word in zip(counts, words, strict=True) if n]
    return " and ".join(parts)


@rule("dropped-border")
def dropped_border(subject: Subject) -> Iterator[Found]:
    """A stride that drops pixels at the border: the windows do not come out even, and the last pixels are in none.

    The output size is rounded down, so that what remains at the end of an axis is not seen. Padding, `ceil` or another
    input size brings it in. (Windows smaller than their stride leave pixels out everywhere; those are not reported.)
    """
    graph = subject.spec.graph
    seen: set[Span] = set()
    for index, node in graph.layers():
        span = subject.spec.outline.places[index]
        if span is None or span in seen or len(node.inputs) != 1:
            continue
        shape = graph.shape(node.inputs[0])
        left = _beyond(node, shape)
        if any(left):
            seen.add(span)
            size = write_shape(shape, graph.layout)
            message = f"'{node.name}' drops the last {_amount(left)} of its {size} input"
            yield Found(span, message, "padding, ceil or another input size brings them in")


@rule("field-past-input")
def field_past_input(subject: Subject) -> Iterator[Found]:
    """A receptive field larger than the input, along every axis: the first layer that has one.

    From there on a unit's window hangs over the border whatever its position; layers beyond find nothing new in the
    input, and tend not to help (Richter, Schöning, Wiedenroth, Krumnack 2021, arXiv:2106.12307).
    """
    network, inputs = subject.spec.outline.network, subject.spec.graph.inputs
    stages = {stage.name: stage.span for stage in (*network.stages, *network.heads, *network.training_heads)}
    past: set[str] = set()
    for layer in subject.analysis.layers:
        span = subject.spec.outline.places[layer.node]
        if len(layer.path) > 2:  # in a block, which may be right elsewhere: the stage is the place
            span = stages.get(layer.stage) or span
        for name, field in layer.fields.items():
            shape = inputs[name]
            if name in past or span is None or not all(axis.exact for axis in field) or not sees_past(field, shape):
                continue
            past.add(name)
            size, whole = "x".join(str(axis.size) for axis in field), "x".join(map(str, shape[1:]))
            hint = "fewer layers or strides, or a larger input; `archcalc rf` shows all"
            message = f"from '{layer.name}' on a unit's window, {size}, is larger than all of '{name}', {whole}"
            yield Found(span, message, hint)
