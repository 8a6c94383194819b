"""The operating system's part: files written whole, locks, checksums, and processes of our own."""
