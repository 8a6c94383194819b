"""Which shapes should serve a model: the question, its answer, why not, and how it is shown."""
