"""The kinds of layers that keep a state of fixed size for each sequence, one file each."""
