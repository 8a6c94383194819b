"""The providers' price lists → prices and shapes of the data directory."""
