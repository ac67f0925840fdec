"""A network as an ONNX model: one function for each operator, in the files of the families, as for kernels."""
