"""Verification: the figures of the analysis compared with measurements of the executor."""
