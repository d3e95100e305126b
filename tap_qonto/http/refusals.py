"""What an answer that is no success means: what is done with it, and the words for the user.

`POLICIES` is the whole policy for HTTP statuses, from Qonto's page "Errors".
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import json_text, timestamps
from tap_qonto.errors import ApiError, Fault, NotFoundError, RefusedError, TapQontoError
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError
from tap_qonto.http.transport import is_page, not_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests


class Action(enum.Enum):
    """What the session does with an answer."""

    FAIL = enum.auto()
    RETRY = enum.auto()
    RENEW = enum.auto()


class Policy(NamedTuple):
    """What is done with a status, and the words for the user.

    The words may use ``{what}`` (the call), ``{credential}``, ``{scope}``, ``{proxy}``
    and ``{said}`` (what Qonto answered).
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
    "Run the tap again later; it continues where it stopped."
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
    407: Policy(
        Action.FAIL,
        ApiError,
        "The proxy {proxy} asks for a login on the request for {what}: {said}. "
        "Write user and password into HTTPS_PROXY.",
    ),
    408: Policy(Action.RETRY, ApiError, _SERVER),
    422: Policy(Action.FAIL, ApiError, _BAD_REQUEST),
    425: Policy(Action.RETRY, ApiError, _SERVER),
    429: Policy(
        Action.RETRY,
        ApiError,
        "Qonto's rate limit blocks the request for {what}: {said}. Another program "
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
_SERVER_ERRORS, _GATEWAY_TIMEOUT, _TOO_MANY = 500, 504, 429
_KEY_REFUSED = (
    "Qonto refused {credential} on the request for {what}: {said}. "
    "Qonto may give this to OAuth apps alone."
)
"""In place of the words for 401, where the sources disagree whether a key is enough."""


def policy_for(status: int) -> Policy:
    """Return the policy for an HTTP status that is no success."""
    return POLICIES.get(status) or (_OTHER_SERVER if status >= _SERVER_ERRORS else _OTHER)


def read(  # noqa: PLR0913 - each is one fact of the call
    response: requests.Response,
    *,
    what: str,
    scope: str,
    credential: str,
    proxy: str | None,
    may_refuse_keys: bool,
) -> TapQontoError | TransientError:
    """Turn an answer that is no success into what the policy says.

    Args:
        response: The answer.
        what: What was asked for, in words.
        scope: The OAuth scope that the call needs.
        credential: The credential in words.
        proxy: The proxy on the way, if there is one.
        may_refuse_keys: Whether a 401 may be about the call and not about the credential.
    """
    status = response.status_code
    policy = policy_for(status)
    if policy.action is not Action.RETRY and is_page(response):
        # The API never answers so, but firewalls and proxies do.
        return not_json(response, what)
    fault = read_fault(status, response.content, response.headers)
    is_about_call = may_refuse_keys and policy.action is Action.RENEW
    words = (_KEY_REFUSED if is_about_call else policy.words).format(
        what=what,
        said=fault,
        scope=scope,
        credential=credential,
        proxy=proxy or "before Qonto",
    )
    failure = policy.error(words, status, fault)
    if policy.action is Action.RETRY:
        wait = retries.retry_after(
            response.headers.get("Retry-After"),
            timestamps.of_header(response.headers.get("Date")),
        )
        is_cut = status == _GATEWAY_TIMEOUT
        return TransientError(failure, wait, limited=status == _TOO_MANY, is_cut=is_cut)
    failure.is_final = policy.action is Action.RENEW and not is_about_call
    return failure


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
        parsed = json_text.parse(body)
    except ValueError:
        is_text = headers.get("Content-Type", "").startswith("text/plain")
        text = json_text.clean(body.decode("utf-8", "replace").strip()[:200]) if is_text else None
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
