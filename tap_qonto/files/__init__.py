"""How files are fetched and stored."""
