"""Grading: answer files, keys, marks and audits of claims."""
