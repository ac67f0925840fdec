"""Recurrent layers."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, option, width
from archcalc.writers.pytorch.registry import PyTorchContext, writes

CLASSES = {"rnn": "nn.RNN", "lstm": "nn.LSTM", "gru": "nn.GRU"}


@writes(*CLASSES)
def write_recurrent(context: PyTorchContext) -> LayerCode:
    op = context.op
    if len(context.shape) != 2 or context.is_read_further or op.tensor_arguments():
        raise NotInLibrary(f"{op.name} with states, or on more axes than tokens and features, is not written")
    if op.bias and not op.recurrent_bias:
        raise NotInLibrary(f"PyTorch's {op.name} has two biases per gate")
    if not getattr(op, "reset_after", True):
        raise NotInLibrary("PyTorch's gru applies its reset gate after the product")
    if (getattr(op, "proj", None) or 0) >= op.units:
        raise NotInLibrary("PyTorch's lstm projects to fewer features than it has units")
    if getattr(op, "peepholes", False):
        raise NotInLibrary("PyTorch's lstm has no peepholes")
    args = [
        width("input_size", context.shape[-1]),
        width("hidden_size", op.units),
        option("num_layers", op.layers, 1),
        option("bias", op.bias, True),
        CallArgument("batch_first", True),
        option("bidirectional", op.bidirectional, False),
    ]
    if getattr(op, "proj", None) is not None:
        args.append(CallArgument("proj_size", op.proj))
    if op.name == "rnn":
        args.append(option("nonlinearity", op.act, "tanh"))
    last = "$self($0)[1][0]" if op.name == "lstm" else "$self($0)[1]"
    if not op.final:
        text = "$self($0)[0]"
    elif op.bidirectional:
        text = f"{last}[-2:].transpose(0, 1).flatten(1)"
    else:
        text = f"{last}[-1]"
    return LayerCode(
        text, (("", CallExpression(CLASSES[op.name], tuple(args))),), arrays=arrays(op.layers, op.bidirectional)
    )


def arrays(layers: int, bidirectional: bool) -> dict[str, tuple[str, ...]]:
    """Return where stored arrays are, which join those of all layers and directions."""
    ends = [[f"_l{layer}{way}" for way in ("", "_reverse")[: 1 + bidirectional]] for layer in range(layers)]
    every = [end for layer in ends for end in layer]
    names = {
        "input": ("weight_ih", ends[0]),
        "deeper": ("weight_ih", every[len(ends[0]) :]),
        "recurrent": ("weight_hh", every),
        "bias": ("bias_ih", every),
        "recurrent_bias": ("bias_hh", every),
        "projection": ("weight_hr", every),
    }
    return {array: ("", *(f"{name}{end}" for end in used)) for array, (name, used) in names.items()}
