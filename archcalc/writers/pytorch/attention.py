"""Attention: the products alone, and modules with the projections around them.

Such a module has the parameters and the lines that its layer needs, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.writers.code.calls import (
    CallArgument,
    CallExpression,
    LayerCode,
    NotInLibrary,
    Slot,
    helper,
    option,
    width,
)
from archcalc.writers.code.classes import camel_case
from archcalc.writers.code.lines import WIDTH, CallText, in_lines, wrapped
from archcalc.writers.code.operators import filled_up, shares_heads, words_of
from archcalc.writers.pytorch.registry import PyTorchContext, expression, writes

ROTATE = helper(
    "rotate",
    '''
def rotate(x: Tensor, base: float) -> Tensor:
    """Return queries or keys with rotary positions."""
    n, width = x.shape[-2:]
    rates = base ** (-torch.arange(0, width, 2, device=x.device) / width)
    angles = (torch.arange(n, device=x.device)[:, None] * rates).repeat(1, 2)
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()
''',
)
ARRAYS = {
    **{name: ("", f"{letter}_proj.weight") for name, letter in (("query", "q"), ("key", "k"), ("value", "v"))},
    **{f"{name}_bias": ("", f"{letter}_proj.bias") for name, letter in (("query", "q"), ("key", "k"), ("value", "v"))},
    "output": ("", "out_proj.weight"),
    "output_bias": ("", "out_proj.bias"),
}
"""Where the weights of the projections are."""


@writes("sdpa")
def write_sdpa(context: PyTorchContext) -> LayerCode:
    op = context.op
    if op.causal and len(context.shapes) == 4:
        raise NotInLibrary("PyTorch's scaled dot-product attention cannot both be causal and have a mask")
    args = ["$0", "$1", "$2"]
    args += [f"attn_mask={filled_up(context, 3, len(context.shape))}"] if len(context.shapes) == 4 else []
    args += ["is_causal=True"] if op.causal else []
    values = [] if op.factor is None else [Slot("scale", op.factor)]
    args += ["scale=$scale"] if values else []
    return expression(f"F.scaled_dot_product_attention({', '.join(args)})", *values)


@writes("attention")
def write_attention(context: PyTorchContext) -> LayerCode:
    op = context.op
    sizes = {name: int(size) for name, size in op.sizes(context.shapes).items()}
    given = op.tensor_arguments()
    made = helper(class_name(op), "\n".join(class_lines(op)))
    args = [width("features", sizes["features"]), CallArgument("heads", op.heads)]
    if shares_heads(op):
        args.append(CallArgument("kv_heads", op.kv_heads))
    if op.dim is not None:
        args.append(width("dim", op.dim)._replace(positional=False))
    if "context" in given:
        args.append(width("context_features", sizes["context"])._replace(positional=False))
    if op.window is not None:
        args.append(CallArgument("window", op.window))
    if op.rope is not None:
        args.append(option("base", op.rope, 10_000))
    rank = len(context.shape) + 1
    tensors = ["$0"]
    for place, argument in enumerate(given, start=1):
        single = context.single[place]  # its batch of 1 broadcasts, wherever it is
        tensors.append(f"${place}" if argument == "context" or single else filled_up(context, place, rank))
    call = CallExpression(made.name, tuple(args))
    helpers = (ROTATE, made) if op.rope is not None else (made,)
    return LayerCode(f"$self({', '.join(tensors)})", (("", call),), steps(call, given), helpers=helpers, arrays=ARRAYS)


def steps(call: CallExpression, given: Any) -> tuple[tuple[str, CallExpression], ...]:
    return () if given else (("", call),)


def class_name(op: Any) -> str:
    """Return the name of the class with what an attention layer has."""
    return camel_case("_".join([*words_of(op), "attention"]))


def class_lines(op: Any) -> Iterator[str]:
    """Yield the lines of the class."""
    dim = "dim" if op.dim is not None else "features"
    context = "context_features" if op.context else "features"
    keys = f"{dim} // heads * kv_heads" if shares_heads(op) else dim
    parameters = ["self", "features: int", "heads: int"]
    parameters += ["kv_heads: int"] if shares_heads(op) else []
    parameters += ["dim: int"] if op.dim is not None else []
    parameters += ["context_features: int"] if op.context else []
    parameters += ["window: int"] if op.window is not None else []
    parameters += ["base: float = 10_000"] if op.rope is not None else []
    yield f"class {class_name(op)}(nn.Module):"
    yield from description(op)
    yield ""
    yield from signature("__init__", parameters, "None")
    yield "        super().__init__()"
    yield "        self.heads = heads"
    yield from (f"        self.{name} = {name}" for name in kept(op))
    for name, features_in, features, bias in (
        ("q_proj", "features", dim, op.bias),
        ("k_proj", context, keys, op.bias and op.key_bias),
        ("v_proj", context, keys, op.bias),
        ("out_proj", dim, "features", op.bias and op.out_bias),
    ):
        no_bias = "" if bias else ", bias=False"
        yield from wrapped(f"        self.{name} = nn.Linear({features_in}, {features}{no_bias})")
    yield ""
    tensors = [f"{name}: Tensor" for name in op.tensor_arguments()]
    yield from signature("forward", ["self", "x: Tensor", *tensors], "Tensor")
    for line in body(op):
        yield from wrapped(f"        {line}")


def signature(name: str, parameters: list[str], result: str) -> list[str]:
    call = CallText(f"def {name}", tuple([("", each) for each in parameters]), f" -> {result}:")
    return in_lines("", call, "    ")


def kept(op: Any) -> list[str]:
    """Return the parameters that are stored."""
    found = {"kv_heads": shares_heads(op), "window": op.window is not None, "base": op.rope is not None}
    return [name for name, holds in found.items() if holds]


def description(op: Any) -> Iterator[str]:
    """Yield the docstring of the class."""
    words = {
        "causal": op.causal,
        "windowed": op.window is not None,
        "grouped queries": shares_heads(op),
        "rotary positions": op.rope is not None,
        "linear biases": op.alibi,
    }
    summary = f"Multi-head attention{' to another sequence' if op.context else ''}"
    more = ", ".join(word for word, holds in words.items() if holds)
    line = f'    """{summary}{": " if more else ""}{more}."""'
    if len(line) <= WIDTH:
        yield line
    else:
        yield from (f'    """{summary}.', "", f"    {more.capitalize()}.", '    """')


def body(op: Any) -> Iterator[str]:
    """Yield the lines of the forward pass."""
    source = "context" if op.context else "x"
    kv_heads = "self.kv_heads" if shares_heads(op) else "self.heads"
    for name, read, heads in (("q", "x", "self.heads"), ("k", source, kv_heads), ("v", source, kv_heads)):
        yield f"{name} = self.{name}_proj({read}).unflatten(-1, ({heads}, -1)).transpose(-2, -3)"
    if op.rope is not None:
        yield "q, k = rotate(q, self.base), rotate(k, self.base)"
    if shares_heads(op):
        yield "k, v = (t.repeat_interleave(self.heads // self.kv_heads, -3) for t in (k, v))"
    biases = [name for name in ("score_bias", "mask") if getattr(op, name)]
    limit = limited(op)
    if limit and not (biases or op.alibi or op.window is not None):
        options = ", is_causal=True"
    else:
        options = ", attn_mask=mask" if limit or biases or op.alibi else ""
        if limit or op.alibi:
            yield "i = torch.arange(q.shape[-2], device=x.device)[:, None]"
            yield "j = torch.arange(k.shape[-2], device=x.device)"
        if op.alibi:
            yield "rates = torch.arange(1, self.heads + 1, device=x.device) / self.heads"
            yield "slopes = 2 ** (-8 * rates)"
            biases.insert(0, "-slopes[:, None, None] * (i - j).abs()")
        if biases != ["mask"] and biases:
            yield f"mask = {' + '.join(biases)}"
        if limit:
            yield f'mask = mask.masked_fill(~({limit}), float("-inf"))' if biases else f"mask = {limit}"
    yield f"x = F.scaled_dot_product_attention(q, k, v{options})"
    yield "return self.out_proj(x.transpose(-2, -3).flatten(-2))"


def limited(op: Any) -> str:
    """Return the condition on a query i and a key j; empty if there is none."""
    if op.window is None:
        return "j <= i" if op.causal else ""
    if op.causal:
        return "(j <= i) & (j > i - self.window)"
    return "(j >= i - self.window // 2) & (j < i - self.window // 2 + self.window)"
