"""Files for BI tools."""
