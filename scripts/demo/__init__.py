"""The whole way, tried out: ``make demo``."""
