"""Cluster size from a measured sweep of concurrencies."""
