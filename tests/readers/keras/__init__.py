"""Tests of the reader of Keras models. `files` has what Keras 3.15 wrote, by ``benchmarks/keras_models.py``."""
