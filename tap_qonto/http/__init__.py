"""Calls to Qonto: connections, retries, and the rate budget."""
