"""Singer tap for Qonto: every list of its API, and all files that belong to them."""
