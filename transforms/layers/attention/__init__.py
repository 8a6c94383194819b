"""The kinds of layers that attend, one file each, and the two that cache nothing."""
