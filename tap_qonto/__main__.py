"""Runs the tap as ``python -m tap_qonto``."""

from tap_qonto.tap import TapQonto

TapQonto.cli()
