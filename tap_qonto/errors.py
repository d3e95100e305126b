"""What can go wrong, and what the user is told.

Every error of the tap is a `TapQontoError`, whose text is one sentence: what
happened, where, and what to do::

    TapQontoError
    ├── ConfigError         a setting is missing or wrong
    ├── ApiError            Qonto answered, and the answer ends the run
    │   ├── NotFoundError   404: there is no such object
    │   └── RefusedError    401 or 403: the credential is not accepted, or not enough
    ├── UnreachableError    no whole answer, after all attempts
    ├── DataError           an answer that cannot be read without losing rows
    ├── StorageError        a file could not be stored
    ├── OutputError         the messages could not be written
    └── StoppedError        the run was told to end

`POLICIES` is the whole policy for HTTP statuses, from Qonto's page "Errors".
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class TapQontoError(Exception):
    """A failure, told in one sentence."""


class ConfigError(TapQontoError):
    """A setting is missing or wrong."""


class ApiError(TapQontoError):
    """Qonto answered with an error that ends the run.

    Attributes:
        status: HTTP status of the answer.
        fault: What the body of the answer said.
    """

    def __init__(self, message: str, status: int, fault: Fault) -> None:
        """Keep the sentence, and the facts for code that can go on."""
        super().__init__(message)
        self.status = status
        self.fault = fault


class NotFoundError(ApiError):
    """Qonto has no such object."""


class RefusedError(ApiError):
    """The credential is not accepted, or does not reach this far."""


class UnreachableError(TapQontoError):
    """No whole answer came, after all attempts."""


class DataError(TapQontoError):
    """An answer that cannot be read without losing rows."""


class StorageError(TapQontoError):
    """A file could not be stored."""


class OutputError(TapQontoError):
    """The messages could not be written."""


class StoppedError(TapQontoError):
    """The run was told to end."""


class Action(enum.Enum):
    """What the session does with an answer."""

    FAIL = enum.auto()
    RETRY = enum.auto()
    RENEW = enum.auto()


class Policy(NamedTuple):
    """What is done with a status, and the words for the user.

    The words may use ``{what}`` (the call), ``{credential}``, ``{scope}`` and
    ``{said}`` (what Qonto answered).
    """

    action: Action
    error: type[ApiError]
    words: str


_BAD_REQUEST = (
    "Qonto did not accept the request for {what}: {said}. "
    "Correct the setting that it names, most often in supplier_invoices_filter."
)
_SERVER = (
    "Qonto could not answer the request for {what}: {said}. "
    "Run the tap again later; it goes on where it stopped."
)

POLICIES: dict[int, Policy] = {
    400: Policy(Action.FAIL, ApiError, _BAD_REQUEST),
    401: Policy(
        Action.RENEW,
        RefusedError,
        "Qonto refused {credential} on the request for {what}: {said}. "
        "Check that it is complete, not revoked, and belongs to this host.",
    ),
    403: Policy(
        Action.FAIL,
        RefusedError,
        "Qonto does not let {credential} read {what}: {said}. "
        "The scope {scope} may be missing, or the plan of the organization or the "
        "role of the member does not include it.",
    ),
    404: Policy(
        Action.FAIL,
        NotFoundError,
        "Qonto has nothing for {what}: {said}. Check api_url.",
    ),
    422: Policy(Action.FAIL, ApiError, _BAD_REQUEST),
    429: Policy(
        Action.RETRY,
        ApiError,
        "Qonto's rate limit holds off the request for {what}: {said}. Another program "
        "on the same address may use it up: lower rate_limits or run them in turn.",
    ),
    500: Policy(Action.RETRY, ApiError, _SERVER),
    502: Policy(Action.RETRY, ApiError, _SERVER),
    503: Policy(Action.RETRY, ApiError, _SERVER),
    504: Policy(Action.RETRY, ApiError, _SERVER),
}
_OTHER_SERVER = Policy(Action.RETRY, ApiError, _SERVER)
_OTHER = Policy(
    Action.FAIL,
    ApiError,
    "Qonto answered the request for {what} in an unexpected way: {said}. Check api_url.",
)
_SERVER_ERRORS = 500

NOT_JSON = (
    "The answer to the request for {what} is {kind}, not JSON. In the sandbox this "
    "means that staging_token is missing or wrong; otherwise api_url is not Qonto's, "
    "or a proxy stands between."
)


def policy_for(status: int) -> Policy:
    """Return the policy for an HTTP status that is no success."""
    return POLICIES.get(status) or (_OTHER_SERVER if status >= _SERVER_ERRORS else _OTHER)


@dataclass(frozen=True)
class Fault:
    """What the body of an error answer said; any part can be missing.

    Attributes:
        code: Qonto's word for the error, such as ``not_in_list``.
        detail: Qonto's sentence.
        source: The parameter or pointer that it complains about.
        trace_id: What Qonto's support asks for.
    """

    status: int
    code: str | None = None
    detail: str | None = None
    source: str | None = None
    trace_id: str | None = None

    def __str__(self) -> str:
        """Say it in words, for use inside a sentence."""
        facts = [f"HTTP {self.status}"]
        facts += [f"code {self.code}"] if self.code else []
        facts += [f"parameter {self.source}"] if self.source else []
        facts += [f"trace id {self.trace_id}"] if self.trace_id else []
        detail = " ".join((self.detail or "no reason given").split()).rstrip(".")
        return f"{detail} ({', '.join(facts)})"


def read_fault(status: int, body: bytes, headers: Mapping[str, str]) -> Fault:
    """Read any of the forms in which Qonto reports errors.

    A list of errors, one error as an object, a flat object, a bare message of the
    gateway, plain text, nothing at all (Qonto's page "Errors", and observed).

    Args:
        status: HTTP status of the answer.
        body: The answer's body.
        headers: The answer's headers, case-insensitive.
    """
    trace_id = headers.get("X-Tyk-Trace-Id")
    try:
        parsed = json.loads(body)
    except ValueError:
        is_text = headers.get("Content-Type", "").startswith("text/plain")
        text = body.decode("utf-8", "replace").strip()[:200] if is_text else None
        return Fault(status, detail=text or None, trace_id=trace_id)
    if not isinstance(parsed, dict):
        return Fault(status, trace_id=trace_id)
    errors = parsed.get("errors", parsed)
    first = errors[0] if isinstance(errors, list) and errors else errors
    if not isinstance(first, dict):
        first = {"detail": first} if isinstance(first, str) else {}
    return Fault(
        status,
        code=_text(first.get("code")),
        detail=_text(first.get("detail") or first.get("message")),
        source=_source(first.get("source")),
        trace_id=trace_id or _text(parsed.get("trace_id")),
    )


def _source(source: Any) -> str | None:
    if isinstance(source, dict):
        return _text(source.get("parameter") or source.get("pointer"))
    return _text(source)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
