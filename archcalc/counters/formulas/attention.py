"""Formulas of attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.counters.formulas.common import Call, covered, times_text
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import ModuleCall, Operation


def attention_heads(call: Call) -> int:
    """Return the number of heads of a call of attention."""
    for each in call.operations:
        if each.name == "scaled_dot_product_attention":
            return each.input.shape[1] if len(each.input.shape) == 4 else 1
    for each in call.operations:
        if each.name in ("view", "reshape") and len(each.output.shape) == 3 and each.output.shape != each.input.shape:
            lead = each.input.shape[1] if len(each.input.shape) == 3 else 1
            return max(1, each.output.shape[1] // lead)
    return 1


def is_batch_first(call: ModuleCall) -> bool:
    """Return whether a module of attention reads the batch first: it exchanges axes before anything else."""
    return bool(call.own) and call.own[0].name == "transpose" and call.own[0].function == "Tensor.transpose"


def _multihead(call: Call) -> Iterator[CountedPart]:
    assert isinstance(call, ModuleCall)
    query, key = call.inputs[0], (call.inputs[1] if len(call.inputs) > 1 else call.inputs[0])
    at, width = (1, query.shape[2]) if is_batch_first(call) else (0, query.shape[2])
    batch, length, source = query.shape[1 - at], query.shape[at], key.shape[at]
    amount = length * width + length * width**2 + source * key.shape[2] ** 2 + source * call.inputs[-1].shape[2] ** 2
    if "in_proj_bias" in call.parameters:
        amount += (length + 2 * source) * width
    amount += 2 * length * source * width + attention_heads(call) * length * source + length * width * (width + 1)
    _, covers = covered(call)
    yield CountedPart(batch * amount, "scaling, softmax and biases besides the products", covers)


MULTIHEAD = Formula(
    "B(LE + LE² + 2SE² + h(2LSd + LS) + LE(E+1)), and B(L+2S)E with biases, for h heads of d features, E = hd, L "
    "queries and S keys",
    _multihead,
)


def _timm_attention(call: Call) -> Iterator[CountedPart]:
    batch, length, width = call.input.shape
    heads = attention_heads(call)
    products = [each for each in call.operations if each.name in ("scaled_dot_product_attention", "matmul")]
    inner = products[0].input.shape[-1] * heads if products else width
    amount = batch * (length * inner + 2 * length * length * inner + heads * length * length)
    yield CountedPart(amount, "its linear layers are lost", tuple([each for each in call.operations if each.macs]))


TIMM_ATTENTION = Formula("B(LE + h(2L²d + L²)); the linear layers in it are lost", _timm_attention)


def is_fused_attention(operation: Operation) -> bool:
    """Return whether ``F.scaled_dot_product_attention`` can be one operator on the CPU, in which nothing is counted.

    (aten/src/ATen/native/transformers/sdp_utils_cpp.cpp, ``use_flash_attention_cpp``)
    """
    query, key, value = (operation.tensor(name) for name in ("query", "key", "value"))
    if query is None or key is None or value is None or operation.arguments.get("dropout_p", 0.0):
        return False
    if not all(len(each.shape) == 4 and each.inner_stride == 1 for each in (query, key, value)):
        return False
    mask = operation.tensor("attn_mask")
    if mask is not None and not _is_fusable(mask.shape, (*query.shape[:-1], key.shape[-2])):
        return False
    return query.shape[-1] == value.shape[-1] and query.shape[:2] == key.shape[:2] == value.shape[:2]


def _is_fusable(mask: Sequence[int], scores: Sequence[int]) -> bool:
    """Return whether the fused operator takes a mask: of the last two axes of the scores, or of all four.

    (aten/src/ATen/native/transformers/sdp_utils_cpp.h, ``check_attn_mask_shape``)
    """
    return len(mask) in (2, 4) and all(
        size in (1, full) for size, full in zip(reversed(mask), reversed(scores), strict=False)
    )


def has_learned_mask(operation: Operation) -> bool:
    """Return whether the mask needs a gradient, which the fused operator cannot compute."""
    mask = operation.tensor("attn_mask")
    return mask is not None and mask.depends_on_parameters


def _unfused(per_mac: int) -> Formula:
    """Return the formula of attention whose fused operator on the CPU is not counted."""

    def parts(call: Call) -> Iterator[CountedPart]:
        operation = call.weighted
        is_fused = is_fused_attention(operation)
        if not is_fused or has_learned_mask(operation):
            what = "multiplication and addition as two operations" if per_mac == 2 else ""
            yield CountedPart(per_mac * operation.macs, "", operation.operations, what, needs_gradients=is_fused)

    return Formula(
        f"0 by the fused operator of the CPU; {times_text(per_mac)}K if tensors do not have 4 axes, equal heads and "
        "widths and neighbouring features, if the mask has 3 axes, if there is dropout, or if there are gradients and "
        "the mask is learned",
        parts,
    )


UNFUSED_ATTENTION = _unfused(1)


UNFUSED_ATTENTION_FLOPS = _unfused(2)
