"""Architectures × shapes → figures and ranks, bucket by bucket, kept by what they follow from."""
