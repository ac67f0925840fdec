"""The engine, which makes repeated runs of one network fast. `verify` never uses it; the executor does not import it.

The first run of a `Runner` is made by the reference interpreter (`archcalc.executor.interpreter`). It shows which
tensors share memory and how long each is live (`layout`), which determines an offset for each in a single allocation.
Then, for inputs of the same shapes, every worker records once the NumPy functions to call with their arguments
(`recorder`, `program`), and later runs only repeat these calls. So they allocate no memory, whose pages would take as
long to map as to fill, and spend very little time in Python, whose code and data matrix products evict from the cache.

- The operators that take most of the time have recorded forms: `convolution` (with `winograd` on request) and `layers`.
  All others are evaluated by their ordinary kernels: by every worker on its part of the tensors if that part of the
  output depends only on the same part of the input (`layers.part_of`), or else by the first worker alone.
- `workers` are processes that divide every layer among them, with one BLAS thread each, and wait for each other after
  every layer.
"""
