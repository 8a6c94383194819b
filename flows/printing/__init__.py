"""What is printed for people: rows in four formats, and lines about what is going on."""
