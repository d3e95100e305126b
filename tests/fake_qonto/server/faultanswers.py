"""The answers that faults put in the place of the right one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fake_qonto.files.signing import expired
from tests.fake_qonto.server.answers import (
    CODES,
    Answer,
    Refusal,
    error_answer,
    json_answer,
    login_page,
    s3_error,
    text_answer,
)

if TYPE_CHECKING:
    from tests.fake_qonto.server.faults import Fault
    from tests.fake_qonto.world import World

# Faults that leave a request without any answer.
NO_ANSWER = frozenset({"reset", "close"})


def substitute(fault: Fault, world: World, trace_id: str) -> Answer | None:
    """Return a fault's own answer; None when it spoils the right one or delays it."""
    if fault.kind == "status":
        return _status(fault, world, trace_id)
    if fault.kind == "html":
        return login_page()
    if fault.kind == "expired":
        now, lifetime = world.now(), world.settings.url_lifetime
        return expired(lifetime, now - timedelta(seconds=lifetime + 1), now)
    if fault.kind == "redirect":
        answer = text_answer("", 302)
        answer.headers["Location"] = fault.location or "/"
        return answer
    if fault.kind == "raw":
        return text_answer(fault.body or "", fault.status, fault.content_type or "text/plain")
    return None


def _status(fault: Fault, world: World, trace_id: str) -> Answer:
    code, detail = CODES.get(fault.status, ("error", "Something went wrong"))
    if fault.body is not None:
        answer = text_answer(fault.body, fault.status, fault.content_type or "application/json")
    elif fault.host == "files":
        name = {503: "SlowDown", 500: "InternalError", 403: "AccessDenied"}.get(fault.status, code)
        answer = s3_error(fault.status, name, detail)
    elif fault.host == "oauth":
        error = {"error": "server_error" if fault.status >= 500 else "invalid_request"}
        answer = json_answer(error | {"error_description": detail}, fault.status)
    else:
        refusal = Refusal(fault.status, code, detail)
        answer = error_answer(refusal, trace_id, world.settings.error_style)
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer
