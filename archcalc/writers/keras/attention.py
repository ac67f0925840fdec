"""Attention: Keras's layers, and what they lack, written as functions with the projections around the products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archcalc.readers.keras.layers.attention import as_vector, into_heads, out_of_heads
from archcalc.writers.code.calls import CallArgument, CallExpression, Helper, LayerCode, helper, option, width
from archcalc.writers.code.lines import CallText, in_lines
from archcalc.writers.code.operators import filled_up, shares_heads, words_of
from archcalc.writers.keras.dense import transpose
from archcalc.writers.keras.registry import KerasContext, at, expression, layer, writes

ROTATE = helper(
    "rotate",
    '''
def rotate(x, base):
    """Return queries or keys with rotary positions."""
    n, width = x.shape[-2:]
    rates = base ** (-np.arange(0, width, 2) / width)
    angles = np.tile(np.arange(n)[:, None] * rates, 2)
    first, second = ops.split(x, 2, axis=-1)
    cosines, sines = np.cos(angles).astype("float32"), np.sin(angles).astype("float32")
    return x * cosines + ops.concatenate([-second, first], axis=-1) * sines
''',
)
HEADS = helper(
    "in_heads",
    '''
def in_heads(x, heads):
    """Split features between heads, each of which has all tokens."""
    x = ops.reshape(x, (-1, *x.shape[1:-1], heads, x.shape[-1] // heads))
    return ops.swapaxes(x, -2, -3)
''',
)
ATTEND = helper(
    "attend",
    '''
def attend(q, k, v, bias=0.0, scale=None):
    """Return means of values, weighted by products of queries and keys."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = scale * ops.matmul(q, ops.swapaxes(k, -1, -2)) + bias
    return ops.matmul(ops.softmax(scores), v)
''',
)
CAUSAL = helper(
    "causal",
    '''
def causal(queries, keys):
    """Return what is added to scores so that queries do not attend to later keys."""
    return np.triu(np.full((queries, keys), -1e9, "float32"), 1)
''',
)
NAMES = ("query", "key", "value", "output")
ATTENTION = "attention"


@writes("sdpa")
def write_sdpa(context: KerasContext) -> LayerCode:
    op, rank = context.op, max(map(len, context.shapes[:3]))
    biases = [filled_up(context, 3, rank)] if len(context.shapes) == 4 else []
    helpers: tuple[Helper, ...] = (ATTEND,)
    if op.causal:
        biases.append(f"causal({context.shapes[0][-2]}, {context.shapes[1][-2]})")
        helpers = (CAUSAL, ATTEND)
    args = [filled_up(context, place, rank) for place in range(3)]
    args += [f"bias={' + '.join(biases)}"] if biases else []
    args += ["scale=$scale"] if op.factor is not None else []
    values = [CallArgument("scale", op.factor)] if op.factor is not None else []
    return expression(f"attend({', '.join(args)})", *values, helpers=helpers)


@writes("attention")
def write_attention(context: KerasContext) -> LayerCode:
    op = context.op
    sizes = {name: int(size) for name, size in op.sizes(context.shapes).items()}
    is_usual = len({op.bias, op.bias and op.key_bias, op.bias and op.out_bias}) == 1
    has_more = op.rope is not None or op.alibi or op.window is not None or op.score_bias or op.mask
    return (
        of_keras(context, sizes)
        if is_usual and not has_more and len(context.shape) == 2
        else written_out(context, sizes)
    )


def of_keras(context: KerasContext, sizes: dict[str, int]) -> LayerCode:
    """Return Keras's layer."""
    op, head = context.op, sizes["dim"] // context.op.heads
    bias = option("use_bias", op.bias, True)
    if shares_heads(op):
        args = (
            CallArgument("head_dim", head),
            CallArgument("num_query_heads", op.heads),
            CallArgument("num_key_value_heads", op.kv_heads),
            bias,
        )
        call = CallExpression("layers.GroupQueryAttention", args)
    else:
        call = CallExpression(
            "layers.MultiHeadAttention", (CallArgument("num_heads", op.heads), CallArgument("key_dim", head), bias)
        )
    given = "$0, $1" if op.context else "$0, $0"
    arrays = {}
    for name in NAMES:
        part = "attention_output" if name == "output" else name
        arrays[name] = at(f"{part}/kernel", out_of_heads if name == "output" else into_heads)
        arrays[f"{name}_bias"] = at(f"{part}/bias", as_vector)
    return layer(call, given + ", use_causal_mask=True" * op.causal, arrays=arrays)


def written_out(context: KerasContext, sizes: dict[str, int]) -> LayerCode:
    """Return a call of a function with the projections and products of an attention layer."""
    op = context.op
    given = op.tensor_arguments()
    name = function_name(op)
    own = helper(name, "\n".join(function_lines(op, name)))
    args = [width("dim", sizes["dim"]), CallArgument("heads", op.heads)]
    args += [CallArgument("kv_heads", op.kv_heads)] if shares_heads(op) else []
    args += [CallArgument("window", op.window)] if op.window is not None else []
    args += [option("base", op.rope, 10_000)] if op.rope is not None else []
    rank = len(context.shape) + 1
    tensors = ["$0"]
    for place, argument in enumerate(given, start=1):
        tensors.append(f"${place}" if argument == "context" else filled_up(context, place, rank))
    helpers = (*((ROTATE,) if op.rope is not None else ()), HEADS, ATTEND, own)
    arrays = {}
    for part in NAMES:
        arrays[part] = at("kernel", transpose, label=part)
        arrays[f"{part}_bias"] = at("bias", label=part)
    return layer(CallExpression(name, tuple(args)), ", ".join(tensors), helpers=helpers, arrays=arrays)


def function_name(op: Any) -> str:
    """Return the name of the function with what an attention layer has."""
    words = (word for word in words_of(op) if word != "wide")  # its function has the width in any case
    return "_".join([*words, ATTENTION])


def function_lines(op: Any, name: str) -> Iterator[str]:
    """Yield the lines of the function."""
    tensors = ["x", *op.tensor_arguments()]
    parameters = [*tensors, "dim", "heads"]
    parameters += ["kv_heads"] if shares_heads(op) else []
    parameters += ["window"] if op.window is not None else []
    parameters += ["base=10_000"] if op.rope is not None else []
    yield from header(name, (*parameters, "*", "name"))
    yield '    """Attend with several heads, between projections."""'
    yield from (f"    {line}" for line in body(op))


def header(name: str, parameters: Sequence[str]) -> list[str]:
    return in_lines("", CallText(f"def {name}", tuple([("", each) for each in parameters]), ":"), "")


def with_short_name(codes: Mapping[int, LayerCode]) -> dict[int, LayerCode]:
    """Return codes in which the only function of attention is called so: its name need not tell it from others."""
    found = {each for code in codes.values() for each in code.helpers if each.name.endswith(f"_{ATTENTION}")}
    if len(found) != 1 or any(each.name == ATTENTION for code in codes.values() for each in code.helpers):
        return dict(codes)
    (long,) = found
    lines = long.text.split("\n")
    end = next(place for place, line in enumerate(lines) if line.endswith("):"))
    parameters = "".join(each.strip() for each in lines[: end + 1]).removeprefix(f"def {long.name}(").removesuffix("):")
    short = Helper(ATTENTION, "\n".join([*header(ATTENTION, parameters.split(", ")), *lines[end + 1 :]]))

    def renamed(code: LayerCode) -> LayerCode:
        parts = tuple([(label, call._replace(function=ATTENTION)) for label, call in code.attributes])
        helpers = tuple([short if each == long else each for each in code.helpers])
        return code._replace(attributes=parts, steps=parts, helpers=helpers)

    return {index: renamed(code) if long in code.helpers else code for index, code in codes.items()}


def body(op: Any) -> Iterator[str]:
    """Yield the lines of the body."""
    source = "context" if op.context else "x"
    keys, kv_heads = ("dim // heads * kv_heads", "kv_heads") if shares_heads(op) else ("dim", "heads")
    yield "features = x.shape[-1]"
    yield from projection("q = ", "query", "x", "dim", bias=op.bias)
    yield from projection("k = ", "key", source, keys, bias=op.bias and op.key_bias)
    yield from projection("v = ", "value", source, keys, bias=op.bias)
    yield f"q, k, v = in_heads(q, heads), in_heads(k, {kv_heads}), in_heads(v, {kv_heads})"
    if op.rope is not None:
        yield "q, k = rotate(q, base), rotate(k, base)"
    if shares_heads(op):
        yield "k, v = (ops.repeat(t, heads // kv_heads, axis=-3) for t in (k, v))"
    biases = [each for each in ("score_bias", "mask") if getattr(op, each)]
    limit = limited(op)
    if limit or op.alibi:
        yield "i, j = np.arange(q.shape[-2])[:, None], np.arange(k.shape[-2])"
    if op.alibi:
        yield "slopes = 2 ** (-8 * np.arange(1, heads + 1) / heads)"
        yield 'distances = (-slopes[:, None, None] * abs(i - j)).astype("float32")'
        biases.append("distances")
    if limit:
        yield f'limits = np.where({limit}, 0, -1e9).astype("float32")'
        biases.append("limits")
    yield f"x = ops.swapaxes(attend(q, k, v{', bias=' if biases else ''}{' + '.join(biases)}), -2, -3)"
    yield "x = ops.reshape(x, (-1, *x.shape[1:-2], dim))"
    yield from projection("return ", "output", "x", "features", bias=op.bias and op.out_bias)


def projection(before: str, name: str, source: str, size: str, *, bias: bool) -> list[str]:
    """Return the lines of a projection, whose indentation is that of a function."""
    args = [("", size), *([] if bias else [("use_bias=", "False")]), ("name=", f'f"{{name}}_{name}"')]
    lines = in_lines(before, CallText("layers.Dense", tuple(args), f"({source})"), "    ")
    return [line.removeprefix("    ") for line in lines]


def limited(op: Any) -> str:
    """Return the condition on a query i and a key j; empty if there is none."""
    if op.window is None:
        return "j <= i" if op.causal else ""
    if op.causal:
        return "(j <= i) & (j > i - window)"
    return "(j >= i - window // 2) & (j < i - window // 2 + window)"
