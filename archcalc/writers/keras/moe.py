"""Mixtures of experts."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper, width
from archcalc.writers.keras.registry import KerasContext, at, layer, writes

MIXTURE = '''
class {name}(layers.Layer):
    """A sum of the outputs of the experts that a router chooses for each token."""

    def __init__(self, hidden, experts, top, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.experts, self.top = hidden, experts, top

    def build(self, input_shape):
        features = input_shape[-1]
        into = (self.experts, self.hidden, features)
        out = (self.experts, features, self.hidden)
        self.router = self.add_weight(shape=(self.experts, features), name="router")
        self.up = self.add_weight(shape=into, name="up")
{gate}        self.down = self.add_weight(shape=out, name="down")

    def call(self, x):
        scores = ops.matmul(x, ops.transpose(self.router))
        shares, chosen = ops.top_k(scores, self.top)
        shares, result = ops.softmax(shares), 0
        for expert in range(self.experts):
            hidden = {hidden}
            is_chosen = ops.cast(ops.equal(chosen, expert), x.dtype)
            share = ops.sum(shares * is_chosen, axis=-1, keepdims=True)
            result += share * ops.matmul(hidden, ops.transpose(self.down[expert]))
        return result
'''


@writes("moe")
def write_moe(context: KerasContext) -> LayerCode:
    op = context.op
    if op.bias:
        raise NotInLibrary("a mixture of experts with biases is not written")
    option = ", approximate=False" if op.act == "gelu" else ""
    up = "ops.matmul(x, ops.transpose(self.up[expert]))"
    if op.gated:
        first = f"ops.{op.act}(ops.matmul(x, ops.transpose(self.gate[expert])){option})"
        hidden = f"{first}\n            hidden *= {up}"
    else:
        hidden = f"ops.{op.act}({up}{option})"
    gate = '        self.gate = self.add_weight(shape=into, name="gate")\n' if op.gated else ""
    name = f"{'Gated' if op.gated else ''}{op.act.title()}MixtureOfExperts"
    made = helper(name, MIXTURE.format(name=name, gate=gate, hidden=hidden))
    args = (width("hidden", op.hidden), CallArgument("experts", op.experts), CallArgument("top", op.top))
    arrays = {each: at(each) for each in ("router", "up", "gate", "down")}
    return layer(CallExpression(name, args), helpers=(made,), arrays=arrays)
