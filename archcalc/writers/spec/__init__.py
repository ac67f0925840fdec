"""A network as a spec: ``graph_text`` writes its stages as chains, and ``compact`` writes them with blocks.

``chain_tree`` reads the chains that were written, ``patterns`` tells which parts are equal up to numbers, and
``blocks`` makes blocks of these. Modules without a chain are lists of named entries, of which ``modules`` makes blocks.
"""
