"""Measures tap-qonto beside its peers; `make bench` runs it."""
