"""Optimizers with their schedules, and the average of the weights they move."""
