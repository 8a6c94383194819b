"""How a refresh is started: once, or every night, and who is told when it fails."""
