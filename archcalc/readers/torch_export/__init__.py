"""Files of `torch.export.save` (``.pt2``), read without PyTorch.

`program` has the records of a program; `decode` reads them from the archive; `sizes` reads symbolic sizes; `operators`
translates the calls of ATen operators to steps, and `storage` follows writes in place.
"""
