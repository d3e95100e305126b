"""Answers before they are sent, and errors in all the bodies that Qonto gives them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.files.contents import Content, Held

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json; charset=utf-8"
LOGIN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Log in | OneLogin</title></head>"
    b"<body><h1>Connect to Qonto</h1><form method='post'><input name='username'>"
    b"<input name='password' type='password'></form></body></html>\n"
)
LOGIN_URL = "https://qonto.onelogin.com/login"

# The code that documented errors carry, by status.
CODES = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Authentication failed"),
    403: ("forbidden", "User does not have sufficient permissions"),
    404: ("not_found", "Resource not found"),
    409: ("conflict", "Conflict"),
    410: ("gone", "Gone"),
    422: ("unprocessable_entity", "Unprocessable entity"),
    429: ("too_many_requests", "API rate limit exceeded"),
    500: ("internal_server_error", "Internal server error"),
    502: ("bad_gateway", "Bad gateway"),
    503: ("service_unavailable", "Service unavailable"),
    504: ("gateway_timeout", "Gateway timeout"),
}


@dataclass
class Answer:
    """A complete answer: faults may still spoil it on its way."""

    status: int
    content: Content
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """The request is answered with an error."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        parameter: str | None = None,
    ) -> None:
        """Say what is wrong in the API's words."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.parameter = parameter


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def json_bytes(value: Any) -> bytes:
    r"""Write JSON as Qonto's servers do, ``&`` as ``\\u0026``."""
    text = _ENCODER.encode(value).replace("&", "\\u0026")
    # What UTF-8 cannot hold, lone surrogates, goes out as JSON's own escape.
    return text.encode("utf-8", "backslashreplace")


def json_answer(value: Any, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status, Held(json_bytes(value)))


def text_answer(text: str, status: int, content_type: str = "text/plain") -> Answer:
    """Answer with text."""
    return Answer(status, Held(text.encode()), content_type)


def new_trace_id() -> str:
    """Draw a trace id as Tyk does."""
    return secrets.token_hex(16)


def error_answer(refusal: Refusal, trace_id: str, style: str = "list") -> Answer:
    """Answer with an error in one of the documented or observed bodies."""
    error: dict[str, Any] = {"code": refusal.code, "detail": refusal.detail}
    if refusal.parameter is not None:
        error["source"] = {"parameter": refusal.parameter}
    phrase = HTTPStatus(refusal.status).phrase
    if style == "empty":
        return Answer(refusal.status, Held(b""))
    if style == "text":
        return text_answer(f"{refusal.status} {phrase}\n", refusal.status)
    bodies: Mapping[str, dict[str, Any]] = {
        "list": {"errors": [error | {"status": str(refusal.status)}], "trace_id": trace_id},
        "object": {"errors": error, "trace_id": trace_id},
        "flat": error,
        "message": {"message": phrase, "trace_id": trace_id},
    }
    return json_answer(bodies[style], refusal.status)


def login_page(status: int = 200, url: str = LOGIN_URL) -> Answer:
    """Answer as the sandbox's gate does to those without its token."""
    headers = {"Location": url} if status == HTTPStatus.FOUND else {}
    return Answer(status, Held(LOGIN_PAGE), "text/html; charset=utf-8", headers)


def s3_error(status: int, code: str, message: str, **details: str) -> Answer:
    """Answer as S3 does: with XML."""
    more = "".join(f"<{name}>{text}</{name}>" for name, text in details.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{more}"
        f"<RequestId>{secrets.token_hex(8).upper()}</RequestId></Error>"
    )
    return text_answer(body, status, "application/xml")
