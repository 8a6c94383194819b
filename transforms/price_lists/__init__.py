"""Price lists of providers → prices and shapes."""
