"""Data sets that are made here, from a seed or from what every Python installation has."""
