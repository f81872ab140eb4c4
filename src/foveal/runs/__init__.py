"""What a run is, for every system: the plan, the run, its settings, its result, its environment."""
