"""Calls that PyTorch computes by one native operator at inference, so that tools do not see their operations."""

from __future__ import annotations

from archcalc.counters.formulas.attention import attention_heads, is_batch_first
from archcalc.counters.trace import ModuleCall, Operation, Trace

ENCODER_LAYER = "TransformerEncoderLayer"


def is_native_attention(call: ModuleCall) -> bool:
    """Return whether a call of ``MultiheadAttention`` is native without gradients.

    It is if one tensor is query, key and value, the batch is first, the number of heads is even, and there are biases
    (torch/nn/modules/activation.py, ``MultiheadAttention.forward``).
    """
    return (
        call.class_name == "MultiheadAttention"
        and any(each.name == "unflatten" for each in call.own)
        and is_batch_first(call)
        and "in_proj_bias" in call.parameters
        and attention_heads(call) % 2 == 0
    )


def is_native_layer(call: ModuleCall) -> bool:
    """Return whether a call of ``TransformerEncoderLayer`` is native without gradients and without hooks in it."""
    inner = [each for each in call.children if each.class_name == "MultiheadAttention"]
    return call.class_name == ENCODER_LAYER and bool(inner) and all(map(is_native_attention, inner))


class NativeCalls:
    """The operations of a trace that are part of native calls if there are no gradients."""

    def __init__(self, trace: Trace) -> None:
        self._attention = {id(each) for call in trace.calls if is_native_attention(call) for each in call.operations}
        layers = {id(each) for call in trace.calls if is_native_layer(call) for each in call.operations}
        self._with_layers = self._attention | layers

    def has(self, operation: Operation, *, layers: bool) -> bool:
        """Return whether an operation is one of them.

        Args:
            operation: the operation.
            layers: whether entire encoder layers can be native, too.
        """
        return id(operation) in (self._with_layers if layers else self._attention)
