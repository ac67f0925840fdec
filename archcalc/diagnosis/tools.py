"""What profilers count, operator by operator: their habits as data, each with its source.

A rule says what a layer adds to the number that a tool prints as MACs, FLOPs or parameters. An operator that a tool has
no rule for adds nothing. The tables were read off the sources named beside them and compared with what the tools print
(see ``tests/facts/profilers.yaml``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import Tally
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number, exact_div, product
from archcalc.ops.base import spatial

Rule: TypeAlias = Callable[[Site, Counts], Number]


def macs(site: Site, counts: Counts) -> Number:
    """A multiply–accumulate pair is one operation; biases are free."""
    return counts.macs


def macs_and_biases(site: Site, counts: Counts) -> Number:
    """One more operation per output for the bias."""
    return counts.connections


def two_per_mac(site: Site, counts: Counts) -> Number:
    return 2 * counts.macs


def nothing(site: Site, counts: Counts) -> Number:
    """The tool has no such layer: what it does is done to the data beforehand."""
    return 0


def params(site: Site, counts: Counts) -> Number:
    """All stored numbers."""
    return counts.params


def trainable(site: Site, counts: Counts) -> Number:
    """Stored numbers that are trained: no running statistics."""
    return counts.trainable


def params_per_position(site: Site, counts: Counts) -> Number:
    """Parameters, the biases among them, times the positions of the output."""
    return counts.trainable * product(spatial(site.op.output(site.inputs)))


def whole_kernel_per_output(site: Site, counts: Counts) -> Number:
    """A transposed convolution costed like a convolution: the whole kernel for each output."""
    op: Any = site.op
    return product(op.output(site.inputs)) * exact_div(site.shape[0], op.groups) * product(op.kernel)


def whole_kernel_and_bias_per_output(site: Site, counts: Counts) -> Number:
    op: Any = site.op
    return whole_kernel_per_output(site, counts) + (product(op.output(site.inputs)) if op.bias else 0)


def inputs(times: int = 1, *, affine: int = 0) -> Rule:
    """So many operations per element of the input, more where there is a learned scale and shift."""

    def count(site: Site, counts: Counts) -> Number:
        has = affine and getattr(site.op, "affine", False)
        return product(site.shape) * (times + (affine if has else 0))

    return count


def outputs(times: int = 1) -> Rule:
    """So many operations per element of the output."""
    return lambda site, counts: times * counts.activations


def window_per_output(site: Site, counts: Counts) -> Number:
    """The elements that are averaged, and a division, per output, as if all windows were alike."""
    out = site.op.output(site.inputs)
    return product(site.shape) + product(out)


def exponentials(site: Site, counts: Counts) -> Number:
    """n exponentials, n − 1 additions, n divisions for n classes."""
    return 3 * product(site.shape) - exact_div(product(site.shape), site.shape[0])


def by_mode(nearest: int, bilinear: int) -> Rule:
    """So many operations per output of an upsampling, by how it interpolates."""

    def count(site: Site, counts: Counts) -> Number:
        interpolates = "bilinear" in site.op.attributes().values()
        return counts.activations * (bilinear if interpolates else nearest)

    return count


def with_moving_average_factor(site: Site, counts: Counts) -> Number:
    """One number more: the factor by which both statistics are divided."""
    return counts.params + 1


@dataclass(frozen=True)
class Tool:
    """A program's habit."""

    code: str
    """Stable."""
    name: str
    quantity: str
    """What of archcalc's it prints, in its way."""
    rules: Mapping[str, Rule]
    """Operator to what it adds."""
    source: str
    others: Rule | None = None
    """What all other operators add, if the tool has a rule for them."""

    @property
    def tally(self) -> Tally:
        """The habit as a convention: every layer adds what its rule says."""

        def count(site: Site, counts: Counts, quantity: str) -> Number:
            rule = self.rules.get(site.op.name, self.others)
            return rule(site, counts) if rule is not None else 0

        return count


def each(operators: str, rule: Rule) -> dict[str, Rule]:
    """The same rule for several operators."""
    return dict.fromkeys(operators.split(), rule)


LINEAR_ALGEBRA = "conv dwconv sepconv upconv fc linear"
CONVOLUTIONS = "conv dwconv sepconv"
ADAPTIVE = "gap gmp adaptive_avgpool adaptive_maxpool"

TOOLS = (
    Tool(
        "tool:thop", "thop 0.1", "macs",
        {
            **each(f"{CONVOLUTIONS} fc linear", macs), "upconv": whole_kernel_per_output,
            **each("bn ln in", inputs(2, affine=2)),
            "prelu": inputs(), "softmax": exponentials, "avgpool": outputs(),
            **each("gap adaptive_avgpool", window_per_output), "upsample": by_mode(1, 11),
        },
        "thop 0.1.1: thop/profile.py register_hooks, thop/vision/basic_hooks.py, calc_func.py",
    ),
    Tool(
        "tool:thop-0.0", "thop 0.0.31", "macs",
        {
            **each(CONVOLUTIONS, macs_and_biases), "upconv": whole_kernel_and_bias_per_output,
            **each("fc linear", macs), "bn": inputs(2), "leaky_relu": inputs(), "avgpool": outputs(),
            **each("gap adaptive_avgpool", window_per_output), "upsample": by_mode(0, 11),
        },
        "thop 0.0.31: thop/profile.py register_hooks, thop/vision/basic_hooks.py",
    ),
    Tool(
        "tool:ptflops", "ptflops", "macs",
        {
            **each(LINEAR_ALGEBRA, macs_and_biases), **each("bn ln in gn", inputs(1, affine=1)),
            **each("leaky_relu relu6 silu softmax", inputs()),
            **each(f"relu prelu elu gelu maxpool avgpool {ADAPTIVE}", inputs(2)), "upsample": outputs(2),
        },
        "ptflops 0.7.5, backend pytorch: ptflops/pytorch_ops.py; a module such as ReLU is counted twice: by its own "
        "hook (MODULES_MAPPING), and by the hook of the function that it calls (FUNCTIONAL_MAPPING)",
    ),
    Tool(
        "tool:ptflops-aten", "ptflops (backend aten)", "macs", each(LINEAR_ALGEBRA, macs_and_biases),
        "ptflops 0.7.5, backend aten: ptflops/aten_ops.py ATEN_OPS_MAPPING",
    ),
    Tool(
        "tool:fvcore", "fvcore", "macs",
        {
            **each(LINEAR_ALGEBRA, macs), "bn": inputs(1, affine=1), **each("ln in gn", inputs(4, affine=1)),
            **each("gap adaptive_avgpool", inputs()), "upsample": by_mode(1, 4),
        },
        "fvcore 0.1.5: fvcore/nn/flop_count.py _DEFAULT_SUPPORTED_OPS, jit_handles.py",
    ),
    Tool(
        "tool:torchinfo", "torchinfo", "macs",
        {**each(f"{CONVOLUTIONS} upconv", params_per_position), **each("fc linear bn ln in gn prelu", trainable)},
        "torchinfo 1.8.0: torchinfo/layer_info.py calculate_macs (outside of convolutions every parameter counts once)",
    ),
    Tool(
        "tool:pytorch-flop-counter", "PyTorch's FlopCounterMode", "flops", each(LINEAR_ALGEBRA, two_per_mac),
        "PyTorch: torch/utils/flop_counter.py flop_registry",
    ),
    Tool(
        "tool:pytorch-parameters", "PyTorch's model.parameters() (torchinfo, thop, ptflops, torchvision, timm)",
        "params", {}, "torch.nn.Module.parameters() holds no buffers, and running statistics are buffers",
        others=trainable,
    ),
    Tool(
        "tool:keras", "Keras (model.summary())", "params", each("standardize", nothing),
        "Keras: count_params() adds weights that are not trained: moving mean and variance of BatchNormalization",
        others=params,
    ),
    Tool(
        "tool:caffe", "Caffe", "params", {"bn": with_moving_average_factor, "standardize": nothing},
        "Caffe: batch_norm_layer.cpp stores mean, variance and a moving-average factor; ScaleLayer scale and shift",
        others=params,
    ),
)  # fmt: skip
"""In the order in which they are reported."""
