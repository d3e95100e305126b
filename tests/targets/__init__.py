"""Real Singer targets from the package index, fed by the tap and read back.

``python -m tests.targets`` installs them, each apart, tries what they can do with the
tap's messages, and writes ``docs/targets.md``.
"""
