"""The architectures: one module each, in a folder a family."""
