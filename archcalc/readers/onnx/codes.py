"""The real numbers that quantised tensors encode: (code − offset) · scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.graph import Origin
from archcalc.ops.formats import FORMATS
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.number_formats import decimal

if TYPE_CHECKING:
    from archcalc.readers.batch import Sizes
    from archcalc.readers.onnx.tensors import OnnxTensors


class Encoding(NamedTuple):
    """How real numbers are encoded: the tensors of scales and offsets, and which positions share them."""

    scale: str
    zero: str = ""
    """The name of the offsets; ``""``: 0."""
    axis: int = 0
    """The axis of the codes to which scales and offsets belong, if they are several."""
    block: int = 0
    """The number of positions of this axis that share them; 0: there is one for each position."""


def are_alike(tensors: OnnxTensors, one: Encoding, other: Encoding) -> bool:
    """Return whether two encodings are the same."""
    return _content(tensors, one) == _content(tensors, other)


def _content(tensors: OnnxTensors, encoding: Encoding) -> tuple[Any, ...]:
    """Return what two equal encodings have in common: the numbers where they are known, otherwise their names."""
    values = [tensors.value(name) if name else None for name in encoding[:2]]
    scale, zero = [
        tensors.resolved(name) if value is None else [*map(float, value.flat)]
        for name, value in zip(encoding[:2], values, strict=True)
    ]
    is_single = values[0] is not None and values[0].size == 1
    return scale, zero if any(zero) else "", () if is_single else encoding[2:]


def encoded(tensors: OnnxTensors, name: str, origin: Origin) -> TensorName:
    """Add the calls that encode the real numbers of a tensor, and return the codes."""
    encoding, sizes, dtype = tensors.decoded[tensors.resolved(name)], tensors.sizes(name), tensors.dtype(name)

    def compute(target: str, read: TensorName, **arguments: Any) -> TensorName:
        made = tensors.intermediate(sizes, dtype)
        tensors.emit(target, {"self": read, **arguments}, [made], origin)
        tensors.decoded.pop(made, None)
        return TensorName(made)

    def operand(each: str) -> Any:
        return spread(tensors, each, sizes, encoding.axis, encoding.block, origin)

    form = FORMATS[dtype]
    made = compute("aten.div.Tensor", TensorName(name), other=operand(encoding.scale))
    if not form.is_integer:
        return compute("onnx.Cast", made, format=dtype, saturate=True)
    if not encoding.zero or changes_nothing(tensors, encoding.zero, "aten.add"):
        return compute("onnx.Quantize", made, format=dtype)
    whole = compute("onnx.Quantize", made, format="int32")
    return compute("aten.add.Tensor", whole, other=operand(encoding.zero))


def changes_nothing(tensors: OnnxTensors, name: str, target: str) -> bool:
    """Return whether an operand is known to be 0, or 1 as a factor or divisor."""
    value = tensors.value(name)
    neutral = target.split(".")[1] in ("mul", "div")
    return value is not None and not any(each - neutral for each in value.astype("f8").flat)


def spread(tensors: OnnxTensors, name: str, sizes: Sizes, axis: int, block: int, origin: Origin) -> Any:
    """Return scales or offsets as an operand of codes of the given sizes.

    Args:
        tensors: the tensors of the model.
        name: the scales or offsets.
        sizes: the sizes of the codes.
        axis: see `Encoding`.
        block: see `Encoding`.
        origin: where the node comes from.
    """
    given, value = tensors.sizes(name), tensors.value(name)
    if value is not None and value.size == 1:
        return decimal(float(value.flat[0]))
    if not given or given == sizes:
        return TensorName(name)
    if tensors.is_stored(name):

        def numbers(v: Any) -> Any:
            whole = v.astype("f4")
            return whole.repeat(block, axis)[tuple(map(slice, sizes))] if block else along(whole, axis, len(sizes))

        shape = sizes if block else tuple([size if at == axis else 1 for at, size in enumerate(sizes)])
        label = f"={tensors.resolved(name)}~{axis}~{block}~{'x'.join(map(str, shape))}"
        if label not in tensors.stored:
            tensors.derive(label, [name], "", shape, numbers)
        return TensorName(label)
    if block:
        raise Untranslatable("blocks with scales that are computed, not stored")
    shape = tuple([size if at == axis else 1 for at, size in enumerate(sizes)]) if given != (1,) else (1,) * len(sizes)
    made = tensors.intermediate(shape, tensors.dtype(name))
    tensors.emit("aten.view.default", {"self": TensorName(name), "size": list(shape)}, [made], origin)
    return TensorName(made)


def along(values: Any, axis: int, rank: int) -> Any:
    """Return scales or offsets with the axis that they belong to in its place."""
    if values.ndim == 0 or values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if at == axis else 1 for at in range(rank)])
