"""Models that map images of one kind to images of another."""
