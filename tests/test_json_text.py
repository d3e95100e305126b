"""JSON from outside."""

from __future__ import annotations

import pytest

from tap_qonto import json_text


@pytest.mark.parametrize(
    "value", [b"9" * 5_000, b'["\\u0000", ' + b"[" * 900 + b"]" * 901, b"[" * 9_000 + b"]" * 9_000]
)
def test_what_no_reader_takes_is_no_json(value: bytes) -> None:
    """Then the answer is told to be damaged, in a sentence."""
    with pytest.raises(ValueError, match=r"nested too deeply|4300 digits"):
        json_text.parse(b'{"a": ' + value + b"}")
