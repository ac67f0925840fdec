"""The formulas that tools count by. n: elements of the first input, m: elements of the output, K: products."""
