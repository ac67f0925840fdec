"""Normalisation."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from archcalc.writers.code.calls import Arg, CallExpression, Code, NotInLibrary, Slot, width
from archcalc.writers.pytorch.registry import LayerContext, by_rank, expression, module, option, writes

EPS = Fraction(1, 100_000)
"""PyTorch's default."""


def numbers(view: LayerContext, affine: str = "affine", default: bool = True) -> tuple[Arg, Arg]:
    """Return the arguments of all normalisations."""
    return option("eps", view.op.eps, EPS), option(affine, view.op.affine, default)


@writes("bn")
def write_bn(view: LayerContext) -> Code:
    args = (width("num_features", view.shape[0]), *numbers(view))
    if view.rank <= 3:
        return module(CallExpression(by_rank("BatchNorm", max(view.rank, 1)), args))
    sizes = [Slot(f"size_{place}", size) for place, size in enumerate(view.shape[1:])]
    text = f"$self($0.flatten(2)).unflatten(2, ({', '.join(f'${size.name}' for size in sizes)}))"
    return Code(text, (("", CallExpression("nn.BatchNorm1d", args)),), values=tuple(sizes))


@writes("ln", "rms_norm")
def write_ln(view: LayerContext) -> Code:
    op, shape = view.op, view.shape
    cls = "nn.LayerNorm" if op.name == "ln" else "nn.RMSNorm"
    together = {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]
    size = together[0] if len(together) == 1 else tuple(together)
    kind = "width" if len(together) == 1 else ""
    named = numbers(view, "elementwise_affine")
    if op.name == "rms_norm":  # PyTorch's default depends on the number format
        named = (Arg("eps", op.eps, kind="eps"), named[1])
    call = CallExpression(cls, (Arg("features", size, kind=kind, positional=True), *named))
    if op.axis != "channels" or len(shape) == 1:
        return module(call)
    return Code("$self($0.movedim(1, -1)).movedim(-1, 1)", (("", call),))


@writes("l2_norm")
def write_l2_norm(view: LayerContext) -> Code:
    axes = {"all": tuple(range(1, len(view.shape) + 1)), "last": -1, "channels": 1}[view.op.axis]
    usual = float(view.op.eps) == 1e-12
    return expression(f"F.normalize($0, dim={axes}{'' if usual else f', eps={float(view.op.eps)}'})")


@writes("in")
def write_in(view: LayerContext) -> Code:
    channels = view.shape[0]
    if prod(view.shape[1:]) == 1:  # PyTorch refuses to normalise a single number
        raise NotInLibrary("PyTorch does not normalise maps of a single position")
    cls = by_rank("InstanceNorm", view.rank)
    return module(CallExpression(cls, (width("num_features", channels), *numbers(view, default=False))))


@writes("gn")
def write_gn(view: LayerContext) -> Code:
    groups = Arg("num_groups", view.op.groups, positional=True)
    return module(CallExpression("nn.GroupNorm", (groups, width("num_channels", view.shape[0]), *numbers(view))))


@writes("lrn")
def write_lrn(view: LayerContext) -> Code:
    op = view.op
    if op.region != "across":
        raise NotInLibrary("PyTorch's local response normalisation runs over channels only")
    if len(view.shape) == 1:
        raise NotInLibrary("PyTorch's local response normalisation needs maps")
    args = (  # PyTorch divides alpha by the number of terms
        Arg("size", op.size, positional=True),
        option("alpha", op.alpha * op.size, Fraction(1, 10_000)),
        option("beta", op.beta, Fraction(3, 4)),
        option("k", op.k, 1),
    )
    return module(CallExpression("nn.LocalResponseNorm", args))


@writes("standardize")
def write_standardize(view: LayerContext) -> Code:
    """Write the numbers as a constant tensor, which is no part of the state."""
    raise NotInLibrary("a standardisation by constants is not written: its numbers belong to the input pipeline")
