"""What the weights of a model take: from safetensors headers, or derived from its config."""
