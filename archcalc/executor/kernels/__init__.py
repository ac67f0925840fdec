"""The kernels, one file per family of operators, as in `archcalc.ops`."""
