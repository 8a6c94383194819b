"""The layers of a model: their kinds, caches, states and arithmetic."""
