"""Checkpoints: files with the parameters of a network, and no network.

`read` recognises a file by its content. Each format has a file that reads which tensors there are, without their
numbers: `safetensors`, `torch_zip` and `torch_legacy` (both with `pickles`, which runs no code, and `parts` for nested
dictionaries), `hdf5`, and `sharded` for an index of several files. `outline` groups the tensors by module, and finds
modules that are repeated. `fit` finds the tensors that the layers of a network need.
"""
