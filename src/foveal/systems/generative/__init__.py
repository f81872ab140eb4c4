"""Networks that make images: autoencoders, the variational one, adversarial ones."""
