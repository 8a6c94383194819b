"""What is asked of the operating system: processes of our own."""
