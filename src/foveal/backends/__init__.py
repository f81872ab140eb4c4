"""How a described network computes: one file an engine. Importing this package loads none of them."""
