"""Programs of calls of ATen, PyTorch's operators, as steps: what exported programs and ONNX files are read by.

`program` has the records of a program; `translate` turns it into steps on the numbered tensors of `tensors`, with
`operators` for the calls, `composition` for calls that are several steps, and `named_formulas` for formulas that are
layers. `storage` follows writes in place; `constants` computes what depends on nothing else.
"""
