"""HOW MUCH AND WHY: pure functions over the tree, one file a subject. No torch."""
