"""Passes over a graph: what its layers are, cost, see and need."""
