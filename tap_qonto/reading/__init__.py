"""How lists are read without losing a row."""
