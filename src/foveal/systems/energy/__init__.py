"""Networks with an energy: restricted Boltzmann machines and deep belief networks."""
