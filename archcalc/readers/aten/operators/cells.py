"""Single steps of recurrent layers."""

from __future__ import annotations

from archcalc.ops.activation import Relu, Sigmoid, Tanh
from archcalc.ops.arithmetic import Offset, Scale
from archcalc.ops.base import Operator
from archcalc.ops.joins import Add, Mul
from archcalc.ops.structure import Split
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.linear import weighted
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.steps import Step, along_axis, make


def sums_of(c: Composition, tensor: int, which: str) -> int:
    """Return the weighted sums of an input or state: by the weight and the bias ``ih`` or ``hh``."""
    return weighted(c, tensor, f"w_{which}", f"b_{which}" if c.a.is_tensor(f"b_{which}") else None)


def gates(c: Composition, tensor: int, count: int) -> list[int]:
    """Return the equal parts of the last axis."""
    *lead, n = c.sizes(tensor)
    return [
        c.add(along_axis(len(lead), make(Split, parts=count, part=part), tensor, c.new((*lead, n // count))))
        for part in range(count)
    ]


@translates("lstm_cell")
def lstm_cell(a: Arguments) -> list[Step]:
    """Translate c′ = f∘c + i∘g and h′ = o∘tanh(c′), with i, f, o = σ(…) and g = tanh(…)."""
    c = Composition(a)
    state, cell = map(a.reading.tensor, a.names("hx"))
    sums = c.join(Add(), sums_of(c, a.tensor("input"), "ih"), sums_of(c, state, "hh"))
    i, f, g, o = gates(c, sums, 4)
    i, f, o = (c.apply(gate, Sigmoid()) for gate in (i, f, o))
    kept = c.join(Mul(), f, cell)
    new = c.join(Add(), kept, c.join(Mul(), i, c.apply(g, Tanh())))
    if len(a.call.outputs) > 1 and a.call.outputs[1] is not None:
        a.reading.give(a.call.outputs[1], new)
    return c.done(c.join(Mul(), o, c.apply(new, Tanh())))


@translates("gru_cell")
def gru_cell(a: Arguments) -> list[Step]:
    """Translate h′ = (1 − z)∘n + z∘h, with r, z = σ(…) and n = tanh(… + r∘(…))."""
    c, state = Composition(a), a.tensor("hx")
    read, kept = (gates(c, sums_of(c, each, which), 3) for each, which in ((a.tensor("input"), "ih"), (state, "hh")))
    r, z = (c.apply(c.join(Add(), one, other), Sigmoid()) for one, other in zip(read[:2], kept[:2], strict=True))
    n = c.apply(c.join(Add(), read[2], c.join(Mul(), r, kept[2])), Tanh())
    rest = c.apply(z, make(Scale, factor=-1), make(Offset, by=1))
    return c.done(c.join(Add(), c.join(Mul(), rest, n), c.join(Mul(), z, state)))


ACTIVATIONS: dict[str, Operator] = {"rnn_tanh_cell": Tanh(), "rnn_relu_cell": Relu()}


@translates(*ACTIVATIONS)
def rnn_cell(a: Arguments) -> list[Step]:
    c = Composition(a)
    sums = c.join(Add(), sums_of(c, a.tensor("input"), "ih"), sums_of(c, a.tensor("hx"), "hh"))
    return c.done(c.apply(sums, ACTIVATIONS[a.operator]))
