"""Control methods by name, for those who call over HTTP."""

from __future__ import annotations

import base64
from typing import Any

from tests.fake_qonto.control.control import Control

# What makes no sense over HTTP, or is not meant for it.
_NOT_REMOTE = {"on_request", "apply"}


def call(
    control: Control,
    method: str,
    arguments: Any,
    named: dict[str, Any] | None = None,
) -> Any:
    """Call a control method by name.

    Args:
        control: Whose method.
        method: Its name.
        arguments: A list, or an object of named arguments.
        named: More of these.

    Returns:
        What the method returns, bytes as base64.

    Raises:
        ValueError: There is no such method.
    """
    if method.startswith("_") or method in _NOT_REMOTE or not hasattr(Control, method):
        message = f"no control method {method!r}"
        raise ValueError(message)
    by_name = dict(named or {})
    if isinstance(arguments, dict):
        by_name |= arguments
        arguments = []
    result = getattr(control, method)(*(arguments or []), **by_name)
    return base64.b64encode(result).decode() if isinstance(result, bytes) else result
