"""The executor: runs networks on NumPy arrays and measures. It shares nothing with the analysis but the graph.

This is the reference that `verify` relies on, so it is kept simple. A kernel (`archcalc.executor.kernel`) is a function
of an operator, its input arrays, its stored arrays and a `Context`; it returns arrays, never writes to its arguments,
and counts its operations. `kernels/` has one file per family of operators, as `archcalc.ops` does. The `Interpreter`
evaluates the layers of a graph one after another and frees every tensor after its last reader.

`loops/` evaluates a graph by plain loops over counting numbers; `probes` measures receptive fields. Everything that
makes repeated runs fast is in `archcalc.engine`, which imports this package and is never imported by it.
"""
