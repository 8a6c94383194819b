"""Flows, the Hub client, the lake and the command line: all input and output of shapefit."""
