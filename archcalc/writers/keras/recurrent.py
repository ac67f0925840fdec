"""Recurrent layers."""

from __future__ import annotations

from archcalc.readers.keras.layers.recurrent import gates
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, option, width
from archcalc.writers.keras.registry import ArrayLocation, KerasContext, layers, writes

CLASSES = {"rnn": ("SimpleRNN", "simple_rnn"), "lstm": ("LSTM", "lstm"), "gru": ("GRU", "gru")}
"""The class, and what the name of its cell starts with."""


@writes(*CLASSES)
def write_recurrent(context: KerasContext) -> LayerCode:
    op = context.op
    if len(context.shape) != 2 or op.tensor_arguments():
        raise NotInLibrary(f"{op.name} with states, or on more axes than tokens and features, is not written")
    after = getattr(op, "reset_after", False)
    if op.bias and op.recurrent_bias and not after:
        raise NotInLibrary(f"Keras's {op.name} has one bias per gate ('onebias' instead of PyTorch's two)")
    if op.bias and not op.recurrent_bias and after:
        raise NotInLibrary("Keras's gru with a reset gate after the product has two biases per gate")
    if getattr(op, "proj", None) is not None:
        raise NotInLibrary("Keras's lstm has no projection")
    if getattr(op, "peepholes", False):
        raise NotInLibrary("Keras's lstm has no peepholes")
    found = []
    for number in range(1, op.layers + 1):
        every = number < op.layers or not op.final
        call = recurrent(context, returns_sequences=every)
        label = str(number) if number < op.layers else ""
        found.append(
            (
                label,
                CallExpression("layers.Bidirectional", (CallArgument("layer", call, positional=True),))
                if op.bidirectional
                else call,
            )
        )
    return layers(*found, arrays=arrays(context))


def recurrent(context: KerasContext, *, returns_sequences: bool) -> CallExpression:
    """Return one layer in one direction."""
    op = context.op
    args = [width("units", op.units)]
    if op.name == "rnn":
        args.append(option("activation", op.act, "tanh"))
    args.append(option("use_bias", op.bias, True))
    args.append(option("return_sequences", returns_sequences, False))
    if op.name == "gru":
        args.append(option("reset_after", op.reset_after, True))
    return CallExpression(f"layers.{CLASSES[op.name][0]}", tuple(args))


def arrays(context: KerasContext) -> dict[str, tuple[ArrayLocation, ...]]:
    """Return where stored arrays are, which join those of all layers and directions."""
    op, cell = context.op, CLASSES[context.op.name][1]
    ways = ("forward", "backward") if op.bidirectional else ("",)

    def rows(kind: str, numbers: range, place: int | None = None) -> tuple[ArrayLocation, ...]:
        def transform(array: object) -> object:
            return gates(type(op), array if place is None else array[place])  # type: ignore[index]

        found = []
        for number in numbers:
            label = str(number) if number < op.layers else ""
            inner = [f"{way}_*/{cell}_cell" if way else f"{cell}_cell" for way in ways]
            found += [ArrayLocation(label, f"{path}/{kind}", transform) for path in inner]
        return tuple(found)

    every, two = range(1, op.layers + 1), getattr(op, "reset_after", False)
    return {
        "input": rows("kernel", range(1, 2)),
        "deeper": rows("kernel", range(2, op.layers + 1)),
        "recurrent": rows("recurrent_kernel", every),
        "bias": rows("bias", every, 0 if two else None),
        "recurrent_bias": rows("bias", every, 1),
    }
