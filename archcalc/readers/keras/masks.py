"""Masks: layers that mark positions of a sequence, and layers that leave out the marked ones.

They do not change shapes or counts. Runs do not apply them, so they are those of Keras only if no position is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.readers.keras.flat_model import CallOutput, FlatCall, FlatModel
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

RECURRENT = frozenset(
    (
        *("Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN", "CuDNNGRU", "CuDNNLSTM"),
        *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    )
)
ATTENTION = frozenset(
    ("AdditiveAttention", "Attention", "GroupQueryAttention", "GroupedQueryAttention", "MultiHeadAttention")
)
LEAVING_OUT = RECURRENT | ATTENTION | {"GlobalAveragePooling1D", "Softmax", "TimeDistributed"}
"""The layers whose results depend on the mask of what they read."""
PASSING_ON = (
    RECURRENT
    | ATTENTION
    | frozenset(
        (
            *("Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dense", "Dropout", "ELU"),
            *("GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU"),
            *("Masking", "PReLU", "ReLU", "Rescaling", "Softmax", "SpatialDropout1D", "TimeDistributed"),
            *("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract", "UnitNormalization"),
        )
    )
)
"""The layers whose outputs have the mask of what they read; recurrent ones if they return all steps."""


@dataclass(frozen=True)
class Marks:
    """The positions that a layer marks, which another one leaves out."""

    marking: FlatCall
    leaving_out: FlatCall


def marks_of(flat: FlatModel) -> tuple[Marks, ...]:
    """Return the layers that mark positions, each with the first layer that leaves them out."""
    found: dict[int, Marks] = {}
    marking: dict[int, frozenset[int]] = {}
    for number, call in enumerate(flat.calls):
        name = call.layer.class_name if call.layer.is_own else ""
        read = frozenset[int]().union(*(marking.get(each.call, frozenset()) for each in _tensors(call)))
        if name in LEAVING_OUT:
            for source in sorted(read):
                found.setdefault(source, Marks(flat.calls[source], call))
        own = {number} if name == "Masking" or call.layer.config.get("mask_zero") is True else set()
        if name == "Masking" and call.layer.config.get("mask_value"):  # it replaces marked positions by zeros
            found.setdefault(number, Marks(call, call))
        if own or (name in PASSING_ON and _keeps_steps(call)):
            marking[number] = read | own
    return tuple([found[source] for source in sorted(found)])


def _keeps_steps(call: FlatCall) -> bool:
    """Return whether the output of a layer has the positions of what it reads."""
    config = call.layer.config
    inner = config.get("layer")
    if call.layer.class_name == "Bidirectional" and isinstance(inner, Mapping):
        config = inner.get("config") or {}
    return call.layer.class_name not in RECURRENT or config.get("return_sequences") is True


def _tensors(call: FlatCall) -> Iterator[CallOutput]:
    waiting = [*call.args, *call.kwargs.values()]
    while waiting:
        each = waiting.pop()
        if isinstance(each, CallOutput):
            yield each
        elif isinstance(each, list | dict):
            waiting += each.values() if isinstance(each, dict) else each


def note_of(marks: Sequence[Marks]) -> tuple[str, ...]:
    """Return what is said about masks with every result."""
    if not marks:
        return ()
    marking, leaving_out = (
        ", ".join(dict.fromkeys("/".join(call.path) for call in calls))
        for calls in ([each.marking for each in marks], [each.leaving_out for each in marks])
    )
    return (f"masks of positions are not applied in runs: marked by {marking}, to be left out by {leaving_out}",)


def require_unmarked(
    marks: Sequence[Marks], inputs: Mapping[str, Array], names: Sequence[str], features: int, origin: str
) -> None:
    """Require that no layer would have to leave out a position of given inputs.

    Args:
        marks: the layers that mark positions.
        inputs: the arrays by the names of the inputs, the batch in front.
        names: the names of all inputs in their order.
        features: the axis of the features in a sequence of vectors.
        origin: the name of the file in messages.

    Raises:
        SpecError: one would, or that is not known before the run.
    """
    for each in marks:
        marking, leaving_out = ("/".join(call.path) for call in (each.marking, each.leaving_out))
        (read, *_) = [*_tensors(each.marking)] or [CallOutput(0)]
        if read.call >= 0:
            text = f"a run does not leave out the positions that '{marking}' marks, as '{leaving_out}' does in Keras"
            fail("argument", text, hint=_remedy(each, marking), origin=origin)
        name = names[-1 - read.call]
        if name not in inputs:
            continue
        array = inputs[name].astype("f8")
        config = each.marking.layer.config
        is_masking = each.marking.layer.class_name == "Masking"
        marked = (array == config.get("mask_value", 0)).all(axis=features) if is_masking else array.round() == 0
        if marked.any():
            text = (
                f"'{marking}' marks {int(marked.sum()):,} of {marked.size:,} positions of '{name}'; "
                f"a run does not leave them out, as '{leaving_out}' does in Keras"
            )
            fail("argument", text, hint=_remedy(each, marking), origin=origin)


def _remedy(marks: Marks, name: str) -> str:
    """Return the hint how the network can be run."""
    if marks.marking.layer.class_name == "Masking":
        return f'`--layer "{name}=identity"` runs it without the mask'
    return "run it on a sequence without padding: index 0 marks a position"
