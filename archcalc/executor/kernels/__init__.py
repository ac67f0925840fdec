"""The kernels, one file per family of operators, as in `archcalc.ops`. Importing this registers all of them."""

from archcalc.executor.kernels import activation, conv, dense, merge, norm, pool, resample, structure

__all__ = ["activation", "conv", "dense", "merge", "norm", "pool", "resample", "structure"]
