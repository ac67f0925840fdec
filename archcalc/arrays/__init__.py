"""Small arrays as people write them, and as people read them: rows of numbers, nested lists, matrices."""
