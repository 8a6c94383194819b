"""Prefect made quiet: its settings, and its server for one run."""
