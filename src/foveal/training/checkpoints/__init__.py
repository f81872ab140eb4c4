"""A run's whole state on disk: checkpoints, the run folder, and its config.json read with suspicion."""
