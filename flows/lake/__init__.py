"""The lake: tables on disk, the catalogs, the bundled snapshot and the lists of models."""
