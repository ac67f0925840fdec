"""Queries about a network: targets and quantities, conditions, closed forms, sweeps and inverse problems."""
