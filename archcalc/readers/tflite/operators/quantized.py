"""Conversions between number formats: codes are read as the real numbers that they encode."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.program import CODES
from archcalc.readers.tflite.operation import OperationView
from archcalc.readers.tflite.registry import converts


@converts("QUANTIZE", "DEQUANTIZE", follows=True)
def coded(n: OperationView) -> None:
    order = n.order(0)
    read = n.read(0, order)
    if n.tensor(0).dtype in ("float16", "bfloat16"):
        read = n.add("Cast", read, to=CODES["float32"])
    n.computed(n.add("Identity", read), order, selects=True)


@converts("FAKE_QUANT", follows=True)
def limited(n: OperationView) -> None:
    order = n.order(0)
    low, high = (n.constant(n.option(each, 0.0), "float32") for each in ("Min", "Max"))
    n.result(n.add("Clip", n.read(0, order), low, high), order)


@converts("CAST", follows=True)
def cast(n: OperationView) -> None:
    order = n.order(0)
    dtype = n.result_tensor().dtype
    if dtype not in CODES:
        raise Untranslatable(f"numbers in the format {dtype}")
    n.result(n.add("Cast", n.read(0, order), to=CODES[dtype]), order)
