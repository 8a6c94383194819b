"""One model's files → one architecture, its key and its bucket."""
