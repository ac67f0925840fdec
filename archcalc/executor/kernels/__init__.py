"""The kernels, one file per family of operators, as in `archcalc.ops`. Importing this registers all of them."""

from archcalc.executor.kernels import conv, dense, pool

__all__ = ["conv", "dense", "pool"]
