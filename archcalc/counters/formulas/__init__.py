"""The formulas by which tools count. n: elements of the first input, m: elements of the output, K: products."""
