"""Arrays that users hand to a Model, and the arguments of ``fit``: checked before anything is computed, and made tensors."""
