"""The weights of a model, from safetensors headers or derived from its config."""
