"""PyTorch's FlopCounterMode, and torchvision's published figures, which were made with it."""

from __future__ import annotations

from archcalc.counters.formulas import attention, products
from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Formula, Quantity, Rule, Tool, Unit

REGISTRY = "torch/utils/flop_counter.py flop_registry"
PACKAGE = "torch on PyPI"
CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution"
WATCHES = (
    "operators that PyTorch dispatches, however the model calls them; biases, norms and activations count as nothing"
)


def _rules(attention: Formula, per_mac: Formula, dispatched: Formula) -> tuple[Rule, ...]:
    return (
        Rule("operator", CONVOLUTIONS, "convolutions", per_mac, f"{REGISTRY} conv_flop"),
        Rule("operator", "linear addmm", "linear layers", per_mac, f"{REGISTRY} addmm_flop, mm_flop"),
        Rule("operator", "matmul mm bmm baddbmm einsum", "matrix products", dispatched, f"{REGISTRY} bmm_flop"),
        Rule("operator", "gru rnn_tanh rnn_relu", "recurrent layers", per_mac, f"{REGISTRY} addmm_flop"),
        Rule(
            "operator",
            "scaled_dot_product_attention",
            "scaled dot-product attention",
            attention,
            f"{REGISTRY} sdpa_flop: the fused operator of the CPU is not in it",
        ),
    )


USE = "with torch.utils.flop_counter.FlopCounterMode() as counter: model(x)"


def _flops(attention: Formula) -> tuple[Quantity, ...]:
    rules = _rules(attention, products.TWO_PER_MAC, products.DISPATCHED_PRODUCT_FLOPS)
    return (Quantity("flops", "FLOPs (two per multiply–add)", "macs", rules=rules),)


FLOP_COUNTER = Tool(
    name="flop-counter-mode",
    version="2.13",
    package=PACKAGE,
    use=USE,
    watches=WATCHES,
    caller_decides=True,
    title="PyTorch's FlopCounterMode",
    native_layers=True,
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

TORCHVISION = Tool(
    name="torchvision",
    version="0.28",
    package="torchvision on PyPI",
    use="weights.meta['_ops']",
    watches=WATCHES,
    quantities=(
        Quantity(
            "macs",
            "GFLOPS in the tables of weights (a multiply–add is one)",
            "macs",
            Unit(" G", 10**9, 3),
            rules=_rules(products.MACS, products.MACS, products.DISPATCHED_PRODUCT),
        ),
        Quantity("params", "Params", "params", measure=all_parameters, source="torch.nn.Module.parameters"),
    ),
)
