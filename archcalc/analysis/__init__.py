"""Passes over a graph: counts, receptive fields, memory, folding, and the derivations of these."""
