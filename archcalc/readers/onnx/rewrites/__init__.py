"""The nodes that operators stand for, one file per family: those of ONNX Runtime, and some of ONNX."""

from archcalc.readers.onnx.rewrites import attention, elementary, fused, quantized, random  # noqa: F401  # registers the rewrites
