"""A network as a function that builds a Keras model."""
