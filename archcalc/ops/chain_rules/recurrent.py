"""Gradients of recurrent layers as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.recurrent import Gru, Lstm, Rnn


@chain_rule(Rnn)
def rnn(op: Rnn, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("h[t]", "f(a[t])", "a[t] = W·x[t] + U·h[t−1] + b")
    yield Rule("∂L/∂a[t]", "∂L/∂h[t]·f′(a[t])", "from the last step to the first")
    yield Rule("∂L/∂h[t−1]", "Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the next step, and the output of the step itself")
    yield from _over_time("a")


@chain_rule(Lstm)
def lstm(op: Lstm, inputs: Shapes) -> Iterator[Rule]:
    """Hochreiter and Schmidhuber 1997; Gers et al. 2000."""
    sums = "a = W·x[t] + U·h[t−1] + b, a part for each gate"
    peepholes = "; plus p_i⊙c[t−1], p_f⊙c[t−1] and p_o⊙c[t]" if op.peepholes else ""
    yield Rule("i, f, o", "σ(a_i), σ(a_f), σ(a_o)", sums + peepholes)
    yield Rule("g", "tanh(a_g)")
    yield Rule("c[t]", "f⊙c[t−1] + i⊙g")
    yield Rule("h[t]", "o⊙tanh(c[t])")
    yield Rule("∂L/∂o", "∂L/∂h[t]⊙tanh(c[t])", "from the last step to the first")
    through = " + ∂L/∂a_o⊙p_o" if op.peepholes else ""
    yield Rule(
        "∂L/∂c[t]",
        f"∂L/∂c[t] + ∂L/∂h[t]⊙o⊙(1 − tanh(c[t])²){through}",
        f"that of step t + 1, plus that through h[t]{' and o' if op.peepholes else ''}",
    )
    if op.peepholes:
        yield Rule("∂L/∂c[t−1]", "∂L/∂c[t]⊙f + ∂L/∂a_i⊙p_i + ∂L/∂a_f⊙p_f", "through c[t], i and f")
    else:
        yield Rule(
            "∂L/∂c[t−1]",
            "∂L/∂c[t]⊙f",
            "no matrix and no activation function: the gradient hardly shrinks where f is near 1",
        )
    yield Rule("∂L/∂f, ∂L/∂i, ∂L/∂g", "∂L/∂c[t]⊙c[t−1], ∂L/∂c[t]⊙g, ∂L/∂c[t]⊙i")
    yield Rule("∂L/∂a_i", "∂L/∂i⊙i⊙(1 − i)", "likewise f and o")
    yield Rule("∂L/∂a_g", "∂L/∂g⊙(1 − g²)")
    yield Rule("∂L/∂h[t−1]", "Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the next step, and the output of the step itself")
    if op.peepholes:
        yield Rule("∂L/∂p_i, ∂L/∂p_f, ∂L/∂p_o", "Σ_t ∂L/∂a_i⊙c[t−1], Σ_t ∂L/∂a_f⊙c[t−1], Σ_t ∂L/∂a_o⊙c[t]")
    yield from _over_time("a")


@chain_rule(Gru)
def gru(op: Gru, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("h[t]", "(1 − z)⊙n + z⊙h[t−1]", "r and z are sigmoids, n is the tanh of the new values")
    yield Rule("∂L/∂n, ∂L/∂z", "∂L/∂h[t]⊙(1 − z), ∂L/∂h[t]⊙(h[t−1] − n)", "from the last step to the first")
    yield Rule("∂L/∂a_n", "∂L/∂n⊙(1 − n²)")
    yield Rule("∂L/∂a_z, ∂L/∂a_r", "∂L/∂z⊙z⊙(1 − z), ∂L/∂r⊙r⊙(1 − r)")
    yield Rule("∂L/∂h[t−1]", "∂L/∂h[t]⊙z + Uᵀ·∂L/∂a[t] + ∂L/∂y[t−1]", "the part of n through the reset gate r")
    yield from _over_time("a")


def _over_time(sums: str) -> Iterator[Rule]:
    yield Rule("∂L/∂W", f"Σ_t ∂L/∂{sums}[t]·x[t]ᵀ", "every step uses the same weights")
    yield Rule("∂L/∂U", f"Σ_t ∂L/∂{sums}[t]·h[t−1]ᵀ")
    yield Rule("∂L/∂b", f"Σ_t ∂L/∂{sums}[t]")
    yield Rule("∂L/∂x[t]", f"Wᵀ·∂L/∂{sums}[t]")
