"""Recurrent layers: ONNX and PyTorch store the weights of every layer and direction separately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.recurrent import cell_weights, cells, widths
from tests.operators.entry import entry
from tests.operators.torch_parts import layer, nn, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw(name: str, *further: str) -> Any:
    def written(w: Writer, shape: Shape) -> str | None:
        if len(shape) < 2:
            return None
        layers = w.among("", "layers=2", "layers=3")
        options = [w.among("", "", "nobias", "onebias"), *(w.maybe(each) for each in further)]
        return joined([name, str(w.whole(1, 3)), layers, w.maybe("bidirectional"), w.maybe("final"), *options])

    return written


def torch_module(op: Any, shape: Any) -> Module:
    shapes = [shape] if isinstance(shape[0], int) else list(shape)
    features = shapes[0][-1]
    names = op.tensor_arguments()
    width, rows = widths(op)
    directions, count = 1 + op.bidirectional, len(cells(op))
    stored = {"input": parameter(directions * rows, features)}
    if op.layers > 1:
        stored["deeper"] = parameter((count - directions) * rows, directions * width)
    stored["recurrent"] = parameter(count * rows, width)
    if op.bias:
        stored["bias"] = parameter(count * rows)
    if op.bias and op.recurrent_bias:
        stored["recurrent_bias"] = parameter(count * rows)
    if getattr(op, "peepholes", False):
        stored["peephole"] = parameter(count * 3 * op.units)
    if width != op.units or getattr(op, "proj", None):
        stored["projection"] = parameter(count * width, op.units)
    evaluated = by_pytorch if fits_pytorch(op) else step_by_step

    def run(x: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        arrays = {name: getattr(module, name) for name in stored}
        lead = x.shape[:-2]
        sequence = x.flatten(0, -3)
        given = {name: t.flatten(0, -3).transpose(0, 1) for name, t in zip(names, others, strict=True)}
        output, states = evaluated(op, arrays, sequence, given)
        if op.final:
            output = states[0][-directions:].transpose(0, 1).flatten(1)
        kept = [each.transpose(0, 1).unflatten(0, lead) for each in states]
        return (output.unflatten(0, lead), *kept)

    module = layer(run, **stored)
    return module


def fits_pytorch(op: Any) -> bool:
    """Return whether PyTorch's class has such layers."""
    projects_to_fewer = (getattr(op, "proj", None) or 0) < op.units
    return projects_to_fewer and getattr(op, "reset_after", True) and not getattr(op, "peepholes", False)


def by_pytorch(op: Any, arrays: dict[str, Any], x: Tensor, given: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Run PyTorch's class with these arrays as its parameters."""
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[op.name]
    options: dict[str, Any] = {"rnn": {"nonlinearity": getattr(op, "act", "")}, "gru": {}}.get(
        op.name, {"proj_size": getattr(op, "proj", None) or 0}
    )
    theirs = kind(
        x.shape[-1],
        op.units,
        op.layers,
        bias=op.bias,
        batch_first=True,
        bidirectional=op.bidirectional,
        device=x.device,
        dtype=x.dtype,
        **options,
    )
    places = {"input": "weight_ih", "recurrent": "weight_hh", "bias": "bias_ih", "recurrent_bias": "bias_hh"}
    own: dict[str, Tensor] = {}
    for place, (number, direction) in enumerate(cells(op)):
        suffix = f"_l{number}" + "_reverse" * direction
        found = cell_weights(op, arrays, place)
        if op.bias and not op.recurrent_bias:
            found["recurrent_bias"] = torch.zeros_like(found["bias"])
        own |= {f"{(places | {'projection': 'weight_hr'})[name]}{suffix}": array for name, array in found.items()}
    assert {name: p.shape for name, p in theirs.named_parameters()} == {name: t.shape for name, t in own.items()}
    states = initial_states(op, x, given)
    output, last = torch.func.functional_call(theirs, own, (x, tuple(states) if op.name == "lstm" else states[0]))
    return output, list(last) if op.name == "lstm" else [last]


def initial_states(op: Any, x: Tensor, given: dict[str, Tensor]) -> list[Tensor]:
    """Return the given initial states, and zeros in place of others; layers and directions first."""
    sizes = {"state": widths(op)[0]} | ({"cell": op.units} if op.name == "lstm" else {})
    zeros = {name: x.new_zeros(len(cells(op)), len(x), size) for name, size in sizes.items()}
    return [given.get(name, zero).contiguous() for name, zero in zeros.items()]


def step_by_step(op: Any, arrays: dict[str, Any], x: Tensor, given: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Run layers that PyTorch's classes do not have, by the formulas of their documentation."""
    directions = 1 + op.bidirectional
    first, last = initial_states(op, x, given), []
    for place, (number, direction) in enumerate(cells(op)):
        if not direction:
            sequence, found = (x if not number else torch.cat(found, -1)), []  # noqa: F821  # of the layer before
        own = cell_weights(op, arrays, place)
        states = tuple(each[place] for each in first)
        outputs = []
        for t in range(x.shape[1]):
            states = step(op, own, sequence[:, -1 - t if direction else t], states)
            outputs.append(states[0])
        found.append(torch.stack(outputs[::-1] if direction else outputs, 1))
        last.append(states)
    assert len(last) == op.layers * directions
    return torch.cat(found, -1), [torch.stack(each) for each in zip(*last, strict=True)]


def step(op: Any, own: dict[str, Any], x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    read = x @ own["input"].T + own.get("bias", 0)
    if op.name == "lstm":
        i, f, g, o = (read + states[0] @ own["recurrent"].T + own.get("recurrent_bias", 0)).chunk(4, -1)
        p_i, p_f, p_o = own["peephole"].chunk(3) if "peephole" in own else (0, 0, 0)
        c = (f + p_f * states[1]).sigmoid() * states[1] + (i + p_i * states[1]).sigmoid() * g.tanh()
        h = (o + p_o * c).sigmoid() * c.tanh()
        return h @ own["projection"].T if "projection" in own else h, c
    (h,) = states
    gates, new = own["recurrent"].split([2 * op.units, op.units])
    bias, new_bias = own["recurrent_bias"].split([2 * op.units, op.units]) if "recurrent_bias" in own else (0, 0)
    r, z = (read[:, : 2 * op.units] + h @ gates.T + bias).sigmoid().chunk(2, -1)
    n = (read[:, 2 * op.units :] + (r * h) @ new.T + new_bias).tanh()
    return ((1 - z) * n + z * h,)


TOKENS = (20, 18)
entry(
    "rnn",
    draw=draw("rnn", "relu"),
    torch=torch_module,
    cases=[
        ({"units": 12}, (TOKENS,)),
        ({"units": 12, "layers": 3, "act": "relu", "recurrent_bias": False}, (TOKENS,)),
        ({"units": 7, "bidirectional": True, "layers": 2, "state": True}, ((3, *TOKENS), (3, 4, 7))),
    ],
)
entry(
    "lstm",
    draw=draw("lstm", "proj=2", "peepholes"),
    torch=torch_module,
    cases=[
        ({"units": 12}, (TOKENS,)),
        ({"units": 12, "layers": 2, "bidirectional": True, "final": True}, (TOKENS,)),
        ({"units": 12, "layers": 3, "proj": 5, "bias": False}, ((3, *TOKENS),)),
        ({"units": 5, "layers": 2, "bidirectional": True, "peepholes": True}, (TOKENS,)),
        ({"units": 7, "proj": 5, "bidirectional": True, "state": True, "cell": True}, (TOKENS, (2, 5), (2, 7))),
    ],
    beyond_onnx_runtime=lambda op: op.proj is not None,
)
entry(
    "gru",
    draw=draw("gru", "reset_after=no"),
    torch=torch_module,
    cases=[
        ({"units": 12}, (TOKENS,)),
        ({"units": 12, "layers": 2, "bidirectional": True, "reset_after": False, "recurrent_bias": False}, (TOKENS,)),
        ({"units": 12, "final": True, "state": True}, ((3, *TOKENS), (3, 1, 12))),
    ],
)
