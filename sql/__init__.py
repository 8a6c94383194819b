"""DuckDB SQL: one formula a macro, one table a file, read through importlib.resources."""
