"""What leaves the tap: records, messages, and the log."""
