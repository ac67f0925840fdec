"""The second witness: runs a graph on arrays and measures. It shares nothing with the analysis but the graph.

`kernel` is the contract of a kernel, `kernels/` holds one file per family of operators (as `archcalc.ops` does),
`runner` runs a graph, `loops/` runs it once more through plain loops over counting scalars.
"""
