"""Kinds of questions other than those for a figure or a formula of a network: choices, true or false, solutions …

A kind is what the key says (`base.Kind`). Prepared for the networks of the key, it knows the right answer and judges
answers one by one (`base.Prepared`).
"""
