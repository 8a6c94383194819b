"""Every column of every table, declared once, a file a subject: its type, its unit, its meaning."""
