"""The settings: declared, and checked."""
