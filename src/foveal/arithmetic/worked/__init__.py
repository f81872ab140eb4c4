"""Sums as structured steps, forward and backward: what a person would write on paper, one rule per layer."""
