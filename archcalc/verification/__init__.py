"""Verification: what the analysis claims, compared with what the executor measures."""
