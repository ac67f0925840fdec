"""PyTorch's FlopCounterMode."""

from __future__ import annotations

from dataclasses import replace

from archcalc.counters.formulas import attention, products
from archcalc.counters.formulas.backward import (
    with_backward,
    with_backward_of_groups,
    with_backward_through_steps,
)
from archcalc.counters.rules import CountingRule, Formula, Tool, ToolQuantity
from archcalc.counters.trace import Trace

REGISTRY = "torch/utils/flop_counter.py flop_registry"
PACKAGE = "torch on PyPI"
CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution"
RECURRENT = "gru rnn_tanh rnn_relu"
WATCHES = (
    "operators that PyTorch dispatches, however the model calls them; biases, norms and activations are not counted"
)


def operator_rules(attention: Formula, per_mac: Formula, dispatched: Formula) -> tuple[CountingRule, ...]:
    """Return what is counted.

    Args:
        attention: the formula of scaled dot-product attention.
        per_mac: that of all other operators.
        dispatched: that of products of two tensors.
    """
    return (
        CountingRule("operator", CONVOLUTIONS, "convolutions", per_mac, f"{REGISTRY} conv_flop, conv_backward_flop"),
        CountingRule("operator", "linear addmm", "linear layers", per_mac, f"{REGISTRY} addmm_flop, mm_flop"),
        CountingRule("operator", "matmul mm bmm baddbmm einsum", "matrix products", dispatched, f"{REGISTRY} bmm_flop"),
        CountingRule("operator", RECURRENT, "recurrent layers", per_mac, f"{REGISTRY} addmm_flop"),
        CountingRule(
            "operator",
            "scaled_dot_product_attention",
            "scaled dot-product attention",
            attention,
            f"{REGISTRY} sdpa_flop: the fused operator of the CPU is not in it",
        ),
    )


USE = "with torch.utils.flop_counter.FlopCounterMode() as counter: model(x)"


def _flops(attention: Formula) -> tuple[ToolQuantity, ...]:
    rules = operator_rules(attention, products.TWO_PER_MAC, products.DISPATCHED_PRODUCT_FLOPS)
    return (
        ToolQuantity("flops", "FLOPs (two per multiply–accumulate)", "macs", rules=rules),
        ToolQuantity(
            "training_flops",
            "FLOPs with model(x).sum().backward() (two per multiply–accumulate)",
            "training_macs",
            rules=tuple([_with_gradients(rule, forward=True) for rule in rules]),
        ),
        ToolQuantity(
            "backward_flops",
            "FLOPs of loss.backward() alone (two per multiply–accumulate)",
            "backward_macs",
            rules=tuple([_with_gradients(rule, forward=False) for rule in rules]),
        ),
    )


def _with_gradients(rule: CountingRule, *, forward: bool) -> CountingRule:
    """Return a rule that counts the backward pass, after the forward pass or alone."""
    special = {CONVOLUTIONS: with_backward_of_groups, RECURRENT: with_backward_through_steps}
    return replace(rule, formula=special.get(rule.names, with_backward)(rule.formula, forward=forward))


def _parameter_enters_a_module(trace: Trace) -> str:
    """Return why the hooks that note the current module fail: they cannot be added to a view of a parameter."""
    for call in trace.calls:
        if call.path and any(each.name in trace.parameter_views for each in call.inputs):
            return f"a view of a parameter enters the module '{call.path}'"
    return ""


FLOP_COUNTER = Tool(
    name="flop-counter-mode",
    version="2.13",
    package=PACKAGE,
    use=USE,
    watches=WATCHES,
    caller_decides=True,
    title="PyTorch's FlopCounterMode",
    native_layers=True,
    failure_without_gradients=_parameter_enters_a_module,
    quantities=_flops(attention.UNFUSED_ATTENTION_FLOPS),
)

FLOP_COUNTER_META = Tool(
    name="flop-counter-mode",
    version="2.13",
    setting="meta",
    package=PACKAGE,
    use=f"with torch.device('meta'): {USE}",
    watches=WATCHES,
    quantities=_flops(products.TWO_PER_MAC),
)
