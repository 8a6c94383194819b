"""config.json: untrusted text → what a model says of itself."""
