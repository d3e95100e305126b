"""The ASGI application: one for both ports, from the request's arrival to its answer."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from tests.fake_qonto.control.remote import call
from tests.fake_qonto.files.host import answer_file
from tests.fake_qonto.oauth.host import AUTHORIZE_PATH, answer_oauth
from tests.fake_qonto.server.answers import (
    CODES,
    Answer,
    Refusal,
    error_answer,
    json_bytes,
    login_page,
    new_trace_id,
    text_answer,
)
from tests.fake_qonto.server.delivery import deliver
from tests.fake_qonto.server.faultanswers import NO_ANSWER, substitute
from tests.fake_qonto.server.routes import answer_api

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.fake_qonto.control.control import Control
    from tests.fake_qonto.server.faults import Fault
    from tests.fake_qonto.server.requestlog import Entry
    from tests.fake_qonto.world import World

STAGING_HEADER = "X-Qonto-Staging-Token"


class FakeApp:
    """Answers for all hosts; the port and the path tell which one is meant."""

    def __init__(self, world: World, control: Control, files_port: int) -> None:
        """Serve a world."""
        self.world = world
        self.control = control
        self.files_port = files_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if scope["path"].startswith("/_fake/"):
            response = await self._control(request)
            await response(scope, receive, send)
            return
        host = self._host(scope)
        body = (await request.body()).decode("utf-8", "replace")
        world = self.world
        connection = scope["fake.connection"]
        with world.lock:
            log = world.log
            entry = log.start(
                host=host,
                method=request.method,
                path=scope["path"],
                query=[list(pair) for pair in request.query_params.multi_items()],
                headers=connection.raw_headers(),
                started=world.now().timestamp(),
                body=body,
            )
        try:
            answer, fault = await self._answer(entry)
            if answer is not None:
                entry.status = answer.status
                now = format_datetime(world.now(), usegmt=True)
                answer.headers.setdefault("Date", now)
            await deliver(answer, fault, connection, receive, send)
        except asyncio.CancelledError:
            # The server stops and has ended this connection: nobody waits any more.
            return
        finally:
            log.end(entry, world.now().timestamp())

    def _host(self, scope: Scope) -> str:
        if scope["server"][1] == self.files_port:
            return "files"
        return "oauth" if scope["path"].startswith("/oauth2/") else "api"

    async def _control(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            result = call(self.control, asked["method"], asked.get("args"), asked.get("kwargs"))
            body, status = json_bytes({"result": result}), 200
        except Exception as error:  # noqa: BLE001 - the caller is told, whatever it is
            body, status = json_bytes({"error": f"{type(error).__name__}: {error}"}), 400
        return Response(body, status, media_type="application/json")

    async def _answer(self, entry: Entry) -> tuple[Answer | None, Fault | None]:
        world = self.world
        limited: Answer | None = None
        rows = next((value for name, value in entry.query if name == "per_page"), "")
        with world.lock:
            if entry.host == "api":
                limited = self._limit()
            fault = (
                None
                if limited
                else world.faults.pick(entry.host, entry.path, int(rows) if rows.isdecimal() else 0)
            )
        settings = world.settings
        latency = settings.file_latency if entry.host == "files" else settings.latency
        if entry.host == "oauth":
            latency = 0.0
        if fault is not None and fault.kind != "trickle":
            latency += fault.delay
        if latency:
            await asyncio.sleep(latency)
        with world.lock:
            if entry.host == "api":
                world.before_api_request(entry)
            answer = limited or self._evaluate(entry, fault)
            if entry.host == "api":
                if answer is not None and answer.status == HTTPStatus.UNAUTHORIZED:
                    world.limiter.count_unauthorized(world.clock.elapsed())
                for operation in world.due_operations():
                    self.control.apply(operation)
        return answer, fault

    def _limit(self) -> Answer | None:
        world = self.world
        settings = world.settings
        wait = world.limiter.wait(
            settings.rate_limits,
            settings.max_unauthorized,
            world.clock.elapsed(),
        )
        if wait is None:
            return None
        trace_id = new_trace_id()
        if settings.rate_limit_body == "json":
            refusal = Refusal(429, *CODES[429])
            answer = error_answer(refusal, trace_id, settings.error_style)
        else:
            answer = text_answer("API rate limit exceeded\n", 429)
        answer.headers["X-Tyk-Trace-Id"] = trace_id
        if settings.retry_after == "seconds":
            answer.headers["Retry-After"] = str(ceil(wait))
        elif settings.retry_after == "date":
            moment = world.now() + timedelta(seconds=ceil(wait))
            answer.headers["Retry-After"] = format_datetime(moment, usegmt=True)
        return answer

    def _evaluate(self, entry: Entry, fault: Fault | None) -> Answer | None:
        trace_id = new_trace_id()
        if fault is not None and fault.kind in NO_ANSWER:
            return None
        answer = substitute(fault, self.world, trace_id) if fault is not None else None
        if answer is None:
            try:
                answer = self._right(entry)
            except Refusal as refusal:
                answer = error_answer(refusal, trace_id, self.world.settings.error_style)
        if entry.host == "api":
            answer.headers.setdefault("X-Tyk-Trace-Id", trace_id)
        return answer

    def _right(self, entry: Entry) -> Answer:
        world = self.world
        token = world.settings.staging_token
        # Other capitals than these are not normalised: they count as no header. The
        # page that a person authorises on is reached by a browser, past the gate.
        gated = token is not None and entry.path != AUTHORIZE_PATH
        if gated and entry.headers.get(STAGING_HEADER) != token:
            return login_page(world.settings.staging_gate_status, world.settings.login_url)
        headers = {name.lower(): value for name, value in entry.headers.items()}
        params = [(name, value) for name, value in entry.query]
        if entry.host == "files":
            return answer_file(world, entry.method, entry.path, params, headers)
        if entry.host == "oauth":
            return answer_oauth(world, entry.method, entry.path, params, entry.body)
        return answer_api(world, entry.method, entry.path, params, headers)
