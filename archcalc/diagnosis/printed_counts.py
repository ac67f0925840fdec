"""What profilers print for a target: the numbers of `archcalc.counters`, in every unit, as outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from archcalc.claims.feedback import Reason
from archcalc.counters.count import Count
from archcalc.counters.registry import TOOLS
from archcalc.counters.rules import Tool
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.structures import SOFTMAX
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.numeric import Number
from archcalc.query.targets import output_layer

CODE = "tool:"
"""The beginning of the codes of tools."""
CODES = {
    "thop 0.0.31": "thop-0.0",
    "flop-counter-mode 2.13": "pytorch-flop-counter",
    "flop-counter-mode 2.13 no_grad": "pytorch-flop-counter-no-grad",
    "flop-counter-mode 2.13 meta": "pytorch-flop-counter-meta",
    "pytorch 2.13": "pytorch-parameters",
}
"""The codes that are not the name of the tool, with the version if it is not the first one of this name."""

USUAL = ("pytorch", "torchvision", "fvcore", "thop", "ptflops", "torchinfo", "flop-counter-mode", "keras")
"""The tools whose numbers are met most often, the most usual first: parameters are counted by PyTorch itself,
torchvision prints its numbers in its documentation, timm and the papers that build on it (DeiT, Swin, ConvNeXt) use
fvcore, YOLO's tables thop, and OpenMMLab's tables a copy of an old ptflops."""


COUNTED = ("macs", "flops", "backward_macs", "training_macs", "params", "trainable")
"""The quantities that tools have numbers for."""
COUNTED_IN_BYTES = {
    "params": "params_bytes",
    "trainable": "params_bytes",
    "weights": "params_bytes",
    "activations": "forward_backward_bytes",
}
"""The quantities of tools that a claim in bytes may be about."""


class PrintedCount(NamedTuple):
    """A number that one tool or several print, as an outcome of a target."""

    outcome: Outcome
    counts: tuple[Count, ...]
    """The counts of the tools that print it, the most usual first."""


def code_of(tool: Tool) -> str:
    """Return the code of a tool in claims: ``tool:thop``, ``tool:ptflops-0.6.9``, ``tool:fvcore-no_grad``."""
    if tool.key in CODES:
        return CODE + CODES[tool.key]
    newest = next(each for each in TOOLS if each.name == tool.name)
    version = tool.version if tool.version != newest.version else ""
    return CODE + "-".join(filter(None, (tool.name, version, tool.setting)))


def by_usage(counts: Iterable[Count]) -> list[Count]:
    """Return counts with those of the most usual tools first, each in its newest version and as it is called first."""
    names = [*USUAL, *(tool.name for tool in TOOLS if tool.name not in USUAL)]
    place = {tool.key: place for place, tool in enumerate(TOOLS)}
    return sorted(
        counts, key=lambda count: (bool(count.tool.setting), names.index(count.tool.name), place[count.tool.key])
    )


def printed_counts(
    target: DiagnosedTarget, forms: Mapping[str, Iterable[Count]], *, in_bytes: bool = False
) -> list[PrintedCount]:
    """Return what tools print for a target, in the unit that they print and in that of the target.

    Tools that print the same number in the same way are one outcome. A number that the assumed form of the network has,
    too, is left out of its other forms.

    Args:
        target: the target.
        forms: what the tools print for its network, by the form of its layers; see `counts_in_forms`.
        in_bytes: whether the numbers of the tools are bytes; the values are then those bytes in numbers of the target.
    """
    numbers: dict[tuple[Number, tuple[Reason, ...]], list[Count]] = {}
    known: set[tuple[str, Number]] = set()
    for form, counts in forms.items():
        for count in by_usage(counts):
            for value, how in _bytes(target, count) if in_bytes else _numbers(target, count):
                if (count.tool.key, value) not in known:
                    reasons = (*how, Reason(form)) if form else how
                    numbers.setdefault((value, reasons), []).append(count)
                    known.add((count.tool.key, value))
    return [
        PrintedCount(
            Outcome(reasons=(Reason(code_of(same[0].tool)), *how), values=(value,), prior=Prior.OCCASIONAL), tuple(same)
        )
        for (value, how), same in numbers.items()
    ]


def _bytes(target: DiagnosedTarget, count: Count) -> Iterator[tuple[Number, tuple[Reason, ...]]]:
    """Return what a tool prints in bytes, as a number of numbers."""
    width = target.actual.width
    if width and target.row is None and COUNTED_IN_BYTES.get(target.quantity) == count.quantity.name:
        yield Fraction(count.value, width), ()


def _numbers(target: DiagnosedTarget, count: Count) -> Iterator[tuple[Number, tuple[Reason, ...]]]:
    """Return the numbers that somebody who uses a tool may write for a target, with what else was done."""
    name, wanted = count.quantity.name, target.quantity
    if wanted in ("macs", "flops") and name in ("macs", "flops"):
        for value, left_out in _wholes(target, count):
            yield value * target.batch, left_out
            if wanted == "flops" and name == "macs":
                yield 2 * value * target.batch, (*left_out, Reason("two-per-mac"))
            if wanted == "macs" and name == "flops":
                yield Fraction(value, 2) * target.batch, (*left_out, Reason("macs-for-flops"))
    elif (wanted, name) in (("backward_macs", "backward_flops"), ("training_macs", "training_flops")):
        for value, left_out in _wholes(target, count):
            yield value * target.batch, left_out
            yield Fraction(value, 2) * target.batch, (*left_out, Reason("macs-for-flops"))
    elif target.row is None and wanted in ("params", "trainable") and name == "params":
        yield count.value, ()


def _wholes(target: DiagnosedTarget, count: Count) -> Iterator[tuple[int, tuple[Reason, ...]]]:
    """Return what a tool counts for the layers of a target; for the network also without what its users leave out.

    Some count logits instead of probabilities, and some the network without its classifier, as the scripts of model
    zoos do that count features.
    """
    if target.row is not None:
        names = {layer.name for layer in target.layers}
        yield sum(amount for layer, amount in count.by_layer.items() if layer in names), ()
        return
    yield count.value, ()
    if count.other is not None:
        yield count.other, ()
    for code, layers in (("softmax-left-out", _softmax(target)), ("fully-connected-left-out", _classifier(target))):
        if own := sum(count.by_layer.get(layer, 0) for layer in layers):
            yield count.value - own, (Reason(code),)


def _softmax(target: DiagnosedTarget) -> list[str]:
    """Return the softmax at the end of the network; an empty list if there is none."""
    if not target.analysis.layers:
        return []
    last = output_layer("", target.analysis)
    return [last.name] if target.node(last.node).op.name in SOFTMAX else []


def _classifier(target: DiagnosedTarget) -> list[str]:
    """Return the fully connected layers if they are the last ones with weights; otherwise an empty list."""
    found: list[str] = []
    for layer in target.analysis.layers:
        if target.node(layer.node).op.kind == "dense":
            found.append(layer.name)
        elif found and layer.params:
            return []
    return found
