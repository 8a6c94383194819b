"""Starting a refresh, once or every night, and notifications when it fails."""
