"""A data directory on S3-compatible storage: its local copy, its objects, and the lease of one refresh at a time."""
