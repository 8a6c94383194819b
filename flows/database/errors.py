"""DuckDB's errors, for people."""

from __future__ import annotations


def one_line(message: str) -> str:
    """DuckDB's message without the excerpt of the statement that follows it."""
    return " ".join(message.split("\n\nLINE ")[0].split())
