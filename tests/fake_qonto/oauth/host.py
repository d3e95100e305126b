"""The OAuth host's endpoints: the page that a person authorises on, and the token endpoint."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from tests.fake_qonto.oauth.tokens import GrantError, refuse
from tests.fake_qonto.server.answers import Answer, json_answer, text_answer

if TYPE_CHECKING:
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World

AUTHORIZE_PATH = "/oauth2/auth"
TOKEN_PATH = "/oauth2/token"
HTML = "text/html; charset=utf-8"


def answer_oauth(world: World, method: str, path: str, params: Params, body: str) -> Answer:
    """Answer a request to the OAuth host."""
    form = dict(parse_qsl(body, keep_blank_values=True))
    if (method, path) == ("POST", TOKEN_PATH):
        try:
            answer = json_answer(_token(world, form))
        except GrantError as refused:
            answer = json_answer(refused.body(), refused.status)
        answer.headers |= {"Cache-Control": "no-store", "Pragma": "no-cache"}
        return answer
    if path == AUTHORIZE_PATH and method in {"GET", "POST"}:
        return _authorize(world, dict(params), form.get("decision") if method == "POST" else None)
    return text_answer("404 page not found\n", 404)


def _token(world: World, form: dict[str, str]) -> dict[str, object]:
    """Answer either grant; credentials count in the form alone."""
    book, now, settings = world.tokens, world.now(), world.settings
    client_id = form.get("client_id", "")
    if not client_id or book.clients.get(client_id) != form.get("client_secret"):
        refuse(
            "invalid_client",
            "Client authentication failed (e.g., unknown client, no client authentication"
            " included, or unsupported authentication method).",
            401,
        )
    grant = form.get("grant_type")
    if grant == "refresh_token":
        return book.use_refresh_token(form.get("refresh_token", ""), client_id, now, settings)
    if grant != "authorization_code":
        refuse("unsupported_grant_type", "The grant type is not supported.")
    # A code is good for one attempt.
    code = book.codes.pop(form.get("code", ""), None)
    if code is None or code.client_id != client_id or now > code.expires_at:
        refuse("invalid_grant", "The authorization code is unknown, used or expired.")
    if form.get("redirect_uri") != code.redirect_uri:
        refuse("invalid_grant", "The redirect_uri is not the one of the code.")
    if code.challenge is not None and code.challenge != challenge(form.get("code_verifier", "")):
        refuse("invalid_grant", "The PKCE code verifier does not match the challenge.")
    return book.grant(code, now, settings, refresh=True)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _authorize(world: World, asked: dict[str, str], decision: str | None) -> Answer:
    client_id, target = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if client_id not in world.tokens.clients:
        return _page("The client is unknown.", 401)
    if target not in world.settings.redirect_uris:
        # Never redirect to an address that the client did not register.
        return _page("The redirect_uri does not match any registered one.", 400)
    try:
        _check(world, asked)
        if world.settings.auto_approve:
            decision = "approve"
        if decision is None:
            return _consent(asked)
        if decision != "approve":
            refuse("access_denied", "The resource owner denied the request.")
    except GrantError as refused:
        return _redirect(target, refused.body() | {"state": asked.get("state", "")})
    code = world.tokens.new_code(
        client_id,
        asked["scope"],
        world.now(),
        target,
        asked.get("code_challenge"),
    )
    return _redirect(target, {"code": code, "scope": asked["scope"], "state": asked["state"]})


def _check(world: World, asked: dict[str, str]) -> None:
    if asked.get("response_type") != "code":
        refuse("unsupported_response_type", "The response_type must be code.")
    if not asked.get("state"):
        refuse("invalid_state", "The state is missing.")
    if not asked.get("scope"):
        refuse("invalid_scope", "The scope is missing.")
    allowed = world.settings.scopes.split()
    for scope in asked["scope"].split():
        if scope not in allowed:
            problem = f"The OAuth 2.0 Client is not allowed to request scope '{scope}'."
            refuse("invalid_scope", problem)
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        refuse("invalid_request", "The code_challenge_method must be S256.")


def _redirect(target: str, answer: dict[str, str]) -> Answer:
    page = _page("Back to the application.", 303)
    page.headers["Location"] = f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}"
    return page


def _consent(asked: dict[str, str]) -> Answer:
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in asked["scope"].split())
    return _page(
        f"<b>{escape(asked['client_id'])}</b> asks for access to your organization:"
        f"<ul>{scopes}</ul>"
        f'<form method="post" action="{AUTHORIZE_PATH}?{escape(urlencode(asked))}">'
        '<button id="approve" name="decision" value="approve">Approve</button>'
        '<button id="deny" name="decision" value="deny">Deny</button></form>',
        200,
    )


def _page(text: str, status: int) -> Answer:
    page = f"<!DOCTYPE html>\n<html><head><title>Qonto</title></head><body>{text}</body></html>\n"
    return text_answer(page, status, HTML)
