"""Stored tensors."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, helper, option, width
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, at, layer, writes

LEARNED = helper(
    "Learned",
    '''
class Learned(layers.Layer):
    """An array that does not depend on the input, for every example of a batch."""

    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)

    def build(self, input_shape):
        self.value = self.add_weight(shape=self.sizes, name="value")

    def call(self, x):
        return ops.broadcast_to(self.value, (ops.shape(x)[0], *self.sizes))
''',
)


@writes("learned", "constant")
def write_learned(context: KerasContext) -> LayerCode:
    found = [width("size", size) for size in context.layout.of(context.output)]
    sizes = found[0] if len(found) == 1 else CallArgument("sizes", CallExpression("", tuple(found)), positional=True)
    trainable = option("trainable", context.op.name == "learned", True)
    rank = len(context.output)

    def first(array: object) -> object:
        last = context.layout is AxisOrder.LAST and rank > 1
        return array.transpose(rank - 1, *range(rank - 1)) if last else array  # type: ignore[attr-defined]

    code = layer(CallExpression(LEARNED.name, (sizes, trainable)), "$anchor", helpers=(LEARNED,))
    return code._replace(steps=(), arrays={"value": at("value", first)})
