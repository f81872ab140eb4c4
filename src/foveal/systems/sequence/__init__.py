"""Sequences of values: recurrent networks, 1-D convolution, translation, reading lines."""
