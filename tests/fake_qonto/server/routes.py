"""The API host's endpoints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.fake_qonto.files.contents import Held
from tests.fake_qonto.files.store import serve_with_urls
from tests.fake_qonto.lists.answers import list_rows, retrieve_row
from tests.fake_qonto.lists.table import NotHereError
from tests.fake_qonto.server.answers import Answer, Refusal, json_bytes, text_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fake_qonto.lists.facts import Endpoint
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World

    Call = Callable[[World, Params, str], bytes]


def retrieve_attachment(world: World, _: Params, key: str) -> bytes:
    """``GET /v2/attachments/{id}``: the metadata, with URLs that are good for a while."""
    return json_bytes({"attachment": serve_with_urls(world, key)})


def list_attachments(world: World, _: Params, key: str) -> bytes:
    """``GET /v2/transactions/{id}/attachments``: those that exist, with URLs."""
    named = world.table("transactions").row(key)["attachment_ids"]
    files = [serve_with_urls(world, each) for each in named if each in world.files]
    return json_bytes({"attachments": files})


def certify_iban(world: World, params: Params, key: str) -> bytes:
    """``GET /v2/bank_accounts/{id}/iban_certificate``: a PDF that differs at each call."""
    row = world.table("bank_accounts").row(key)
    locale = dict(params).get("locale", "fr")
    if locale not in {"en", "fr", "it", "de", "es", "pt", "nl"}:
        raise Refusal(400, "invalid_format", f"{locale} is not a locale", parameter="locale")
    if row["status"] != "active" or row["_external"]:
        raise Refusal(422, "unprocessable_entity", "the account has no certificate")
    return world.made_file(key, [str(row["iban"]), row["name"], locale])


def prove_transfer(world: World, _: Params, key: str) -> bytes:
    """``POST /v2/sepa/transfers/{id}/download_proof``: a PDF that differs at each call."""
    row = world.table("transfers").row(key)
    if row["status"] != "settled":
        raise Refusal(422, "unprocessable_entity", "the transfer is not completed")
    return world.made_file(key, [str(row["amount"]), row["reference"]])


# Path, scope, endpoint: files that are made for each call, by method.
FILE_ROUTES: dict[str, tuple[re.Pattern[str], str, Call]] = {
    "GET": (
        re.compile(r"/v2/bank_accounts/([^/]+)/iban_certificate"),
        "organization.read",
        certify_iban,
    ),
    "POST": (
        re.compile(r"/v2/sepa/transfers/([^/]+)/download_proof"),
        "payment.write",
        prove_transfer,
    ),
}
# Path, scope, endpoint.
ROUTES: tuple[tuple[re.Pattern[str], str, Call], ...] = (
    (re.compile(r"/v2/attachments/([^/]+)"), "attachment.read", retrieve_attachment),
    (
        re.compile(r"/v2/transactions/([^/]+)/attachments"),
        "organization.read",
        list_attachments,
    ),
)


def answer_api(
    world: World,
    method: str,
    path: str,
    params: Params,
    headers: Mapping[str, str],
) -> Answer:
    """Answer a request to the API host.

    Raises:
        Refusal: It is answered with an error.
    """
    try:
        pattern, scope, call = FILE_ROUTES.get(method, FILE_ROUTES["GET"])
        if method in FILE_ROUTES and (match := pattern.fullmatch(path)):
            check_credential(world, headers.get("authorization"), scope)
            return Answer(200, Held(call(world, params, match[1])), "application/pdf")
        if method != "GET":
            return text_answer("404 page not found\n", 404)
        for facts in world.facts.values():
            if match := facts.pattern.fullmatch(path):
                authorize(world, headers.get("authorization"), facts)
                parent = match.groupdict().get("parent")
                return Answer(200, Held(list_rows(world, facts, params, parent)))
        for facts in world.facts.values():
            match = re.fullmatch(facts.pattern.pattern + "/([^/]+)", path)
            if match and facts.single is not None:
                authorize(world, headers.get("authorization"), facts)
                return Answer(200, Held(retrieve_row(world, facts, params, match[1])))
        for pattern, scope, call in ROUTES:
            if match := pattern.fullmatch(path):
                check_credential(world, headers.get("authorization"), scope)
                return Answer(200, Held(call(world, params, match[1])))
    except NotHereError:
        raise Refusal(404, "not_found", "Resource not found") from None
    return text_answer("404 page not found\n", 404)


def authorize(world: World, given: str | None, facts: Endpoint) -> None:
    """Check who asks for a list, and whether they may.

    Raises:
        Refusal: 401 or 403.
    """
    settings = world.settings
    is_key = given == f"{world.credentials.login}:{world.credentials.secret_key}"
    if is_key and (facts.auth == "oauth" or facts.name in settings.refuses_keys):
        raise Refusal(401, "unauthorized", "Authentication failed")
    check_credential(world, given, facts.scope)
    if facts.name in settings.forbidden:
        raise Refusal(403, "forbidden", "Forbidden")


def check_credential(world: World, given: str | None, scope: str) -> None:
    """Check who asks, and whether they may.

    Raises:
        Refusal: 401 or 403, or 400 where the endpoint says so for a missing header.
    """
    if not world.settings.require_auth:
        return
    if not given:
        if world.settings.missing_auth_status == 400:
            raise Refusal(400, "bad_request", "Authorization field missing")
        raise Refusal(401, "authorization_header_missing", "Authorization header is missing")
    who = world.credentials
    if given == f"{who.login}:{who.secret_key}":
        return
    token = world.tokens.access.get(given.removeprefix("Bearer "))
    if not given.startswith("Bearer ") or token is None or world.now() > token.expires_at:
        raise Refusal(401, "unauthorized", "Invalid or expired credentials")
    if scope not in token.scope.split():
        raise Refusal(403, "forbidden", f"missing required oauth scope: {scope}")
