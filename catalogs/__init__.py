"""Facts as CSV files, the bundled model snapshot and the default list of model ids."""
