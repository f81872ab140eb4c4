"""A trained network put to use: opened from a model file or a run folder; images in, probabilities out."""
