"""Every table and column, declared once, and the records that become rows."""
