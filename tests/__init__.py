"""Tests of tap-qonto."""
