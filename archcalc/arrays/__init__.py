"""Small arrays as people write them, and shapes and numbers as people read them."""
