"""Files of `torch.export.save` (``.pt2``), read without PyTorch.

`decode` reads the program from the archive, with `calls` for its calls; `subgraphs` adds the calls of graphs in graphs,
`sizes` reads symbolic sizes, and `weights` the stored arrays. The program is translated by `archcalc.readers.aten`.
"""
