"""DuckDB: connections, settings, and the files of `sql/`."""
