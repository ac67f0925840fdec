"""What makes repeated runs of one network fast. `verify` never uses it, and the executor knows nothing of it.

The first run of a `Runner` is the reference interpreter's (`archcalc.executor.interpreter`). From what it shows of
every layer follows which tensors share memory and how long each is needed (`layout`), and from that a place for all of
them in one piece of memory. For inputs of the same shapes every worker then records once which functions of NumPy it
has to call on which places (`recorder`, `program`), and a later run is no more than these calls. It takes no fresh
memory, whose pages cost as much as filling them, and spends next to nothing in Python, whose code and data have left
the cache whenever a matrix product is done.

- Operators that take most of the time are replaced by recorded ones: `convolution` (with `winograd` on request) and
  `layers`. All others are evaluated by their plain kernels: by every worker on its part of the tensors where a part of
  the result follows from the same part of the input (`layers.part_of`), or else by the first worker alone.
- `workers` are processes that divide every layer, with one thread of BLAS each, and wait for each other after it.
"""
