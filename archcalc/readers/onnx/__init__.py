"""Files of ONNX (``.onnx``), read with the ``onnx`` package, without their weights until a run needs them.

`protobuf` reads the file without the numbers of its initializers; `decode` goes through the nodes in their order, and
`tensors` keeps what is known so far; `values` evaluates those that compute sizes, and `operators` writes all others as calls, most of them of the operators
of ATen that compute the same, so that both formats share their translations. `weights` reads the stored arrays.
"""
