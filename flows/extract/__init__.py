"""`hub_files` → `architectures`, `models`, `rejects`."""
