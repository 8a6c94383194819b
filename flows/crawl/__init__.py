"""Model ids → `hub_files`."""
