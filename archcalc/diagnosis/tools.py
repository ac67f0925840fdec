"""The counting rules of profilers, operator by operator, as data with sources.

A counting rule gives what a layer adds to the number that a tool prints as MACs, FLOPs or parameters. An operator
without a rule adds nothing. The tables are taken from the sources named in them and were compared with the output of
the tools (see ``tests/facts/profilers.yaml``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import Contribution
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number, exact_div, product
from archcalc.ops.base import spatial

CountingRule: TypeAlias = Callable[[Site, Counts], Number]


def macs(site: Site, counts: Counts) -> Number:
    """Count a multiply–accumulate as one operation, without biases."""
    return counts.macs


def macs_and_biases(site: Site, counts: Counts) -> Number:
    """Count one more operation per output for the bias."""
    return counts.connections


def two_per_mac(site: Site, counts: Counts) -> Number:
    return 2 * counts.macs


def nothing(site: Site, counts: Counts) -> Number:
    """Count nothing: users of the tool preprocess the data instead of using such a layer."""
    return 0


def params(site: Site, counts: Counts) -> Number:
    """Count all stored numbers."""
    return counts.params


def trainable(site: Site, counts: Counts) -> Number:
    """Count the stored numbers that are trained, without running statistics."""
    return counts.trainable


def params_per_position(site: Site, counts: Counts) -> Number:
    """Count the parameters, with biases, times the positions of the output."""
    return counts.trainable * product(spatial(site.op.output(site.inputs)))


def kernel_per_output(site: Site, counts: Counts) -> Number:
    """Count a transposed convolution like a convolution: the entire kernel for each output."""
    op: Any = site.op
    return product(op.output(site.inputs)) * exact_div(site.shape[0], op.groups) * product(op.kernel)


def kernel_and_bias_per_output(site: Site, counts: Counts) -> Number:
    """Count the entire kernel of a transposed convolution, and its bias, for each output."""
    op: Any = site.op
    return kernel_per_output(site, counts) + (product(op.output(site.inputs)) if op.bias else 0)


def inputs(times: int = 1, *, affine: int = 0) -> CountingRule:
    """Return the rule that counts ``times`` operations per element of the input, and ``affine`` more if there are a
    learned scale and shift."""

    def count(site: Site, counts: Counts) -> Number:
        has = affine and getattr(site.op, "affine", False)
        return product(site.shape) * (times + (affine if has else 0))

    return count


def outputs(times: int = 1) -> CountingRule:
    """Return the rule that counts ``times`` operations per element of the output."""
    return lambda site, counts: times * counts.activations


def window_per_output(site: Site, counts: Counts) -> Number:
    """Count the averaged elements, and a division per output, as if all windows had the same size."""
    out = site.op.output(site.inputs)
    return product(site.shape) + product(out)


def exponentials(site: Site, counts: Counts) -> Number:
    """Count n exponentials, n − 1 additions and n divisions for n classes."""
    return 3 * product(site.shape) - exact_div(product(site.shape), site.shape[0])


def by_mode(nearest: int, bilinear: int) -> CountingRule:
    """Return the rule for the operations per output of an upsampling, by its interpolation."""

    def count(site: Site, counts: Counts) -> Number:
        interpolates = "bilinear" in site.op.attributes().values()
        return counts.activations * (bilinear if interpolates else nearest)

    return count


def with_moving_average_factor(site: Site, counts: Counts) -> Number:
    """Count one more number, the factor by which both running statistics are divided."""
    return counts.params + 1


@dataclass(frozen=True)
class Tool:
    """The counting rules of a program for one quantity."""

    code: str
    """A stable identifier."""
    name: str
    quantity: str
    """The quantity of archcalc that corresponds to the number that the tool prints."""
    rules: Mapping[str, CountingRule]
    """The counting rules by operator."""
    source: str
    """The file and function of the tool that define the rules."""
    others: CountingRule | None = None
    """The counting rule for all other operators, if the tool has one."""

    @property
    def contribution(self) -> Contribution:
        """The counting rules as a convention, under which every layer adds what its rule gives."""

        def count(site: Site, counts: Counts, quantity: str) -> Number:
            rule = self.rules.get(site.op.name, self.others)
            return rule(site, counts) if rule is not None else 0

        return count


def each(operators: str, rule: CountingRule) -> dict[str, CountingRule]:
    """Return the same rule for several operators, whose names are separated by spaces."""
    return dict.fromkeys(operators.split(), rule)


LINEAR_ALGEBRA = "conv dwconv sepconv upconv fc linear"
CONVOLUTIONS = "conv dwconv sepconv"
ADAPTIVE = "gap gmp adaptive_avgpool adaptive_maxpool"

TOOLS = (
    Tool(
        "tool:thop", "thop 0.1", "macs",
        {
            **each(f"{CONVOLUTIONS} fc linear", macs), "upconv": kernel_per_output,
            **each("bn ln in", inputs(2, affine=2)),
            "prelu": inputs(), "softmax": exponentials, "avgpool": outputs(),
            **each("gap adaptive_avgpool", window_per_output), "upsample": by_mode(1, 11),
        },
        "thop 0.1.1: thop/profile.py register_hooks, thop/vision/basic_hooks.py, calc_func.py",
    ),
    Tool(
        "tool:thop-0.0", "thop 0.0.31", "macs",
        {
            **each(CONVOLUTIONS, macs_and_biases), "upconv": kernel_and_bias_per_output,
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
"""The tools, in the order in which they are reported."""
