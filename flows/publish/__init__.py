"""A version: built aside, checked, written, reported."""
