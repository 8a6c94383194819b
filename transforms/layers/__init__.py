"""What the layers of a model keep, read and compute."""
