"""Which known mistakes explain the wrong numbers of an array.

`computation` runs a network on given numbers. A mistake changes a layer of it, or the numbers that the layer stores
(`changes`, and those of the mistakes about layers that affect numbers), and the network runs again; or it rearranges
the correct result (`results`). `outcomes` collects what comes out, and `explain` looks written numbers up in it.
Nothing here imports NumPy until numbers are computed.
"""
