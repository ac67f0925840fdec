"""Normalisation."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, Slot, option, width
from archcalc.writers.pytorch.registry import PyTorchContext, by_rank, expression, module, writes

EPS = Fraction(1, 100_000)
"""PyTorch's default."""


def numbers(context: PyTorchContext, affine: str = "affine", default: bool = True) -> tuple[CallArgument, CallArgument]:
    """Return the arguments of all normalisations."""
    return option("eps", context.op.eps, EPS), option(affine, context.op.affine, default)


@writes("bn")
def write_bn(context: PyTorchContext) -> LayerCode:
    args = (width("num_features", context.shape[0]), *numbers(context))
    if context.rank <= 3:
        return module(CallExpression(by_rank("BatchNorm", max(context.rank, 1)), args))
    sizes = [Slot(f"size_{place}", size) for place, size in enumerate(context.shape[1:])]
    text = f"$self($0.flatten(2)).unflatten(2, ({', '.join(f'${size.name}' for size in sizes)}))"
    return LayerCode(text, (("", CallExpression("nn.BatchNorm1d", args)),), values=tuple(sizes))


@writes("ln", "rms_norm")
def write_ln(context: PyTorchContext) -> LayerCode:
    op, shape = context.op, context.shape
    cls = "nn.LayerNorm" if op.name == "ln" else "nn.RMSNorm"
    together = {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]
    size = together[0] if len(together) == 1 else tuple(together)
    kind = "width" if len(together) == 1 else ""
    named = numbers(context, "elementwise_affine")
    if op.name == "rms_norm":  # PyTorch's default depends on the number format
        named = (CallArgument("eps", op.eps, kind="eps"), named[1])
    call = CallExpression(cls, (CallArgument("features", size, kind=kind, positional=True), *named))
    if op.axis != "channels" or len(shape) == 1:
        return module(call)
    return LayerCode("$self($0.movedim(1, -1)).movedim(-1, 1)", (("", call),))


@writes("l2_norm")
def write_l2_norm(context: PyTorchContext) -> LayerCode:
    axes = {"all": tuple(range(1, len(context.shape) + 1)), "last": -1, "channels": 1}[context.op.axis]
    usual = float(context.op.eps) == 1e-12
    return expression(f"F.normalize($0, dim={axes}{'' if usual else f', eps={float(context.op.eps)}'})")


@writes("in")
def write_in(context: PyTorchContext) -> LayerCode:
    channels = context.shape[0]
    if prod(context.shape[1:]) == 1:  # PyTorch refuses to normalise a single number
        raise NotInLibrary("PyTorch does not normalise maps of a single position")
    cls = by_rank("InstanceNorm", context.rank)
    return module(CallExpression(cls, (width("num_features", channels), *numbers(context, default=False))))


@writes("gn")
def write_gn(context: PyTorchContext) -> LayerCode:
    groups = CallArgument("num_groups", context.op.groups, positional=True)
    return module(CallExpression("nn.GroupNorm", (groups, width("num_channels", context.shape[0]), *numbers(context))))


@writes("lrn")
def write_lrn(context: PyTorchContext) -> LayerCode:
    op = context.op
    if op.region != "across":
        raise NotInLibrary("PyTorch's local response normalisation runs over channels only")
    if len(context.shape) == 1:
        raise NotInLibrary("PyTorch's local response normalisation needs maps")
    args = (  # PyTorch divides alpha by the number of terms
        CallArgument("size", op.size, positional=True),
        option("alpha", op.alpha * op.size, Fraction(1, 10_000)),
        option("beta", op.beta, Fraction(3, 4)),
        option("k", op.k, 1),
    )
    return module(CallExpression("nn.LocalResponseNorm", args))


@writes("standardize")
def write_standardize(context: PyTorchContext) -> LayerCode:
    """Write the numbers as a constant tensor, which is no part of the state."""
    raise NotInLibrary("a standardisation by constants is not written: its numbers belong to the input pipeline")
