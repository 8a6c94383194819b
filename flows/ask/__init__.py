"""Answers from what is published: `recommend`, `estimate`, `explain`, `query`, `status`."""
