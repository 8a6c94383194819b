"""Answers from what is published: `estimate`, `explain`, `query`, `status`."""
