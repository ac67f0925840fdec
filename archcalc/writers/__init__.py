"""From a graph to other formats.

Each writer takes a graph and returns the text or the bytes of a file. It raises a `SpecError` with all reasons if the
format cannot express the graph.
"""
