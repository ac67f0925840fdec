"""The second witness: runs a graph on arrays and measures. It shares nothing with the analysis but the graph.

This is the reference that `verify` trusts, so it is plain. A kernel (`archcalc.executor.kernel`) is a function of an
operator, its input arrays, its stored arrays and a `Context`; it returns new arrays, never writes to those it was
given, and counts what it does. `kernels/` holds one file per family of operators, as `archcalc.ops` does. The
`Interpreter` evaluates the layers of a graph one after another and frees every tensor after its last reader.

`loops/` runs a graph once more through plain loops over counting scalars; `probes` measures receptive fields. What
makes repeated runs fast is in `archcalc.engine`, which imports this package and is never imported by it.
"""
