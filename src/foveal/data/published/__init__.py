"""Data sets of the literature: where they may lie, how they are fetched and checked."""
