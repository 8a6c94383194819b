"""Measured sweeps of several tools → measurements, and the answer's document."""
