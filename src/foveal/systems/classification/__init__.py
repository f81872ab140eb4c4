"""Systems that tell classes apart, or ask when that can be learned."""
