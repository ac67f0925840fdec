"""Files of `torch.export.save` (``.pt2``), read without PyTorch.

`program` has the records of a program; `decode` reads them from the archive, and `subgraphs` adds the calls of graphs
in graphs; `sizes` reads symbolic sizes; `operators` translates the calls of ATen operators to steps, with `composition`
for calls that are several; `storage` follows writes in place; `constants` computes what depends on nothing else.
"""
