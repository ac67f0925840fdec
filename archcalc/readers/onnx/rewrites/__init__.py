"""The nodes that operators of ONNX Runtime stand for, one file per family."""

from archcalc.readers.onnx.rewrites import attention, fused, quantized  # noqa: F401  # registers the rewrites
