"""Printing for people: rows in four formats, and lines of progress."""
