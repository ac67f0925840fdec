"""Files of ONNX (``.onnx``), read with the ``onnx`` package, without their weights until a run needs them.

`protobuf` reads the file without the numbers of its initializers. `decode` goes through the nodes in their order, and
`tensors` keeps what is known about tensors. `values` evaluates nodes that compute sizes; `operators` writes all others
as calls, most of them of operators of ATen, which `archcalc.readers.aten` translates. `weights` reads stored arrays.
"""
